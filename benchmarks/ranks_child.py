"""`python -m mpi4py -m benchmarks.ranks_child run|exchange …`: train, or exchange vectors; print seconds as JSON.

run SIZES CASES EPOCHS CG_STEPS THREADS RANKS (none or mpi);  exchange P …
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from typing import Any
from unittest.mock import patch

import numpy as np

from benchmarks.workloads import WEIGHT_DECAY, Workload
from hf_matlab_compat import train
from hf_matlab_compat.backends.workers import Workers
from hf_matlab_compat.objective.curvature import NetworkCurvature
from hf_matlab_compat.objective.feedforward import FeedforwardProblem
from hf_matlab_compat.ranks.mpi import MPIRanks, world
from hf_matlab_compat.ranks.ranked_sum import RankedSum
from hf_matlab_compat.ranks.ranks import is_first_rank

CLOCKED = {
    "gradient": (FeedforwardProblem, "gradient"),
    "product": (NetworkCurvature, "__call__"),
    "prepare": (FeedforwardProblem, "curvature"),
    "likelihood": (FeedforwardProblem, "score"),
    "pieces": (RankedSum, "_exchanged"),
    "totals": (RankedSum, "_send_to_all"),
}
REPEATS = 30


class Clock:
    """Seconds and calls of the passes and of the exchange."""

    def __init__(self) -> None:
        self.seconds = dict.fromkeys(CLOCKED, 0.0)
        self.calls = dict.fromkeys(CLOCKED, 0)

    def __enter__(self) -> Clock:
        self._patches = [
            patch.object(owner, name, self._clocked(what, getattr(owner, name)))
            for what, (owner, name) in CLOCKED.items()
        ]
        for each in self._patches:
            each.start()
        return self

    def __exit__(self, *error: object) -> None:
        for each in self._patches:
            each.stop()

    def _clocked(self, what: str, function: Any) -> Callable[..., Any]:
        def call(*arguments: Any) -> Any:
            started = time.perf_counter()
            result = function(*arguments)
            self.seconds[what] += time.perf_counter() - started
            self.calls[what] += 1
            return result

        return call


def run(sizes: str, cases: str, epochs: str, cg_steps: str, threads: str, ranks: str) -> dict[str, Any]:
    """Train on random cases."""
    workload = Workload("child", tuple(map(int, sizes.split("-"))), int(cases))
    with Clock() as clock:
        result = train(
            inputs=workload.inputs,
            targets=workload.inputs,
            hidden_sizes=workload.sizes[1:-1],
            unit_types=workload.unit_types,
            initial_theta=workload.theta,
            weight_decay=WEIGHT_DECAY,
            max_epochs=int(epochs),
            max_cg_steps=int(cg_steps),
            min_cg_steps=int(cg_steps),
            num_threads=int(threads),
            ranks=ranks,
        )
    epoch_seconds = result.records.seconds.tolist()
    return {"epochs": epoch_seconds, "seconds": clock.seconds, "calls": clock.calls, "sent": MPIRanks.vector_bytes}


def exchange(*lengths: str) -> dict[str, Any]:
    """Sum vectors of these lengths over all ranks; and send short messages."""
    ranks = MPIRanks(world())
    return {"sums": {P: _sum(ranks, int(P)) for P in lengths}, "message": _messages(ranks)}


def _sum(ranks: MPIRanks, P: int) -> float:
    """Median seconds of a sum of one vector to which each rank contributes one partial sum."""
    new = lambda: np.zeros(P, np.float32)  # noqa: E731
    total = ranks.make_sum(8)(new, lambda packed: (packed, packed), Workers(1))
    taken: list[float] = []
    for _ in range(REPEATS):
        ranks.comm.Barrier()
        with Clock() as clock:
            started = time.perf_counter()
            total.total(range(ranks.size), lambda *_: 0.0)
            whole = time.perf_counter() - started
        taken.append(whole if P < 10_000 else clock.seconds["pieces"] + clock.seconds["totals"])
    return float(np.median(taken))


def _messages(ranks: MPIRanks) -> float:
    """Seconds of one of many short messages in each direction between the first two ranks."""
    count, comm = 200, ranks.comm
    if ranks.size < 2 or ranks.rank > 1:
        return 0.0
    out, into = np.zeros(count), np.zeros(count)
    taken: list[float] = []
    for _ in range(REPEATS):
        started = time.perf_counter()
        requests = [comm.Irecv(into[k : k + 1], source=1 - ranks.rank) for k in range(count)]
        requests += [comm.Isend(out[k : k + 1], dest=1 - ranks.rank) for k in range(count)]
        type(requests[0]).Waitall(requests)
        taken.append((time.perf_counter() - started) / count)
    return float(np.median(taken))


if __name__ == "__main__":
    found = {"run": run, "exchange": exchange}[sys.argv[1]](*sys.argv[2:])
    if is_first_rank():
        print(json.dumps(found), flush=True)
