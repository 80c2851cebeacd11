"""Which layers a number of parameters can belong to. It seldom belongs to one network only, and all are said."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from hf_matlab_compat.errors import CheckpointError
from hf_matlab_compat.model.packing import num_parameters

MOST_LISTED = 20
_LARGEST_SEARCH = 20_000_000


@dataclass(frozen=True)
class Candidates:
    """Layer sizes s_0 … s_L that fit.

    Attributes
    ----------
    sizes : tuple of tuple of int
        Up to `MOST_LISTED`: autoencoders (s_0 = s_L) first, then by the smaller of s_0 and s_L.
    total : int
        How many there are.
    searched : str
        Which networks were looked at.
    """

    sizes: tuple[tuple[int, ...], ...]
    total: int
    searched: str


def candidate_sizes(
    psize: int, *, hidden: Sequence[int] = (), inputs: int | None = None, batch_norm: bool = False
) -> Candidates:
    """Layer sizes of networks with `psize` parameters.

    Parameters
    ----------
    psize : int
        Length of ``paramsp``.
    hidden : sequence of int
        Hidden sizes s_1 … s_{L-1}, as ``layersizes`` has them. Without them networks with one hidden layer are looked
        for where `inputs` is given, and else autoencoders (`symmetric_sizes`): any number fits some other one.
    inputs : int, optional
        s_0.
    batch_norm : bool
        Count two more parameters for each unit below the output, as batch-norm forks of the trainer have them.

    Returns
    -------
    Candidates

    Raises
    ------
    CheckpointError
        A size is no whole number above 0.
    """
    known = [*hidden, *(() if inputs is None else (inputs,))]
    if any(int(size) != size or size < 1 for size in known):
        raise CheckpointError(f"layersizes: expected whole numbers above 0, got {list(known)}.")
    if hidden:
        pairs, searched = _ends(psize, [int(h) for h in hidden], batch_norm), f"hidden layers {_row(hidden)}"
    elif inputs is not None:
        pairs, searched = _one_hidden(psize, int(inputs), batch_norm), "one hidden layer"
    elif batch_norm:
        return Candidates((), 0, "nothing: give the hidden sizes, or the number of inputs")
    else:
        return symmetric_sizes(psize)
    if inputs is not None:
        pairs = [sizes for sizes in pairs if sizes[0] == inputs]
        searched = f"{inputs} inputs, {searched}"
    return Candidates(tuple(_in_order(pairs)[:MOST_LISTED]), len(pairs), searched)


def symmetric_sizes(psize: int) -> Candidates:
    """Autoencoders with `psize` parameters whose layers narrow to the middle and widen again as they narrowed.

    Where there are several hidden layers, each has at least 1/`_STEEPEST` of the units of the one outside it. Those
    that narrow most evenly come first. Deep ones are looked for where there are few enough.
    """
    deepest = next(depth for most, depth in _DEEPEST if psize <= most)
    halves = [half for depth in range(1, deepest + 1) for half in _halves(psize, depth)]
    listed = [(*half, *half[-2::-1]) for half in sorted(halves, key=_unevenness)[:MOST_LISTED]]
    depths = " or ".join(str(2 * depth - 1) for depth in range(1, deepest + 1))
    return Candidates(tuple(listed), len(halves), f"autoencoders with {depths} hidden layers")


_STEEPEST = 8
_DEEPEST = ((20_000, 3), (2_000_000, 2), (math.inf, 1))
"""Up to how many parameters so many layers are looked for on each side."""


def _halves(psize: int, depth: int) -> list[tuple[int, ...]]:
    """All (s_0, …, s_depth) of 2·Σ s_i s_{i+1} + s_0 + 2·(s_1 + …) + s_depth = psize."""
    first = np.arange(1, min(math.isqrt(max(psize, 0)), _LARGEST_SEARCH) + 1, dtype=np.int64)
    found = [first]
    for _ in range(depth - 1):  # rows of s_1, s_2, …
        last = found[-1]
        counts = np.maximum(last - 1 - (last - 1) // _STEEPEST, 0)
        starts = np.repeat(np.cumsum(counts) - counts, counts)
        inner = np.repeat((last - 1) // _STEEPEST + 1, counts) + np.arange(counts.sum()) - starts
        found = [*(np.repeat(row, counts) for row in found), inner]
    inside = sum((2 * a * b + 2 * a for a, b in pairwise(found)), np.zeros_like(found[-1])) + found[-1]
    each = 2 * found[0] + 1
    outer = (psize - inside) // each
    fits = ((psize - inside) % each == 0) & (outer > found[0]) & ((outer <= _STEEPEST * found[0]) | (depth == 1))
    return [tuple(map(int, row)) for row in zip(outer[fits], *(row[fits] for row in found), strict=True)]


def _unevenness(half: tuple[int, ...]) -> tuple[float, int]:
    """How far the layers are from narrowing by the same usual factor, 2.5, and how many they are."""
    return sum(abs(math.log(a / b / 2.5)) for a, b in pairwise(half)), len(half)


def full_num_parameters(sizes: Sequence[int], batch_norm: bool = False) -> int:
    """Parameters of a network, those of batch normalisation below the output included."""
    return num_parameters(sizes) + 2 * sum(sizes[:-1]) * batch_norm


def _ends(psize: int, hidden: list[int], batch_norm: bool) -> list[tuple[int, ...]]:
    """All (s_0, hidden, s_L): s_0·first + s_L·last = rest."""
    first, last = hidden[0] + 2 * batch_norm, hidden[-1] + 1
    rest = psize - num_parameters([0, *hidden]) - 2 * batch_norm * sum(hidden)
    step = last // math.gcd(first, last)
    start = next((s for s in range(1, min(step, _LARGEST_SEARCH) + 1) if (rest - s * first) % last == 0), None)
    if start is None:
        return []
    stop = min((rest - last) // first + 1, _LARGEST_SEARCH)
    return [(s, *hidden, (rest - s * first) // last) for s in range(start, stop, step)]


def _one_hidden(psize: int, inputs: int, batch_norm: bool) -> list[tuple[int, ...]]:
    """All (s_0, h, s_L): h·each + s_L·(h + 1) = rest."""
    each = inputs + 1 + 2 * batch_norm
    rest = psize - 2 * inputs * batch_norm
    h = np.arange(1, max(min(rest // each, _LARGEST_SEARCH), 0) + 1, dtype=np.int64)
    left = rest - h * each
    fits = (left > 0) & (left % (h + 1) == 0)
    return [(inputs, int(a), int(b)) for a, b in zip(h[fits], left[fits] // (h[fits] + 1), strict=True)]


def _in_order(found: list[tuple[int, ...]]) -> list[tuple[int, ...]]:
    return sorted(found, key=lambda sizes: (sizes[0] != sizes[-1], min(sizes[0], sizes[-1]), sizes))


def _row(sizes: Sequence[int]) -> str:
    return " ".join(str(int(size)) for size in sizes)
