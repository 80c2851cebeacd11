"""The demo, run small: what it says, what it writes, and when it is content."""

from __future__ import annotations

import io
import os
import re
import signal
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest
from rich.console import Console

from hf_matlab_compat.demo import agreement, demonstration
from hf_matlab_compat.demo.agreement import Comparison, compare_with_matlab
from hf_matlab_compat.demo.demonstration import record_reference, run_demo
from hf_matlab_compat.errors import OptionError, ParityError
from hf_matlab_compat.parity.recording import read_recording
from hf_matlab_compat.state import Outcome


def run(out: Path, epochs: int = 2, width: int = 80, recorded: bool = True) -> tuple[int, str]:
    file = io.StringIO()
    code = run_demo(out, epochs, recorded=recorded, console=Console(file=file, width=width))
    return code, file.getvalue()


def test_the_demo_is_content_and_writes_its_files(tmp_path) -> None:
    code, said = run(tmp_path / "new" / "out")
    assert code == 0
    names = {path.name for path in (tmp_path / "new" / "out").iterdir()}
    assert names == {"autoencoder.txt", "autoencoder_nnet_running.mat", "reconstructions.png", "agreement.csv"}
    assert "104 of 104 figures agree" in said
    assert said.count("agrees") == 8 + 13
    assert "differs" not in said


@pytest.mark.parametrize("width", [80, 120])
def test_no_line_of_the_demo_is_cut(tmp_path, width) -> None:
    assert "…" not in run(tmp_path, width=width)[1]


def test_a_planted_mistake_makes_the_demo_differ(tmp_path, monkeypatch) -> None:
    wrong = partial(compare_with_matlab, preconditioner_exponent=0.76)
    monkeypatch.setattr(demonstration, "compare_with_matlab", wrong)
    code, said = run(tmp_path)
    assert code == 1
    assert re.search(r"gradient .* agrees", said)
    assert re.search(r"last CG iterate .* differs", said)
    assert "epoch 1, last CG iterate: reference 0.4205" in said


def test_sixty_epochs_beat_pca_clearly_on_digits_never_seen(tmp_path) -> None:
    _, said = run(tmp_path, epochs=60)
    ours, theirs = (float(re.search(rf"{name}.* (\S+)\n", said)[1]) for name in ("Hessian-free, 6", "PCA, 6"))
    assert theirs == pytest.approx(1.8977, abs=1e-4)
    assert ours < 0.6 * theirs


def test_the_recording_is_named_where_it_stands_in(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(agreement, "reference_available", lambda: "octave-cli is not on the PATH")
    code, said = run(tmp_path, recorded=False)
    assert code == 0
    assert "it was not run here (octave-cli is not on the PATH)" in " ".join(said.split())


def test_an_octave_that_fails_is_named_and_the_recording_stands_in(tmp_path, monkeypatch) -> None:
    def fails(*arguments: object) -> None:
        raise ParityError("nnet_train_2: out of memory.")

    monkeypatch.setattr(agreement, "reference_available", lambda: None)
    monkeypatch.setattr(agreement, "reference_epochs", fails)
    said = " ".join(run(tmp_path, recorded=False)[1].split())
    assert "it was not run here (nnet_train_2: out of memory)" in said


@pytest.mark.octave
def test_where_octave_is_the_reference_is_run(tmp_path) -> None:
    code, said = run(tmp_path, recorded=False)
    assert code == 0
    assert "reference_matlab, run in Octave just now" in " ".join(said.split())


def test_nothing_compared_is_no_agreement() -> None:
    assert not Comparison("nothing", []).agrees


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


def test_ctrl_c_ends_the_process_with_130_and_without_a_traceback(tmp_path) -> None:
    command = [sys.executable, "-m", "hf_matlab_compat", "demo", "--out", str(tmp_path), "--epochs", "100000"]
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment) as demo:
        assert demo.stdout is not None
        while "epoch 3 of" not in demo.stdout.readline():
            assert demo.poll() is None
        demo.send_signal(signal.SIGINT)
        try:
            _, errors = demo.communicate(timeout=60)
        finally:
            demo.kill()
    assert demo.returncode == 130
    assert errors.strip() == "Stopped by Ctrl-C."


@pytest.mark.octave
def test_the_recording_can_be_made_anew(tmp_path, monkeypatch) -> None:
    path = tmp_path / "recording.mat"
    monkeypatch.setattr(agreement, "EPOCHS", 1)
    monkeypatch.setattr(demonstration, "record", partial(agreement.record, members=1, path=path))
    assert record_reference(Console(file=io.StringIO())) == 0
    arguments = demonstration.autoencoder_arguments(*demonstration.shuffled_digits(1440, 357))
    again, shipped = (read_recording(place, arguments) for place in (path, agreement.RECORDING))
    assert len(again.epochs) == 1
    assert again.epochs[0].figures["rho"] == pytest.approx(shipped.epochs[0].figures["rho"], rel=1e-12)
    assert set(again.spread) == set(shipped.spread)
