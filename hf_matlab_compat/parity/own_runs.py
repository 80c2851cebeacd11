"""Runs of this package on a recording: in double precision for ties and the model, and in other roundings for E."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from hf_matlab_compat.parity.cases import rounded
from hf_matlab_compat.parity.comparisons import Model, distances
from hf_matlab_compat.parity.engines.port import port_case, port_epoch, port_epochs
from hf_matlab_compat.parity.engines.port_case import PortCase
from hf_matlab_compat.parity.recording import EpochRecord, Recording
from hf_matlab_compat.problem import Cases

MEMBERS = 16
"""Runs that differ by rounding: the cases of each chunk are permuted, and the outputs of units are off by last bits."""
REACHES = (1, 4)
"""Units of the last place by which outputs may be off, as those of another `exp` or of a SIMD `tanh` are."""
NOISE = 2e-16
"""Relative noise on the parameters that a free run starts from."""


def tie_distance(values: Sequence[float], steps: Sequence[int], ours: int, theirs: int) -> float:
    """Return how large a tie, relative to the log-likelihood, lets backtracking make either of two choices.

    A tie at a late iterate separates two walks for good, so that the chosen iterates themselves may be far apart.
    The largest comparison, in double, that contradicts either walk decides.

    Parameters
    ----------
    values : sequence of float
        Log-likelihood at each recorded iterate, in double precision.
    steps : sequence of int
        Their CG steps.
    ours, theirs : int
        Steps of the two chosen iterates.

    Returns
    -------
    float
        0 for the same choice; inf where one of them is not on the path.
    """
    if ours == theirs:
        return 0.0
    if ours not in steps or theirs not in steps:
        return math.inf
    return max(_objection(values, steps.index(step)) for step in (ours, theirs))


def _objection(values: Sequence[float], end: int) -> float:
    """Return the largest comparison that contradicts a walk from the last iterate down to position `end`."""
    falls = [(values[j + 1] - values[j]) / abs(values[j + 1]) for j in range(end, len(values) - 1)]
    goes_on = [(values[end - 1] - values[end]) / abs(values[end])] if end > 0 else []
    return max([0.0, *falls, *goes_on])


class ExactEpoch:
    """The epochs of a recording in double precision, on the CPU.

    Parameters
    ----------
    recording : Recording
    """

    def __init__(self, recording: Recording) -> None:
        self._free = recording.mode == "free"
        self._case = port_case(recording.case, "double")

    def model(self, record: EpochRecord, ours: EpochRecord) -> Model:
        """Return φ(x) = ½ xᵀB x - gᵀx with the recorded gradient; it is nan where the state was not recorded."""
        if self._free or not record.steps or not ours.kernels:
            return lambda side, at: math.nan
        problem, theta = self._case.problem, np.asarray(record.theta, np.float64)
        on = Cases((record.epoch - 1) % problem.num_chunks)
        G = problem.curvature(theta, on, problem.gradient(theta, on))
        B = self._case.method.damping.operator(G, record.lam)
        recorded = record.kernels.get("grad")
        b = np.asarray(ours.kernels["grad"] if recorded is None else recorded, np.float64)

        def phi(side: EpochRecord, at: int) -> float:
            x = np.asarray(side.iterates[at], np.float64)
            return float(0.5 * x @ B(x) - b @ x)

        return phi

    def tie(self, record: EpochRecord, ours: EpochRecord, theirs: int) -> float:
        """Return `tie_distance` of this package's own choice and theirs."""
        if ours.own_choice == theirs:
            return 0.0
        theta = np.asarray(ours.theta if self._free else record.theta, np.float64)
        scores = (self._case.problem.score(theta + np.asarray(p, np.float64), Cases()) for p in ours.iterates)
        values = [score.log_likelihood for score in scores]
        return tie_distance(values, ours.steps, ours.own_choice, theirs)


@dataclass(frozen=True)
class LastBitsOff:
    """A unit with another program's `exp` or `tanh`: outputs off by up to `reach` units of the last place."""

    unit: Any
    seed: int
    reach: int

    def activate(self, xp: Any, x: Any, out: Any = None) -> Any:
        """Return the unit's outputs, each off by a random number of last bits."""
        y = self.unit.activate(xp, x, out)
        if self.unit.name == "linear":
            return y
        off = np.random.default_rng(self.seed).integers(-self.reach, self.reach, y.shape, endpoint=True)
        y += off.astype(y.dtype) * np.spacing(y)
        return y

    def __getattr__(self, name: str) -> Any:
        return getattr(self.unit, name)


def members(case: PortCase, count: int = MEMBERS) -> Iterator[PortCase]:
    """Yield the same case, which is on the CPU, in other roundings."""
    for seed in range(count):
        yield case.in_other_rounding(seed, lambda unit, seed=seed: LastBitsOff(unit, seed, REACHES[seed % 2]))


class OwnSpread:
    """E of this package's own runs, always on the CPU, measured when it is first asked for.

    It serves where the reference's own E was not measured or is known to be too small.

    Parameters
    ----------
    recording : Recording
        Its states, choices and probe vectors are those of every member.
    exact : ExactEpoch
        Of the recording.
    """

    def __init__(self, recording: Recording, exact: ExactEpoch) -> None:
        self._recording, self._exact = recording, exact
        self._spread: dict[int, dict[str, float]] = {}

    def E(self, record: EpochRecord, before: EpochRecord | None, quantity: str) -> float | None:
        """Return the largest distance of a member from the plain run; None where no member shows the quantity."""
        if record.epoch not in self._spread:
            self._measure_free() if self._recording.mode == "free" else self._measure(record, before)
        return self._spread[record.epoch].get(quantity)

    def _measure(self, record: EpochRecord, before: EpochRecord | None) -> None:
        plain, *others = self._cases()
        if self._recording.precision == "single":
            # orders of cases miss what all of them round alike, and after CG that is the larger part
            others.append(port_case(rounded(self._recording.case), "double"))
        runs = [port_epoch(case, self._recording, record, before) for case in (plain, *others)]
        self._spread[record.epoch] = self._widest(record, runs)

    def _measure_free(self) -> None:
        plain, *others = self._cases()
        noisy = [port_epochs(case, self._recording, NOISE, seed) for seed, case in enumerate(others)]
        epochs = zip(port_epochs(plain, self._recording), *noisy, strict=True)
        for record, runs in zip(self._recording.epochs, epochs, strict=True):
            self._spread[record.epoch] = self._widest(record, runs)

    def _cases(self) -> list[PortCase]:
        plain = port_case(self._recording.case, self._recording.precision)
        return [plain, *members(plain)]

    def _widest(self, record: EpochRecord, runs: Sequence[EpochRecord | str]) -> dict[str, float]:
        """Return E by quantity; runs that stopped, and forward values in another order, do not show rounding."""
        plain, *others = [run for run in runs if not isinstance(run, str)] or [EpochRecord()]
        model = self._exact.model(record, plain)
        spread: dict[str, float] = {}
        for member in others:
            for quantity, apart in distances(member, plain, model).items():
                if quantity != "forward":
                    spread[quantity] = max(apart, spread.get(quantity, 0.0))
        return spread
