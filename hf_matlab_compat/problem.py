"""Problems: the objects that are trained. They give scores, gradients and curvatures at θ; networks are one kind.

All figures are means over cases. The objective is a log-likelihood minus the weight decay, to be maximised; curvatures
are those of its negative, so that they are positive.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, NamedTuple, Protocol, cast

import numpy as np
from numpy.typing import NDArray

from hf_matlab_compat.answers import Refuse, checked_score, checked_vector, is_number, shown
from hf_matlab_compat.backends.arrays import Vector
from hf_matlab_compat.errors import DataError, NotFinite, OptionError
from hf_matlab_compat.state import Score, Watch

Product = Callable[[Vector], Vector]
"""v → B v, both (P,). The caller may change the result in place."""


class Cases(NamedTuple):
    """The cases of a figure, and the key of its random numbers.

    Attributes
    ----------
    chunk : int or None
        A chunk of the training cases, counted from 0; None for all.
    draw : int
        Key of the randomness inside the problem (noise, sampled cases): the number of the epoch. The same key gives
        the same draws in every call. 0 means no noise.
    """

    chunk: int | None = None
    draw: int = 0

    @property
    def all(self) -> Cases:
        """All cases, with the same draws."""
        return Cases(None, self.draw)


@dataclass(frozen=True)
class Gradient:
    """The result of one gradient pass.

    Attributes
    ----------
    full : (P,) vector
        ∇ of the mean log-likelihood over all cases, weight decay included.
    log_likelihood : scalar
        At θ over all cases, weight decay included; in working precision where MATLAB's is.
    chunk : (P,) vector
        The same gradient over the target chunk; `full` if there is none.
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
        """Return the product with v, a new (P,) vector."""
        ...

    def diagonal(self, lam: float) -> Vector:
        """Return an estimate of the diagonal plus λ, positive, (P,); diagonal preconditioners use it."""
        ...


class EstimatedCurvature(Curvature, Protocol):
    """A curvature that can estimate the diagonal of its Gauss-Newton matrix without bias."""

    def unbiased_diagonal(self, lam: float, draw: int) -> Vector:
        """Return the estimate plus λ, weight decay included, (P,); the same draw gives the same estimate."""
        ...


class StructuralCurvature(Curvature, Protocol):
    """A curvature with structural damping beside it: the change of hidden states is damped, not that of θ alone."""

    def structurally_damped(self, v: Vector, strength: float) -> Vector:
        """Return (G + strength · S) v, a new (P,) vector, weight decay included; S is the damping's matrix."""
        ...


class Problem(Protocol):
    """The interface that an outer method needs. θ and v belong to the caller and must not be changed.

    Vectors are on the backend of θ; vectors in another precision are converted to that of θ.
    """

    @property
    def num_parameters(self) -> int:
        """P."""
        ...

    @property
    def num_chunks(self) -> int:
        """Number of minibatches of the training cases."""
        ...

    def score(self, theta: Vector, on: Cases) -> Score:
        """Return log-likelihood and error at θ, means over these cases."""
        ...

    def gradient(self, theta: Vector, on: Cases) -> Gradient:
        """Run one pass over all cases; ``on.chunk`` is the target chunk."""
        ...

    def curvature(self, theta: Vector, on: Cases, gradient: Gradient) -> Curvature:
        """Return the curvature at θ; `gradient` was formed at the same θ."""
        ...


class ChunkGradient(Protocol):
    """A problem with a gradient pass over one chunk; without one, minibatch methods pay for a pass over all cases."""

    def chunk_gradient(self, theta: Vector, on: Cases) -> Gradient:
        """Return the gradient on the cases of ``on.chunk`` alone, as `Gradient.full`, and their log-likelihood."""
        ...


class Divisible(Problem, Protocol):
    """A problem that can be restricted to some of its cases, as methods on samples of them need."""

    @property
    def num_cases(self) -> int:
        """N, the number of training cases."""
        ...

    def part(self, cases: NDArray[np.int64]) -> Problem:
        """Return the problem of these cases alone, in one chunk; `cases` are their numbers from 0, increasing."""
        ...


def without_squares(got: str) -> OptionError:
    """Return the error that a problem has no squares of single cases' gradients, which a preconditioner needs."""
    expected = "'equilibration' or 'none' with a problem that has no squares of single cases' gradients"
    return OptionError("preconditioner", expected=expected, got=got)


