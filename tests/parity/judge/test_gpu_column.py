"""The column of the GPU: said to be not run where there is none, never passed."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from hf_matlab_compat import subject
from hf_matlab_compat.backends import backend as backends
from hf_matlab_compat.backends import get_backend
from hf_matlab_compat.errors import OptionError
from hf_matlab_compat.parity import judge as judging
from hf_matlab_compat.parity.certificate import Verdict
from hf_matlab_compat.parity.judge import judge
from hf_matlab_compat.parity.run_parity import exit_code
from tests.parity.judge.golden_recordings import recorded


def no_device(name: str = "numpy", precision: str = "single", *more: Any) -> backends.Backend:
    if name == "cupy":
        raise OptionError("backend", expected="a CUDA device and CuPy", got="no CUDA device")
    return get_backend(name, precision, *more)


def numpy_called_cupy(name: str = "numpy", precision: str = "single", *more: Any) -> backends.Backend:
    return replace(get_backend("numpy", precision, *more), name=name)


@pytest.mark.parametrize("mode", ["kernels", "lockstep", "free"])
def test_without_a_device_every_line_says_so_and_none_agrees(mode: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(judging, "get_backend", no_device)
    certificate = judge([recorded("ae_logistic", mode)], backend="cupy")
    assert {(line.verdict, line.bound_source) for line in certificate.lines} == {(Verdict.NOT_RUN, "no CUDA device")}
    assert {line.backend for line in certificate.lines} == {"cupy"}
    assert exit_code(certificate) == 2


def test_without_a_device_there_are_as_many_lines_as_with_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(judging, "get_backend", no_device)
    missing = judge([recorded("ae_logistic")], backend="cupy")
    stages = [line.stage for line in judge([recorded("ae_logistic")]).lines if "model" not in line.detail]
    assert sorted(line.stage for line in missing.lines) == sorted(stages)


def test_the_column_of_a_device_is_judged_like_any_other(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (judging, subject):
        monkeypatch.setattr(module, "get_backend", numpy_called_cupy)
    certificate = judge([recorded("ae_logistic")], backend="cupy")
    assert certificate.verdict is Verdict.AGREES
    assert {line.backend for line in certificate.lines} == {"cupy"}
    assert certificate.provenance["TF32"] == "off"


def test_with_tf32_on_nothing_is_judged(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUPY_TF32", "1")
    certificate = judge([recorded("ae_logistic")], backend="cupy")
    assert {line.verdict for line in certificate.lines} == {Verdict.NOT_RUN}
    assert "TF32 is on" in certificate.lines[0].bound_source


@pytest.mark.gpu
@pytest.mark.parametrize("precision", ["double", "single"])
def test_a_real_device_agrees(precision: str) -> None:
    recordings: list[Any] = [recorded(name, "lockstep", precision) for name in ("ae_logistic", "class_softmax")]
    assert judge(recordings, backend="cupy").first_divergence is None
