"""assert_parity and the fixture, as they are used in other people's suites."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hf_matlab_compat.parity import judge as judging
from hf_matlab_compat.parity import testing
from hf_matlab_compat.parity.certificate import Certificate, Verdict
from hf_matlab_compat.parity.testing import assert_parity
from tests.parity.judge.test_gpu_column import no_device
from tests.parity.judge.test_run_parity import WrongEngine

parity = testing.parity  # what `pytest_plugins = ["hf_matlab_compat.parity.testing"]` brings

SHORT: dict[str, Any] = {"case": "k_softmax_rms0_gn_hy1_lam1", "epochs": 1}


def test_agreement_passes_and_returns_the_certificate() -> None:
    assert assert_parity(engine="recorded", **SHORT).verdict is Verdict.AGREES


def test_a_difference_fails_with_its_screen() -> None:
    with pytest.raises(AssertionError, match=r"First divergence\n(.|\n)*stage lambda"):
        assert_parity(engine=WrongEngine(), **SHORT)


def test_the_fixture_keeps_a_divergence_in_the_folder_of_the_test(
    parity: Callable[..., Certificate], tmp_path: Path
) -> None:
    with pytest.raises(AssertionError, match=r"first_divergence\.npz"):
        parity(engine=WrongEngine(), **SHORT)
    assert (tmp_path / "first_divergence.npz").exists()


def test_without_octave_the_test_is_skipped_with_the_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(testing, "octave_available", lambda: "no octave-cli")
    with pytest.raises(pytest.skip.Exception, match="parity needs Octave: no octave-cli"):
        assert_parity(**SHORT)


def test_where_nothing_was_compared_the_test_is_skipped_and_not_passed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(judging, "get_backend", no_device)
    with pytest.raises(pytest.skip.Exception, match="no CUDA device"):
        assert_parity(engine="recorded", backend="cupy", **SHORT)


@pytest.mark.octave
def test_a_live_reference_agrees_over_consecutive_epochs() -> None:
    certificate = assert_parity(case="k_softmax_rms0_gn_hy1_lam1", epochs=2, envelope=False)
    compared = {line.stage for line in certificate.lines if line.verdict is not Verdict.NOT_RUN}
    assert compared >= {"forward", "cg_iterates", "params", "log", "checkpoint"}


FAILING = """
from hf_matlab_compat.parity.testing import assert_parity, parity
from tests.parity.judge.test_run_parity import WrongEngine

def test_ours(parity):
    parity(engine=WrongEngine(), case="k_softmax_rms0_gn_hy1_lam1", epochs=1)

def test_theirs():
    assert_parity(engine=WrongEngine(), case="k_softmax_rms0_gn_hy1_lam1", epochs=1)
"""


def test_a_failure_shows_the_call_and_the_screen_and_nothing_of_this_package(tmp_path: Path) -> None:
    (tmp_path / "test_parity.py").write_text(FAILING, encoding="utf-8")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-c", os.devnull, str(tmp_path)]
    path = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[3]), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    done = subprocess.run(command, cwd=tmp_path, env=path, capture_output=True, text=True, timeout=120, check=False)
    assert "2 failed" in done.stdout
    assert done.stdout.count("First divergence") >= 2
    assert "def assert_parity" not in done.stdout
    assert "raise AssertionError" not in done.stdout
    assert "Warning" not in done.stdout + done.stderr
