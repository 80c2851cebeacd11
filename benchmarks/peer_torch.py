"""PyTorch: torch.func's jvp and vjp around the Hessian of the loss, eager and compiled."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

from benchmarks.peer import Peer
from benchmarks.workloads import Workload
from hf_matlab_compat.backends.workers import default_threads


def eager(workload: Workload) -> Callable[[], object]:
    """v → Jv → H_L Jv → Jᵀ H_L Jv, all of it in every call."""
    call, arguments = _product(workload)
    return lambda: call(*arguments)


def compiled(workload: Workload) -> Callable[[], object]:
    """The same through torch.compile."""
    import torch

    call, arguments = _product(workload)
    torch._dynamo.reset()
    fast = torch.compile(call)
    return lambda: fast(*arguments)


def _product(workload: Workload) -> tuple[Callable[..., Any], tuple[Any, ...]]:
    import torch

    torch.set_num_threads(default_threads())
    x = torch.from_numpy(workload.inputs.T.copy())
    theta, v = torch.from_numpy(workload.theta), torch.from_numpy(workload.direction)
    shapes = [(below + 1, above) for below, above in pairwise(workload.sizes)]

    def output_input(packed: Any) -> Any:
        y, start = x, 0
        for (rows, columns), unit in zip(shapes, [*workload.unit_types[:-1], "linear"], strict=True):
            layer = packed[start : start + rows * columns].view(rows, columns)
            y = torch.addmm(layer[-1], y, layer[:-1])
            y = torch.sigmoid(y) if unit == "logistic" else y
            start += rows * columns
        return y

    def product(theta: Any, v: Any) -> Any:
        out, Jv = torch.func.jvp(output_input, (theta,), (v,))
        _, transposed = torch.func.vjp(output_input, theta)
        y = torch.sigmoid(out)
        return transposed(y * (1 - y) * Jv)[0] / len(x)

    return product, (theta, v)


PEERS = (Peer("torch.func, eager", "torch", eager), Peer("torch.func, compiled", "torch", compiled, compiles=True))
