"""Models whose figures are sums over blocks of cases: the interfaces between a model, its data and `BlockProblem`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from hf_matlab_compat.backends.arrays import Vector


class AtBlock(Protocol):
    """A model at one θ on one block; all figures are sums over the block, not divided.

    ll is the log-likelihood, the negative loss. `workspace` is scratch memory; another one than that of the forward
    pass, whose content must outlive it, except where one pass follows at once on the other.
    """

    @property
    def log_likelihood(self) -> float:
        """Σ m ll."""
        ...

    @property
    def error(self) -> float:
        """The reported figure, summed over the cases, or over the steps with a loss."""
        ...

    def add_gradient(self, out: Vector, workspace: Any) -> None:
        """Add ∇ll to `out`."""
        ...

    def add_gradient_and_squares(self, out: Vector, squares: Vector, workspace: Any) -> None:
        """Add ∇ll to `out`, and the squares of each case's own gradient to `squares`."""
        ...

    def add_product(self, v: Vector, out: Vector, structural: float, workspace: Any) -> None:
        """Add (G + structural · S) v to `out`: G the curvature of -ll, S the matrix of structural damping."""
        ...


class BlockModel(Protocol):
    """A model without its parameters."""

    @property
    def num_parameters(self) -> int:
        """P."""
        ...

    def initial_theta(self, seed: Any) -> NDArray[Any]:
        """Return initial parameters, (P,), on the host; `seed` as the option of that name."""
        ...

    def decay_mask(self) -> NDArray[Any]:
        """Return the factor of each parameter's weight decay where not all have the same, (P,), on the host."""
        ...

    def at(self, theta: Vector, block: Any, workspace: Any) -> AtBlock:
        """Run the forward pass at θ, in `workspace`, which the caller leaves alone as long as the result is used."""
        ...


class BlockData(Protocol):
    """Cases in chunks, and chunks in blocks."""

    @property
    def num_chunks(self) -> int:
        """C."""
        ...

    def __len__(self) -> int:
        """Return N."""
        ...

    def part(self, cases: NDArray[np.int64]) -> BlockData:
        """Return these cases as one chunk."""
        ...

    def chunks(self, only: int | None = None) -> range:
        """Return the numbers of all chunks, or of one."""
        ...

    def blocks(self, chunk: int, count: int) -> Sequence[Any]:
        """Return a chunk, counted from 0, in `count` blocks; their sizes differ by at most one case."""
        ...

    def num_blocks(self, num_parameters: int, on_host: bool, shared_blocks: int) -> int:
        """Return the number of blocks of a chunk, for a model of this size; a multiple of `shared_blocks` if shared."""
        ...

    def worth_sharing(self, num_parameters: int) -> bool:
        """Return whether a chunk is enough work for several threads."""
        ...

    def total_weight(self, only: int | None, per: str) -> float:
        """Return Z, by which sums are divided, of all chunks or of one."""
        ...

    def total_count(self, only: int | None, per: str) -> int:
        """Return the number by which the error is divided, of all chunks or of one."""
        ...
