"""Derivatives of a training loss and a validation loss by an engine: autograd, JAX or PyTorch.

The gradient of the run back comes from the operations that the run forward used, so that it has the same bits.

Notation
--------
x : parameters (P,);  η : hyperparameters (E,);  t : step, from 0;  g = ∂loss/∂x;  H = ∂²loss/∂x²
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from typing import Any, cast

import numpy as np

from hf_matlab_compat.autodiff.engines import EngineKind, engine_kind
from hf_matlab_compat.autodiff.jax_engine import wide
from hf_matlab_compat.errors import OptionError, quoted
from hf_matlab_compat.hypergradients.derivatives import Derivatives, Products, Vector

Function = Callable[..., Any]


class ByAutograd:
    """See `Derivatives`: products run the records of one pass."""

    def __init__(self, loss: Function, validation: Function) -> None:
        from autograd import make_vjp

        self._loss, self._validation, self._vjp = loss, validation, cast(Function, make_vjp)

    def gradient(self, x: Vector, eta: Vector, t: int) -> Vector:
        """Return g of step t."""
        pull_back, _ = self._vjp(lambda x: self._loss(x, eta, t))(x)
        return pull_back(1.0)

    def linearized(self, x: Vector, eta: Vector, t: int) -> tuple[Vector, Products]:
        """Return g and the products at (x, η) for step t."""
        with warnings.catch_warnings():  # the gradient of a loss that is linear does not depend on x
            warnings.filterwarnings("ignore", "Output seems independent of input", UserWarning)
            pull_back, g = self._vjp(lambda both: self.gradient(both[0], both[1], t))((x, eta))
        return g, pull_back

    def validation(self, x: Vector, eta: Vector) -> tuple[float, Vector, Vector]:
        """Return the validation loss and its derivatives by x and η."""
        pull_back, value = self._vjp(lambda both: self._validation(*both))((x, eta))
        return (float(value), *pull_back(1.0))


class ByJax:
    """See `Derivatives`: compiled once for all steps, so t is traced; both runs call the same compiled gradient."""

    def __init__(self, loss: Function, validation: Function) -> None:
        import jax

        jit, gradient = cast(Function, jax.jit), jax.grad(loss)
        self._gradient = jit(gradient)
        self._products = jit(lambda x, eta, t, w: jax.vjp(lambda *both: gradient(*both, t), x, eta)[1](w))
        self._validation = jit(jax.value_and_grad(validation, (0, 1)))

    def gradient(self, x: Vector, eta: Vector, t: int) -> Vector:
        """Return g of step t."""
        with wide():
            return np.asarray(self._gradient(x, eta, t))

    def linearized(self, x: Vector, eta: Vector, t: int) -> tuple[Vector, Products]:
        """Return g and the products at (x, η) for step t."""

        def products(w: Vector) -> tuple[Vector, Vector]:
            with wide():
                Hw, mixed = self._products(x, eta, t, w)
            return np.asarray(Hw), np.asarray(mixed)

        return self.gradient(x, eta, t), products

    def validation(self, x: Vector, eta: Vector) -> tuple[float, Vector, Vector]:
        """Return the validation loss and its derivatives by x and η."""
        with wide():
            value, (by_x, by_eta) = self._validation(x, eta)
        return float(value), np.asarray(by_x), np.asarray(by_eta)


class ByTorch:
    """See `Derivatives`: on the CPU; the run forward records its gradients too, so that both runs do the same."""

    def __init__(self, loss: Function, validation: Function) -> None:
        self._loss, self._validation = loss, validation

    def gradient(self, x: Vector, eta: Vector, t: int) -> Vector:
        """Return g of step t."""
        return self.linearized(x, eta, t)[0]

    def linearized(self, x: Vector, eta: Vector, t: int) -> tuple[Vector, Products]:
        """Return g and the products at (x, η) for step t."""
        import torch

        at = [torch.tensor(each, requires_grad=True) for each in (x, eta)]
        value = torch.as_tensor(self._loss(*at, t))
        (g,) = torch.autograd.grad(value, at[:1], create_graph=True, materialize_grads=True)

        def products(w: Vector) -> tuple[Vector, Vector]:
            if not g.requires_grad:  # the loss is linear
                return np.zeros_like(x), np.zeros_like(eta)
            Hw, mixed = torch.autograd.grad(g, at, torch.tensor(w), retain_graph=True, materialize_grads=True)
            return Hw.numpy(), mixed.numpy()

        return g.detach().numpy(), products

    def validation(self, x: Vector, eta: Vector) -> tuple[float, Vector, Vector]:
        """Return the validation loss and its derivatives by x and η."""
        import torch

        at = [torch.tensor(each, requires_grad=True) for each in (x, eta)]
        value = torch.as_tensor(self._validation(*at))
        by_x, by_eta = torch.autograd.grad(value, at, materialize_grads=True)
        return value.item(), by_x.numpy(), by_eta.numpy()


_ENGINES: Mapping[str, Callable[[Function, Function], Derivatives]] = {
    "autograd": ByAutograd,
    "jax": ByJax,
    "torch": ByTorch,
}


def by_engine(engine: str, loss: Function, validation: Function, at: tuple[Vector, Vector]) -> Derivatives:
    """Return the derivatives of functions of vectors, after trying them.

    Parameters
    ----------
    engine : {'autograd', 'jax', 'torch'}
        Its name.
    loss : callable
        (x, eta, t) → the training loss of step t, a number.
    validation : callable
        (x, eta) → the validation loss, a number.
    at : pair of arrays
        x and eta at which the functions are tried.

    Raises
    ------
    OptionError
        The engine is unknown or missing, or a function does not return a number or has operations of another library.
    """
    kind = engine_kind(engine)
    found = _ENGINES[engine](_numbers("loss", loss), _numbers("validation", validation))
    _try(kind, engine, "loss", lambda: found.linearized(*at, 0)[1](at[0]))
    _try(kind, engine, "validation", lambda: found.validation(*at))
    return found


def _numbers(name: str, function: Function) -> Function:
    """Return the function, whose value is checked whenever it is called."""

    def checked(*arguments: Any) -> Any:
        value = function(*arguments)
        shape = tuple(getattr(value, "shape", ()))
        if shape or not (hasattr(value, "shape") or isinstance(value, float | int)):
            got = f"an array of shape {shape}" if shape else quoted(value)
            at = f" at step {arguments[2]}" if len(arguments) == 3 and isinstance(arguments[2], int) else ""
            raise OptionError(
                name, expected="a function that returns one real number", got=got + at, advice="Sum or average."
            )
        return value

    return checked


def _try(kind: EngineKind, engine: str, name: str, differentiate: Callable[[], Any]) -> None:
    try:
        with np.errstate(all="ignore"):  # a derivative that is not finite is refused where it occurs in training
            differentiate()
    except Exception as error:
        reason = kind.refused(error)
        if reason is None:
            raise
        expected = f"operations that {engine} can differentiate"
        raise OptionError(name, expected=expected, got=reason[0], advice=reason[1]) from error
