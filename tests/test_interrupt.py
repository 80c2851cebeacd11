"""Ctrl-C during training: with real signals, to this process and to others."""

from __future__ import annotations

import math
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hf_matlab_compat import nnet_train, train
from hf_matlab_compat.backends import blas_threads
from hf_matlab_compat.errors import Terminated
from hf_matlab_compat.matlab.files.checkpoint import read_checkpoint
from hf_matlab_compat.matlab.logs.parser import read_log
from hf_matlab_compat.observers import interrupt
from hf_matlab_compat.observers.interrupt import InterruptGuard
from hf_matlab_compat.observers.observer import Observer
from hf_matlab_compat.result import Result
from hf_matlab_compat.state import Outcome, Report, State
from tests.small_run import field_arguments, legacy_arguments

ROOT = Path(__file__).parent.parent
WITHOUT_SIGNALS = pytest.mark.skipif(os.name == "nt", reason="os.kill cannot send Ctrl-C to a Windows process")


@pytest.fixture(autouse=True)
def python_handler(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(interrupt._Presses, "last", -math.inf)  # the test before this one pressed Ctrl-C a moment ago
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)
    plain = {signal.SIGINT: signal.default_int_handler, signal.SIGTERM: signal.SIG_DFL, signal.SIGHUP: signal.SIG_DFL}
    before = {number: signal.signal(number, handler) for number, handler in plain.items()}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@dataclass
class CtrlC(Observer):
    """Presses Ctrl-C, or sends another signal, at an event of an epoch."""

    event: str
    at: int
    times: int = 1
    number: int = signal.SIGINT
    _epoch: int = 1

    def begin(self, run: object, state: State) -> None:
        self._press("begin")

    def progress(self, stage: str, step: int, of: int) -> None:
        self._press(stage)

    def epoch(self, report: Report, state: State) -> None:
        self._press("epoch")
        self._epoch += 1

    def end(self, outcome: Outcome, state: State) -> None:
        self._press("end")

    def _press(self, event: str) -> None:
        if event == self.event and self._epoch == self.at:
            for _ in range(self.times):
                signal.raise_signal(self.number)


def interrupted(tmp_path: Path, event: str, at: int, times: int = 1) -> Result:
    return train(**field_arguments(run_name=tmp_path / "run", max_epochs=4, observers=[CtrlC(event, at, times)]))


def uninterrupted(epochs: int) -> Result:
    return train(**field_arguments(max_epochs=epochs))


@pytest.mark.parametrize("stage", ["gradient", "cg", "backtracking", "line search"])
def test_ctrl_c_inside_an_epoch_drops_it(stage: str, tmp_path: Path) -> None:
    result = interrupted(tmp_path, stage, at=3)
    assert result.outcome is Outcome.INTERRUPTED
    assert result.state.epoch == 2
    np.testing.assert_array_equal(result.theta, uninterrupted(2).theta)
    np.testing.assert_array_equal(result.history["epoch"], [1, 2])
    saved = read_checkpoint(tmp_path / "run_nnet_running.mat")
    np.testing.assert_array_equal(saved.theta, result.theta)
    (logged,) = read_log(tmp_path / "run.txt")
    np.testing.assert_array_equal(logged.epochs["epoch"], [1, 2])
    assert logged.total_time is None


def test_ctrl_c_while_an_epoch_is_written_lets_it_be_written_and_stops(tmp_path: Path) -> None:
    result = interrupted(tmp_path, "epoch", at=2)
    assert (result.outcome, result.state.epoch) == (Outcome.INTERRUPTED, 2)
    assert read_checkpoint(tmp_path / "run_nnet_running.mat").epoch == 2


def test_ctrl_c_while_the_last_epoch_is_written_changes_nothing(tmp_path: Path) -> None:
    result = interrupted(tmp_path, "epoch", at=4)
    assert (result.outcome, result.state.epoch) == (Outcome.FINISHED, 4)
    assert read_log(tmp_path / "run.txt")[0].total_time is not None


def test_ctrl_c_at_the_very_end_of_an_epoch_drops_it_from_memory_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain, entered = InterruptGuard.abandonable, []

    @contextmanager
    def late(self: InterruptGuard) -> Iterator[None]:
        with plain(self):
            yield
            entered.append(1)
            if len(entered) == 3:
                signal.raise_signal(signal.SIGINT)  # the epoch is computed, and the block not yet left

    monkeypatch.setattr(InterruptGuard, "abandonable", late)
    result = train(**field_arguments(run_name=tmp_path / "run", max_epochs=4))
    assert (result.outcome, result.state.epoch) == (Outcome.INTERRUPTED, 2)
    assert result.history["epoch"].tolist() == [1, 2]
    np.testing.assert_array_equal(read_checkpoint(tmp_path / "run_nnet_running.mat").theta, result.theta)


