"""The processes (ranks) that share one run: who this one is, what only the first does, and what all must agree on."""

from __future__ import annotations

import os
import secrets
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar
from dataclasses import replace
from functools import partial
from importlib.metadata import version
from typing import Any, TypeVar

from threadpoolctl import threadpool_info

from hf_matlab_compat.errors import OptionError, RankError
from hf_matlab_compat.objective.addition_order import order_of
from hf_matlab_compat.objective.ordered_sum import OrderedSum
from hf_matlab_compat.observers.interrupt import InterruptGuard
from hf_matlab_compat.options import Options
from hf_matlab_compat.state import Memory, State

T = TypeVar("T")

_ON_FIRST_ALONE: ContextVar[bool] = ContextVar("on_first_alone", default=False)
"""True while the first rank does what only it does, and the others wait for the result."""


class OneProcess:
    """A run in this process alone: it is the first rank of one, and agrees with itself."""

    rank, size = 0, 1

    @property
    def is_first(self) -> bool:
        """True in the one rank that writes files and the screen."""
        return self.rank == 0

    def on_first(self, do: Callable[[], T]) -> T:
        """Call `do` on the first rank; return its result, or raise its error, on every rank."""
        return do()

    def preflight(self) -> AbstractContextManager[None]:
        """Return a context in which an error on one rank becomes an error on all; nothing in it may communicate."""
        return nullcontext()

    def failing_together(self) -> AbstractContextManager[None]:
        """Return a context that ends the job if an error leaves it on some ranks only."""
        return nullcontext()

    def compare(self, what: Callable[[], Mapping[str, Any]], when: str) -> None:
        """Raise `RanksDisagree` unless every value is the same on all ranks."""

    def held_by_first(self, lock: AbstractContextManager[T]) -> AbstractContextManager[T | None]:
        """Return a context in which the first rank holds a lock; if it gets none, its error is raised on all."""
        return lock

    def threads(self, asked: int | None) -> int | None:
        """Return the number of threads of this rank: as asked, or its share of the processors."""
        return asked

    def guard(self) -> InterruptGuard:
        """Return the guard of a run against signals."""
        return InterruptGuard()

    def make_sum(self, lanes: int) -> Callable[..., OrderedSum]:
        """Return the class of the sums over blocks, with this many lanes."""
        return partial(OrderedSum, order=order_of(lanes))


def ranks_of(options: Options) -> OneProcess:
    """Return the ranks that the options ask for.

    Raises
    ------
    OptionError
        See `ranks_named`; or the backend is a GPU.
    """
    if options.ranks != "none" and options.backend == "cupy":
        expected = "'none' with {backend='cupy'}"
        raise OptionError("ranks", expected=expected, got=repr(options.ranks), advice="Use a CPU backend.")
    return ranks_named(options.ranks)


def ranks_named(name: str) -> OneProcess:
    """Return the ranks by the name of the option `ranks`.

    Raises
    ------
    OptionError
        MPI or mpi4py is missing, or the other ranks would wait for ever: the program was started so that they would
        do so after an error, or the call is one of an observer, which only the first rank makes.
    """
    if name == "none":
        return OneProcess()
    from hf_matlab_compat.ranks.mpi import MPIRanks, world

    comm = world()
    if comm.size > 1 and "mpi4py.run" not in sys.modules:
        raise OptionError(
            "ranks",
            expected="a start as `mpiexec -n R python -m mpi4py script.py`",
            got="one without `-m mpi4py`",
            advice="With it, a rank that fails ends the others, which would otherwise wait for ever.",
        )
    if _ON_FIRST_ALONE.get() and comm.size > 1:
        expected = "'none' in an observer, which only the first rank runs"
        raise OptionError("ranks", expected=expected, got=repr(name))
    return MPIRanks(comm)


def failing_together(name: Any) -> AbstractContextManager[None]:
    """Return the context `OneProcess.failing_together` by the name of the option `ranks`, which may be wrong."""
    return ranks_named(name).failing_together() if name == "mpi" else nullcontext()


@contextmanager
def on_first_alone() -> Iterator[None]:
    """Within this context no ranks can be joined: the others wait for this one."""
    token = _ON_FIRST_ALONE.set(True)
    try:
        yield
    finally:
        _ON_FIRST_ALONE.reset(token)


_NUMBERS = ("PMI_RANK", "PMIX_RANK", "OMPI_COMM_WORLD_RANK", "SLURM_PROCID")
"""Environment variables in which launchers give a process its rank."""


def is_first_rank() -> bool:
    """Return False in a later rank of a shared run. Processes that have not joined each count as the first."""
    MPI = sys.modules.get("mpi4py.MPI")  # to import it here would wait for processes that never do
    return MPI is None or MPI.COMM_WORLD.rank == 0


def is_launched_first() -> bool:
    """Return False in the later ones of processes that a launcher started with `-m mpi4py`, before they join."""
    return "mpi4py.run" not in sys.modules or all(os.environ.get(name, "0") == "0" for name in _NUMBERS)


def with_a_shared_seed(options: Options, ranks: OneProcess) -> Options:
    """Return the options with a seed that the first rank draws, if there is none: ranks must start alike."""
    if ranks.size == 1:
        return options
    drawn = ranks.on_first(lambda: secrets.randbelow(1 << 32))  # also if this rank has one and another has none
    return options if options.seed is not None else replace(options, seed=drawn)


def facts_of_a_start(described: Mapping[str, Any], theta: Any, memory: Memory) -> dict[str, Any]:
    """Return what must be the same on all ranks before the first epoch, by the name that an error gives it."""
    versions = {f"version of {name}": version(name) for name in ("hf_matlab_compat", "numpy", "scipy")}
    settings = {f"option {name}": repr(value) for name, value in described.get("settings", {}).items()}
    settings.pop("option num_threads", None)
    data = {f"data in {name}": print_ for name, print_ in described.get("data", {}).items()}
    layers = {name: repr(described.get(name)) for name in ("sizes", "unit_types", "problem")}
    return {**versions, "BLAS kernels": blas_kernels(), **layers, **settings, **data, **_vectors(theta, memory)}


def facts_of_an_epoch(state: State) -> dict[str, Any]:
    """Return what must be the same on all ranks after an epoch."""
    return _vectors(state.theta, state.memory)


def _vectors(theta: Any, memory: Memory) -> dict[str, Any]:
    return {"theta": theta, **{f"{name} of the method": value for name, value in memory.items()}}


def blas_kernels() -> str:
    """Return the names of the kernels that BLAS chose for this processor."""
    found = {str(each["architecture"]) for each in threadpool_info() if each.get("architecture")}
    return " ".join(sorted(found)) or "unknown"


def first_failure(failures: Sequence[tuple[str, BaseException] | None], own: BaseException | None) -> BaseException:
    """Return the error that this rank raises after some ranks failed: its own, or one that names who failed.

    `failures` holds, for each rank, where it runs and its error.
    """
    rank, (where, error) = next((r, f) for r, f in enumerate(failures) if f is not None)
    if own is not None and all(f is not None and str(f[1]) == str(error) for f in failures):
        return own
    return RankError(f"rank {rank} ({where}): {error}")
