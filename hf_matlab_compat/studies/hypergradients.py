"""Hypergradients of a small classifier by four ways of running back: memory, seconds, errors and signs."""

from __future__ import annotations

import gc
import time
import tracemalloc
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from hf_matlab_compat.hypergradients import Derivatives, Descent, Hypergradients, Shortcut, hypergradients_of
from hf_matlab_compat.hypergradients.descent import Schedule
from hf_matlab_compat.hypergradients.engines import by_engine
from hf_matlab_compat.kinds import check, whole
from hf_matlab_compat.studies.hypergradient_net import ETA, Functions, P, classifier, descent, start

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


def error_of_undoing_in_floating_point(steps: int, seed: int = 0) -> float:
    """Return the largest error of the start after training and undoing it in floating point."""
    net, x, v, schedule = classifier(), start(seed), np.zeros(P), Schedule(descent(steps), [P])
    for t in range(steps):
        v = schedule.decay(t) * v - (1 - schedule.decay(t)) * net.gradient(x, ETA, t)
        x = x + schedule.rate(t) * v
    with np.errstate(all="ignore"):
        for t in reversed(range(steps)):
            x = x - schedule.rate(t) * v
            v = (v + (1 - schedule.decay(t)) * net.gradient(x, ETA, t)) / schedule.decay(t)
    return float(abs(x - start(seed)).max())


class Direction(NamedTuple):
    """The short cut's derivatives by η beside the exact ones, from one start.

    Attributes
    ----------
    seed : int
    exact, short : (2,) arrays
    """

    seed: int
    exact: Vector
    short: Vector

    @property
    def cosine(self) -> float:
        """Of the angle between them."""
        return float(self.exact @ self.short / np.linalg.norm(self.exact) / np.linalg.norm(self.short))

    @property
    def right_signs(self) -> bool:
        """Whether both signs are right."""
        return bool((np.sign(self.exact) == np.sign(self.short)).all())

    def row(self, steps: int) -> str:
        """Return its figures as a line of the table."""
        signs = "right" if self.right_signs else "wrong"
        each = "".join(f"{a:12.2e}{b:12.2e}" for a, b in zip(self.exact, self.short, strict=True))
        return f"{steps:6}{self.seed:6}{each}{self.cosine:9.4f}{signs:>8}"


_PAIR = f"{'exact':>12}{'short cut':>12}"
HEAD_OF_DIRECTIONS = (
    f"{'':12}{'derivative by η₁':>24}{'by η₂':>24}\n{'steps':>6}{'start':>6}{_PAIR}{_PAIR}{'cosine':>9}{'signs':>8}"
)


def directions(steps: int, seeds: Sequence[int]) -> list[Direction]:
    """Return derivatives by η, exact and by the short cut, from several starts."""
    net, settings = classifier(), descent(steps)
    pairs = [
        [hypergradients_of(net, start(seed), ETA, settings, by).d_eta for by in ("stored", "shortcut")]
        for seed in seeds
    ]
    return [Direction(seed, *pair) for seed, pair in zip(seeds, pairs, strict=True)]


LENGTHS, SHORT, LONG = (50, 120, 240, 400), 200, 1000
SHORTENED = (50, 100, 200, 1000)


@dataclass(frozen=True)
class Found:
    """The figures of the study.

    Attributes
    ----------
    ways : list of Measured
        In the order of WAYS.
    undone : list of float
        Errors of undoing in floating point after LENGTHS steps.
    directions : dict
        Lists of `Direction` by number of steps.
    shortened : dict
        Derivatives by η of short cuts of 1000 steps from start 0, by their number of steps.
    """

    ways: list[Measured]
    undone: list[float]
    directions: dict[int, list[Direction]]
    shortened: dict[int, Vector]

    @property
    def ratio(self) -> float:
        """How many times more is kept by stored steps than by reversible learning."""
        return self.ways[0].kept / self.ways[2].kept

    @property
    def speed(self) -> float:
        """How many times faster the short cut runs back than reversible learning."""
        return self.ways[2].seconds.back / self.ways[3].seconds.back

    def reaches_its_marks(self) -> bool:
        """Return whether memory, speed and the signs after 200 steps are as expected."""
        return self.ratio >= 100 and self.speed >= 8 and all(each.right_signs for each in self.directions[SHORT])

    def text(self) -> str:
        """Return the tables."""
        ways = [HEAD, *(each.row(self.ways[0]) for each in self.ways)]
        undone = [f"{steps:6}{error:12.1e}" for steps, error in zip(LENGTHS, self.undone, strict=True)]
        signs = [each.row(steps) for steps, starts in self.directions.items() for each in starts]
        lines = [f"{count:6}{values[0]:12.2e}{values[1]:12.2e}" for count, values in self.shortened.items()]
        heading = f"{'steps':>6}{'by η₁':>12}{'by η₂':>12}  of a short cut back through {LONG}, start 0"
        right = [each.right_signs for each in self.directions[SHORT]]
        marks = [
            f"marks: {self.ratio:.0f} times less kept than by stored steps (at least 100),",
            f"the short cut {self.speed:.1f} times faster back than reversible learning (at least 8),",
            f"its signs right from {sum(right)} of {len(right)} starts after {SHORT} steps (all) - "
            f"{'met' if self.reaches_its_marks() else 'not met'}",
        ]
        parts = [ways, [f"{'steps':>6}{'error':>12}  of the start, undone in floating point", *undone]]
        return "\n\n".join("\n".join(part) for part in [*parts, [HEAD_OF_DIRECTIONS, *signs], [heading, *lines], marks])


def study(steps: int, starts: int, derivatives: str, tell: Callable[[str], None]) -> Found:
    """Run all of it.

    Parameters
    ----------
    steps : int
        Of training, where ways are compared.
    starts : int
        Number of starts of the short cut.
    derivatives : {'hand', 'autograd'}
        Where ways are compared.
    tell : callable
        Is told of progress.

    Raises
    ------
    OptionError
        There are no steps or no starts.
    """
    check(whole(1), steps=steps, starts=starts)
    tell(f"{steps} steps by each way ...")
    ways = measure(steps, 0, derivatives)
    tell("undoing in floating point, and the short cut ...")
    undone = [error_of_undoing_in_floating_point(each) for each in LENGTHS]
    signs = {length: directions(length, range(starts)) for length in (SHORT, LONG)}
    net, settings = classifier(), descent(LONG)
    short = {K: hypergradients_of(net, start(0), ETA, settings, Shortcut(K)).d_eta for K in SHORTENED}
    return Found(ways, undone, signs, short)
