"""What the compared runs did not go through: a certificate says nothing about it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from hf_matlab_compat.matlab.vocabulary import WORDS
from hf_matlab_compat.objective.cases import CASES_PER_KEPT_BLOCK
from hf_matlab_compat.parity.recording import EpochRecord, Recording

HIDDEN = ("logistic", "tanh", "linear")
ACCEPTED: Mapping[str, tuple[tuple[str, int], ...]] = {
    "gn": (("logistic", 0), ("linear", 0), ("softmax", 0), ("logistic", 1), ("tanh", 1), ("linear", 1)),
    "hess": (("logistic", 0), ("linear", 0), ("softmax", 0), ("logistic", 1), ("linear", 1), ("softmax", 1)),
    "empfish": (("logistic", 0), ("linear", 0), ("softmax", 0)),
}
"""Output units and rms that can be trained with a mattype."""
LONG_CG = 100
"""Steps from which on the gap over which CG looks back grows with them."""

_SETTINGS: Mapping[str, Callable[[Mapping[str, Any]], bool]] = {
    "errtype 'L2'": lambda given: given["errtype"] == "L2",
    "errtype 'class'": lambda given: given["errtype"] == "class",
    "a weight cost": lambda given: given["weightcost"] > 0,
    "a test set": lambda given: given["intest"].size > 0,
    "more than one block of cases in a chunk": lambda given: (
        given["indata"].shape[1] > CASES_PER_KEPT_BLOCK * given["numchunks"]
    ),
}

_EVENTS: Mapping[str, Callable[[Recording], bool]] = {
    "ties under errtype 'class'": lambda r: (
        r.case.arguments["errtype"] == "class" and any(_ties(record) for record in r.epochs)
    ),
    f"CG runs of more than {LONG_CG} steps": lambda r: any(_last_step(record) > LONG_CG for record in r.epochs),
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

_DECIDED: Mapping[str, Mapping[str, Callable[[Recording, EpochRecord], bool]]] = {
    "lambda was": {
        "raised": lambda r, record: _knows_lambda(r, record) and record.figures["lambda"] > record.lam,
        "lowered": lambda r, record: _knows_lambda(r, record) and record.figures["lambda"] < record.lam,
        "kept": lambda r, record: _knows_lambda(r, record) and record.figures["lambda"] == record.lam,
    },
    "the step was": {
        "whole": lambda r, record: record.figures.get("rate") == 1,
        "shortened": lambda r, record: 0 < record.figures.get("rate", 0.0) < 1,
        "rejected": lambda r, record: record.figures.get("rate") == 0,
    },
    "the CG iterate chosen was": {
        "the last": lambda r, record: _chosen(record) == _last_step(record) > 0,
        "an earlier one": lambda r, record: 0 < _chosen(record) < _last_step(record),
    },
}
"""Decisions, and whether an epoch's record shows each."""


def _chosen(record: EpochRecord) -> float:
    return record.figures.get("chose_iters", 0.0)


def _knows_lambda(recording: Recording, record: EpochRecord) -> bool:
    """Whether the record has lambda before and after: of a free run without states, the first alone."""
    return "lambda" in record.figures and any(record is each for each in _after_start(recording))


def not_exercised(recordings: Sequence[Recording]) -> list[str]:
    """What none of these recordings has: settings by MATLAB's words, then what can happen in an epoch."""
    ran = [recording for recording in recordings if recording.epochs]
    cases = [recording.case.arguments for recording in ran]
    missing = [*_outputs(cases), *_hybridmode(cases), *_hidden(cases)]
    missing += [name for name, has in _SETTINGS.items() if not any(map(has, cases))]
    missing += [name for name, has in _EVENTS.items() if not any(map(has, ran))]
    return [name for name in missing if not ("errtype 'class'" in missing and name.endswith("under errtype 'class'"))]


def seen(recordings: Sequence[Recording]) -> dict[str, str]:
    """Which epochs, values and decisions these recordings have: what lies outside was not looked at."""
    ran = [recording for recording in recordings if recording.epochs]
    if not ran:
        return {}
    records = [(recording, record) for recording in ran for record in recording.epochs]
    lams = [record.lam for recording in ran for record in _after_start(recording)]
    lams += [record.figures["lambda"] for _, record in records if "lambda" in record.figures]
    steps = [step for _, record in records if (step := _last_step(record)) > 0]
    found = {"epochs": _epochs_seen(ran), "lambda": _range(lams), "CG steps": _range(steps)}
    found |= {"rho": _range(_figures(records, "rho")), "reductions": _range(_figures(records, "reductions"))}
    for name, decisions in _DECIDED.items():
        counts = {word: sum(holds(r, record) for r, record in records) for word, holds in decisions.items()}
        if any(counts.values()):
            found[name] = ", ".join(f"{word} in {count}" for word, count in counts.items()) + " epochs"
    return {name: said for name, said in found.items() if said}


