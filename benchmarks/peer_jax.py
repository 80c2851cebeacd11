"""JAX: jvp and vjp around the Hessian of the loss, compiled; and linearized once at θ."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

from benchmarks.peer import Peer
from benchmarks.workloads import Workload


def jitted(workload: Workload) -> Callable[[], object]:
    """v → Jv → H_L Jv → Jᵀ H_L Jv, all of it in every call."""
    import jax

    network, theta, v, n = _network(workload)

    @jax.jit
    def product(theta: Any, v: Any) -> Any:
        out, Jv = jax.jvp(network, (theta,), (v,))
        _, transposed = jax.vjp(network, theta)
        y = jax.nn.sigmoid(out)
        return transposed(y * (1 - y) * Jv)[0] / n

    return lambda: product(theta, v).block_until_ready()


def linearized(workload: Workload) -> Callable[[], object]:
    """The same with the forward pass at θ kept."""
    import jax

    network, theta, v, n = _network(workload)
    out, tangents = jax.linearize(network, theta)
    transposed = jax.linear_transpose(tangents, theta)
    slope = jax.nn.sigmoid(out) * (1 - jax.nn.sigmoid(out))
    product = jax.jit(lambda v: transposed(slope * tangents(v))[0] / n)
    return lambda: product(v).block_until_ready()


def _network(workload: Workload) -> tuple[Callable[[Any], Any], Any, Any, int]:
    import jax
    import jax.numpy as jnp

    x = jnp.asarray(workload.inputs.T.copy())

    def output_input(packed: Any) -> Any:
        y, start = x, 0
        shapes = pairwise(workload.sizes)
        for (below, above), unit in zip(shapes, [*workload.unit_types[:-1], "linear"], strict=True):
            stop = start + (below + 1) * above
            layer = packed[start:stop].reshape(below + 1, above)
            y, start = y @ layer[:-1] + layer[-1], stop
            y = jax.nn.sigmoid(y) if unit == "logistic" else y
        return y

    return output_input, jnp.asarray(workload.theta), jnp.asarray(workload.direction), len(x)


PEERS = (Peer("JAX, jit", "jax", jitted), Peer("JAX, linearized", "jax", linearized))
