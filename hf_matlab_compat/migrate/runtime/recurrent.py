"""Parameters of a recurrent net between the cells of the public MATLAB trainer and the vector of this package."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from hf_matlab_compat.errors import MigrationError
from hf_matlab_compat.migrate.runtime.arrays import Array, two_dimensional

_NAMES = ("h0", "W_hh", "W_hx", "W_yh", "b_h", "b_y")
_ORDER: Sequence[int] = (2, 1, 4, 0, 3, 5)
"""Places in the cells of W_hx, W_hh, b_h, h_0, W_oh and b_o, in which order they stand in θ."""


def recurrent_start(cells: Sequence[Any]) -> Array:
    """Return h_0, (H, 1), of the cells {h0, W_hh, W_hx, W_yh, b_h, b_y}.

    Raises
    ------
    MigrationError
        They are not these six.
    """
    if not isinstance(cells, list) or len(cells) != len(_NAMES):
        got = f"{len(cells)} cells" if isinstance(cells, list) else type(cells).__name__
        raise MigrationError(f"x0: expected the cells {{{', '.join(_NAMES)}}}, got {got}.")
    return two_dimensional(cells[0]).reshape(-1, 1)


def recurrent_theta(cells: Sequence[Any]) -> Array:
    """Return θ = [vec W_hx; vec W_hh; b_h; h_0; vec W_oh; b_o], (P,), of these cells.

    Raises
    ------
    MigrationError
        They are not these six, or their sizes do not fit.
    """
    H = len(recurrent_start(cells))
    h0, W_hh, W_hx, W_yh, b_h, b_y = map(two_dimensional, cells)
    fits = W_hh.shape == (H, H) and len(W_hx) == H and W_yh.shape == (b_y.size, H) and b_h.size == h0.size
    if not fits:
        shapes = ", ".join(
            f"{name} {'x'.join(map(str, np.shape(each)))}" for name, each in zip(_NAMES, cells, strict=True)
        )
        raise MigrationError(f"x0: expected weights and biases of one net, got {shapes}.")
    return np.concatenate([np.ravel(two_dimensional(cells[place]), order="F") for place in _ORDER])


def recurrent_cells(theta: Any, like: Sequence[Any]) -> list[Any]:
    """Return the cells of θ, each in the shape that it has in `like`."""
    shapes = [two_dimensional(each).shape for each in like]
    ends = np.cumsum([np.prod(shapes[place], dtype=int) for place in _ORDER])
    parts = dict(zip(_ORDER, np.split(np.ravel(theta), ends[:-1]), strict=True))
    return [parts[place].reshape(shape, order="F") for place, shape in enumerate(shapes)]


def recurrent_loss(targets: Any) -> Array:
    """Return 1 for each column with a target, 0 for columns of zeros, which stand for no loss, (T,)."""
    return (two_dimensional(targets) != 0).any(axis=0) * 1.0
