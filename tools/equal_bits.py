"""Trains with one process and with R over MPI, and compares the parameters: `python tools/equal_bits.py R …`."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

PROGRAM = Path(__file__).resolve().parent.parent / "examples" / "many_ranks.py"


def digests(ranks: int) -> list[str]:
    """Return the digest of θ that each process prints; with 0 ranks, of one process without MPI."""
    words = [sys.executable, str(PROGRAM)]
    if ranks:
        mpiexec = shutil.which("mpiexec", path=str(Path(sys.executable).parent)) or "mpiexec"
        words = [mpiexec, "-n", str(ranks), sys.executable, "-m", "mpi4py", str(PROGRAM)]
    environ = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}  # whole lines
    done = subprocess.run(words, env=environ, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{' '.join(words)}: exit status {done.returncode}\n{done.stdout}{done.stderr}")
    return [line.split()[1] for line in done.stdout.splitlines() if line.startswith("theta ")]


def main(*counts: str) -> int:
    """Print a line for each run; the exit code is 0 only if all processes of all runs have the same bits."""
    alone = digests(0)
    print(f"one process, no MPI:  theta {alone[0][:16]}", flush=True)
    equal = True
    for count in map(int, counts or ("2",)):
        found = digests(count)
        same = found == alone * count
        equal &= same
        print(
            f"{count} processes over MPI: theta {found[0][:16]}, {'the same bits' if same else 'OTHER BITS'}",
            flush=True,
        )
    return 0 if equal else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
