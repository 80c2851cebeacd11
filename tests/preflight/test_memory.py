"""Memory that a run will need, against what is free."""

from __future__ import annotations

import math
import re
import tracemalloc
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hf_matlab_compat import nnet_train_2, train
from hf_matlab_compat.backends import backend as backend_module
from hf_matlab_compat.backends import get_backend
from hf_matlab_compat.errors import OptionError
from hf_matlab_compat.options import Options
from hf_matlab_compat.preflight.memory import check_memory, memory_needed
from tests.small_run import field_arguments, legacy_arguments


def only_so_much_is_free(monkeypatch: pytest.MonkeyPatch, free: int | None) -> None:
    monkeypatch.setattr(backend_module, "_free_host_memory", lambda: free)


SINGLE, DOUBLE = get_backend("numpy", "single"), get_backend("numpy", "double")
DEVICE = replace(SINGLE, on_host=False)


def bytes_needed(*given: Any) -> float:
    return sum(memory_needed(*given))


def test_a_run_that_does_not_fit_is_refused_before_anything_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    only_so_much_is_free(monkeypatch, 5000)
    with pytest.raises(OptionError) as caught:
        nnet_train_2(**legacy_arguments(runName=str(tmp_path / "run")))
    assert re.fullmatch(
        r"layersizes: expected a run that fits the 5e-06 GB of free memory, got one that needs about \S+ GB, "
        r"of which \S+ GB for vectors as long as the 43 parameters\. "
        r"Smaller layersizes need less, and so does a smaller nnet_train's maxiters\.",
        str(caught.value),
    )
    with pytest.raises(OptionError, match=r"hidden_sizes: expected a run that fits .* a smaller max_cg_steps"):
        train(**field_arguments(run_name=tmp_path / "run"))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("free", [None, 10**6])
def test_a_run_that_fits_or_of_which_nothing_is_known_goes_on(
    free: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    only_so_much_is_free(monkeypatch, free)
    assert train(**field_arguments()).state.epoch == 2


def test_the_bound_is_what_the_run_needs() -> None:
    options, sizes = Options(num_chunks=2), [6, 4, 3]
    need = bytes_needed(sizes, 12, options, SINGLE)
    backend = get_backend("numpy", "single")
    check_memory(sizes, 12, options, replace(backend, free_memory=lambda: math.ceil(need)))
    with pytest.raises(OptionError):
        check_memory(sizes, 12, options, replace(backend, free_memory=lambda: math.floor(need) - 1))


BLAMED = {
    "parameters": ([3000, 2000, 10], 100, {}, 0, "hidden_sizes: .* as long as the 6022010 parameters"),
    "cases": ([900, 2, 900], 10**5, {"num_chunks": 100}, 0, "inputs: .* copies of the 100000 cases. Fewer cases"),
    "test cases": ([900, 2, 900], 100, {}, 10**5, "inputs: .* copies of the 100100 cases"),
    "a chunk": (
        [9, 2000, 9],
        10**5,
        {},
        0,
        "num_chunks: .* the activations of one chunk. A larger num_chunks needs less, and so do smaller",
    ),
    "all cases": (
        [9, 2000, 9],
        10**5,
        {"num_chunks": 100, "curvature_cases": "all"},
        0,
        "curvature_cases: .* the activations of all cases. curvature_cases='target_chunk' needs less",
    ),
}


@pytest.mark.parametrize("case", BLAMED)
def test_what_takes_the_most_is_named(case: str) -> None:
    sizes, cases, options, test_cases, sentence = BLAMED[case]
    backend = replace(DEVICE if case in ("cases", "test cases") else SINGLE, free_memory=lambda: 10**6)
    with pytest.raises(OptionError, match=f"^{sentence}"):
        check_memory(sizes, cases, Options(**options), backend, test_cases)


def test_cases_are_copied_nowhere_on_the_host(monkeypatch: pytest.MonkeyPatch) -> None:
    held_out = {"test_inputs": np.ones((6, 10**5)), "test_targets": np.ones((3, 10**5))}
    only_so_much_is_free(monkeypatch, 10**6)
    assert train(**field_arguments(max_epochs=1, num_threads=1, **held_out)).state.epoch == 1


def test_each_thing_that_takes_memory_is_counted() -> None:
    sizes, cases = [100, 50, 100], 8000
    base = bytes_needed(sizes, cases, Options(num_chunks=4), SINGLE)
    assert bytes_needed(sizes, cases, Options(num_chunks=4), DOUBLE) == pytest.approx(2 * base, abs=8)
    for more in (
        bytes_needed(sizes, 2 * cases, Options(num_chunks=4), SINGLE),
        bytes_needed([100, 80, 100], cases, Options(num_chunks=4), SINGLE),
        bytes_needed(sizes, cases, Options(num_chunks=2), SINGLE),
        bytes_needed(sizes, cases, Options(num_chunks=4, curvature="hessian"), SINGLE),
        bytes_needed(sizes, cases, Options(num_chunks=4, curvature_cases="all"), SINGLE),
        bytes_needed(sizes, cases, Options(num_chunks=4, max_cg_steps=2500), SINGLE),
        bytes_needed(sizes, cases, Options(num_chunks=4), DEVICE),
        bytes_needed(sizes, cases, Options(num_chunks=4), SINGLE, 0, (1,)),
    ):
        assert more > base
    on_device = bytes_needed(sizes, cases, Options(num_chunks=4), DEVICE)
    assert bytes_needed(sizes, cases, Options(num_chunks=4), DEVICE, 1000) > on_device


def bytes_taken(**run: Any) -> int:
    tracemalloc.start()
    train(**run)
    taken = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return taken


@pytest.mark.filterwarnings("ignore:There are 20 cases of 400 numbers")
def test_the_estimate_of_vectors_is_near_what_a_run_takes() -> None:
    X = np.random.default_rng(0).random((400, 20), dtype=np.float32)
    network = {"hidden_sizes": [300, 300], "unit_types": ["logistic"] * 3}
    taken = bytes_taken(inputs=X, targets=X, **network, max_epochs=2, max_cg_steps=6, seed=0)
    need = memory_needed([400, 300, 300, 400], 20, Options(max_cg_steps=6), SINGLE)
    assert need.vectors > 0.95 * sum(need)
    assert 0.6 * taken < sum(need) < 3 * taken


@pytest.mark.parametrize("curvature", ["gauss_newton", "hessian", "empirical_fisher"])
@pytest.mark.parametrize("curvature_cases", ["target_chunk", "all"])
def test_the_estimate_of_activations_is_near_what_a_run_takes(curvature: str, curvature_cases: str) -> None:
    X = np.random.default_rng(0).random((30, 6000), dtype=np.float32)
    options = {"num_chunks": 3, "curvature": curvature, "curvature_cases": curvature_cases, "max_cg_steps": 12}
    network = {"hidden_sizes": [60, 10, 60], "unit_types": ["logistic"] * 4}
    taken = bytes_taken(inputs=X, targets=X, **network, max_epochs=1, seed=0, **options)
    estimate = bytes_needed([30, 60, 10, 60, 30], 6000, Options(**options), SINGLE)
    assert 0.6 * taken < estimate < 3 * taken


def test_factors_on_hidden_units_are_kept_for_every_case_of_the_chunk() -> None:
    sizes = [30, 60, 10, 60, 30]
    plain, masked = (
        memory_needed(sizes, 6000, Options(num_chunks=3, hidden_blankout=share), SINGLE).activations
        for share in (0.0, (0.0, 0.5, 0.0))
    )
    assert masked - plain >= 2000 * (60 + 10 + 60) * 4
