"""Engines of automatic differentiation: what the problem asks of one, and the engines by name."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from typing import Any, NamedTuple, Protocol

from numpy.typing import NDArray

from hf_matlab_compat.autodiff.nested import Nested, Packing
from hf_matlab_compat.errors import OptionError, quoted

Block = tuple[Nested, Nested]
"""Inputs and targets of some cases, as the engine's arrays; None for what was not given."""


@dataclass(frozen=True)
class Functions:
    """A model as functions of θ, of one case or many, written in the operations of an engine.

    Attributes
    ----------
    output : callable
        (parameters, inputs) → outputs, an array.
    loss : callable
        (outputs, targets) → the loss, summed over the cases.
    error : callable or None
        (outputs, targets) → the reported figure, summed over the cases; None for the loss.
    packing : Packing
    axis : int
        The axis that counts the cases.
    """

    output: Callable[..., Any]
    loss: Callable[..., Any]
    error: Callable[..., Any] | None
    packing: Packing
    axis: int = -1

    def outputs(self, theta: Any, block: Block) -> Any:
        """Return the outputs at θ.

        Raises
        ------
        OptionError
            They are several arrays, or none.
        """
        parameters = self.packing.unpack(theta)
        found = self.output(parameters) if block[0] is None else self.output(parameters, block[0])
        if found is None or isinstance(found, list | dict | tuple):
            raise OptionError("output", expected="one array", got=type(found).__name__, advice="Join several into one.")
        return found

    def loss_of(self, outputs: Any, block: Block) -> Any:
        """Return the loss of these outputs.

        Raises
        ------
        OptionError
            It is no scalar.
        """
        return _scalar("loss", self.loss(outputs) if block[1] is None else self.loss(outputs, block[1]))

    def total(self, theta: Any, block: Block) -> Any:
        """Return the loss at θ."""
        return self.loss_of(self.outputs(theta, block), block)

    def measured(self, theta: Any, block: Block) -> tuple[Any, Any]:
        """Return loss and error at θ."""
        outputs = self.outputs(theta, block)
        loss = self.loss_of(outputs, block)
        if self.error is None:
            return loss, loss
        return loss, _scalar("error", self.error(outputs) if block[1] is None else self.error(outputs, block[1]))


def _scalar(name: str, value: Any) -> Any:
    shape = tuple(getattr(value, "shape", ()))
    if shape or value is None or isinstance(value, str | tuple | list | dict):
        got = f"an array of shape {shape}" if shape else type(value).__name__
        raise OptionError(name, expected="a scalar, the sum over the cases", got=got, advice="Add it up with sum().")
    return value


class Refusal(NamedTuple):
    """Parts of a sentence on an operation that an engine cannot differentiate."""

    got: str
    advice: str
    expected: str = "operations that the engine can differentiate, as in {loss}"


CHANGED_IN_PLACE = Refusal("a change of one in place", "Write x = 2 * x in place of x *= 2.", "unchanged arguments")


class Engine(Protocol):
    """Derivatives of `Functions`. θ, v and results are numpy vectors; a result may be read-only."""

    def array(self, values: NDArray[Any], dtype: Any) -> Any:
        """Return an array of cases as the engine's own; floating-point numbers in this precision."""
        ...

    def measured(self, theta: NDArray[Any], block: Block) -> tuple[float, float]:
        """Return loss and error at θ."""
        ...

    def gradient(self, theta: NDArray[Any], block: Block) -> tuple[float, NDArray[Any]]:
        """Return the loss and its gradient."""
        ...

    def product(self, theta: NDArray[Any], block: Block, curvature: str) -> Callable[[NDArray[Any]], NDArray[Any]]:
        """Return v → B v of the loss: its Hessian, or Jᵀ H_L J with the Hessian H_L of the loss in the outputs."""
        ...

    def squares(self, theta: NDArray[Any], block: Block) -> NDArray[Any]:
        """Return the sum over cases of the squares of a case's gradient; only an engine that `vectorises` can."""
        ...

    @staticmethod
    def refused(error: Exception) -> Refusal | None:
        """Return what the engine cannot do with the functions; None if another thing went wrong."""
        ...


class EngineKind(Protocol):
    """The class of an engine."""

    vectorises: bool
    """It can differentiate for many cases at once."""

    def __call__(self, functions: Functions) -> Engine:
        """Make the engine of these functions."""
        ...

    def refused(self, error: Exception, /) -> Refusal | None:
        """See `Engine.refused`."""
        ...


_MODULES: Mapping[str, tuple[str, str]] = {
    "autograd": ("autograd_engine", "pip install 'hf_matlab_compat[autodiff]'"),
    "jax": ("jax_engine", "pip install jax"),
    "torch": ("torch_engine", "pip install torch"),
}
"""Module of each engine, and the command that installs its library."""


def engine_kind(name: Any) -> EngineKind:
    """Return the class of the engine of this name.

    Raises
    ------
    OptionError
        There is none, or its library is not installed.
    """
    if not isinstance(name, str) or name not in _MODULES:
        raise OptionError("engine", expected="one of " + ", ".join(map(repr, _MODULES)), got=quoted(name))
    module, install = _MODULES[name]
    try:
        import_module(name)
    except ImportError as error:
        raise OptionError(
            "engine",
            expected=f"an engine that is installed, for {name!r}",
            got="a Python without it",
            advice=f"Run {install}.",
        ) from error
    return import_module(f"hf_matlab_compat.autodiff.{module}").KIND


@contextmanager
def explained(engine: Engine) -> Iterator[None]:
    """Turn what the engine cannot do into one sentence; other errors stay what they are.

    Raises
    ------
    OptionError
        There was one.
    """
    try:
        yield
    except Exception as error:
        reason = engine.refused(error)
        if reason is None:
            raise
        raise OptionError("output", **reason._asdict()) from error
