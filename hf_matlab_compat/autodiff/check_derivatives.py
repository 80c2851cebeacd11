"""Checks of a problem's derivatives: against differences of its own figures, and against another problem.

Notation
--------
g : gradient of the log-likelihood;  B : curvature of its negative;  u, v : random directions of length 1;  h : a step
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hf_matlab_compat.errors import DataError, OptionError, quoted
from hf_matlab_compat.problem import Cases, CheckedProblem, Gradient, check_problem

_EXACT, _BY_DIFFERENCES = 1e-10, 1e-5
"""Largest relative errors where both sides are exact, and where one is a difference of figures."""
_SAME = 1e-13
"""Largest relative error between two problems that compute the same, in double precision."""
_SIDE_STEPS = (1e-4, 1e-5)
"""Steps to one side, in units of the size of a parameter, at which slopes to both sides are compared."""
_KINK, _CLEAR_JUMP = 0.5, 1e-3
"""At a kink the jump of the slope keeps its size when the step is divided by 10, where a smooth function has a tenth:
more than half is a kink, if the jump is more than a thousandth of the slope and so no rounding."""
_AMONG = 17
"""Purpose of the random directions, in their key."""
_STEPS = 1e-2 * 0.25 ** np.arange(7)
"""Steps of differences, in units of the size of a parameter."""
_ROUNDING = 16 * float(np.finfo(np.float64).eps)
"""Rounding of a log-likelihood, relative to its size."""


@dataclass(frozen=True)
class Check:
    """One comparison.

    Attributes
    ----------
    name : str
    error : float
        The largest relative difference over the directions.
    bound : float
    note : str
        Where a derivative is missing.
    """

    name: str
    error: float
    bound: float
    note: str = ""

    @property
    def agrees(self) -> bool:
        """True if the error is within the bound."""
        return self.error <= self.bound


@dataclass(frozen=True)
class DerivativeCheck:
    """All comparisons of a problem's derivatives; its text is a table of them.

    Attributes
    ----------
    checks : list of Check
    """

    checks: list[Check]

    @property
    def agree(self) -> bool:
        """True if every comparison agrees."""
        return all(check.agrees for check in self.checks)

    def __str__(self) -> str:
        head = f"{'':46}{'error':>9}{'bound':>9}"
        rows = [f"{c.name:46}{c.error:9.1e}{c.bound:9.0e}  {'agrees' if c.agrees else 'DIFFERS'}" for c in self.checks]
        return "\n".join([head, *rows, *(f"{c.name}: {c.note}" for c in self.checks if c.note)])


def check_derivatives(
    problem: Any,
    theta: ArrayLike | None = None,
    *,
    against: Any = None,
    hessian: bool = False,
    directions: int = 3,
    seed: int = 0,
) -> DerivativeCheck:
    """Compare the derivatives of a problem with differences of its own figures, and with those of another problem.

    The gradient, of all cases and of each chunk, is compared with differences of the log-likelihood, which also find
    a kink: another slope to the left than to the right. Near an optimum, a gradient is compared down to the rounding
    of such differences. Products must be linear, symmetric and, unless they are the Hessian's, not negative; no call
    may change θ, v or a result that was given before.

    Parameters
    ----------
    problem : Problem
        Also one of `recurrent` and of the other calls.
    theta : (P,) array_like, optional
        Where; by default the start that the problem gives.
    against : Problem, optional
        Another way to compute the same, such as an `autodiff_problem`: all figures must agree to 1e-13.
    hessian : bool
        Whether the curvature is meant to be the Hessian: compared with differences of the gradient, on all cases and
        with each chunk as the target, where it may be the chunk's or that of all cases.
    directions : int
        Number of random directions.
    seed : int
        Of the directions.

    Returns
    -------
    DerivativeCheck
        ``agree``, ``checks``; printed, it is a table.

    Raises
    ------
    OptionError
        The problem lacks a method, `theta` is needed, or `directions` or `seed` is no such number.
    DataError
        A figure has the wrong shape, or `theta` the wrong length or a number that is not finite.

    Examples
    --------
    >>> import autograd.numpy as np
    >>> from hf_matlab_compat import autodiff_problem, check_derivatives
    >>> p = autodiff_problem(np.exp, lambda y: np.sum(y**2), initial=[1.0, 2.0])
    >>> check_derivatives(p).agree
    True
    """
    needed = ("score", "gradient", "curvature", "num_parameters", "num_chunks")
    check_problem(problem, "problem", *needed)
    for name, value, least in (("directions", directions, 1), ("seed", seed, 0)):
        if not isinstance(value, int | np.integer) or isinstance(value, bool) or value < least:
            raise OptionError(name, expected=f"a whole number of at least {least}", got=quoted(value))
    at = _Checks(CheckedProblem(problem, _quiet), _start(problem, theta), directions, seed)
    checks = list(at.of_gradients()) + list(at.of_products(hessian))
    if against is not None:
        check_problem(against, "against", *needed)
        if against.num_parameters != problem.num_parameters:
            expected = f"a problem of the same {problem.num_parameters} parameters"
            raise OptionError("against", expected=expected, got=f"one of {against.num_parameters}")
        checks += at.of_both(CheckedProblem(against, _quiet))
    return DerivativeCheck(checks)


def _quiet(name: str, step: int, of: int) -> None:
    """Report no progress."""


def _start(problem: Any, theta: ArrayLike | None) -> NDArray[np.float64]:
    if theta is None:
        if not callable(getattr(problem, "initial_theta", None)):
            raise OptionError("theta", expected="parameters, since the problem gives none", got="nothing")
        theta = problem.initial_theta(0)
    found = np.array(theta, dtype=np.float64).ravel()
    if found.size != problem.num_parameters:
        raise DataError("theta", expected=f"{problem.num_parameters} numbers", got=found.size)
    if not np.isfinite(found).all():
        raise DataError("theta", expected="finite numbers", got="NaN or infinity")
    return found


class _Checks:
    def __init__(self, problem: CheckedProblem, theta: NDArray[np.float64], directions: int, seed: int) -> None:
        self._problem, self._theta = problem, theta
        drawn = np.random.default_rng([seed, _AMONG]).standard_normal((2, directions, len(theta)))
        self._u, self._v = drawn / np.linalg.norm(drawn, axis=2, keepdims=True)
        self._length = max(float(np.linalg.norm(theta)) / len(theta) ** 0.5, 1.0)

    def of_gradients(self) -> Iterator[Check]:
        before, chunks = self._theta.copy(), range(self._problem.num_chunks)
        yield self._gradient_check("gradient, all cases", self._gradient(None).full, Cases())
        if len(chunks) > 1:
            found = [self._gradient_check(f"chunk {c}", self._gradient(c).chunk, Cases(c)) for c in chunks]
            note = next((check.note for check in found if check.note), "")
            yield Check("gradient, each chunk", _worst([check.error for check in found]), _BY_DIFFERENCES, note)
        yield Check("gradient of a chunk alone", _worst([self._alone(c) for c in chunks]), _EXACT)
        g = self._gradient(None)
        ll = self._problem.score(self._theta, Cases()).log_likelihood
        yield Check("log-likelihood of gradient and of score", _relative(float(g.log_likelihood), ll), _EXACT)
        full, _ = g.full.copy(), self._full(self._theta + self._length * self._u[0])
        yield Check("gradient, not changed by a later one", _worst(g.full - full), 0.0)
        yield Check("theta is left as it was", _worst(self._theta - before), 0.0)

    def of_products(self, hessian: bool) -> Iterator[Check]:
        B, U, V = self._curvature(self._problem), self._u, self._v
        BU, BV = (np.array([B(v.copy()) for v in directions]) for directions in (U, V))
        scale = _worst(BU) or 1.0
        size = _worst(np.linalg.norm(BU, axis=1)) or 1.0
        yield Check("product, symmetric: u'Bv = v'Bu", _worst((U * BV).sum(1) - (V * BU).sum(1)) / size, _EXACT)
        moved = [B(2 * u + v) - (2 * Bu + Bv) for u, v, Bu, Bv in zip(U, V, BU, BV, strict=True)]
        yield Check("product, linear: B(2u + v) = 2Bu + Bv", _worst(moved) / scale, _EXACT)
        again, first = U[0].copy(), B(U[0].copy())
        first += 1.0  # a result belongs to the caller
        yield Check("product, the same bits twice", _worst(B(again) - BU[0]), 0.0)
        yield Check("v is left as it was", _worst(again - U[0]), 0.0)
        if hessian:
            yield from self._hessian_checks(BU)
        else:
            least = np.concatenate([(U * BU).sum(1), (V * BV).sum(1)]).min()
            yield Check("product, not negative: v'Bv >= 0", abs(max(float(-least), 0.0)) / size, _EXACT)

    def of_both(self, other: CheckedProblem) -> Iterator[Check]:
        chunks = [None, *range(self._problem.num_chunks)] if self._problem.num_chunks == other.num_chunks else [None]
        for name in ("log_likelihood", "error"):
            pairs = [[getattr(p.score(self._theta, Cases(c)), name) for p in (self._problem, other)] for c in chunks]
            yield Check(f"{name.replace('_', '-')} of both", _worst([_relative(*pair) for pair in pairs]), _SAME)
        own, theirs = ([p.gradient(self._theta, Cases(c)) for c in chunks] for p in (self._problem, other))
        gaps = [_gap(a.chunk, b.chunk) for a, b in zip(own, theirs, strict=True)]
        yield Check("gradient of both", _worst([*gaps, _gap(own[0].full, theirs[0].full)]), _SAME)
        products = [[self._curvature(p, c) for p in (self._problem, other)] for c in chunks]
        gaps = [_gap(B(v.copy()), C(v.copy())) for B, C in products for v in (*self._u, *self._v)]
        yield Check("product of both", _worst(gaps), _SAME)

    def _alone(self, chunk: int) -> float:
        """Return how far the gradient pass over one chunk is from the chunk's gradient in the pass over all cases."""
        alone, on = self._problem.chunk_gradient(self._theta, Cases(chunk)), Cases(chunk)
        return _gap(alone.full, self._problem.gradient(self._theta, on).chunk)

    def _hessian_checks(self, BU: NDArray[Any]) -> Iterator[Check]:
        differences = [self._difference(self._full, u) for u in self._u]
        name = "product, differences of the gradient"
        gaps = [_gap(difference, -Bu) for difference, Bu in zip(differences, BU, strict=True)]
        yield Check(name, _worst(gaps), _BY_DIFFERENCES)
        if (chunks := self._problem.num_chunks) == 1:
            return
        u, gaps = self._u[0], []
        for c in range(chunks):
            of_chunk = self._difference(lambda theta, c=c: self._problem.gradient(theta, Cases(c)).chunk, u)
            Bu = self._curvature(self._problem, c)(u.copy())
            gaps.append(min(_gap(difference, -Bu) for difference in (of_chunk, differences[0])))
        yield Check("product of each chunk, by differences", _worst(gaps), _BY_DIFFERENCES)

    def _gradient_check(self, name: str, g: NDArray[Any], on: Cases) -> Check:
        def ll(theta: NDArray[np.float64]) -> Any:
            return np.float64(self._problem.score(theta, on).log_likelihood)

        slopes = np.array([self._difference(ll, u) for u in self._u])
        # a smaller gradient cannot be told from the rounding of differences
        level = _worst([ll(self._theta + h * self._u[0]) for h in (0, _STEPS[0] * self._length)])
        least = _ROUNDING * level / (_STEPS[-1] * self._length * _BY_DIFFERENCES)
        scale = max(float(np.linalg.norm(g)) / len(g) ** 0.5, _worst(slopes), least) or 1.0
        kink = next((found for u in self._u if (found := self._kink(ll, u, scale))), "")
        return Check(name, np.inf if kink else _worst(slopes - self._u @ g) / scale, _BY_DIFFERENCES, kink)

    def _difference(self, f: Callable[[NDArray[np.float64]], Any], u: NDArray[np.float64]) -> Any:
        """Return the derivative of f along u by central differences, extrapolated as far as it settles."""
        steps = _STEPS * self._length
        table = [[(f(self._theta + h * u) - f(self._theta - h * u)) / (2 * h)] for h in steps]
        best, least = table[0][0], np.inf
        for i in range(1, len(table)):
            for j in range(i):
                finer, coarser = table[i][j], table[i - 1][j]
                table[i].append(finer + (finer - coarser) / (16 ** (j + 1) - 1))
                change = float(np.max(np.abs(table[i][j + 1] - finer)))
                if change < least:
                    best, least = table[i][j + 1], change
        return best

    def _kink(self, f: Callable[[NDArray[np.float64]], Any], u: NDArray[np.float64], scale: float) -> str:
        """Return a sentence if the slopes of f along u to both sides differ."""
        jumps: list[tuple[float, float, float]] = []
        for h in (step * self._length for step in _SIDE_STEPS):
            here = f(self._theta)
            left, right = float(here - f(self._theta - h * u)) / h, float(f(self._theta + h * u) - here) / h
            jumps.append((abs(right - left), left, right))
        (wide, *_), (close, left, right) = jumps
        if close > _CLEAR_JUMP * scale and close > _KINK * wide:
            return (
                f"not differentiable at this theta: its slope is {left:.4g} on one side and {right:.4g} on the other."
            )
        return ""

    def _gradient(self, chunk: int | None) -> Gradient:
        return self._problem.gradient(self._theta, Cases(chunk))

    def _full(self, theta: NDArray[np.float64]) -> NDArray[Any]:
        return self._problem.gradient(theta, Cases()).full

    def _curvature(self, problem: CheckedProblem, chunk: int | None = None) -> Callable[[NDArray[Any]], NDArray[Any]]:
        return problem.curvature(self._theta, Cases(chunk), problem.gradient(self._theta, Cases(chunk)))


def _relative(a: float, b: float) -> float:
    return abs(a - b) / max(abs(a), abs(b), 1e-300)


def _worst(errors: Any) -> float:
    """Return the largest size; NaN if there is one."""
    return float(np.abs(errors).max())


def _gap(a: NDArray[Any], b: NDArray[Any]) -> float:
    """Return the largest difference, relative to the largest entry."""
    return float(np.abs(a - b).max() / max(float(np.abs(b).max()), 1e-300))
