"""Opening shared parameters by their address, and their state in a few lines."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np

from hf_matlab_compat.distributed.folder_state import FolderState
from hf_matlab_compat.distributed.merges import shown
from hf_matlab_compat.distributed.redis_state import RedisState
from hf_matlab_compat.distributed.shared_state import StoredState
from hf_matlab_compat.errors import OptionError, SharedStateError


def open_state(
    address: str, worker: str = "", *, patience: float = 60.0, durable: bool = True, new: bool = True
) -> StoredState:
    """Return shared parameters by their address.

    Parameters
    ----------
    address : str
        A URL, redis://host:port/run, or a folder.
    worker : str
        Name of this worker.
    patience : float
        Seconds to wait for the keeper, or for a server that does not answer.
    durable : bool
        Of a folder: wait until files are on the disk.
    new : bool
        A folder may be made.

    Raises
    ------
    OptionError
        The address has another form, or the package redis is missing.
    SharedStateError
        The store cannot be reached, or there is no such folder.
    """
    if not 0 <= patience < np.inf:
        raise OptionError("patience", expected="a finite number of seconds, at least 0", got=patience)
    if "://" in address:
        return RedisState(address, worker, patience=patience)
    if not new and not Path(address).is_dir():
        raise SharedStateError(f"{address}: expected a folder of shared parameters, got no such folder.")
    return FolderState(address, worker, patience=patience, durable=durable)


def status(state: StoredState) -> str:
    """Return version, rule, keeper and workers of a run, as lines of at most 80 columns.

    Raises
    ------
    SharedStateError
        There is no such run, or it is damaged.
    """
    rule = shown(state.setup()["merge"])
    kept, keeper = state.kept(), state.keeper() or "none: start one with hf-compat share keep"
    lines = [f"run      {state.name}", f"keeper   {keeper}", f"merge    {rule}"]
    if kept is None:
        return "\n".join(_fitting(line, 80) for line in [*lines, "version  none: no worker has come yet"])
    lines += [
        f"vector   {kept.theta.size} numbers of {kept.theta.dtype}",
        f"version  {kept.version}, {state.waiting(kept.last)} updates waiting",
        f"{'worker':32}{'updates':>9}{'staleness':>11}{'written':>9}{'last':>12}",
    ]
    for name, worker in sorted(kept.workers.items()):
        count, ago = worker["updates"], max(0.0, time.time() - worker["time"])
        written = f"{100 * worker['written'] / count:.0f} %"
        stale = worker["staleness"] / count
        lines.append(f"{_fitting(name, 31):32}{count:9}{stale:11.2f}{written:>9}{_ago(ago):>12}")
    return "\n".join(_fitting(line, 80) for line in lines)


def _ago(seconds: float) -> str:
    for unit, length in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= length:
            return f"{seconds / length:.0f} {unit} ago"
    return f"{seconds:.0f} s ago"


def _fitting(text: str, width: int) -> str:
    return text if len(text) <= width else f"{text[: width - 3]}..."
