"""The shared state as its keeper holds it, and how one update changes it: a pure function, so that a record replays."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hf_matlab_compat.distributed.merges import Merge, Theta
from hf_matlab_compat.distributed.packets import Packet, decode, encode
from hf_matlab_compat.errors import SharedStateError

FIGURES = ("log_likelihood", "test_log_likelihood", "error", "test_error", "lam", "seconds")
"""Figures of an update that are kept for every version, one column each; nan where they are not known."""


@dataclass(frozen=True, kw_only=True)
class Kept:
    """Shared parameters and everything that belongs to their version.

    Attributes
    ----------
    theta : (P,) array
    version : int
        Updates applied so far.
    last : str
        Name of the last update in the record; empty before the first.
    numbers : mapping of str to int
        For each process that sent updates, the number of its last one: an update sent twice is applied once.
    workers : mapping of str to mapping
        For each worker: ``updates``, ``staleness`` and ``written`` (sums), ``cg_steps``, ``time`` of its last update.
    skipped : tuple of str
        Damaged updates that the user let the keeper skip.
    about : mapping
        Of the network: ``sizes``, ``settings``.
    records : (version, 6) float64 array
        `FIGURES` of every version.
    """

    theta: Theta
    version: int = 0
    last: str = ""
    numbers: Mapping[str, int] = field(default_factory=dict[str, int])
    workers: Mapping[str, Mapping[str, Any]] = field(default_factory=dict[str, Mapping[str, Any]])
    skipped: tuple[str, ...] = ()
    about: Mapping[str, Any] = field(default_factory=dict[str, Any])
    records: NDArray[np.float64] = field(default_factory=lambda: np.zeros((0, len(FIGURES))))

    def packet(self) -> bytes:
        """Return all of it as a packet."""
        names = ("version", "last", "numbers", "workers", "skipped", "about")
        return encode({name: getattr(self, name) for name in names}, [self.theta, self.records.ravel()])


def read_kept(name: str, data: bytes) -> Kept:
    """Return what `Kept.packet` wrote.

    Raises
    ------
    SharedStateError
        The packet is damaged.
    """
    header, (theta, records) = decode(name, data)
    header["skipped"] = tuple(header["skipped"])
    return Kept(theta=theta, records=records.astype(np.float64).reshape(-1, len(FIGURES)), **header)


def read_update(name: str, data: bytes, kept: Kept, merge: Merge) -> Packet:
    """Return an update that fits the shared parameters.

    Raises
    ------
    SharedStateError
        It is damaged, of another network, dtype or rule, or not finite.
    """
    update = decode(name, data)
    theta = kept.theta
    got = [f"{vector.size} of {vector.dtype}" for vector in update.vectors]
    expected = [f"{theta.size} of {theta.dtype}"] * merge.num_vectors
    if got != expected:
        raise SharedStateError(f"{name}: expected vectors {', '.join(expected)}, got {', '.join(got) or 'none'}.")
    if not all(np.isfinite(vector).all() for vector in update.vectors):
        raise SharedStateError(f"{name}: expected finite numbers, got NaN or Inf.")
    return update


def applied(kept: Kept, name: str, update: Packet, merge: Merge) -> Kept:
    """Return the state after an update; one that was applied before changes nothing but `Kept.last`."""
    told, process = update.header, update.header["process"]
    if told["number"] <= kept.numbers.get(process, 0):
        return replace(kept, last=name)
    theta, written = merge.merged(kept.theta, update.vectors)
    label, figures = told["worker"], told["figures"]
    before = kept.workers.get(label, {"updates": 0, "staleness": 0, "written": 0.0, "cg_steps": 0})
    worker = {
        "updates": before["updates"] + 1,
        "staleness": before["staleness"] + kept.version - told["base"],
        "written": before["written"] + written,
        "cg_steps": before["cg_steps"] + int(figures.get("cg_steps", 0)),
        "time": told["time"],
    }
    return replace(
        kept,
        theta=theta,
        version=kept.version + 1,
        last=name,
        numbers={**kept.numbers, process: told["number"]},
        workers={**kept.workers, label: worker},
        records=np.vstack([kept.records, [figures.get(each, math.nan) for each in FIGURES]]),
    )
