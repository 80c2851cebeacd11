"""Derivatives of a training loss and a validation loss: of two functions by autograd, or the user's own.

Notation
--------
x : parameters (P,);  η : hyperparameters (E,);  t : step, from 0;  g = ∂loss/∂x;  H = ∂²loss/∂x²
w ↦ (H w, (∂g/∂η)ᵀ w) : products that running back needs, from one reverse pass over the gradient
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from hf_matlab_compat.autodiff.autograd_engine import refusal
from hf_matlab_compat.errors import OptionError

Vector = NDArray[Any]
Products = Callable[[Vector], tuple[Vector, Vector]]


class Derivatives(Protocol):
    """What running forward and back asks of a loss. Vectors in, vectors out."""

    def gradient(self, x: Vector, eta: Vector, t: int) -> Vector:
        """Return g (P,) of step t, always with the same bits for the same arguments."""
        ...

    def linearized(self, x: Vector, eta: Vector, t: int) -> tuple[Vector, Products]:
        """Return g (P,) with the bits of `gradient`, and w → (H w, (∂g/∂η)ᵀ w)."""
        ...

    def validation(self, x: Vector, eta: Vector) -> tuple[float, Vector, Vector]:
        """Return the validation loss and its derivatives by x (P,) and by η (E,)."""
        ...


@dataclass(frozen=True)
class OwnDerivatives:
    """Derivatives by functions of your own; x and η are vectors there.

    Parameters
    ----------
    gradient : callable
        (x, eta, t) → g.
    products : callable
        (x, eta, t, w) → (H w, (∂g/∂η)ᵀ w).
    validation : callable
        (x, eta) → (value, its derivative by x, its derivative by η).
    """

    gradient: Callable[[Vector, Vector, int], Vector]
    products: Callable[[Vector, Vector, int, Vector], tuple[Vector, Vector]]
    validation: Callable[[Vector, Vector], tuple[float, Vector, Vector]]

    def linearized(self, x: Vector, eta: Vector, t: int) -> tuple[Vector, Products]:
        """Return g and the products at (x, η) for step t."""
        return self.gradient(x, eta, t), lambda w: self.products(x, eta, t, w)


class ByAutograd:
    """Derivatives of functions of vectors, written with `autograd.numpy`.

    Parameters
    ----------
    loss : callable
        (x, eta, t) → the training loss of step t, a number.
    validation : callable
        (x, eta) → the validation loss, a number.
    at : pair of arrays
        x and eta at which the functions are tried.

    Raises
    ------
    OptionError
        autograd is missing, or a function does not return a number, or is not written with `autograd.numpy`.
    """

    def __init__(self, loss: Callable[..., Any], validation: Callable[..., Any], at: tuple[Vector, Vector]) -> None:
        self._loss, self._validation, self._vjp = loss, validation, _make_vjp()
        _check_scalar("loss", lambda: loss(*at, 0), lambda: self.linearized(*at, 0)[1](at[0]))
        _check_scalar("validation", lambda: validation(*at), lambda: self.validation(*at))

    def gradient(self, x: Vector, eta: Vector, t: int) -> Vector:
        """Return g of step t."""
        return self._gradient(x, eta, t)

    def _gradient(self, x: Any, eta: Any, t: int) -> Any:
        pull_back, _ = self._vjp(lambda x: self._loss(x, eta, t))(x)
        return pull_back(1.0)

    def linearized(self, x: Vector, eta: Vector, t: int) -> tuple[Vector, Products]:
        """Return g and the products at (x, η) for step t."""
        pull_back, g = self._vjp(lambda both: self._gradient(both[0], both[1], t))((x, eta))
        return g, pull_back

    def validation(self, x: Vector, eta: Vector) -> tuple[float, Vector, Vector]:
        """Return the validation loss and its derivatives by x and η."""
        pull_back, value = self._vjp(lambda both: self._validation(*both))((x, eta))
        return (float(value), *pull_back(1.0))


def _make_vjp() -> Callable[..., Any]:
    try:
        from autograd import make_vjp
    except ImportError as error:
        raise OptionError(
            "loss",
            expected="autograd, to differentiate it",
            got="a Python without it",
            advice="Run pip install 'hf_matlab_compat[autodiff]', or give OwnDerivatives.",
        ) from error
    return make_vjp


def _check_scalar(name: str, evaluate: Callable[[], Any], differentiate: Callable[[], Any]) -> None:
    value = evaluate()
    if np.shape(value) or np.asarray(value).dtype.kind not in "fiu":
        got = f"an array of shape {np.shape(value)}" if np.shape(value) else repr(value)
        raise OptionError(name, expected="a function that returns one real number", got=got, advice="Sum or average.")
    try:
        with np.errstate(all="ignore"):  # a derivative that is not finite is refused where it occurs in training
            differentiate()
    except Exception as error:
        reason = refusal(error)
        if reason is None:
            raise
        raise OptionError(
            name, expected="operations that autograd can differentiate", got=reason[0], advice=reason[1]
        ) from error
