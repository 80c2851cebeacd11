"""The laws that the figures of every run obey: each epoch, each pair of epochs, and the run as a whole.

A log prints its figures rounded, so each law is checked within the digits that were printed.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from enum import Enum
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np

from hf_matlab_compat.matlab.logs.num2str import Interval, half_unit
from hf_matlab_compat.matlab.logs.parser import LoggedRun


class Law(Enum):
    """A law that every log obeys; the value is the sentence the user sees."""

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


Epoch = Any
"""A row of `lines.EPOCH_FIGURES`."""

Breach = tuple[str, str]
"""(expected, found in the log)."""

Check = Callable[[Epoch, Epoch, LoggedRun], Breach | None]
"""(epoch, the one before, run): the breach of a law, if any."""

RATE_FACTOR = 0.8
_GRID_START, _GRID_RATIO = 5.0, 1.3

_ROUNDING = 1e-6
"""Relative: log-likelihoods and errors are sums in single precision."""

_LEAST_EPOCHS = 3
_TRAIN, _TEST = ("log_likelihood", "error"), ("test_log_likelihood", "test_error")
_OF_HESSIAN_FREE = {"cg_steps", "chosen_step", "rho"}
_NUMBERS = ("d_norm", "rate", "lam", *_TRAIN, *_TEST, "error_difference")
_IN_WORDS = {
    "log_likelihood": "log-likelihood",
    "test_log_likelihood": "test log-likelihood",
    "d_norm": "ch magnitude",
    "lam": "lambda",
    "rate": "chosen rate",
}


def breaches(run: LoggedRun) -> Iterator[tuple[int, Law, Breach]]:
    """Yield each epoch's number at which the run's figures break a law, the law and the breach."""
    laws = dict(_LAWS)
    if run.constants.get("errtype") == "L2":
        # the error is squared if the log says so, or if the law holds in most epochs, as with a linear output
        if run.constants.get("rms") == 1 or _mostly(run, _weight_cost):
            laws[Law.SQUARED] = _weight_cost
        if _mostly(run, _bound):  # else the targets are no probabilities
            laws[Law.BOUND] = _bound
    pairs: list[tuple[Epoch | None, Epoch]] = [(None, epoch) for epoch in run.epochs[:1]] + list(pairwise(run.epochs))
    if run.epochs.size and not run.resume_from and (run.constants or run.epochs[0]["epoch"] == 1):
        pairs[0] = (_before_the_first(run.epochs[0]), run.epochs[0])
    for before, epoch in pairs:
        for law, check in laws.items():
            breach = None if before is None and law in _OF_PAIRS else check(epoch, before, run)
            if breach is not None:
                yield int(epoch["epoch"]), law, breach
    yield from _of_the_run(run)
    yield from _damping(run)


def recording_grid(last: int) -> set[int]:
    """Return the CG steps 5, 7, 9, 11, 15, …, up to `last`, whose iterates are recorded."""
    steps, position = set[int](), _GRID_START
    while math.ceil(position) <= last:
        steps.add(math.ceil(position))
        position *= _GRID_RATIO
    return steps


def _of_the_run(run: LoggedRun) -> Iterator[tuple[int, Law, Breach]]:
    if run.epochs.size and not run.figures & _OF_HESSIAN_FREE:
        got = "none: the log of another method, or of a fork that words them all otherwise"
        yield int(run.epochs[0]["epoch"]), Law.METHOD, ("lines of CG steps, the chosen iterate or rho", got)
    for name in _NUMBERS:
        wrong = {i for i, figure in run.not_numbers if figure == name} | set(np.flatnonzero(np.isinf(run.epochs[name])))
        if wrong:
            first, often = run.epochs[min(wrong)], f"{len(wrong)} of {run.epochs.size} epochs"
            expected = f"a finite number as {_IN_WORDS.get(name, name.replace('_', ' '))}"
            yield int(first["epoch"]), Law.NUMBERS, (expected, f"{first[name]:.5g} (in {often})")


def _before_the_first(first: Epoch) -> Epoch:
    """Return what an epoch 0 would have logged."""
    start: Any = np.zeros((), dtype=first.dtype)
    for name in ("log_likelihood", "test_log_likelihood", "test_error"):
        start[name] = np.nan
    return start


def _limit(epoch: Epoch, _before: Epoch, _run: LoggedRun) -> Breach | None:
    used, most = epoch["cg_steps"], epoch["max_cg_steps"]
    return (f"at most {most} CG steps", f"{used}") if 0 < most < used else None


def _norm(epoch: Epoch, _before: Epoch, _run: LoggedRun) -> Breach | None:
    return ("a magnitude of at least 0", f"{epoch['d_norm']:.5g}") if epoch["d_norm"] < 0 else None


def _chosen(epoch: Epoch, _before: Epoch, _run: LoggedRun) -> Breach | None:
    used, chosen = int(epoch["cg_steps"]), int(epoch["chosen_step"])
    if 0 in (used, chosen) or chosen in recording_grid(used) | {used}:
        return None
    return f"a recorded iterate up to the last, {used}", f"{chosen}"


def _rate(epoch: Epoch, _before: Epoch, run: LoggedRun) -> Breach | None:
    reductions, rate = float(epoch["reductions"]), float(epoch["rate"])
    if math.isnan(reductions) and math.isnan(rate):
        return None
    if math.isfinite(reductions) and reductions == int(reductions) and 0 <= reductions < 1e4:
        factor = _constant(run, "linesearch_factor", RATE_FACTOR)
        expected = (factor if 0 < factor < 1 else RATE_FACTOR) ** reductions
    else:
        expected = 0.0 if reductions == math.inf else math.nan
    if abs(rate - expected) <= half_unit(expected) * (1 + 1e-9):
        return None
    return f"a rate of {expected:.5g} after {reductions:g} reductions", f"{rate:.5g}"


def _difference(epoch: Epoch, _before: Epoch, _run: LoggedRun) -> Breach | None:
    train, test, difference = (float(epoch[name]) for name in ("error", "test_error", "error_difference"))
    room = sum(map(half_unit, (train, test, difference))) * (1 + 1e-9) + 1e-12
    if math.isnan(difference) or not abs(test - train - difference) > room:
        return None
    return f"a difference of {test - train:.5g}", f"{difference:.5g}"


def _error(epoch: Epoch, _before: Epoch, run: LoggedRun) -> Breach | None:
    most = {"class": 1.0, "none": 0.0}.get(str(run.constants.get("errtype")), math.inf)
    wrong = [epoch[name] for name in ("error", "test_error") if epoch[name] < 0 or epoch[name] > most]
    return (f"errors from 0 to {most:g}", f"{wrong[0]:.5g}") if wrong else None


def _counts_up(epoch: Epoch, before: Epoch, _run: LoggedRun) -> Breach | None:
    expected = before["epoch"] + 1
    return None if epoch["epoch"] == expected else (f"epoch {expected}", f"{epoch['epoch']}")


def _adds_up(epoch: Epoch, before: Epoch, _run: LoggedRun) -> Breach | None:
    if 0 in (epoch["total_cg_steps"], epoch["cg_steps"]) or (before["epoch"] and not before["total_cg_steps"]):
        return None
    expected = before["total_cg_steps"] + epoch["cg_steps"]
    return None if epoch["total_cg_steps"] == expected else (f"a total of {expected}", f"{epoch['total_cg_steps']}")


def _ascent(epoch: Epoch, before: Epoch, _run: LoggedRun) -> Breach | None:
    old, new = float(before["log_likelihood"]), float(epoch["log_likelihood"])
    if epoch["rate"] == 0 or not new < old - _room_of_step(old, new):
        return None
    return f"a log-likelihood of at least {old:.8g}", f"{new:.8g}"


def _rejected(epoch: Epoch, before: Epoch, _run: LoggedRun) -> Breach | None:
    if epoch["rate"] != 0:
        return None
    for name in ("log_likelihood", "test_log_likelihood", "test_error"):
        old, new = float(before[name]), float(epoch[name])
        if abs(new - old) > (_room_of_step(old, new) if name == "log_likelihood" else 0):
            return f"{name.replace('_', ' ')} still {old:.8g}", f"{new:.8g}"
    return None


def _room_of_step(old: float, new: float) -> float:
    return half_unit(old) + half_unit(new) + _ROUNDING * abs(old)


_KEPT = Interval(1.0, 1.0)


class _Damping(NamedTuple):
    """The Levenberg-Marquardt rule of a run."""

    low: float
    high: float
    drop: Interval
    boost: Interval
    start: Interval | None

    def factors(self, rho: float) -> list[Interval]:
        """Return the factors that λ can have had; more than one if rho is printed as a threshold."""
        if math.isnan(rho):
            return [self.boost]
        room = half_unit(rho)
        near_low, near_high = abs(rho - self.low) <= room, abs(rho - self.high) <= room
        boosted, dropped = rho < self.low or near_low, rho > self.high or near_high
        kept = near_low or near_high or not (boosted or dropped)
        return [self.boost] * boosted + [self.drop] * dropped + [_KEPT] * kept


def _damping(run: LoggedRun) -> Iterator[tuple[int, Law, Breach]]:
    """Yield the epochs whose lambda does not follow from the one before and rho.

    λ is followed as an interval of the numbers that it can be, from initlambda on, so that the rounding of the printed
    figures does not add up and one altered digit shows.
    """
    if "rho" not in run.figures:  # a logged NaN boosts; one that stands for a missing line does not
        return
    rule = _damping_of(run)
    candidates = [rule.start] if rule.start is not None else []
    for epoch in run.epochs:
        lam, rho = float(epoch["lam"]), float(epoch["rho"])
        if math.isnan(lam):  # without damping the log has no such line
            candidates = []
            continue
        printed = Interval.of(lam)
        followed = [last.times(factor) for last in candidates for factor in rule.factors(rho)]
        possible = [both for both in (interval.meet(printed) for interval in followed) if both is not None]
        if followed and not possible:
            expected = " or ".join(dict.fromkeys(f"{interval.middle():.6g}" for interval in followed[:2]))
            yield int(epoch["epoch"]), Law.LAMBDA, (f"lambda {expected} after rho = {rho:.5g}", f"{lam:.6g}")
            possible = [*followed[:2], printed]  # either this figure was altered, or the run went on from it
        candidates = possible or [printed]


def _damping_of(run: LoggedRun) -> _Damping:
    drop = Interval.of_constant(_positive(run, "drop", 2 / 3))
    undamped = run.constants.get("autodamp") == 0
    starts_here = not run.resume_from and bool(run.epochs.size) and run.epochs[0]["epoch"] == 1
    return _Damping(
        low=_constant(run, "rho_low", 0.25),
        high=_constant(run, "rho_high", 0.75),
        drop=_KEPT if undamped else drop,
        boost=_KEPT if undamped else _boost(run, drop),
        start=Interval.of_constant(_positive(run, "initlambda", 45.0)) if starts_here else None,
    )


def _boost(run: LoggedRun, drop: Interval) -> Interval:
    """Return 1/drop if that prints as the log's boost."""
    inverse = drop.inverse()
    printed = Interval.of(_positive(run, "boost", inverse.middle()))
    return inverse if inverse.meet(printed) is not None else Interval.of_constant(printed.middle())


