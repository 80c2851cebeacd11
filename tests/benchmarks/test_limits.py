"""The limit does the matrix products of the pass that it is the limit of, and no others."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from benchmarks import limits
from benchmarks.limits import PRODUCTS, limit
from benchmarks.workloads import Workload, cpu
from hf_matlab_compat.backends import Backend
from hf_matlab_compat.problem import Cases

TWO_BLOCKS = Workload("two blocks", (6, 4, 2, 4, 6), 1500)


class Recorder:
    """numpy, that notes the shapes of its matrix products."""

    def __init__(self) -> None:
        self.products: list[tuple[Any, Any]] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(np, name)

    def dot(self, a: Any, b: Any, out: Any = None) -> Any:
        self.products.append((a.shape, b.shape))
        return np.dot(a, b, out=out)

    def matmul(self, a: Any, b: Any, out: Any = None) -> Any:
        self.products.append((a.shape, b.shape))
        return np.matmul(a, b, out=out)


def products_of_the_pass(kernel: str, backend: Backend) -> list[tuple[Any, Any]]:
    recorder = Recorder()
    recording = replace(backend, xp=recorder)
    if kernel == "gradient":
        TWO_BLOCKS.problem(recording).gradient(TWO_BLOCKS.theta, Cases(0))
        return recorder.products
    product = TWO_BLOCKS.product(recording, kernel)
    recorder.products.clear()
    product(TWO_BLOCKS.direction)
    return recorder.products


@pytest.mark.parametrize("kernel", PRODUCTS)
def test_the_limit_does_the_products_of_the_pass(kernel: str, monkeypatch: pytest.MonkeyPatch) -> None:
    backend, recorder = cpu(1), Recorder()
    monkeypatch.setattr(limits, "np", recorder)
    call = limit(TWO_BLOCKS, backend, kernel)
    recorder.products.clear()
    call()
    assert sorted(recorder.products) == sorted(products_of_the_pass(kernel, backend))
    assert len(recorder.products) > 2
