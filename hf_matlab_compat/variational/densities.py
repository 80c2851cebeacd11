"""Log densities at many points: the caller's functions, or the posterior of the parameters of a problem.

Notation
--------
Z : points, a row for each draw, (S, D);  U : vectors, one for each point, (S, D)
H_k = -∇² log p(z_k)
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple, Protocol

import numpy as np

from hf_matlab_compat.answers import is_number, shown
from hf_matlab_compat.backends.arrays import Array
from hf_matlab_compat.backends.backend import Backend
from hf_matlab_compat.errors import DataError, OptionError
from hf_matlab_compat.preflight.arrays import processes_sharing
from hf_matlab_compat.problem import Cases

Products = Callable[[Array], Array]
"""U → rows H_k u_k, (S, D)."""


class Values(NamedTuple):
    """log p at each point, (S,), and the mean over points of the error that is reported."""

    log_p: Array
    error: float


class Gradients(NamedTuple):
    """log p at each point, (S,), and ∇log p over all cases and over the target chunk, (S, D)."""

    log_p: Array
    full: Array
    chunk: Array


class Density(Protocol):
    """A log density that is evaluated at S points at once."""

    @property
    def size(self) -> int:
        """D."""
        ...

    @property
    def num_chunks(self) -> int:
        """Number of minibatches of the cases."""
        ...

    @property
    def is_random(self) -> bool:
        """True if figures depend on `Cases.draw`."""
        ...

    @property
    def has_products(self) -> bool:
        """True if second-order methods can use it."""
        ...

    def values(self, Z: Array, on: Cases) -> Values:
        """Return log p and the error."""
        ...

    def gradients(self, Z: Array, on: Cases) -> Gradients:
        """Return log p and its gradients."""
        ...

    def chunk_gradients(self, Z: Array, on: Cases) -> Gradients:
        """Return the same on the cases of ``on.chunk`` alone."""
        ...

    def products(self, Z: Array, on: Cases) -> Products:
        """Return products with the negative Hessians, or with what stands for them."""
        ...

    def placed(self, backend: Backend, make_sum: Any) -> Density:
        """Return the same density on a backend."""
        ...


@dataclass(frozen=True)
class LogDensity:
    """The caller's functions.

    Attributes
    ----------
    size : int
        D.
    log_p, gradient, product : callable
        z → log p(z); z → ∇log p(z), (D,); (z, v) → ∇²log p(z) v, (D,), or None. Vectorised ones take and return
        draws as columns, (D, S), and log_p returns (S,).
    linearised : callable or None
        z → (v → ∇²log p(z) v): in place of `product`, where the work at z is done once.
    vectorised : bool
    """

    size: int
    log_p: Callable[..., Any]
    gradient: Callable[..., Any]
    product: Callable[..., Any] | None = None
    linearised: Callable[..., Any] | None = None
    vectorised: bool = False
    num_chunks = 1
    is_random = False

    @property
    def has_products(self) -> bool:
        """True if second-order methods can use it."""
        return self.product is not None or self.linearised is not None

    def values(self, Z: Array, on: Cases) -> Values:
        """See `Density.values`; the error is the mean of -log p."""
        log_p = self._log_p(Z)
        return Values(log_p, -float(log_p.mean()))

    def gradients(self, Z: Array, on: Cases) -> Gradients:
        """See `Density.gradients`."""
        full = self._rows("gradient", [self.gradient(z) for z in self._points(Z)], Z)
        return Gradients(self._log_p(Z), full, full)

    chunk_gradients = gradients

    def products(self, Z: Array, on: Cases) -> Products:
        """See `Density.products`."""
        points = self._points(Z)
        if self.linearised is not None:
            at = [self.linearised(z) for z in points]
        else:
            product: Any = self.product
            at = [lambda v, z=z: product(z, v) for z in points]

        def H(U: Array) -> Array:
            made = [times(v) for times, v in zip(at, self._points(U), strict=True)]
            return -self._rows("product", made, U)

        return H

    def placed(self, backend: Backend, make_sum: Any) -> LogDensity:
        """Return itself.

        Raises
        ------
        OptionError
            The run is on a GPU, or shared by processes.
        """
        if not backend.on_host:
            raise OptionError("backend", expected="'numpy' or 'numba' beside a log density", got=repr(backend.name))
        _refuse_sharing("a log density")
        return self

    def _points(self, Z: Array) -> Sequence[Array]:
        return [Z.T] if self.vectorised else list(Z)

    def _log_p(self, Z: Array) -> Array:
        """Return log p at the points.

        Raises
        ------
        DataError
            It is not one number for each.
        """
        found = [self.log_p(z) for z in self._points(Z)]
        if self.vectorised:
            if getattr(found[0], "shape", None) != (len(Z),):
                expected = f"{len(Z)} numbers, one for each column of z, (D, S) = {Z.T.shape}"
                raise DataError("model", expected=expected, got=shown(found[0]))
            return np.asarray(found[0])
        for each in found:
            if not is_number(each):
                raise DataError(
                    "model",
                    expected=f"one number for z of shape ({self.size},)",
                    got=shown(each),
                    advice="Add up the terms of the log density; with {vectorised=True} z is (D, S).",
                )
        return np.array(found, dtype=np.float64)

    def _rows(self, name: str, made: list[Any], Z: Array) -> Array:
        """Return what a function made at the points as rows.

        Raises
        ------
        DataError
            It has another shape than z, or no real numbers.
        """
        wanted = Z.T.shape if self.vectorised else (self.size,)
        for each in made:
            if getattr(each, "shape", None) != wanted or each.dtype.kind not in "fiu":
                raise DataError(name, expected=f"an array of shape {wanted}, as z has", got=shown(each))
        return made[0].T if self.vectorised else np.stack(made)


@dataclass(frozen=True)
class ProblemDensity:
    """The posterior of a problem's parameters: log p(z) = scale · ll(z) + log N(z; 0, prior_sd²).

    Attributes
    ----------
    problem : Problem
        ll is its mean log-likelihood, weight decay included.
    scale : float
        N, or Z: what a sum over cases is divided by to be a mean.
    prior_sd : float
        Infinite where the weight decay is the prior.
    """

    problem: Any
    scale: float
    prior_sd: float = math.inf

    @property
    def size(self) -> int:
        """D, the number of parameters of the problem."""
        return int(self.problem.num_parameters)

    @property
    def num_chunks(self) -> int:
        """C of the problem."""
        return int(self.problem.num_chunks)

    @property
    def is_random(self) -> bool:
        """True if the problem itself draws random numbers."""
        return bool(getattr(self.problem, "is_random", True))

    @property
    def has_products(self) -> bool:
        """True if the problem has a curvature."""
        return hasattr(self.problem, "curvature")

    @property
    def precision(self) -> float:
        """1 / prior_sd²."""
        return self.prior_sd**-2

    def values(self, Z: Array, on: Cases) -> Values:
        """See `Density.values`; the error is that of the problem."""
        found = [self.problem.score(z, on) for z in Z]
        ll = np.array([float(each.log_likelihood) for each in found])
        return Values(self._log_p(ll, Z), float(np.mean([float(each.error) for each in found])))

    def gradients(self, Z: Array, on: Cases) -> Gradients:
        """See `Density.gradients`."""
        return self._gradients(self.problem.gradient, Z, on)

    def chunk_gradients(self, Z: Array, on: Cases) -> Gradients:
        """See `Density.chunk_gradients`; a problem with no pass over a chunk pays for one over all cases."""
        if not hasattr(self.problem, "chunk_gradient"):
            found = self.gradients(Z, on)
            return found._replace(full=found.chunk)
        return self._gradients(self.problem.chunk_gradient, Z, on)

    def products(self, Z: Array, on: Cases) -> Products:
        """See `Density.products`; a Gauss-Newton problem gives those of Gauss-Newton matrices."""
        at = [self.problem.curvature(z, on, self.problem.gradient(z, on)) for z in Z]

        def H(U: Array) -> Array:
            made = np.stack([G(u) for G, u in zip(at, U, strict=True)])
            return self.scale * made + self.precision * U

        return H

    def placed(self, backend: Backend, make_sum: Any) -> ProblemDensity:
        """Return the density of the problem on the backend of a run.

        Raises
        ------
        OptionError
            Processes share the run, and the problem cannot be shared.
        """
        if not hasattr(self.problem, "placed"):
            _refuse_sharing("this problem")
            return self
        return replace(self, problem=self.problem.placed(backend, make_sum))

    def _gradients(self, run: Callable[..., Any], Z: Array, on: Cases) -> Gradients:
        found = [run(z, on) for z in Z]
        ll = np.array([float(g.log_likelihood) for g in found])
        full, chunk = (
            self.scale * np.stack([getattr(g, part) for g in found]) - self.precision * Z for part in ("full", "chunk")
        )
        return Gradients(self._log_p(ll, Z), full, chunk)

    def _log_p(self, ll: Array, Z: Array) -> Array:
        if not self.precision:
            return self.scale * ll
        log_prior = -0.5 * self.precision * (Z * Z).sum(axis=1) - self.size * math.log(
            self.prior_sd * math.sqrt(2 * math.pi)
        )
        return self.scale * ll + log_prior


def _refuse_sharing(what: str) -> None:
    """Refuse a run that processes share.

    Raises
    ------
    OptionError
        They do.
    """
    if processes_sharing() > 1:
        expected = f"'none' beside {what}, of which every process would do all the work"
        raise OptionError("ranks", expected=expected, got="'mpi'")
