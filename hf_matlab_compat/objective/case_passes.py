"""A network, its cases, and the means to pass over their blocks: passes, memory, threads, and the order of sums."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from hf_matlab_compat.backends.arrays import Vector
from hf_matlab_compat.backends.backend import Backend
from hf_matlab_compat.backends.fused import fused_for
from hf_matlab_compat.backends.workers import Workers
from hf_matlab_compat.model.buffers import BlockBuffers
from hf_matlab_compat.model.compiled_passes import passes_of
from hf_matlab_compat.model.directions import Directions
from hf_matlab_compat.model.fused_units import with_fused_units
from hf_matlab_compat.model.network import Network
from hf_matlab_compat.model.sums import ParameterSums, SpareProducts
from hf_matlab_compat.objective.block_memory import BlockMemory
from hf_matlab_compat.objective.cases import Block, ChunkedCases
from hf_matlab_compat.objective.ordered_sum import OrderedSum


class CasePasses:
    """The parts from which the sums over a network's cases are formed.

    Attributes
    ----------
    network : Network
        With fused units, if the device has kernels for them.
    cases : ChunkedCases
    backend : Backend
    fused : Fused or None
        Kernels of a device.
    passes : Passes
    workers : Workers
        Threads that share the blocks.
    sums : OrderedSum

    Parameters
    ----------
    network : Network
    cases : ChunkedCases
    backend : Backend
    make_sum : callable
        Makes the sum: `OrderedSum`, or a class with the same methods, which may span processes.
    """

    def __init__(
        self, network: Network, cases: ChunkedCases, backend: Backend, make_sum: Callable[..., OrderedSum] = OrderedSum
    ) -> None:
        self.network, self.cases, self.backend = network, cases, backend
        self.fused = fused_for(self.new_vector())
        if self.fused is not None:
            self.network = with_fused_units(network, self.fused)
        shared = backend.on_host and cases.worth_sharing(network.num_parameters)
        self.workers = backend.workers if shared else Workers()
        self.sums = make_sum(self.new_vector, self._accumulators, self.workers, backend.xp)
        self.passes = passes_of(self.network, backend)
        self._changes_inputs: Callable[[BlockBuffers, Block], None] | None = None
        self._memories: dict[int, BlockMemory] = {}
        self._blocks: dict[tuple[int, int], tuple[Block, ...]] = {}

    def num_blocks(self, kept: bool = False) -> int:
        """Return the number of blocks of a chunk; `kept` for curvature products."""
        return self.cases.num_blocks(self.network.num_parameters, self.backend.on_host, kept)

    def blocks(self, c: int, kept: bool = False) -> Sequence[Block]:
        """Return the blocks of chunk `c`. They are kept: slicing them in each pass would slow small networks."""
        which = c, self.num_blocks(kept)
        if which not in self._blocks:
            self._blocks[which] = tuple(self.cases.chunk(*which))
        return self._blocks[which]

    def fill(self, buffers: BlockBuffers, block: Block) -> None:
        """Write the inputs of a block to y_0."""
        self.backend.fill(buffers.y[0], block.inputs)

    def directions(self, theta: Vector) -> Directions:
        """Return θ laid out for curvature products."""
        return Directions(self.network, theta, self.backend.xp)

    def point(self, directions: Directions, v: Vector) -> None:
        """Take the direction of the next product."""
        self.passes.point(directions, v)

    def let_go(self) -> None:
        """Free the scratch memory of passes over all cases, and vectors that curvature products do not need."""
        self._memories.clear()
        self.sums.let_go(self.num_blocks(kept=True))

    def new_vector(self) -> Vector:
        """Return a (P,) vector of undefined content."""
        return self.backend.xp.empty(self.network.num_parameters, dtype=self.backend.dtype)

    def memory(self, slot: int) -> BlockMemory:
        """Return the memory of the thread that works in this slot."""
        if slot not in self._memories:
            most = -(-self.cases.cases_per_chunk // self.num_blocks())
            self._memories[slot] = BlockMemory(
                self.network.sizes, most, self.backend, self.network.with_x, self._changes_inputs
            )
        return self._memories[slot]

    def _accumulators(self, packed: Vector) -> tuple[ParameterSums, ParameterSums]:
        xp = self.backend.xp
        spare = SpareProducts(self.network, packed, xp)
        first, later = (ParameterSums(self.network, packed, spare, xp, replaces) for replaces in (True, False))
        return first, later
