"""Derivatives by autograd, which records numpy operations: pure Python, no compilation."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any, cast

from numpy.typing import NDArray

from hf_matlab_compat.autodiff.engines import CHANGED_IN_PLACE, Block, Functions, Refusal
from hf_matlab_compat.problem import without_squares


class AutogradEngine:
    """See `engines.Engine`.

    Parameters
    ----------
    functions : Functions
    """

    vectorises = False

    def __init__(self, functions: Functions) -> None:
        self._functions = functions

    def array(self, values: NDArray[Any], dtype: Any) -> NDArray[Any]:
        """See `Engine.array`: read-only, since the caller's functions see the caller's cases."""
        seen = (values.astype(dtype, copy=False) if values.dtype.kind == "f" else values).view()
        seen.flags.writeable = False
        return seen

    def measured(self, theta: NDArray[Any], block: Block) -> tuple[float, float]:
        """See `Engine.measured`."""
        seen = theta.view()
        seen.flags.writeable = False  # the functions get views of it
        loss, error = self._functions.measured(seen, block)
        return float(loss), float(error)

    def gradient(self, theta: NDArray[Any], block: Block) -> tuple[float, NDArray[Any]]:
        """See `Engine.gradient`."""
        from autograd import value_and_grad

        loss, gradient = cast(Any, value_and_grad)(self._functions.total)(theta, block)
        return float(loss), gradient

    def product(self, theta: NDArray[Any], block: Block, curvature: str) -> Callable[[NDArray[Any]], NDArray[Any]]:
        """See `Engine.product`: passes at θ are recorded once, and each product runs the records."""
        from autograd import grad, make_ggnvp
        from autograd.core import make_vjp

        f, of_two_maps, gradient_of = self._functions, cast(Any, make_ggnvp), cast(Any, grad)
        with warnings.catch_warnings():  # a linear function has a gradient that does not depend on its argument
            warnings.filterwarnings("ignore", "Output seems independent of input", UserWarning)
            if curvature == "gauss_newton":
                return of_two_maps(lambda t: f.outputs(t, block), lambda y: f.loss_of(y, block))(theta)
            # the Hessian is symmetric: the transposed derivative of the gradient is the derivative
            return make_vjp(gradient_of(lambda t: f.total(t, block)), theta)[0]

    def squares(self, theta: NDArray[Any], block: Block) -> NDArray[Any]:
        """See `Engine.squares`.

        Raises
        ------
        OptionError
            Always: a pass for every case would cost too much.
        """
        error = without_squares("'martens'")
        raise error

    @staticmethod
    def refused(error: Exception) -> Refusal | None:
        """See `Engine.refused`."""
        text = str(error)
        if isinstance(error, NotImplementedError) and "VJP of" in text:
            name = text.split(" wrt ")[0].removeprefix("VJP of ")
            return Refusal(
                f"{name}, of which autograd has no derivative", "Write it by other operations, or give it one."
            )
        if isinstance(error, NotImplementedError) and _raised_in(error).startswith("autograd."):
            return Refusal(f"one of which autograd says: {text}", "Write it by other operations.")
        if "ArrayBox" in text or "setting an array element with a sequence" in text:
            return Refusal("an operation of another library", "Write import autograd.numpy as np in place of numpy.")
        return CHANGED_IN_PLACE if isinstance(error, ValueError) and "is read-only" in text else None


def _raised_in(error: Exception) -> str:
    """Return the name of the module that raised an error."""
    last = error.__traceback__
    while last is not None and last.tb_next is not None:
        last = last.tb_next
    return "" if last is None else str(last.tb_frame.f_globals.get("__name__", ""))


KIND = AutogradEngine
