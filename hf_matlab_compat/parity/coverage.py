"""Coverage: the settings, values and decisions that the compared runs went through, and those that none of them had."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from hf_matlab_compat.matlab.vocabulary import WORDS
from hf_matlab_compat.objective.cases import CASES_PER_KEPT_BLOCK
from hf_matlab_compat.parity.recording import EpochRecord, Recording
from hf_matlab_compat.parity.recurrent_cases import is_recurrent

HIDDEN = ("logistic", "tanh", "linear")
ACCEPTED: Mapping[str, tuple[tuple[str, int], ...]] = {
    "gn": (("logistic", 0), ("linear", 0), ("softmax", 0), ("logistic", 1), ("tanh", 1), ("linear", 1)),
    "hess": (("logistic", 0), ("linear", 0), ("softmax", 0), ("logistic", 1), ("linear", 1), ("softmax", 1)),
    "empfish": (("logistic", 0), ("linear", 0), ("softmax", 0)),
}
"""Output units and rms that can be trained with a mattype."""
LONG_CG = 100
"""CG steps from which on the gap over which CG looks back grows with them."""

_SETTINGS: Mapping[str, Callable[[Mapping[str, Any]], bool]] = {
    "errtype 'L2'": lambda given: given["errtype"] == "L2",
    "errtype 'class'": lambda given: given["errtype"] == "class",
    "a weight cost": lambda given: given["weightcost"] > 0,
    "a test set": lambda given: given["intest"].size > 0,
    "more than one block of cases in a chunk": lambda given: (
        given["indata"].shape[1] > CASES_PER_KEPT_BLOCK * given["numchunks"]
    ),
}

_OF_RECURRENT: Mapping[str, Callable[[Mapping[str, Any]], bool]] = {
    "structural damping": lambda given: given["mu"] > 0,
    "a recurrent net without structural damping": lambda given: given["mu"] == 0,
    **{
        f"{unit} outputs of a recurrent net": lambda given, unit=unit: given["layertypes"][-1] == unit
        for unit in ("linear", "logistic", "softmax")
    },
    **{
        f"sequences that start with '{start}'": lambda given, start=start: given["initial_state"] == start
        for start in ("learned", "bias", "zero")
    },
}

Epoch = Callable[[Recording, EpochRecord], bool]

_DECIDED: Mapping[str, Mapping[str, Epoch]] = {
    "lambda was": {
        "raised": lambda r, record: _knows_lambda(r, record) and record.figures["lam"] > record.lam,
        "lowered": lambda r, record: _knows_lambda(r, record) and record.figures["lam"] < record.lam,
        "kept": lambda r, record: _knows_lambda(r, record) and record.figures["lam"] == record.lam,
    },
    "the step was": {
        "whole": lambda r, record: record.figures.get("rate") == 1,
        "shortened": lambda r, record: 0 < record.figures.get("rate", 0.0) < 1,
        "rejected": lambda r, record: record.figures.get("rate") == 0,
    },
    "the CG iterate chosen was": {
        "the last": lambda r, record: record.figures.get("chosen_step", 0.0) == _last_step(record) > 0,
        "an earlier one": lambda r, record: 0 < record.figures.get("chosen_step", 0.0) < _last_step(record),
    },
}
"""Decisions, and whether an epoch shows each."""

_EVENTS: Mapping[str, Epoch] = {
    "ties under errtype 'class'": lambda r, record: (
        r.case.arguments["errtype"] == "class" and not is_recurrent(r.case) and _ties(record)
    ),
    f"CG runs of more than {LONG_CG} steps": lambda r, record: _last_step(record) > LONG_CG,
    "wrap-around of chunks": lambda r, record: (
        bool(record.figures) and record.epoch > r.case.arguments["numchunks"] > 1
    ),
    "rho = -Inf": lambda r, record: record.figures.get("rho") == -np.inf,
    "raised lambda": _DECIDED["lambda was"]["raised"],
    "dropped lambda": _DECIDED["lambda was"]["lowered"],
    "shortened steps": _DECIDED["the step was"]["shortened"],
    "rejected steps": _DECIDED["the step was"]["rejected"],
    "the whole call": lambda r, record: r.mode != "kernels" and record.epoch == 1,
}
"""Events, and whether an epoch shows each."""


def not_exercised(recordings: Sequence[Recording]) -> list[str]:
    """Return the settings, in MATLAB's words, and the events that none of these recordings has."""
    epochs = _epochs(recordings)
    ran = [recording.case for recording in recordings if recording.epochs]
    cases = [case.arguments for case in ran if not is_recurrent(case)]
    recurrent = [case.arguments for case in ran if is_recurrent(case)]
    missing: list[str] = []
    if cases or not recurrent:
        missing += [*_outputs(cases), *_hybridmode(cases), *_hidden(cases)]
        missing += [name for name, has in _SETTINGS.items() if not any(map(has, cases))]
    if recurrent:
        missing += [name for name, has in _OF_RECURRENT.items() if not any(map(has, recurrent))]
    missing += [name for name, has in _EVENTS.items() if not any(has(*epoch) for epoch in epochs)]
    without_ties = "errtype 'class'" in missing or (recurrent and not cases)
    return [name for name in missing if not (without_ties and name.endswith("under errtype 'class'"))]


