"""The lower bound of variational inference (ELBO) as a problem: score, gradient and curvature on given draws.

Notation
--------
q = N(μ, diag e^s), θ = [μ; s];  ε_k : standard normal draws;  z_k = μ + h_k;  h_k = e^{s/2} ∘ ε_k
g_k = ∇log p(z_k);  H_k = -∇² log p(z_k)
ELBO = ½ Σ s + ½ D (1 + ln 2π) + mean_k log p(z_k)          (Kingma and Welling 2014; Duvenaud and Adams 2015)
∂ELBO/∂μ = mean g_k;  ∂ELBO/∂s = ½ + mean(g_k ∘ ½ h_k)
J_k = [I, diag(½ h_k)] is the derivative of z_k, and ∂²z_k/∂s² = ¼ h_k, so that -ELBO has the Hessian
mean J_kᵀ H_k J_k + diag(0, b) with b = -mean(g_k ∘ ¼ h_k) = ½ (½ - ∂ELBO/∂s); at an optimum b = ¼
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any, ClassVar, cast

import numpy as np

from hf_matlab_compat.backends.arrays import Array, Vector
from hf_matlab_compat.backends.backend import Backend, get_backend
from hf_matlab_compat.errors import DataError, NotFinite, OptionError
from hf_matlab_compat.kinds import SEED, converted, whole
from hf_matlab_compat.preflight.arrays import real_array
from hf_matlab_compat.problem import Cases, Curvature, Gradient
from hf_matlab_compat.state import Score
from hf_matlab_compat.variational.densities import Density, Products
from hf_matlab_compat.variational.draws import JUDGE, SAMPLE, Draws, normals


@dataclass(frozen=True)
class Posterior:
    """A normal approximation of a posterior, with independent coordinates.

    Attributes
    ----------
    mean, sd : (D,) arrays
        Mean and standard deviation.
    elbo : float
        Estimate of the lower bound on log evidence, from draws that training did not see.
    standard_error : float
        Of that estimate.
    """

    mean: Array
    sd: Array
    elbo: float
    standard_error: float

    def draws(self, count: int, seed: int = 0) -> Array:
        """Return draws from it, (count, D); the same seed gives the same draws.

        Raises
        ------
        OptionError
            The count is no whole number of at least 1, or the seed none of at least 0.
        """
        count, seed = converted("count", count, whole(1)), converted("seed", seed, SEED)
        return self.mean + self.sd * normals((seed, SAMPLE), 0, count, len(self.mean))


class ELBOCurvature:
    """Curvature of -ELBO at θ on the draws; the module's notation has the formula.

    Parameters
    ----------
    products : callable
        U → rows H_k u_k.
    half : (S, D) array
        ½ h_k.
    bend : (D,) array
        b, or its positive part.
    """

    def __init__(self, products: Products, half: Array, bend: Array) -> None:
        self._products, self._half, self._bend = products, half, bend

    def __call__(self, v: Vector) -> Vector:
        """Return the product with v, (2D,)."""
        of_mean, of_s = np.split(v, 2)
        W = self._products(of_mean + self._half * of_s)  # rows H_k J_k v
        made = np.concatenate([W.mean(axis=0), (self._half * W).mean(axis=0) + self._bend * of_s])
        return made.astype(v.dtype, copy=False)


@dataclass(frozen=True, kw_only=True)
class VariationalProblem:
    """The ELBO of a log density on draws, to be maximised by ``train(problem=…)``; θ = [μ; s].

    Attributes
    ----------
    density : Density
    draws : Draws
    updates : int
        Updates of a first-order method in an epoch, for each chunk of the density.
    exact_curvature : bool
        The diagonal term b of the curvature is used as it is, also where it is negative; otherwise its positive part.
    initial_mean : callable
        seed → the first μ, (D,).
    initial_sd : float
        The first e^{s/2}.
    """

    density: Density
    draws: Draws
    updates: int = 1
    exact_curvature: bool = False
    initial_mean: Callable[[Any], Array]
    initial_sd: float = 0.1
    backend: Backend = field(default_factory=lambda: get_backend("numpy", "double"))
    _kept: dict[str, Any] = field(default_factory=dict[str, Any], init=False, repr=False, compare=False)
    option_defaults: ClassVar[Mapping[str, Any]] = MappingProxyType(
        {"precision": "double", "preconditioner": "none", "initial_lam": 1.0}
    )
    """Options of `train` that have another default for this problem."""

    @property
    def num_parameters(self) -> int:
        """2 D."""
        return 2 * self.density.size

    @property
    def num_chunks(self) -> int:
        """Updates of a first-order method in an epoch."""
        return self.density.num_chunks * self.updates

    @property
    def is_random(self) -> bool:
        """True where figures depend on `Cases.draw`."""
        return self.draws.fresh or self.density.is_random

    def placed(self, backend: Backend, make_sum: Any) -> VariationalProblem:
        """Return the same problem on the backend of a run."""
        return replace(self, density=self.density.placed(backend, make_sum), backend=backend)

    def initial_theta(self, seed: Any = None) -> Vector:
        """Return the first μ and s, (2D,), on the host."""
        mean = np.asarray(self.initial_mean(seed), dtype=np.float64).ravel()
        return np.concatenate([mean, np.full(mean.size, 2 * math.log(self.initial_sd))])

    def points(self, theta: Vector, epoch: int = 0) -> Array:
        """Return z_k = μ + e^{s/2} ∘ ε_k, (S, D), with the draws of an epoch."""
        return _points(theta, self._draws(theta, epoch))[0]

    def score(self, theta: Vector, on: Cases) -> Score:
        """See `Problem.score`: the ELBO, and the mean over draws of the problem's error, or of -log p."""
        found = self.density.values(self.points(theta, on.draw), self._inner(on))
        return Score(log_likelihood=_entropy(theta) + float(found.log_p.mean()), error=found.error)

    def gradient(self, theta: Vector, on: Cases) -> Gradient:
        """See `Problem.gradient`.

        Raises
        ------
        NotFinite
            The log density is NaN or infinite at a draw.
        """
        Z, half = _points(theta, self._draws(theta, on.draw))
        found = self.density.gradients(Z, self._inner(on))
        return self._gradient(theta, half, found.log_p, found.full, found.chunk)

    def chunk_gradient(self, theta: Vector, on: Cases) -> Gradient:
        """See `problem.ChunkGradient`; fresh draws are other ones for every chunk.

        Raises
        ------
        NotFinite
            The log density is NaN or infinite at a draw.
        """
        Z, half = _points(theta, self._draws(theta, on.draw, on.chunk or 0))
        found = self.density.chunk_gradients(Z, self._inner(on))
        return self._gradient(theta, half, found.log_p, found.full, found.full)

    def curvature(self, theta: Vector, on: Cases, gradient: Gradient | None) -> Curvature:
        """See `Problem.curvature`; it has no diagonal, so preconditioners that need one are refused."""
        Z, half = _points(theta, self._draws(theta, on.draw))
        gradient = self.gradient(theta, on) if gradient is None else gradient
        of_s = np.split(gradient.full if on.chunk is None else gradient.chunk, 2)[1]
        bend = 0.5 * (0.5 - of_s)
        products = self.density.products(Z, self._inner(on))
        kept = bend if self.exact_curvature else np.maximum(bend, 0)
        return cast(Curvature, ELBOCurvature(products, half, kept))

    def posterior(self, result: Any, draws: int = 1000, seed: int = 0) -> Posterior:
        """Return the approximation that a run found, with an estimate of its ELBO.

        Parameters
        ----------
        result : Result or (2D,) array
            Of ``train(problem=…)``, or its θ.
        draws : int
            Fresh independent draws, at least 2.
        seed : int
            Of them; training never sees these draws, whatever its seed.

        Raises
        ------
        OptionError
            There are too few draws, or a number is not whole.
        DataError
            The result is of another problem.
        """
        draws, seed = converted("draws", draws, whole(2)), converted("seed", seed, SEED)
        theta = real_array("result", getattr(result, "theta", result)).ravel().astype(np.float64)
        if theta.size != self.num_parameters:
            expected = f"{self.num_parameters} numbers, μ and s of this problem"
            raise DataError("result", expected=expected, got=theta.size)
        mean, s = np.split(theta, 2)
        made = normals((seed, JUDGE), 0, draws, self.density.size)
        log_p = self.density.values(_points(theta, made)[0], Cases()).log_p
        spread = float(log_p.std(ddof=1)) / math.sqrt(draws)
        return Posterior(mean, np.exp(s / 2), _entropy(theta) + float(log_p.mean()), spread)

    def _gradient(self, theta: Vector, half: Array, log_p: Array, *parts: Array) -> Gradient:
        if not np.isfinite(log_p).all():
            raise NotFinite(f"log density at draw {int(np.argmin(np.isfinite(log_p)))}")
        full, chunk = (np.concatenate([g.mean(axis=0), 0.5 + (g * half).mean(axis=0)]) for g in parts)
        return Gradient(full=full, chunk=chunk, log_likelihood=_entropy(theta) + float(log_p.mean()))

    def _draws(self, theta: Vector, epoch: int, update: int = 0) -> Array:
        """Return ε in the precision of θ; that of the last call is kept."""
        key = (*((epoch, update) if self.draws.fresh else (0, 0)), theta.dtype)
        if self._kept.get("key") != key:
            self._kept.update(key=key, eps=self.backend.asarray(self.draws.of(epoch, update).astype(theta.dtype)))
        return self._kept["eps"]

    def _inner(self, on: Cases) -> Cases:
        return Cases(None if on.chunk is None else on.chunk % self.density.num_chunks, on.draw)


class FirstOrderProblem(VariationalProblem):
    """A variational problem whose density has no products with its Hessian."""

    @property
    def curvature(self) -> Any:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Refuse; methods look for it before a run begins.

        Raises
        ------
        OptionError
            Always.
        """
        advice = "Give it, or train with a first-order method: {method='adam'}."
        expected = "a function (z, v) that returns the Hessian of log p times v, which this method needs"
        raise OptionError("product", expected=expected, got="none", advice=advice)


def _points(theta: Vector, made: Array) -> tuple[Array, Array]:
    """Return z_k, (S, D), and ½ h_k, (S, D)."""
    mean, s = np.split(theta, 2)
    h = np.exp(s / 2) * made
    return mean + h, h / 2


def _entropy(theta: Vector) -> float:
    s = np.split(theta, 2)[1]
    return 0.5 * float(s.sum()) + 0.5 * s.size * (1 + math.log(2 * math.pi))
