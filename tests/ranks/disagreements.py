"""Calls of `train` that differ between ranks; the first rank prints, for each, the errors of all ranks.

mpiexec -n 3 python -m mpi4py tests/ranks/disagreements.py OUT
"""

from __future__ import annotations

import errno
import json
import os
import sys
import warnings
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from mpi4py import MPI

from hf_matlab_compat import train
from hf_matlab_compat.errors import HessianFreeError
from hf_matlab_compat.matlab.files import checkpoint
from hf_matlab_compat.observers.observer import Observer, Stop
from hf_matlab_compat.ranks import ranks as ranks_module
from hf_matlab_compat.solvers.line_search import Armijo

RANK = MPI.COMM_WORLD.rank
INPUTS = np.random.default_rng(0).random((4, 12))


class AtTwo(Observer):
    """An observer whose answer only the first rank has."""

    def epoch(self, report: Any, state: Any) -> Stop | None:
        return Stop("two are enough") if report.epoch == 2 else None


def call(**other: Any) -> Any:
    given = {"inputs": INPUTS, "targets": INPUTS, "hidden_sizes": [3], "unit_types": ["logistic", "logistic"]}
    return train(**{**given, "max_epochs": 3, "max_cg_steps": 5, "seed": 0, "ranks": "mpi", **other})


class Nested(Observer):
    """An observer that starts a run on all ranks, though only the first rank runs it."""

    def epoch(self, report: Any, state: Any) -> None:
        call()


def nested() -> Any:
    return call(observers=[Nested()])


def no_error_but_a_users_own() -> Any:
    def corrupt(inputs: Any, cases: Any, epoch: int) -> Any:
        raise LookupError("no such cases")

    return call(corrupt=corrupt)


def doubtful_targets_in_the_share_of_the_second() -> Any:
    targets = np.tile(np.eye(2), 35_000)
    targets[:, -1] = 1
    layers = {"hidden_sizes": [], "unit_types": ["logistic"], "error_measure": "misclassified"}
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        call(inputs=targets, targets=targets, **layers, max_epochs=0)
    return str(MPI.COMM_WORLD.allgather([str(each.message) for each in told]))


def another_seed() -> Any:
    return call(seed=RANK)


def nan_on_the_second() -> Any:
    return call(inputs=np.where(RANK == 1, np.nan, INPUTS))


def other_option() -> Any:
    return call(initial_lam=45.0 if RANK < 2 else 44.0)


def other_data() -> Any:
    return call(targets=INPUTS if RANK != 1 else INPUTS / 2)


def other_version() -> Any:
    real = ranks_module.version
    ranks_module.version = lambda name: "0.0.9" if RANK == 2 and name == "hf_matlab_compat" else real(name)
    try:
        return call()
    finally:
        ranks_module.version = real


class Broken(Armijo):
    """One rank computes something else, as a broken processor would."""

    def search(self, *given: Any) -> Any:
        step = super().search(*given)
        return replace(step, rate=step.rate * (1 + 1e-6)) if RANK == 1 else step


def other_result() -> Any:
    return call(line_search=Broken())


def full_disk() -> Any:
    real = checkpoint.atomic_file

    def atomic_file(*_: Any) -> Any:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    checkpoint.atomic_file = atomic_file
    try:
        return call(run_name=Path(sys.argv[1]) / "full")
    finally:
        checkpoint.atomic_file = real


def no_folder() -> Any:
    return call(run_name=Path(sys.argv[1]) / "absent" / "run")


def locked_twice() -> Any:
    from hf_matlab_compat.preflight.run_lock import run_lock

    name = str(Path(sys.argv[1]) / "locked")
    if RANK:
        return call(run_name=name)
    with run_lock(name):
        return call(run_name=name)


def own_problem() -> Any:
    class Mine:
        num_parameters, num_chunks = 1, 1
        score = gradient = lambda self, theta, on: None

    return call(
        problem=Mine(),
        initial_theta=[0.0],
        **dict.fromkeys(("inputs", "targets", "hidden_sizes", "unit_types", "seed")),
    )


def no_seed_at_all() -> Any:
    return call(seed=None)


def stopped() -> Any:
    return call(observers=[AtTwo()], max_epochs=9)


def nan_in_the_share_of_the_second() -> Any:
    inputs = np.ones((2, 70_000))
    inputs[1, -1] = np.nan
    return call(inputs=inputs, targets=np.ones((2, 70_000)), max_epochs=0)


def threads_by_the_scheduler() -> Any:
    os.environ["SLURM_CPUS_PER_TASK"] = "1"
    ranks = ranks_module.ranks_named("mpi")
    return str([ranks.threads(None), ranks.threads(2)])


class Noting(Observer):
    """An observer that notes its epochs, and whether it saw progress."""

    def __init__(self) -> None:
        self.epochs: list[int] = []
        self.progressed = False

    def progress(self, stage: str, step: int, of: int) -> None:
        self.progressed = True

    def epoch(self, report: Any, state: Any) -> None:
        self.epochs.append(report.epoch)


def observed_by_the_first_alone() -> Any:
    observer = Noting()
    call(observers=[observer])
    return str(MPI.COMM_WORLD.allgather((observer.epochs, observer.progressed)))


def tell(do: Callable[[], Any]) -> list[str]:
    try:
        result = do()
        told = result
        if not isinstance(result, str):
            told = f"{result.outcome.value}: {result.state.epoch}, {result.reason}, {result.theta.sum().hex()}"
    except (HessianFreeError, OSError, LookupError) as error:
        told = f"{type(error).__name__}: {error}"
    return MPI.COMM_WORLD.gather(told)


if __name__ == "__main__":
    warnings.simplefilter("error")
    wanted = (nan_on_the_second, other_option, other_data, other_version, other_result, full_disk, no_folder)
    wanted += (locked_twice, own_problem, no_seed_at_all, stopped, nested, no_error_but_a_users_own, another_seed)
    more = (observed_by_the_first_alone, doubtful_targets_in_the_share_of_the_second, nan_in_the_share_of_the_second)
    more += (threads_by_the_scheduler,)
    found = {do.__name__: tell(do) for do in (*wanted, *more)}
    if RANK == 0:
        print(json.dumps(found))
