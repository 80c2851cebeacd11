"""Blocks of several sizes pass through one memory."""

from __future__ import annotations

import importlib.util
from dataclasses import replace

import numpy as np
import pytest

from hf_matlab_compat.backends import get_backend
from hf_matlab_compat.objective import cases as cases_module
from hf_matlab_compat.objective.block_memory import BlockMemory
from hf_matlab_compat.objective.cases import Block, ChunkedCases
from hf_matlab_compat.options import Options
from hf_matlab_compat.problem import Cases
from tests.cases import small_problem, small_theta

SIZES = (3, 4, 2)
NO_NUMBA = pytest.mark.skipif(importlib.util.find_spec("numba") is None, reason="Numba is not installed")
EVERY_BACKEND = pytest.mark.parametrize("backend", ["numpy", pytest.param("numba", marks=NO_NUMBA)])


def block(n: int, targets: bool = True) -> Block:
    x = np.random.default_rng(n).random((SIZES[0], n))
    return Block(x, np.random.default_rng(-n % 97).random((SIZES[-1], n)) if targets else x)


def test_every_size_finds_its_inputs_targets_and_ones() -> None:
    memory = BlockMemory(SIZES, 4, get_backend("numpy", "double"))
    for n in (4, 3, 4, 4, 3, 1, 4):
        given = block(n)
        loaded = memory.load(given)
        np.testing.assert_array_equal(loaded.buffers.y[0], given.inputs)
        np.testing.assert_array_equal(loaded.targets, given.targets)
        assert all((rows[-1] == 1).all() for rows in loaded.buffers.y1)
        for y in loaded.buffers.y:
            y[...] = np.nan


def test_sizes_share_one_memory() -> None:
    memory = BlockMemory(SIZES, 4, get_backend("numpy", "double"))
    rooms = {memory.load(block(n)).buffers.room.__array_interface__["data"][0] for n in (4, 3, 2)}
    assert len(rooms) == 1


def test_inputs_that_are_the_targets_are_loaded_once() -> None:
    memory = BlockMemory((3, 4, 3), 4, get_backend("numpy", "double"))
    loaded = memory.load(block(4, targets=False))
    assert loaded.targets is loaded.buffers.y[0]


@EVERY_BACKEND
def test_blocks_that_differ_by_a_case_give_what_one_block_gives(backend: str, monkeypatch: pytest.MonkeyPatch) -> None:
    options = Options(num_chunks=1, precision="double", weight_decay=0.01)
    device = get_backend(backend, "double", 1)
    problem = small_problem(("tanh", "logistic"), options, backend=device)
    eleven = ChunkedCases(problem.cases.inputs[:, :11], problem.cases.targets[:, :11], 1)
    theta, v = small_theta(problem), small_theta(problem, 1)
    results = []
    for most in (100, 5):  # one block, and blocks of 3, 4 and 4 cases
        for name in ("CASES_PER_BLOCK", "CASES_PER_KEPT_BLOCK"):
            monkeypatch.setattr(cases_module, name, most)
        cut = replace(problem, cases=eleven)
        for _ in range(2):  # the second pass finds the memory as the first left it
            g = cut.gradient(theta, Cases(0))
            product = cut.curvature(theta, Cases(0), g)
            score = cut.score(theta, Cases())
            results.append([g.full, g.full_squared, product(v), [score.log_likelihood, score.error]])
    assert [len(b) for b in eleven.chunk(0)] == [3, 4, 4]
    for other in results[1:]:
        for ours, theirs in zip(other, results[0], strict=True):
            np.testing.assert_allclose(ours, theirs, rtol=1e-12, atol=1e-14)
