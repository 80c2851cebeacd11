"""Curvature of a network's objective at a fixed θ: products v → B v from forward passes kept block by block."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Protocol

from hf_matlab_compat.backends.arrays import Array, Vector
from hf_matlab_compat.model.directions import Directions
from hf_matlab_compat.model.sums import ParameterSums
from hf_matlab_compat.objective.block_memory import BlockMemory
from hf_matlab_compat.objective.case_passes import CasePasses
from hf_matlab_compat.objective.cases import Block
from hf_matlab_compat.objective.ordered_sum import Finish


class BlockProduct(Protocol):
    """The curvature products of one block."""

    def add(self, directions: Directions, sums: ParameterSums, memory: BlockMemory) -> None:
        """Add Σ over the block's cases of B v to the sums."""
        ...


class CurvatureSum:
    """v → scale · Σ over blocks of B v.

    Parameters
    ----------
    on : CasePasses
    theta : (P,) vector
    blocks : iterable of Block
    make : callable
        Block → BlockProduct at θ.
    scale : float
    """

    def __init__(
        self,
        on: CasePasses,
        theta: Vector,
        blocks: Iterable[Block],
        make: Callable[[Block], BlockProduct],
        scale: float,
    ) -> None:
        self._directions = on.directions(theta)
        self.on, self._scale = on, scale
        self._parts: Sequence[BlockProduct] = on.sums.prepare(list(blocks), lambda block, slot: make(block))

    def __call__(self, v: Vector, finish: Finish | None = None) -> Vector:
        """Return the product, a new (P,) vector; `finish` may change it piece by piece."""
        self.on.point(self._directions, v)
        return self.on.sums.total(self._parts, self._add, scale=self._scale, finish=finish).vectors[0]

    def _add(self, part: BlockProduct, slot: int, sums: Sequence[ParameterSums]) -> None:
        part.add(self._directions, sums[0], self.on.memory(slot))


class NetworkCurvature:
    """A `Curvature`: the mean over cases, weight decay included, damping not.

    Parameters
    ----------
    products : CurvatureSum
    decay : float
        Strength of the weight decay.
    mask : (P,) vector or None
        1 where weight decay applies; None for everywhere.
    squares : (P,) vector or None
        Mean over cases of squared per-case gradients, for `diagonal`.
    center : (P,) vector or None
        Mean gradient g. The curvature is then B - g gᵀ, the covariance of the gradient.
    estimate : callable
        Draw → an unbiased estimate of the diagonal of the Gauss-Newton matrix, without weight decay.
    """

    def __init__(
        self,
        products: CurvatureSum,
        decay: float,
        mask: Vector | None,
        squares: Vector | None,
        center: Vector | None,
        estimate: Callable[[int], Vector],
    ) -> None:
        self._products, self._on, self._decay, self._mask = products, products.on, decay, mask
        self._squares, self._center, self._estimate = squares, center, estimate

    def __call__(self, v: Vector) -> Vector:
        """Return the product with v, a new (P,) vector."""
        center = self._center
        mean = None if center is None else center @ v

        def finish(views: Sequence[Array], piece: slice) -> None:
            (Bv,) = views
            if center is not None:
                # covariance = second moment - g gᵀ; g includes weight decay, as in MATLAB
                Bv -= center[piece] * mean
            self._add_decay(v, piece, Bv)

        with self._on.backend.quiet():
            return self._products(v, finish)

    def diagonal(self, lam: float) -> Vector:
        """See `Curvature.diagonal`: the mean of squared per-case gradients, plus λ, plus weight decay."""
        assert self._squares is not None  # every gradient of this problem has them
        return self._damped(self._squares, lam)

    def unbiased_diagonal(self, lam: float, draw: int) -> Vector:
        """Return an unbiased estimate of the diagonal of the Gauss-Newton matrix, plus λ, plus weight decay."""
        with self._on.backend.quiet():
            return self._damped(self._estimate(draw), lam)

    def _damped(self, diagonal: Vector, lam: float) -> Vector:
        return diagonal + lam + (self._decay if self._mask is None else self._decay * self._mask)

    def _add_decay(self, v: Vector, piece: slice, Bv: Vector) -> None:
        mask = None if self._mask is None else self._mask[piece]
        if (fused := self._on.fused) is not None:
            fused.add_scaled(self._decay, v[piece], Bv, mask)
        else:
            Bv += self._decay * (v[piece] if mask is None else mask * v[piece])
