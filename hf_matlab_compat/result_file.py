"""The file of a result: written by `Result.save`, read by `load`; or a checkpoint and its sidecar in its place."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import fields
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from hf_matlab_compat.errors import CheckpointError, OptionError
from hf_matlab_compat.matlab.files.atomic_file import atomic_file
from hf_matlab_compat.matlab.files.checkpoint import read_checkpoint, read_description
from hf_matlab_compat.matlab.files.npz_file import joined_values, read_described, split_values, write_described
from hf_matlab_compat.model.network import Network, build_network
from hf_matlab_compat.model.units import UNITS, name_of
from hf_matlab_compat.options import Options
from hf_matlab_compat.preflight.description import plain_settings
from hf_matlab_compat.rnn.kinds import Parts, rebuilt
from hf_matlab_compat.rnn.plants import PLANTS
from hf_matlab_compat.rnn.sequence_model import TrainedModel
from hf_matlab_compat.state import Outcome, Records, State

_TEXT = "result"
_LOSSES = ("matching", "squared")
_LOSSES_OF_KINDS = (*_LOSSES, "ctc", "control cost")
Path = str | os.PathLike[str]


class Own(NamedTuple):
    """The caller's own objects, of which a file has only the names; as `result.load` takes them."""

    unit_types: Sequence[Any] | None = None
    loss: Any = None
    plant: Any = None


class Saved(NamedTuple):
    """The content of a file.

    Attributes
    ----------
    state : State
        On the host.
    network : Network or None
    options : Options
    history : dict of str to arrays
        As `Result.history`.
    others : dict of str to object
        Further attributes of `Result`.
    sequences : TrainedModel or None
    """

    state: State
    network: Network | None
    options: Options
    history: dict[str, NDArray[Any]]
    others: dict[str, Any]
    sequences: TrainedModel | None = None


def write_result(path: Path, saved: Saved) -> None:
    """Write a result into one file, whole or not at all; an existing file is replaced.

    Raises
    ------
    OSError
        The file cannot be written.
    CheckpointError
        The memory of the method holds a value that no file can keep.
    """
    text, arrays = _taken_apart(saved)
    with atomic_file(path) as stream:
        write_described(stream, _TEXT, text, arrays)


def read_result(path: Path, own: Own) -> Saved:
    """Read the file of a result, or a checkpoint with its sidecar; see `result.load`.

    Raises
    ------
    CheckpointError
        There is no such file, or it is damaged or another one.
    OptionError
        The units, the loss or the plant are not those that were trained.
    """
    if not is_result(path):
        return _of_checkpoint(path, own)
    with _undamaged(path):
        text, arrays = read_described(path, _TEXT)
        return _put_together(text, arrays, own)


def saved_states(path: Path) -> dict[str, State]:
    """Read the states of a file that `Result.save` wrote: 'state', and 'best' and 'average' where they were kept.

    The units and the loss need not be known.

    Raises
    ------
    CheckpointError
        It is damaged.
    """
    with _undamaged(path):
        text, arrays = read_described(path, _TEXT)
        states = {name: _state_put_together(told, arrays, None) for name, told in text["states"].items()}
        return {"state": states["state"], **states}


def saved_settings(path: Path) -> dict[str, Any]:
    """Read the options of a file that `Result.save` wrote, as plain values.

    Raises
    ------
    CheckpointError
        It is damaged.
    """
    with _undamaged(path):
        return read_described(path, _TEXT)[0]["settings"]


def is_result(path: Path) -> bool:
    """Return whether `Result.save` wrote this file, from its first bytes and its list of members."""
    try:
        with zipfile.ZipFile(path) as archive:
            return f"{_TEXT}.json" in archive.namelist()
    except Exception:  # zipfile raises errors of many classes for a damaged archive, or a file that is none
        return False


@contextmanager
def _undamaged(path: Path) -> Iterator[None]:
    try:
        yield
    except OptionError:
        raise
    except Exception as error:  # a damaged text may hold any value in place of a mapping
        raise CheckpointError(
            f"{os.fspath(path)}: expected a file that Result.save wrote, got a damaged one. Take another copy."
        ) from error


def _taken_apart(saved: Saved) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    network, others = saved.network, saved.others
    history = {name: c.astype(str) if c.dtype.kind == "O" else c for name, c in saved.history.items()}
    columns, arrays = split_values(history, "history")
    text: dict[str, Any] = {
        "format": 1,
        "outcome": others["outcome"].name,
        "interrupted": others["interrupted"],
        "reason": others["reason"],
        "settings": plain_settings(saved.options),
        "history": columns,
        "network": None,
        "states": {},
    }
    if network is not None:
        units = [unit.name for unit in network.units]
        text["network"] = {"sizes": list(network.sizes), "unit_types": units}
    if saved.sequences is not None:
        text["sequences"] = saved.sequences.described()
    for name, state in (("state", saved.state), *((n, others[n]) for n in ("best", "average"))):
        if state is not None:
            text["states"][name], of_state = _state_taken_apart(state, name)
            arrays |= of_state
    return text, arrays


