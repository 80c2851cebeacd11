"""The compiled recursions over time: numpy's figures within rounding, the same bits for any number of threads."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pytest

from hf_matlab_compat.backends import get_backend
from hf_matlab_compat.rnn import sequences
from hf_matlab_compat.rnn.recursions import CompiledRecursions, Recursions, recursions_of
from tests.rnn.nets import kernels, small

pytest.importorskip("numba")
ROUNDING = {"single": 2e-6, "double": 3e-15}
BOTH = pytest.mark.parametrize("precision", list(ROUNDING))


def arrays(precision: str, given: tuple[bool, ...]) -> list[Any]:
    """Steps, W_hhᵀ, then what is given of: the start, S, and a third array over time."""
    random = np.random.default_rng(4)
    dtype = {"single": np.float32, "double": np.float64}[precision]
    steps, S, third = (random.standard_normal((6, 3, 5)).astype(dtype) for _ in range(3))
    W, first = (0.4 * random.standard_normal(shape).astype(dtype) for shape in ((5, 5), (1, 5)))
    optional = [part if here else None for part, here in zip((first, S, third), given, strict=True)]
    return [steps, W, *optional]


@BOTH
@pytest.mark.parametrize("given", list(product([True, False], repeat=3)))
def test_each_recursion_is_numpys_within_rounding(precision: str, given: tuple[bool, ...]) -> None:
    ours = recursions_of(get_backend("numba", precision))
    assert isinstance(ours, CompiledRecursions)
    found: list[list[Any]] = []
    for recursions in (ours, Recursions(np)):
        R, W, first, S, kept = arrays(precision, given)
        recursions.tangent(R, W, first, S, kept)
        Q, _, _, _, more = arrays(precision, given)
        recursions.back(Q, W, S, more)
        found.append([R, Q, *([] if kept is None else [kept])])
    for one, other in zip(*found, strict=True):
        assert np.abs(one - other).max() <= ROUNDING[precision] * np.abs(other).max()


@pytest.mark.parametrize("curvature", ["gauss_newton", "hessian", "empirical_fisher"])
@pytest.mark.parametrize("unit", ["tanh", "linear", "gelu"])
def test_every_figure_of_a_problem_is_numpys_within_rounding(unit: str, curvature: str) -> None:
    problem = small(unit_types=[unit, unit, "softmax"], hidden_sizes=[5, 4], curvature=curvature)
    theirs = kernels(problem)
    for name, ours in kernels(problem.placed(get_backend("numba", "double"))).items():
        assert np.linalg.norm(ours - theirs[name]) <= 1e-13 * np.linalg.norm(theirs[name]), name


def test_the_compiled_bits_do_not_depend_on_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sequences, "WORTH_SHARING", 0)
    alone, *others = (kernels(small(N=24).placed(get_backend("numba", "single", threads))) for threads in (1, 2, 3))
    for found in others:
        assert {name: np.asarray(value).tobytes() for name, value in found.items()} == {
            name: np.asarray(value).tobytes() for name, value in alone.items()
        }


@BOTH
def test_no_recursion_is_compiled_after_the_backend_is_had(precision: str) -> None:
    backend = get_backend("numba", precision)
    from hf_matlab_compat.backends import compiled_recursions

    before = [len(each.signatures) for each in (compiled_recursions.tangent, compiled_recursions.back)]
    for curvature in ("gauss_newton", "hessian"):
        kernels(small(curvature=curvature).placed(backend))
    assert [len(each.signatures) for each in (compiled_recursions.tangent, compiled_recursions.back)] == before