def seen(recordings: Sequence[Recording]) -> dict[str, str]:
    """Return the epochs, values and decisions that these recordings have."""
    epochs = _epochs(recordings)
    if not epochs:
        return {}
    lams = [record.lam for r, record in epochs if _begins_known(r, record)]
    steps = [step for _, record in epochs if (step := _last_step(record)) > 0]
    found = {"epochs": _epochs_seen([r for r in recordings if r.epochs])}
    found |= {"lambda": _range([*lams, *_figures(epochs, "lam")]), "CG steps": _range(steps)}
    found |= {name: _range(_figures(epochs, name)) for name in ("rho", "reductions")}
    for name, decisions in _DECIDED.items():
        counts = {word: sum(holds(*epoch) for epoch in epochs) for word, holds in decisions.items()}
        if any(counts.values()):
            found[name] = ", ".join(f"{word} in {count}" for word, count in counts.items()) + " epochs"
    return {name: said for name, said in found.items() if said}


def _epochs(recordings: Sequence[Recording]) -> list[tuple[Recording, EpochRecord]]:
    return [(recording, record) for recording in recordings for record in recording.epochs]


def _epochs_seen(ran: Sequence[Recording]) -> str:
    """Return the last epoch of most runs, and the last epochs of runs that have more."""
    last = [(recording.epochs[-1].epoch, recording.case.name) for recording in ran]
    common = Counter(epoch for epoch, _ in last).most_common(1)[0][0]
    more: dict[int, list[str]] = {}
    for epoch, name in sorted(last):
        if epoch > common and name not in more.setdefault(epoch, []):
            more[epoch].append(name)
    first = min(record.epoch for recording in ran for record in recording.epochs)
    longer = "".join(f"; to {epoch} in {', '.join(names)}" for epoch, names in more.items())
    return (f"{first} to {common}" if common > first else f"{common}") + longer


def _figures(epochs: Sequence[tuple[Recording, EpochRecord]], name: str) -> list[float]:
    return [value for _, record in epochs if (value := record.figures.get(name)) is not None]


def _range(values: Sequence[float]) -> str:
    """Return the smallest and the largest finite value, and the values that are not finite."""
    finite = [value for value in values if np.isfinite(value)]
    other = sorted({f"{value:g}" for value in values if not np.isfinite(value)})
    ends = [f"{min(finite):.6g}", f"{max(finite):.6g}"] if finite else []
    return ", ".join([" to ".join(dict.fromkeys(ends)), *other] if ends else other)


def _outputs(cases: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return missing mattypes, output units and rms, and their missing combinations where each is there by itself."""
    used = {(case["mattype"], case["layertypes"][-1], case["rms"]) for case in cases}
    mattypes, units, settings = (set(column) for column in zip(*used, strict=True)) if used else (set(), set(), set())
    said = [f"mattype '{word}'" for word in WORDS["curvature"] if word not in mattypes]
    said += [f"{unit} output units" for unit in (*HIDDEN, "softmax") if unit not in units]
    said += ["rms=1"] if 1 not in settings else []
    for mattype, known in ACCEPTED.items():
        lacking = [pair for pair in known if (mattype, *pair) not in used and pair[0] in units and pair[1] in settings]
        if mattype in mattypes and lacking:
            words = ", ".join(f"{unit} outputs" + " (rms=1)" * rms for unit, rms in lacking)
            said.append(f"mattype '{mattype}' with {words}")
    return said


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
    """Return whether a case has several largest outputs; False where outputs are not shown."""
    layers = record.kernels.get("forward")
    if layers is None or not len(layers):
        return False
    y = np.asarray(layers[-1] if isinstance(layers, list | tuple) or layers.dtype == object else layers, np.float64)
    return y.ndim == 2 and bool(((y == y.max(axis=0)).sum(axis=0) > 1).any())


def _last_step(record: EpochRecord) -> float:
    return max([record.figures.get("cg_steps", 0.0), *record.steps])


def _begins_known(recording: Recording, record: EpochRecord) -> bool:
    """Return whether the record has the lambda before the epoch: of a free run without states, only the first has."""
    return recording.mode != "free" or record is recording.epochs[0]


def _knows_lambda(recording: Recording, record: EpochRecord) -> bool:
    return "lam" in record.figures and _begins_known(recording, record)
