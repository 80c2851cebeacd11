"""One epoch of ours at the iterate that the recorded run chose, and whether ours would have chosen it."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from hf_matlab_compat.options import Options
from hf_matlab_compat.problem import Cases
from hf_matlab_compat.solvers.rules import Chosen, Path, Selection
from hf_matlab_compat.state import Report, Score, State, Watch
from tests.cases import GoldenCase, hessian_free, run_epochs

FIGURES: dict[str, Callable[[Report], float]] = {
    "rho": lambda report: report.rho,
    "denom": lambda report: report.predicted_change,
    "oldll_chunk": lambda report: report.old_log_likelihood_chunk,
    "ll_chunk_after": lambda report: report.log_likelihood_chunk,
    "ll_after": lambda report: report.train.log_likelihood,
    "err_after": lambda report: report.train.error,
    "test_ll": lambda report: report.test.log_likelihood if report.test else float("nan"),
}
"""Figures by the names of the recording."""


@dataclass
class Referee:
    """Backtracking that takes the recorded choice, and remembers what it would have taken."""

    recorded_step: int
    exact: GoldenCase
    theta: Any
    rule: Selection
    chosen: int = 0
    steps: list[int] = field(default_factory=list)
    values: list[float] = field(default_factory=list)
    """Log-likelihoods of the CG iterates, in double; only formed where the choices differ."""

    def choose(self, path: Path, score: Callable[[Cases, Any], Score], on: Cases, watch: Watch) -> Chosen:
        own = self.rule.choose(path, score, on, watch)
        self.chosen, self.steps = own.step, path.steps
        if self.recorded_step not in path.steps or own.step == self.recorded_step:
            return own
        points = [(self.theta + p).astype(float) for p in path.iterates]
        self.values = [self.exact.problem.score(point, Cases()).log_likelihood for point in points]
        p = path.iterates[path.steps.index(self.recorded_step)]
        return Chosen(p, self.recorded_step, score(on.all, p))

    def apart(self) -> float:
        """How large, relative to the log-likelihood, a tie must be for both choices to be ones the rule could make.

        A tie far up the path parts two walks for good, so the two chosen iterates themselves may be worlds apart.
        """
        if self.chosen == self.recorded_step:
            return 0.0
        if not self.values:
            return math.inf
        return max(self._objection(self.chosen), self._objection(self.recorded_step))

    def _objection(self, step: int) -> float:
        """The most by which a comparison, made in double, speaks against a walk that ends at this step."""
        v, end = self.values, self.steps.index(step)
        falls = [(v[j + 1] - v[j]) / abs(v[j + 1]) for j in range(end, len(v) - 1)]
        goes_on = [(v[end - 1] - v[end]) / abs(v[end])] if end > 0 else []
        return max([0.0, *falls, *goes_on])


def refereed_epoch(
    case: GoldenCase, exact: GoldenCase, state: State, options: Options, recorded_step: int
) -> tuple[Report, State, Referee]:
    """An epoch from `state`; `exact` is the same case in double."""
    method = hessian_free(options)
    referee = Referee(recorded_step, exact, state.theta, method.selection)
    refereed = replace(method, selection=referee)
    (report,), after = run_epochs(
        case.problem, replace(options, max_epochs=state.epoch + 1), state, case.test, refereed
    )
    return report, after, referee
