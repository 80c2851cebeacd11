"""Products with an inverse by its Neumann series, summed whole or cut at a random length.

Every function needs products v → B v only, and gives an estimate of B⁻¹ v. Where B draws other cases in every call,
`neumann` is one chain of LiSSA (Agarwal, Bullins & Hazan 2016), and its expectation is the series of the mean of B.

Notation
--------
c : the scale, at least the largest eigenvalue of B;  R = I - B/c, with 0 < B ≤ cI its eigenvalues are in [0, 1)
B⁻¹ v = (1/c) Σ_j Rʲ v, j = 0, 1, …;  x_J : its first J + 1 terms, for J products;  the series needs 0 < B < 2cI
γ : share of the random series that go on after each term, so that length i has the probability p(i) = (1 - γ) γⁱ
single term : Rⁱ v / p(i);  cumulative : Σ_{j ≤ i} Rʲ v / γʲ;  the expectation of both is the whole series
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, NamedTuple, NoReturn, cast

import numpy as np
from numpy.typing import NDArray

from hf_matlab_compat.answers import shown
from hf_matlab_compat.backends.arrays import Vector
from hf_matlab_compat.errors import NotFinite, OptionError
from hf_matlab_compat.kinds import (
    AT_LEAST_0,
    BETWEEN_0_AND_1,
    FLAG,
    POSITIVE,
    SEED,
    check,
    check_settings,
    converted,
    or_none,
    whole,
)
from hf_matlab_compat.problem import Product
from hf_matlab_compat.solvers.lanczos import Lanczos
from hf_matlab_compat.solvers.stopping import curvature_along

STEPS = 10
"""Lanczos steps of an estimate of the ends of the spectrum, for one product each."""


class Ends(NamedTuple):
    """Estimates of the ends of a spectrum.

    Attributes
    ----------
    least : float
        Not below the smallest eigenvalue.
    largest : float
        The largest Ritz value plus its residual: mostly above the largest eigenvalue, seldom far below it.
    """

    least: float
    largest: float


def spectrum_ends(B: Product, v: Vector, steps: int = STEPS) -> Ends:
    """Return estimates of the smallest and the largest eigenvalue of B, from a Krylov space that begins with v.

    Only eigenvectors that v contains are seen; they are those that series in v depend on. As a scale the largest one
    need not be exact: the series converges for any scale above half of the largest eigenvalue.

    Parameters
    ----------
    B : callable
        v → B v, symmetric, (P,) to (P,); a new vector.
    v : (P,) vector
        Any scale suits 0: its estimates are 1.
    steps : int
        Number of products, at most; fewer where the space has no more dimensions.
    """
    check(whole(1), steps=steps)
    _check_arrays(B, v)
    size = float(abs(v).max())
    if not size > 0:
        return Ends(1.0, 1.0)
    with np.errstate(over="ignore"):
        fits = 0 < float(v @ v) < math.inf
    space = Lanczos(B, v if fits else v / size)
    while len(space.Q) < steps and not space.is_exhausted:
        space.extend()
    t, S = space.eigen()
    return Ends(float(t[0]), float(t[-1] + space.b[-1] * abs(S[-1, -1])))


def neumann(B: Product, v: Vector, depth: int, scale: float | None = None) -> Vector:
    """Return x_J ≈ B⁻¹ v, a new (P,) vector, for J = `depth` products: x_0 = v, x_j = v + (I - B/c) x_{j-1}, x_J / c.

    Parameters
    ----------
    B : callable
        v → B v, positive definite; a new vector in every call. It may be random.
    v : (P,) vector
        Not changed.
    depth : int
        J.
    scale : float, optional
        c. By default the estimate of `spectrum_ends`, which costs ten products more. A random B needs one that is at
        least the largest eigenvalue of every B that can be drawn.

    Raises
    ------
    OptionError
        A vector is met along which B is negative, or above 2c: the series diverges.
    NotFinite
        A product is NaN or infinite.
    """
    depth = converted("depth", depth, whole(0))
    _check_arrays(B, v)
    check(or_none(POSITIVE), scale=scale)
    c = float(scale or scale_of(spectrum_ends(B, v)))
    x = v.copy()
    for _ in range(depth):
        Bx = B(x)
        check_product(x, Bx, c)
        x = v + x - Bx / c
    return x / c


def error_bound(least: float, scale: float, depth: int) -> float:
    """Return (1 - λ_min / c)^(J + 1), a bound of |x_J - B⁻¹ v| / |B⁻¹ v| for λ_min ≤ B ≤ c.

    Parameters
    ----------
    least, scale : float
        λ_min, c.
    depth : int
        J.

    Raises
    ------
    OptionError
        λ_min is below 0, c is not above 0, or J is no whole number.
    """
    check(AT_LEAST_0, least=least)
    check(POSITIVE, scale=scale)
    check(whole(0), depth=depth)
    return (1 - least / scale) ** (depth + 1)


@dataclass(frozen=True, kw_only=True)
class Roulette:
    """Series of random length: their mean is B⁻¹ v itself, where Neumann's series is cut.

    Attributes
    ----------
    gamma : float
        γ, above (1 - λ_min / c)² and below 1. A series costs γ / (1 - γ) products on average.
    cumulative : bool
        All terms up to the length, or the last one alone, for the same products. Towards γ = 1 the variance of the
        cumulative form tends to 0, that of a single term to infinity.
    scale : float, optional
        c, as in `neumann`.
    least : float, optional
        λ_min, the smallest eigenvalue of B, or a number that is known to be below it: a damping or a weight decay. By
        default the estimate of `spectrum_ends`, which is not below it: then only what is surely wrong is refused.
    """

    gamma: float
    cumulative: bool = True
    scale: float | None = None
    least: float | None = None

    def __post_init__(self) -> None:
        check_settings(self, gamma=BETWEEN_0_AND_1, cumulative=FLAG, scale=or_none(POSITIVE), least=or_none(AT_LEAST_0))

    def __call__(self, B: Product, v: Vector, draws: int = 1, seed: int = 0) -> Vector:
        """Return the mean of estimates of B⁻¹ v, a new (P,) vector.

        The series share their products, as many as the longest needs: about (0.6 + ln draws) / (1 - γ). Where B is
        random, ask for one series at a time, with several seeds.

        Parameters
        ----------
        B, v
            As in `neumann`.
        draws : int
            Number of series.
        seed : int
            Key of their lengths.

        Raises
        ------
        OptionError
            γ ≤ (1 - λ_min / c)², for which the variance is infinite; or as in `neumann`.
        NotFinite
            A product is NaN or infinite.
        """
        _check_arrays(B, v)
        draws, seed = converted("draws", draws, whole(1)), converted("seed", seed, SEED)
        known = self.scale is not None and self.least is not None
        ends = Ends(cast(float, self.least), cast(float, self.scale)) if known else spectrum_ends(B, v)
        c = self.scale or scale_of(ends)
        least = ends.least if self.least is None else self.least
        self.relative_variance(1 - least / c)
        weights = self.weights(np.random.default_rng(seed).geometric(1 - self.gamma, draws) - 1)
        term, total = v / c, v * (weights[0] / c)
        for weight in weights[1:]:
            Bt = B(term)
            check_product(term, Bt, c)
            term = term - Bt / c
            total += weight * term
        return total

    def weights(self, lengths: NDArray[np.int64]) -> list[float]:
        """Return the weight of Rʲ v / c, j = 0 … max i, in the mean of series of these lengths i, (n,)."""
        counts = np.bincount(lengths)
        powers = self.gamma ** np.arange(len(counts))
        if self.cumulative:
            return (counts[::-1].cumsum()[::-1] / powers / len(lengths)).tolist()
        return (counts / ((1 - self.gamma) * powers) / len(lengths)).tolist()

    def relative_variance(self, rho: float) -> float:
        """Return the variance of one series along an eigenvector, relative to the square of its mean.

        Single term: (1 - ρ)² / ((1 - γ)(1 - ρ²/γ)) - 1; cumulative: (1 - γ) ρ² / (γ - ρ²).

        Parameters
        ----------
        rho : float
            ρ, the eigenvalue of R.

        Raises
        ------
        OptionError
            γ is not above ρ², or not below 1.
        """
        gamma, square = self.gamma, rho**2
        if not square < gamma < 1:
            raise OptionError(
                "gamma",
                expected=f"a number above (1 - least eigenvalue / scale)^2 = {square:.6g} and below 1",
                got=gamma,
                advice="At or below it the variance of the estimates is infinite. Take a larger one, or more damping.",
            )
        if self.cumulative:
            return (1 - gamma) * square / (gamma - square)
        return (1 - rho) ** 2 / ((1 - gamma) * (1 - square / gamma)) - 1


def _check_arrays(B: Any, v: Any) -> None:
    """Refuse a matrix in place of products, and anything but a vector.

    Raises
    ------
    OptionError
        They are given.
    """
    if not callable(B):
        advice = "Write lambda v: B @ v."
        raise OptionError("B", expected="a function v → B v", got=shown(B), advice=advice)
    if getattr(v, "ndim", None) != 1:
        raise OptionError("v", expected="a vector, an array of shape (P,)", got=shown(v))


def scale_of(ends: Ends) -> float:
    """Return the estimate of the largest eigenvalue, as c.

    Raises
    ------
    OptionError
        It is not above 0.
    NotFinite
        It is NaN or infinite.
    """
    if not math.isfinite(ends.largest):
        raise NotFinite("curvature product")
    if not ends.largest > 0:
        _refuse_indefinite(ends.largest)
    return ends.largest


def _refuse_indefinite(curvature: float) -> NoReturn:
    """Refuse a matrix.

    Raises
    ------
    OptionError
        Always.
    """
    raise OptionError(
        "B",
        expected="a positive definite matrix, which a Neumann series needs",
        got=f"curvature {curvature:.4g} along its vectors",
        advice="Add damping or weight decay, take a Gauss-Newton matrix, or solve by 'minres'.",
    )


def check_product(x: Vector, Bx: Vector, scale: float, most: float = 2.0) -> float:
    """Return xᵀB x / xᵀx, after a check that a series with this scale can converge.

    Parameters
    ----------
    x : (P,) vector
        A term or a sum of the series.
    Bx : (P,) vector
        Its product.
    scale : float
        c.
    most : float
        The largest curvature that is accepted, as a multiple of c.

    Raises
    ------
    OptionError
        It is negative or above `most` · c by more than rounding.
    """
    along, square = curvature_along(x, Bx), float(x @ x)
    curvature = along / square if square else 0.0
    slack = math.sqrt(float(np.finfo(x.dtype).eps)) * scale
    if curvature < -slack:
        _refuse_indefinite(curvature)
    if curvature > most * scale + slack:
        raise OptionError(
            "scale",
            expected=f"a number of at least {curvature:.4g}, a curvature that the series met",
            got=scale,
            advice="The series needs a scale of at least the largest eigenvalue; below half of it, it diverges.",
        )
    return curvature
