"""A screen that fails costs nothing but itself."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest

from hf_matlab_compat import train
from hf_matlab_compat.errors import DisplayWarning
from hf_matlab_compat.matlab.files.checkpoint import read_checkpoint
from hf_matlab_compat.observers import screen
from hf_matlab_compat.observers.dispensable import Dispensable
from hf_matlab_compat.observers.observer import Observer, Run
from hf_matlab_compat.state import Outcome, Report, State
from tests.observers.sample_run import RUN, lead
from tests.small_run import field_arguments

ROOT = Path(__file__).parents[2]


class Breaking(Observer):
    """A display that cannot be written to from one event on."""

    def __init__(self, at: str) -> None:
        self.at, self.told = at, []

    def _tell(self, event: str) -> None:
        self.told.append(event)
        if self.at in self.told:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def begin(self, run: Run, state: State) -> None:
        self._tell("begin")

    def progress(self, stage: str, step: int, of: int) -> None:
        self._tell("progress")

    def epoch(self, report: Report, state: State) -> None:
        self._tell("epoch")

    def end(self, outcome: Outcome, state: State) -> None:
        self._tell("end")

    def close(self) -> None:
        self._tell("close")


EVENTS = ["begin", "progress", "epoch", "progress", "epoch", "end", "close"]


def test_every_event_goes_to_the_display() -> None:
    display = Breaking("never")
    lead(Dispensable(display), RUN)
    assert display.told == EVENTS


@pytest.mark.parametrize("at", ["begin", "progress", "epoch", "end", "close"])
def test_a_display_that_fails_is_closed_and_told_nothing_more(at: str) -> None:
    display = Breaking(at)
    with pytest.warns(DisplayWarning, match=r"cannot be written \(No space left on device\)") as warned:
        lead(Dispensable(display), RUN)
    assert display.told == [*EVENTS[: EVENTS.index(at) + 1], "close"]
    assert len(warned) == 1


def test_a_display_may_fail_otherwise_as_anything_may() -> None:
    class Wrong(Observer):
        def epoch(self, report: Report, state: State) -> None:
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        lead(Dispensable(Wrong()), RUN)


def test_a_run_whose_screen_fails_is_trained_and_written_to_its_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = []

    def fail(self: screen.Screen, report: Report, state: State) -> None:
        seen.append(read_checkpoint(tmp_path / "run_nnet_running.mat").epoch)
        raise BrokenPipeError(errno.EPIPE, "Broken pipe")

    monkeypatch.setattr(screen.Screen, "epoch", fail)
    with pytest.warns(DisplayWarning, match="Broken pipe"):
        result = train(**field_arguments(run_name=tmp_path / "run", display="legacy", max_epochs=3))
    assert seen == [1]  # the epoch was on the disk before the screen heard of it
    np.testing.assert_array_equal(result.theta, train(**field_arguments(max_epochs=3)).theta)
    assert read_checkpoint(tmp_path / "run_nnet_running.mat").epoch == 3


IN_A_PIPE = """
import sys
import numpy as np
from hf_matlab_compat import nnet_train
from tests.small_run import legacy_arguments
final = nnet_train(**legacy_arguments(runName=f"{sys.argv[1]}/run", maxepoch=30), display=sys.argv[2])
np.save(f"{sys.argv[1]}/final.npy", final)
"""


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such pipes")
@pytest.mark.parametrize("display", ["legacy", "rich"])
def test_a_pipe_that_is_closed_after_a_line_does_not_end_the_run(display: str, tmp_path: Path) -> None:
    command = [sys.executable, "-c", IN_A_PIPE, str(tmp_path), display]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout
    assert process.stderr
    process.stdout.readline()
    process.stdout.close()
    process.wait(timeout=60)
    said = process.stderr.read()
    process.stderr.close()
    assert (tmp_path / "final.npy").exists(), said
    assert read_checkpoint(tmp_path / "run_nnet_running.mat").epoch == 30
    assert "DisplayWarning: The screen cannot be written (Broken pipe)" in said
    assert "Traceback" not in said


def test_warnings_of_a_lost_screen_may_be_errors_like_any_other() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(DisplayWarning):
            lead(Dispensable(Breaking("epoch")), RUN)
