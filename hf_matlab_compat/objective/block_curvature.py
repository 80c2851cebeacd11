"""Curvature of a problem in blocks at a fixed θ: products from forward passes kept block by block."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from hf_matlab_compat.backends.arrays import Array, Vector
from hf_matlab_compat.backends.backend import Backend
from hf_matlab_compat.objective.block_model import AtBlock
from hf_matlab_compat.objective.ordered_sum import OrderedSum


class BlockSum(NamedTuple):
    """scale · Σ over blocks.

    Attributes
    ----------
    sums : OrderedSum
    parts : sequence of AtBlock
    scale : float
        1 / Z.
    """

    sums: OrderedSum
    parts: Sequence[AtBlock]
    scale: float


class BlockCurvature:
    """A `Curvature`: the mean, weight decay included, damping not; and the matrix S of structural damping beside it.

    Parameters
    ----------
    over : BlockSum
    workspace : callable
        Returns the scratch memory of a slot.
    backend : Backend
    decay : tuple
        Strength of the weight decay, and its mask, 1 where it applies, or None for everywhere.
    squares : callable
        Returns Σ over cases of the squares of a case's gradient, divided by Z; asked at most once.
    """

    def __init__(
        self,
        over: BlockSum,
        workspace: Callable[[int], Any],
        backend: Backend,
        decay: tuple[float, Vector | None],
        squares: Callable[[], Vector],
    ) -> None:
        self._over, self._workspace, self._backend = over, workspace, backend
        self._decay, self._mask = decay
        self._squares, self._found = squares, None

    def __call__(self, v: Vector) -> Vector:
        """Return G v, a new (P,) vector."""
        return self.structurally_damped(v, 0.0)

    def structurally_damped(self, v: Vector, strength: float) -> Vector:
        """Return (G + strength · S) v, a new (P,) vector, in one sweep; the weight decay is in."""

        def add(part: AtBlock, slot: int, sums: Sequence[Any]) -> None:
            part.add_product(v, sums[0].begin(), strength, self._workspace(slot))

        def finish(views: Sequence[Array], piece: slice) -> None:
            views[0][...] += self._decay * (v[piece] if self._mask is None else self._mask[piece] * v[piece])

        sums, parts, scale = self._over
        with self._backend.quiet():
            return sums.total(parts, add, scale=scale, finish=finish if self._decay else None).vectors[0]

    def diagonal(self, lam: float) -> Vector:
        """See `Curvature.diagonal`: the mean of squared gradients of cases, plus λ, plus weight decay."""
        if self._found is None:
            self._found = self._squares()
        return self._found + lam + (self._decay if self._mask is None else self._decay * self._mask)
