"""A trained network from a checkpoint or a saved result; the sidecar of a checkpoint describes its layers."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from hf_matlab_compat.errors import CheckpointError, OptionError
from hf_matlab_compat.matlab.files.checkpoint import find_checkpoint, problem_in_words, read_description
from hf_matlab_compat.matlab.files.checkpoint_conversion import split_layers
from hf_matlab_compat.matlab.files.checkpoint_summary import summarise
from hf_matlab_compat.model.activations import TrainedNetwork, finite_network
from hf_matlab_compat.model.network import build_network
from hf_matlab_compat.model.packing import Layer
from hf_matlab_compat.model.units import UNITS, name_of
from hf_matlab_compat.preflight.layout import unit_instead
from hf_matlab_compat.result import load
from hf_matlab_compat.result_file import is_result


def load_network(
    checkpoint: str | os.PathLike[str],
    hidden_sizes: Sequence[int] | None = None,
    unit_types: Sequence[Any] | None = None,
    num_inputs: int | None = None,
) -> TrainedNetwork:
    """Read the network of a checkpoint, or of a file that `Result.save` wrote.

    Parameters
    ----------
    checkpoint : path-like
        In any format that this package reads.
    hidden_sizes : sequence of int, optional
        s_1 … s_{L-1}; by default those in the sidecar.
    unit_types : sequence of str, optional
        Units of layers 1 … L; by default those in the sidecar.
    num_inputs : int, optional
        s_0, if there is no sidecar; s_L follows from the number of parameters.

    Raises
    ------
    OptionError
        The layers are unknown, or not those of the checkpoint.
    CheckpointError
        It cannot be read, or its parameters are not finite.
    """
    if is_result(checkpoint):
        network = load(checkpoint, unit_types=unit_types).trained_network()
        _agreed("hidden_sizes", hidden_sizes, network.sizes[1:-1], {"sizes": network.sizes})
        return network
    checkpoint = find_checkpoint(checkpoint)
    run = _described(checkpoint)
    sizes = run.get("sizes") or []
    hidden = _agreed("hidden_sizes", hidden_sizes, sizes[1:-1], run)
    units = _agreed("unit_types", unit_types, run.get("unit_types"), run)
    _check_units(units, len(hidden))
    if sizes:
        whole = tuple(sizes)
    elif num_inputs is None:
        raise OptionError("num_inputs", expected="the number of inputs, since there is no sidecar", got="none")
    else:
        whole = _whole(checkpoint, hidden, num_inputs)
    W, b = split_layers(checkpoint, whole)
    layers = tuple(Layer(w.astype(float), c.astype(float)) for w, c in zip(W, b, strict=True))
    return finite_network(build_network(whole, units, "squared", "none"), layers, checkpoint)


def _described(checkpoint: str | os.PathLike[str]) -> Mapping[str, Any]:
    try:
        return read_description(checkpoint)
    except CheckpointError:
        return {}  # another program's file: the caller's arguments describe it


def _agreed(name: str, given: Sequence[Any] | None, described: Any, run: Mapping[str, Any]) -> list[Any]:
    # return what the caller gave, or else what the sidecar says; they must agree
    if given is None:
        if other := problem_in_words(run):
            raise OptionError("checkpoint", expected="one of a feed-forward network", got=f"that of {other}")
        if "sizes" not in run:
            advice = "Copy the sidecar along with the checkpoint, or give this option."
            got = "none, and no sidecar of a network next to the checkpoint"
            raise OptionError(name, expected="the value of the network", got=got, advice=advice)
        return list(described)
    plain = [int(each) if isinstance(each, int | np.integer) else name_of(each) for each in given]
    if "sizes" in run and plain != list(described):
        expected = f"{' '.join(map(str, described)) or 'none'}, as in the run that wrote the file"
        got = " ".join(map(str, plain)) or "none"
        raise OptionError(name, expected=expected, got=got, advice="This option can be left out.")
    return list(given)


def _check_units(units: Sequence[Any], num_hidden: int) -> None:
    unknown = [unit for unit in units if isinstance(unit, str) and unit not in UNITS]
    if unknown or len(units) != num_hidden + 1:
        raise OptionError(
            "unit_types",
            expected=f"{num_hidden + 1} of {', '.join(map(repr, UNITS))}",
            got=repr(list(units)),
            advice=(unit_instead(unknown[0]) if unknown else "")
            or "Give one for each hidden layer and one for the output.",
        )


def _whole(checkpoint: str | os.PathLike[str], hidden: Sequence[int], num_inputs: int) -> tuple[int, ...]:
    fits = summarise(checkpoint, hidden=hidden, inputs=num_inputs).candidates.sizes if hidden else ()
    return tuple(fits[0]) if len(fits) == 1 else (num_inputs, *hidden, _outputs(checkpoint, num_inputs))


def _outputs(checkpoint: str | os.PathLike[str], num_inputs: int) -> int:
    """Return s_L of a network without hidden layers; for others a number that does not fit, which is refused later."""
    return max((summarise(checkpoint).psize or 0) // (num_inputs + 1), 1)
