"""Shared parameters: what workers and keeper ask of them, whatever keeps them.

Workers append updates to a record, which has an order. One keeper applies them in that order, and commits parameters
and version in one step. So a killed worker or keeper loses no update, and a replay of the record gives the same bits.
"""

from __future__ import annotations

import os
import socket
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from secrets import token_hex
from typing import Any, NamedTuple, Protocol

import numpy as np

from hf_matlab_compat.distributed.kept import Kept, read_kept
from hf_matlab_compat.distributed.merges import Merge, Theta, merge_of
from hf_matlab_compat.distributed.packets import HEAD, decode, encode, read_header
from hf_matlab_compat.errors import NotFinite, SharedStateError


class AnotherKeeper(SharedStateError):
    """The run has a keeper.

    Parameters
    ----------
    name : str
        The run.
    owner : str
        Its keeper, in words.
    """

    def __init__(self, name: str, owner: str) -> None:
        super().__init__(f"{name}: expected a run without a keeper, got one that {owner} keeps. One is enough.")


class Snapshot(NamedTuple):
    """Shared parameters, (P,), and their version: the number of updates applied so far."""

    version: int
    theta: Theta


class SharedState(Protocol):
    """Shared parameters as a worker uses them."""

    def join(self, theta: Theta, about: Mapping[str, Any]) -> None:
        """Take part in the run: propose θ as its start, or check that the parameters of the run fit to θ.

        `about` describes the network: its ``sizes`` and ``settings``.
        """
        ...

    def fetch(self) -> Snapshot:
        """Return the newest parameters."""
        ...

    def push(self, base_version: int, seen: Theta, new: Theta, figures: Mapping[str, float] | None = None) -> int:
        """Send what an epoch made of the parameters `seen`, of version `base_version`, and wait until it is applied.

        Returns a version that has the update in it. `figures` go into the log.
        """
        ...

    def wait(self, version: int, seconds: float) -> bool:
        """Wait for a version, at most `seconds`, and return whether it is there."""
        ...


