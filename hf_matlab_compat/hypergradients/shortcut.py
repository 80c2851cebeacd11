"""A short cut back: the straight line from the end of training to its start, in a tenth of the steps (DrMAD).

Notation
--------
x = (1-β) x_0 + β x_N, β from .999 down to .001 in K steps (Fu, Luo, Feng, Low & Chua 2016); no v is known there
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from hf_matlab_compat.hypergradients.descent import Descent, Schedule
from hf_matlab_compat.hypergradients.trail import Back, Training
from hf_matlab_compat.kinds import check, check_settings, or_none, whole

_MARGIN = 0.001
"""The line stops short of both ends by this share, as in the published program."""


@dataclass(frozen=True)
class Shortcut:
    """Approximate the derivatives along a straight line; there are none of learning rates and momenta.

    Parameters
    ----------
    steps : int or Descent, optional
        K; by default N / 10. Each has the mean learning rate and momentum of a part of training, or those given for
        it, and the loss of t = K-1 … 0.

    Raises
    ------
    OptionError
        There are no steps.
    """

    steps: int | Descent | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.steps, Descent):
            check_settings(self, steps=or_none(whole(1)))

    def run(self, training: Training) -> ShortcutTrail:
        """Train, in floating point.

        Raises
        ------
        OptionError
            Training has fewer steps.
        """
        full = training.schedule
        if isinstance(self.steps, Descent):
            return ShortcutTrail(training, Schedule(self.steps, full.groups))
        if self.steps is not None:
            check(whole(1, full.num_steps), steps=self.steps)
        return ShortcutTrail(training, full.shortened(self.steps or max(1, full.num_steps // 10)))


class ShortcutTrail:
    """The start and the end of a run.

    Parameters
    ----------
    training : Training
    schedule : Schedule
        Of the steps back.
    """

    def __init__(self, training: Training, schedule: Schedule) -> None:
        self._training, self.schedule = training, schedule
        x, v = training.start, np.zeros_like(training.start)
        for t in range(training.schedule.num_steps):
            x, v = training.step(x, v, t)
        self.x_final = x
        self.kept_bytes = training.start.nbytes + x.nbytes

    def back(self) -> Iterator[Back]:
        """Yield the steps, the last first."""
        K = self.schedule.num_steps
        for t, beta in zip(reversed(range(K)), np.linspace(1 - _MARGIN, _MARGIN, K), strict=True):
            x = (1 - beta) * self._training.start + beta * self.x_final
            yield Back(t, None, *self._training.linearized(x, t))
