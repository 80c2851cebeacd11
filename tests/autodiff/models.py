"""Models by their definition alone, written in autograd's numpy from the documentation: feed-forward networks.

Parameters are [vec W_1; b_1; vec W_2; b_2; …], vec by columns; a case is a column.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import autograd.numpy as anp
import numpy as np
from numpy.typing import NDArray

from tests.autodiff.definitions import UNITS, Objective, at_the_input, loss_of

Vector = NDArray[Any]


def blocks_of(theta: Any, shapes: Sequence[tuple[int, int]]) -> list[Any]:
    """The matrices of a packed vector, each by columns."""
    found, start = [], 0
    for rows, columns in shapes:
        stop = start + rows * columns
        found.append(anp.reshape(theta[start:stop], (columns, rows)).T)
        start = stop
    return found


@dataclass(frozen=True)
class Feedforward:
    """Sizes s_0 … s_L, names of units 1 … L, and the loss; `factors` multiply the outputs of hidden layers by name."""

    sizes: Sequence[int]
    units: Sequence[str]
    loss: str
    factors: dict[int, Vector] = field(default_factory=dict)

    def shapes(self) -> list[tuple[int, int]]:
        pairs = zip(self.sizes, self.sizes[1:], strict=False)
        return [shape for below, above in pairs for shape in ((above, below), (above, 1))]

    def layers(self, theta: Any) -> list[tuple[Any, Any]]:
        parts = blocks_of(theta, self.shapes())
        return list(zip(parts[::2], parts[1::2], strict=True))

    def inputs_of_layers(self, theta: Any, X: Vector) -> list[Any]:
        """x_1 … x_L."""
        y, found = X, []
        for i, (W, b) in enumerate(self.layers(theta), start=1):
            found.append(anp.dot(W, y) + b)
            y = UNITS[self.units[i - 1]](found[-1]) * self.factors.get(i, 1.0)
        return found

    def output(self, theta: Any, X: Vector) -> Any:
        """The array that the loss is a function of: x_L where it matches its unit, else y_L."""
        x = self.inputs_of_layers(theta, X)[-1]
        return x if at_the_input(self.units[-1], self.loss) else UNITS[self.units[-1]](x)

    def predicted(self, theta: Vector, X: Vector) -> Vector:
        return UNITS[self.units[-1]](self.inputs_of_layers(theta, X)[-1])

    def mask(self, decay_biases: bool) -> Vector:
        """1 where weight decay applies."""
        return np.concatenate(
            [np.full(r * c, float(decay_biases or not k % 2)) for k, (r, c) in enumerate(self.shapes())]
        )

    def objective(self, X: Vector, T: Vector, weights: Vector, decay: Vector) -> Objective:
        """The mean over these cases."""
        loss = loss_of(self.units[-1], self.loss)
        return Objective(lambda theta: self.output(theta, X), lambda y: loss(y, T), weights, T.shape[1], decay)
