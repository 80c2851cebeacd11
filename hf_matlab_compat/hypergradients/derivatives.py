"""Derivatives that running forward and back needs of a training loss and a validation loss; those by own code.

Notation
--------
x : parameters (P,);  η : hyperparameters (E,);  t : step, from 0;  g = ∂loss/∂x;  H = ∂²loss/∂x²
w ↦ (H w, (∂g/∂η)ᵀ w) : products that running back needs, from one reverse pass over the gradient
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from numpy.typing import NDArray

Vector = NDArray[Any]
Products = Callable[[Vector], tuple[Vector, Vector]]


class Derivatives(Protocol):
    """Derivatives of a loss that running forward and back needs. Vectors stay as they are; results are vectors."""

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