def _constant(run: LoggedRun, name: str, default: float) -> float:
    """Return a constant of the header if it is a finite number, or else the published one, `default`."""
    value = run.constants.get(name)
    return float(value) if isinstance(value, int | float) and math.isfinite(value) else default


def _positive(run: LoggedRun, name: str, default: float) -> float:
    value = _constant(run, name, default)
    return value if 0 < value < 1e100 else default


def _mostly(run: LoggedRun, check: Check) -> bool:
    """Return whether the law holds in most epochs, and there are enough of them to say so."""
    held = sum(check(epoch, None, run) is None for epoch in run.epochs if not math.isnan(epoch["test_error"]))
    return len(run.epochs) >= _LEAST_EPOCHS and 2 * held > len(run.epochs)


def _weight_cost(epoch: Epoch, _before: Epoch, run: LoggedRun) -> Breach | None:
    """Compare the weight costs of training and test data: with squared error, log-likelihood = -error - ½ c‖θ‖²."""
    room = _room(epoch, *_TRAIN) + _room(epoch, *_TEST)
    costs = [-(float(epoch[ll]) + float(epoch[error])) for ll, error in (_TRAIN, _TEST)]
    moved = epoch["rate"] != 0  # after a rejected step the training error is that of the last try
    if any(cost < -room for cost in (costs if moved else costs[1:])):
        return "log-likelihood + error of at most 0", f"{-min(costs):.5g}"
    if moved and abs(costs[0] - costs[1]) > room:
        return f"test log-likelihood + test error of {-costs[0]:.5g}, as of training", f"{-costs[1]:.5g}"
    if moved and run.constants.get("weightcost") == 0 and abs(costs[0]) > room:
        return f"a log-likelihood of {-float(epoch['error']):.8g}", f"{epoch['log_likelihood']:.8g}"
    return None


