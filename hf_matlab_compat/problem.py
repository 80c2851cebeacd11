"""What is trained: a problem gives scores, gradients and curvatures at θ. Networks are one kind; write your own.

Everything is a mean over cases. The objective is a log-likelihood, weight decay taken off, which ascends; curvatures
are those of its negative, so that they come out positive.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, NamedTuple, Protocol

import numpy as np

from hf_matlab_compat.answers import Refuse, checked_score, checked_vector, is_number, shown
from hf_matlab_compat.backends.arrays import Vector
from hf_matlab_compat.errors import DataError, NotFinite, OptionError
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
        if self.chunk is None:  # pyright: ignore[reportUnnecessaryComparison]  # until this line
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
    """What an outer method asks of what it trains. θ and v belong to the caller and are not to be changed.

    Vectors are on the backend of θ; those in another precision are brought into its own.
    """

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


def check_problem(problem: Any, name: str, *needed: str) -> None:
    """Refuse an object that cannot be a problem, or cannot serve a method that needs more of one.

    Parameters
    ----------
    problem : object
    name : str
        What its argument is called.
    *needed : str
        Methods and attributes that it must have.

    Raises
    ------
    OptionError
    """
    missing = [each for each in needed if not hasattr(problem, each)]
    if missing or isinstance(problem, type):
        kind = type(problem).__name__
        got = (
            f"a class, {problem.__name__}"
            if isinstance(problem, type)
            else f"an object of class {kind} without {missing[0]}"
        )
        raise OptionError(name, expected=f"an object with {', '.join(needed)}", got=got)
    for attribute in ("num_parameters", "num_chunks"):
        value = getattr(problem, attribute, 1)
        if attribute in needed and not (isinstance(value, int | np.integer) and value is not True and value >= 1):
            got = f"{type(problem).__name__}.{attribute} = {value!r}"
            raise OptionError(name, expected="a whole number of at least 1", got=got)


def checked_score_of(problem: Any, theta: Vector, on: Cases) -> Score:
    """The score that a problem gives.

    Raises
    ------
    DataError
        It is no `Score`, or its figures are no numbers.
    """
    return checked_score(problem.score(theta, on), _refusing(f"{type(problem).__name__}.score"))


def _refusing(name: str) -> Refuse:
    return lambda expected, got: DataError(name, expected=expected, got=got)


class CheckedProblem:
    """A problem whose answers are checked and in the precision of θ, and which tells of its gradient passes.

    Parameters
    ----------
    problem : Problem
    watch : callable
        Told ``("gradient", 0, 1)`` before each gradient pass.
    """

    def __init__(self, problem: Problem, watch: Watch) -> None:
        self._problem, self._watch = problem, watch
        self.num_parameters, self.num_chunks = problem.num_parameters, problem.num_chunks
        self._name = type(problem).__name__
        self._refuse_score = _refusing(f"{self._name}.score")
        self._refuse_gradient = _refusing(f"{self._name}.gradient")

    def score(self, theta: Vector, on: Cases) -> Score:
        """See `Problem.score` and `checked_score_of`."""
        return checked_score(self._problem.score(theta, on), self._refuse_score)

    def curvature(self, theta: Vector, on: Cases, gradient: Gradient) -> Curvature:
        """See `Problem.curvature`.

        Raises
        ------
        DataError
            It cannot be called, or its products or its diagonal have another length than θ.
        """
        return _CheckedCurvature(self._problem.curvature(theta, on, gradient), theta, f"{self._name}.curvature")

    def gradient(self, theta: Vector, on: Cases) -> Gradient:
        """See `Problem.gradient`.

        Raises
        ------
        DataError
            It is no `Gradient`, has another length than θ, or its log-likelihood is no number.
        NotFinite
            It is NaN or infinite.
        """
        self._watch("gradient", 0, 1)
        g, refuse = self._problem.gradient(theta, on), self._refuse_gradient
        if not isinstance(g, Gradient):  # pyright: ignore[reportUnnecessaryIsInstance]  # anybody's problem
            raise refuse("a Gradient", shown(g))
        if not is_number(g.log_likelihood):
            raise refuse("a log_likelihood that is a number", shown(g.log_likelihood))
        for name in ("full", "chunk", "full_squared", "chunk_squared"):
            part = getattr(g, name)
            if part is None and name != "full":
                continue
            checked = checked_vector(part, theta, name, refuse)
            if checked is not part:
                g = replace(g, **{name: checked})
        if not np.isfinite(float(abs(g.full).max())):
            raise NotFinite("gradient")
        return g


class _CheckedCurvature:
    """A curvature whose products and diagonal are of the length and precision of θ.

    Products are checked until one is right as it comes: a small net would feel the check in every step of CG.
    """

    def __init__(self, curvature: Curvature, theta: Vector, name: str) -> None:
        self._curvature, self._theta, self._name = curvature, theta, name
        self._refuse = _refusing(name)
        self._is_right = False
        if not callable(curvature):
            raise self._refuse("something to call with a vector", shown(curvature))

    def __call__(self, v: Vector) -> Vector:
        Bv = self._curvature(v)
        if self._is_right:
            return Bv
        checked = checked_vector(Bv, v, "a product", self._refuse)
        if checked is v:
            return v.copy()  # damping changes it in place
        self._is_right = checked is Bv
        return checked

    def diagonal(self, lam: float) -> Vector:
        made = getattr(self._curvature, "diagonal", None)
        if not callable(made):
            advice = "Write one, or set {preconditioner='none'}."
            expected = "a method diagonal, of which the preconditioner is made"
            got = "none" if made is None else shown(made)
            raise DataError(self._name, expected=expected, got=got, advice=advice)
        return checked_vector(made(lam), self._theta, "a diagonal", self._refuse)
