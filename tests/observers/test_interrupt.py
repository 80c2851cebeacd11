"""Ctrl-C, with real signals."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator

import pytest

from hf_matlab_compat.observers.interrupt import InterruptGuard


@pytest.fixture(autouse=True)
def python_handler() -> Iterator[None]:
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def press_ctrl_c() -> None:
    signal.raise_signal(signal.SIGINT)


def test_an_abandonable_block_is_left_at_once() -> None:
    with InterruptGuard() as guard, pytest.raises(KeyboardInterrupt), guard.abandonable():  # noqa: PT012
        press_ctrl_c()
        pytest.fail("the epoch was computed to its end")


def test_elsewhere_ctrl_c_waits_for_the_next_abandonable_block() -> None:
    done = []
    with InterruptGuard() as guard:
        with guard.abandonable():
            done.append("computed")
        press_ctrl_c()
        done.append("written")
        with pytest.raises(KeyboardInterrupt), guard.abandonable():
            done.append("computed again")
    assert done == ["computed", "written"]


def test_a_second_ctrl_c_is_not_put_off() -> None:
    with InterruptGuard():
        press_ctrl_c()
        with pytest.raises(KeyboardInterrupt):
            press_ctrl_c()


def test_after_a_dropped_epoch_the_next_ctrl_c_is_not_put_off() -> None:
    with InterruptGuard() as guard:
        with pytest.raises(KeyboardInterrupt), guard.abandonable():
            press_ctrl_c()
        with pytest.raises(KeyboardInterrupt):
            press_ctrl_c()


def test_a_remembered_ctrl_c_is_dropped_when_the_loop_is_over() -> None:
    guard = InterruptGuard()
    with guard:
        press_ctrl_c()
    with guard, guard.abandonable():
        pass


def test_after_an_abandonable_block_ctrl_c_waits_again() -> None:
    with InterruptGuard() as guard:
        with pytest.raises(ZeroDivisionError), guard.abandonable():
            1 / 0  # noqa: B018
        press_ctrl_c()


@pytest.mark.parametrize("error", [None, ValueError, KeyboardInterrupt])
def test_the_handler_is_given_back_however_the_guard_is_left(error: type[BaseException] | None) -> None:
    try:
        with InterruptGuard():
            assert signal.getsignal(signal.SIGINT) is not signal.default_int_handler
            if error:
                raise error
    except (ValueError, KeyboardInterrupt):
        pass
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


@pytest.mark.parametrize("handler", [signal.SIG_IGN, signal.SIG_DFL, lambda *_: None], ids=["ignored", "system", "own"])
def test_a_host_programs_handler_is_left_alone(handler: signal.Handlers) -> None:
    signal.signal(signal.SIGINT, handler)
    with InterruptGuard() as guard, guard.abandonable():
        assert signal.getsignal(signal.SIGINT) is handler
    assert signal.getsignal(signal.SIGINT) is handler


def test_a_guard_within_a_guard_leaves_the_outer_one_in_charge() -> None:
    with InterruptGuard() as outer:
        with InterruptGuard() as inner, inner.abandonable():
            press_ctrl_c()
        with pytest.raises(KeyboardInterrupt), outer.abandonable():
            pass


def test_in_another_thread_the_guard_does_nothing() -> None:
    seen = []

    def train() -> None:
        with InterruptGuard() as guard, guard.abandonable():
            seen.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=train)
    thread.start()
    thread.join()
    assert seen == [signal.default_int_handler]


@pytest.mark.skipif(os.name == "nt", reason="os.kill cannot send Ctrl-C to a Windows process")
def test_a_signal_from_outside_lets_the_writing_finish() -> None:
    program = """
import sys, time
from hf_matlab_compat.observers.interrupt import InterruptGuard
with InterruptGuard() as guard:
    print("writing", flush=True)
    time.sleep(1)
    print("written", flush=True)
    with guard.abandonable():
        print("next epoch", flush=True)
"""
    child = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert child.stdout
    assert child.stdout.readline() == "writing\n"
    os.kill(child.pid, signal.SIGINT)
    out, err = child.communicate(timeout=30)
    assert out == "written\n"
    assert err == "Stopped by Ctrl-C.\n"
