"""Table 10: cases of more bytes than the memory that a run may have, mapped from a file. Measured only when named."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from benchmarks.effort import Effort
from benchmarks.machine import machine
from benchmarks.memory_limit import memory_limit
from benchmarks.table import Cell, Table

UNITS = 784
_ROWS_AT_A_TIME = 1 << 16


def table(effort: Effort, say: Callable[[str], None]) -> Table:
    """Train on a file of random cases in a process of its own that is held to a limit."""
    where, rows = machine(), []
    columns = ["cases", "cases GB", "limit GB", "held by", "epochs", "s an epoch", "peak own GB", "log-likelihoods"]
    notes = [
        "A 784-10-784 autoencoder in chunks of about 5,000 cases, two passes over all cases at the least in an epoch. "
        "Peak own: most of what was resident and is not the mapped file.",
        "A control group counts what of the file is in memory too; without one the limit is on the process's own data.",
    ]
    count = int(effort.larger_gigabytes * 1e9) // (4 * UNITS)
    with _file_of(count, say) as path:
        if path is None:
            return Table("larger", "Larger than memory", columns, rows, ["no room on the disk: not measured"], where)
        say("training")
        rows.append(_measure(path, count, effort))
    return Table("larger", "Larger than memory", columns, rows, notes, where)


@contextmanager
def _file_of(count: int, say: Callable[[str], None]) -> Iterator[Path | None]:
    """Write a .npy file of random cases, one in each row; return None if the disk has no room."""
    with TemporaryDirectory() as folder:
        if shutil.disk_usage(folder).free < 1.2 * 4 * UNITS * count:
            yield None
            return
        say("writing the cases")
        path, random = Path(folder) / "cases.npy", np.random.default_rng(0)
        out = np.lib.format.open_memmap(path, mode="w+", dtype=np.float32, shape=(count, UNITS))
        for start in range(0, count, _ROWS_AT_A_TIME):
            rows = out[start : start + _ROWS_AT_A_TIME]
            random.random(out=rows, dtype=np.float32)
            out.flush()
        del out
        yield path


def _measure(path: Path, count: int, effort: Effort) -> list[Cell]:
    limit = int(effort.larger_limit * 1e9)
    chunks = next(c for c in range(max(1, count // 5000), count + 1) if count % c == 0)
    command = [sys.executable, "-m", "benchmarks.larger_child", str(path), str(chunks), str(effort.larger_epochs)]
    with memory_limit(limit) as (held_by, enter):
        root = Path(__file__).parent.parent
        done = subprocess.run(command, cwd=root, capture_output=True, text=True, preexec_fn=enter)
    if done.returncode != 0:
        reason = done.stderr.strip().rpartition("\n")[2] or f"signal {-done.returncode}"
        return [count, _gigabytes(count), limit / 1e9, held_by, None, None, None, f"failed: {reason}"]
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    reached = " ".join(f"{value:.3f}" for value in found["log_likelihoods"])
    seconds, own = found["seconds"] / effort.larger_epochs, found["own"] / 1e9
    return [count, _gigabytes(count), limit / 1e9, held_by, effort.larger_epochs, seconds, own, reached]


def _gigabytes(count: int) -> float:
    return 4e-9 * UNITS * count
