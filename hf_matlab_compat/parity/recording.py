"""The reference's epochs and their spread, kept in a file for machines that cannot run the reference."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from scipy.io import loadmat, savemat

from hf_matlab_compat.errors import ParityError
from hf_matlab_compat.matlab.vocabulary import TRAINER_ARGUMENTS
from hf_matlab_compat.parity.epoch import Epoch
from hf_matlab_compat.state import State

_SAYS_NOTHING = ("runName", "runDesc", "maxepoch", "resumeFile")


@dataclass(frozen=True)
class Recording:
    """What was recorded of a case.

    Attributes
    ----------
    epochs : list of Epoch
    spread : dict of str to list of float
        E of every figure, epoch by epoch.
    """

    epochs: list[Epoch]
    spread: dict[str, list[float]]


def write_recording(
    path: Path, arguments: Mapping[str, Any], epochs: Sequence[Epoch], spread: Mapping[str, Sequence[float]]
) -> None:
    """Keep consecutive epochs of a case; a .mat file that MATLAB and Octave can read too.

    Parameters
    ----------
    path : Path
    arguments : mapping
        The 22 arguments; only their fingerprint is kept.
    epochs : sequence of Epoch
        One after the other, the first from ch = 0.
    spread : mapping
    """
    content = {
        "case": fingerprint(arguments),
        "paramsp": np.column_stack([epochs[0].start.theta, *(epoch.theta for epoch in epochs)]),
        "ch": np.column_stack([epoch.d for epoch in epochs]),
        "grad": np.column_stack([epoch.gradient for epoch in epochs]),
        "lambda": np.array([[epoch.start.lam for epoch in epochs]]),
        "figures": {name: np.array([[epoch.figures[name] for epoch in epochs]]) for name in epochs[0].figures},
        "spread": {name: np.array([values]) for name, values in spread.items()},
    }
    savemat(path, content, do_compression=True)


def read_recording(path: Path, arguments: Mapping[str, Any]) -> Recording:
    """What was recorded of this case.

    Raises
    ------
    ParityError
        There is no such file, or it was recorded of another case.
    """
    if not path.exists():
        raise ParityError(f"recording: expected {path}, got no such file. Install the package again.")
    content = loadmat(path)
    if content["case"].item() != fingerprint(arguments):
        raise ParityError(f"recording: expected one of this case, got {path}, of another. Record it anew.")
    figures, spread = (_rows(content[name]) for name in ("figures", "spread"))
    epochs: list[Epoch] = []
    theta, d = content["paramsp"][:, 0], np.zeros(len(content["paramsp"]))
    for k, lam in enumerate(content["lambda"].ravel()):
        epoch = Epoch(
            start=State(theta=theta, d=d, lam=float(lam), epoch=k),
            gradient=content["grad"][:, k],
            theta=content["paramsp"][:, k + 1],
            d=content["ch"][:, k],
            figures={name: values[k] for name, values in figures.items()},
        )
        epochs.append(epoch)
        theta, d = epoch.theta, epoch.d
    return Recording(epochs, spread)


def _rows(struct: Any) -> dict[str, list[float]]:
    """The fields of a struct as scipy reads it, each a row."""
    return {name: struct[name].item().ravel().tolist() for name in struct.dtype.names}


def fingerprint(arguments: Mapping[str, Any]) -> str:
    """A short name that two sets of arguments share only where they describe the same training."""
    digest = hashlib.sha256()
    for name in TRAINER_ARGUMENTS:
        if name not in _SAYS_NOTHING:
            digest.update(f"{name}: {_bytes(arguments[name])!r}\n".encode())
    return digest.hexdigest()[:16]


def _bytes(value: Any) -> Any:
    return (value.shape, np.asarray(value, np.float64).tobytes()) if isinstance(value, np.ndarray) else value
