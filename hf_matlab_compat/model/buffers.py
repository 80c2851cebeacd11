"""Memory for the passes of one block of cases, cut into the views that the passes write to.

For each layer the rows are stacked as [R; y; 1]: a row of ones below the outputs y makes the bias a weight of one more
unit, and tangents R above the outputs make W R + V y + c a single matrix product, [W V c] [R; y; 1]. Without tangents
the stack is [y; 1]. A unit that needs its input x beside y has extra room for x; with tangents also for f', and then
R{x} overwrites x.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from typing import Any

import numpy as np

from hf_matlab_compat.backends.arrays import Array


def numbers_needed(sizes: Sequence[int], n: int, tangents: bool = False, with_x: Sequence[int] = ()) -> int:
    """Return the length of the array that `BlockBuffers` cuts its views from."""
    beside = (2 if tangents else 1) * sum(sizes[i] for i in with_x)
    return n * (sum(_heights(sizes, tangents)) + sizes[-1] + beside)


class BlockBuffers:
    """Views for a block of n cases; entry i belongs to layer i, entry 0 to the inputs. `write_ones` fills the ones.

    Attributes
    ----------
    n : int
    room : 1-D array
        The memory of all views but y[L].
    places : (4, L+1) int64 array
        Offsets in `room` for compiled loops: of R[i], of y[i], of the x of hidden layer i, and of the array from which
        its f' is formed. The first is the offset at which layer i's [R; y; 1] block starts, allocated or not. Without
        a kept x the last two are the offset of y[i].
    y : list of L+1 arrays (s_i, n)
        Outputs.
    y1 : list of L arrays (s_i + 1, n)
        [y; 1], of all layers but the last.
    R : list of L+1 arrays (s_i, n)
        Room for tangents. R[0] has no rows; without `tangents` only R[L] has rows.
    Ry1 : list of L arrays
        [R; y; 1], for the inputs [y; 1]: what the stacked directions of the next layer are multiplied with.
    x : (s_L, n) array
        Input of the output layer. It shares its memory with R[L].
    inputs : list of L+1 arrays (s_i, n)
        Where x of layer i is written: y[i], which the output then overwrites, or memory of its own. Unused for i = 0.
    slopes : dict of int to (s_i, n) arrays
        With tangents: room for f' of the layers that keep x.
    masks : dict of int to (s_i, n) arrays
        Factors on the outputs of hidden layers that are blanked out in part (`model.corruption`).

    Parameters
    ----------
    sizes : sequence of int
        s_0 … s_L.
    n : int
    room : 1-D array
        At least `numbers_needed` long.
    output : (s_L, n) array
        Becomes y[L].
    tangents : bool
    with_x : sequence of int
        Hidden layers that keep their input.
    """

    def __init__(
        self,
        sizes: Sequence[int],
        n: int,
        room: Array,
        output: Array,
        tangents: bool = False,
        with_x: Sequence[int] = (),
    ) -> None:
        self.n, self.room = n, room
        self.places = np.zeros((4, len(sizes)), np.int64)
        self.y: list[Array] = []
        self.y1: list[Array] = []
        self.R: list[Array] = []
        self.Ry1: list[Array] = []
        # the rows of a layer are contiguous, so [R; y; 1], [y; 1], R and y are matrices without a copy
        start = 0
        for i, (size, height) in enumerate(zip(sizes, _heights(sizes, tangents), strict=False)):
            rows = room[start : start + height * n].reshape(height, n)
            above = height - size - 1
            self.places[:, i] = start, *(3 * [start + above * n])
            self.Ry1.append(rows)
            self.R.append(rows[:above])
            self.y1.append(rows[above:])
            self.y.append(rows[above:-1])
            start += height * n
        self.places[:, -1] = start
        # x is not needed after the loss and its gradient, so R[L] may overwrite it
        self.x = room[start : start + sizes[-1] * n].reshape(sizes[-1], n)
        self.R.append(self.x)
        self.y.append(output)  # an array of its own, so that `drop_output` frees it
        self.inputs = [*self.y[:-1], self.x]
        self.masks: dict[int, Array] = {}
        self.slopes: dict[int, Array] = {}
        start += sizes[-1] * n
        for i in with_x:
            self.places[2:, i] = start
            self.inputs[i] = room[start : start + sizes[i] * n].reshape(sizes[i], n)
            start += sizes[i] * n
            if tangents:
                self.places[3, i] = start
                self.slopes[i] = room[start : start + sizes[i] * n].reshape(sizes[i], n)
                start += sizes[i] * n

    def write_ones(self) -> None:
        """Write the rows of ones, in new memory or after other buffers used the same memory."""
        for rows in self.y1:
            rows[-1:] = 1

    def drop_output(self) -> Array:
        """Return y[L] and stop holding it."""
        output, self.y[-1] = self.y[-1], self.x[:0]
        return output


def new_buffers(
    sizes: Sequence[int], n: int, xp: Any, dtype: Any, tangents: bool = False, with_x: Sequence[int] = ()
) -> BlockBuffers:
    """Return buffers in memory of their own, with the ones written."""
    room = xp.empty(numbers_needed(sizes, n, tangents, with_x), dtype=dtype)
    buffers = BlockBuffers(sizes, n, room, xp.empty((sizes[-1], n), dtype=dtype), tangents, with_x)
    buffers.write_ones()
    return buffers


def _heights(sizes: Sequence[int], tangents: bool) -> list[int]:
    """Return the number of rows of [R; y; 1] of all layers but the last."""
    return [size + 1 + (size if tangents and i > 0 else 0) for i, size in enumerate(sizes[:-1])]


class LayerArrays:
    """One array per layer, all in one piece of memory, so that a compiled loop takes them as one argument.

    Attributes
    ----------
    room : 1-D array
    layers : list of (s_i, n) arrays
        Views of the room.

    Parameters
    ----------
    sizes : sequence of int
        s_i of these layers.
    n : int
    xp : module
    dtype : numpy dtype
    """

    def __init__(self, sizes: Sequence[int], n: int, xp: Any, dtype: Any) -> None:
        self.room = xp.empty(n * sum(sizes), dtype=dtype)
        starts = accumulate(sizes, initial=0)
        self.layers = [self.room[n * a : n * (a + s)].reshape(s, n) for a, s in zip(starts, sizes, strict=False)]
