"""One epoch as either program did it: where it started, what it decided, what it left."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

from hf_matlab_compat.state import State

DECISIONS = ("cg_steps", "reductions", "lam")
"""Figures that must be equal."""

FIGURES = ("predicted_change", "rho", "train_log_likelihood", "train_error", "test_log_likelihood", "test_error")
"""Figures that must agree to within rounding."""

VECTORS = ("gradient", "d", "step")
"""Gradient at the start, last CG iterate, change of the parameters."""


@dataclass(frozen=True, kw_only=True)
class Epoch:
    """An epoch, in double precision on the host.

    Attributes
    ----------
    start : State
        What it started from.
    gradient : (P,) array
        Of the log-likelihood over all training cases, at the start.
    theta, d : (P,) arrays
        What it left: parameters and last CG iterate.
    figures : mapping of str to float
        `DECISIONS`, `FIGURES` and ``chosen_step``, as in `Result.history`.
    """

    start: State
    gradient: NDArray[Any]
    theta: NDArray[Any]
    d: NDArray[Any]
    figures: Mapping[str, float]

    @property
    def number(self) -> int:
        """Which epoch this is, counted from 1."""
        return self.start.epoch + 1

    @property
    def step(self) -> NDArray[Any]:
        """Change of the parameters."""
        return self.theta - self.start.theta

    def end(self) -> State:
        """What the next epoch starts from."""
        return State(theta=self.theta, d=self.d, lam=self.figures["lam"], epoch=self.number)
