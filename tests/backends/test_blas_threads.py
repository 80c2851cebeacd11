"""BLAS is held to one thread while anyone asks for it, and then has as many as before."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator

import numpy as np
import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from hf_matlab_compat.backends import blas_threads, get_backend

LIBRARIES = [library for library in threadpool_info() if library["user_api"] == "blas"]
pytestmark = pytest.mark.skipif(not LIBRARIES, reason="numpy's BLAS has no threads that could be set")


def blas() -> set[int]:
    return {library["num_threads"] for library in threadpool_info() if library["user_api"] == "blas"}


@pytest.fixture(autouse=True)
def two_threads() -> Iterator[None]:
    with threadpool_limits(2, user_api="blas"):
        yield


def test_a_hold_inside_a_hold_ends_with_the_outer_one() -> None:
    before, backend = blas(), get_backend()
    with backend.quiet():
        with backend.quiet():
            assert blas() == {1}
        assert blas() == {1}
        assert np.exp(np.float32(1000)) == np.inf  # and NaN and overflow are silent still
    assert blas() == before


def test_what_an_interrupt_left_entered_ends_with_the_outer_hold() -> None:
    before, backend = blas(), get_backend()
    with backend.quiet():
        backend.quiet().__enter__()  # and an interrupt, before `with` knew of it
    assert blas() == before
    with np.errstate(over="raise"), pytest.raises(FloatingPointError):
        np.exp(np.float32(1000))
    with backend.quiet():
        assert blas() == {1}
    assert blas() == before


def test_libraries_that_come_while_blas_is_held_are_held_without_letting_go(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[set[int]] = []
    controller = blas_threads.ThreadpoolController

    def looking() -> object:
        seen.append(blas())
        return controller()

    before = blas()
    with get_backend().quiet():
        monkeypatch.setattr(blas_threads, "ThreadpoolController", looking)
        blas_threads.look_again()
        seen.append(blas())
    assert seen == [{1}, {1}]
    assert blas() == before


FORKED_WITH_THE_LOCK_TAKEN = """
import os, signal
from hf_matlab_compat.backends import blas_threads, get_backend

get_backend()
blas_threads._lock.acquire()  # as another thread may have, which is not in the child
child = os.fork()
if child == 0:
    signal.alarm(10)
    with get_backend().quiet():
        os._exit(7)
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
def test_a_child_does_not_wait_for_a_lock_of_its_parents_threads() -> None:
    done = subprocess.run([sys.executable, "-c", FORKED_WITH_THE_LOCK_TAKEN], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_one_thread_inside_and_as_many_as_before_outside() -> None:
    before = blas()
    with get_backend().quiet():
        assert blas() == {1}
        with get_backend().quiet():
            assert blas() == {1}
        assert blas() == {1}
    assert blas() == before


def test_an_error_inside_gives_the_threads_back_too() -> None:
    before = blas()
    with pytest.raises(ValueError, match="stop"), get_backend().quiet():
        raise ValueError("stop")
    assert blas() == before


def test_a_run_in_another_thread_than_the_one_that_set_blas_holds_it_too() -> None:
    before, inside = blas(), []

    def other() -> None:
        with get_backend().quiet():
            inside.append(blas())

    thread = threading.Thread(target=other)
    thread.start()
    thread.join()
    assert inside == [{1}]
    assert blas() == before
    with threadpool_limits(1, user_api="blas"):
        assert blas() == {1}
    assert blas() == before


def test_the_last_of_two_that_overlap_gives_the_threads_back() -> None:
    before, entered, leave = blas(), threading.Event(), threading.Event()

    def other() -> None:
        with get_backend().quiet():
            entered.set()
            leave.wait(20)

    thread = threading.Thread(target=other)
    blas_threads.hold_one()
    thread.start()
    assert entered.wait(20)
    blas_threads.let_go()
    assert blas() == {1}
    leave.set()
    thread.join()
    assert blas() == before
