"""A recording in one file, without pickles: to be judged later, on this machine or another."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hf_matlab_compat.errors import CheckpointError, ParityError
from hf_matlab_compat.matlab.files.npz_file import read_npz
from hf_matlab_compat.parity.reference_run import Case, Continuity, EpochRecord, Recording, Stop

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
