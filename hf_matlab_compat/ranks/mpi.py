"""Ranks over MPI (mpi4py): collective calls, in the same order on every rank.

A signal only sets a flag here. The ranks combine their flags after every sum over blocks, so that all of them leave an
epoch at the same place; an exception that one rank raised alone would leave the others waiting.
"""

from __future__ import annotations

import hashlib
import os
import pickle
import platform
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from functools import partial
from typing import Any, ClassVar, TypeVar

import numpy as np

from hf_matlab_compat.errors import DataWarning, OptionError, RankError, RanksDisagree
from hf_matlab_compat.objective.addition_order import order_of
from hf_matlab_compat.objective.ordered_sum import OrderedSum
from hf_matlab_compat.observers.interrupt import InterruptGuard
from hf_matlab_compat.preflight.arrays import sharing_checks
from hf_matlab_compat.ranks.allocation import allotted, processors_here, share
from hf_matlab_compat.ranks.failing import failing_together
from hf_matlab_compat.ranks.ranked_sum import RankedSum
from hf_matlab_compat.ranks.ranks import OneProcess, blas_kernels, first_failure, on_first_alone

T = TypeVar("T")


def world() -> Any:
    """Return the communicator of all processes that mpiexec started.

    Raises
    ------
    OptionError
        mpi4py or an MPI library is missing.
    """
    try:
        from mpi4py import MPI
    except (ImportError, RuntimeError) as error:  # mpi4py raises the latter if it finds no MPI library
        raise OptionError(
            "ranks",
            expected="mpi4py and an MPI library for 'mpi'",
            got=f"none ({' '.join(str(error).split())[:120]})",
            advice="pip install 'hf_matlab_compat[mpi]'; where there is no MPI, 'hf_matlab_compat[mpi-local]'.",
        ) from error
    return MPI.COMM_WORLD


class MPIRanks(OneProcess):
    """The ranks of an MPI communicator.

    Attributes
    ----------
    rank, size : int

    Parameters
    ----------
    comm : mpi4py.MPI.Comm
    """

    vector_bytes: ClassVar[int] = 0
    """Bytes of vectors that this process has sent so far."""
    _for_failures: ClassVar[Any] = None

    def __init__(self, comm: Any) -> None:
        from mpi4py import MPI

        self.comm, self.rank, self.size = comm, comm.rank, comm.size
        self._max, self._in_place = MPI.MAX, MPI.IN_PLACE
        self._guard: InterruptGuard | None = None
        self._processors, self._rank_here = processors_here(comm)
        self._flags = np.zeros(2, dtype=np.int32)
        self._where = f"{platform.node()}, {processor()}"
        if MPIRanks._for_failures is None:
            MPIRanks._for_failures = comm.Dup()

    def failing_together(self) -> AbstractContextManager[None]:
        """See `OneProcess.failing_together`."""
        return failing_together(self._for_failures, self._where)

    def on_first(self, do: Callable[[], T]) -> T:
        """See `OneProcess.on_first`."""
        result, error = None, None
        if self.is_first:
            try:
                with on_first_alone():
                    result = do()
            except Exception as raised:
                error = raised
        result, other = self.comm.bcast((result, _portable(error)) if self.is_first else None)
        if error is None and other is not None:
            error = other
        if error is not None:
            raise error
        return result

    @contextmanager
    def preflight(self) -> Iterator[None]:
        """See `OneProcess.preflight`. Checks that read all data are shared, each rank taking a part.

        The first rank shows its own warnings, and those on data that only other ranks have.

        Raises
        ------
        Exception
            The error of this rank; a `RankError` for one of another rank.
        """
        error: Exception | None = None
        with warnings.catch_warnings(record=True) as told, sharing_checks(self.rank, self.size):
            if not self.is_first:
                warnings.simplefilter("always")
            try:
                yield
            except Exception as raised:
                error = raised
        on_data = [str(each.message) for each in told if issubclass(each.category, DataWarning)]
        found = self.comm.allgather((None if error is None else (self._where, _portable(error)), on_data))
        of_others = {text for _, texts in found for text in texts}.difference(on_data)
        self.on_first(partial(_show, told, sorted(of_others)))
        failures = [failure for failure, _ in found]
        if any(failures):
            failure = first_failure(failures, error)
            raise failure from (failure.__cause__ if failure is error else error)

    @contextmanager
    def held_by_first(self, lock: AbstractContextManager[T]) -> Iterator[None]:
        """See `OneProcess.held_by_first`."""
        with ExitStack() as stack:
            self.on_first(lambda: stack.enter_context(lock) and None)
            yield

    def compare(self, what: Callable[[], Mapping[str, Any]], when: str) -> None:
        """See `OneProcess.compare`."""
        self._compare(what(), when)

    def _compare(self, what: Mapping[str, Any], when: str) -> None:
        mine = {name: _digest(value) for name, value in what.items()}
        found = self.comm.allgather((mine, self._where, {n: v for n, v in what.items() if isinstance(v, str)}))
        for name in mine:
            other = next((r for r, (theirs, *_) in enumerate(found) if theirs.get(name) != found[0][0].get(name)), None)
            if other is not None:
                raise _disagreement(name, when, found, other)

    def threads(self, asked: int | None) -> int | None:
        """See `OneProcess.threads`."""
        return asked or share(self._processors, self._rank_here, allotted(os.environ))

    def guard(self) -> InterruptGuard:
        """See `OneProcess.guard`: signals take effect where all ranks check for them."""
        self._guard = _SharedGuard(self.check)
        return self._guard

    def make_sum(self, lanes: int) -> Callable[..., OrderedSum]:
        """See `OneProcess.make_sum`: each rank adds its own lanes."""
        return partial(RankedSum, order=order_of(lanes), ranks=self)

    def check(self, has_more: bool = False, raises: bool = True) -> bool:
        """Combine the ranks' signals; return whether any rank has more to send.

        Raises
        ------
        KeyboardInterrupt
            A rank received a signal, and `raises`.
        """
        guard = self._guard
        self._flags[:] = (guard.received if guard else None) or 0, has_more
        combined = np.empty_like(self._flags)
        self.comm.Allreduce(self._flags, combined, op=self._max)
        if combined[0] and guard is not None:
            guard.received = int(combined[0])
            if raises:
                raise KeyboardInterrupt
        return bool(combined[1])

    def count(self, sent: int) -> None:
        """Count bytes of vectors that this process sent."""
        MPIRanks.vector_bytes += sent

    def in_place(self, vector: Any, counts: list[int], starts: list[int]) -> tuple[Any, Any]:
        """Return the arguments of an Allgatherv that completes a vector of which each rank has its own piece."""
        return self._in_place, [vector, (counts, starts)]

    def gathered(self, values: list[Any]) -> list[Any]:
        """Return a list with the values that each rank has, where it has one (not None)."""
        own = {j: value for j, value in enumerate(values) if value is not None}
        if not self.check(has_more=bool(own)):
            return values
        for theirs in self.comm.allgather(own):
            for j, value in theirs.items():
                values[j] = value
        return values


