"""Derivatives by JAX, compiled for each shape of a block."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from hf_matlab_compat.autodiff.engines import Block, Functions, Refusal
from hf_matlab_compat.autodiff.nested import mapped


class JaxEngine:
    """See `engines.Engine`.

    Parameters
    ----------
    functions : Functions
    """

    vectorises = True

    def __init__(self, functions: Functions) -> None:
        import jax

        f, jit = functions, cast(Callable[[Any], Any], jax.jit)
        self._measured = jit(f.measured)
        self._gradient = jit(jax.value_and_grad(f.total))

        def linear_parts(theta: Any, block: Block) -> Any:
            outputs, tangents = jax.linearize(lambda t: f.outputs(t, block), theta)
            return tangents, jax.linearize(jax.grad(lambda y: f.loss_of(y, block)), outputs)[1]

        def gauss_newton(parts: Any, v: Any) -> Any:
            tangents, of_loss = parts
            return jax.linear_transpose(tangents, v)(of_loss(tangents(v)))[0]

        def linear_gradient(theta: Any, block: Block) -> Any:
            return jax.linearize(jax.grad(lambda t: f.total(t, block)), theta)[1]

        def squares(theta: Any, block: Block) -> Any:
            def of_case(case: Block) -> Any:
                return jax.grad(f.total)(theta, case) ** 2

            def of_slice(case: Block) -> Any:
                return of_case(mapped(lambda values: jax.numpy.expand_dims(values, f.axis), case))

            if block[0] is None:
                return of_case(block)
            cases = mapped(lambda values: jax.numpy.moveaxis(values, f.axis, 0), block)
            # one after the other: the gradients of many cases at once do not fit the processor's cache
            start = jax.numpy.zeros_like(theta)
            return jax.lax.scan(lambda total, case: (total + of_slice(case), None), start, cases)[0]

        # the linear maps carry what the pass at θ left, so that products neither repeat it nor compile again
        self._linear = {"gauss_newton": jit(linear_parts), "hessian": jit(linear_gradient)}
        self._apply = {"gauss_newton": jit(gauss_newton), "hessian": jit(lambda linear, v: linear(v))}
        self._squares = jit(squares)

    def array(self, values: NDArray[Any], dtype: Any) -> Any:
        """See `Engine.array`."""
        import jax.numpy as jnp

        with wide():
            return jnp.asarray(values.astype(dtype, copy=False) if values.dtype.kind == "f" else values)

    def measured(self, theta: NDArray[Any], block: Block) -> tuple[float, float]:
        """See `Engine.measured`."""
        with wide():
            loss, error = self._measured(theta, block)
        return float(loss), float(error)

    def gradient(self, theta: NDArray[Any], block: Block) -> tuple[float, NDArray[Any]]:
        """See `Engine.gradient`."""
        with wide():
            loss, gradient = self._gradient(theta, block)
        return float(loss), np.asarray(gradient)

    def product(self, theta: NDArray[Any], block: Block, curvature: str) -> Callable[[NDArray[Any]], NDArray[Any]]:
        """See `Engine.product`."""
        with wide():
            linear = self._linear[curvature](theta, block)

        def product(v: NDArray[Any]) -> NDArray[Any]:
            with wide():
                return np.asarray(self._apply[curvature](linear, v))

        return product

    def squares(self, theta: NDArray[Any], block: Block) -> NDArray[Any]:
        """See `Engine.squares`."""
        with wide():
            return np.asarray(self._squares(theta, block))

    @staticmethod
    def refused(error: Exception) -> Refusal | None:
        """See `Engine.refused`."""
        from jax import errors

        if isinstance(error, errors.TracerArrayConversionError | errors.TracerIntegerConversionError):
            return Refusal("an operation of another library", "Write import jax.numpy as np in place of numpy.")
        if isinstance(error, errors.ConcretizationTypeError | errors.NonConcreteBooleanIndexError):
            return Refusal("a branch or a size that depends on values", "Use jax.numpy.where.")
        return None


def wide() -> Any:
    """Return a context in which JAX keeps double precision."""
    import jax

    # its place before version 0.8 was jax.experimental
    place: Any = jax if hasattr(jax, "enable_x64") else import_module("jax.experimental")
    return place.enable_x64(True)


KIND = JaxEngine
