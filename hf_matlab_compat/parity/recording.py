"""A recording: the values that a reference computed on a case, epoch by epoch; and the file that keeps one.

Every engine (Octave live, recorded numbers, a tape from another machine) yields the same record, so that the judge does
not depend on where numbers come from. Vectors are (P,), in the precision of the run.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from enum import Enum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hf_matlab_compat.errors import CheckpointError, ParityError
from hf_matlab_compat.matlab.files.npz_file import read_npz
from hf_matlab_compat.state import Report, State

Vector = NDArray[Any]

PRECISIONS = ("double", "single")
MODES = ("kernels", "lockstep", "free")

REFUSED = "cannot be had of this reference"
"""Part of the reason why nothing was recorded, after a precision: the other precision is judged without it."""

ASKED_OF_CG = ("maxiters", "miniters")
"""Figures of an epoch: the limits that the trainer hands to its CG."""

PLACE = "computed: "
"""Prefix of a stage in a recording's provenance: the line of the reference's files that computes it."""

BY_CASES = "by cases alone: "
"""Prefix of a quantity in an envelope: E of the members that differ from the plain run in the order of cases alone,
kept where it may be too large for rounding."""
AGAIN, AND_AGAIN = "again: ", "again and again: "
"""Prefixes of a quantity in an envelope: the distance of the plain run, repeated, from itself, and the distance of two
repeats from each other. Missing where they are equal."""
NOTHING = "nothing was recorded"
"""Entry in the provenance of a recording without epochs: the reason."""


@dataclass(frozen=True, kw_only=True)
class Case:
    """A training problem: a name and the 22 arguments under their legacy names.

    Attributes
    ----------
    name : str
    arguments : mapping
        `nnet_train_2`'s arguments by MATLAB's names; `paramsp` is always explicit.
    constants : mapping
        Constants inside the file by `nnet_train`'s keywords, where they differ from the published ones.
    """

    name: str
    arguments: Mapping[str, Any]
    constants: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class EpochRecord:
    """The values that a reference, or this package, computed in one epoch, from the state in which it began.

    Attributes
    ----------
    epoch : int
        Number, from 1.
    theta, start, lam : vector, vector, float
        The state: parameters, start of CG (after decay), damping. An empty vector: not known.
    kernels : mapping of str to arrays or floats
        By stage: 'forward', 'll', 'err', 'grad', 'grad2', 'gradchunk', 'oldll', 'precon', and for probe vectors
        (P, k) 'v' the products 'Bv' (damped) and 'Bv_undamped', each (P, k). Products have the sign of the legacy
        code, which maximises. None: this side cannot show the kernel.
    steps, iterates : list of int, list of vectors
        Recorded CG iterates.
    figures : mapping of str to float
        By the names of `Report`: 'cg_steps', 'chosen_step', 'd_norm', 'rho', 'reductions', 'rate', 'lam',
        'log_likelihood', 'error', 'test_log_likelihood', 'test_error', and where they are known 'predicted_change',
        'old_log_likelihood_chunk', 'log_likelihood_chunk' and `ASKED_OF_CG`.
    theta_after, d_after : vectors or None
        The state after the epoch.
    log_lines : list of str
        The epoch's lines of the text log, without line ends.
    own_choice : int
        Of this package: the CG step that backtracking chose, whichever step the epoch went on with.
    cg_stop : enum or None
        Of this package: why CG stopped.
    report : Report or None
        Of this package: the report of the epoch.
    state : State or None
        Of this package: the state after the epoch, on the backend.
    """

    epoch: int = 0
    theta: Vector = field(default_factory=lambda: np.zeros(0))
    start: Vector = field(default_factory=lambda: np.zeros(0))
    lam: float = math.nan
    kernels: Mapping[str, Any] = field(default_factory=dict)
    steps: Sequence[int] = ()
    iterates: Sequence[Vector] = ()
    figures: Mapping[str, float] = field(default_factory=dict)
    theta_after: Vector | None = None
    d_after: Vector | None = None
    log_lines: Sequence[str] = ()
    own_choice: int = 0
    cg_stop: Enum | None = None
    report: Report | None = None
    state: State | None = None


@dataclass(frozen=True, kw_only=True)
class Continuity:
    """One call of the reference over several epochs, compared with a chain of calls that each resume for one epoch.

    State that a trainer keeps to itself from one epoch to the next (a momentum, a counter) is in the one call and in
    none of the others. Without such state, both end in the same numbers, to the last bit.

    Attributes
    ----------
    epochs : int
        Number of epochs of the one call.
    theta, d : float
        Distance of the parameters and of the last solutions of CG at the end, by `distance`; 0: bit-equal.
    lam : (float, float)
        Damping recorded at the end: of the chain, of the one call.
    first_apart : int or None
        The first epoch, from 1, whose printed figures or record in the checkpoint differ; the last one where only
        returned values do. None: all are equal.
    """

    epochs: int
    theta: float
    d: float
    lam: tuple[float, float]
    first_apart: int | None


@dataclass(frozen=True, kw_only=True)
class Stop:
    """The point at which a reference stopped in mid-run.

    Attributes
    ----------
    epoch : int
        The epoch that it did not finish.
    reason : str
    cause : {'', 'nothing recorded', 'underflow'}
        A known fault of the published program; '' for any other reason.
    theta, start, lam : vector, vector, float
        The state in which that epoch began, as in `EpochRecord`; None where it was not recorded.
    """

    epoch: int
    reason: str
    cause: str = ""
    theta: Vector | None = None
    start: Vector | None = None
    lam: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Recording:
    """A run of a case.

    Attributes
    ----------
    case : Case
    precision : {'single', 'double'}
    mode : {'kernels', 'lockstep', 'free'}
        kernels: some states, and the kernels at them. lockstep: consecutive epochs, with the states of the
        reference's own run. free: the same, to be repeated from the start without these states.
    epochs : list of EpochRecord
    envelope : mapping
        Measured E by ``(epoch, quantity)``: the largest distance of this reference's perturbed runs from itself.
    checkpoint : bytes or None
        The last `_nnet_running.mat` that it wrote.
    provenance : mapping of str to str
        Engine, versions, BLAS, processor, SHA-256 of every file of the reference, seeds.
    continuity : Continuity or None
        One call over all epochs compared with resumed calls; None: not run.
    stop : Stop or None
        Where it stopped before the last epoch that was asked for; None: it did not.
    """

    case: Case
    precision: str
    mode: str
    epochs: Sequence[EpochRecord]
    envelope: Mapping[tuple[int, str], float] = field(default_factory=dict)
    checkpoint: bytes | None = None
    provenance: Mapping[str, str] = field(default_factory=dict)
    continuity: Continuity | None = None
    stop: Stop | None = None


def nothing_recorded(case: Case, precision: str, mode: str, why: str) -> Recording:
    """Return the recording of a run that could not be made, or did not finish an epoch."""
    return Recording(case=case, precision=precision, mode=mode, epochs=[], provenance={NOTHING: why})


def distance(ours: Any, reference: Any) -> float:
    """Return ‖ours - reference‖ / ‖reference‖; 0 for equal values, NaN and Inf included; inf for other shapes."""
    a, b = (np.asarray(value, np.float64).ravel() for value in (ours, reference))
    if a.shape != b.shape:
        return math.inf
    if np.array_equal(a, b, equal_nan=True):
        return 0.0
    with np.errstate(all="ignore"):
        ratio = float(np.linalg.norm(a - b) / np.linalg.norm(b))
    return ratio if np.isfinite(ratio) else math.inf


_VERSION = 1
_NOT_KEPT = ("own_choice", "cg_stop", "report", "state")
"""Fields of an epoch that this package alone has."""

_Arrays = dict[tuple[Any, ...], tuple[int, Any]]
"""Number and array by content: equal arrays, as the state between two epochs, are kept once."""


def write_recording_file(path: str | os.PathLike[str], recording: Recording, about: Mapping[str, Any]) -> None:
    """Write the recording, and plain values about it which `read_recording_file` returns, as a .npz file."""
    arrays: _Arrays = {}
    tree = {
        "version": _VERSION,
        "about": dict(about),
        "case": _encoded(_parts(recording.case), arrays),
        "epochs": [_encoded(_parts(record), arrays) for record in recording.epochs],
        "continuity": None if recording.continuity is None else _parts(recording.continuity),
        "stop": None if recording.stop is None else _encoded(_parts(recording.stop), arrays),
        "envelope": [[epoch, name, E] for (epoch, name), E in recording.envelope.items()],
        "run": {"precision": recording.precision, "mode": recording.mode, "provenance": dict(recording.provenance)},
    }
    text = np.frombuffer(json.dumps(tree).encode(), np.uint8)
    with open(path, "wb") as stream:
        np.savez_compressed(stream, tree=text, **{f"a{i}": array for i, array in arrays.values()})


def read_recording_file(path: str | os.PathLike[str]) -> tuple[Recording, dict[str, Any]]:
    """Return the recording in a file, and the values about it.

    Raises
    ------
    ParityError
        There is no such file, or it is another one.
    """
    try:
        arrays = read_npz(path)
        tree = json.loads(arrays["tree"].tobytes())
        if tree.get("version") != _VERSION:
            raise ParityError(f"{os.fspath(path)}: expected version {_VERSION}, got {tree.get('version')}.")
        return _recording(tree, arrays), tree["about"]
    except (CheckpointError, AttributeError, KeyError, TypeError, ValueError, RecursionError) as error:
        raise ParityError(f"{os.fspath(path)}: expected the file of a recording, got another ({error}).") from error


def _recording(tree: Mapping[str, Any], arrays: Mapping[str, Any]) -> Recording:
    return Recording(
        case=Case(**_decoded(tree["case"], arrays)),
        epochs=[EpochRecord(**_decoded(record, arrays)) for record in tree["epochs"]],
        envelope={(int(epoch), name): float(E) for epoch, name, E in tree["envelope"]},
        continuity=_continuity(tree.get("continuity")),
        stop=None if tree.get("stop") is None else Stop(**_decoded(tree["stop"], arrays)),
        **tree["run"],
    )


def _continuity(kept: Mapping[str, Any] | None) -> Continuity | None:
    return None if kept is None else Continuity(**{**kept, "lam": tuple(kept["lam"])})


def _parts(value: Any) -> dict[str, Any]:
    return {part.name: getattr(value, part.name) for part in fields(value) if part.name not in _NOT_KEPT}


def _encoded(value: Any, arrays: _Arrays) -> Any:
    """Return the value as JSON, with its arrays put aside; a cell array becomes a list."""
    if isinstance(value, Mapping):
        return {"map": {str(key): _encoded(part, arrays) for key, part in value.items()}}
    if isinstance(value, np.ndarray) and value.dtype == object:
        return _encoded([part.item() if np.size(part) == 1 else part for part in value.ravel(order="F")], arrays)
    if isinstance(value, np.ndarray | np.generic):
        return {"array": _number(np.asarray(value), arrays)}
    if isinstance(value, list | tuple):
        return [_encoded(part, arrays) for part in value]
    return value


def _number(array: NDArray[Any], arrays: _Arrays) -> int:
    key = (array.dtype.str, array.shape, hashlib.sha256(array.tobytes()).digest())
    return arrays.setdefault(key, (len(arrays), array))[0]


def _decoded(value: Any, arrays: Mapping[str, Any]) -> Any:
    if isinstance(value, dict):
        if "array" in value:
            return arrays[f"a{value['array']}"]
        return {key: _decoded(part, arrays) for key, part in value["map"].items()}
    return [_decoded(part, arrays) for part in value] if isinstance(value, list) else value
