"""One epoch of a recording beside ours: which comparisons its mode calls for, and a line for each."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from hf_matlab_compat.parity.certificate import Line, Verdict
from hf_matlab_compat.parity.comparisons import (
    Comparison,
    figure_comparisons,
    kernel_comparisons,
    path_comparisons,
    state_comparisons,
    steps_comparison,
)
from hf_matlab_compat.parity.envelope_rule import undecided_from
from hf_matlab_compat.parity.log_comparison import compare_logs
from hf_matlab_compat.parity.own_spread import OwnSpread
from hf_matlab_compat.parity.port_case import PortCase, port_case
from hf_matlab_compat.parity.port_epoch import PortEpoch
from hf_matlab_compat.parity.reference_run import EpochRecord, Recording, distance
from hf_matlab_compat.parity.ties import tie_distance
from hf_matlab_compat.parity.verdicts import Column, choice_line, differs, line_of, not_run
from hf_matlab_compat.solvers.damping import damp

AFTER_A_TIE = "after a tie in cg_steps"
SMOKE = "single: free runs decide nothing but lambda"
SMOKED = ("lambda", "ll")
"""What a free run in single precision is judged by."""


class EpochJudge:
    """Judges the epochs of one recording.

    Parameters
    ----------
    recording : Recording
    case : PortCase
        On the backend that is judged.
    backend : str
        As the lines shall call it.
    """

    def __init__(self, recording: Recording, case: PortCase, backend: str) -> None:
        self.recording, self.backend = recording, backend
        self.network = case.problem.network
        self._exact = port_case(recording.case, "double")
        self._own = OwnSpread(recording, self._model)
        self._undecided = undecided_from(recording.envelope) if recording.mode == "free" else None
        self.tested = case.held_out is not None

    def lines(self, record: EpochRecord, before: EpochRecord | None, ours: PortEpoch | str) -> list[Line]:
        """All lines of an epoch; where ours could not be run, they differ and say why."""
        column = self.column(record, before)
        if isinstance(ours, str):
            pairs = [pair for pair in self._pairs(record, PortEpoch(), lambda x: np.nan)]
            return [line_of(pair, column) if _declared(pair) else differs(pair, column, ours) for pair in pairs]
        choice = self._choice(record, ours)
        pairs = list(self._pairs(record, ours, self._model(record, ours)))
        lines = [self._line(pair, column, record, pairs) for pair in pairs]
        if choice is not None:
            lines.append(self._choice_line(choice, column, record, ours, pairs))
        if self.recording.mode != "kernels":
            lines.append(self._log_line(record, ours, column, lines))
        return lines

    def not_run(self, record: EpochRecord, reason: str) -> list[Line]:
        """The lines that an epoch would have had."""
        column = self.column(record, None)
        pairs = list(self._pairs(record, PortEpoch(), lambda x: np.nan))
        if self.recording.mode != "kernels":
            pairs.append(Comparison("chose_iters", "", "chose_iters", "choice", "", "", None))
            pairs.append(Comparison("log", "", "log", "log", "", "", None))
        return [not_run(pair, column, reason) for pair in pairs]

    def column(self, record: EpochRecord, before: EpochRecord | None) -> Column:
        """What the lines of an epoch share."""
        recording = self.recording
        return Column(
            place={
                "case": recording.case.name,
                "precision": recording.precision,
                "mode": recording.mode,
                "backend": self.backend,
                "epoch": record.epoch,
            },
            measured=lambda quantity: recording.envelope.get((record.epoch, quantity)),
            own=lambda quantity: self._own.E(record, before, quantity),
            network=self.network,
        )

    def declared(self, quantity: str) -> str:
        """Why this reference cannot show a quantity, if its engine said so beforehand."""
        return self.recording.provenance.get(f"not shown: {quantity}", "")

    def _pairs(self, record: EpochRecord, ours: PortEpoch, model: Callable[[Any], float]) -> Iterator[Comparison]:
        if self.recording.mode != "free":
            yield from kernel_comparisons(record, ours, self.declared)
        if self.recording.mode == "lockstep" or (self.recording.mode == "kernels" and record.steps):
            yield from path_comparisons(record, ours, model, self.declared)
        if self.recording.mode == "kernels" and record.steps:
            yield steps_comparison(record, ours)
        if self.recording.mode != "kernels":
            yield from figure_comparisons(record, ours, self.tested, self.declared)
            yield from state_comparisons(record, ours, self.declared)

    def _line(self, pair: Comparison, column: Column, record: EpochRecord, pairs: list[Comparison]) -> Line:
        if self.recording.mode == "free":
            if self._undecided is not None and record.epoch >= self._undecided:
                return not_run(pair, column, f"E passes 1e-5 in epoch {self._undecided}: lockstep decides")
            if column.precision == "single" and pair.quantity not in SMOKED and np.all(np.isfinite(_values(pair))):
                return not_run(pair, column, SMOKE)
        line = line_of(pair, column)
        if line.verdict is Verdict.DIFFERS and _hangs_on_steps(pair) and self._steps_tie(column, pairs):
            return not_run(pair, column, AFTER_A_TIE)
        return line

    def _steps_tie(self, column: Column, pairs: list[Comparison]) -> bool:
        """Whether CG stopped elsewhere, as the reference's own runs do."""
        steps = next((pair for pair in pairs if pair.quantity == "cg_steps"), None)
        return steps is not None and line_of(steps, column).verdict is Verdict.TIE

    def _choice(self, record: EpochRecord, ours: PortEpoch) -> Comparison | None:
        if self.recording.mode == "kernels":
            return None
        theirs = record.figures.get("chose_iters")
        if theirs is None:
            shown = next(figure_comparisons(replace(record, figures={}), ours, False, self.declared))
            return replace(shown, stage="chose_iters", detail="", quantity="chose_iters", kind="choice")
        apart = distance(ours.own_choice, theirs)
        return Comparison("chose_iters", "", "chose_iters", "choice", ours.own_choice, theirs, apart)

    def _choice_line(
        self, pair: Comparison, column: Column, record: EpochRecord, ours: PortEpoch, pairs: list[Comparison]
    ) -> Line:
        if self._skipped(record, column):
            return self._line(pair, column, record, pairs)
        line = choice_line(pair, column, self._tie(pair, record, ours))
        if line.verdict is Verdict.DIFFERS and self._steps_tie(column, pairs):
            return not_run(pair, column, AFTER_A_TIE)
        return line

    def _tie(self, pair: Comparison, record: EpochRecord, ours: PortEpoch) -> float:
        """How large a tie the two choices need; log-likelihoods in double."""
        if not pair.distance:
            return 0.0
        theta = np.asarray(self._start_of(record, ours), np.float64)
        scores = (self._exact.problem.likelihood(theta + np.asarray(p, np.float64)) for p in ours.iterates)
        values = [score.log_likelihood for score in scores]
        return tie_distance(values, ours.steps, ours.own_choice, int(pair.theirs))

    def _skipped(self, record: EpochRecord, column: Column) -> bool:
        return self.recording.mode == "free" and (
            column.precision == "single" or (self._undecided is not None and record.epoch >= self._undecided)
        )

    def _start_of(self, record: EpochRecord, ours: PortEpoch) -> Any:
        """θ before the epoch: the reference's, but in a free run our own."""
        return record.theta if self.recording.mode != "free" or ours.theta_before is None else ours.theta_before

    def _model(self, record: EpochRecord, ours: PortEpoch) -> Callable[[Any], float]:
        """φ(x) = ½ xᵀB x - gᵀx in double precision, with the recorded gradient."""
        if self.recording.mode == "free" or not record.steps:
            return lambda x: np.nan
        problem, theta = self._exact.problem, np.asarray(record.theta, np.float64)
        chunk = (record.epoch - 1) % problem.num_chunks
        G = problem.curvature_at(theta, chunk, problem.gradient(theta, chunk))
        B = damp(G, record.lam) if self._exact.options.damping else G
        recorded = record.kernels.get("grad")
        b = np.asarray(ours.kernels["grad"] if recorded is None else recorded, np.float64)

        def phi(x: Any) -> float:
            wide = np.asarray(x, np.float64)
            return float(0.5 * wide @ B(wide) - b @ wide)

        return phi

    def _log_line(self, record: EpochRecord, ours: PortEpoch, column: Column, lines: list[Line]) -> Line:
        pair = Comparison("log", "", "log", "log", "", "", None)
        if not record.log_lines:
            reason = self.declared("log")
            return (
                not_run(pair, column, reason) if reason else differs(pair, column, "the reference lacks this quantity")
            )
        if self._skipped(record, column):
            return not_run(pair, column, "as the figures of this epoch")
        if self._steps_tie(column, list(self._pairs(record, ours, lambda x: np.nan))):
            return not_run(pair, column, AFTER_A_TIE)
        found = compare_logs(ours.log_lines, record.log_lines, figures_tolerance(lines))
        return Line(
            **column.place,
            stage="log",
            ours=found.ours,
            reference=found.theirs,
            distance=found.share,
            bound=1.0,
            bound_source="a unit of the last digit, and figures' bounds" if found.share else "exact",
            verdict=Verdict.AGREES if found.share <= 1 else Verdict.DIFFERS,
        )


def figures_tolerance(lines: Sequence[Line]) -> float:
    """The largest relative difference allowed to a figure: by so much may move what is printed or saved."""
    return max((line.bound or 0.0 for line in lines if line.stage in ("rho", "params")), default=0.0)


def _hangs_on_steps(pair: Comparison) -> bool:
    return pair.quantity in ("d", "ch_norm", "steps") or pair.quantity.startswith(("iterate", "model"))


def _declared(pair: Comparison) -> bool:
    return bool(getattr(pair.theirs, "declared", ""))


def _values(pair: Comparison) -> Any:
    try:
        return np.asarray(pair.ours, np.float64)
    except (TypeError, ValueError):
        return np.nan
