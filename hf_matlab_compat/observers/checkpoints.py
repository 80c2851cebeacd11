"""Writes a checkpoint after every epoch, and every `checkpoint_period` epochs one that is kept under its own name."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hf_matlab_compat.backends.arrays import Vector
from hf_matlab_compat.matlab.files.checkpoint import write_checkpoint
from hf_matlab_compat.matlab.files.sidecar import Entry
from hf_matlab_compat.observers.observer import Observer, Run
from hf_matlab_compat.state import Report, State


class CheckpointWriter(Observer):
    """Writes ``<name>_nnet_running.mat`` every epoch and ``<name>_nnet_epoch<k>.mat`` every `checkpoint_period` epochs.

    A run without a name writes nothing. Each file gets a sidecar that describes the run. The paths are made absolute at
    the start, so a change of the working directory during a run does not move the files.

    Parameters
    ----------
    to_host : callable, optional
        Copies a vector of the backend to a numpy array.

    Raises
    ------
    CheckpointError
        Raised by `epoch` if a file cannot be written.
    """

    def __init__(self, to_host: Callable[[Vector], NDArray[Any]] = np.asarray) -> None:
        self._to_host = to_host
        self._run: Run | None = None
        self._standing: Entry | None = None

    def begin(self, run: Run, state: State) -> None:
        """Set the names of the files."""
        self._run, self._standing = run, None
        self._stem = os.path.abspath(run.name)

    def epoch(self, report: Report, state: State) -> None:
        """Write the state after the epoch."""
        run = self._run
        if run is None or not run.name:
            return
        host = self._on_host(state, np.float64 if run.options.precision == "double" else np.float32)
        # The kept file comes first: a run that is killed between the two repeats this epoch and writes both.
        if state.epoch % run.options.checkpoint_period == 0:
            write_checkpoint(f"{self._stem}_nnet_epoch{state.epoch}.mat", host, run.described)
        self._standing = write_checkpoint(f"{self._stem}_nnet_running.mat", host, run.described, self._standing)

    def _on_host(self, state: State, kind: type[np.floating[Any]]) -> State:
        return state.mapped(self._to_host).in_precision(kind)
