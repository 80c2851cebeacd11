"""The processes of a search: they stop when told to, end with their parent, and are replaced when they die."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import BrokenExecutor, Executor, Future, ProcessPoolExecutor, as_completed
from typing import Any, Self

from hf_matlab_compat.errors import HessianFreeError, OptionError, quoted
from hf_matlab_compat.search.trial import Finding, Task, run_trial, stop_on

_MOST_DEATHS = 3
"""Deaths of workers without a finished run between them, after which a search gives up."""


class Workers:
    """Spawned processes, or the caller's own executor, that run trials.

    Parameters
    ----------
    given : int, Executor or None
        Their number, or the executor; None for one worker for each processor.
    population : int
        Trials of a generation, the largest number of workers that have work.

    Raises
    ------
    OptionError
        The number is less than 1 or more than the population.
    """

    def __init__(self, given: Any, population: int) -> None:
        self._given = given if isinstance(given, Executor) else None
        self._count = 0 if self._given else _count(given, population)
        self._context = multiprocessing.get_context("spawn")  # a fork after BLAS has threads can hang
        self._stop: Any = None
        self._pool: Executor | None = self._given

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: Any, error: Any, traceback: Any) -> None:
        if self._pool is not None and self._given is None:
            if error is not None:
                self._stop.set()
            self._pool.shutdown(cancel_futures=True)

    def findings(self, tasks: Mapping[int, Task]) -> Iterator[tuple[int, Finding]]:
        """Run tasks by their numbers, and yield each as it finishes; run those of a worker that died again.

        Raises
        ------
        HessianFreeError
            Workers die again and again, or one of the caller's executor did.
        """
        left, deaths = dict(tasks), 0
        while left:
            count, broken = len(left), None
            for number, done in self._done(left):
                broken = done.exception() if isinstance(done.exception(), BrokenExecutor) else broken
                if not isinstance(done.exception(), BrokenExecutor):
                    del left[number]
                    yield number, done.result()
            if broken is not None:
                deaths = deaths + 1 if len(left) == count else 1
                if self._given is not None or deaths == _MOST_DEATHS:
                    raise HessianFreeError(
                        "workers: expected processes that finish their runs, got one that was killed. "
                        "If memory ran out, use fewer workers. Scripts call search below if __name__ == '__main__'. "
                        "The same call with the same storage goes on."
                    ) from broken
                self._pool = None

    def _done(self, tasks: Mapping[int, Task]) -> Iterator[tuple[int, Future[Finding]]]:
        under_way: dict[Future[Finding], int] = {}
        for number, task in tasks.items():
            try:
                under_way[self._started().submit(run_trial, task)] = number
            except BrokenExecutor as error:  # since the first were submitted
                under_way[failed := Future()] = number
                failed.set_exception(error)
        for done in as_completed(under_way):
            yield under_way[done], done

    def _started(self) -> Executor:
        if self._pool is None:
            self._stop = self._context.Event()
            begin = {"initializer": _begin, "initargs": (self._stop, os.getpid())}
            self._pool = ProcessPoolExecutor(self._count, mp_context=self._context, **begin)
        return self._pool


def _count(workers: Any, population: int) -> int:
    if workers is None:
        return min(os.cpu_count() or 1, population)
    if isinstance(workers, bool) or not isinstance(workers, int) or workers < 1:
        raise OptionError("workers", expected="a whole number of at least 1, or an executor", got=quoted(workers))
    if workers > population:
        advice = f"More than {population} would wait for the generation to end."
        raise OptionError(
            "workers", expected=f"at most {population}, the trials of a generation", got=workers, advice=advice
        )
    return workers


def _begin(stop: Any, parent: int) -> None:
    """Prepare a process: leave Ctrl-C to the parent, and end when that one has died."""
    stop_on(stop)
    signal.signal(signal.SIGINT, signal.SIG_IGN)

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(1)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
