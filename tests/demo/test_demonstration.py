"""The demo, run small: what it says, what it writes, and when it is content."""

from __future__ import annotations

import io
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from rich.console import Console

from hf_matlab_compat.demo import agreement, demonstration
from hf_matlab_compat.demo.demonstration import record_reference, run_demo
from hf_matlab_compat.errors import OptionError
from hf_matlab_compat.state import Outcome
from tests.demo.compared import two_epochs
from tests.demo.planted import WRONG_LAMBDA, WRONG_RHO
from tests.parity.judge.planting import Plant


def run(out: Path, epochs: int = 2, width: int = 80, recorded: bool = True) -> tuple[int, str]:
    file = io.StringIO()
    code = run_demo(out, epochs, recorded=recorded, console=Console(file=file, width=width))
    return code, file.getvalue()


def test_the_demo_is_content_and_writes_its_files(tmp_path) -> None:
    code, said = run(tmp_path / "new" / "out")
    assert code == 0
    names = {path.name for path in (tmp_path / "new" / "out").iterdir()}
    assert names == {
        "autoencoder.txt",
        "autoencoder_nnet_running.mat",
        "autoencoder_nnet_running.sidecar.npz",
        "reconstructions.png",
        "agreement.csv",
    }
    assert "171 of 171 compared figures agree; 57 not run: left out of the recording" in " ".join(said.split())
    assert said.count("agrees") == 8
    assert "differs" not in said


@pytest.mark.parametrize("width", [80, 120])
def test_no_line_of_the_comparison_is_cut_or_wider_than_the_terminal(tmp_path, width) -> None:
    said = run(tmp_path, width=width)[1]
    assert "…" not in said
    comparison = said[said.index("Agreement with") :].partition("All comparisons:")[0]
    assert max(map(len, comparison.splitlines())) <= width


@pytest.mark.parametrize(("planted", "stage"), [(WRONG_RHO, "rho"), (WRONG_LAMBDA, "lambda")])
def test_a_planted_mistake_makes_the_demo_differ(tmp_path, monkeypatch, planted: Plant, stage: str) -> None:
    monkeypatch.setattr(agreement, "read_shipped", lambda case: two_epochs())
    planted(monkeypatch)
    code, said = run(tmp_path)
    assert code == 1
    assert re.search(r"^gradient +2 +· +· ", said, re.MULTILINE)
    assert re.search(rf"^{stage} +· +· +2 ", said, re.MULTILINE)
    assert f"epoch 1, stage {stage}" in said
    assert "First divergence" in said


def test_sixty_epochs_beat_pca_clearly_on_digits_never_seen(tmp_path) -> None:
    _, said = run(tmp_path, epochs=60)
    ours, theirs = (float(re.search(rf"{name}.* (\S+)\n", said)[1]) for name in ("Hessian-free, 6", "PCA, 6"))
    assert theirs == pytest.approx(1.8977, abs=1e-4)
    assert ours < 0.6 * theirs


def test_the_recording_is_named_where_it_stands_in(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(agreement, "octave_available", lambda: "octave-cli is not on the PATH")
    code, said = run(tmp_path, recorded=False)
    assert code == 0
    assert "it was not run here (octave-cli is not on the PATH)" in " ".join(said.split())


@pytest.mark.octave
def test_where_octave_is_the_reference_is_run(tmp_path) -> None:
    code, said = run(tmp_path, recorded=False)
    assert code == 0
    assert "reference_matlab, run in Octave just now" in " ".join(said.split())


def test_without_matplotlib_the_demo_goes_on(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr("hf_matlab_compat.demo.picture.find_spec", lambda name: None)
    code, said = run(tmp_path)
    assert code == 0
    assert "pip install" in said
    assert not (tmp_path / "reconstructions.png").exists()


def test_a_folder_that_cannot_be_made_is_told_before_anything_runs(tmp_path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OptionError, match="out: expected a folder"):
        run(tmp_path / "file")


def test_an_interrupted_training_ends_the_demo(tmp_path, monkeypatch) -> None:
    stopped = type("Result", (), {"outcome": Outcome.INTERRUPTED})
    monkeypatch.setattr(demonstration, "train_autoencoder", lambda *arguments, **keywords: stopped)
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path)


@pytest.mark.parametrize(("at", "epochs"), [("epoch 3 of", "100000"), ("Agreement with", "2")])
def test_ctrl_c_ends_the_process_with_130_and_without_a_traceback(tmp_path, at: str, epochs: str) -> None:
    command = [sys.executable, "-m", "hf_matlab_compat", "demo", "--out", str(tmp_path), "--epochs", epochs]
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment) as demo:
        assert demo.stdout is not None
        while at not in demo.stdout.readline():
            assert demo.poll() is None
        demo.send_signal(signal.SIGINT)
        try:
            _, errors = demo.communicate(timeout=60)
        finally:
            demo.kill()
    assert demo.returncode == 130
    assert errors.strip() == "Stopped by Ctrl-C."


def test_what_was_recorded_anew_is_named(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(demonstration, "record", lambda arguments: tmp_path / "recording.npz")
    file = io.StringIO()
    assert record_reference(Console(file=file, width=200)) == 0
    assert f"Recorded: {tmp_path / 'recording.npz'}" in file.getvalue()