def test_ctrl_c_before_the_first_epoch_returns_the_initial_parameters(tmp_path: Path) -> None:
    result = interrupted(tmp_path, "begin", at=1)
    assert (result.outcome, result.state.epoch) == (Outcome.INTERRUPTED, 0)
    np.testing.assert_array_equal(result.theta, uninterrupted(0).theta)
    assert [path.name for path in tmp_path.iterdir()] == ["run.txt"]


def test_ctrl_c_when_all_is_over_changes_nothing(tmp_path: Path) -> None:
    assert interrupted(tmp_path, "end", at=5).outcome is Outcome.FINISHED


@pytest.mark.parametrize(("event", "at"), [("epoch", 2), ("begin", 1), ("end", 5)])
def test_a_second_ctrl_c_raises(event: str, at: int, tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        interrupted(tmp_path, event, at, times=2)


def test_an_interrupted_run_can_be_gone_on_with(tmp_path: Path) -> None:
    first = interrupted(tmp_path, "cg", at=3)
    on = train(**field_arguments(max_epochs=4, resume_from=first.state))
    np.testing.assert_array_equal(on.theta, uninterrupted(4).theta)


def test_ctrl_c_is_python_s_own_again_after_a_run(tmp_path: Path) -> None:
    interrupted(tmp_path, "cg", at=1)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


# --- SIGTERM and SIGHUP, which clusters send

ENDINGS = {signal.SIGTERM: (Outcome.TERMINATED, 143), signal.SIGHUP: (Outcome.HUNG_UP, 129)}


def ended(tmp_path: Path, event: str, at: int, number: int, times: int = 1) -> Terminated:
    """What a run that is sent a signal raises; the test is over where nothing is raised."""
    watch = CtrlC(event, at, times, number)
    with pytest.raises(Terminated) as caught:
        train(**field_arguments(run_name=tmp_path / "run", max_epochs=4, observers=[watch]))
    return caught.value


@pytest.mark.parametrize("number", ENDINGS)
@pytest.mark.parametrize(("stage", "at"), [("gradient", 3), ("cg", 3), ("line search", 3), ("epoch", 2)])
def test_a_signal_of_a_cluster_keeps_the_last_epoch(stage: str, at: int, number: int, tmp_path: Path) -> None:
    error = ended(tmp_path, stage, at, number)
    outcome, code = ENDINGS[number]
    assert (error.code, error.result.outcome, error.result.state.epoch) == (code, outcome, 2)
    np.testing.assert_array_equal(error.result.theta, uninterrupted(2).theta)
    np.testing.assert_array_equal(read_checkpoint(tmp_path / "run_nnet_running.mat").theta, error.result.theta)
    (logged,) = read_log(tmp_path / "run.txt")
    assert (list(logged.epochs["epoch"]), logged.total_time) == ([1, 2], None)
    last = (tmp_path / "run.txt").read_bytes().decode().splitlines()[-2]
    assert last == f"{outcome.value[0].upper()}{outcome.value[1:]}. The parameters returned are those of epoch 2."
    assert signal.getsignal(number) is signal.SIG_DFL


@pytest.mark.parametrize("number", ENDINGS)
def test_a_signal_while_the_last_epoch_is_written_still_ends_the_program(number: int, tmp_path: Path) -> None:
    error = ended(tmp_path, "epoch", 4, number)
    assert (error.code, error.result.outcome) == (ENDINGS[number][1], Outcome.FINISHED)
    assert read_checkpoint(tmp_path / "run_nnet_running.mat").epoch == 4


def test_a_second_signal_ends_at_once(tmp_path: Path) -> None:
    with pytest.raises(SystemExit) as caught:
        train(**field_arguments(observers=[CtrlC("epoch", 1, 2, signal.SIGTERM)]))
    assert (type(caught.value), caught.value.code) == (SystemExit, 143)


def test_a_signal_that_the_program_ignores_or_handles_is_left_to_it(tmp_path: Path) -> None:
    came: list[int] = []
    signal.signal(signal.SIGHUP, signal.SIG_IGN)  # as under nohup
    signal.signal(signal.SIGTERM, lambda number, frame: came.append(number))
    for number in ENDINGS:
        result = train(**field_arguments(max_epochs=4, observers=[CtrlC("cg", 2, 1, number)]))
        assert (result.outcome, result.state.epoch) == (Outcome.FINISHED, 4)
    assert set(came) == {signal.SIGTERM}


def test_a_loop_of_runs_sees_a_ctrl_c_that_came_too_late_to_break_anything_off(monkeypatch: pytest.MonkeyPatch) -> None:
    late = train(**field_arguments(observers=[CtrlC("epoch", 2)]))
    assert (late.outcome, late.interrupted) == (Outcome.FINISHED, True)
    monkeypatch.setattr(interrupt._Presses, "last", -math.inf)
    assert train(**field_arguments(max_epochs=4, observers=[CtrlC("cg", 2)])).interrupted
    assert not train(**field_arguments()).interrupted


def test_the_loop_of_the_documentation_stops_at_ctrl_c(monkeypatch: pytest.MonkeyPatch) -> None:
    text = (ROOT / "docs" / "runs.md").read_text(encoding="utf-8")
    loop = text.split("```python\nfor weightcost")[1].split("```")[0]
    calls: list[float] = []

    def pressed_in_the_second(**given: Any) -> Any:
        calls.append(given["weightcost"])
        watch = [CtrlC("cg", 2)] if len(calls) == 2 else []
        return train(**field_arguments(weight_decay=given["weightcost"], observers=watch))

    exec("for weightcost" + loop, {"nnet_train": pressed_in_the_second, "case": {}})
    assert calls == [2e-5, 1e-4]


LOOP = """
import signal, sys
from hf_matlab_compat import nnet_train, train
from hf_matlab_compat.observers import interrupt
from hf_matlab_compat.observers.observer import Observer
from tests.small_run import field_arguments

class Press(Observer):
    def progress(self, stage, step, of):
        if stage == "cg":
            signal.raise_signal(signal.SIGINT)

gap, presses, where = float(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
clock = [0.0]
interrupt.time.monotonic = lambda: clock[0]
for run in range(3):
    print("run", run, flush=True)
    if run == 1 and where == "between":
        signal.raise_signal(signal.SIGINT)
    pressed = where == "within" and run < presses or run == 0
    result = train(**field_arguments(max_epochs=2, observers=[Press()] if pressed else []))
    print(result.outcome.name, flush=True)
    clock[0] += gap
"""


@WITHOUT_SIGNALS
@pytest.mark.parametrize(
    ("gap", "presses", "where", "ended"),
    [
        (9.0, 1, "within", ["INTERRUPTED", "FINISHED", "FINISHED"]),
        (9.0, 2, "within", ["INTERRUPTED", "INTERRUPTED", "FINISHED"]),
        (1.0, 2, "within", ["INTERRUPTED"]),
        (1.0, 2, "between", ["INTERRUPTED"]),
    ],
)
def test_one_ctrl_c_ends_a_run_of_a_loop_and_two_at_once_leave_it(
    gap: float, presses: int, where: str, ended: list[str]
) -> None:
    command = [sys.executable, "-c", LOOP, str(gap), str(presses), where]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)
    lines = done.stdout.split("\n")
    assert [line for line in lines if line.isupper()] == ended
    told = done.stderr.splitlines()
    if len(ended) == 3:
        assert (done.returncode, told) == (0, [interrupt.HOW_TO_LEAVE] * presses)
    else:
        assert done.returncode != 0
        assert told == [interrupt.HOW_TO_LEAVE, "Stopped by Ctrl-C."]


