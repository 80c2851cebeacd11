"""What the compared runs did not go through: a certificate says nothing about it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import product
from typing import Any

from hf_matlab_compat.matlab.vocabulary import WORDS
from hf_matlab_compat.parity.reference_run import Recording

_UNITS = {"hidden": ("logistic", "tanh", "linear"), "output": ("logistic", "tanh", "linear", "softmax")}

_SETTINGS: Mapping[str, Callable[[Mapping[str, Any]], bool]] = {
    "rms=1": lambda given: given["rms"] == 1,
    "rms=1 with logistic output": lambda given: given["rms"] == 1 and given["layertypes"][-1] == "logistic",
    "rms=1 with tanh output": lambda given: given["rms"] == 1 and given["layertypes"][-1] == "tanh",
    "hybridmode=0": lambda given: given["hybridmode"] == 0,
    "errtype 'L2'": lambda given: given["errtype"] == "L2",
    "errtype 'class'": lambda given: given["errtype"] == "class",
    "a weight cost": lambda given: given["weightcost"] > 0,
    "a test set": lambda given: given["intest"].size > 0,
}

_EVENTS: Mapping[str, Callable[[Recording], bool]] = {
    "wrap-around of chunks": lambda r: any(
        record.figures and record.epoch > r.case.arguments["numchunks"] > 1 for record in r.epochs
    ),
    "rho = -Inf": lambda r: _any(r, "rho", lambda rho: rho == -float("inf")),
    "raised lambda": lambda r: any(record.figures.get("lambda", 0.0) > record.lam for record in _after_start(r)),
    "dropped lambda": lambda r: any(
        record.figures.get("lambda", record.lam) < record.lam for record in _after_start(r)
    ),
    "shortened steps": lambda r: _any(r, "rate", lambda rate: 0 < rate < 1),
    "rejected steps": lambda r: _any(r, "rate", lambda rate: rate == 0),
    "the whole call": lambda r: r.mode != "kernels" and any(record.epoch == 1 for record in r.epochs),
}


def not_exercised(recordings: Sequence[Recording]) -> list[str]:
    """What none of these recordings has: settings by MATLAB's words, then what can happen in an epoch."""
    ran = [recording for recording in recordings if recording.epochs]
    cases = [recording.case.arguments for recording in ran]
    missing = [f"mattype '{word}'" for word in WORDS["curvature"] if all(case["mattype"] != word for case in cases)]
    missing += _units(cases)
    missing += [name for name, has in _SETTINGS.items() if not any(map(has, cases))]
    if "rms=1" in missing:
        missing = [name for name in missing if not name.startswith("rms=1 with")]
    return missing + [name for name, has in _EVENTS.items() if not any(map(has, ran))]


def _units(cases: Sequence[Mapping[str, Any]]) -> list[str]:
    used = {("output", case["layertypes"][-1]) for case in cases}
    used |= {("hidden", unit) for case in cases for unit in case["layertypes"][:-1]}
    known = [pair for place, units in _UNITS.items() for pair in product([place], units)]
    return [f"{unit} {place} units" for place, unit in known if (place, unit) not in used]


def _any(recording: Recording, figure: str, holds: Callable[[float], bool]) -> bool:
    return any(figure in record.figures and holds(record.figures[figure]) for record in recording.epochs)


def _after_start(recording: Recording) -> list[Any]:
    """Epochs whose record says what lambda was before: in a free run without states, the first only."""
    return list(recording.epochs[:1] if recording.mode == "free" else recording.epochs)
