"""Equilibrated stochastic gradient descent: steps divided by the norms of the rows of the curvature.

Dauphin, Y., de Vries, H. and Bengio, Y. (2015), "Equilibrated adaptive learning rates for non-convex optimization".
The problem's curvature should be its Hessian.

Notation
--------
g : gradient of the log-likelihood on one chunk;  ε : rate;  v : random signs;  H : curvature on the chunk
D : root of the mean of (H v)∘(H v), an estimate of the norm of each row of H
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from hf_matlab_compat.backends.arrays import Vector
from hf_matlab_compat.kinds import POSITIVE, check_settings, whole
from hf_matlab_compat.methods.minibatch import Minibatch, OnChunk
from hf_matlab_compat.solvers.preconditioners import random_signs
from hf_matlab_compat.state import Memory

ROWS = 103
"""The purpose of the random signs, in their key."""


@dataclass(frozen=True, kw_only=True)
class ESGD(Minibatch):
    """θ ← θ + ε g / (D + damping), with one product on the chunk in every `period` updates for D.

    Attributes
    ----------
    rate : float
        ε.
    damping : float
        Added to D.
    period : int
        Updates from one estimate to the next.
    """

    rate: float = 0.1
    damping: float = 1e-2
    period: int = 20
    remembers = ("squares",)

    def __post_init__(self) -> None:
        check_settings(self, rate=POSITIVE, damping=POSITIVE, period=whole(1))

    def start(self, problem: Any, theta: Vector) -> Memory:
        """See `Minibatch.start`."""
        return {**super().start(problem, theta), "estimates": 0}

    def update(self, theta: Vector, memory: Memory, gradient: OnChunk) -> tuple[Vector, dict[str, Any]]:
        """See `Minibatch.update`."""
        g = gradient.whole(theta)
        squares, estimates, t = memory["squares"], memory["estimates"], memory["updates"]
        if t % self.period == 0:
            Hv = gradient.curvature(theta, g)(random_signs(theta, ROWS, t))
            squares, estimates = squares + Hv * Hv, estimates + 1
        D = (squares / max(estimates, 1)) ** 0.5
        return theta + self.rate * g.full / (D + self.damping), {"squares": squares, "estimates": estimates}
