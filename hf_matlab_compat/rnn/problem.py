"""A model on sequences, as a problem: score, gradient and curvature, by ordered sums over blocks of sequences.

Notation
--------
Z : normaliser, the sum of the loss weights of the sequences in a sum, or their number
ll = (1/Z) Σ m ll_tn - ½ · weight_decay · θᵀ(mask∘θ)
G : curvature of -ll, weight decay included;  S : matrix of structural damping, divided by the same Z
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from hf_matlab_compat.backends.arrays import Array, Vector
from hf_matlab_compat.backends.backend import Backend, get_backend
from hf_matlab_compat.backends.workers import Workers
from hf_matlab_compat.errors import OptionError
from hf_matlab_compat.objective.cases import blocks_for
from hf_matlab_compat.objective.ordered_sum import OrderedSum, Totals
from hf_matlab_compat.problem import Cases, Gradient
from hf_matlab_compat.rnn.curvature import BlockSum, SequenceCurvature
from hf_matlab_compat.rnn.given import Given
from hf_matlab_compat.rnn.sequence_model import AtBlock, SequenceModel, TrainedModel
from hf_matlab_compat.rnn.sequences import SequenceBlock, SequenceData
from hf_matlab_compat.rnn.workspace import Workspace
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


@dataclass(frozen=True, kw_only=True)
class SequenceProblem:
    """A model on sequences. `train(problem=…)` places it on the backend of the run.

    Attributes
    ----------
    model : SequenceModel
    data : SequenceData
    backend : Backend
    weight_decay : float
    decay_biases : bool
        As in `Options`.
    per : {'step', 'sequence'}
        Divide sums by the sum of the loss weights, or by the number of sequences.
    error_per : {'step', 'sequence'}
        Divide the error by the number of steps with a loss, or by the number of sequences.
    curvature_cases : {'target_chunk', 'all'}
    resample : callable or None
        epoch from 1 → `SequenceData` of that epoch, as large as `data`, and the same for the same epoch.
    make_sum : callable
        Makes the sums over blocks: `OrderedSum`, or a class with the same methods, which may span processes.
    trained : TrainedModel or None
        The model as a function of sequences, for the result of a run.
    """

    model: SequenceModel
    data: SequenceData
    backend: Backend = field(default_factory=lambda: get_backend("numpy", "double"))
    weight_decay: float = 0.0
    decay_biases: bool = True
    per: str = "step"
    error_per: str = "step"
    curvature_cases: str = "target_chunk"
    resample: Callable[[int], SequenceData] | None = None
    make_sum: Callable[..., OrderedSum] = OrderedSum
    trained: TrainedModel | None = field(default=None, repr=False)
    option_defaults: ClassVar[Mapping[str, Any]] = MappingProxyType(
        {"initial_lam": 0.1, "preconditioner_exponent": None}
    )
    """Options of `train` that have another default for this problem."""
    damps_structurally: ClassVar[bool] = True
    """Its curvature has a matrix of structural damping."""
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
        for name, value in (("_sums", made), ("_mask", mask), ("_kept", {})):
            object.__setattr__(self, name, value)

    def placed(self, backend: Backend, make_sum: Callable[..., OrderedSum] = OrderedSum) -> SequenceProblem:
        """Return the same problem on a backend, with this kind of sums."""
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
        """Number of sequences."""
        return len(self.data)

    @property
    def total_weight(self) -> float:
        """Z of all sequences, by which sums are divided."""
        return float(self.data.total_weight(None, self.per))

    def part(self, cases: NDArray[np.int64]) -> SequenceProblem:
        """See `problem.Divisible`; the cases are sequences."""
        draw = None if self.resample is None else lambda epoch: self._data(epoch).part(cases)
        return replace(self, data=self.data.part(cases), resample=draw)

    @property
    def is_random(self) -> bool:
        """True where figures depend on `Cases.draw`."""
        return self.resample is not None

    def on(self, inputs: Any, targets: Any, lengths: Any = None, loss_weights: Any = None) -> SequenceProblem:
        """Return the problem of the same model on other sequences, for ``train(test_problem=…)``.

        The arguments are those of the call that made it; for `ctc` the targets are the labels.

        Raises
        ------
        OptionError
            The model is not one that this package makes of sequences.
        """
        if self.trained is None:
            expected = "one that a call of this package made of sequences"
            raise OptionError("problem", expected=expected, got=type(self.model).__name__)
        return self.trained.problem_on(Given(inputs, targets, lengths, loss_weights))

    def initial_theta(self, seed: Any = None) -> Any:
        """Return random initial parameters of the model, (P,), on the host."""
        return self.model.initial_theta(seed)

    def score(self, theta: Vector, on: Cases) -> Score:
        """See `Problem.score`."""
        data = self._data(on.draw)

        def measure(block: SequenceBlock, slot: int, _: Sequence[Any]) -> tuple[float, float]:
            at = self.model.at(theta, block, self._workspace(slot))
            return float(at.log_likelihood), float(at.error)

        with self.backend.quiet():
            found = self._sums.total(self._blocks(data, on.chunk), measure, vectors=0).scalars
            cost = self._decay_cost(theta)
        ll, error = (sum(part) for part in zip(*found, strict=True))
        error /= data.total_count(on.chunk, self.error_per)
        return Score(log_likelihood=ll / data.total_weight(on.chunk, self.per) - cost, error=error)

    def gradient(self, theta: Vector, on: Cases) -> Gradient:
        """See `Problem.gradient`; the squares are left to `SequenceCurvature.diagonal`, since few runs need them."""
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

    def curvature(self, theta: Vector, on: Cases, gradient: Gradient | None) -> SequenceCurvature:
        """See `Problem.curvature`; `gradient` is not needed."""
        data = self._data(on.draw)
        only = on.chunk if self.curvature_cases == "target_chunk" else None
        blocks = self._blocks(data, only)

        def at(block: SequenceBlock, slot: int) -> AtBlock:
            return self.model.at(theta, block, Workspace(self.backend))  # its own memory: the products need it

        with self.backend.quiet():
            over = BlockSum(self._sums, self._sums.prepare(blocks, at), 1 / data.total_weight(only, self.per))
        decay = (self.weight_decay, self._mask)
        return SequenceCurvature(over, self._workspace, self.backend, decay, lambda: self._squares(theta, data))

    def _summed(self, data: SequenceData, chunks: Sequence[int], theta: Vector) -> Totals:
        """Return Σ ∇ll over chunks, and ll of every block."""

        def add(block: SequenceBlock, slot: int, sums: Sequence[_Sum]) -> float:
            workspace = self._workspace(slot)
            at = self.model.at(theta, block, workspace)
            at.add_gradient(sums[0].begin(), workspace)
            return float(at.log_likelihood)

        return self._sums.total([block for c in chunks for block in self._blocks(data, c)], add)

    def _squares(self, theta: Vector, data: SequenceData) -> Vector:
        """Return Σ over all sequences of the squares of a sequence's gradient, divided by Z."""

        def add(block: SequenceBlock, slot: int, sums: Sequence[_Sum]) -> None:
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

    def _data(self, draw: int) -> SequenceData:
        """Return the sequences of an epoch; those of the last one are kept."""
        if self.resample is None or not draw:
            return self.data
        if self._kept.get("draw") != draw:
            data = self.resample(draw)
            self._kept.update(draw=draw, data=data, blocks={})
        return self._kept["data"]

    def _blocks(self, data: SequenceData, only: int | None) -> list[SequenceBlock]:
        """Return the blocks of all chunks or of one; they are kept, with what they know of their lengths."""
        known = self._kept.setdefault("blocks" if data is not self.data else "own blocks", {})
        count = data.num_blocks(self.num_parameters, self.backend.on_host, blocks_for(self._sums.order.lanes))
        for c in data.chunks(only):
            if c not in known:
                known[c] = data.blocks(c, count)
        return [block for c in data.chunks(only) for block in known[c]]

    def _workspace(self, slot: int) -> Workspace:
        """Return the scratch memory of the thread that works in this slot."""
        workspaces = self._kept.setdefault("workspaces", {})
        if slot not in workspaces:
            workspaces[slot] = Workspace(self.backend)
        return workspaces[slot]
