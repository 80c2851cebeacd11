"""Standard normal draws in double precision, as a function of seed, purpose and epoch alone.

Only raw words of numpy's Philox are used, as in `model.corruption`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hf_matlab_compat.model.corruption import words

JUDGE, SAMPLE, TRAIN = 997, 998, 1000
"""Purposes: the second word of the key. Update c of an epoch has `TRAIN` + c."""


@dataclass(frozen=True)
class Draws:
    """The draws of a variational problem.

    Attributes
    ----------
    count : int
        S.
    size : int
        D, the length of a draw.
    fresh : bool
        Other draws in every epoch, and in every update of a first-order method; otherwise the same all the time.
    antithetic : bool
        The second half is minus the first, so that odd moments are exact.
    matched : bool
        Their covariance is exactly I, so that the mean of a quadratic function is exact; antithetic draws, at least 2D.
    seed : int
    """

    count: int
    size: int
    fresh: bool = False
    antithetic: bool = True
    matched: bool = False
    seed: int = 0

    def of(self, epoch: int, update: int = 0) -> NDArray[Any]:
        """Return ε, (S, D)."""
        epoch, update = (epoch, update) if self.fresh else (0, 0)
        made = normals((self.seed, TRAIN + update), epoch, self.count // (1 + self.antithetic), self.size)
        if self.matched:
            made = np.linalg.solve(np.linalg.cholesky(made.T @ made / len(made)), made.T).T
        return np.concatenate([made, -made]) if self.antithetic else made


def normals(key: tuple[int, int], epoch: int, count: int, size: int) -> NDArray[Any]:
    """Return (count, size) normal numbers, by Box and Muller: two for each two uniform ones."""
    even = count * size + count * size % 2
    u = ((words(key, 0, even, epoch) >> np.uint64(11)) + 0.5) * 2.0**-53
    radius, angle = np.sqrt(-2 * np.log(u[::2])), 2 * np.pi * u[1::2]
    made = np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1).ravel()
    return made[: count * size].reshape(count, size)