def _epochs_seen(ran: Sequence[Recording]) -> str:
    """The last epoch of most runs, and of those that have more."""
    last = [(recording.epochs[-1].epoch, recording.case.name) for recording in ran]
    common = Counter(epoch for epoch, _ in last).most_common(1)[0][0]
    more: dict[int, list[str]] = {}
    for epoch, name in sorted(last):
        if epoch > common and name not in more.setdefault(epoch, []):
            more[epoch].append(name)
    first = min(record.epoch for recording in ran for record in recording.epochs)
    longer = "".join(f"; to {epoch} in {', '.join(names)}" for epoch, names in more.items())
    return (f"{first} to {common}" if common > first else f"{common}") + longer


def _figures(records: Sequence[tuple[Recording, EpochRecord]], name: str) -> list[float]:
    return [value for _, record in records if (value := record.figures.get(name)) is not None]


def _range(values: Sequence[float]) -> str:
    """The smallest and the largest finite value, and whether there are others."""
    finite = [value for value in values if np.isfinite(value)]
    other = sorted({f"{value:g}" for value in values if not np.isfinite(value)})
    ends = [f"{min(finite):.6g}", f"{max(finite):.6g}"] if finite else []
    return ", ".join([" to ".join(dict.fromkeys(ends)), *other] if ends else other)


def _outputs(cases: Sequence[Mapping[str, Any]]) -> list[str]:
    """Mattypes, output units and rms: what is missing altogether is not said again of every mattype."""
    used = {(case["mattype"], case["layertypes"][-1], case["rms"]) for case in cases}
    mattypes, units, settings = (set(column) for column in zip(*used, strict=True)) if used else (set(), set(), set())
    said = [f"mattype '{word}'" for word in WORDS["curvature"] if word not in mattypes]
    said += [f"{unit} output units" for unit in (*HIDDEN, "softmax") if unit not in units]
    said += ["rms=1"] if 1 not in settings else []
    for mattype, known in ACCEPTED.items():
        lacking = [pair for pair in known if (mattype, *pair) not in used and pair[0] in units and pair[1] in settings]
        if mattype in mattypes and lacking:
            said.append(f"mattype '{mattype}' with {', '.join(_in_words(*pair) for pair in lacking)}")
    return said


def _in_words(unit: str, rms: int) -> str:
    return f"{unit} outputs" + " (rms=1)" * rms


def _hybridmode(cases: Sequence[Mapping[str, Any]]) -> list[str]:
    used = {case["mattype"] for case in cases if case["hybridmode"] == 0}
    lacking = [f"'{word}'" for word in ACCEPTED if word in {case["mattype"] for case in cases} - used]
    if not used:
        return ["hybridmode=0"]
    return [f"hybridmode=0 with mattype {', '.join(lacking)}"] if lacking else []


def _hidden(cases: Sequence[Mapping[str, Any]]) -> list[str]:
    used = {unit for case in cases for unit in case["layertypes"][:-1]}
    return [f"{unit} hidden units" for unit in HIDDEN if unit not in used]


def _ties(record: EpochRecord) -> bool:
    """Whether a case has several largest outputs; False where outputs are not shown."""
    layers = record.kernels.get("forward")
    if layers is None or not len(layers):
        return False
    y = np.asarray(layers[-1] if isinstance(layers, list | tuple) or layers.dtype == object else layers, np.float64)
    return y.ndim == 2 and bool(((y == y.max(axis=0)).sum(axis=0) > 1).any())


def _last_step(record: EpochRecord) -> float:
    return max([record.figures.get("cg_steps", 0.0), *record.steps])


def _any(recording: Recording, figure: str, holds: Callable[[float], bool]) -> bool:
    return any(figure in record.figures and holds(record.figures[figure]) for record in recording.epochs)


def _after_start(recording: Recording) -> list[Any]:
    """Epochs whose record says what lambda was before: in a free run without states, the first only."""
    return list(recording.epochs[:1] if recording.mode == "free" else recording.epochs)
