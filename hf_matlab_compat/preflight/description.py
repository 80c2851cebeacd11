"""A run in plain values, kept next to its checkpoints: a resumed run names what differs from them."""

from __future__ import annotations

import dataclasses
import hashlib
import math
import os
import warnings
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from hf_matlab_compat.matlab.files.checkpoint import CheckpointWarning, read_description
from hf_matlab_compat.matlab.vocabulary import TO_MATLAB
from hf_matlab_compat.model.units import name_of
from hf_matlab_compat.objective.cases import ChunkedCases, same_memory
from hf_matlab_compat.options import Options

FREE = {
    *("max_epochs", "num_test_chunks", "checkpoint_period", "backend", "num_threads"),
    *("patience", "monitor", "average_decay"),
    *("initial_lam", "num_connections", "init_scale", "seed"),  # a resumed run does not read these
}
"""Options that a resumed run may change without a warning."""

_PLAIN = bool | int | float | str | None
_MOST_NUMBERS = 1 << 24
"""A larger matrix is represented by evenly spaced cases with this many numbers; it may be mapped from a slow disk."""


def describe(sizes: Sequence[int], unit_types: Sequence[Any], options: Options, data: ChunkedCases) -> dict[str, Any]:
    """Return the description of a run, in values that JSON can hold: layers, settings, fingerprints of training cases.

    Class weights are part of the case weights in `data`.
    """
    inputs = fingerprint(data.inputs)
    targets = inputs if same_memory(data.inputs, data.targets) else fingerprint(data.targets)
    weights = {} if data.weights is None else {"case_weights": fingerprint(data.weights)}
    return {
        "sizes": [int(size) for size in sizes],
        "unit_types": [name_of(unit) for unit in unit_types],
        "settings": plain_settings(options),
        "data": {"inputs": inputs, "targets": targets, **weights},
    }


def describe_own(problem: object, options: Options) -> dict[str, Any]:
    """Return the description of a run on a user's problem: its class and the settings; of sequences what they are."""
    told: dict[str, Any] = {"problem": type(problem).__name__, "settings": plain_settings(options), "data": {}}
    drawn: Any = getattr(problem, "draws", None)  # of a variational problem
    if dataclasses.is_dataclass(drawn):
        told["settings"]["draws"] = name_of(drawn) + _set_in("draws", drawn)
    trained: Any = getattr(problem, "trained", None)
    if trained is None:
        return told
    of_problem: Any = problem
    told["settings"]["num_chunks"] = of_problem.num_chunks
    told["data"] = {name: fingerprint(array) for name, array in of_problem.data.arrays().items()}
    return {**told, "sequences": trained.described()}


def plain_settings(options: Options) -> dict[str, Any]:
    """Return all options but the seed, which may be any object, and the ranks, which change nothing.

    A user's rule appears as the name of its class, with those of its plain settings that are not the default.
    """
    settings = {
        n: list(v) if isinstance(v, tuple) else v for n, v in vars(options).items() if n not in ("seed", "ranks")
    }
    return {n: v if isinstance(v, _PLAIN | list) else name_of(v) + _set_in(n, v) for n, v in settings.items()}


def _set_in(option: str, rule: Any) -> str:
    if option == "loss" or not dataclasses.is_dataclass(rule):  # a loss is known by its name when a file is read
        return ""
    values = {each.name: (getattr(rule, each.name), each.default) for each in dataclasses.fields(rule)}
    told = [
        f"{name}={value!r}" for name, (value, usual) in values.items() if isinstance(value, _PLAIN) and value != usual
    ]
    return f"({', '.join(told)})" if told else ""


