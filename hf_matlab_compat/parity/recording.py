"""A recording: the values that a reference computed on a case, epoch by epoch; and the file that keeps one.

Every engine (Octave live, recorded numbers, a tape from another machine) yields the same record, so that the judge does
not depend on where numbers come from. Vectors are (P,), in the precision of the run.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hf_matlab_compat.errors import CheckpointError, ParityError
from hf_matlab_compat.matlab.files.npz_file import read_npz

REFUSED = "cannot be had of this reference"
"""In the reason why nothing was recorded, after a precision: the other precision is judged without it."""

ASKED_OF_CG = ("maxiters", "miniters")
"""Figures of an epoch, as the trainer hands them to its CG."""

PLACE = "computed: "
"""In a recording's provenance before the name of a stage: the line of the reference's files that computes it."""


@dataclass(frozen=True, kw_only=True)
class Case:
    """One training problem: the 22 arguments under their legacy names, and what a built-in case is called.

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
    """What a reference computed in one epoch, from the state it began in. None: this reference can't show it.

    Attributes
    ----------
    epoch : int
        Counted from 1.
    theta, start, lam : vector, vector, float
        The state: parameters, start of CG (after decay), damping.
    kernels : mapping of str to arrays or floats
        By stage: 'forward', 'll', 'err', 'grad', 'grad2', 'gradchunk', 'oldll', 'precon', and for probe vectors
        (P, k) 'v' the products 'Bv' (damped) and 'Bv_undamped', each (P, k).
    steps, iterates : list of int, list of vectors
        Recorded CG iterates.
    figures : mapping of str to float
        'cg_steps', 'chose_iters', 'ch_norm', 'rho', 'reductions', 'rate', 'lambda', 'll', 'err', 'test_ll',
        'test_err'.
    theta_after, d_after : vectors or None
        The state it left.
    log_lines : list of str
        The epoch's lines of the text log, without line ends.
    """

    epoch: int
    theta: NDArray[Any]
    start: NDArray[Any]
    lam: float
    kernels: Mapping[str, Any]
    steps: Sequence[int]
    iterates: Sequence[NDArray[Any]]
    figures: Mapping[str, float]
    theta_after: NDArray[Any] | None
    d_after: NDArray[Any] | None
    log_lines: Sequence[str] = ()


@dataclass(frozen=True, kw_only=True)
class Continuity:
    """One call of the reference over several epochs, beside the chain of calls that each resume for one epoch.

    What a trainer keeps to itself from one epoch to the next (a momentum, a count of its loops) is in the one call
    and in none of the others; where nothing of that kind is kept, both end in the same numbers, to the last bit.

    Attributes
    ----------
    epochs : int
        How many the one call went over.
    theta, d : float
        How far the parameters and the last solutions of CG are apart at the end, by `distance`; 0: bit-equal.
    lam : (float, float)
        Damping as recorded at the end: of the chain, of the one call.
    first_apart : int or None
        The first epoch, counted from 1, whose printed figures or record in the checkpoint differ; the last one where
        only what the call hands back does. None: all are equal.
    """

    epochs: int
    theta: float
    d: float
    lam: tuple[float, float]
    first_apart: int | None


@dataclass(frozen=True, kw_only=True)
class Stop:
    """Where a reference stopped in mid-run, and why.

    Attributes
    ----------
    epoch : int
        The one that it did not finish.
    reason : str
    cause : {'', 'nothing recorded', 'underflow'}
        A fault that the published program is known to have; '' for any other reason.
    theta, start, lam : vector, vector, float
        The state in which that epoch began, as in `EpochRecord`; None where it was not recorded.
    """

    epoch: int
    reason: str
    cause: str = ""
    theta: NDArray[Any] | None = None
    start: NDArray[Any] | None = None
    lam: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Recording:
    """A reference's run of a case.

    Attributes
    ----------
    case : Case
    precision : {'single', 'double'}
    mode : {'kernels', 'lockstep', 'free'}
        kernels: some states, nothing but kernels; lockstep: consecutive epochs whose states are those of the
        reference's own run; free: the same, to be repeated without help from the start.
    epochs : list of EpochRecord
    envelope : mapping
        Measured E by ``(epoch, quantity)``: the largest distance of this reference's perturbed runs from itself.
    checkpoint : bytes or None
        The last `_nnet_running.mat` it wrote.
    provenance : mapping of str to str
        Engine, versions, BLAS, processor, SHA-256 of every file of the reference, seeds.
    continuity : Continuity or None
        Whether one call of the reference over all epochs ends where its resumed calls do; None: not run.
    stop : Stop or None
        Where it stopped before it had done all epochs that it was asked for; None: it did them.
    """

    case: Case
    precision: str
    mode: str
    epochs: Sequence[EpochRecord]
    envelope: Mapping[tuple[int, str], float]
    checkpoint: bytes | None
    provenance: Mapping[str, str]
    continuity: Continuity | None = None
    stop: Stop | None = None


BY_CASES = "by cases alone: "
"""In an envelope before a quantity: E of those members that differ from the plain run in the order of cases alone, kept
where it is too large to be rounding without a doubt."""
AGAIN, AND_AGAIN = "again: ", "again and again: "
"""In an envelope before a quantity: how far the plain run, done once more, is from itself, and two such from each
other. Missing where they are equal."""
NOTHING = "nothing was recorded"
"""In the provenance of a recording without epochs: why it has none."""


def nothing_recorded(case: Case, precision: str, mode: str, why: str) -> Recording:
    """A run that could not be made, or has not finished an epoch."""
    return Recording(
        case=case, precision=precision, mode=mode, epochs=[], envelope={}, checkpoint=None, provenance={NOTHING: why}
    )


def distance(ours: Any, reference: Any) -> float:
    """‖ours - reference‖ / ‖reference‖; 0 for equal values, NaN and infinities included; inf for other shapes."""
    a, b = (np.asarray(value, np.float64).ravel() for value in (ours, reference))
    if a.shape != b.shape:
        return float("inf")
    if np.array_equal(a, b, equal_nan=True):
        return 0.0
    with np.errstate(all="ignore"):
        ratio = float(np.linalg.norm(a - b) / np.linalg.norm(b))
    return ratio if np.isfinite(ratio) else float("inf")


_VERSION = 1

_Arrays = dict[tuple[Any, ...], tuple[int, Any]]
"""By what is in them: number and array. Equal ones, as the state between two epochs, are kept once."""


def write_recording_file(path: str | os.PathLike[str], recording: Recording, about: Mapping[str, Any]) -> None:
    """Write the recording and a few words about it; a .npz file.

    Parameters
    ----------
    path : path
    recording : Recording
    about : mapping
        Plain values, returned by `read_recording_file`.
    """
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
    """The recording, and what was said about it.

    Raises
    ------
    ParityError
        There is no such file, or it is none of these.
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
        checkpoint=None,
        continuity=_continuity(tree.get("continuity")),
        stop=None if tree.get("stop") is None else Stop(**_decoded(tree["stop"], arrays)),
        **tree["run"],
    )


def _continuity(kept: Mapping[str, Any] | None) -> Continuity | None:
    return None if kept is None else Continuity(**{**kept, "lam": tuple(kept["lam"])})


def _parts(value: Any) -> dict[str, Any]:
    return {part.name: getattr(value, part.name) for part in fields(value)}


def _encoded(value: Any, arrays: _Arrays) -> Any:
    """The value as JSON, its arrays put aside; a cell array becomes a list."""
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
