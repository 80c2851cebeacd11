"""What only the CuPy backend has, on a pretended CuPy: fused kernels, math modes, cases streamed from the host."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import hf_matlab_compat
from hf_matlab_compat import train
from hf_matlab_compat.backends import Backend, get_backend
from hf_matlab_compat.backends.cupy_kernels import SOURCES, CupyFused
from hf_matlab_compat.backends.fused import fused_for
from hf_matlab_compat.errors import OptionError
from hf_matlab_compat.objective import cases as cases_module
from hf_matlab_compat.options import Options
from hf_matlab_compat.solvers.conjgrad import CGStop, ConjugateGradients, conjgrad
from tests.backends.compiled_kernels import COMPILER
from tests.backends.cupy_api import FUNCTIONS, PAGES
from tests.backends.device_runs import CURVATURES, NETS, kernels, options_for, small_run, whole_run
from tests.backends.pretended_cupy import (
    COMPUTE_DEFAULT,
    COMPUTE_TF32,
    DEFAULT_MATH,
    TF32_MATH,
    PretendedArray,
    PretendedCupy,
    pretend,
)
from tests.backends.strict_namespace import StrictArray
from tests.parity.golden_bounds import distance, kernel_bound

pytestmark = pytest.mark.skipif(COMPILER is None, reason="no C++ compiler to run the kernels' code with")
BOTH = pytest.mark.parametrize("precision", ["single", "double"])
DTYPES = {"single": np.float32, "double": np.float64}


@pytest.fixture
def cupy(monkeypatch: pytest.MonkeyPatch) -> PretendedCupy:
    return pretend(monkeypatch)


# --- CuPy's interface


def test_every_function_that_is_called_on_the_namespace_is_documented_by_cupy() -> None:
    root = Path(hf_matlab_compat.__file__).parent
    calls: list[tuple[str, set[str]]] = []
    for path in root.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                owner = ast.unparse(node.func.value)
                if owner == "xp" or owner.endswith((".xp", "._xp")):
                    calls.append((node.func.attr, {keyword.arg or "**" for keyword in node.keywords}))
    assert len(calls) > 40
    assert {name for name, _ in calls} <= set(FUNCTIONS)
    assert [call for call in calls if not call[1] <= FUNCTIONS[call[0]]] == []
    assert all(url.startswith("https://docs.cupy.dev/en/stable/") for url in PAGES.values())


def test_the_stand_in_refuses_products_that_cupy_refuses_or_copies(cupy: PretendedCupy) -> None:
    a, b = cupy.asarray(np.ones((4, 3))), cupy.asarray(np.ones((3, 6)))
    wide, tall = cupy.empty((4, 8)), cupy.empty((9, 6))
    rows = cupy.dot(a, b, out=tall[2:6])
    assert rows._inside.base is tall._inside
    cupy.dot(b.T, a.T, out=cupy.empty((6, 4)))
    for name, left, right, out in (
        ("dot", a, b, wide[:, :6]),
        ("matmul", a, b, cupy.empty((4, 6), dtype=np.float32)),
        ("dot", a, b, cupy.empty((6, 4))),
        ("dot", a, b, np.empty((4, 6))),
        ("matmul", tall[:4, :3], b, cupy.empty((4, 6))),
        ("dot", tall[:6], tall[:6].T, tall[:6]),
    ):
        with pytest.raises((ValueError, TypeError)):
            getattr(cupy, name)(left, right, out=out)
    with pytest.raises(TypeError, match="where"):
        cupy.exp(a, where=True)
    with pytest.raises(TypeError, match="host"):
        a[...] = np.ones((4, 3))


@pytest.mark.parametrize(("units", "loss"), NETS)
@pytest.mark.parametrize("curvature", CURVATURES)
def test_blocks_of_different_sizes_are_computed_in_whole_rows(
    units: tuple[str, ...], loss: str, curvature: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = options_for(loss, curvature, "double")
    pretend(monkeypatch)
    monkeypatch.setattr(cases_module.ChunkedCases, "num_blocks", lambda *given: 3)  # of 1, 1 and 2 cases
    ours, theirs = (kernels(units, options, get_backend(name, "double")) for name in ("cupy", "numpy"))
    for name, value in theirs.items():
        assert distance(ours[name], value) <= kernel_bound("grad" if name in ("full", "chunk") else name, "double")


# --- kernels


@BOTH
def test_fused_kernels_do_what_plain_operations_do(cupy: PretendedCupy, precision: str) -> None:
    dtype = DTYPES[precision]
    fused = CupyFused(cupy)
    x, m = np.random.default_rng(0).standard_normal((2, 7)).astype(dtype)
    on_device = cupy.asarray(x)
    out = cupy.empty(7, dtype=dtype)
    near = {"rtol": 4 * np.finfo(dtype).eps}
    np.testing.assert_allclose(fused.of_one("logistic", on_device)._inside, 1 / (1 + np.exp(-x)), **near)
    assert fused.of_one("logistic", on_device, out) is out
    np.testing.assert_array_equal(fused.of_one("logistic_slope", on_device, out)._inside, (1 - x) * x)
    np.testing.assert_array_equal(fused.of_one("tanh_slope", on_device)._inside, (1 - x) * (1 + x))
    total = cupy.asarray(m)
    np.testing.assert_array_equal(fused.add_scaled(0.1, on_device, total)._inside, m + dtype(0.1) * x)
    masked = fused.add_scaled(0.1, on_device, cupy.asarray(m), cupy.asarray(m))
    np.testing.assert_array_equal(masked._inside, m + dtype(0.1) * (m * x))
    np.testing.assert_array_equal(
        fused.of_one("logistic", on_device, on_device)._inside,
        out._inside * 0 + fused.of_one("logistic", cupy.asarray(x))._inside,
    )


def test_every_kernel_is_compiled_by_these_tests(cupy: PretendedCupy) -> None:
    assert set(CupyFused(cupy)._kernels) == set(SOURCES)


@BOTH
@pytest.mark.parametrize("preconditioned", [True, False])
def test_conjugate_gradients_on_a_device_take_the_steps_of_the_host(
    cupy: PretendedCupy, precision: str, preconditioned: bool
) -> None:
    random = np.random.default_rng(3)
    Q = np.linalg.qr(random.standard_normal((20, 20)))[0]
    A = (Q * np.geomspace(1, 30, 20)) @ Q.T
    b, x0 = random.standard_normal((2, 20))
    A, b, x0, M = (a.astype(DTYPES[precision]) for a in (A, b, x0, np.diag(A)))
    get_backend("cupy", precision)
    given = [cupy.asarray(a) for a in (A, b, x0, M)]
    options = ConjugateGradients(max_cg_steps=12)
    host = conjgrad(lambda v: A @ v, b, x0, M if preconditioned else None, options)
    device = conjgrad(lambda v: given[0] @ v, given[1], given[2], given[3] if preconditioned else None, options)
    assert (device.steps, device.stop, device.last_step) == (host.steps, host.stop, host.last_step)
    assert isinstance(device.iterates[0], PretendedArray)
    for ours, theirs in zip(device.iterates, host.iterates, strict=True):
        assert distance(ours._inside, theirs) < 2000 * np.finfo(DTYPES[precision]).eps
    np.testing.assert_array_equal(given[2]._inside, x0)


@pytest.mark.parametrize(
    ("diagonal", "start", "stop"),
    [
        ([1.0, 1.0], [1.0, 1.0], CGStop.EXACT),
        ([-1.0, 2.0], [3.0, 0.0], CGStop.NEGATIVE_CURVATURE),
        ([np.inf, 1.0], [3.0, 1.0], CGStop.NOT_FINITE),
        ([np.nan, 1.0], [3.0, 1.0], CGStop.NOT_FINITE),
    ],
)
def test_conjugate_gradients_on_a_device_stop_where_those_of_the_host_stop(
    cupy: PretendedCupy, diagonal: list[float], start: list[float], stop: CGStop
) -> None:
    get_backend("cupy", "double")
    D, b, x0 = np.array(diagonal), np.ones(2), np.array(start)
    paths = []
    for as_array in (np.array, cupy.asarray):
        times = [as_array(np.ones(2)), *[as_array(D)] * 9]  # A x0 is finite, what follows need not be
        factors = iter(times if not np.isfinite(D).all() else times[1:])
        paths.append(conjgrad(lambda v, f=factors: next(f) * v, as_array(b), as_array(x0), None, ConjugateGradients()))
    host, device = paths
    assert (device.stop, device.steps, device.last_step) == (host.stop, host.steps, host.last_step)
    assert host.stop is stop
    np.testing.assert_array_equal(device.iterates[-1]._inside, host.iterates[-1])


def test_a_cg_step_brings_three_numbers_to_the_host_in_one_transfer(cupy: PretendedCupy) -> None:
    def moved(steps: int) -> tuple[int, list[int]]:
        visits, cupy.downloads[:] = StrictArray.visits, []
        settings = {"max_cg_steps": steps, "min_cg_steps": steps, "max_epochs": 1}
        options = options_for("matching", "gauss_newton", "double", **settings)
        whole_run(("tanh", "logistic"), options, get_backend("cupy", "double"))
        return StrictArray.visits - visits, list(cupy.downloads)

    (more_visits, more), (visits, fewer) = moved(30), moved(25)  # with as many iterates recorded in both
    assert more_visits == visits
    assert sorted(more) == sorted([*fewer, *[3] * 5])


@pytest.mark.parametrize(("units", "loss"), NETS)
@pytest.mark.parametrize("curvature", CURVATURES)
@BOTH
def test_kernels_of_the_fused_backend_are_those_of_numpy(
    units: tuple[str, ...], loss: str, curvature: str, precision: str, cupy: PretendedCupy
) -> None:
    options = options_for(loss, curvature, precision)
    backend = get_backend("cupy", precision)
    assert fused_for(backend.asarray(np.ones(2))) is not None
    ours, theirs = (kernels(units, options, b) for b in (backend, get_backend("numpy", precision)))
    for name, value in theirs.items():
        quantity = "grad" if name in ("full", "chunk") else name
        assert distance(ours[name], value) <= kernel_bound(quantity, precision), name


@pytest.mark.parametrize(("units", "loss"), NETS)
def test_a_run_on_the_fused_backend_takes_the_decisions_of_numpy(
    units: tuple[str, ...], loss: str, cupy: PretendedCupy
) -> None:
    options = options_for(loss, "gauss_newton", "double")
    runs = [whole_run(units, options, get_backend(name, "double")) for name in ("cupy", "numpy")]
    ours, theirs = ([(r.cg_steps, r.reductions, r.lam) for r in reports] for reports, _ in runs)
    assert ours == theirs
    ours, theirs = ([r.train.log_likelihood for r in reports] for reports, _ in runs)
    assert distance(ours, theirs) < 1e-11  # iterates that tie may be swapped, and θ with them


# --- precision of products


def test_products_are_surely_not_in_tf32_unless_asked_for(cupy: PretendedCupy) -> None:
    cupy.math.mode, cupy.math.compute_type = TF32_MATH, COMPUTE_TF32  # as CUPY_TF32=1 or another library leaves them
    for precision, inside in (("single", (DEFAULT_MATH, COMPUTE_DEFAULT)), ("tf32", (TF32_MATH, COMPUTE_TF32))):
        backend = get_backend("cupy", precision)
        assert backend.dtype == np.float32
        with backend.quiet():
            with get_backend("cupy", "double").quiet():
                assert (cupy.math.mode, cupy.math.compute_type) == (DEFAULT_MATH, COMPUTE_DEFAULT)
            assert (cupy.math.mode, cupy.math.compute_type) == inside
        assert (cupy.math.mode, cupy.math.compute_type) == (TF32_MATH, COMPUTE_TF32)
    with pytest.raises(ValueError, match="stop"), get_backend("cupy", "single").quiet():
        raise ValueError("stop")
    assert (cupy.math.mode, cupy.math.compute_type) == (TF32_MATH, COMPUTE_TF32)


def test_without_cupys_own_switch_the_one_of_cublas_is_set(cupy: PretendedCupy) -> None:
    del cupy._core
    with get_backend("cupy", "tf32").quiet():
        assert (cupy.math.mode, cupy.math.compute_type) == (TF32_MATH, COMPUTE_DEFAULT)
    assert cupy.math.mode == DEFAULT_MATH


@pytest.mark.parametrize(
    ("precision", "inside"), [("single", (DEFAULT_MATH, COMPUTE_DEFAULT)), ("tf32", (TF32_MATH, COMPUTE_TF32))]
)
def test_all_products_of_a_run_are_in_the_precision_asked_for(
    precision: str, inside: tuple[int, int], cupy: PretendedCupy
) -> None:
    if precision == "single":
        cupy.math.mode = TF32_MATH
    result = train(**small_run(backend="cupy", precision=precision))
    assert cupy.math.at_products == {inside}
    assert result.theta.size > 0


def test_tf32_on_the_cpu_is_refused() -> None:
    with pytest.raises(OptionError, match=r"precision: expected 'single' or 'double' on the CPU, got 'tf32'\. .*cupy"):
        Options(precision="tf32")
    with pytest.raises(OptionError, match=r"precision: expected 'single' or 'double' on the CPU, got 'tf32'"):
        get_backend("numpy", "tf32")
    assert Options(precision="tf32", backend="cupy").precision == "tf32"


# --- cases that stay on the host


@pytest.mark.parametrize("curvature", CURVATURES)
@pytest.mark.parametrize("own_targets", [False, True])
def test_streamed_cases_give_the_numbers_of_resident_ones(
    curvature: str, own_targets: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = small_run(backend="cupy", curvature=curvature)
    if own_targets:
        given["targets"] = 1 - given["inputs"]
    resident_cupy = pretend(monkeypatch)
    resident = train(**given)
    streaming = pretend(monkeypatch)
    monkeypatch.setattr(type(get_backend("cupy")), "keeps", lambda self, numbers: False)
    streamed = train(**given)
    np.testing.assert_array_equal(streamed.theta, resident.theta)
    cases = given["inputs"].size
    assert resident_cupy.uploads.count(cases) == 1 + own_targets  # an autoencoder's cases are moved once
    assert max(streaming.uploads) < cases


def test_cases_larger_than_the_device_are_streamed_and_others_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    given = small_run(4000, backend="cupy", num_chunks=40, max_epochs=2)
    size = given["inputs"].size * 4
    for free, resident in ((4 * size, True), (2 * size - 1, False), (size - 1, False)):
        cupy = pretend(monkeypatch, free)
        assert get_backend("cupy").keeps(given["inputs"].size) is resident
        train(**given)
        assert (max(cupy.uploads) >= given["inputs"].size) is resident
        assert (PretendedArray.memory.most > size) is resident


def test_two_places_take_turns_and_nothing_is_overwritten_on_its_way(cupy: PretendedCupy) -> None:
    backend = get_backend("cupy", "single")
    random = np.random.default_rng(0)
    blocks = [random.random((3, n)) for n in (4, 70, 5, 70, 130, 1)]
    found = []
    for k, block in enumerate(blocks):
        given = block if k % 2 else np.asfortranarray(block)
        out = cupy.empty(block.shape, dtype=np.float32)
        backend.fill(out, given)
        found.append(out)
    for out, block in zip(found, blocks, strict=True):
        np.testing.assert_array_equal(out._inside, block.astype(np.float32))
    assert cupy.uploads == []
    # a place is filled again only after the device has taken what it held: all but those of the last two blocks
    taken = cupy.cuda.get_current_stream().events
    assert [event.was_waited_for for event in taken] == [True] * 4 + [False] * 2


CORRUPTED: dict[str, dict[str, Any]] = {
    "hidden": {"input_blankout": 0.3, "input_noise": 0.1, "hidden_blankout": [0.3, 0.2], "clean_train": True},
    "weights": {"weight_noise": 0.02, "perturbed_weights": 0.5},
    "legacy": {"perturbed_weights": 0.5, "perturb_form": "legacy"},
    "hooks": {
        "corrupt": lambda inputs, cases, epoch: inputs * (1 + 0.1 * epoch),
        "resample": lambda epoch: (np.full((6, 24), 0.1 * epoch), np.full((6, 24), 0.5)),
    },
}


@pytest.mark.parametrize("which", CORRUPTED)
@pytest.mark.parametrize("method", ["hf", "adam", "rprop"])
@pytest.mark.parametrize("resident", [True, False])
def test_a_corrupted_run_on_a_device_is_that_of_numpy(
    which: str, method: str, resident: bool, cupy: PretendedCupy, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not resident:
        monkeypatch.setattr(Backend, "keeps", lambda self, numbers: False)
    layers = {"hidden_sizes": [5, 4], "unit_types": ["tanh", "gelu", "logistic"], "precision": "double"}
    given = small_run(**layers, **CORRUPTED[which], curvature="hessian", method=method, faithful=False)
    ours, theirs = (train(**given, backend=name) for name in ("cupy", "numpy"))
    np.testing.assert_allclose(ours.theta, theirs.theta, rtol=1e-7, atol=1e-9)
    assert list(ours.history) == list(theirs.history)
