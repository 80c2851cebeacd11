"""E measured on this package, where the reference's own was not measured or is known to be too small.

16 members: cases permuted inside their chunks, and units whose outputs are off by one or four units of the last place,
as those of another `exp` or of a SIMD `tanh` are. Always on the CPU.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
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
from hf_matlab_compat.parity.port_case import PortCase, port_case
from hf_matlab_compat.parity.port_epoch import PortEpoch
from hf_matlab_compat.parity.port_runs import port_epoch, port_epochs
from hf_matlab_compat.parity.reference_run import EpochRecord, Recording

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