def check_problem(problem: Any, name: str, *needed: str) -> None:
    """Refuse an object that is no problem, or lacks one of the `needed` methods and attributes.

    Raises
    ------
    OptionError
        It lacks one of them, or is a class.
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
    """Return the score that a problem gives.

    Raises
    ------
    DataError
        It is no `Score`, or its figures are no numbers.
    """
    return checked_score(problem.score(theta, on), _refusing(f"{type(problem).__name__}.score"))


def _refusing(name: str) -> Refuse:
    return lambda expected, got: DataError(name, expected=expected, got=got)


class CheckedProblem:
    """A problem whose results are checked and converted to the precision of θ, and which reports its gradient passes.

    Parameters
    ----------
    problem : Problem
    watch : callable
        Called as ``watch("gradient", 0, 1)`` before each gradient pass.
    """

    def __init__(self, problem: Problem, watch: Watch) -> None:
        self._problem, self._watch = problem, watch
        self.num_parameters, self.num_chunks = problem.num_parameters, problem.num_chunks
        self.is_random = bool(getattr(problem, "is_random", True))
        self._name = type(problem).__name__
        self._refuse_score = _refusing(f"{self._name}.score")
        self._refuse_gradient = _refusing(f"{self._name}.gradient")

    def score(self, theta: Vector, on: Cases) -> Score:
        """See `Problem.score` and `checked_score_of`."""
        return checked_score(self._problem.score(theta, on), self._refuse_score)

    @property
    def num_cases(self) -> int:
        """See `Divisible`."""
        return int(self._needed("num_cases"))

    def part(self, cases: NDArray[np.int64]) -> CheckedProblem:
        """See `Divisible`."""
        return CheckedProblem(self._needed("part")(cases), self._watch)

    def gradient_variance(self, theta: Vector, gradient: Gradient) -> float:
        """Return the sum over parameters of the sample variance of the cases' gradients."""
        return float(self._needed("gradient_variance")(theta, gradient))

    def _needed(self, name: str) -> Any:
        found = getattr(self._problem, name, None)
        if found is None:
            raise DataError(self._name, expected=f"{name}, which a method on samples of the cases needs", got="none")
        return found

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
            It is no `Gradient`, a vector has another length than θ, or the log-likelihood is no number.
        NotFinite
            It is NaN or infinite.
        """
        self._watch("gradient", 0, 1)
        return self._checked_gradient(self._problem.gradient(theta, on), theta, self._refuse_gradient)

    def chunk_gradient(self, theta: Vector, on: Cases) -> Gradient:
        """See `ChunkGradient`; from a pass over all cases where the problem has no pass over one chunk."""
        if not hasattr(self._problem, "chunk_gradient"):
            g = self.gradient(theta, on)
            return Gradient(full=g.chunk, log_likelihood=g.log_likelihood, full_squared=g.chunk_squared)
        g = self._problem.chunk_gradient(theta, on)  # type: ignore[attr-defined]
        return self._checked_gradient(g, theta, _refusing(f"{self._name}.chunk_gradient"))

    def _checked_gradient(self, g: Any, theta: Vector, refuse: Refuse) -> Gradient:
        if not isinstance(g, Gradient):  # pyright: ignore[reportUnnecessaryIsInstance]  # a user's problem may be wrong
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
    """A curvature whose products and diagonal have the length and precision of θ.

    Products are checked until one needs no conversion; checking every product would slow CG on small networks.
    """

    def __init__(self, curvature: Curvature, theta: Vector, name: str) -> None:
        self._curvature, self._theta, self._name = curvature, theta, name
        self._refuse = _refusing(name)
        self._is_right = False
        if not callable(curvature):
            raise self._refuse("something to call with a vector", shown(curvature))

    def __call__(self, v: Vector) -> Vector:
        return self._checked(self._curvature(v), v)

    def structurally_damped(self, v: Vector, strength: float) -> Vector:
        return self._checked(cast(StructuralCurvature, self._curvature).structurally_damped(v, strength), v)

    def _checked(self, Bv: Vector, v: Vector) -> Vector:
        if self._is_right:
            return Bv
        checked = checked_vector(Bv, v, "a product", self._refuse)
        if checked is v:
            return v.copy()  # damping changes the product in place
        self._is_right = checked is Bv
        return checked

    def diagonal(self, lam: float) -> Vector:
        return self._diagonal("diagonal", lam)

    def unbiased_diagonal(self, lam: float, draw: int) -> Vector:
        return self._diagonal("unbiased_diagonal", lam, draw)

    def _diagonal(self, name: str, *given: Any) -> Vector:
        made = getattr(self._curvature, name, None)
        if not callable(made):
            advice = "Write one, or set {preconditioner='none'} or 'equilibration', which needs products only."
            expected = f"a method {name}, which the preconditioner needs"
            got = "none" if made is None else shown(made)
            raise DataError(self._name, expected=expected, got=got, advice=advice)
        return checked_vector(made(*given), self._theta, "a diagonal", self._refuse)