def _state_taken_apart(state: State, prefix: str) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    memory, arrays = split_values(state.memory, f"{prefix}_memory")
    figures, of_records = split_values({"theta": state.theta, **vars(state.records)}, prefix)
    return {"epoch": state.epoch, "memory": memory, "figures": figures}, arrays | of_records


def _put_together(text: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]], own: Own) -> Saved:
    options, network = _described_network(text["settings"], text["network"] or {}, own)
    states = {name: _state_put_together(told, arrays, network) for name, told in text["states"].items()}
    others = {
        "outcome": Outcome[text["outcome"]],
        "interrupted": bool(text["interrupted"]),
        "reason": str(text["reason"]),
        "best": states.get("best"),
        "average": states.get("average"),
    }
    sequences = _described_sequences(text, own)
    if sequences is not None and states["state"].theta.size != sequences.net.num_parameters:
        raise ValueError("not the parameters of this net")
    return Saved(states["state"], network, options, joined_values(text["history"], arrays), others, sequences)


def _state_put_together(told: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]], network: Network | None) -> State:
    figures = joined_values(told["figures"], arrays)
    theta = figures.pop("theta")
    if theta.ndim != 1 or theta.dtype.kind != "f" or (network and theta.size != network.num_parameters):
        raise ValueError("not the parameters of this network")
    if any(len(column) != told["epoch"] for column in figures.values()):
        raise ValueError("not the records of these epochs")
    return State(
        theta=theta, memory=joined_values(told["memory"], arrays), epoch=int(told["epoch"]), records=Records(**figures)
    )


def _of_checkpoint(path: Path, own: Own) -> Saved:
    state, run = read_checkpoint(path), read_description(path)
    if "settings" not in run:
        raise CheckpointError(
            f"{os.fspath(path)}: expected a file that Result.save wrote, or a checkpoint with its sidecar, which "
            "describes the layers, got a checkpoint without. Copy its sidecar too."
        )
    options, network = _described_network(run["settings"], run, own)
    records = state.records
    history = {"epoch": np.arange(1, state.epoch + 1), "seconds": records.seconds, "lam": records.lam}
    for column, which in enumerate(("train", "test")):
        history[f"{which}_log_likelihood"] = records.log_likelihood[:, column]
        history[f"{which}_error"] = records.error[:, column]
    others = {"outcome": Outcome.UNKNOWN}
    return Saved(state, network, options, history, others, _described_sequences(run, own))


def _described_network(
    settings: Mapping[str, Any], layers: Mapping[str, Any], own: Own
) -> tuple[Options, Network | None]:
    # return options and network from plain values, with the user's objects in place of their names
    known = {each.name for each in fields(Options)}
    plain = {name: value for name, value in settings.items() if name in known}
    if "sizes" not in layers:
        return Options(**plain), None
    plain["loss"] = _own("loss", plain["loss"], own.loss, _LOSSES)
    units = _units(layers["unit_types"], own.unit_types)
    return Options(**plain), build_network(layers["sizes"], units, plain["loss"], plain["error_measure"])


def _described_sequences(text: Mapping[str, Any], own: Own) -> TrainedModel | None:
    """Return the model of a description; None without one, or for a kind that is not known here."""
    told = text.get("sequences")
    if told is None:
        return None
    loss, plant = _own("loss", told["loss"], own.loss, _LOSSES_OF_KINDS), None
    if "plant" in told:
        plant = _own("plant", told["plant"], own.plant, PLANTS if told["plant_settings"] is not None else ())
    return rebuilt(told, Parts(_units(told["unit_types"], own.unit_types), loss, plant))


def _units(names: Sequence[str], unit_types: Sequence[Any] | None) -> list[Any]:
    if unit_types is not None and len(unit_types) != len(names):
        got = f"{len(unit_types)}"
        raise OptionError("unit_types", expected=f"{len(names)}, one for each layer above the inputs", got=got)
    given = unit_types or [None] * len(names)
    return [_own("unit_types", name, unit, UNITS) for name, unit in zip(names, given, strict=True)]


def _own(argument: str, name: str, given: Any, built_in: Sequence[str] | Mapping[str, Any]) -> Any:
    # return what was trained under this name: a built-in name, or the object that the user gives again
    if given is None and name in built_in:
        return name
    if given is None or name_of(given) != name or (isinstance(given, str) and name not in built_in):
        got = "none" if given is None else repr(name_of(given))
        advice = f"Call load(path, {argument}=...)." if given is None else ""
        what = repr(name) if name in built_in else f"the object {name!r}, of which the file keeps only the name"
        raise OptionError(argument, expected=what, got=got, advice=advice)
    return given
