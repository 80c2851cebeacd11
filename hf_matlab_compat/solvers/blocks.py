"""An inner solver for each block of θ: the curvature between blocks is ignored, so that they can be solved apart.

Notation
--------
(G_bb + λ) p_b = g_b for each block b, with products [B (0, …, v, …, 0)]_b;  p : the blocks' steps side by side
(Zhang et al. 2017, "Block-diagonal Hessian-free optimization for training neural networks")
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, cast

from hf_matlab_compat.backends.arrays import Vector
from hf_matlab_compat.errors import OptionError
from hf_matlab_compat.solvers.conjgrad import ConjugateGradients
from hf_matlab_compat.solvers.rules import InnerSolver, Path, Preconditioning, Quadratic
from hf_matlab_compat.state import Watch


@dataclass(frozen=True, kw_only=True)
class Blocks:
    """Solve block by block, and join the last iterates.

    Attributes
    ----------
    blocks : sequence of slice
        Cover θ in order, without gaps; `layer_blocks` makes them from the layers of a network.
    solver : InnerSolver
        Of every block.
    rescale : bool
        Shorten the joined step to the minimiser of the model along it, for one more product: without the curvature
        between blocks it is too long.
    """

    blocks: Sequence[slice]
    solver: InnerSolver = field(default_factory=ConjugateGradients)
    rescale: bool = True

    def __post_init__(self) -> None:
        if getattr(self.solver, "knows_radius", False):
            raise OptionError("solver", expected="one without a radius for each block", got=repr(self.solver))

    @property
    def takes_preconditioner(self) -> bool:
        """True if the solver of every block does."""
        return getattr(self.solver, "takes_preconditioner", True)

    def solve(self, model: Quadratic, start: Vector, M: Preconditioning, watch: Watch) -> Path:
        """See `InnerSolver.solve`.

        Raises
        ------
        OptionError
            The blocks do not cover θ, or the preconditioner is a function.
        """
        _check(self.blocks, model.g, M)
        p, paths = start * 0, list[Path]()
        for block in self.blocks:
            own = Quadratic(_of_block(model, block), model.g[block], model.strength)
            diagonal = None if M is None else cast(Vector, M)[block]
            paths.append(self.solver.solve(own, start[block], diagonal, watch))
            p[block] = paths[-1].iterates[-1]
        if self.rescale:
            curvature = float(p @ model.B(p))
            along = float(model.g @ p)
            p *= min(1.0, along / curvature) if curvature > 0 and along > 0 else 1.0
        steps = sum(path.last_step for path in paths)
        return Path([steps], [p], paths[-1].stop, steps)


def _check(blocks: Sequence[slice], g: Vector, M: Preconditioning) -> None:
    ends = [0, *(block.stop for block in blocks)]
    if [block.start for block in blocks] != ends[:-1] or ends[-1] != len(g):
        raise OptionError("blocks", expected=f"slices that cover {len(g)} parameters in order", got=repr(list(blocks)))
    if callable(M):
        raise OptionError("preconditioner", expected="a diagonal beside blocks", got="a function")


def _of_block(model: Quadratic, block: slice) -> Any:
    def product(v: Vector) -> Vector:
        whole = model.g * 0
        whole[block] = v
        return model.B(whole)[block].copy()

    return product


def layer_blocks(sizes: Sequence[int], layers: Sequence[int] | None = None) -> list[slice]:
    """Return the blocks of a feed-forward network.

    Parameters
    ----------
    sizes : sequence of int
        Units of all layers, inputs included.
    layers : sequence of int, optional
        Numbers of layers in each block, bottom up; by default every layer is a block. ``[3, 3]`` makes encoder and
        decoder of an autoencoder with six layers.

    Raises
    ------
    OptionError
        The numbers of layers do not add up to those of the network.
    """
    counts = [(below + 1) * here for below, here in pairwise(sizes)]
    groups = [1] * len(counts) if layers is None else list(layers)
    if sum(groups) != len(counts) or min(groups) < 1:
        raise OptionError("layers", expected=f"numbers of layers that add up to {len(counts)}", got=repr(groups))
    found, start, at = list[slice](), 0, 0
    for group in groups:
        stop = start + sum(counts[at : at + group])
        found.append(slice(start, stop))
        start, at = stop, at + group
    return found
