"""Long vectors on the host are worked on in pieces that stay in the caches while several operations pass over them."""

from __future__ import annotations

from typing import Any

import numpy as np

from hf_matlab_compat.backends.arrays import Array

PIECE = 1 << 15
"""Numbers of a piece: several of them fit the caches of one processor."""


def pieces(vector: Array) -> list[slice]:
    """Slices that cover a vector in order; one alone where the vector is short or not on the host."""
    length = PIECE if isinstance(vector, np.ndarray) else len(vector)
    return [slice(start, start + length) for start in range(0, len(vector), length)]


def inner(a: Array, b: Array) -> Any:
    """aᵀb in working precision, summed piece by piece."""
    if len(a) <= PIECE:  # small nets feel what a generator takes
        return a @ b
    return sum(a[piece] @ b[piece] for piece in pieces(a))
