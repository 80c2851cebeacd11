"""A model that is differentiated automatically, as a problem."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar, cast

import numpy as np
from numpy.typing import NDArray

from hf_matlab_compat.autodiff.cases import NestedCases
from hf_matlab_compat.autodiff.engines import Block, Engine, Functions, explained
from hf_matlab_compat.autodiff.nested import Nested, mapped
from hf_matlab_compat.backends.arrays import Vector
from hf_matlab_compat.errors import DataError, NotFinite
from hf_matlab_compat.objective.block_problem import BlockProblem
from hf_matlab_compat.objective.gradient import sample_variance
from hf_matlab_compat.problem import Gradient


@dataclass(frozen=True)
class AutodiffModel:
    """Functions and the engine that differentiates them; a `BlockModel`.

    Attributes
    ----------
    functions : Functions
    engine : Engine
    curvature : {'gauss_newton', 'hessian'}
    decay : nest of numbers or None
        The weight decay of each array, where not all have the same.
    """

    functions: Functions
    engine: Engine
    curvature: str = "gauss_newton"
    decay: Nested = None

    @property
    def num_parameters(self) -> int:
        """P."""
        return self.functions.packing.num_parameters

    def initial_theta(self, seed: Any = None) -> NDArray[Any]:
        """Return the initial parameters; nothing is drawn."""
        return self.functions.packing.pack(self.functions.packing.start)

    def decay_mask(self) -> NDArray[Any]:
        """See `BlockModel.decay_mask`."""
        return self.functions.packing.pack(self.decay)

    def at(self, theta: Vector, block: Block, workspace: Any) -> AtTheta:
        """See `BlockModel.at`; a pass runs when a figure of it is asked for."""
        return AtTheta(self, theta, block)


class AtTheta:
    """See `objective.block_model.AtBlock`.

    Parameters
    ----------
    model : AutodiffModel
    theta : (P,) vector
    block : tuple
        Inputs and targets, as the engine's arrays.
    """

    def __init__(self, model: AutodiffModel, theta: Vector, block: Block) -> None:
        self._model, self._theta, self._block = model, theta, block
        self._loss: float | None = None
        self._measured: tuple[float, float] | None = None
        self._product: Callable[[Vector], Vector] | None = None

    @property
    def log_likelihood(self) -> float:
        """The negative loss."""
        return -(self._measure()[0] if self._loss is None else self._loss)

    @property
    def error(self) -> float:
        """The reported figure."""
        return self._measure()[1]

    def add_gradient(self, out: Vector, workspace: Any) -> None:
        """See `AtBlock.add_gradient`.

        Raises
        ------
        NotFinite
            The loss has no derivative at θ.
        """
        with explained(self._model.engine):
            self._loss, gradient = self._model.engine.gradient(self._theta, self._block)
        missing = np.flatnonzero(~np.isfinite(gradient))
        if missing.size and np.isfinite(self._loss):
            where = self._model.functions.packing.place(int(missing[0]))
            raise NotFinite(
                f"derivative of the loss by {where} (the loss is {self._loss:.6g} there, without derivative)"
            )
        out -= gradient

    def add_gradient_and_squares(self, out: Vector, squares: Vector, workspace: Any) -> None:
        """See `AtBlock.add_gradient_and_squares`."""
        self.add_gradient(out, workspace)
        with explained(self._model.engine):
            squares += self._model.engine.squares(self._theta, self._block)

    def add_product(self, v: Vector, out: Vector, structural: float, workspace: Any) -> None:
        """See `AtBlock.add_product`; there is no structural damping."""
        with explained(self._model.engine):
            if self._product is None:
                self._product = self._model.engine.product(self._theta, self._block, self._model.curvature)
            out += self._product(v)

    def _measure(self) -> tuple[float, float]:
        if self._measured is None:
            with explained(self._model.engine):
                self._measured = self._model.engine.measured(self._theta, self._block)
        return self._measured


@dataclass(frozen=True, kw_only=True, repr=False)
class AutodiffProblem(BlockProblem):
    """A model that an engine differentiates, on its cases; `autodiff_problem` makes one.

    Attributes
    ----------
    model : AutodiffModel
    data : NestedCases
    """

    model: AutodiffModel
    data: NestedCases
    has_squares: ClassVar[bool] = False
    """True if the engine can square the gradients of single cases."""
    on_host_since: ClassVar[str] = "autodiff_problem, whose engine works on the CPU"

    def __post_init__(self) -> None:
        super().__post_init__()
        dtype = self.backend.dtype
        object.__setattr__(self, "data", replace(self.data, convert=lambda v: self.model.engine.array(v, dtype)))

    def __repr__(self) -> str:
        return f"AutodiffProblem of {self.num_parameters} parameters, {self.num_cases} cases"

    @property
    def option_defaults(self) -> Mapping[str, Any]:
        """Options of `train` that have another default: without squared gradients, products precondition."""
        return {"initial_lam": 1.0} | ({} if self.has_squares else {"preconditioner": "equilibration"})

    def parameters(self, theta: Any) -> Nested:
        """Return θ, (P,) or (P, 1), as arrays nested like the initial parameters; they are copies on the host.

        Raises
        ------
        DataError
            θ has another length.
        """
        flat = np.array(theta).ravel()
        if flat.size != self.num_parameters:
            raise DataError("theta", expected=f"{self.num_parameters} numbers", got=f"{flat.size}")
        return mapped(np.asarray, self.model.functions.packing.unpack(flat))

    def on(self, inputs: Any, targets: Any = None) -> AutodiffProblem:
        """Return the problem of the same model on other cases, in one chunk, for ``train(test_problem=…)``.

        Raises
        ------
        DataError
            The arrays do not fit each other, or are nested in another way than those of this problem.
        """
        return replace(self, data=self.data.like(inputs, targets, num_chunks=1), resample=None)

    def _data(self, draw: int) -> NestedCases:
        """See `BlockProblem._data`; cases of an epoch become the engine's arrays too."""
        return replace(cast(NestedCases, super()._data(draw)), convert=self.data.convert)


@dataclass(frozen=True, kw_only=True, repr=False)
class ProblemWithSquares(AutodiffProblem):
    """An `AutodiffProblem` whose engine can square the gradients of single cases."""

    has_squares: ClassVar[bool] = True

    def gradient_variance(self, theta: Vector, gradient: Gradient) -> float:
        """See `FeedforwardProblem.gradient_variance`; it costs a pass of squares over the cases of the last epoch."""
        mean = gradient.full + self.weight_decay * self._masked(theta)
        return sample_variance(mean, self._squares(theta, self._kept.get("data", self.data)), self.num_cases)