def test_the_result_of_a_run_that_ended_with_its_loop_is_kept() -> None:
    assert train(**field_arguments(max_epochs=4, observers=[CtrlC("cg", 2)])).interrupted
    with pytest.raises(KeyboardInterrupt) as caught:
        train(**field_arguments(max_epochs=4, observers=[CtrlC("cg", 3)]))
    result = caught.value.result  # type: ignore[attr-defined]
    assert (result.outcome, result.state.epoch) == (Outcome.INTERRUPTED, 2)


def test_other_errors_are_shown_as_before(monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[str] = []
    monkeypatch.setattr(sys, "excepthook", lambda kind, error, trace: shown.append(kind.__name__))
    for _ in range(2):
        monkeypatch.setattr(interrupt._Presses, "last", -math.inf)
        train(**field_arguments(observers=[CtrlC("cg", 1)]))
    sys.excepthook(ValueError, ValueError(), None)
    assert shown == ["ValueError"]


SLOW_THIRD_EPOCH = """
import sys, time
import numpy as np
from hf_matlab_compat import nnet_train_2
from hf_matlab_compat.observers.screen import Screen
from hf_matlab_compat.registry import RULES
from hf_matlab_compat.solvers.line_search import Armijo
from tests.small_run import legacy_arguments

calls = []

class SlowSearch(Armijo):
    def search(self, *arguments):
        calls.append(1)
        if len(calls) == 3:
            print("in the third epoch", flush=True)
            time.sleep(60)
        return super().search(*arguments)

def slow_end(self, outcome, state):
    print("ending", flush=True)
    time.sleep(60)

RULES["line_search"]["armijo"] = lambda options, backend: SlowSearch()
if sys.argv[2] == "slow end":
    Screen.end = slow_end
np.save(f"{sys.argv[1]}/final.npy", nnet_train_2(**legacy_arguments(runName=f"{sys.argv[1]}/run", maxepoch=5)))
print("the call returned", flush=True)
"""


def child(directory: Path, mode: str) -> subprocess.Popen[str]:
    """A process that trains, and is now in its third epoch."""
    process = subprocess.Popen(
        [sys.executable, "-c", SLOW_THIRD_EPOCH, str(directory), mode],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    wait_for(process, "in the third epoch\n")
    return process


def wait_for(process: subprocess.Popen[str], line: str) -> None:
    assert process.stdout
    assert line in process.stdout  # reads up to it


@WITHOUT_SIGNALS
def test_ctrl_c_from_the_keyboard_ends_the_call_with_the_last_finished_epoch(tmp_path: Path) -> None:
    process = child(tmp_path, "")
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=30)
    assert process.returncode == 0, err
    assert err == f"Training on 12 cases of 6 numbers.\n{interrupt.HOW_TO_LEAVE}\n"
    assert out.endswith(
        "Interrupted by Ctrl-C; the unfinished epoch was dropped. The parameters returned are those of epoch 2.\n"
        "the call returned\n"
    )
    expected = nnet_train(**legacy_arguments(maxepoch=2))
    np.testing.assert_array_equal(np.load(tmp_path / "final.npy"), expected)
    np.testing.assert_array_equal(read_checkpoint(tmp_path / "run_nnet_running.mat").theta, expected.ravel())
    log = (tmp_path / "run.txt").read_bytes()
    assert log.count(b"maxiters = ") == log.count(b"Error rate difference") == 2
    assert log.endswith(b"\r\n\r\n")


@WITHOUT_SIGNALS
@pytest.mark.parametrize("number", ENDINGS)
def test_a_signal_to_a_program_of_the_old_call_ends_it_in_order(number: int, tmp_path: Path) -> None:
    process = child(tmp_path, "")
    process.send_signal(number)
    out, err = process.communicate(timeout=30)
    assert process.returncode == ENDINGS[number][1], err
    assert "Traceback" not in err
    assert out.endswith("the unfinished epoch was dropped. The parameters returned are those of epoch 2.\n")
    expected = nnet_train(**legacy_arguments(maxepoch=2))
    np.testing.assert_array_equal(read_checkpoint(tmp_path / "run_nnet_running.mat").theta, expected.ravel())
    assert (tmp_path / "run.txt").read_bytes().endswith(b"The parameters returned are those of epoch 2.\r\n\r\n")


@WITHOUT_SIGNALS
def test_a_second_ctrl_c_from_the_keyboard_ends_the_program_without_a_traceback(tmp_path: Path) -> None:
    process = child(tmp_path, "slow end")
    process.send_signal(signal.SIGINT)
    wait_for(process, "ending\n")
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=30)
    assert process.returncode != 0
    assert "the call returned" not in out
    assert err == "Training on 12 cases of 6 numbers.\nStopped by Ctrl-C.\n"
    assert read_checkpoint(tmp_path / "run_nnet_running.mat").epoch == 2


@WITHOUT_SIGNALS
@pytest.mark.parametrize("call", ["hold_one", "let_go"])
def test_ctrl_c_while_blas_is_being_held_or_let_go_leaves_no_hold(call: str, monkeypatch: pytest.MonkeyPatch) -> None:
    real, presses = getattr(blas_threads, call), iter([True])

    def pressed(*arguments: object) -> None:
        if call == "hold_one":
            real(*arguments)
        if next(presses, False):
            os.kill(os.getpid(), signal.SIGINT)
        if call == "let_go":
            real(*arguments)

    errors = np.geterr()
    monkeypatch.setattr(blas_threads, call, pressed)
    result = train(**field_arguments())
    assert result.outcome is Outcome.INTERRUPTED
    assert blas_threads._asking == 0
    assert np.geterr() == errors
