"""Threads that share work: everything is done once, failures arrive, nobody is left running."""

from __future__ import annotations

import threading
import time
from collections import Counter

import numpy as np
import pytest

from hf_matlab_compat.backends.workers import Workers, default_threads
from hf_matlab_compat.errors import OptionError

COUNTS = pytest.mark.parametrize("count", [1, 2, 3, 7])


@COUNTS
@pytest.mark.parametrize("length", [0, 1, 2, 50])
def test_every_item_is_done_once(count: int, length: int) -> None:
    done: list[int] = []
    Workers(count).run(lambda item, slot: done.append(item), range(length))
    assert Counter(done) == Counter(range(length))


@COUNTS
def test_no_two_tasks_hold_a_slot_at_once(count: int) -> None:
    held = [threading.Lock() for _ in range(count)]
    shared: list[int] = []

    def task(item: int, slot: int) -> None:
        if not held[slot].acquire(blocking=False):
            shared.append(slot)
        time.sleep(0.001)
        held[slot].release()

    Workers(count).run(task, range(30))
    assert shared == []


def test_several_threads_do_work_at_the_same_time() -> None:
    meeting = threading.Barrier(3, timeout=20)
    Workers(3).run(lambda item, slot: meeting.wait(), range(3))
    assert not meeting.broken


@COUNTS
def test_a_failure_reaches_the_caller_and_the_rest_is_left(count: int) -> None:
    done: list[int] = []

    def task(item: int, slot: int) -> None:
        if item == 3:
            raise ValueError("item 3")
        time.sleep(0.001)
        done.append(item)

    with pytest.raises(ValueError, match="item 3"):
        Workers(count).run(task, range(500))
    assert len(done) < 100


@pytest.mark.parametrize("error", [KeyboardInterrupt, ValueError])
def test_the_caller_waits_for_the_others_before_it_fails(error: type[BaseException]) -> None:
    finished = threading.Event()
    begun = threading.Event()

    def task(item: int, slot: int) -> None:
        if slot == 0:
            assert begun.wait(20)
            raise error
        begun.set()
        time.sleep(0.05)
        finished.set()

    with pytest.raises(error):
        Workers(2).run(task, range(2))
    assert finished.is_set()
    assert threading.active_count() == len(threading.enumerate())


def test_each_thread_works_inside_the_guard() -> None:
    seen: list[str] = []

    def task(item: int, slot: int) -> None:
        meeting.wait()
        seen.append(np.geterr()["over"])

    meeting = threading.Barrier(2, timeout=20)
    with np.errstate(over="warn"):
        Workers(2, lambda: np.errstate(over="ignore")).run(task, range(2))
    assert seen == ["ignore", "ignore"]


def test_fewer_than_one_thread_is_refused() -> None:
    with pytest.raises(OptionError, match="num_threads: expected a whole number of at least 1, got 0"):
        Workers(0)


def test_by_default_there_is_a_thread_for_each_processor() -> None:
    assert default_threads() >= 1
