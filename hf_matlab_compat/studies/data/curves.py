"""Pictures of random strokes like those of CURVES, whose own recipe was never published.

Mean picture, variance, entropy of the pixels and principal components come near the published figures of CURVES, to
which the stroke's profile was fitted. Errors on these pictures and on CURVES are still not the same figures.

Notation
--------
u : (N, 3, 2) uniform numbers, three points of each stroke;  P : the points, in pixels;  t : places on the stroke, 0 … 1
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hf_matlab_compat.errors import OptionError
from hf_matlab_compat.studies.data.pictures import Pictures

SIDE = 28
TRAIN_SEED, TEST_SEED = 1, 2
_MARGIN, _RANGE, _PLACES = 4.75, 18.5, 60
_INK, _WIDTH = 0.815, 0.925
_AT_ONCE = 50
"""Pictures in one sweep; their distances stay in the cache."""


def curves(train: int = 20_000, test: int = 10_000) -> Pictures:
    """Return pictures of 28×28 pixels between 0 and 1, in double precision; the first n are the same for any count.

    Parameters
    ----------
    train, test : int
        How many.

    Raises
    ------
    OptionError
        A number is below 1.
    """
    for name, count in (("train", train), ("test", test)):
        if count < 1:
            raise OptionError(name, expected="a whole number of at least 1", got=count)
    return Pictures(pictures_of(drawn(train, TRAIN_SEED)), pictures_of(drawn(test, TEST_SEED)))


def drawn(count: int, seed: int) -> NDArray[np.float64]:
    """Return u of the first `count` strokes."""
    return np.random.RandomState(seed).random_sample((count, 3, 2))


def pictures_of(u: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return (784, N) pictures of strokes through three points each."""
    P, t = _MARGIN + _RANGE * u, np.linspace(0, 1, _PLACES)
    # the parabola that is at P[0], P[1] and P[2] where t is 0, ½ and 1
    through = np.stack([(1 - 2 * t) * (1 - t), 4 * t * (1 - t), t * (2 * t - 1)])
    strokes = np.einsum("kt,nkd->ndt", through, P)
    squares = np.hstack([_squared_distances(strokes[k : k + _AT_ONCE]) for k in range(0, len(u), _AT_ONCE)])
    return np.minimum(1, _INK * np.exp(-squares / (2 * _WIDTH**2)))


def _squared_distances(strokes: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return (784, N) least squared distances of pixels from the places of (N, 2, places) strokes, column and row."""
    centres = np.arange(SIDE) + 0.5
    along = (centres[:, None] - strokes[:, :, None, :]) ** 2  # (N, column or row, pixel, place)
    columns, rows = along[:, 0, None, :, :], along[:, 1, :, None, :]
    least = np.full((len(strokes), SIDE, SIDE), np.inf)
    for place in range(_PLACES):
        np.minimum(least, rows[..., place] + columns[..., place], out=least)
    return least.reshape(len(strokes), -1).T
