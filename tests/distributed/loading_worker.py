"""A worker that only adds one to every shared parameter, as fast as it can; a process of its own, to be killed."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

from hf_matlab_compat.distributed import open_state

START = np.zeros(500, np.float32)


def run(address: str, name: str, acknowledged: str, stop: str) -> None:
    """Push until the file `stop` is there; write a line for every update that was acknowledged."""
    state = open_state(address, name, durable=False, patience=60)
    state.join(START, {})
    with open(acknowledged, "a", encoding="ascii") as stream:
        while not Path(stop).exists():
            base, seen = state.fetch()
            stream.write(f"{state.push(base, seen, seen + 1)}\n")
            stream.flush()


if __name__ == "__main__":
    run(*sys.argv[1:])
