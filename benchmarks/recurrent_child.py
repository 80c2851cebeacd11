"""`python -m benchmarks.recurrent_child SETTINGS`: time recurrent products on one processor, print them as JSON."""

from __future__ import annotations

import json
import os
import sys
from functools import partial
from time import process_time
from typing import Any

import numpy as np

from benchmarks.octave import relative_difference
from benchmarks.peer import why_not
from benchmarks.recurrent_net import RecurrentWorkload
from benchmarks.recurrent_peers import PEERS
from benchmarks.timing import Stopwatch, interleave, stopwatch
from benchmarks.workloads import cpu_backends

LIMIT = "its products"


def main(settings: dict[str, Any]) -> None:
    """Measure ours, the products alone and all peers in turn."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})  # before a library counts processors
    workload = RecurrentWorkload(**settings["workload"])
    timed = partial(stopwatch, spell=settings["spell"], clock=process_time)
    ours = {f"ours, {name}": workload.product(name) for name in cpu_backends()}
    expected = np.asarray(ours["ours, numpy"][0](workload.direction))
    watches: dict[str, Stopwatch] = {}
    differences: dict[str, float | None] = {LIMIT: None}
    for name, (product, backend) in ours.items():
        watches[name] = timed(partial(product, workload.direction), context=backend.quiet)
        differences[name] = relative_difference(expected, product(workload.direction))
    quiet = ours["ours, numpy"][1].quiet
    watches[LIMIT] = timed(workload.limit(), context=quiet)
    failed: dict[str, str] = {}
    for peer in PEERS:
        if reason := why_not(peer):
            failed[peer.name] = reason
            continue
        try:
            theirs = peer.product(workload)
            differences[peer.name] = relative_difference(expected, np.asarray(theirs()))
            watches[peer.name] = timed(theirs)
        except Exception as error:  # whatever another library does wrong is a line of the table
            failed[peer.name] = f"failed: {type(error).__name__}"
    found = interleave(watches, settings["repeats"], settings["pause"])
    timings = {name: [taken.median, taken.spread, differences[name]] for name, taken in found.items()}
    print(json.dumps({"timings": timings, "failed": failed}))


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