def fingerprint(matrix: Any) -> str:
    """Return the SHA-256 of the numbers of a (s, N) matrix in single precision, case by case, in any memory layout.

    An array (s, T, N) is taken sequence by sequence.
    """
    rows, cases = math.prod(matrix.shape[:-1]), matrix.shape[-1]
    digest = hashlib.sha256(f"{rows} {cases}".encode())
    most = max(_MOST_NUMBERS // max(rows, 1), 1)
    chosen = np.arange(cases) if cases <= most else np.linspace(0, cases - 1, most).astype(np.int64)
    block = max((1 << 18) // max(rows, 1), 1)
    for first in range(0, len(chosen), block):
        part = chosen[first : first + block]
        whole = part[-1] - part[0] + 1 == len(part)
        numbers = matrix[..., part[0] : part[-1] + 1] if whole else matrix[..., part]
        in_single = np.asarray(numbers).T.astype("<f4", order="C") + np.float32(0)  # -0 becomes 0
        digest.update(in_single.tobytes())
    return digest.hexdigest()


def warn_of_changes(checkpoint: str | os.PathLike[str], described: Mapping[str, Any]) -> None:
    """Warn of what differs from the run that wrote the checkpoint, if that is known.

    Warns
    -----
    CheckpointWarning
        Something differs.
    """
    before = read_description(checkpoint)
    changes = list(_changes(before, described)) if before else []
    if changes:
        warnings.warn(
            f"{os.fspath(checkpoint)}: the run that wrote it had other settings. {'; '.join(changes)}. "
            "This run continues with its own settings.",
            CheckpointWarning,
            stacklevel=4,
        )


def warn_of_another_lam(before: Any, now: Any) -> None:
    """Warn where the last λ of a result is a trust radius from now on, or the other way; given both dampings.

    Warns
    -----
    CheckpointWarning
        It is.
    """
    if told := _of_radius(before, now):
        warnings.warn(f"resume_from: {told}. This run continues all the same.", CheckpointWarning, stacklevel=4)


def _of_radius(before: Any, now: Any) -> str:
    was, is_now = (
        getattr(each, "is_radius", str(each).startswith(("trust_region", "TrustRegion"))) for each in (before, now)
    )
    if was == is_now:
        return ""
    return "its last trust radius is taken as lambda" if was else "its last lambda is taken as the trust radius"


def warn_of_lost_memory(
    checkpoint: str | os.PathLike[str], started: Mapping[str, Any], resumed: Mapping[str, Any]
) -> None:
    """Warn of entries of the method's memory that the checkpoint lacks: no sidecar, or written by another method.

    Warns
    -----
    CheckpointWarning
        An entry is missing.
    """
    lacking = [name for name in started if name not in resumed]
    if lacking:
        warnings.warn(
            f"{os.fspath(checkpoint)}: expected {', '.join(lacking)}, which the method remembers, got a checkpoint "
            "without. The method starts with its own values, so the run does not continue bit for bit.",
            CheckpointWarning,
            stacklevel=4,
        )


def _changes(before: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[str]:
    told = {name: value for name, value in now["settings"].items() if name not in FREE}
    if told.get("precision") == "double":
        del told["precision"]  # `read_checkpoint` has warned that its doubles are missing
    layers = {"hidden_sizes": "sizes", "unit_types": "unit_types", "problem": "problem"}
    of_net, net = ({n: v for n, v in each.get("sequences", {}).items() if n != "kind"} for each in (before, now))
    known = {**before.get("settings", {}), **{name: before.get(key) for name, key in layers.items()}, **of_net}
    for name, value in {**{name: now.get(key) for name, key in layers.items()}, **told, **net}.items():
        if known.get(name, value) != value:
            of_radius = _of_radius(known[name], value) if name == "damping" else ""
            yield f"{_spoken(name)}: was {_shown(known[name])}, is {_shown(value)}" + (
                of_radius and f", so {of_radius}"
            )
    data = before.get("data", {})
    for name, value in now["data"].items():
        if data.get(name, value) != value:
            yield f"{_spoken(name)}: other numbers"
    if data and ("case_weights" in data) != ("case_weights" in now["data"]):
        yield f"weights of cases: {'were given, are not' if 'case_weights' in data else 'were not given, are'}"


def _shown(value: Any) -> str:
    return " ".join(map(str, value)) if isinstance(value, list) else str(value)


def _spoken(name: str) -> str:
    theirs = TO_MATLAB.get(name, name)
    return name if theirs == name else f"{name} (MATLAB's {theirs})"
