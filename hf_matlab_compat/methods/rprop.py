"""Resilient backpropagation on the full data, the variant iRprop- (Igel and Hüsken 2003)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hf_matlab_compat.backends.arrays import Vector
from hf_matlab_compat.errors import OptionError
from hf_matlab_compat.kinds import ABOVE_0_TO_1, AT_LEAST_0, AT_LEAST_1, POSITIVE, check_settings
from hf_matlab_compat.method import Epoch
from hf_matlab_compat.problem import Cases, Problem
from hf_matlab_compat.state import Memory, Watch


@dataclass(frozen=True, kw_only=True)
class Rprop:
    """Each parameter moves by a step of its own in the direction of its gradient's sign; an epoch is one update.

    A step grows while the sign stays and shrinks when it changes; the gradient then counts as zero once.

    Attributes
    ----------
    rate : float
        The first step of every parameter.
    grow, shrink : float
        Factors on a step.
    smallest, largest : float
        Limits of a step.
    """

    rate: float = 0.01
    grow: float = 1.2
    shrink: float = 0.5
    smallest: float = 1e-6
    largest: float = 50.0

    def __post_init__(self) -> None:
        check_settings(self, rate=POSITIVE, grow=AT_LEAST_1, shrink=ABOVE_0_TO_1, smallest=AT_LEAST_0, largest=POSITIVE)
        if self.smallest > self.largest:
            raise OptionError("smallest", expected=f"at most {{largest}} = {self.largest:g}", got=self.smallest)

    def start(self, problem: Problem, theta: Vector) -> Memory:
        """Return the memory before the first epoch: equal steps and no gradient yet."""
        return {"steps": theta * 0 + self.rate, "last": theta * 0}

    def epoch(self, problem: Problem, theta: Vector, memory: Memory, n: int, watch: Watch) -> Epoch:
        """Update all parameters once."""
        g = problem.gradient(theta, Cases(draw=n)).full
        agreement = g * memory["last"]
        factor = 1 + (self.grow - 1) * (agreement > 0) + (self.shrink - 1) * (agreement < 0)
        steps = (memory["steps"] * factor.astype(theta.dtype)).clip(self.smallest, self.largest)
        g = g * (agreement >= 0)
        theta = theta + _sign(g) * steps
        figures = {"rate": float(steps.mean())}
        return Epoch(theta, {"steps": steps, "last": g}, problem.score(theta, Cases(draw=n)), figures)


def _sign(x: Vector) -> Vector:
    return ((x > 0).astype(np.int8) - (x < 0)).astype(x.dtype)
