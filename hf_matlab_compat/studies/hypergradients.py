"""Hypergradients of a small classifier: four ways of running back, what floating point loses, and the short cut."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from hf_matlab_compat.hypergradients import Shortcut, hypergradients_of
from hf_matlab_compat.hypergradients.descent import Schedule
from hf_matlab_compat.kinds import check, whole
from hf_matlab_compat.studies.hypergradient_net import ETA, P, classifier, descent, start
from hf_matlab_compat.studies.hypergradient_ways import HEAD, Measured, measure

Vector = NDArray[Any]


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
        """True if both signs are right."""
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
