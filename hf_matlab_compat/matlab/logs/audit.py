"""Audit a log: find the figures that cannot be those of a run, and say which changes would not be found."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from hf_matlab_compat.matlab.logs.laws import Law, breaches
from hf_matlab_compat.matlab.logs.parser import LoggedRun

COVERAGE: Mapping[str, str] = {
    "epoch": "any change, in a run of two epochs or more or one that begins at 1",
    "cg_steps": "any change, but in the first epoch of a resumed run",
    "total_cg_steps": "any change, but in a resumed run of one epoch",
    "chosen_step": "a change off the recording grid, or above the steps used",
    "rho": "a change that crosses a threshold",
    "reductions": "any change",
    "rate": "any change",
    "lam": "any change, but in the first epoch of a resumed run where the digits leave it open",
    "log_likelihood": "a fall, or any change beside a rejected step or, with test data, of a squared error's",
    "error": "any change beyond the digits of test error and difference; without test data only its sign",
    "test_error": "any change beyond the digits of error and difference",
    "error_difference": "any change beyond the digits of error and test error",
    "test_log_likelihood": "any change at a rejected step or of a squared error's; else above the error's bound only",
    "max_cg_steps": "a fall below the steps used only",
    "min_cg_steps": "nothing: no law",
    "d_norm": "a change of its sign only",
}
"""The changes of each figure that the laws notice."""

UNCHECKABLE = (
    "not checkable from a log: rho on its side of the thresholds, the size of ch, miniters, maxiters above the steps "
    "used, another chosen iterate of the grid, and (but for squared error) a test log-likelihood, or one of training "
    "that still rises"
)
"""The changes that no law notices, in one sentence."""


@dataclass(frozen=True)
class Finding:
    """A figure that breaks a law.

    Attributes
    ----------
    epoch : int
        As the log numbers it.
    law : Law
    expected, got : str
    """

    epoch: int
    law: Law
    expected: str
    got: str

    def __str__(self) -> str:
        where = "log" if self.law is Law.FINISHED else f"epoch {self.epoch}"
        return f"{where}: expected {self.expected}, got {self.got} ({self.law.value})."


def audit(run: LoggedRun) -> list[Finding]:
    """Check a run against the laws for which its log has the figures.

    Parameters
    ----------
    run : LoggedRun
        It is checked against its own constants (initlambda, drop, boost, autodamp, errtype; rho_low, rho_high and
        linesearch_factor if a fork prints them), and the published ones if the log has none.

    Returns
    -------
    list of Finding
        In the order of the epochs; empty for a log that obeys all laws.
    """
    findings = [Finding(epoch, law, *breach) for epoch, law, breach in breaches(run)]
    findings += [Finding(each.epoch, Law.LINES, each.expected, each.got) for each in run.damage]
    if run.unfinished is not None:
        findings.append(Finding(run.unfinished, Law.WHOLE, "all lines of it", "the end of the log"))
    return sorted(findings, key=lambda finding: finding.epoch)


def audit_log(runs: Sequence[LoggedRun]) -> list[list[Finding]]:
    """Audit each run of a log, of which at least one must have a finished epoch.

    A run that broke off is no finding if another run follows it.
    """
    found = [audit(run if run is runs[-1] else replace(run, unfinished=None)) for run in runs]
    if found and not any(run.epochs.size for run in runs):
        found[-1] = [Finding(0, Law.FINISHED, "a finished epoch", "none")]
    return found
