"""vec, pack, unpack, unpackPARAMS, calcActivations: parameters and activations in MATLAB's shapes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hf_matlab_compat.errors import DataError, OptionError, quoted
from hf_matlab_compat.legacy.arguments import cells, texts
from hf_matlab_compat.model import packing
from hf_matlab_compat.model.units import UNITS

Arrays = list[NDArray[Any]]


def vec(A: ArrayLike) -> NDArray[Any]:
    """Return all elements of `A` in one column, column by column: ``A(:)``."""
    return np.asarray(A).reshape(-1, 1, order="F")


def pack(W: Sequence[ArrayLike], b: Sequence[ArrayLike]) -> NDArray[Any]:
    """Return ``[vec(W{1}); b{1}; vec(W{2}); b{2}; …]``, (P, 1).

    Parameters
    ----------
    W : list of (s_i, s_{i-1}) arrays
        Weights.
    b : list of (s_i, 1) or (s_i,) arrays
        Biases.
    """
    W_parts, b_parts = cells(W), cells(b)
    _require_as_many(W_parts, b_parts)
    return np.concatenate([vec(part) for pair in zip(W_parts, b_parts, strict=True) for part in pair])


def unpack(M: ArrayLike, layersizes: Sequence[int]) -> tuple[Arrays, Arrays]:
    """Return weights and biases from packed parameters.

    Parameters
    ----------
    M : (P, 1) array
        Packed parameters.
    layersizes : sequence of int
        All layers, input and output included.

    Returns
    -------
    W : list of (s_i, s_{i-1}) arrays
    b : list of (s_i, 1) arrays

    Raises
    ------
    DataError
        `M` does not have the length that these layers need.
    OptionError
        There are fewer than two layers.
    """
    theta = np.asarray(M).ravel()
    sizes = [int(size) for size in np.asarray(layersizes).ravel()]
    if len(sizes) < 2:
        raise OptionError("layersizes", expected="the sizes of all layers, input and output included", got=sizes)
    expected = packing.num_parameters(sizes)
    if theta.size != expected:
        raise DataError(
            "M",
            expected=f"{expected} numbers for the layers {' '.join(map(str, sizes))}",
            got=theta.size,
            advice="Here layersizes are the sizes of all layers, input and output included.",
        )
    layers = packing.unpack(theta, sizes)
    return [layer.W.copy() for layer in layers], [layer.b.copy() for layer in layers]


unpackPARAMS = unpack
"""The name of `unpack` in analysis scripts."""


def calcActivations(
    in_: ArrayLike, W: Sequence[ArrayLike], b: Sequence[ArrayLike], layertypes: Sequence[str], startLayer: int = 1
) -> tuple[NDArray[Any], NDArray[Any] | None]:
    """Run `in_` through layers `startLayer` … L.

    Parameters
    ----------
    in_ : (s_{startLayer-1}, N) array
        Input of layer `startLayer`: data, or codes for the decoder half of an autoencoder.
    W : list of arrays
        Weights of all layers.
    b : list of arrays
        Biases of all layers.
    layertypes : list of str
        Of all layers; 'linearSTORE' is a linear layer whose output is returned too.
    startLayer : int
        Counted from 1.

    Returns
    -------
    act : (s_L, N) array
        Output of the last layer.
    stored : (s_i, N) array or None
        Output of the layer of type 'linearSTORE'; None without one.

    Raises
    ------
    OptionError
        A name is unknown, or their number is wrong.
    """
    W_parts, b_parts, types = cells(W), cells(b), texts(layertypes)
    _require_as_many(W_parts, b_parts)
    if len(types) != len(W_parts):
        raise OptionError("layertypes", expected=f"{len(W_parts)} names, as many as W has layers", got=len(types))
    if not 1 <= startLayer <= len(types):
        raise OptionError("startLayer", expected=f"a layer from 1 to {len(types)}", got=startLayer)
    act, stored = np.asarray(in_), None
    for i in range(startLayer - 1, len(types)):
        x = _layer_input(i, np.asarray(W_parts[i]), np.asarray(b_parts[i]), act)
        with np.errstate(over="ignore"):
            act = _unit(types[i]).activate(np, x)
        if types[i] == "linearSTORE":
            stored = act
    return act, stored


def full_sizes(
    layersizes: Any, units: Sequence[str], inputs: int, outputs: int | None = None, psize: int = 0, turned: int = 0
) -> list[int]:
    """Return s_0 … s_L from the hidden sizes, or from all sizes, which are returned unchanged.

    Parameters
    ----------
    layersizes, units, inputs
        The sizes that were given, the units of all layers, and s_0.
    outputs, psize : int
        s_L, or else P, which determines it.
    turned : int
        s_0 if the cases were in rows by mistake.

    Raises
    ------
    DataError
        No s_L gives this number of parameters.
    """
    sizes = [int(size) for size in np.asarray(layersizes).ravel()]
    if len(sizes) == len(units) + 1:
        return sizes
    if outputs is None:
        outputs = _outputs([inputs, *sizes], psize)
    if outputs is not None:
        return [inputs, *sizes, outputs]
    fits_turned = _outputs([turned, *sizes], psize) is not None
    turn = "Cases go in columns; {inputs} seems to have them in rows: transpose it." if fits_turned else ""
    raise DataError(
        "initial_theta",
        expected=f"the parameters of layers {' '.join(map(str, [inputs, *sizes]))} and any number of outputs",
        got=f"{psize} numbers, which fit no such network",
        advice=turn or "Check {hidden_sizes}, and that cases are in columns.",
    )


def _outputs(below: list[int], psize: int) -> int | None:
    """Return s_L from the sizes below it and P; None if none fits."""
    rest, for_each = psize - packing.num_parameters(below), below[-1] + 1
    return rest // for_each if rest > 0 and rest % for_each == 0 else None


def _unit(name: str) -> Any:
    known = {**UNITS, "linearSTORE": UNITS["linear"]}
    if name not in known:
        raise OptionError("layertypes", expected="names from " + ", ".join(map(repr, known)), got=quoted(name))
    return known[name]


def _require_as_many(W: Arrays, b: Arrays) -> None:
    if len(W) != len(b):
        raise DataError("b", expected=f"{len(W)} arrays, as many as W", got=len(b))


def _layer_input(i: int, W: NDArray[Any], b: NDArray[Any], below: NDArray[Any]) -> NDArray[Any]:
    if below.ndim != 2 or W.shape[1:] != below.shape[:1]:
        raise DataError(
            "in_",
            expected=f"{W.shape[-1]} rows at the input of layer {i + 1}",
            got=f"an array of shape {below.shape}",
            advice="Cases go in columns.",
        )
    return W @ below + b.reshape(-1, 1)
