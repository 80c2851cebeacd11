"""The engines that are installed, and a small classifier written for each of them."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec
from typing import Any, NamedTuple

import numpy as np
import pytest

INSTALLED = [
    pytest.param(name, marks=pytest.mark.skipif(find_spec(name) is None, reason=f"{name} is not installed"))
    for name in ("autograd", "jax", "torch")
]
RNG = np.random.default_rng(5)
X = RNG.standard_normal((4, 60))
T = np.eye(3)[RNG.integers(0, 3, 60)].T
START = {"W": 0.5 * RNG.standard_normal((5, 4)), "b": np.zeros((5, 1)), "out": [0.5 * RNG.standard_normal((3, 5))]}


class Written(NamedTuple):
    """Functions in the operations of an engine."""

    output: Callable[..., Any]
    loss: Callable[..., Any]
    error: Callable[..., Any]
    np: Any


def classifier(engine: str) -> Written:
    """A net with one hidden layer, the softmax loss, and the number of wrong classes."""
    if engine == "torch":
        xp: Any = import_module("torch")
        logsumexp = xp.logsumexp
    else:
        xp = import_module(f"{engine}.numpy")
        logsumexp = import_module(f"{engine}.scipy.special").logsumexp

    def output(p: Any, x: Any) -> Any:
        return p["out"][0] @ xp.tanh(p["W"] @ x + p["b"])

    def loss(y: Any, t: Any) -> Any:
        return xp.sum(logsumexp(y, 0)) - xp.sum(y * t)

    def error(y: Any, t: Any) -> Any:
        return xp.sum(xp.argmax(y, 0) != xp.argmax(t, 0))

    return Written(output, loss, error, xp)