def _bound(epoch: Epoch, _before: Epoch, _run: LoggedRun) -> Breach | None:
    """Compare log-likelihoods with what their errors allow.

    For targets that are probabilities, -log-likelihood ≥ 2·error with logistic outputs and ≥ ½·error with softmax
    (Pinsker's inequality); with squared error ≥ error.
    """
    for log_likelihood, error in (_TRAIN, _TEST) if epoch["rate"] != 0 else (_TEST,):
        most = -0.5 * float(epoch[error])
        if float(epoch[log_likelihood]) > most + _room(epoch, log_likelihood, error):
            return f"a {log_likelihood.replace('_', ' ')} of at most {most:.5g}", f"{epoch[log_likelihood]:.8g}"
    return None


def _room(epoch: Epoch, *names: str) -> float:
    return sum(half_unit(float(epoch[name])) + _ROUNDING * abs(float(epoch[name])) for name in names)


_OF_PAIRS: Mapping[Law, Check] = {
    Law.EPOCHS: _counts_up,
    Law.TOTALS: _adds_up,
    Law.ASCENT: _ascent,
    Law.REJECTED: _rejected,
}
_LAWS: Mapping[Law, Check] = {
    Law.NORM: _norm,
    Law.LIMIT: _limit,
    Law.CHOSEN: _chosen,
    Law.RATE: _rate,
    Law.DIFFERENCE: _difference,
    Law.ERROR: _error,
    **_OF_PAIRS,
}