class StoredState(ABC):
    """Shared parameters in a store: the parts that all stores have in common.

    Packets of three names are kept: ``setup`` (the rule of the keeper), ``start`` (where the record begins) and
    ``state`` (the newest version); and the record, a list of updates with names in order.

    Parameters
    ----------
    name : str
        What messages call it.
    worker : str
        Name of this worker; by default host and process.
    patience : float
        Seconds to wait for the keeper, or for a server that does not answer.
    """

    def __init__(self, name: str, worker: str, patience: float) -> None:
        self.name, self.patience = name, patience
        self._worker = worker or f"{socket.gethostname()}:{os.getpid()}"
        self._process = f"{self._worker} {token_hex(6)}"
        self._number = self._gaps = 0  # gaps: how often a server did not answer
        self._fetched: Snapshot | None = None
        self._merge: Merge | None = None

    # what a store does

    @abstractmethod
    def read(self, what: str, most: int | None = None) -> bytes | None:
        """Return a packet, or its first bytes; None if there is none."""

    @abstractmethod
    def create(self, what: str, packet: bytes) -> bool:
        """Store a packet unless there is one of this name; return whether it was stored."""

    @abstractmethod
    def append(self, packet: bytes) -> None:
        """Append an update to the record."""

    @abstractmethod
    def after(self, last: str, seconds: float) -> Sequence[tuple[str, bytes]]:
        """Return the next updates after the one of this name, and wait for them at most `seconds`."""

    @abstractmethod
    def commit(self, packet: bytes, version: int) -> None:
        """Replace ``state`` in one step, and wake who waits; only its keeper may."""

    @abstractmethod
    def forget(self, start: bytes, last: str) -> None:
        """Replace ``start``, and remove the updates up to this one; only its keeper may."""

    @abstractmethod
    def pause(self, seconds: float) -> None:
        """Sleep until something may have changed, at most `seconds`."""

    @abstractmethod
    def keeping(self) -> AbstractContextManager[object]:
        """Be the one keeper of the run within this context."""

    def stay(self, version: int) -> None:  # noqa: B027  (a lock that lasts as long as its process needs nothing)
        """Say that the keeper is alive, and check that the store still has its version."""

    def warning(self) -> str:
        """Return a sentence about data that the store may lose; empty if there is nothing to say."""
        return ""

    @abstractmethod
    def waiting(self, last: str) -> int:
        """Return the number of updates after the one of this name."""

    @abstractmethod
    def keeper(self) -> str:
        """Return who the keeper is, in words; empty if there is none."""

    @abstractmethod
    def close(self) -> None:
        """Close connections."""

    # what all stores have in common

    def join(self, theta: Theta, about: Mapping[str, Any]) -> None:
        """See `SharedState.join`.

        Raises
        ------
        SharedStateError
            There is no keeper, or the run is of another network or dtype.
        """
        self.merge()
        self.create("start", Kept(theta=theta, about=about).packet())
        header = self._head("start")
        assert header is not None  # it has just been created, or was there
        (kind, count), _ = header["vectors"]
        theirs, ours = f"{count} of {np.dtype(kind).name}", f"{theta.size} of {theta.dtype.name}"
        if theirs != ours:
            raise SharedStateError(
                f"{self.name}: expected {theirs}, the parameters of this run, got {ours}. All workers need the same "
                "layers and precision; another run needs another name."
            )
        sizes = [list(each.get("sizes", ())) for each in (header["about"], about)]
        if all(sizes) and sizes[0] != sizes[1]:
            was, now = (" ".join(map(str, each)) for each in sizes)
            raise SharedStateError(f"{self.name}: expected the layers of this run, {was}, got {now}.")

    def merge(self) -> Merge:
        """Return the rule of the run; wait for a keeper that states it.

        Raises
        ------
        SharedStateError
            None comes.
        """
        if self._merge is None:
            self._until(lambda: self.read("setup") is not None, "a run that a keeper has begun, got none")
            self._merge = merge_of(**self.setup()["merge"])
        return self._merge

    def setup(self) -> Mapping[str, Any]:
        """Return what the keeper has laid down.

        Raises
        ------
        SharedStateError
            There is no run, or it is damaged.
        """
        packet = self.read("setup")
        if packet is None:
            raise SharedStateError(f"{self.name}: expected a run that a keeper has begun, got none. {_START_ONE}")
        return decode(f"{self.name}: setup", packet).header

    def kept(self, what: str = "state") -> Kept | None:
        """Return ``state`` or ``start``; before the first update ``state`` is ``start``.

        Raises
        ------
        SharedStateError
            The packet is damaged.
        """
        packet = self.read(what)
        if packet is None:
            return None if what == "start" else self.kept("start")
        return read_kept(f"{self.name}: {what}", packet)

    def version(self) -> int:
        """Return the newest version.

        Raises
        ------
        SharedStateError
            The header of the state is damaged.
        """
        head = self._head("state") or self._head("start")
        return head["version"] if head else 0

    def fetch(self) -> Snapshot:
        """See `SharedState.fetch`.

        Raises
        ------
        SharedStateError
            There are no parameters, or they are damaged.
        """
        if self._fetched is None or self._fetched.version != self.version():
            kept = self.kept()
            if kept is None:
                raise SharedStateError(f"{self.name}: expected shared parameters, got none. Join the run first.")
            self._fetched = Snapshot(kept.version, kept.theta)
        return self._fetched

    def push(self, base_version: int, seen: Theta, new: Theta, figures: Mapping[str, float] | None = None) -> int:
        """See `SharedState.push`.

        Raises
        ------
        NotFinite
            The new parameters are NaN or infinite; nothing was sent.
        SharedStateError
            No keeper applies it in time; it stays in the record.
        """
        if not np.isfinite(new).all():
            raise NotFinite("vector of new parameters")
        number = self._number + 1
        told = {"worker": self._worker, "process": self._process, "number": number, "base": base_version}
        told |= {"time": time.time(), "figures": dict(figures or {})}
        packet, sent_at = encode(told, self.merge().sent(seen, new)), self._gaps
        self.append(packet)
        self._number = number

        def is_applied() -> bool:
            nonlocal sent_at
            if sent_at != self._gaps:  # a server that was started again may have lost it; twice is as good as once
                sent_at = self._gaps
                self.append(packet)
            head = self._head("state")
            return head is not None and head["numbers"].get(self._process, 0) >= number

        self._until(is_applied, "a keeper that applies an update, got none. The update is in the record")
        return self.version()

    def wait(self, version: int, seconds: float) -> bool:
        """See `SharedState.wait`.

        Raises
        ------
        SharedStateError
            The header of the state is damaged.
        """
        end = time.monotonic() + seconds
        while self.version() < version:
            left = end - time.monotonic()
            if left <= 0:
                return False
            self.pause(left)
        return True

    def _head(self, what: str) -> dict[str, Any] | None:
        data = self.read(what, HEAD)
        if data is not None and len(data) == HEAD:
            try:
                return read_header(f"{self.name}: {what}", data)
            except SharedStateError:
                data = self.read(what)  # a longer header, or a damaged one
        return None if data is None else read_header(f"{self.name}: {what}", data)

    def _until(self, condition: Callable[[], bool], expected: str) -> None:
        """Wait for a condition, and longer while versions go on.

        Raises
        ------
        SharedStateError
            It does not come true while nothing happens for `patience` seconds.
        """
        version, end = -1, time.monotonic() + self.patience
        while not condition():
            now = self.version()
            if now != version:
                version, end = now, time.monotonic() + self.patience
            left = end - time.monotonic()
            if left <= 0:
                raise SharedStateError(f"{self.name}: expected {expected}. {_START_ONE}")
            self.pause(left)


_START_ONE = "Start one: hf-compat share keep."
