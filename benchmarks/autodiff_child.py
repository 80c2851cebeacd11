"""`python -m benchmarks.autodiff_child SETTINGS`: time derivatives on one processor, print them as JSON."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from functools import partial
from time import process_time
from typing import Any

import numpy as np

from benchmarks.autodiff_peers import PEERS, SQUARES, ours
from benchmarks.octave import relative_difference
from benchmarks.peer import why_not
from benchmarks.timing import Stopwatch, interleave, stopwatch
from benchmarks.workloads import Workload

OURS = "hand-written"


def main(settings: dict[str, Any]) -> None:
    """Measure all contenders of every figure in turn."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})  # before a library counts processors
    workload = Workload(**settings["workload"])
    failed = {peer.name: reason for peers in PEERS.values() for peer in peers if (reason := why_not(peer))}
    watches: dict[str, Stopwatch] = {}
    beside: dict[str, list[float | None]] = {}
    for figure, peers in PEERS.items():
        contenders = {peer.name: peer.product for peer in peers if peer.name not in failed}
        expected = np.asarray(ours(workload, figure)())
        for name, make in {OURS: partial(ours, figure=figure), **contenders}.items():
            if name == OURS and figure == SQUARES:
                continue  # they are part of the gradient
            key = f"{figure}|{name}"
            try:
                call, first = _first_call(partial(make, workload))
                beside[key] = [first, _difference(expected, call)]
                watches[key] = stopwatch(call, settings["spell"], clock=process_time)
            except Exception as error:  # whatever another library does wrong is a line of the table
                failed[f"{name}, {figure}"] = f"failed: {type(error).__name__}"
    found = interleave(watches, settings["repeats"], settings["pause"])
    timings = {key: [taken.median, taken.spread, *beside[key]] for key, taken in found.items()}
    print(json.dumps({"timings": timings, "failed": failed}))


def _first_call(make: Callable[[], Callable[[], Any]]) -> tuple[Callable[[], Any], float]:
    """Return a call, and the seconds until its first result."""
    started = process_time()
    call = make()
    np.asarray(call())
    return call, process_time() - started


def _difference(expected: Any, call: Callable[[], Any]) -> float:
    """Return the relative difference; a loss has the gradient of the log-likelihood with the other sign."""
    found = np.asarray(call())
    return min(relative_difference(expected, sign * found) for sign in (1, -1))


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
