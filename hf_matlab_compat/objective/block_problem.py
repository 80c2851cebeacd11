"""A model on cases, as a problem: score, gradient and curvature, by ordered sums over blocks of cases.

Notation
--------
Z : normaliser, the sum of the loss weights of the cases in a sum, or their number
ll = (1/Z) Σ m ll_n - ½ · weight_decay · θᵀ(mask∘θ)
G : curvature of -ll, weight decay included;  S : matrix of structural damping, divided by the same Z
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from hf_matlab_compat.backends.arrays import Array, Vector
from hf_matlab_compat.backends.backend import Backend, get_backend
from hf_matlab_compat.backends.workers import Workers
from hf_matlab_compat.errors import OptionError
from hf_matlab_compat.objective.block_curvature import BlockCurvature, BlockSum
from hf_matlab_compat.objective.block_model import AtBlock, BlockData, BlockModel
from hf_matlab_compat.objective.cases import blocks_for
from hf_matlab_compat.objective.ordered_sum import OrderedSum, Totals
from hf_matlab_compat.problem import Cases, Gradient
from hf_matlab_compat.state import Score


class _Sum:
    """A packed vector that items are added to; for a lane's first item it starts with 0."""

    def __init__(self, packed: Vector, replaces: bool) -> None:
        self._packed, self._replaces = packed, replaces

    def begin(self) -> Vector:
        if self._replaces:
            self._packed[...] = 0
        return self._packed

    def let_go(self) -> None:
        """Free nothing: it has no scratch memory."""


def _no_workspace(backend: Backend) -> None:
    """Stand for scratch memory where a model needs none."""


