"""Study of shared state: workers that merge their updates out of turn, beside one run with central sums.

The workers are simulated on a clock that counts work, so the table is the same on every machine. Work is counted in
passes over cases: a gradient or a curvature product of a case is 1, a likelihood a quarter (`studies.counting`).
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np

from hf_matlab_compat.distributed.merges import Average, Delta, Masked, Merge, Theta
from hf_matlab_compat.method import Method, silent
from hf_matlab_compat.options import Options
from hf_matlab_compat.problem import Cases, Problem
from hf_matlab_compat.registry import method_of
from hf_matlab_compat.state import Memory
from hf_matlab_compat.studies.counting import Counted
from hf_matlab_compat.studies.data import classes
from hf_matlab_compat.subject import NetworkData, Subject, network_subject

WORKERS = 4
CASES = 1200
EPOCHS = 40
"""Epochs of the central run; the workers together have as much work."""

MERGED: Mapping[str, Merge] = {
    "masked": Masked(),
    "masked, up to .01 unchanged": Masked(0.01),
    "difference / workers": Delta(1 / WORKERS),
    "average with the shared copy": Average(),
    "difference added whole": Delta(),
    "last writer wins": Average(1.0),
}
"""Rules in the order of the table."""

Pace = Callable[[np.random.Generator], float]
"""Draws the time that a unit of work takes in one epoch of one worker; the mean is about 1."""


def even(random: np.random.Generator) -> float:
    """Draw a time between 0.8 and 1.25: equal machines with nothing else to do."""
    return float(random.uniform(0.8, 1.25))


def uneven(random: np.random.Generator) -> float:
    """Draw from the exponential distribution: machines that others use too."""
    return float(random.exponential())


@dataclass
class Worker:
    """A worker of the simulation and what it is doing.

    Attributes
    ----------
    problem : Counted
        Its shard of the cases.
    memory : mapping
        Of its method.
    seen : (P,) array
        The shared parameters that it read last.
    base : int
        Their version.
    new : (P,) array
        Its own parameters at the end of its epoch.
    epoch : int
        Epochs that it has begun.
    """

    problem: Any
    memory: Memory
    seen: Theta
    base: int = 0
    new: Any = None
    epoch: int = 0

    def work(self, method: Method) -> float:
        """Run an epoch from the parameters that were read, and return how much work it was."""
        before = self.problem.passes
        self.epoch += 1
        done = method.epoch(self.problem, self.seen, self.memory, self.epoch, silent)
        self.new, self.memory = done.theta, done.memory
        return self.problem.passes - before


@dataclass
class Shared:
    """The end of a simulated run.

    Attributes
    ----------
    theta : (P,) array
    version : int
        Updates.
    staleness : list of int
        For each update, how many others came between reading and writing.
    written : list of float
        For each update, the share of entries that it could write.
    """

    theta: Any
    version: int = 0
    staleness: list[int] = field(default_factory=list)
    written: list[float] = field(default_factory=list)


def simulate(
    problems: list[Problem], method: Method, merge: Merge, theta: Theta, work: float, draw: Callable[[], float]
) -> Shared:
    """Run workers out of turn until they have done an amount of work, and return the shared parameters.

    Each worker reads the shared parameters, runs one epoch on its own cases, merges what it has and reads again. An
    epoch takes the time of its work at the pace that is drawn for it.

    Parameters
    ----------
    problems : list of Problem
        Each worker's own.
    method : Method
        Its settings; every worker has a memory of its own.
    merge : Merge
        The rule of the shared parameters.
    theta : (P,) array
        Where all start.
    work : float
        In passes over the cases of one worker, all workers together.
    draw : callable
        Draws the pace of the next epoch.
    """
    workers = [Worker(Counted(each), method.start(each, theta), theta) for each in problems]
    shared, running = Shared(theta), list[tuple[float, int]]()
    for number, worker in enumerate(workers):
        heapq.heappush(running, (worker.work(method) * draw(), number))
    for now, number in _ends(running):
        worker = workers[number]
        shared.theta, written = merge.merged(shared.theta, merge.sent(worker.seen, worker.new))
        shared.staleness.append(shared.version - worker.base)
        shared.written.append(written)
        shared.version += 1
        worker.seen, worker.base = shared.theta, shared.version
        if sum(each.problem.passes for each in workers) < work:
            heapq.heappush(running, (now + worker.work(method) * draw(), number))
    return shared


def sharing(data: str, seed: int) -> Mapping[str, list[float]]:
    """Return training log-likelihood, test error in percent, staleness and percent written, by pace and rule."""
    fit, test = classes(data, {"digits": (CASES, 597), "mnist5k": (CASES, 1000)}[data], seed)
    whole, central = _subject([fit, test], seed, num_chunks=WORKERS)
    counted = Counted(whole.problem)
    theta, memory = whole.state.theta, central.start(whole.problem, whole.state.theta)
    for n in range(1, EPOCHS + 1):
        theta, memory, *_ = central.epoch(counted, theta, memory, n, silent)
    found = {"central sums": [*_figures(whole, theta), 0.0, 100.0]}
    shards = [_subject([_shard(fit, k), test], seed, 1, whole.state.theta) for k in range(WORKERS)]
    problems = [subject.problem for subject, _ in shards]
    work = counted.passes * WORKERS  # a pass over all cases is one over the cases of each worker
    for pace in (uneven, even):
        for name, merge in MERGED.items():
            drawn = np.random.default_rng(seed)
            end = simulate(problems, shards[0][1], merge, whole.state.theta, work, partial(pace, drawn))
            told = [float(np.mean(end.staleness)), 100 * float(np.mean(end.written))]
            found[f"{pace.__name__}: {name}"] = [*_figures(whole, end.theta), *told]
    return found


def _ends(running: list[tuple[float, int]]) -> Iterator[tuple[float, int]]:
    while running:
        yield heapq.heappop(running)


def _shard(cases: Mapping[str, Any], k: int) -> dict[str, Any]:
    return {name: values[..., k::WORKERS] for name, values in cases.items()}


def _subject(parts: list[Any], seed: int, num_chunks: int, start: Any = None) -> tuple[Subject, Method]:
    fit, test = parts
    # MATLAB's first lambda, 45, is made for hundreds of epochs; the workers have some 25 each
    given = {"num_threads": 1, "error_measure": "misclassified", "max_epochs": EPOCHS, "initial_lam": 1.0}
    settings = Options(num_chunks=num_chunks, seed=seed, **given)
    units = ["logistic", "logistic", "softmax"]
    network = NetworkData(fit["inputs"], fit["targets"], test["inputs"], test["targets"], [60, 30], units)
    subject = network_subject(network, (start, None, None), None, settings, settings)
    return subject, method_of(settings, subject.backend)


def _figures(subject: Subject, theta: Any) -> tuple[float, float]:
    assert subject.held_out is not None
    train, test = subject.problem.score(theta, Cases()), subject.held_out.score(theta, Cases())
    return float(train.log_likelihood), 100 * float(test.error)
