"""The output layer of a model on a block: each step of each sequence is a column, as a case of a feed-forward net.

Notation
--------
x, y : input and output of the output layer, (O, T·n);  t : targets;  m : loss weights, (1, T·n)
Jv : the change of x along v;  H_L : Hessian of -ll in x, for one column
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import Any, Generic, Protocol, TypeVar

from hf_matlab_compat.backends.arrays import Array
from hf_matlab_compat.model.losses import AtOutput, Loss
from hf_matlab_compat.model.units import Unit
from hf_matlab_compat.rnn.sequences import SequenceBlock
from hf_matlab_compat.rnn.workspace import Workspace


class HasOutput(Protocol):
    """The parts of a net that figures at the output need."""

    @property
    def units(self) -> tuple[Unit, ...]:
        """Of the layers; the output's is the last."""
        ...

    @property
    def loss(self) -> Loss:
        """Log-likelihood of one step."""
        ...

    @property
    def error_measure(self) -> Callable[..., float]:
        """(xp, y, t, room) → sum over steps of the reported figure."""
        ...


Net = TypeVar("Net", bound=HasOutput)


class OutputColumns(Generic[Net]):
    """Figures and derivatives at the output of a forward pass, which sets the attributes.

    Attributes
    ----------
    net : HasOutput
    block : SequenceBlock
    xp : module
    shape : tuple of int
        T and n.
    x, y : (O, T·n) arrays
    """

    net: Net
    block: SequenceBlock
    xp: Any
    shape: tuple[int, int]
    x: Array
    y: Array
    _workspace: Workspace

    @cached_property
    def targets(self) -> Array:
        """Targets (O, T·n), 0 where there is no loss."""
        targets, counted = self.block.targets, self.block.counted
        if counted is not None:
            targets = targets.copy()
            targets[:, counted == 0] = 0
        return self._workspace.take(targets).reshape(self.x.shape)

    @cached_property
    def weights(self) -> Array | None:
        """m, (1, T·n); None if it is 1 everywhere."""
        counted = self.block.counted
        return None if counted is None else self._workspace.take(counted).reshape(1, -1)

    @cached_property
    def exists(self) -> Array | None:
        """e, (T, n, 1); None if all sequences have the same length."""
        exists = self.block.exists
        return None if exists is None else self._workspace.take(exists).reshape(*self.shape, 1)

    # --- figures

    @property
    def log_likelihood(self) -> float:
        """See `AtBlock`."""
        return self._log_likelihood

    @property
    def error(self) -> float:
        """See `AtBlock`: summed over the steps with a loss, each counted once."""
        y = self.y
        if self.weights is not None:
            y = self.xp.multiply(y, self.xp.sign(self.weights), out=self._workspace.array("counted y", *y.shape))
        return float(self.net.error_measure(self.xp, y, self.targets, self._workspace.array("room", *y.shape)))

    @cached_property
    def _log_likelihood(self) -> float:  # once: the loss may use the memory of x
        room = self._workspace.array("room", *self.x.shape)
        return float(self.net.loss.log_likelihood(self.xp, self.x, self.y, self.targets, room, self.weights))

    @cached_property
    def e(self) -> Array:
        """m ∘ ∂ll/∂o, (O, T·n)."""
        out = self._workspace.array("e", *self.x.shape)
        e = self.net.loss.gradient(self.xp, self.x, self.y, self.targets, out=out)
        return e if self.weights is None else self.xp.multiply(e, self.weights, out=e)

    @cached_property
    def slope(self) -> Array | None:
        """The slope of the output unit."""
        return self.net.units[-1].slope(self.xp, self.x, self.y)

    @cached_property
    def at_output(self) -> AtOutput:
        """The output layer."""
        return AtOutput(self.x, self.y, self.targets)

    def curved(self, Jv: Array) -> Array:
        """Return m ∘ H_L Jv, (O, T·n), in the memory of Jv: H_L is the Hessian of -ll in x."""
        net, xp = self.net, self.xp
        R = net.units[-1].jacobian_product(xp, self.slope, Jv, out=Jv)
        u = net.loss.gauss_newton_product(xp, self.slope, R, self.at_output if net.loss.keeps_output else None)
        return u if self.weights is None else xp.multiply(u, self.weights, out=u)
