"""Whether a log can be what it says: the laws that the figures of every run of this family obey.

A log prints its figures rounded, so each law is checked within what the printed digits leave open. Which figures a
change would show up in, and which no law reaches, says `COVERAGE`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from itertools import pairwise
from typing import Any

import numpy as np

from hf_matlab_compat.matlab.logs.damping_audit import constant, damping_findings
from hf_matlab_compat.matlab.logs.likelihood_audit import bounded_likelihoods, shared_weight_cost
from hf_matlab_compat.matlab.logs.parser import LoggedRun
from hf_matlab_compat.matlab.logs.printed import half_unit


class Law(Enum):
    """What every log obeys; the value is the sentence the user sees."""

    LINES = "every epoch has all lines, and each can be read"
    FINISHED = "a log has a finished epoch"
    WHOLE = "a log does not break off within an epoch"
    METHOD = "a Hessian-free run logs CG steps, the chosen iterate or rho"
    NUMBERS = "figures are finite numbers, but rho, and the reductions of a rejected step"
    EPOCHS = "epochs count up by one"
    TOTALS = "the total of CG steps grows by the steps used"
    NORM = "a magnitude is no less than 0"
    LIMIT = "no more CG steps are used than maxiters"
    CHOSEN = "the chosen iterate is one on the recording grid (5, 7, 9, 11, 15, …) or the last"
    LAMBDA = "lambda is boosted where rho is low, NaN or -Inf, dropped where it is high, and else kept"
    RATE = "the chosen rate is the line search's factor to the power of the number of reductions, 0 after Inf"
    ASCENT = "the log-likelihood does not fall"
    SQUARED = "with squared error, log-likelihood and error differ by the weight cost, the same for training and test"
    BOUND = "minus the log-likelihood is no less than half the squared error"
    REJECTED = "a rejected step leaves log-likelihood and test figures as they were"
    DIFFERENCE = "the error rate difference is test - train"
    ERROR = "an error is no less than 0, a share no more than 1, and 0 where none is measured"


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
"""Which change of a figure the laws notice."""

UNCHECKABLE = (
    "not checkable from a log: rho on its side of the thresholds, the size of ch, miniters, maxiters above the steps "
    "used, another chosen iterate of the grid, and (but for squared error) a test log-likelihood, or one of training "
    "that still rises"
)
"""What no law reaches, in one sentence."""


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


Epoch = Any
"""A row of `EPOCH_FIGURES`."""

Breach = tuple[str, str]
"""What was expected, what came."""

RATE_FACTOR = 0.8
_GRID_START, _GRID_RATIO = 5.0, 1.3
_SINGLE_ROUNDING = 1e-6
"""Relative: the old log-likelihood is summed in single precision before it is compared."""


def audit(run: LoggedRun) -> list[Finding]:
    """Hold a run against the laws of `Law`, those that its log has the figures for.

    Parameters
    ----------
    run : LoggedRun
        Its own constants (initlambda, drop, boost, autodamp, errtype; rho_low, rho_high and linesearch_factor where
        a fork prints them) are the ones it is held against; the published ones where the log has none.

    Returns
    -------
    list of Finding
        In the order of the epochs; empty for a log that obeys all.
    """
    findings = [*_of_each_epoch(run), *_of_each_pair(run)]
    findings += _of_the_run(run)
    findings += [Finding(each.epoch, Law.LINES, each.expected, each.got) for each in run.damage]
    findings += [Finding(epoch, Law.LAMBDA, *breach) for epoch, breach in damping_findings(run)]
    findings += [Finding(epoch, Law.SQUARED, *breach) for epoch, breach in shared_weight_cost(run)]
    findings += [Finding(epoch, Law.BOUND, *breach) for epoch, breach in bounded_likelihoods(run)]
    if run.unfinished is not None:
        findings.append(Finding(run.unfinished, Law.WHOLE, "all lines of it", "the end of the log"))
    return sorted(findings, key=lambda finding: finding.epoch)


def audit_log(runs: Sequence[LoggedRun]) -> list[list[Finding]]:
    """`audit` of each run of a log, of which one at least has to have a finished epoch.

    Runs that broke off and were started again or gone on from are nothing to find.
    """
    found = [audit(run if run is runs[-1] else replace(run, unfinished=None)) for run in runs]
    if found and not any(run.epochs.size for run in runs):
        found[-1] = [Finding(0, Law.FINISHED, "a finished epoch", "none")]
    return found


def recording_grid(last: int) -> set[int]:
    """The CG steps up to `last` whose iterates are recorded: 5, 7, 9, 11, 15, …"""
    steps, position = set[int](), _GRID_START
    while math.ceil(position) <= last:
        steps.add(math.ceil(position))
        position *= _GRID_RATIO
    return steps


_OF_HESSIAN_FREE = {"cg_steps", "chosen_step", "rho"}
_NUMBERS = ("d_norm", "rate", "lam", "log_likelihood", "error", "test_log_likelihood", "test_error", "error_difference")


def _of_the_run(run: LoggedRun) -> Iterator[Finding]:
    if run.epochs.size and not run.figures & _OF_HESSIAN_FREE:
        got = "none: the log of another method, or of a fork that words them all otherwise"
        yield Finding(int(run.epochs[0]["epoch"]), Law.METHOD, "lines of CG steps, the chosen iterate or rho", got)
    for name in _NUMBERS:
        wrong = {i for i, figure in run.not_numbers if figure == name} | set(np.flatnonzero(np.isinf(run.epochs[name])))
        if wrong:
            first, often = run.epochs[min(wrong)], f"{len(wrong)} of {run.epochs.size} epochs"
            expected = f"a finite number as {_IN_WORDS.get(name, name.replace('_', ' '))}"
            yield Finding(int(first["epoch"]), Law.NUMBERS, expected, f"{first[name]:.5g} (in {often})")


_IN_WORDS = {
    "log_likelihood": "log-likelihood",
    "test_log_likelihood": "test log-likelihood",
    "d_norm": "ch magnitude",
    "lam": "lambda",
    "rate": "chosen rate",
}


def _of_each_epoch(run: LoggedRun) -> Iterator[Finding]:
    laws: Mapping[Law, Callable[[Epoch, LoggedRun], Breach | None]] = {
        Law.NORM: _norm,
        Law.LIMIT: _limit,
        Law.CHOSEN: _chosen,
        Law.RATE: _rate,
        Law.DIFFERENCE: _difference,
        Law.ERROR: _error,
    }
    for epoch in run.epochs:
        for law, check in laws.items():
            breach = check(epoch, run)
            if breach is not None:
                yield Finding(int(epoch["epoch"]), law, *breach)


def _of_each_pair(run: LoggedRun) -> Iterator[Finding]:
    laws: Mapping[Law, Callable[[Epoch, Epoch], Breach | None]] = {
        Law.EPOCHS: _counts_up,
        Law.TOTALS: _adds_up,
        Law.ASCENT: _ascent,
        Law.REJECTED: _rejected,
    }
    pairs = list(pairwise(run.epochs))
    if run.epochs.size and not run.resume_from and (run.constants or run.epochs[0]["epoch"] == 1):
        pairs.insert(0, (_before_the_first(run.epochs[0]), run.epochs[0]))
    for before, epoch in pairs:
        for law, check in laws.items():
            breach = check(before, epoch)
            if breach is not None:
                yield Finding(int(epoch["epoch"]), law, *breach)


def _before_the_first(first: Epoch) -> Epoch:
    """What an epoch 0 would have logged."""
    start: Any = np.zeros((), dtype=first.dtype)
    for name in ("log_likelihood", "test_log_likelihood", "test_error"):
        start[name] = np.nan
    return start


def _limit(epoch: Epoch, run: LoggedRun) -> Breach | None:
    del run
    used, most = epoch["cg_steps"], epoch["max_cg_steps"]
    return (f"at most {most} CG steps", f"{used}") if 0 < most < used else None


def _norm(epoch: Epoch, run: LoggedRun) -> Breach | None:
    del run
    return ("a magnitude of at least 0", f"{epoch['d_norm']:.5g}") if epoch["d_norm"] < 0 else None


def _chosen(epoch: Epoch, run: LoggedRun) -> Breach | None:
    del run
    used, chosen = int(epoch["cg_steps"]), int(epoch["chosen_step"])
    if 0 in (used, chosen) or chosen in recording_grid(used) | {used}:
        return None
    return f"a recorded iterate up to the last, {used}", f"{chosen}"


def _rate(epoch: Epoch, run: LoggedRun) -> Breach | None:
    reductions, rate = float(epoch["reductions"]), float(epoch["rate"])
    if math.isnan(reductions) and math.isnan(rate):
        return None
    if math.isfinite(reductions) and reductions == int(reductions) and 0 <= reductions < 1e4:
        factor = constant(run, "linesearch_factor", RATE_FACTOR)
        expected = (factor if 0 < factor < 1 else RATE_FACTOR) ** reductions
    else:
        expected = 0.0 if reductions == math.inf else math.nan
    if abs(rate - expected) <= half_unit(expected) * (1 + 1e-9):
        return None
    return f"a rate of {expected:.5g} after {reductions:g} reductions", f"{rate:.5g}"


def _difference(epoch: Epoch, run: LoggedRun) -> Breach | None:
    del run
    train, test, difference = (float(epoch[name]) for name in ("error", "test_error", "error_difference"))
    room = sum(map(half_unit, (train, test, difference))) * (1 + 1e-9) + 1e-12
    if math.isnan(difference) or not abs(test - train - difference) > room:
        return None
    return f"a difference of {test - train:.5g}", f"{difference:.5g}"


def _error(epoch: Epoch, run: LoggedRun) -> Breach | None:
    most = {"class": 1.0, "none": 0.0}.get(str(run.constants.get("errtype")), math.inf)
    wrong = [epoch[name] for name in ("error", "test_error") if epoch[name] < 0 or epoch[name] > most]
    return (f"errors from 0 to {most:g}", f"{wrong[0]:.5g}") if wrong else None


def _counts_up(before: Epoch, epoch: Epoch) -> Breach | None:
    expected = before["epoch"] + 1
    return None if epoch["epoch"] == expected else (f"epoch {expected}", f"{epoch['epoch']}")


def _adds_up(before: Epoch, epoch: Epoch) -> Breach | None:
    if 0 in (epoch["total_cg_steps"], epoch["cg_steps"]) or (before["epoch"] and not before["total_cg_steps"]):
        return None
    expected = before["total_cg_steps"] + epoch["cg_steps"]
    return None if epoch["total_cg_steps"] == expected else (f"a total of {expected}", f"{epoch['total_cg_steps']}")


def _ascent(before: Epoch, epoch: Epoch) -> Breach | None:
    old, new = float(before["log_likelihood"]), float(epoch["log_likelihood"])
    if epoch["rate"] == 0 or not new < old - _room(old, new):
        return None
    return f"a log-likelihood of at least {old:.8g}", f"{new:.8g}"


def _rejected(before: Epoch, epoch: Epoch) -> Breach | None:
    if epoch["rate"] != 0:
        return None
    for name in ("log_likelihood", "test_log_likelihood", "test_error"):
        old, new = float(before[name]), float(epoch[name])
        if abs(new - old) > (_room(old, new) if name == "log_likelihood" else 0):
            return f"{name.replace('_', ' ')} still {old:.8g}", f"{new:.8g}"
    return None


def _room(old: float, new: float) -> float:
    return half_unit(old) + half_unit(new) + _SINGLE_ROUNDING * abs(old)
