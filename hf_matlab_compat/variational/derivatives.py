"""A log density whose gradient and Hessian products an engine of automatic differentiation makes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hf_matlab_compat.autodiff.engines import Block, Engine, Functions, engine_kind, explained
from hf_matlab_compat.autodiff.nested import Packing
from hf_matlab_compat.errors import OptionError, speaking
from hf_matlab_compat.variational.densities import LogDensity

_NO_DATA: Block = (None, None)


def differentiated(log_p: Callable[..., Any], size: int, engine: str, vectorised: bool) -> LogDensity:
    """Return the density of a function in the operations of an engine.

    Raises
    ------
    OptionError
        The engine is unknown or not installed, or cannot take all draws at once.
    """
    kind = engine_kind(engine)
    if vectorised and engine != "autograd":
        raise OptionError("vectorised", expected=f"False with {{engine={engine!r}}}", got=True)
    made: dict[tuple[int, ...], Engine] = {}

    def at(z: NDArray[Any]) -> Engine:
        if z.shape not in made:
            total: Callable[..., Any] = (lambda y: y.sum()) if vectorised else lambda y: y
            made[z.shape] = kind(Functions(log_p, total, None, Packing(np.zeros(z.shape))))
        return made[z.shape]

    def value(z: NDArray[Any]) -> float:
        with _spoken(at(z)):
            return at(z).measured(z.ravel(), _NO_DATA)[0]

    def gradient(z: NDArray[Any]) -> NDArray[Any]:
        with _spoken(at(z)):
            return at(z).gradient(z.ravel(), _NO_DATA)[1].reshape(z.shape)

    def linearised(z: NDArray[Any]) -> Callable[[NDArray[Any]], NDArray[Any]]:
        with _spoken(at(z)):
            product = at(z).product(z.ravel(), _NO_DATA, "hessian")
        return lambda v: product(v.ravel()).reshape(z.shape)

    # autograd's functions take numpy's arrays, and return what they return for them
    return LogDensity(
        size, log_p if engine == "autograd" else value, gradient, linearised=linearised, vectorised=vectorised
    )


@contextmanager
def _spoken(engine: Engine) -> Iterator[None]:
    """Say errors of the engine of `model`, the caller's name for the log density."""
    with speaking({"output": "model", "loss": "model"}), explained(engine):
        yield
