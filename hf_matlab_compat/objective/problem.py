"""The problem that the outer loop solves: value, gradient and curvature of a network on its data.

Everything is per case, with weight decay ½ · weight_decay · θᵀ(m∘θ) taken off the log-likelihood, where m
masks the parameters that decay. Gradients ascend the log-likelihood; curvatures are those of its negative,
so that they come out positive.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from hf_matlab_compat.backends.backend import Array, Backend
from hf_matlab_compat.model.losses import CrossEntropy
from hf_matlab_compat.model.network import Network
from hf_matlab_compat.objective.cases import Block, Cases
from hf_matlab_compat.objective.curvature import BlockProduct, CurvatureSum
from hf_matlab_compat.objective.empirical_fisher import EmpiricalFisher
from hf_matlab_compat.objective.gauss_newton import GaussNewton
from hf_matlab_compat.objective.gradient import gradient_sums
from hf_matlab_compat.objective.hessian import Hessian
from hf_matlab_compat.objective.likelihood import likelihood
from hf_matlab_compat.objective.sharing import Sharing
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
    _sharing: Sharing = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_sharing", Sharing(self.network, self.cases, self.backend))

    @property
    def num_chunks(self) -> int:
        """C."""
        return self.cases.num_chunks

    def likelihood(self, theta: Array, chunk: int | None = None) -> Score:
        """See `Problem.likelihood`."""
        with self.backend.quiet():
            score = likelihood(self._sharing, theta, chunk)
            return replace(score, log_likelihood=score.log_likelihood - self._decay_cost(theta))

    def gradient(self, theta: Array, target_chunk: int) -> Gradient:
        """See `Problem.gradient`."""
        with self.backend.quiet():
            sums = gradient_sums(
                self._sharing, theta, target_chunk, lambda piece: self.weight_decay * self._masked(theta, piece)
            )
            cost = self._decay_cost(theta)
        total = self._sum_of_chunks(sums.chunk_log_likelihoods)
        return Gradient(
            full=sums.full,
            chunk=sums.chunk,
            full_squared=sums.full_squared,
            chunk_squared=sums.chunk_squared,
            log_likelihood=total / len(self.cases) - cost,
        )

    def curvature_at(self, theta: Array, target_chunk: int, gradient: Gradient) -> Product:
        """See `Problem.curvature_at`."""
        on_chunk = self.curvature_cases == "target_chunk"
        chunks = self.cases.chunks(target_chunk if on_chunk else None)
        blocks = [block for c in chunks for block in self._sharing.blocks(c, kept=True)]
        self._sharing.let_go()
        with self.backend.quiet():
            parts = CurvatureSum(self._sharing, theta, blocks, self._at(theta))
        scale = (self.num_chunks if on_chunk else 1) / len(self.cases)
        center = gradient.chunk if self.curvature == "empirical_fisher" else None

        def product(v: Array) -> Array:
            mean = None if center is None else center @ v

            def finish(views: Sequence[Array], piece: slice) -> None:
                (Bv,) = views
                if center is not None:
                    # second moment less the mean's square; the mean has weight decay in it, as MATLAB's
                    Bv -= center[piece] * mean
                self._add_decay(v, piece, Bv)

            with self.backend.quiet():
                return parts(v, scale, finish)

        return product

    def decay_diagonal(self) -> Array | float:
        """See `Problem.decay_diagonal`."""
        return self.weight_decay if self.mask is None else self.weight_decay * self.mask

    def _at(self, theta: Array) -> Callable[[Block], BlockProduct]:
        if self.curvature == "gauss_newton":
            return lambda block: GaussNewton(self._sharing, theta, block)
        if self.curvature == "hessian":
            return lambda block: Hessian(self._sharing, theta, block)
        return lambda block: EmpiricalFisher(self._sharing, theta, block, faithful=self.faithful)

    def _masked(self, theta: Array, piece: slice = slice(None)) -> Array:
        return theta[piece] if self.mask is None else self.mask[piece] * theta[piece]

    def _add_decay(self, v: Array, piece: slice, Bv: Array) -> None:
        if (fused := self._sharing.fused) is None:
            Bv += self.weight_decay * self._masked(v, piece)
        else:
            fused.add_scaled(self.weight_decay, v[piece], Bv, None if self.mask is None else self.mask[piece])

    def _decay_cost(self, theta: Array) -> float:
        return 0.5 * self.weight_decay * float(theta @ self._masked(theta))

    def _sum_of_chunks(self, chunk_sums: list[Any]) -> Any:
        """Chunks added in double, except where the original adds them in working precision."""
        if self.faithful and isinstance(self.network.loss, CrossEntropy):
            working = self.backend.dtype.type
            return sum((working(float(ll)) for ll in chunk_sums), start=working(0))
        return sum(float(ll) for ll in chunk_sums)
