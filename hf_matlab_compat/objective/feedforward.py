"""A feed-forward network on its cases, as a problem: score, gradient and curvature.

All figures are means over cases. Weight decay ½ · weight_decay · θᵀ(m∘θ) is subtracted from the log-likelihood; the
mask m is 1 at the parameters that decay.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from hf_matlab_compat.backends.arrays import Array, Vector
from hf_matlab_compat.backends.backend import Backend
from hf_matlab_compat.model.corruption import DIAGONAL, signs
from hf_matlab_compat.model.losses import CrossEntropy
from hf_matlab_compat.model.network import Network
from hf_matlab_compat.model.packing import weights_only_mask
from hf_matlab_compat.objective.addition_order import order_of
from hf_matlab_compat.objective.case_passes import CasePasses
from hf_matlab_compat.objective.cases import Block, ChunkedCases, blocks_for, same_memory
from hf_matlab_compat.objective.curvature import BlockProduct, CurvatureSum, NetworkCurvature
from hf_matlab_compat.objective.empirical_fisher import EmpiricalFisher
from hf_matlab_compat.objective.gauss_newton import GaussNewton
from hf_matlab_compat.objective.gradient import chunk_sums, gradient_sums, sample_variance
from hf_matlab_compat.objective.hessian import Hessian
from hf_matlab_compat.objective.likelihood import likelihood
from hf_matlab_compat.objective.ordered_sum import OrderedSum
from hf_matlab_compat.objective.unbiased_diagonal import unbiased_diagonal
from hf_matlab_compat.options import Options
from hf_matlab_compat.problem import Cases, Gradient
from hf_matlab_compat.state import Score


@dataclass(frozen=True, kw_only=True)
class FeedforwardProblem:
    """A feed-forward network on its cases.

    Attributes
    ----------
    network : Network
    cases : ChunkedCases
    backend : Backend
    weight_decay : float
    mask : (P,) vector or None
        1 where weight decay applies; None for everywhere.
    curvature_kind : {'gauss_newton', 'hessian', 'empirical_fisher'}
    curvature_cases : {'target_chunk', 'all'}
    faithful : bool
        As in `Options`.
    make_sum : callable
        Makes the sums over blocks of cases: `OrderedSum`, or a class with the same methods, which may span
        processes.
    make_passes : callable
        Makes the passes over the cases from network, cases, backend and sum: `CasePasses`, or ones that change what
        they pass over.
    """

    network: Network
    cases: ChunkedCases
    backend: Backend
    weight_decay: float = 0.0
    mask: Vector | None = None
    curvature_kind: str = "gauss_newton"
    curvature_cases: str = "target_chunk"
    faithful: bool = True
    make_sum: Callable[..., OrderedSum] = OrderedSum
    make_passes: Callable[..., CasePasses] = CasePasses
    is_random = False
    """True where figures depend on `Cases.draw`."""
    _on: CasePasses = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_on", self.make_passes(self.network, self.cases, self.backend, self.make_sum))

    @property
    def num_parameters(self) -> int:
        """P."""
        return self.network.num_parameters

    @property
    def num_chunks(self) -> int:
        """C."""
        return self.cases.num_chunks

    @property
    def num_cases(self) -> int:
        """N."""
        return len(self.cases)

    def part(self, cases: NDArray[np.int64]) -> FeedforwardProblem:
        """See `problem.Divisible`."""
        return replace(self, cases=self.cases.part(cases))

    def gradient_variance(self, theta: Vector, gradient: Gradient) -> float:
        """Return the sum over parameters of the sample variance of the cases' gradients; one of weight w is w cases.

        `gradient` was formed at θ; weight decay, which is the same for every case, is not in the variance.
        """
        mean, squares = gradient.full + self.weight_decay * self._masked(theta), gradient.full_squared
        return sample_variance(mean, cast(Vector, squares), len(self.cases))

    def score(self, theta: Vector, on: Cases) -> Score:
        """See `Problem.score`."""
        with self.backend.quiet():
            score = likelihood(self._on, theta, on.chunk)
            return replace(score, log_likelihood=score.log_likelihood - self._decay_cost(theta))

    def gradient(self, theta: Vector, on: Cases) -> Gradient:
        """See `Problem.gradient`."""
        with self.backend.quiet():
            sums = gradient_sums(
                self._on, theta, on.chunk or 0, lambda piece: self.weight_decay * self._masked(theta, piece)
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

    def chunk_gradient(self, theta: Vector, on: Cases) -> Gradient:
        """See `problem.ChunkGradient`."""
        with self.backend.quiet():
            found = chunk_sums(
                self._on, theta, on.chunk or 0, lambda piece: self.weight_decay * self._masked(theta, piece)
            )
            log_likelihood = float(sum(found.scalars)) / self.cases.cases_per_chunk - self._decay_cost(theta)
        return Gradient(full=found.vectors[0], full_squared=found.vectors[1], log_likelihood=log_likelihood)

    def curvature(self, theta: Vector, on: Cases, gradient: Gradient | None) -> NetworkCurvature:
        """See `Problem.curvature`. Without `gradient` it has no diagonal; the empirical Fisher needs `gradient`."""
        on_chunk = self.curvature_cases == "target_chunk"
        chunks = self.cases.chunks(on.chunk if on_chunk else None)
        blocks = [block for c in chunks for block in self._on.blocks(c, kept=True)]
        scale = 1 / (len(chunks) * self.cases.cases_per_chunk)
        self._on.let_go()
        with self.backend.quiet():
            products = CurvatureSum(self._on, theta, blocks, self._at(theta), scale)
        squares = None if gradient is None else gradient.full_squared
        center = None
        if gradient is not None and self.curvature_kind == "empirical_fisher":
            center = gradient.full if on.chunk is None else gradient.chunk

        def estimate(draw: int) -> Vector:
            def of_cases(first: int, n: int, outputs: int) -> Array:
                return signs(DIAGONAL, (first, n, outputs), draw)

            return unbiased_diagonal(self._on, theta, chunks, of_cases)

        return NetworkCurvature(products, self.weight_decay, self.mask, squares, center, estimate)

    def _at(self, theta: Vector) -> Callable[[Block], BlockProduct]:
        if self.curvature_kind == "gauss_newton":
            return lambda block: GaussNewton(self._on, theta, block)
        if self.curvature_kind == "hessian":
            return lambda block: Hessian(self._on, theta, block)
        return lambda block: EmpiricalFisher(self._on, theta, block, faithful=self.faithful)

    def _masked(self, theta: Vector, piece: slice = slice(None)) -> Array:
        return theta[piece] if self.mask is None else self.mask[piece] * theta[piece]

    def _decay_cost(self, theta: Vector) -> float:
        return 0.5 * self.weight_decay * float(theta @ self._masked(theta))

    def _sum_of_chunks(self, chunk_sums: list[Any]) -> Any:
        """Add the chunks in double precision, except where MATLAB adds them in working precision."""
        if self.faithful and isinstance(self.network.loss, CrossEntropy):
            working = self.backend.dtype.type
            return sum((working(float(ll)) for ll in chunk_sums), start=working(0))
        return sum(float(ll) for ll in chunk_sums)


def feedforward_problem(
    network: Network,
    data: ChunkedCases,
    options: Options,
    backend: Backend,
    *,
    resident: bool = False,
    mask: Vector | None = None,
) -> FeedforwardProblem:
    """Return the problem of a network on cases that have been checked.

    The arrays of `data` are on the host and never copied as a whole, since they may be mapped from a file; `resident`
    moves them to the device. `mask`, (P,), is 1 where weight decay applies; by default as ``options.decay_biases``
    says.
    """
    inputs, targets = data.inputs, data.targets
    if same_memory(inputs, targets):
        targets = inputs  # an autoencoder: each block is loaded once
    if resident:
        alike = targets is inputs
        inputs = backend.asarray(inputs, order="F")
        targets = inputs if alike else backend.asarray(targets, order="F")
    weights = None if data.weights is None else backend.asarray(data.weights)
    if mask is None and not options.decay_biases:
        mask = weights_only_mask(backend.xp, network.sizes, backend.dtype)
    return FeedforwardProblem(
        network=network,
        cases=ChunkedCases(inputs, targets, data.num_chunks, weights, blocks_for(options.sum_lanes)),
        backend=backend,
        weight_decay=options.weight_decay,
        mask=mask,
        curvature_kind=options.curvature,
        curvature_cases=options.curvature_cases,
        faithful=options.faithful,
        make_sum=partial(OrderedSum, order=order_of(options.sum_lanes)),
    )
