"""What log-likelihood and error say of each other: both are sums over the same cases, with the same parameters."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from hf_matlab_compat.matlab.logs.parser import LoggedRun
from hf_matlab_compat.matlab.logs.printed import half_unit

_ROUNDING = 1e-6
"""Relative: both are sums in single precision."""

_LEAST_EPOCHS = 3
_TRAIN, _TEST = ("log_likelihood", "error"), ("test_log_likelihood", "test_error")

Breach = tuple[str, str]


def shared_weight_cost(run: LoggedRun) -> Iterator[tuple[int, Breach]]:
    """Epochs where training and test data have another weight cost: with squared error, ll = -error - ½ c‖θ‖².

    The log says where the error is squared (rms), or it is a linear output's and holds in most epochs.
    """
    squared = run.constants.get("errtype") == "L2" and (run.constants.get("rms") == 1 or _mostly(run, _cost_breach))
    for epoch in run.epochs if squared else ():
        breach = _cost_breach(epoch, run)
        if breach is not None:
            yield int(epoch["epoch"]), breach


def bounded_likelihoods(run: LoggedRun) -> Iterator[tuple[int, Breach]]:
    """Epochs whose log-likelihood is above what their error allows.

    For targets that are probabilities, -ll ≥ 2·error with logistic outputs and ≥ ½·error with softmax (Pinsker's
    inequality); with squared error -ll ≥ error. Where most epochs break it, the targets are no probabilities.
    """
    for epoch in run.epochs if run.constants.get("errtype") == "L2" and _mostly(run, _bound_breach) else ():
        breach = _bound_breach(epoch, run)
        if breach is not None:
            yield int(epoch["epoch"]), breach


def _mostly(run: LoggedRun, check: Any) -> bool:
    """Whether the law holds in most epochs, and there are enough of them to say so."""
    held = sum(check(epoch, run) is None for epoch in run.epochs if not math.isnan(epoch["test_error"]))
    return len(run.epochs) >= _LEAST_EPOCHS and 2 * held > len(run.epochs)


def _cost_breach(epoch: Any, run: LoggedRun) -> Breach | None:
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


def _bound_breach(epoch: Any, run: LoggedRun) -> Breach | None:
    del run
    for ll, error in (_TRAIN, _TEST) if epoch["rate"] != 0 else (_TEST,):
        most = -0.5 * float(epoch[error])
        if float(epoch[ll]) > most + _room(epoch, ll, error):
            return f"a {ll.replace('_', ' ')} of at most {most:.5g}", f"{epoch[ll]:.8g}"
    return None


def _room(epoch: Any, *names: str) -> float:
    return sum(half_unit(float(epoch[name])) + _ROUNDING * abs(float(epoch[name])) for name in names)
