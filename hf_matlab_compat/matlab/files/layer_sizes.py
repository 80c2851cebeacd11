"""The layer sizes that fit a number of parameters; usually several networks do."""

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
        The number of all that fit.
    searched : str
        The kind of networks that was searched, in words.
    """

    sizes: tuple[tuple[int, ...], ...]
    total: int
    searched: str


def candidate_sizes(
    psize: int, *, hidden: Sequence[int] = (), inputs: int | None = None, batch_norm: bool = False
) -> Candidates:
    """Search layer sizes of networks with `psize` parameters.

    Parameters
    ----------
    psize : int
        Length of ``paramsp``.
    hidden : sequence of int
        Hidden sizes s_1 … s_{L-1}, as in ``layersizes``. Without them networks with one hidden layer are searched if
        `inputs` is given, otherwise autoencoders (`symmetric_sizes`).
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
        A size is not a whole number above 0.
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
    """Search symmetric autoencoders with `psize` parameters whose layers narrow towards the middle.

    If there are several hidden layers, each has at least 1/`_STEEPEST` of the units of the next outer one. Networks
    that narrow most evenly come first. Deep networks are searched only for small `psize`.
    """
    deepest = next(depth for most, depth in _DEEPEST if psize <= most)
    halves = [half for depth in range(1, deepest + 1) for half in _halves(psize, depth)]
    listed = [(*half, *half[-2::-1]) for half in sorted(halves, key=_unevenness)[:MOST_LISTED]]
    depths = " or ".join(str(2 * depth - 1) for depth in range(1, deepest + 1))
    return Candidates(tuple(listed), len(halves), f"autoencoders with {depths} hidden layers")


_STEEPEST = 8
_DEEPEST = ((20_000, 3), (2_000_000, 2), (math.inf, 1))
"""Pairs of a number of parameters and the number of layers on each side that are searched up to it."""


def _halves(psize: int, depth: int) -> list[tuple[int, ...]]:
    """Solve 2·Σ s_i s_{i+1} + s_0 + 2·(s_1 + …) + s_depth = psize for all (s_0, …, s_depth)."""
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
    """Return the deviation from narrowing by the usual factor, 2.5, and the number of layers: a key for sorting."""
    return sum(abs(math.log(a / b / 2.5)) for a, b in pairwise(half)), len(half)


def full_num_parameters(sizes: Sequence[int], batch_norm: bool = False) -> int:
    """Return the number of parameters of a network, with those of batch normalisation below the output."""
    return num_parameters(sizes) + 2 * sum(sizes[:-1]) * batch_norm


def _ends(psize: int, hidden: list[int], batch_norm: bool) -> list[tuple[int, ...]]:
    """Solve s_0·first + s_L·last = rest for all (s_0, hidden, s_L)."""
    first, last = hidden[0] + 2 * batch_norm, hidden[-1] + 1
    rest = psize - num_parameters([0, *hidden]) - 2 * batch_norm * sum(hidden)
    step = last // math.gcd(first, last)
    start = next((s for s in range(1, min(step, _LARGEST_SEARCH) + 1) if (rest - s * first) % last == 0), None)
    if start is None:
        return []
    stop = min((rest - last) // first + 1, _LARGEST_SEARCH)
    return [(s, *hidden, (rest - s * first) // last) for s in range(start, stop, step)]


def _one_hidden(psize: int, inputs: int, batch_norm: bool) -> list[tuple[int, ...]]:
    """Solve h·each + s_L·(h + 1) = rest for all (s_0, h, s_L)."""
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
