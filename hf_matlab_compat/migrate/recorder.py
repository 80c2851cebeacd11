"""Run a migrated script with a recorder as trainer: ``python -m hf_matlab_compat.migrate.recorder SCRIPT OUT``."""

from __future__ import annotations

import itertools
import pickle
import runpy
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

import hf_matlab_compat
from hf_matlab_compat.matlab.files.mat_formats import write_mat
from hf_matlab_compat.matlab.vocabulary import TO_MATLAB, TRAINER_ARGUMENTS, to_matlab_value
from hf_matlab_compat.migrate.runtime.arrays import two_dimensional
from hf_matlab_compat.migrate.runtime.numerics import random_state

UNSEEDED = 1
"""Seed of both sides of a check, so that a script without a seed draws the same numbers on both."""


class Recorder:
    """Replaces the trainer.

    Attributes
    ----------
    calls : list of dict
        Arguments under MATLAB's names. If the trainer would draw its first parameters and the call gives a stream,
        'uniforms' and 'normals' hold three draws of rand and randn.
    """

    def __init__(self) -> None:
        self.calls: list[dict[str, Any]] = []

    def legacy(self, *positional: Any, **named: Any) -> Any:
        """Record a call of `nnet_train_2` or `nnet_train`."""
        arguments = dict(zip(TRAINER_ARGUMENTS, positional, strict=False)) | named
        seed = arguments.pop("seed", None)
        draws = dict[str, Any]()
        if seed is not None and all(is_empty(arguments.get(name)) for name in _STARTS):
            draws = {"uniforms": seed.rand(3), "normals": seed.randn(3)}
        self.calls.append({name: _kept(value) for name, value in (arguments | draws).items()})
        return _made_up(arguments)

    def modern(self, **named: Any) -> Any:
        """Record a call of `train`."""
        named.pop("display", None)
        arguments = {TO_MATLAB.get(name, name): to_matlab_value(name, value) for name, value in named.items()}
        return SimpleNamespace(theta=self.legacy(**arguments).ravel())


_STARTS = ("paramsp", "Win", "resumeFile")
"""If one of these is given, the trainer draws no first parameters."""


def is_empty(value: Any) -> bool:
    """Return whether an argument is None or empty."""
    return value is None or (len(value) == 0 if isinstance(value, str | list | tuple) else np.size(value) == 0)


def _kept(value: Any) -> Any:
    if isinstance(value, list | tuple):
        return [_kept(entry) for entry in value]
    if isinstance(value, str):
        return str(value)
    return np.array(value) if isinstance(value, np.ndarray | np.generic) else value


def _made_up(arguments: dict[str, Any]) -> Any:
    hidden = two_dimensional(arguments["layersizes"]).ravel().astype(int)
    sizes = [two_dimensional(arguments["indata"]).shape[0], *hidden, two_dimensional(arguments["outdata"]).shape[0]]
    psize = sum(above * (below + 1) for below, above in itertools.pairwise(sizes))
    paramsp = 0.1 * np.sin(np.arange(1, psize + 1)).reshape(-1, 1)
    epoch = int(np.asarray(arguments["maxepoch"]).item())  # 1×1 if computed from a checkpoint's
    steps = np.arange(1.0, epoch + 1)
    variables = {
        "paramsp": paramsp,
        "ch": np.zeros((psize, 1)),
        "epoch": float(epoch),
        "lambda": 45.0,
        "totalpasses": 10.0 * epoch,
        "llrecord": -np.stack([steps, steps + 1], axis=1),
        "times": np.ones((epoch, 1)),
        "errrecord": np.stack([steps, steps + 2], axis=1),
        "lambdarecord": np.full((epoch, 1), 45.0),
    }
    if arguments.get("runName"):
        write_mat(f"{arguments['runName']}_nnet_running.mat", variables)
        write_mat(f"{arguments['runName']}_nnet_epoch{epoch}.mat", variables)
    return paramsp


def main(script: str, out: str) -> None:
    """Run `script`, then write the recorded calls to `out` and its variables beside it.

    Raises
    ------
    SystemExit
        The script ends itself with an error code.
    """
    recorder = Recorder()
    random_state("octave").seed_rand(UNSEEDED)
    random_state("octave").seed_randn(UNSEEDED)
    hf_matlab_compat.nnet_train_2 = recorder.legacy
    hf_matlab_compat.nnet_train = recorder.legacy
    hf_matlab_compat.train = recorder.modern
    sys.path.insert(0, str(Path(script).resolve().parent))
    names: dict[str, Any] = {}
    try:
        names = runpy.run_path(script, run_name="__main__")
    except SystemExit as ending:
        if ending.code:
            raise
    Path(out).write_bytes(pickle.dumps(recorder.calls))
    kept = {name: _kept(value) for name, value in names.items() if not name.startswith("_") and _is_plain(value)}
    Path(out).with_suffix(".workspace").write_bytes(pickle.dumps(kept))


def _is_plain(value: Any) -> bool:
    """Return whether a variable holds numbers, strings, or lists of these."""
    if isinstance(value, list):
        return all(map(_is_plain, value))
    array = isinstance(value, np.ndarray | np.generic) and value.dtype.kind in "biufc"
    return value is None or array or isinstance(value, str | int | float | complex)


if __name__ == "__main__":
    main(*sys.argv[1:])
