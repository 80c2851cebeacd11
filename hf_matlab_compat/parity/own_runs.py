"""This package's own runs of a recording: in double precision for ties and the model, and in other roundings for E."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from hf_matlab_compat.objective.cases import ChunkedCases
from hf_matlab_compat.parity.cases import rounded
from hf_matlab_compat.parity.comparisons import (
    Comparison,
    figure_comparisons,
    kernel_comparisons,
    path_comparisons,
    state_comparisons,
    steps_comparison,
)
from hf_matlab_compat.parity.engines.port import PortCase, PortEpoch, port_case, port_epoch, port_epochs
from hf_matlab_compat.parity.recording import EpochRecord, Recording
from hf_matlab_compat.problem import Cases
from hf_matlab_compat.solvers.damping import damp


def tie_distance(values: Sequence[float], steps: Sequence[int], ours: int, theirs: int) -> float:
    """How large, relative to the log-likelihood, a tie must be for both choices to come from the same rule.

    A tie far up the path parts two walks for good, so the two chosen iterates themselves may be worlds apart:
    what counts is the largest comparison, made in double, that speaks against either walk.

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
    """The most by which a comparison speaks against a walk, from the last iterate down, that ends at `end`."""
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

    def model(self, record: EpochRecord, ours: PortEpoch) -> Callable[[Any], float]:
        """φ(x) = ½ xᵀB x - gᵀx, with the recorded gradient; nan where the state was not recorded."""
        if self._free or not record.steps or not ours.kernels:
            return lambda x: np.nan
        problem, theta = self._case.problem, np.asarray(record.theta, np.float64)
        on = Cases((record.epoch - 1) % problem.num_chunks)
        G = problem.curvature(theta, on, problem.gradient(theta, on))
        B = damp(G, record.lam) if self._case.options.damping else G
        recorded = record.kernels.get("grad")
        b = np.asarray(ours.kernels["grad"] if recorded is None else recorded, np.float64)

        def phi(x: Any) -> float:
            wide = np.asarray(x, np.float64)
            return float(0.5 * wide @ B(wide) - b @ wide)

        return phi

    def tie(self, record: EpochRecord, ours: PortEpoch, theirs: int) -> float:
        """How large a tie of log-likelihoods our own choice and theirs need; 0 for the same choice."""
        if ours.own_choice == theirs:
            return 0.0
        theta = np.asarray(ours.theta_before if self._free else record.theta, np.float64)
        scores = (self._case.problem.score(theta + np.asarray(p, np.float64), Cases()) for p in ours.iterates)
        values = [score.log_likelihood for score in scores]
        return tie_distance(values, ours.steps, ours.own_choice, theirs)


MEMBERS = 16
REACHES = (1, 4)
Model = Callable[[Any], float]
ModelOf = Callable[[EpochRecord, PortEpoch], Model]
NOISE = 2e-16
"""On the parameters that a free run starts from."""


@dataclass(frozen=True)
class LastBitsOff:
    """A unit with another program's `exp` or `tanh`: outputs off by up to `reach` units of the last place."""

    unit: Any
    seed: int
    reach: int

    def activate(self, xp: Any, x: Any, out: Any = None) -> Any:
        y = self.unit.activate(xp, x, out)
        if self.unit.name == "linear":
            return y
        off = np.random.default_rng(self.seed).integers(-self.reach, self.reach, y.shape, endpoint=True)
        y += off.astype(y.dtype) * np.spacing(y)
        return y

    def __getattr__(self, name: str) -> Any:
        return getattr(self.unit, name)


def members(case: PortCase, count: int = MEMBERS) -> Iterator[PortCase]:
    """The same case in other roundings; `case` is on the CPU."""
    for seed in range(count):
        network = case.problem.network
        units = tuple(LastBitsOff(unit, seed, REACHES[seed % 2]) for unit in network.units)
        cases = _permuted(case.problem.cases, seed)
        yield replace(case, problem=replace(case.problem, network=replace(network, units=units), cases=cases))


def _permuted(cases: ChunkedCases, seed: int) -> ChunkedCases:
    columns = np.arange(len(cases)).reshape(cases.num_chunks, -1)
    order = np.random.default_rng(seed).permuted(columns, axis=1).ravel()
    inputs, targets = (np.asfortranarray(part[:, order]) for part in (cases.inputs, cases.targets))
    return ChunkedCases(inputs, targets, cases.num_chunks)


class OwnSpread:
    """E of this package's own runs, measured when first asked for.

    Parameters
    ----------
    recording : Recording
        Its states, choices and probe vectors are those of every member.
    model_of : callable
        (record, plain run) → the quadratic model of that epoch.
    """

    def __init__(self, recording: Recording, model_of: ModelOf) -> None:
        self._recording, self._model_of = recording, model_of
        self._spread: dict[int, dict[str, float]] = {}

    def E(self, record: EpochRecord, before: EpochRecord | None, quantity: str) -> float | None:
        """The largest distance of a member from the plain run; None where no member shows the quantity."""
        if record.epoch not in self._spread:
            if self._recording.mode == "free":
                self._measure_free()
            else:
                self._measure(record, before)
        return self._spread[record.epoch].get(quantity)

    def _measure(self, record: EpochRecord, before: EpochRecord | None) -> None:
        plain, *others = _cases(self._recording)
        if self._recording.precision == "single":
            # orders of cases miss what all of them round alike, and after CG that is the larger part
            others.append(port_case(rounded(self._recording.case), "double"))
        runs = [port_epoch(case, self._recording, record, before) for case in (plain, *others)]
        self._spread[record.epoch] = _widest(record, runs, self._model_of)

    def _measure_free(self) -> None:
        plain, *others = _cases(self._recording)
        noisy = [port_epochs(case, self._recording, NOISE, seed) for seed, case in enumerate(others)]
        epochs = zip(port_epochs(plain, self._recording), *noisy, strict=True)
        for record, runs in zip(self._recording.epochs, epochs, strict=True):
            self._spread[record.epoch] = _widest(record, list(runs), self._model_of)


def _cases(recording: Recording) -> list[PortCase]:
    plain = port_case(recording.case, recording.precision)
    return [plain, *members(plain)]


def _widest(record: EpochRecord, runs: list[PortEpoch | str], model_of: ModelOf) -> dict[str, float]:
    """By quantity; runs that stopped, and the order of cases in forward values, say nothing of rounding."""
    plain, *others = [run for run in runs if isinstance(run, PortEpoch)] or [PortEpoch()]
    as_record = replace(
        record,
        start=plain.x0 if plain.x0 is not None else record.start,
        **{
            name: getattr(plain, name) for name in ("kernels", "steps", "iterates", "figures", "theta_after", "d_after")
        },
    )
    model = model_of(record, plain)
    spread: dict[str, float] = {}
    for member in others:
        for pair in _pairs(as_record, member, model):
            if pair.distance is not None and pair.quantity != "forward":
                spread[pair.quantity] = max(pair.distance, spread.get(pair.quantity, 0.0))
    return spread


def _pairs(record: EpochRecord, member: PortEpoch, model: Model) -> Iterator[Comparison]:
    def undeclared(quantity: str) -> str:
        return ""

    yield from kernel_comparisons(record, member, undeclared)
    if record.steps:
        yield from path_comparisons(record, member, model, undeclared)
        yield steps_comparison(record, member)
    if record.figures:
        yield from figure_comparisons(record, member, "test_ll" in record.figures, undeclared)
        yield from state_comparisons(record, member, undeclared)
