"""The keeper: applies updates in the order of the record, commits each version, writes log and checkpoints; replay."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from hf_matlab_compat.distributed.judge import Judge
from hf_matlab_compat.distributed.kept import Kept, applied, read_update
from hf_matlab_compat.distributed.merges import Merge, merge_of, plain, shown
from hf_matlab_compat.distributed.packets import encode
from hf_matlab_compat.distributed.run_files import RunFiles
from hf_matlab_compat.distributed.shared_state import StoredState
from hf_matlab_compat.errors import OptionError, SharedStateError

RECORD = 1000
"""Updates that the record keeps at least, by default."""


class Keeper:
    """Keeps one run of shared parameters; a second keeper of the same run is refused.

    Parameters
    ----------
    state : FolderState or RedisState
        Where the run is.
    merge : Merge, optional
        The rule of a new run, by default `Masked`; the rule of a run that has begun cannot be changed.
    run_name : path
        Stem of log and checkpoints; empty for none.
    record : int
        The last updates that are kept at least, so that replay begins there; 0 keeps all.
    skip : sequence of str
        Names of damaged updates to leave out.
    judge : Judge, optional
        Scores every version on all cases; without it, figures are the workers'.

    Raises
    ------
    OptionError
        `record` is negative, or the files cannot be written.
    """

    def __init__(
        self,
        state: StoredState,
        merge: Merge | None = None,
        *,
        run_name: str | os.PathLike[str] = "",
        record: int = RECORD,
        skip: Sequence[str] = (),
        judge: Judge | None = None,
    ) -> None:
        if record < 0:
            raise OptionError("record", expected="a whole number of at least 0", got=record)
        self._state, self._asked, self._record, self._skip = state, merge, record, skip
        self._files, self._judge = RunFiles(run_name, of_workers=judge is None), judge
        self._base: Kept | None = None

    def run(
        self, versions: float = np.inf, idle: float = np.inf, watch: Callable[[Kept], object] = lambda kept: None
    ) -> Kept | None:
        """Apply updates until a number of versions is reached, or none has come for `idle` seconds.

        Parameters
        ----------
        versions : int
            The last version.
        idle : float
            Seconds.
        watch : callable
            Told of the state at the start and after every version.

        Returns
        -------
        Kept or None
            The state; None if no worker came.

        Raises
        ------
        OptionError
            The run has another rule.
        SharedStateError
            Another keeper is at work, an update is damaged, or the store cannot be read or written.
        """
        with ExitStack() as stack:
            stack.enter_context(self._state.keeping())
            merge = self._begun()
            kept = self._started(time.monotonic() + idle)
            if kept is None:
                return None
            if self._judge is not None:
                self._judge.figures(kept.theta)  # of another network: refused before a file is opened
            stack.enter_context(self._files.of(kept))
            watch(kept)
            last = time.monotonic()
            while kept.version < versions and time.monotonic() - last < idle:
                found = self._state.after(kept.last, min(1.0, idle))
                for name, data in found:
                    kept = self._taken(kept, name, data, merge)
                    watch(kept)
                    if kept.version >= versions:
                        break
                self._files.checkpoint(kept)
                if found:
                    last = time.monotonic()
                else:
                    self._state.stay(kept.version)
            return kept

    def _begun(self) -> Merge:
        asked = self._asked or merge_of("masked")
        self._state.create("setup", encode({"merge": plain(asked)}))
        merge = self._state.merge()
        if self._asked is not None and merge != self._asked:
            expected, got = f"{shown(plain(merge))}, the rule of this run", shown(plain(self._asked))
            raise OptionError("merge", expected=expected, got=got, advice="Another run needs another name.")
        return merge

    def _started(self, end: float) -> Kept | None:
        while (kept := self._state.kept()) is None:
            if time.monotonic() > end:
                return None
            self._state.stay(0)
            self._state.pause(0.1)
        return kept

    def _taken(self, kept: Kept, name: str, data: bytes, merge: Merge) -> Kept:
        after, told = _next(self._state.name, kept, (name, data), merge, self._skip)
        if after.version == kept.version:
            return after  # sent twice, or skipped; committed with the next version
        if self._judge is not None:
            after = self._judge.judged(after)
        self._files.log(after, told)
        self._state.commit(after.packet(), after.version)
        if self._record and after.version % self._record == 0:
            if self._base is not None:
                self._state.forget(self._base.packet(), self._base.last)
            self._base = after
        return after


def _next(
    where: str, kept: Kept, entry: tuple[str, bytes], merge: Merge, skip: Sequence[str]
) -> tuple[Kept, Mapping[str, Any]]:
    """Return the state after an update of the record, and the update's header.

    Raises
    ------
    SharedStateError
        The update is damaged and not to be skipped.
    """
    name, data = entry
    try:
        update = read_update(f"{where}: update {name}", data, kept, merge)
    except SharedStateError as error:
        if name in skip:
            return replace(kept, last=name, skipped=(*kept.skipped, name)), {}
        raise SharedStateError(f"{error} hf-compat share keep --skip {name} goes on without it.") from error
    return applied(kept, name, update, merge), update.header


class Replayed(NamedTuple):
    """A replay of the record.

    Attributes
    ----------
    start : int
        The version at which the record begins.
    kept : Kept
        The state that the record leads to.
    equal : bool
        Whether version and parameters are those of the run, bit for bit.
    """

    start: int
    kept: Kept
    equal: bool


def replay(state: StoredState) -> Replayed:
    """Apply the record again, from its beginning to the update that the run has come to.

    Raises
    ------
    SharedStateError
        There is no run, or an update is damaged or missing.
    """
    merge = merge_of(**state.setup()["merge"])
    kept, run = state.kept("start"), state.kept()
    if kept is None or run is None:
        raise SharedStateError(f"{state.name}: expected a run with parameters, got none. Start a worker.")
    start = kept.version
    for entry in _entries(state, kept.last, run.last):
        kept, _ = _next(state.name, kept, entry, merge, run.skipped)
    return Replayed(start, kept, _same(kept, run))


def _entries(state: StoredState, first: str, last: str) -> Iterator[tuple[str, bytes]]:
    while first != last:
        found = state.after(first, 0)
        if not found:
            raise SharedStateError(f"{state.name}: expected update {last} in the record, got none after {first or 0}.")
        for name, data in found:
            yield name, data
            first = name
            if name == last:
                return


def _same(one: Kept, other: Kept) -> bool:
    return one.version == other.version and one.theta.tobytes() == other.theta.tobytes()
