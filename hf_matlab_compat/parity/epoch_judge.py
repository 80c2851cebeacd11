"""The judge of one epoch of a recording: the comparisons that its mode calls for, and a line for each."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from hf_matlab_compat.parity.certificate import Line, Verdict
from hf_matlab_compat.parity.comparisons import (
    FIGURE_STAGES,
    KERNEL_STAGES,
    Comparison,
    Model,
    choice_comparison,
    figure_comparisons,
    kernel_comparisons,
    path_comparisons,
    state_comparisons,
    steps_comparison,
)
from hf_matlab_compat.parity.engines.port_case import PortCase
from hf_matlab_compat.parity.envelope_rule import (
    OWN_FACTOR,
    UNDECIDED_E,
    Bound,
    figure_bound,
    kernel_bound,
    model_bound,
    rho_bound,
    undecided_from,
)
from hf_matlab_compat.parity.log_comparison import compare_logs
from hf_matlab_compat.parity.own_runs import ExactEpoch, OwnSpread
from hf_matlab_compat.parity.recording import AGAIN, AND_AGAIN, BY_CASES, EpochRecord, Recording, distance
from hf_matlab_compat.parity.stages import ANOTHER_CHUNK, STAGES
from hf_matlab_compat.parity.verdicts import (
    Column,
    Exemptions,
    absent_line,
    allowed_E,
    choice_line,
    differs,
    line_of,
    not_run,
    within,
)
from hf_matlab_compat.problem import Cases
from hf_matlab_compat.solvers.conjgrad import CGStop

_ON_CHUNK: Mapping[tuple[str, str], Callable[[PortCase, Any, int], Any]] = {
    ("forward", "layer 1"): lambda case, theta, chunk: case.forward(theta, chunk)[0],
    ("grad", "target chunk"): lambda case, theta, chunk: case.problem.gradient(theta, Cases(chunk)).chunk,
}
"""Values on the target chunk by stage and detail, as functions of any chunk."""

DRAWS, KEEPS = "draws random numbers", "keeps something from one call to the next"
"""Reasons why a reference does not repeat itself."""
LOG = Comparison("log", "", "log", "log", "", "", None)


class EpochJudge:
    """Judges the epochs of one recording.

    Parameters
    ----------
    recording : Recording
        The reference's run.
    case : PortCase
        The case on the backend that is judged.
    backend : str
        The backend's name in the lines.
    """

    def __init__(self, recording: Recording, case: PortCase, backend: str) -> None:
        self.recording, self.backend = recording, backend
        self._case = case
        self._tested = case.held_out is not None
        self._exact = ExactEpoch(recording)
        self._own = OwnSpread(recording, self._exact)
        self._undecided = undecided_from(self._spread_of_ll()) if recording.mode == "free" else None

    def _spread_of_ll(self) -> dict[int, float]:
        """Return E of ll by epoch, as far as it is rounding."""
        large = [r for r in self.recording.epochs if (self._measured(r.epoch, "log_likelihood") or 0.0) > UNDECIDED_E]
        found = {record.epoch: allowed_E("log_likelihood", "figure", self.column(record, None)) for record in large}
        return {epoch: E for epoch, E in found.items() if E is not None}

    def lines(self, record: EpochRecord, before: EpochRecord | None, ours: EpochRecord | str) -> list[Line]:
        """Return all lines of an epoch; where ours could not be run, they differ and say why."""
        column = self.column(record, before)
        if isinstance(ours, str):
            pairs = self._pairs(record, EpochRecord(), lambda side, at: np.nan)
            return [absent_line(pair, column) or differs(pair, column, ours) for pair in pairs]
        pairs = list(self._pairs(record, ours, self._exact.model(record, ours)))
        exempt = self._exemptions(record, ours, column, pairs)
        lines = [self._line(pair, column, exempt, record, ours) for pair in pairs]
        lines = [self._other_chunk(line, pair, record) for line, pair in zip(lines, pairs, strict=True)]
        if self.recording.mode != "kernels":
            compared = {pair.quantity: line for pair, line in zip(pairs, lines, strict=True) if line.bound is not None}
            lines.append(self._log_line(record, ours, exempt, _Allowance(column, compared, ours.steps)))
        return [*lines, *self._not_itself(record, column)]

    def entry_lines(
        self, record: EpochRecord, ours: EpochRecord, called: EpochRecord, pairs: Sequence[Comparison]
    ) -> list[Line]:
        """Return the lines of an epoch of a whole call; `ours` is the same epoch as it was recorded."""
        column = self.column(record, None)
        figures = list(figure_comparisons(record, ours, self._tested, self.declared))
        exempt = self._exemptions(record, ours, column, figures)
        lines = [self._line(pair, column, exempt, record, ours) for pair in pairs]
        compared = {pair.quantity: line for pair, line in zip(pairs, lines, strict=True) if line.bound is not None}
        log = self._log_line(record, called, exempt, _Allowance(column, compared, ours.steps))
        return [*lines, replace(log, stage="entry", detail="; ".join(filter(None, ("log", log.detail))))]

    def not_run(self, record: EpochRecord, reason: str) -> list[Line]:
        """Return the lines that an epoch would have had."""
        pairs = list(self._pairs(record, EpochRecord(), lambda side, at: np.nan))
        pairs += [LOG] if self.recording.mode != "kernels" else []
        return [not_run(pair, self.column(record, None), reason) for pair in pairs]

    def column(self, record: EpochRecord, before: EpochRecord | None) -> Column:
        """Return the place and the sources of E that the lines of an epoch share."""
        recording = self.recording
        return Column(
            place={
                "case": recording.case.name,
                "precision": recording.precision,
                "mode": recording.mode,
                "backend": self.backend,
                "epoch": record.epoch,
            },
            measured=lambda quantity: self._measured(record.epoch, quantity),
            own=lambda quantity: self._own.E(record, before, quantity),
            found=lambda quantity: self._found(record.epoch, quantity),
            case=self._case,
        )

    def declared(self, quantity: str) -> str:
        """Return why this reference cannot show a quantity, if its engine said so beforehand."""
        return self.recording.provenance.get(f"not shown: {quantity}", "")

    def _measured(self, epoch: int, quantity: str) -> float | None:
        """Return E of the reference's runs, or None if it was not measured."""
        return self.recording.envelope.get((epoch, quantity))

    def _found(self, epoch: int, name: str) -> str:
        envelope = self.recording.envelope
        if (epoch, AND_AGAIN + name) in envelope:
            return DRAWS
        if (epoch, AGAIN + name) in envelope:
            return KEEPS
        return "depends on the order of the cases" if (epoch, BY_CASES + name) in envelope else ""

    def _pairs(self, record: EpochRecord, ours: EpochRecord, model: Model) -> Iterator[Comparison]:
        mode = self.recording.mode
        begins = record is self.recording.epochs[0] and bool(record.kernels)
        if mode != "free" or begins:  # a free run begins in the same state on both sides
            yield from kernel_comparisons(record, ours, self.declared)
        if mode == "lockstep" or (mode == "kernels" and record.steps):
            yield from path_comparisons(record, ours, model, self.declared)
        if mode == "kernels" and record.steps:
            yield steps_comparison(record, ours)
        if mode != "kernels":
            yield from state_comparisons(record, ours, self.declared)  # before the figures that are taken there
            yield from figure_comparisons(record, ours, self._tested, self.declared)
            yield choice_comparison(record, ours, self.declared)

    def _exemptions(
        self, record: EpochRecord, ours: EpochRecord, column: Column, pairs: Sequence[Comparison]
    ) -> Exemptions:
        steps = next((pair for pair in pairs if pair.quantity == "cg_steps"), None)
        undecided = self._undecided is not None and record.epoch >= self._undecided
        return Exemptions(
            underflow=self._underflows(record, ours),
            free=self.recording.mode == "free",
            single=self.recording.precision == "single",
            undecided_from=self._undecided if undecided else None,
            steps_tie=not undecided and steps is not None and line_of(steps, column).verdict is Verdict.TIE,
            choice_on_path=record.figures.get("chosen_step") in ours.steps,
            reductions_tie=not undecided
            and _parted(next((p for p in pairs if p.quantity == "reductions"), None), column),
        )

    def _underflows(self, record: EpochRecord, ours: EpochRecord) -> bool:
        """Return whether our CG stopped before the reference's because r'y is 0, with the model as low as theirs.

        A stop that comes too early would leave the model above its minimum.
        """
        early = bool(ours.steps and record.steps) and ours.steps[-1] < record.steps[-1]
        looked_at = self.recording.mode != "free" and self.recording.precision == "single"
        if not (early and looked_at and ours.cg_stop is CGStop.EXACT):
            return False
        model = self._exact.model(record, ours)
        return distance(model(ours, -1), model(record, -1)) <= model_bound("single", None).value

    def _line(
        self, pair: Comparison, column: Column, exempt: Exemptions, record: EpochRecord, ours: EpochRecord
    ) -> Line:
        line = absent_line(pair, column)
        if line is None and (reason := exempt.before(pair)):
            return not_run(pair, column, reason)
        if line is None and pair.kind == "choice":
            line = choice_line(pair, column, self._exact.tie(record, ours, int(pair.theirs)))
        line = line or line_of(pair, column)
        if pair.quantity == "rho" and line.verdict is Verdict.DIFFERS and column.measured("rho") is None:
            line = within(line, rho_bound(ours.figures, column.precision))
        reason = exempt.after(pair)
        return not_run(pair, column, reason) if line.verdict is Verdict.DIFFERS and reason else line

    def _not_itself(self, record: EpochRecord, column: Column) -> list[Line]:
        """Return a line on the first quantity that the reference computed differently from the same state, if any."""
        said = {name: E for (k, name), E in self.recording.envelope.items() if k == record.epoch}
        again = {name.removeprefix(AGAIN): E for name, E in said.items() if name.startswith(AGAIN)}
        kernels = {name: E for name, E in again.items() if name in KERNEL_STAGES}
        # where kernels have other last bits, as sums over threads may, what follows from them has more
        changed = {name: E for name, E in kernels.items() if not kernel_bound(name, column.precision, None).value >= E}
        changed = changed if kernels else again
        if not changed:
            return []
        first = min(changed, key=lambda name: STAGES.index(_stage(name)[0]))
        stage, detail = _stage(first)
        detail = "; ".join(filter(None, (detail, "run again")))
        why = DRAWS if any(name.startswith(AND_AGAIN) for name in said) else KEEPS
        reason = f"the reference, run again from the same state, computes something else: it {why}"
        pair = Comparison(stage, detail, first, "figure", "not compared", "two runs", None)
        return [replace(differs(pair, column, reason), distance=changed[first])]

    def _other_chunk(self, line: Line, pair: Comparison, record: EpochRecord) -> Line:
        """Say in a line that differs on the target chunk which other chunk the reference took instead, if it did."""
        on_chunk = _ON_CHUNK.get((pair.stage, pair.detail))
        if line.verdict is not Verdict.DIFFERS or on_chunk is None or pair.distance is None:
            return line
        backend = self._case.backend
        theta = backend.asarray(record.theta)
        for chunk in range(self._case.problem.num_chunks):
            ours = backend.to_host(on_chunk(self._case, theta, chunk))
            if distance(ours, pair.theirs) <= (line.bound or 0.0):
                return replace(line, detail=f"{pair.detail}: equals ours on chunk {chunk + 1}: {ANOTHER_CHUNK}")
        return line

    def _log_line(self, record: EpochRecord, ours: EpochRecord, exempt: Exemptions, allowed: _Allowance) -> Line:
        column = allowed.column
        if not record.log_lines:
            reason = self.declared("log")
            return not_run(LOG, column, reason) if reason else differs(LOG, column, "the reference lacks this quantity")
        if reason := exempt.of_the_run or exempt.after(LOG):
            return not_run(LOG, column, reason)
        found = compare_logs(ours.log_lines, record.log_lines, allowed)
        if found.share > 1:
            found = compare_logs(ours.log_lines, record.log_lines, replace(allowed, widened=True))
        return Line(
            **column.place,
            stage="log",
            detail=found.detail,
            ours=found.ours,
            reference=found.theirs,
            distance=found.share,
            bound=1.0,
            bound_source=found.source,
            verdict=Verdict.AGREES if found.share <= 1 else Verdict.DIFFERS,
        )


