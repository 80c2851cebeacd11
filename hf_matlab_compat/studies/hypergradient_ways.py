"""Four ways of running back through a classifier's training: kB kept and alive, CPU seconds and errors."""

from __future__ import annotations

import gc
import time
import tracemalloc
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from hf_matlab_compat.hypergradients import Derivatives, Descent, Hypergradients, hypergradients_of
from hf_matlab_compat.hypergradients.engines import by_engine
from hf_matlab_compat.studies.hypergradient_net import ETA, Functions, classifier, descent, start

Vector = NDArray[Any]
WAYS = ("stored", "checkpoints", "reversible", "shortcut")


@dataclass
class Meter:
    """Derivatives that look at the memory and the clock whenever training asks for one.

    Attributes
    ----------
    inner : Derivatives
    kept : int
        Traced bytes between the runs forward and back, after Python's garbage collector has run.
    alive : int
        The most at the beginning of any derivative: what is kept, what running back works with, and garbage.
    began, between, went_back : float
        CPU seconds at the beginning, after training, and after the validation loss.
    """

    inner: Derivatives
    kept: int = 0
    alive: int = 0
    began: float = field(default_factory=time.process_time)
    between: float = 0.0
    went_back: float = 0.0

    def gradient(self, x: Vector, eta: Vector, t: int) -> Vector:
        """Return the gradient."""
        self._look()
        return self.inner.gradient(x, eta, t)

    def linearized(self, x: Vector, eta: Vector, t: int) -> tuple[Vector, Any]:
        """Return the gradient and the products."""
        self._look()
        return self.inner.linearized(x, eta, t)

    def validation(self, x: Vector, eta: Vector) -> tuple[float, Vector, Vector]:
        """Return the validation loss and its derivatives."""
        self.between = time.process_time()
        if tracemalloc.is_tracing():
            gc.collect()
        self.kept = self._look()
        found = self.inner.validation(x, eta)
        self.went_back = time.process_time()
        return found

    def _look(self) -> int:
        now = tracemalloc.get_traced_memory()[0] if tracemalloc.is_tracing() else 0
        self.alive = max(self.alive, now)
        return now


def memory_of(derivatives: Derivatives, x: Vector, settings: Descent, by: str) -> tuple[int, int]:
    """Return bytes between the runs forward and back, and the most that were alive at the beginning of a derivative.

    They are those of all objects made since the call began, x of the end and the results included.
    """
    hypergradients_of(derivatives, x, ETA, descent(4), by)  # what Python keeps of a first run is not counted
    meter = Meter(derivatives)
    gc.collect()
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        hypergradients_of(meter, x, ETA, settings, by)
    finally:
        tracemalloc.stop()
    return meter.kept - before, meter.alive - before


class Seconds(NamedTuple):
    """CPU seconds of a run.

    Attributes
    ----------
    forward, back : float
    """

    forward: float
    back: float


def timed(derivatives: Derivatives, x: Vector, settings: Descent, by: str) -> tuple[Hypergradients, Seconds]:
    """Return hypergradients and the CPU seconds of both runs."""
    meter = Meter(derivatives)
    found = hypergradients_of(meter, x, ETA, settings, by)
    return found, Seconds(meter.between - meter.began, time.process_time() - meter.went_back)


@dataclass(frozen=True)
class Measured:
    """A way of running back.

    Attributes
    ----------
    way : str
    kept, alive : int
        Bytes; see `memory_of`.
    seconds : Seconds
    error, error_of_steps : float
        Relative distance to the derivatives from stored steps: by η, and by learning rates and momenta (NaN for the
        short cut, which has none).
    """

    way: str
    kept: int
    alive: int
    seconds: Seconds
    error: float
    error_of_steps: float

    def row(self, stored: Measured) -> str:
        """Return its figures as a line of the table, with ratios to stored steps."""
        memory = f"{self.kept / 1e3:9.1f}{stored.kept / self.kept:7.0f}{self.alive / 1e3:9.1f}"
        seconds = f"{self.seconds.forward:9.3f}{self.seconds.back:8.3f}"
        of_steps = f"{self.error_of_steps:9.0e}" if np.isfinite(self.error_of_steps) else f"{'-':>9}"
        return f"{self.way:12}{memory}{stored.alive / self.alive:7.0f}{seconds}{self.error:9.0e}{of_steps}"


HEAD = (
    f"{'':12}{'kept kB':>9}{'ratio':>7}{'alive kB':>9}{'ratio':>7}{'forward':>9}{'back':>8}{'error η':>9}{'of α, γ':>9}"
)


def measure(steps: int, seed: int, derivatives: str = "hand") -> list[Measured]:
    """Return memory, CPU seconds and errors of every way, stored steps first."""
    net, x, settings = _derivatives(derivatives), start(seed), descent(steps)
    found = []
    exact = hypergradients_of(net, x, ETA, settings, "stored")
    for way in WAYS:
        mine, seconds = timed(net, x, settings, way)
        kept, alive = memory_of(net, x, settings, way)
        by_steps = np.nan if mine.d_momenta is None else _distance(_of_steps(mine), _of_steps(exact))
        found.append(Measured(way, kept, alive, seconds, _distance(mine.d_eta, exact.d_eta), by_steps))
    return found


def _derivatives(kind: str) -> Derivatives:
    net = classifier()
    if kind == "hand":
        return net
    functions = Functions(net)
    return by_engine(kind, functions.loss, functions.validation, (start(0), ETA))


def _of_steps(found: Hypergradients) -> Vector:
    return np.append(found.d_learning_rates, found.d_momenta)


def _distance(found: Vector, wanted: Vector) -> float:
    return float(np.linalg.norm(found - wanted) / np.linalg.norm(wanted))
