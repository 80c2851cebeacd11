"""Parameters to keep beside the last ones: those of the best epoch, and a running average."""

from __future__ import annotations

import os
import re
import warnings
from pathlib import Path

import numpy as np

from hf_matlab_compat.errors import CheckpointError
from hf_matlab_compat.kinds import SHARE, converted
from hf_matlab_compat.matlab.files.checkpoint import CheckpointWarning, read_checkpoint, write_checkpoint
from hf_matlab_compat.observers.observer import KEEP, Answer, Kept, Observer, Run
from hf_matlab_compat.observers.stopping import Monitoring, best_epoch
from hf_matlab_compat.state import Report, State

_ENDING = re.compile(r"_nnet_(?:running|best|epoch\d+)\.mat$")


class Best(Monitoring):
    """Keeps the state of the best epoch as `Result.best` and in ``<run name>_nnet_best.mat``, a whole checkpoint.

    Parameters
    ----------
    monitor : {'log_likelihood', 'error'}
        Figure of the test cases that decides; an epoch is better if its figure is strictly better.
    """

    def begin(self, run: Run, state: State) -> Answer:
        """Keep the best epoch of the run that this one continues."""
        self._run, self._stem = run, _stem(run.name)
        best = best_epoch(state.records, self.monitor)
        if not best:
            return None
        before = state if best == state.epoch else _earlier(run, "best", best)
        if before is None:
            return None
        self._write(before)  # a run under a new name has its own file from the start
        return Kept(before)

    def epoch(self, report: Report, state: State) -> Answer:
        """Keep this state if no epoch before it is as good."""
        if best_epoch(state.records, self.monitor) != report.epoch:
            return None
        self._write(state)
        return KEEP

    def _write(self, state: State) -> None:
        if self._stem:
            write_checkpoint(f"{self._stem}_nnet_best.mat", _in_precision(state, self._run), self._run.described)


class Average(Observer):
    """Keeps Polyak's average of the parameters as `Result.average` and in ``<run name>_nnet_average.mat``.

    After k epochs it is (1-ρ) Σⱼ ρ^(k-j) θⱼ / (1 - ρᵏ), j = 1 … k. The sum is kept in double beside the file, so that
    a resumed run has the same bits.

    Parameters
    ----------
    decay : float
        ρ, at least 0 and below 1.

    Raises
    ------
    OptionError
        `decay` is out of its range.
    """

    def __init__(self, decay: float = 0.95) -> None:
        self.decay = converted("average_decay", decay, SHARE)

    def begin(self, run: Run, state: State) -> Answer:
        """Continue the average of the run that this one continues."""
        self._run, self._stem = run, _stem(run.name)
        before = _earlier(run, "average", state.epoch) if state.epoch else None
        self._count = before.memory["averaged"] if before else 0
        self._sum = before.memory["sum"] if before else np.zeros(state.theta.size)
        return None if before is None else Kept(before, "average")

    def epoch(self, report: Report, state: State) -> Kept:
        """Add these parameters, and keep the average."""
        self._sum = self.decay * self._sum + (1 - self.decay) * state.theta
        self._count += 1
        theta = (self._sum / (1 - self.decay**self._count)).astype(state.theta.dtype)
        still = {**state.memory, "d": theta * 0} if "d" in state.memory else dict(state.memory)
        average = State(theta=theta, memory=still, epoch=state.epoch, records=state.records)
        average = average.remembering(sum=self._sum, averaged=self._count)
        if self._stem:
            write_checkpoint(f"{self._stem}_nnet_average.mat", _in_precision(average, self._run), self._run.described)
        return Kept(average, "average")


def _stem(name: str) -> str:
    return os.path.abspath(name) if name else ""


def _in_precision(state: State, run: Run) -> State:
    return state.in_precision(np.float64 if run.options.precision == "double" else np.float32)


def _earlier(run: Run, which: str, epoch: int) -> State | None:
    """Return the state kept in the result, or beside the checkpoint, that a run continues; warn where there is none."""
    if which in run.kept and run.kept[which].epoch == epoch:
        return run.kept[which]
    stem = _ENDING.sub("", run.resume_from)
    path = Path(f"{stem}_nnet_{which}.mat")
    reason, advice = f"{path}: no such file, or not that of epoch {epoch}.", "Copy it beside the checkpoint."
    if stem == run.resume_from:
        reason, advice = "", "Resume from a checkpoint or a Result that has them."
    elif path.exists():
        try:
            state = read_checkpoint(path, precision=run.options.precision)
            if state.epoch == epoch:
                return state
        except CheckpointError as error:
            reason = str(error)
    told = f"The {which} parameters before the resume are not known."
    warnings.warn(" ".join(filter(None, (told, reason, advice))), CheckpointWarning, 2)
    return None
