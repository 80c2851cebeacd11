"""The same Gauss-Newton product by JAX and PyTorch, as their users write it: a scan or a loop over time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from benchmarks.peer import Peer
from benchmarks.recurrent_net import RecurrentWorkload


def jitted(workload: RecurrentWorkload) -> Callable[[], Any]:
    """v → Jv → H_L Jv → Jᵀ H_L Jv in one compiled call, with the forward pass at θ in every call."""
    import jax

    network, theta, v = _jax_network(workload)

    @jax.jit
    def product(theta: Any, v: Any) -> Any:
        out, Jv = jax.jvp(network, (theta,), (v,))
        y = jax.nn.sigmoid(out)
        return jax.vjp(network, theta)[1](y * (1 - y) * Jv)[0] / workload.steps

    return lambda: product(theta, v).block_until_ready()


def linearized(workload: RecurrentWorkload) -> Callable[[], Any]:
    """The same with the forward pass at θ kept."""
    import jax

    network, theta, v = _jax_network(workload)
    out, tangents = jax.linearize(network, theta)
    transposed = jax.linear_transpose(tangents, theta)
    slope = jax.nn.sigmoid(out) * (1 - jax.nn.sigmoid(out)) / workload.steps
    product = jax.jit(lambda v: transposed(slope * tangents(v))[0])
    return lambda: product(v).block_until_ready()


def _jax_network(workload: RecurrentWorkload) -> tuple[Callable[[Any], Any], Any, Any]:
    import jax
    import jax.numpy as jnp

    x = jnp.asarray(workload.inputs.transpose(1, 2, 0).copy())
    H, D, n = workload.hidden_size, workload.num_inputs, x.shape[1]

    def output_input(packed: Any) -> Any:
        W, h_0, W_o = _unpacked(packed, D, H)
        before = x @ W[:D] + W[-1]

        def step(h: Any, a: Any) -> Any:
            h = jnp.tanh(a + h @ W[D:-1])
            return h, h

        _, states = jax.lax.scan(step, jnp.broadcast_to(h_0, (n, H)), before)
        return states @ W_o[:-1] + W_o[-1]

    return output_input, jnp.asarray(workload.theta), jnp.asarray(workload.direction)


def eager(workload: RecurrentWorkload) -> Callable[[], Any]:
    """torch.func's jvp and vjp, with the forward pass at θ in every call."""
    import torch

    torch.set_num_threads(1)
    x = torch.from_numpy(workload.inputs.transpose(1, 2, 0).copy())
    theta, v = torch.from_numpy(workload.theta), torch.from_numpy(workload.direction)
    H, D, n = workload.hidden_size, workload.num_inputs, x.shape[1]

    def output_input(packed: Any) -> Any:
        W, h_0, W_o = _unpacked(packed, D, H)
        before = (x @ W[:D] + W[-1]).unbind(0)
        h, states = h_0.expand(n, H), []
        for a in before:
            h = torch.tanh(torch.addmm(a, h, W[D:-1]))
            states.append(h)
        return torch.stack(states) @ W_o[:-1] + W_o[-1]

    def product() -> Any:
        out, Jv = torch.func.jvp(output_input, (theta,), (v,))
        y = torch.sigmoid(out)
        return torch.func.vjp(output_input, theta)[1](y * (1 - y) * Jv)[0] / workload.steps

    return product


def _unpacked(packed: Any, D: int, H: int) -> tuple[Any, Any, Any]:
    """Return [W_hx W_hh b_h]ᵀ, h_0 and [W_oh b_o]ᵀ."""
    stop = (D + H + 1) * H
    return packed[:stop].reshape(D + H + 1, H), packed[stop : stop + H], packed[stop + H :].reshape(H + 1, -1)


PEERS = (
    Peer("JAX, jit", "jax", jitted),
    Peer("JAX, linearized", "jax", linearized),
    Peer("torch.func, eager", "torch", eager),
)
