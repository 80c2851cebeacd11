"""The door to the hardware: getting a backend, being told why not, and staying on the device."""

from __future__ import annotations

import importlib.util
import sys
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from hf_matlab_compat.backends import get_backend
from hf_matlab_compat.errors import OptionError
from tests.backends.device_runs import CURVATURES, NETS, kernels, options_for, whole_run
from tests.backends.strict_namespace import StrictArray, special_functions, strict_backend
from tests.parity.golden_bounds import distance, kernel_bound

EVERY_NET = pytest.mark.parametrize(("units", "loss"), NETS, ids=["-".join((*u, loss)) for u, loss in NETS])
EVERY_CURVATURE = pytest.mark.parametrize("curvature", CURVATURES)
BOTH = pytest.mark.parametrize("precision", ["single", "double"])


@pytest.fixture(autouse=True)
def special(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cupyx.scipy.special", special_functions())  # type: ignore[arg-type]


@BOTH
def test_numpy_takes_arrays_as_they_are_and_others_in_working_precision(precision: str) -> None:
    backend = get_backend("numpy", precision)
    dtype = {"single": np.float32, "double": np.float64}[precision]
    own = np.ones((2, 3), dtype, order="F")
    assert backend.asarray(own) is own
    assert backend.asarray([1, 2]).dtype == backend.dtype == dtype
    assert backend.asarray(np.ones((2, 3)), order="F").flags.f_contiguous
    assert backend.to_host(own) is own


def test_free_memory_is_a_number_of_bytes_or_unknown() -> None:
    free = get_backend().free_memory()
    assert free is None or free > 1024


def test_an_unknown_backend_is_refused() -> None:
    with pytest.raises(OptionError, match=r"^backend: expected 'numpy', 'numba' or 'cupy', got 'jax'"):
        get_backend("jax")


@pytest.mark.skipif(importlib.util.find_spec("cupy") is not None, reason="CuPy is installed here")
def test_asking_for_the_gpu_without_cupy_says_how_to_get_it() -> None:
    with pytest.raises(OptionError, match=r"no CuPy .*hf_matlab_compat\[cuda12\].*run on the CPU"):
        get_backend("cupy")


class CudaError(Exception):
    """What a broken driver raises."""


@pytest.mark.parametrize(("devices", "said"), [(0, "got no CUDA device."), (None, "got no CUDA device (no driver)")])
def test_asking_for_the_gpu_without_a_device_says_so(
    devices: int | None, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def count() -> int:
        if devices is None:
            raise CudaError("no driver")
        return devices

    runtime = SimpleNamespace(getDeviceCount=count, CUDARuntimeError=CudaError)
    monkeypatch.setitem(sys.modules, "cupy", SimpleNamespace(cuda=SimpleNamespace(runtime=runtime)))  # type: ignore
    with pytest.raises(OptionError) as caught:
        get_backend("cupy")
    assert said in str(caught.value)
    assert "pip install" in str(caught.value)


def test_quiet_silences_overflow_and_nan() -> None:
    with get_backend().quiet():
        assert np.exp(np.float32(1000)) == np.inf
        assert np.isnan(np.float64(0) / np.float64(0))


# --- nothing leaves the device but single numbers


@EVERY_NET
@EVERY_CURVATURE
@BOTH
def test_a_run_never_turns_a_device_array_into_a_host_array(
    units: tuple[str, ...], loss: str, curvature: str, precision: str
) -> None:
    options = options_for(loss, curvature, precision)
    strict_reports, strict_vectors = whole_run(units, options, strict_backend(precision))
    reports, vectors = whole_run(units, options, get_backend("numpy", precision))
    assert [repr(report) for report in strict_reports] == [repr(report) for report in reports]
    for ours, numpys in zip(strict_vectors, vectors, strict=True):
        np.testing.assert_array_equal(ours, numpys)


def test_figures_of_a_report_are_plain_numbers_on_every_backend() -> None:
    for backend in (strict_backend("single"), get_backend()):
        [report, *_], _ = whole_run(("tanh", "logistic"), plain_options(), backend)
        for name, value in report.figures.items():
            assert type(value) in (int, float) or name == "cg_stop", name


def plain_options() -> Any:
    return options_for("matching", "gauss_newton", "single", error_measure="squared")


def test_a_cg_step_brings_few_numbers_to_the_host() -> None:
    def visits(steps: int) -> int:
        before = StrictArray.visits
        options = options_for(
            "matching", "gauss_newton", "double", max_cg_steps=steps, min_cg_steps=steps, max_epochs=1
        )
        whole_run(("tanh", "logistic"), options, strict_backend("double"))
        return StrictArray.visits - before

    # pᵀAp, once for each of its bounds, whether rᵀy is 0, and φ: of the plain operations; fused ones need one transfer
    assert (visits(30) - visits(25)) / 5 == 4  # with as many iterates recorded in both


def test_the_stand_in_refuses_what_a_device_would_refuse() -> None:
    backend = strict_backend("single")
    device = backend.asarray([1.0, 2.0])
    for misuse in (
        lambda: np.asarray(device),
        lambda: np.exp(device),
        lambda: device + np.ones(2),
        lambda: list(device),
        lambda: float(device),
        lambda: backend.xp.einsum("i->", device),
    ):
        with pytest.raises((TypeError, AttributeError, ValueError)):
            misuse()
    assert isinstance(device.sum(), StrictArray)


# --- CuPy


@EVERY_NET
@EVERY_CURVATURE
@BOTH
@pytest.mark.gpu
def test_kernels_on_the_gpu_equal_those_on_the_cpu(
    units: tuple[str, ...], loss: str, curvature: str, precision: str
) -> None:
    options = options_for(loss, curvature, precision)
    ours = kernels(units, options, get_backend("cupy", precision))
    for name, value in kernels(units, options, get_backend("numpy", precision)).items():
        quantity = "grad" if name in ("full", "chunk") else name
        assert distance(ours[name], value) <= kernel_bound(quantity, precision), name


@pytest.mark.gpu
def test_a_run_on_the_gpu_takes_the_decisions_of_the_cpu() -> None:
    options = options_for("matching", "gauss_newton", "double")
    runs = [whole_run(("tanh", "logistic"), options, get_backend(name, "double")) for name in ("cupy", "numpy")]
    gpu, cpu = ([(r.cg_steps, r.reductions, r.lam) for r in reports] for reports, _ in runs)
    assert gpu == cpu


@EVERY_NET
@EVERY_CURVATURE
def test_kernels_are_compared_in_full_also_without_a_gpu(units: tuple[str, ...], loss: str, curvature: str) -> None:
    options = options_for(loss, curvature, "double")
    ours = kernels(units, options, strict_backend("double"))
    theirs = kernels(units, options, get_backend("numpy", "double"))
    assert ours.keys() == theirs.keys()
    assert all(distance(ours[name], theirs[name]) == 0 for name in theirs)