class _SharedGuard(InterruptGuard):
    """Remembers signals; `check` combines those of all ranks and raises KeyboardInterrupt on all."""

    def __init__(self, check: Callable[..., bool]) -> None:
        super().__init__()
        self._check = check

    @contextmanager
    def abandonable(self) -> Iterator[None]:
        """See `InterruptGuard.abandonable`; the block is left at the next sum over blocks."""
        self._check()
        yield

    def settle(self) -> None:
        """See `InterruptGuard.settle`."""
        self._check(raises=False)


def _show(told: list[warnings.WarningMessage], of_others: list[str]) -> None:
    for each in told:
        warnings.showwarning(each.message, each.category, each.filename, each.lineno)
    for text in of_others:
        warnings.warn(text, DataWarning, stacklevel=2)


def processor() -> str:
    """Return the name of the processor and of the kernels that BLAS chose for it."""
    try:
        with open("/proc/cpuinfo", encoding="utf-8", errors="replace") as file:
            names = [line.partition(":")[2].strip() for line in file if line.startswith("model name")]
    except OSError:
        names = []
    name = names[0] if names else platform.processor() or platform.machine()
    return f"{name}, BLAS kernels {blas_kernels()}"


def _digest(value: Any) -> bytes:
    if isinstance(value, np.ndarray):
        array: np.ndarray[Any, Any] = np.ascontiguousarray(value)
        return hashlib.sha256(str((array.dtype, array.shape)).encode() + array.data).digest()[:16]
    return hashlib.sha256(repr(value).encode()).digest()[:16]


_ADVICE = {
    "version": "Install the same versions on all hosts.",
    "BLAS": "Processors of different kinds compute with different kernels: set OPENBLAS_CORETYPE to the same value on "
    "all hosts.",
}
"""Advice if ranks disagree, by the first word of what they disagree on."""
_SAME_START = "Give all ranks the same arguments and the same files."
_LONGEST_SHOWN = 40


def _disagreement(name: str, when: str, found: list[Any], other: int) -> RanksDisagree:
    (_, here, words), (_, there, other_words) = found[0], found[other]
    values = [each.get(name, "") for each in (words, other_words)]
    short = all(0 < len(value) <= _LONGEST_SHOWN for value in values)
    first, second = values if short else ("one", "another")
    advice = _ADVICE.get(name.split()[0], _SAME_START if "before" in when else _ADVICE["BLAS"])
    return RanksDisagree(
        f"ranks: expected the same {name} on all ranks {when}, got {first} on rank 0 ({here}) and {second} on "
        f"rank {other} ({there}). {advice}"
    )


def _portable(error: BaseException | None) -> Any:
    """Return an error that pickle can send."""
    if error is None:
        return None
    try:
        pickle.loads(pickle.dumps(error))
    except Exception:  # a user's observer may raise anything
        return RankError(f"{type(error).__name__}: {error}")
    return error