def _parted(pair: Comparison | None, column: Column) -> bool:
    """Return whether both decide differently, as runs of either do."""
    return pair is not None and bool(pair.distance) and line_of(pair, column).verdict is not Verdict.DIFFERS


def _stage(quantity: str) -> tuple[str, str]:
    """Return stage and detail of a quantity."""
    known = {**KERNEL_STAGES, **FIGURE_STAGES, "chosen_step": ("chose_iters", "")}
    on_path = quantity.partition(" ")[0] in ("iterate", "model")
    return known.get(quantity, ("cg_iterates" if on_path else "params", quantity))


@dataclass(frozen=True)
class _Allowance:
    """The bound of the figures of an epoch where they are printed, which is that of their own comparison.

    The norm of d, which some references only print, has the bound of d, the last CG iterate; `widened` takes the runs
    of this package too.
    """

    column: Column
    compared: Mapping[str, Line]
    steps: Sequence[int]
    widened: bool = False

    def __call__(self, figures: tuple[str, ...]) -> Bound:
        return max(self._of(figure) for figure in figures)

    def _of(self, figure: str) -> Bound:
        if figure in self.compared:
            line = self.compared[figure]
            return Bound(line.bound or 0.0, line.bound_source)
        same = (figure, "d", f"iterate {self.steps[-1]}") if figure == "d_norm" else (figure,)
        measured = [E for name in same if (E := allowed_E(name, "figure", self.column)) is not None]
        bounds = [figure_bound(figure, self.column.precision, E) for E in measured[:1]]
        if self.widened or not bounds:
            own = self.column.own(figure)
            E = None if own is None else OWN_FACTOR * own
            bounds.append(figure_bound(figure, self.column.precision, E, "own runs"))
        return max(bounds)
