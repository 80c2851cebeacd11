"""Two runs under one name, in one process, in two, and after one that was killed."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from hf_matlab_compat import train
from hf_matlab_compat.errors import OptionError
from hf_matlab_compat.matlab.files.checkpoint import read_checkpoint
from hf_matlab_compat.observers.observer import Observer
from hf_matlab_compat.preflight.run_lock import run_lock
from hf_matlab_compat.state import Outcome, Report, State
from tests.small_run import field_arguments

pytestmark = pytest.mark.skipif(os.name == "nt", reason="there are no such locks on Windows")
ROOT = Path(__file__).parents[2]
WAITS = """
import sys, time
from hf_matlab_compat import train
from hf_matlab_compat.observers.observer import Observer
from tests.small_run import field_arguments

class Waits(Observer):
    def epoch(self, report, state):
        print("waiting", flush=True)
        time.sleep(60)

train(**field_arguments(run_name=sys.argv[1], max_epochs=9, observers=[Waits()]))
"""


@pytest.fixture
def other(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process, in the middle of a run under the name `run`."""
    command = [sys.executable, "-c", WAITS, str(tmp_path / "run")]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        assert process.stdout.readline() == "waiting\n"
        yield process
        process.kill()


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_a_run_of_another_process_is_named_and_nothing_is_touched(
    other: subprocess.Popen[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = contents(tmp_path)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "same").symlink_to(tmp_path)
    for name in (tmp_path / "run", "run", "same/run"):
        with pytest.raises(OptionError) as caught:
            train(**field_arguments(run_name=name))
        assert f"process {other.pid} on {os.uname().nodename} (since 2" in str(caught.value)
        assert str(caught.value).startswith("run_name: expected a name of no other run, got ")
    (tmp_path / "same").unlink()
    assert contents(tmp_path) == before
    assert train(**field_arguments(run_name=tmp_path / "run2")).outcome is Outcome.FINISHED


def test_the_lock_of_a_killed_run_is_taken_over_and_its_leftovers_go(
    other: subprocess.Popen[str], tmp_path: Path
) -> None:
    other.send_signal(signal.SIGKILL)
    other.wait()
    assert (tmp_path / "run.lock").exists()
    for leftover in ("run_nnet_running.mat.0123abcd.partial", "run_nnet_epoch10.sidecar.npz.partial"):
        (tmp_path / leftover).write_bytes(b"half")
    kept = {"run_nnet_x_nnet_running.mat.0123abcd.partial", "runner_nnet_running.mat.0123abcd.partial", "run.partial"}
    for of_others in kept:
        (tmp_path / of_others).write_bytes(b"of another run")
    train(**field_arguments(run_name=tmp_path / "run", max_epochs=3, resume_from=tmp_path / "run_nnet_running.mat"))
    assert read_checkpoint(tmp_path / "run_nnet_running.mat").epoch == 3
    assert set(os.listdir(tmp_path)) == kept | {"run.txt", "run_nnet_running.mat", "run_nnet_running.sidecar.npz"}


def test_two_threads_and_a_run_within_a_run_are_refused(tmp_path: Path) -> None:
    refused: list[str] = []

    class Again(Observer):
        def epoch(self, report: Report, state: State) -> None:
            def run() -> None:
                with pytest.raises(OptionError) as caught:
                    train(**field_arguments(run_name=tmp_path / "run"))
                refused.append(str(caught.value))

            run()
            thread = threading.Thread(target=run)
            thread.start()
            thread.join()

    train(**field_arguments(run_name=tmp_path / "run", observers=[Again()]))
    assert len(refused) == 4
    assert all(f"process {os.getpid()} on" in sentence for sentence in refused)


def test_the_lock_is_gone_after_a_run_however_it_ended(tmp_path: Path) -> None:
    class Broken(Observer):
        def epoch(self, report: Report, state: State) -> None:
            assert (tmp_path / "run.lock").exists()
            raise RuntimeError("broken")

    with pytest.raises(RuntimeError):
        train(**field_arguments(run_name=tmp_path / "run", observers=[Broken()]))
    assert not (tmp_path / "run.lock").exists()
    train(**field_arguments(run_name=tmp_path / "run"))
    assert not (tmp_path / "run.lock").exists()


@pytest.mark.parametrize("content", [b"", b"{", b'{"process": "x"}', b"\xff" * 10])
def test_a_lock_file_that_says_nothing_still_locks(content: bytes, tmp_path: Path) -> None:
    with run_lock(str(tmp_path / "run")):
        (tmp_path / "run.lock").write_bytes(content)
        with (
            pytest.raises(OptionError, match="which another process uses"),
            run_lock(str(tmp_path / "run")),
        ):
            pytest.fail("two runs hold the lock")
    (tmp_path / "run.lock").write_bytes(content)  # of a dead run, as it may be after a power cut
    with run_lock(str(tmp_path / "run")):
        pass


def test_a_planted_link_in_the_place_of_the_lock_is_refused(tmp_path: Path) -> None:
    (tmp_path / "victim").write_bytes(b"precious")
    (tmp_path / "run.lock").symlink_to(tmp_path / "victim")
    with pytest.raises(OptionError, match=r"run\.lock"):
        train(**field_arguments(run_name=tmp_path / "run"))
    assert (tmp_path / "victim").read_bytes() == b"precious"
    assert not (tmp_path / "run.txt").exists()


def test_a_file_system_that_locks_only_what_is_open_for_writing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fcntl = pytest.importorskip("fcntl")
    real = fcntl.flock

    def as_nfs(descriptor: int, how: int) -> None:
        if fcntl.fcntl(descriptor, fcntl.F_GETFL) & os.O_ACCMODE == os.O_RDONLY:
            raise OSError(errno.EBADF, "not open for writing")
        real(descriptor, how)

    monkeypatch.setattr(fcntl, "flock", as_nfs)
    name = str(tmp_path / "run")
    with run_lock(name), pytest.raises(OptionError, match=f"process {os.getpid()} on"), run_lock(name):
        pytest.fail("two runs hold the lock")


@pytest.mark.parametrize("number", [errno.ENOLCK, errno.ENOTSUP])
def test_a_file_system_without_locks_keeps_no_run_from_training(
    number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fcntl = pytest.importorskip("fcntl")

    def without(descriptor: int, how: int) -> None:
        raise OSError(number, "no locks")

    monkeypatch.setattr(fcntl, "flock", without)
    assert train(**field_arguments(run_name=tmp_path / "run")).outcome is Outcome.FINISHED
