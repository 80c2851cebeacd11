"""Threads of a rank: what the scheduler allots to it, or its share of the processors that ranks on one host have."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from hf_matlab_compat.backends.workers import default_threads
from hf_matlab_compat.errors import OptionError

VARIABLES = ("SLURM_CPUS_PER_TASK", "OMP_NUM_THREADS")
"""Set by `srun --cpus-per-task`, and by most other schedulers and by users; the first that is set counts."""


def processors_here(comm: Any) -> tuple[list[frozenset[int]], int]:
    """Return the processors that each rank on this host may use, and the number of this rank among them.

    Parameters
    ----------
    comm : mpi4py.MPI.Comm
        The ranks of the run; all of them must make the call.
    """
    from mpi4py import MPI

    here = comm.Split_type(MPI.COMM_TYPE_SHARED)
    try:
        return here.allgather(processors()), here.rank
    finally:
        here.Free()


def processors() -> frozenset[int]:
    """Return the numbers of the processors that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return frozenset(os.sched_getaffinity(0))
    return frozenset(range(default_threads()))


def allotted(environ: Mapping[str, str]) -> int | None:
    """Return how many threads the environment allots to a process, or None if it says nothing.

    Raises
    ------
    OptionError
        A variable is set to something else.
    """
    name = next((name for name in VARIABLES if environ.get(name, "").strip()), None)
    if name is None:
        return None
    first = environ[name].partition(",")[0].strip()  # OMP_NUM_THREADS may list a number for each level of nesting
    if not first.isdecimal() or int(first) < 1:
        raise OptionError(
            name, expected="a number of threads of at least 1", got=repr(environ[name]), advice="Set it, or unset it."
        )
    return int(first)


def share(allowed: Sequence[Collection[int]], rank: int, wanted: int | None) -> int:
    """Return the number of threads of a rank, never more than the processors that it may use.

    Parameters
    ----------
    allowed : sequence of collections of int
        The processors that each rank of this host may use. A launcher may bind each rank to processors of its own, or
        leave all of them to all ranks, which then share them.
    rank : int
        This rank, counted on this host.
    wanted : int or None
        What the environment allots to a rank; by default an equal share.
    """
    own = set(allowed[rank])
    if wanted is None:
        wanted = len(own) // sum(not own.isdisjoint(other) for other in allowed)
    return max(1, min(wanted, len(own)))
