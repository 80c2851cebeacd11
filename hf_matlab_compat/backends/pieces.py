"""Pieces of long host vectors: several operations on one piece after the other find it in the caches."""

from __future__ import annotations

from typing import Any

import numpy as np

from hf_matlab_compat.backends.arrays import Array

PIECE = 1 << 15
"""Length of a piece; several vectors of this length fit into the caches of one processor."""


def pieces(vector: Array) -> list[slice]:
    """Return slices that cover a vector in order; only one if the vector is short or not on the host."""
    length = PIECE if isinstance(vector, np.ndarray) else len(vector)
    return [slice(start, start + length) for start in range(0, len(vector), length)]


def inner(a: Array, b: Array) -> Any:
    """Return aᵀb in working precision, summed piece by piece."""
    if len(a) <= PIECE:  # a generator would slow small networks
        return a @ b
    return sum(a[piece] @ b[piece] for piece in pieces(a))
