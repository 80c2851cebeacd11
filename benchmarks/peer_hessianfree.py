"""The PyPI package `hessianfree`: its own Gauss-Newton product, which packs parameters as this package does."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from benchmarks.peer import Peer
from benchmarks.workloads import Workload


def cached(workload: Workload) -> Callable[[], object]:
    """Its activations and their derivatives at θ are kept, as in its own training."""
    import hessianfree

    units = {"logistic": hessianfree.nl.Logistic, "linear": hessianfree.nl.Linear}
    layers = [hessianfree.nl.Linear(), *(units[unit]() for unit in workload.unit_types)]
    net: Any = hessianfree.FFNet(list(workload.sizes), layers=layers, load_weights=workload.theta)
    x = workload.inputs.T.copy()
    net.cache_minibatch(x, x)
    y = net.activations[-1]
    net.d2_loss[-1] = 1 / (y * (1 - y))  # the cross-entropy of logistic outputs, which it does not have
    return lambda: net.calc_G(workload.direction)


PEERS = (Peer("hessianfree", "hessianfree", cached),)
