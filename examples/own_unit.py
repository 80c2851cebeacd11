"""A unit and a loss of your own: Swish in the hidden layer, and Student's t for targets with outliers."""

from __future__ import annotations

from typing import Any

import numpy as np

from hf_matlab_compat import train


class Swish:
    """y = x s, where s = 1 / (1 + exp(-x))."""

    name = "swish"

    def activate(self, xp: Any, x: Any) -> Any:
        return x / (1 + xp.exp(-x))

    def slope(self, xp: Any, x: Any, y: Any) -> Any:
        s = 1 / (1 + xp.exp(-x))
        return s + y * (1 - s)

    def bend(self, xp: Any, x: Any, y: Any) -> Any:
        s = 1 / (1 + xp.exp(-x))
        return s * (1 - s) * (2 + x * (1 - 2 * s))  # only curvature="hessian" asks for it


class StudentT:
    """ll = -2 log(1 + (t - y)² / 3): a few targets that are far off have little influence."""

    exact_curvature = False  # the exact one is negative far from the target; that part is left out

    def log_likelihood(self, xp: Any, y: Any, t: Any) -> Any:
        return -2 * xp.log(1 + (t - y) ** 2 / 3).sum(axis=0)

    def gradient(self, xp: Any, y: Any, t: Any) -> Any:
        return 4 * (t - y) / (3 + (t - y) ** 2)

    def curvature_product(self, xp: Any, y: Any, t: Any, r: Any) -> Any:
        return 4 * r / (3 + (t - y) ** 2)


def main(epochs: int = 30) -> float:
    """Fit sin(3 x) through targets of which every tenth is wrong by 5, and return the error against the truth."""
    x = np.linspace(-1, 1, 200).reshape(1, -1)
    truth, targets = np.sin(3 * x), np.sin(3 * x)
    targets[:, ::10] += 5
    errors = {}
    for name, loss in (("squared error", "squared"), ("Student's t", StudentT())):
        net = {"hidden_sizes": [20], "unit_types": [Swish(), "linear"], "loss": loss}
        result = train(inputs=x, targets=targets, test_inputs=x, test_targets=truth, max_epochs=epochs, seed=0, **net)
        errors[name] = result.history["test_error"][-1]
        print(f"{name}: mean squared distance from the truth {errors[name]:.4f}")
    return errors["Student's t"]
