"""Memory for the passes of one block of cases, cut into the views that the passes write to.

Outputs stand above a row of ones, so that a bias is the weight from one more unit; where tangents are wanted they
stand above the outputs, so that W R + V y + c is one product, [W V c] [R; y; 1].
"""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from typing import Any

from hf_matlab_compat.backends.backend import Array


class BlockBuffers:
    """Views for a block of n cases; entry i belongs to layer i, entry 0 to the inputs.

    Attributes
    ----------
    y : list of L+1 arrays (s_i, n)
        Outputs.
    y1 : list of L arrays (s_i + 1, n)
        [y; 1], of all layers but the last.
    R : list of L+1 arrays (s_i, n)
        Room for tangents; R[0] is None, and without `tangents` all but R[L] are.
    Ry1 : list of L arrays
        What the stacked directions of the layer above meet: [R; y; 1], for the inputs [y; 1].
    x : (s_L, n) array
        Input of the output layer. It shares its memory with R[L].

    Parameters
    ----------
    sizes : sequence of int
        s_0 … s_L.
    n : int
    xp : module
    dtype : numpy dtype
    tangents : bool
    """

    def __init__(self, sizes: Sequence[int], n: int, xp: Any, dtype: Any, tangents: bool = False) -> None:
        self.y: list[Array] = []
        self.y1: list[Array] = []
        self.R: list[Array] = []
        self.Ry1: list[Array] = []
        for i, size in enumerate(sizes[:-1]):
            above = size if tangents and i > 0 else 0
            rows = xp.empty((above + size + 1, n), dtype=dtype)
            rows[-1:] = 1
            self.Ry1.append(rows)
            self.R.append(rows[:above] if above else None)
            self.y1.append(rows[above:])
            self.y.append(rows[above:-1])
        self.x = xp.empty((sizes[-1], n), dtype=dtype)
        self.R.append(self.x)
        self.y.append(xp.empty((sizes[-1], n), dtype=dtype))

    def narrowed(self, n: int) -> BlockBuffers:
        """The same memory for a block of n cases, at most as many as it was made for."""
        views = copy(self)
        for name in ("y", "y1", "R", "Ry1"):
            setattr(views, name, [None if a is None else a[:, :n] for a in getattr(self, name)])
        views.x = self.x[:, :n]
        return views