@dataclass(frozen=True, kw_only=True)
class BlockProblem:
    """A model on cases. `train(problem=…)` places it on the backend of the run.

    Attributes
    ----------
    model : BlockModel
    data : BlockData
    backend : Backend
    weight_decay : float
    decay_biases : bool
        As in `Options`.
    per, error_per : str
        By which count the data divides sums, and the error.
    curvature_cases : {'target_chunk', 'all'}
    resample : callable or None
        epoch from 1 → `BlockData` of that epoch, as large as `data`, and the same for the same epoch.
    make_sum : callable
        Makes the sums over blocks: `OrderedSum`, or a class with the same methods, which may span processes.
    """

    model: BlockModel
    data: BlockData
    backend: Backend = field(default_factory=lambda: get_backend("numpy", "double"))
    weight_decay: float = 0.0
    decay_biases: bool = True
    per: str = "case"
    error_per: str = "case"
    curvature_cases: str = "target_chunk"
    resample: Callable[[int], Any] | None = None
    make_sum: Callable[..., OrderedSum] = OrderedSum
    new_workspace: ClassVar[Callable[[Backend], Any]] = staticmethod(_no_workspace)
    """Makes the scratch memory of a pass."""
    on_host_since: ClassVar[str] = ""
    """The part of the model that computes on the host alone, for an error; empty if none does."""
    _sums: OrderedSum = field(init=False, repr=False, compare=False)
    _mask: Vector | None = field(init=False, repr=False, compare=False)
    _kept: dict[Any, Any] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        backend, P = self.backend, self.num_parameters
        shared = backend.on_host and self.data.worth_sharing(P)

        def new_vector() -> Vector:
            return backend.xp.empty(P, dtype=backend.dtype)

        def accumulators(packed: Vector) -> tuple[_Sum, _Sum]:
            return _Sum(packed, True), _Sum(packed, False)

        made = self.make_sum(new_vector, accumulators, backend.workers if shared else Workers(), backend.xp)
        mask = None if self.decay_biases else backend.asarray(self.model.decay_mask())
        object.__setattr__(self, "_sums", made)
        object.__setattr__(self, "_mask", mask)
        object.__setattr__(self, "_kept", {})

    def placed(self, backend: Backend, make_sum: Callable[..., OrderedSum] = OrderedSum) -> Self:
        """Return the same problem on a backend, with this kind of sums.

        Raises
        ------
        OptionError
            The backend is a GPU's, and the model computes on the host.
        """
        if self.on_host_since and not backend.on_host:
            expected = f"'numpy' or 'numba' beside {self.on_host_since}"
            raise OptionError("backend", expected=expected, got=repr(backend.name))
        return replace(self, backend=backend, make_sum=make_sum)

    @property
    def num_parameters(self) -> int:
        """P."""
        return int(self.model.num_parameters)

    @property
    def num_chunks(self) -> int:
        """C."""
        return self.data.num_chunks

    @property
    def num_cases(self) -> int:
        """N."""
        return len(self.data)

    @property
    def total_weight(self) -> float:
        """Z of all cases, by which sums are divided."""
        return float(self.data.total_weight(None, self.per))

    def part(self, cases: NDArray[np.int64]) -> Self:
        """See `problem.Divisible`."""

        def draw(epoch: int) -> BlockData:
            return self._data(epoch).part(cases)

        return replace(self, data=self.data.part(cases), resample=None if self.resample is None else draw)

    @property
    def is_random(self) -> bool:
        """True where figures depend on `Cases.draw`."""
        return self.resample is not None

    def initial_theta(self, seed: Any = None) -> Any:
        """Return random initial parameters of the model, (P,), on the host."""
        return self.model.initial_theta(seed)

    def score(self, theta: Vector, on: Cases) -> Score:
        """See `Problem.score`."""
        data = self._data(on.draw)

        def measure(block: Any, slot: int, _: Sequence[Any]) -> tuple[float, float]:
            at = self.model.at(theta, block, self._workspace(slot))
            return float(at.log_likelihood), float(at.error)

        with self.backend.quiet():
            found = self._sums.total(self._blocks(data, on.chunk), measure, vectors=0).scalars
            cost = self._decay_cost(theta)
        ll, error = (sum(part) for part in zip(*found, strict=True))
        error /= data.total_count(on.chunk, self.error_per)
        return Score(log_likelihood=ll / data.total_weight(on.chunk, self.per) - cost, error=error)

    def gradient(self, theta: Vector, on: Cases) -> Gradient:
        """See `Problem.gradient`; the squares are left to `BlockCurvature.diagonal`, since few runs need them."""
        data, target = self._data(on.draw), on.chunk or 0
        with self.backend.quiet():
            chunk = self._summed(data, [target], theta)
            others = [c for c in data.chunks() if c != target]
            sums, lls = chunk.vectors[0], {target: sum(chunk.scalars)}
            if others:
                rest = self._summed(data, others, theta)
                sums, count = sums + rest.vectors[0], len(rest.scalars) // len(others)
                lls |= {c: sum(rest.scalars[j * count : (j + 1) * count]) for j, c in enumerate(others)}
            full = self._mean(sums, data.total_weight(None, self.per), theta)
            alone = full if not others else self._mean(chunk.vectors[0], data.total_weight(target, self.per), theta)
            cost = self._decay_cost(theta)
        ll = sum(lls[c] for c in data.chunks()) / data.total_weight(None, self.per) - cost
        return Gradient(full=full, chunk=alone, log_likelihood=ll)

    def chunk_gradient(self, theta: Vector, on: Cases) -> Gradient:
        """See `problem.ChunkGradient`."""
        data, chunk = self._data(on.draw), on.chunk or 0
        Z = data.total_weight(chunk, self.per)
        with self.backend.quiet():
            found = self._summed(data, [chunk], theta)
            full, cost = self._mean(found.vectors[0], Z, theta), self._decay_cost(theta)
        return Gradient(full=full, log_likelihood=sum(found.scalars) / Z - cost)

    def curvature(self, theta: Vector, on: Cases, gradient: Gradient | None) -> BlockCurvature:
        """See `Problem.curvature`; `gradient` is not needed."""
        data = self._data(on.draw)
        only = on.chunk if self.curvature_cases == "target_chunk" else None
        blocks = self._blocks(data, only)

        def at(block: Any, slot: int) -> AtBlock:
            return self.model.at(theta, block, self.new_workspace(self.backend))  # its own memory: the products need it

        with self.backend.quiet():
            over = BlockSum(self._sums, self._sums.prepare(blocks, at), 1 / data.total_weight(only, self.per))
        decay = (self.weight_decay, self._mask)
        return BlockCurvature(over, self._workspace, self.backend, decay, lambda: self._squares(theta, data))

    def _summed(self, data: BlockData, chunks: Sequence[int], theta: Vector) -> Totals:
        """Return Σ ∇ll over chunks, and ll of every block."""

        def add(block: Any, slot: int, sums: Sequence[_Sum]) -> float:
            workspace = self._workspace(slot)
            at = self.model.at(theta, block, workspace)
            at.add_gradient(sums[0].begin(), workspace)
            return float(at.log_likelihood)

        return self._sums.total([block for c in chunks for block in self._blocks(data, c)], add)

    def _squares(self, theta: Vector, data: BlockData) -> Vector:
        """Return Σ over all cases of the squares of a case's gradient, divided by Z."""

        def add(block: Any, slot: int, sums: Sequence[_Sum]) -> None:
            workspace = self._workspace(slot)
            at = self.model.at(theta, block, workspace)
            at.add_gradient_and_squares(sums[0].begin(), sums[1].begin(), workspace)

        with self.backend.quiet():
            scale = 1 / data.total_weight(None, self.per)
            return self._sums.total(self._blocks(data, None), add, vectors=2, scale=scale).vectors[1]

    def _mean(self, total: Vector, Z: float, theta: Vector) -> Vector:
        mean = total / Z
        if self.weight_decay:
            mean -= self.weight_decay * self._masked(theta)
        return mean

    def _masked(self, theta: Vector) -> Array:
        return theta if self._mask is None else self._mask * theta

    def _decay_cost(self, theta: Vector) -> float:
        return 0.5 * self.weight_decay * float(theta @ self._masked(theta)) if self.weight_decay else 0.0

    def _data(self, draw: int) -> BlockData:
        """Return the cases of an epoch; those of the last one are kept."""
        if self.resample is None or not draw:
            return self.data
        if self._kept.get("draw") != draw:
            data = self.resample(draw)
            self._kept.update(draw=draw, data=data, blocks={})
        return self._kept["data"]

    def _blocks(self, data: BlockData, only: int | None) -> list[Any]:
        """Return the blocks of all chunks or of one; they are kept, with what they know of themselves."""
        known = self._kept.setdefault("blocks" if data is not self.data else "own blocks", {})
        count = data.num_blocks(self.num_parameters, self.backend.on_host, blocks_for(self._sums.order.lanes))
        for c in data.chunks(only):
            if c not in known:
                known[c] = data.blocks(c, count)
        return [block for c in data.chunks(only) for block in known[c]]

    def _workspace(self, slot: int) -> Any:
        """Return the scratch memory of the thread that works in this slot."""
        workspaces = self._kept.setdefault("workspaces", {})
        if slot not in workspaces:
            workspaces[slot] = self.new_workspace(self.backend)
        return workspaces[slot]
