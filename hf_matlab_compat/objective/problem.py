"""The problem that the outer loop solves: value, gradient and curvature of a network on its data.

Everything is per case, with weight decay ½ · weight_decay · θᵀ(m∘θ) taken off the log-likelihood, where m
masks the parameters that decay. Gradients ascend the log-likelihood; curvatures are those of its negative,
so that they come out positive.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Protocol

from hf_matlab_compat.backends.backend import Array, Backend
from hf_matlab_compat.model.losses import CrossEntropy
from hf_matlab_compat.model.network import Network
from hf_matlab_compat.objective.cases import Block, Cases
from hf_matlab_compat.objective.empirical_fisher import EmpiricalFisher
from hf_matlab_compat.objective.gauss_newton import GaussNewton
from hf_matlab_compat.objective.gradient import gradient_sums
from hf_matlab_compat.objective.hessian import Hessian
from hf_matlab_compat.objective.likelihood import likelihood
from hf_matlab_compat.state import Score

Product = Callable[[Array], Array]
"""v → B v, both (P,)."""


@dataclass(frozen=True)
class Gradient:
    """What one gradient pass yields.

    Attributes
    ----------
    full, chunk : (P,) arrays
        ∇ of the log-likelihood over all cases and over the target chunk, weight decay included.
    full_squared, chunk_squared : (P,) arrays
        Mean over cases of squared per-case gradients, weight decay not included.
    log_likelihood : scalar
        At θ over all cases; in working precision where the original's is.
    """

    full: Array
    chunk: Array
    full_squared: Array
    chunk_squared: Array
    log_likelihood: Any


class Problem(Protocol):
    """What the outer loop asks of whatever it trains. Chunks are counted from 0."""

    @property
    def num_chunks(self) -> int:
        """C."""
        ...

    def likelihood(self, theta: Array, chunk: int | None = None) -> Score:
        """Log-likelihood and error on all cases, or on one chunk."""
        ...

    def gradient(self, theta: Array, target_chunk: int) -> Gradient:
        """One gradient pass over all cases."""
        ...

    def curvature_at(self, theta: Array, target_chunk: int, gradient: Gradient) -> Product:
        """v → curvature of the negative objective at θ times v, weight decay included, damping not."""
        ...

    def decay_diagonal(self) -> Array | float:
        """Diagonal of the weight decay's curvature."""
        ...


@dataclass(frozen=True, kw_only=True)
class FeedforwardProblem:
    """A feed-forward network on its cases.

    Attributes
    ----------
    network : Network
    cases : Cases
    backend : Backend
    weight_decay : float
    mask : (P,) array or None
        1 where weight decay applies; None for everywhere.
    curvature : {'gauss_newton', 'hessian', 'empirical_fisher'}
    curvature_cases : {'target_chunk', 'all'}
    faithful : bool
        As in `Options`.
    """

    network: Network
    cases: Cases
    backend: Backend
    weight_decay: float = 0.0
    mask: Array | None = None
    curvature: str = "gauss_newton"
    curvature_cases: str = "target_chunk"
    faithful: bool = True

    @property
    def num_chunks(self) -> int:
        """C."""
        return self.cases.num_chunks

    def likelihood(self, theta: Array, chunk: int | None = None) -> Score:
        """See `Problem.likelihood`."""
        with self.backend.quiet():
            score = likelihood(self.network, theta, self.cases, self.backend.xp, chunk)
            return replace(score, log_likelihood=score.log_likelihood - self._decay_cost(theta))

    def gradient(self, theta: Array, target_chunk: int) -> Gradient:
        """See `Problem.gradient`."""
        with self.backend.quiet():
            sums = gradient_sums(self.network, theta, self.cases, target_chunk, self.backend.xp)
            cost = self._decay_cost(theta)
        decay = self.weight_decay * self._masked(theta)
        total = self._sum_of_chunks(sums.chunk_log_likelihoods)
        return Gradient(
            full=sums.full - decay,
            chunk=sums.chunk - decay,
            full_squared=sums.full_squared,
            chunk_squared=sums.chunk_squared,
            log_likelihood=total / len(self.cases) - cost,
        )

    def curvature_at(self, theta: Array, target_chunk: int, gradient: Gradient) -> Product:
        """See `Problem.curvature_at`."""
        on_chunk = self.curvature_cases == "target_chunk"
        chunks = self.cases.chunks(target_chunk if on_chunk else None)
        with self.backend.quiet():
            parts = [self._block_curvature(theta, block) for c in chunks for block in self.cases.chunk(c)]
        scale = self.num_chunks if on_chunk else 1
        center = gradient.chunk if self.curvature == "empirical_fisher" else None

        def product(v: Array) -> Array:
            with self.backend.quiet():
                Gv = parts[0](v)
                for part in parts[1:]:
                    Gv += part(v)
            Gv /= len(self.cases)
            Gv *= scale
            if center is not None:
                Gv -= center * (
                    center @ v
                )  # second moment less the mean's square; the mean has weight decay in it, as MATLAB's
            Gv += self.weight_decay * self._masked(v)
            return Gv

        return product

    def decay_diagonal(self) -> Array | float:
        """See `Problem.decay_diagonal`."""
        return self.weight_decay if self.mask is None else self.weight_decay * self.mask

    def _block_curvature(self, theta: Array, block: Block) -> Product:
        xp = self.backend.xp
        if self.curvature == "gauss_newton":
            return GaussNewton(self.network, theta, block, xp)
        if self.curvature == "hessian":
            return Hessian(self.network, theta, block, xp)
        return EmpiricalFisher(self.network, theta, block, xp, faithful=self.faithful)

    def _masked(self, theta: Array) -> Array:
        return theta if self.mask is None else self.mask * theta

    def _decay_cost(self, theta: Array) -> float:
        return 0.5 * self.weight_decay * float(theta @ self._masked(theta))

    def _sum_of_chunks(self, chunk_sums: list[Any]) -> Any:
        """Chunks added in double, except where the original adds them in working precision."""
        if self.faithful and isinstance(self.network.loss, CrossEntropy):
            working = self.backend.dtype.type
            return sum((working(float(ll)) for ll in chunk_sums), start=working(0))
        return sum(float(ll) for ll in chunk_sums)
