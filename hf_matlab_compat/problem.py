"""What is trained: a problem gives scores, gradients and curvatures at θ. Networks are one kind; write your own.

Everything is a mean over cases. The objective is a log-likelihood, weight decay taken off, which ascends; curvatures
are those of its negative, so that they come out positive.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import numpy as np

from hf_matlab_compat.backends.arrays import Vector
from hf_matlab_compat.errors import DataError, NotFinite
from hf_matlab_compat.state import Score, Watch

Product = Callable[[Vector], Vector]
"""v → B v, both (P,); the result belongs to the caller, who may change it."""


class Cases(NamedTuple):
    """Which cases a figure is formed on, and with which random numbers.

    Attributes
    ----------
    chunk : int or None
        A chunk of the training cases, counted from 0; None for all.
    draw : int
        Key of the randomness inside the problem (noise, sampled cases): the number of the epoch. The same key gives
        the same draws for every call. 0 means without any noise.
    """

    chunk: int | None = None
    draw: int = 0

    @property
    def all(self) -> Cases:
        """All cases, with the same draws."""
        return Cases(None, self.draw)


@dataclass(frozen=True)
class Gradient:
    """One gradient pass.

    Attributes
    ----------
    full : (P,) vector
        ∇ of the log-likelihood over all cases, weight decay included.
    log_likelihood : scalar
        At θ over all cases; in working precision where the original's is.
    chunk : (P,) vector
        The same gradient over the target chunk; without one, `full`.
    full_squared, chunk_squared : (P,) vectors or None
        Mean over cases of squared per-case gradients, weight decay not included.
    """

    full: Vector
    log_likelihood: Any
    chunk: Vector = None  # type: ignore[assignment]  # __post_init__ puts `full` in its place
    full_squared: Vector | None = None
    chunk_squared: Vector | None = None

    def __post_init__(self) -> None:
        if self.chunk is None:
            object.__setattr__(self, "chunk", self.full)


class Curvature(Protocol):
    """Curvature of the negative log-likelihood at a fixed θ, weight decay included, damping not."""

    def __call__(self, v: Vector) -> Vector:
        """The product with v, a new (P,) vector."""
        ...

    def diagonal(self, lam: float) -> Vector:
        """An estimate of the diagonal, plus λ: what a diagonal preconditioner is made of; positive, (P,)."""
        ...


class Problem(Protocol):
    """What an outer method asks of whatever it trains."""

    @property
    def num_parameters(self) -> int:
        """P."""
        ...

    @property
    def num_chunks(self) -> int:
        """Into how many minibatches the training cases are cut."""
        ...

    def score(self, theta: Vector, on: Cases) -> Score:
        """Log-likelihood and error at θ, means over these cases."""
        ...

    def gradient(self, theta: Vector, on: Cases) -> Gradient:
        """One pass over all cases; ``on.chunk`` is the target chunk."""
        ...

    def curvature(self, theta: Vector, on: Cases, gradient: Gradient) -> Curvature:
        """The curvature at θ, where `gradient` was formed."""
        ...


class CheckedProblem:
    """A problem whose gradients are checked, and which tells of its gradient passes.

    Parameters
    ----------
    problem : Problem
    watch : callable
        Told ``("gradient", 0, 1)`` before each gradient pass.
    """

    def __init__(self, problem: Problem, watch: Watch) -> None:
        self._problem, self._watch = problem, watch
        self.num_parameters, self.num_chunks = problem.num_parameters, problem.num_chunks
        self.score, self.curvature = problem.score, problem.curvature

    def gradient(self, theta: Vector, on: Cases) -> Gradient:
        """See `Problem.gradient`.

        Raises
        ------
        DataError
            It is no `Gradient`, or has another length than θ.
        NotFinite
            It is NaN or infinite.
        """
        self._watch("gradient", 0, 1)
        g = self._problem.gradient(theta, on)
        if not isinstance(g, Gradient):  # pyright: ignore[reportUnnecessaryIsInstance]  # anybody's problem
            raise self._wrong("a Gradient", type(g).__name__)
        for name in ("full", "chunk", "full_squared", "chunk_squared"):
            part = getattr(g, name)
            if part is not None and np.shape(part) != theta.shape:
                raise self._wrong(f"{name} of shape {theta.shape}, as theta has", f"shape {np.shape(part)}")
        if not np.isfinite(float(abs(g.full).max())):
            raise NotFinite("gradient")
        return g

    def _wrong(self, expected: str, got: str) -> DataError:
        return DataError(f"{type(self._problem).__name__}.gradient", expected=expected, got=got)
