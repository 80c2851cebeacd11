"""Threads that share the blocks of a pass. The results do not depend on which thread computes which block."""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import Any

from hf_matlab_compat.errors import OptionError

Task = Callable[[Any, int], None]
"""(item, slot): do the work of one item. No two tasks run in the same slot at the same time."""


_NONE = object()


def default_threads() -> int:
    """Return the number of processors that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


@dataclass(frozen=True)
class Workers:
    """`count` threads, the calling one included; the others are started in each call and end with it.

    Attributes
    ----------
    count : int
    guard : callable
        Makes the context in which each thread works.
    """

    count: int = 1
    guard: Callable[[], AbstractContextManager[Any]] = field(default=nullcontext, repr=False)

    def __post_init__(self) -> None:
        if self.count < 1:
            raise OptionError("num_threads", expected="a whole number of at least 1", got=repr(self.count))

    def run(self, task: Task, items: Sequence[Any]) -> None:
        """Do `task` for every item; return when all are done.

        Raises
        ------
        Exception
            The first exception of a task; items that no thread has begun by then are skipped.
        """
        helpers = min(self.count, len(items)) - 1
        if helpers < 1:
            for item in items:
                task(item, 0)
            return
        self._share(task, items, helpers)

    def _share(self, task: Task, items: Sequence[Any], helpers: int) -> None:
        waiting, lock = deque(items), threading.Lock()
        failures: list[BaseException] = []

        def work(slot: int) -> None:
            try:
                with self.guard():
                    while (item := take()) is not _NONE and not failures:
                        task(item, slot)
            except BaseException as error:
                failures.append(error)

        def take() -> Any:
            with lock:
                return waiting.popleft() if waiting else _NONE

        threads = [threading.Thread(target=work, args=(slot,), daemon=True) for slot in range(1, helpers + 1)]
        for thread in threads:
            thread.start()
        try:
            work(0)
        finally:
            waiting.clear()
            for thread in threads:  # wait for them: they write into buffers that the next call uses
                thread.join()
        if failures:
            raise failures[0]
