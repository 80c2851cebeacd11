"""The derivatives of one net by autograd, JAX and PyTorch: through `autodiff_problem`, and as their users call them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from importlib import import_module
from typing import Any

import numpy as np

from benchmarks.peer import Peer
from benchmarks.workloads import Workload
from hf_matlab_compat import autodiff_problem
from hf_matlab_compat.backends.backend import get_backend
from hf_matlab_compat.objective.cases import ChunkedCases
from hf_matlab_compat.objective.feedforward import feedforward_problem
from hf_matlab_compat.options import Options
from hf_matlab_compat.problem import Cases, Problem

GRADIENT, SQUARES, GAUSS_NEWTON, HESSIAN = "gradient", "squares", "Gauss-Newton product", "Hessian product"
Call = Callable[[], Any]


def arrays(workload: Workload) -> tuple[Any, Any, Any]:
    """Return cases, θ and a direction in double precision."""
    x, theta, v = (np.asarray(each, np.float64) for each in (workload.inputs, workload.theta, workload.direction))
    return x, theta, v


def ours(workload: Workload, figure: str) -> Call:
    """Return the call of the hand-written passes; squares come with the gradient."""
    x, _, _ = arrays(workload)
    options = Options(curvature=_curvature(figure), precision="double", faithful=False, weight_decay=0.0)
    backend = get_backend("numpy", "double", 1)
    return _call(feedforward_problem(workload.network, ChunkedCases(x, x, 1), options, backend), workload, figure)


def problem_of(engine: str, workload: Workload, figure: str) -> Call:
    """Return the call of an `autodiff_problem`."""
    x, theta, _ = arrays(workload)
    given = {"initial": unpacked(workload, theta), "engine": engine, "curvature": _curvature(figure)}
    return _call(autodiff_problem(*functions(engine, workload), x, x, **given), workload, figure)


def _curvature(figure: str) -> str:
    return "hessian" if figure == HESSIAN else "gauss_newton"


def _call(problem: Problem, workload: Workload, figure: str) -> Call:
    _, theta, v = arrays(workload)
    if figure == GRADIENT:
        return lambda: problem.gradient(theta, Cases(0)).full
    gradient = problem.gradient(theta, Cases(0))
    if figure == SQUARES:  # a new curvature each time, since it keeps its diagonal
        return lambda: problem.curvature(theta, Cases(0), gradient).diagonal(0.0)
    curvature = problem.curvature(theta, Cases(0), gradient)
    return lambda: curvature(v)


def functions(engine: str, workload: Workload) -> tuple[Callable[..., Any], Callable[..., Any]]:
    """Return the outputs before the last logistic function, and the summed cross-entropy, for an engine."""
    code = len(workload.sizes) // 2 - 1
    sigmoid, softplus = _units(engine)

    def output(layers: Any, x: Any) -> Any:
        for i, (W, b) in enumerate(layers):
            x = W.T @ x + b[:, None]
            x = x if i in (code, len(layers) - 1) else sigmoid(x)
        return x

    return output, lambda z, t: (softplus(z) - t * z).sum()


def _units(engine: str) -> tuple[Callable[[Any], Any], Callable[[Any], Any]]:
    if engine == "jax":
        import jax

        return jax.nn.sigmoid, jax.nn.softplus
    if engine == "torch":
        import torch

        return torch.sigmoid, partial(torch.nn.functional.softplus, threshold=40)
    anp: Any = import_module("autograd.numpy")
    return lambda z: 1 / (1 + anp.exp(-z)), lambda z: anp.logaddexp(0, z)


def unpacked(workload: Workload, theta: Any) -> list[tuple[Any, Any]]:
    """Return (Wᵀ, b) of every layer: θ holds W by columns, and b after it."""
    layers, start = [], 0
    for fan_in, fan_out in zip(workload.sizes, workload.sizes[1:], strict=False):
        stop = start + fan_in * fan_out
        layers.append((theta[start:stop].reshape(fan_in, fan_out), theta[stop : stop + fan_out]))
        start = stop + fan_out
    return layers


def _means(engine: str, workload: Workload, x: Any) -> tuple[Callable[[Any], Any], Callable[[Any], Any]]:
    """Return θ → outputs, and outputs → mean loss."""
    output, loss = functions(engine, workload)
    return lambda theta: output(unpacked(workload, theta), x), lambda z: loss(z, x) / workload.num_cases


def autograd_alone(workload: Workload, figure: str) -> Call:
    """Return the call of autograd: the Gauss-Newton product keeps the pass at θ, the others repeat it."""
    autograd: Any = import_module("autograd")
    x, theta, v = arrays(workload)
    outputs, loss = _means("autograd", workload, x)
    if figure == GAUSS_NEWTON:
        return partial(autograd.make_ggnvp(outputs, loss)(theta), v)

    def mean(t: Any) -> Any:
        return loss(outputs(t))

    if figure == GRADIENT:
        return partial(autograd.grad(mean), theta)
    return partial(autograd.hessian_vector_product(mean), theta, v)


def jax_alone(workload: Workload, figure: str) -> Call:
    """Return one compiled call of JAX, with the pass at θ in it."""
    import jax
    import jax.numpy as jnp

    jax.config.update("jax_enable_x64", True)
    x, theta, v = map(jnp.asarray, arrays(workload))
    outputs, loss = _means("jax", workload, x)
    gradient = jax.grad(lambda t: loss(outputs(t)))

    def gauss_newton(theta: Any, v: Any) -> Any:
        z, Jv = jax.jvp(outputs, (theta,), (v,))
        return jax.vjp(outputs, theta)[1](jax.jvp(jax.grad(loss), (z,), (Jv,))[1])[0]

    made = {
        GRADIENT: lambda theta, v: gradient(theta),
        GAUSS_NEWTON: gauss_newton,
        HESSIAN: lambda theta, v: jax.jvp(gradient, (theta,), (v,))[1],
    }
    compiled = jax.jit(made[figure])
    return lambda: compiled(theta, v).block_until_ready()


def torch_alone(workload: Workload, figure: str) -> Call:
    """Return the call of torch.func, with the pass at θ in it."""
    import torch
    from torch.func import grad, jvp, vjp

    torch.set_num_threads(1)
    x, theta, v = (torch.tensor(each) for each in arrays(workload))
    outputs, loss = _means("torch", workload, x)
    gradient = grad(lambda t: loss(outputs(t)))

    def gauss_newton() -> Any:
        z, Jv = jvp(outputs, (theta,), (v,))
        return vjp(outputs, theta)[1](jvp(grad(loss), (z,), (Jv,))[1])[0]

    made = {
        GRADIENT: partial(gradient, theta),
        GAUSS_NEWTON: gauss_newton,
        HESSIAN: lambda: jvp(gradient, (theta,), (v,))[1],
    }
    return made[figure]


_ALONE = {
    "autograd": ("autograd alone", autograd_alone),
    "jax": ("JAX alone, jit", jax_alone),
    "torch": ("torch.func alone", torch_alone),
}


def _peers(figure: str) -> tuple[Peer[Workload], ...]:
    """Return the contenders of a figure; only JAX and PyTorch square the gradients of single cases."""
    engines = [name for name in _ALONE if figure != SQUARES or name != "autograd"]
    through = [Peer(f'engine="{name}"', name, partial(problem_of, name, figure=figure)) for name in engines]
    alone = [Peer(_ALONE[name][0], name, partial(_ALONE[name][1], figure=figure)) for name in engines]
    return (*through, *(alone if figure != SQUARES else ()))


PEERS: Mapping[str, tuple[Peer[Workload], ...]] = {
    figure: _peers(figure) for figure in (GRADIENT, SQUARES, GAUSS_NEWTON, HESSIAN)
}
