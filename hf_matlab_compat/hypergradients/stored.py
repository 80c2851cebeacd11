"""Training whose steps are kept: all of them, or those since the last of about √N checkpoints."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import ceil, sqrt

import numpy as np

from hf_matlab_compat.hypergradients.derivatives import Vector
from hf_matlab_compat.hypergradients.trail import Back, Training
from hf_matlab_compat.kinds import check_settings, or_none, whole


class Stored:
    """Keep v of every step; x follows from it by subtraction, which rounds but does not amplify."""

    def run(self, training: Training) -> StoredTrail:
        """Train."""
        return StoredTrail(
            training, (training.start, np.zeros_like(training.start)), range(training.schedule.num_steps)
        )


class StoredTrail:
    """The velocities of some consecutive steps.

    Parameters
    ----------
    training : Training
    begin : pair of (P,) arrays
        x and v of before the first of them.
    steps : range
    """

    def __init__(self, training: Training, begin: tuple[Vector, Vector], steps: range) -> None:
        self._training, self.schedule, self._steps = training, training.schedule, steps
        x, v = begin
        self._velocities = [v]
        for t in steps:
            x, v = training.step(x, v, t)
            self._velocities.append(v)
        self.x_final = self._x = x
        self.kept_bytes = x.nbytes + sum(each.nbytes for each in self._velocities)

    def back(self) -> Iterator[Back]:
        """Yield the steps, the last first."""
        for t in reversed(self._steps):
            yield self._before(t)

    def _before(self, t: int) -> Back:
        v_after = self._velocities.pop()
        self._x = self._x - self.schedule.rate(t) * v_after
        return Back(t, (v_after, self._velocities[-1]), *self._training.linearized(self._x, t))


@dataclass(frozen=True)
class Checkpoints:
    """Keep x and v of every k-th step, and run the steps between two of them again on the way back.

    Parameters
    ----------
    every : int, optional
        k; by default √N, rounded up.

    Raises
    ------
    OptionError
        It is below 1.
    """

    every: int | None = None

    def __post_init__(self) -> None:
        check_settings(self, every=or_none(whole(1)))

    def run(self, training: Training) -> CheckpointTrail:
        """Train."""
        return CheckpointTrail(training, self.every or ceil(sqrt(training.schedule.num_steps)))


class CheckpointTrail:
    """x and v of every k-th step.

    Parameters
    ----------
    training : Training
    every : int
        k.
    """

    def __init__(self, training: Training, every: int) -> None:
        self._training, self.schedule, self._every = training, training.schedule, every
        self._kept: list[tuple[Vector, Vector]] = []
        x, v = training.start, np.zeros_like(training.start)
        for t in range(self.schedule.num_steps):
            if t % every == 0:
                self._kept.append((x, v))
            x, v = training.step(x, v, t)
        self.x_final = x
        self.kept_bytes = self._bytes() + x.nbytes

    def _bytes(self) -> int:
        return sum(x.nbytes + v.nbytes for x, v in self._kept)

    def back(self) -> Iterator[Back]:
        """Yield the steps, the last first."""
        end = self.schedule.num_steps
        while self._kept:
            begin = self._every * (len(self._kept) - 1)
            part = StoredTrail(self._training, self._kept[-1], range(begin, end))
            self.kept_bytes = max(self.kept_bytes, self._bytes() + part.kept_bytes)
            yield from part.back()
            self._kept.pop()
            end = begin
