"""Whatever goes wrong is one line, and leaves no process, no folder and no file."""

from __future__ import annotations

import errno
import re
import tempfile
import time
from pathlib import Path

import pytest

from hf_matlab_compat.errors import ParityError
from hf_matlab_compat.matlab.octave import process
from hf_matlab_compat.parity.cases import builtin_case
from hf_matlab_compat.parity.engines import OctaveEngine, job
from tests.octave import live
from tests.parity.engines.trainers import EPOCH_BEGINS, SMALL, STEP, contents, edited, in_epoch, processes_about

pytestmark = live

BROKEN: dict[str, tuple[tuple[str, str], str]] = {
    "syntax error": (("drop = 2/3;", "drop = = 2/3;"), r"parse error near line 12 of file .*theirs/nnet_train_2\.m"),
    "error in epoch 3": (in_epoch(3, "error('out of luck')"), r"epoch 3: out of luck \(in nnet_train_2, line \d+\)"),
    "unknown function": (in_epoch(2, "conjgrad_7(1)"), "epoch 2: 'conjgrad_7' undefined"),
    "NaN": (
        (STEP, STEP + "    paramsp(1) = 0/0;\n"),
        "epoch 1, single precision: the reference's parameters are not finite",
    ),
    "NaN likelihood": (("    llrecord(epoch, 1) = ll;", "    llrecord(epoch, 1) = NaN;"), "log-likelihood is NaN"),
    "killed": (in_epoch(2, "kill(getpid(), 9)"), "killed by signal 9 in the middle"),
    "exit": (in_epoch(2, "exit(3)"), "ended with exit code 3 in the middle"),
    "no CG": (
        ("[chs, iterses] = conjgrad_1(", "[chs, iterses] = feval(@(A, b, varargin) deal({b}, 1), "),
        "did not call",
    ),
    "no checkpoint": (("'_nnet_running.mat'", "'_other.mat'"), "did not write <runName>_nnet_running.mat"),
}
ENDLESS = {
    "hanging": "while true, pause(0.1), end",
    "hanging with a child": "system('sleep 97', false, 'async'); while true, pause(0.1), end",
    "printing for ever": "while true, disp('and on'), end",
    "asking": "input('go on?')",
}


@pytest.fixture
def place(monkeypatch, tmp_path) -> Path:
    """Where temporary folders are made, in this test."""
    (tmp_path / "tmp").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "tmp"))
    return tmp_path / "tmp"


def failing(folder: Path | None, place: Path, *, mode: str = "free", timeout: float = 60.0) -> str:
    """What a run on a small case says when it fails; nothing must be left of it."""
    before = contents(folder) if folder else {}
    try:
        engine = OctaveEngine(folder, timeout=timeout)
        recording = engine.record(builtin_case(SMALL), precision="single", mode=mode, epochs=3)
    except ParityError as error:
        said = str(error)
    else:
        assert recording.stop is not None, "nothing failed"
        assert [record.epoch for record in recording.epochs] == list(range(1, recording.stop.epoch))
        said = f"{SMALL}: {recording.stop.reason}"
    assert list(place.iterdir()) == []
    assert processes_about(place) == []
    assert (contents(folder) if folder else {}) == before
    assert "\n" not in said
    return said


@pytest.mark.parametrize("fault", BROKEN)
@pytest.mark.parametrize("mode", ["free", "lockstep"])
def test_a_broken_reference_is_told_in_one_line(fault, mode, place, tmp_path):
    change, message = BROKEN[fault]
    said = failing(edited(tmp_path / "theirs", change), place, mode=mode)
    assert said.startswith(f"{SMALL}: ")
    assert re.search(message, said), said


@pytest.mark.parametrize("fault", ENDLESS)
def test_an_endless_reference_is_stopped_at_the_limit(fault, place, tmp_path):
    folder = edited(tmp_path / "theirs", (EPOCH_BEGINS, f"{EPOCH_BEGINS}    {ENDLESS[fault]}\n"))
    started = time.monotonic()
    said = failing(folder, place, timeout=1.5)
    assert "was stopped after 1.5 seconds" in said or fault == "asking"
    assert time.monotonic() - started < 10


def test_a_log_that_grows_for_ever_is_stopped_before_the_disk_is_full(monkeypatch, place, tmp_path):
    monkeypatch.setattr(process, "LARGEST_FILE", 1 << 20)
    folder = edited(tmp_path / "theirs", (EPOCH_BEGINS, f"{EPOCH_BEGINS}    while true, say('and on'), end\n"))
    assert "it wrote a file of 1048576 bytes or more" in failing(folder, place)


def test_temporary_files_of_the_trainer_go_with_ours(place, tmp_path):
    said = failing(edited(tmp_path / "theirs", in_epoch(1, "error(tempname())")), place)
    assert str(place) in said


def test_a_missing_octave_is_named(monkeypatch, place):
    monkeypatch.setattr(process, "EXECUTABLE", "no-octave-here")
    sentence = "no-octave-here is not on the PATH. Install GNU Octave 6 or newer, or check against the recorded numbers"
    assert f"{sentence}: --engine recorded." in failing(None, place)


def test_a_missing_temporary_folder_is_named(monkeypatch, place):
    monkeypatch.setattr(tempfile, "tempdir", str(place / "none"))
    said = failing(None, place)
    assert said.startswith("temporary files: No such file or directory")
    assert "set TMPDIR" in said


def test_a_full_temporary_folder_is_named(monkeypatch, place):
    def full(*_args, **_kwargs):
        raise OSError(errno.ENOSPC, "No space left on device", str(place))

    monkeypatch.setattr(job, "write_mat", full)
    assert "temporary files: No space left on device" in failing(None, place)


def test_results_that_were_cut_off_are_refused(monkeypatch, place):
    def cut_off(job, *_args, **_kwargs):
        (job / "results").mkdir()
        (job / "results" / "epoch_0001.mat").write_bytes(b"MATLAB 5.0 MAT-file" + bytes(150))

    monkeypatch.setattr("hf_matlab_compat.parity.engines.octave_engine.run_octave_driver", cut_off)
    assert "epoch_0001.mat: cannot be read" in failing(None, place)


def test_an_interrupted_run_is_killed(monkeypatch, place, tmp_path):
    folder = edited(tmp_path / "theirs", (EPOCH_BEGINS, f"{EPOCH_BEGINS}    pause(30);\n"))

    def interrupt(_seconds):
        raise KeyboardInterrupt

    monkeypatch.setattr(process.time, "sleep", interrupt)
    with pytest.raises(KeyboardInterrupt):
        OctaveEngine(folder).record(builtin_case(SMALL), precision="single", mode="free")
    assert list(place.iterdir()) == []
    assert processes_about(place) == []
