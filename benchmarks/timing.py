"""Interleaved timing: every contender once a round, in turn, so that a slow minute of the machine hits all alike."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

Stopwatch = Callable[[], float]
"""Does its work and returns the seconds that one call of it took."""
Context = Callable[[], AbstractContextManager[Any]]


@dataclass(frozen=True)
class Timing:
    """Seconds of one call, over the rounds.

    Attributes
    ----------
    samples : tuple of float
    """

    samples: tuple[float, ...]

    @property
    def median(self) -> float:
        """Seconds."""
        return statistics.median(self.samples)

    @property
    def spread(self) -> float:
        """Interquartile range over the median; 0 for a single sample."""
        if len(self.samples) < 2:
            return 0.0
        low, _, high = statistics.quantiles(self.samples, n=4, method="inclusive")
        return (high - low) / self.median


def stopwatch(
    call: Callable[[], object],
    spell: float,
    context: Context = nullcontext,
    clock: Callable[[], float] = time.perf_counter,
) -> Stopwatch:
    """Times `call` inside `context`, so often in a row that it takes `spell` seconds or more.

    Parameters
    ----------
    call : callable
        Called twice at once: to warm it up, and to see how long it takes.
    spell : float
    context : callable
        Makes what surrounds a timing and is not timed itself.
    clock : callable
        Seconds; of this process's own processor time on a machine that does other things too.
    """
    with context():
        call()
        count = max(1, round(spell / max(_seconds(call, 1, clock), 1e-7)))

    def measure() -> float:
        with context():
            if count > 1:
                call()  # the caches are the other contenders' by now
            return _seconds(call, count, clock)

    return measure


def interleave(stopwatches: Mapping[str, Stopwatch], repeats: int, pause: float = 0.0) -> dict[str, Timing]:
    """Timings by name; every other round runs in the opposite order.

    Parameters
    ----------
    stopwatches : mapping of str to Stopwatch
    repeats : int
        Rounds.
    pause : float
        Seconds of rest before each timing.
    """
    samples: dict[str, list[float]] = {name: [] for name in stopwatches}
    names: Sequence[str] = list(stopwatches)
    for k in range(repeats):
        for name in names if k % 2 == 0 else reversed(names):
            time.sleep(pause)
            samples[name].append(stopwatches[name]())
    return {name: Timing(tuple(taken)) for name, taken in samples.items()}


def pooled(found: Sequence[Mapping[str, Timing]]) -> dict[str, Timing]:
    """The samples of several calls of `interleave`, of the same names, together."""
    return {name: Timing(tuple(s for timings in found for s in timings[name].samples)) for name in found[0]}


def _seconds(call: Callable[[], object], count: int, clock: Callable[[], float]) -> float:
    started = clock()
    for _ in range(count):
        call()
    return (clock() - started) / count
