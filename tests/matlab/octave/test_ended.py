"""Whoever ends this process, and however: no Octave and no temporary folder is left of its runs."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.octave import live
from tests.parity.engines.trainers import EPOCH_BEGINS, SMALL, edited, processes_about

pytestmark = live

RECORD = """
import sys
from hf_matlab_compat.parity.cases import builtin_case
from hf_matlab_compat.parity.engines import OctaveEngine
OctaveEngine(sys.argv[1]).record(builtin_case(sys.argv[2]), precision="single", mode="lockstep", epochs=2)
"""
CALL = """
from hf_matlab_compat.matlab.octave.session import run_octave
run_octave("evalin", ["base", "fclose(fopen('busy', 'w')); while true, disp('and on'), end"], 0)
"""
SESSION = """
from hf_matlab_compat.matlab.octave.session import OctaveSession
OctaveSession().run("fclose(fopen('busy', 'w')); while true, disp('and on'), end")
"""
ENDLESS = {
    "printing for ever": "while true, disp('and on'), end",
    "with a child": "system('sleep 97', false, 'async'); while true, pause(0.1), end",
}


def soon(holds: Callable[[], bool]) -> bool:
    for _ in range(150):
        if holds():
            return True
        time.sleep(0.1)
    return False


def is_computing(place: Path) -> bool:
    """Whether Octave has come to the trainer, or to the call."""
    return any(place.glob("*/job/*/run.txt")) or any(place.glob("*/busy"))


def started(code: str, place: Path, *arguments: str) -> subprocess.Popen[bytes]:
    place.mkdir()
    environment = {**os.environ, "TMPDIR": str(place), "PYTHONPATH": os.pathsep.join(sys.path)}
    return subprocess.Popen(
        [sys.executable, "-c", code, *arguments], env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )


def nothing_is_left(process: subprocess.Popen[bytes], place: Path, how: signal.Signals) -> None:
    try:
        assert soon(lambda: is_computing(place))
        process.send_signal(how)
        assert process.wait(30) != 0
        assert soon(lambda: not processes_about(place))
        assert soon(lambda: not list(place.iterdir()))
    finally:
        process.kill()
        process.wait()


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL, signal.SIGINT])
@pytest.mark.parametrize("endless", ENDLESS)
def test_a_trainer_does_not_outlive_the_run_that_started_it(how, endless, tmp_path):
    folder = edited(tmp_path / "theirs", (EPOCH_BEGINS, f"{EPOCH_BEGINS}    {ENDLESS[endless]}\n"))
    nothing_is_left(started(RECORD, tmp_path / "tmp", str(folder), SMALL), tmp_path / "tmp", how)


@pytest.mark.parametrize("code", [CALL, SESSION])
@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_a_call_does_not_outlive_its_caller(code, how, tmp_path):
    nothing_is_left(started(code, tmp_path / "tmp"), tmp_path / "tmp", how)
