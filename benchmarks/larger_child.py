"""`python -m benchmarks.larger_child FILE CHUNKS EPOCHS`: train on a mapped file and print what it took, as JSON."""

from __future__ import annotations

import json
import sys
import threading
import time

from benchmarks.memory_child import resident
from hf_matlab_compat import train
from hf_matlab_compat.matlab.files.mapped_data import map_matrix

CG_STEPS = 10


def main(path: str, chunks: int, epochs: int) -> None:
    """Train on a file's cases, which are mapped, in this number of chunks."""
    cases = map_matrix(path).T
    own, ended = [resident("RssAnon")], threading.Event()

    def watch() -> None:
        while not ended.wait(0.01):
            own.append(resident("RssAnon"))

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    started = time.perf_counter()
    result = train(
        inputs=cases,
        targets=cases,
        hidden_sizes=[10],
        unit_types=["logistic", "logistic"],
        num_chunks=chunks,
        max_epochs=epochs,
        max_cg_steps=CG_STEPS,
        seed=1,
    )
    seconds = time.perf_counter() - started
    ended.set()
    watcher.join()
    likelihoods = result.records.log_likelihood[:, 0].tolist()
    print(json.dumps({"seconds": seconds, "own": max(own), "log_likelihoods": likelihoods}))


if __name__ == "__main__":
    main(sys.argv[1], *map(int, sys.argv[2:4]))
