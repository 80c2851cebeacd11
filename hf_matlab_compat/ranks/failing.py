"""An error that comes to some ranks only ends the job, since the other ranks would wait for ever."""

from __future__ import annotations

import sys
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from hf_matlab_compat.errors import HessianFreeError

SECONDS = 10.0
"""How long a rank that failed waits for the others to fail too; they do so after the same call."""


@contextmanager
def failing_together(comm: Any, where: str) -> Iterator[None]:
    """Raise an error that leaves this context on all ranks; end the job if only some ranks have one.

    Parameters
    ----------
    comm : mpi4py.MPI.Comm
        A communicator for this purpose alone: the others may be in the middle of any call on theirs.
    where : str
        Machine and processor of this rank, for the message.
    """
    try:
        yield
    except Exception as error:
        if not _all_failed(comm):
            _tell(error, f"rank {comm.rank} ({where})")
            comm.Abort(1)
        raise


def _all_failed(comm: Any) -> bool:
    arrived, until = comm.Ibarrier(), time.monotonic() + SECONDS
    while not arrived.Test():
        if time.monotonic() > until:
            return False
        time.sleep(0.005)
    return True


def _tell(error: Exception, who: str) -> None:
    if sys.stderr is None:
        return
    if not isinstance(error, HessianFreeError):
        traceback.print_exception(error)
    print(f"{who}: {type(error).__name__}: {error}\nThe other ranks have no error, so the job ends.", file=sys.stderr)
    sys.stderr.flush()
