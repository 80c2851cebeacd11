"""Logged runs to test with: the recorded ones, the published one, and a writer of logs of any figures."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from hf_matlab_compat.matlab.logs.lines import EPOCH_FIGURES
from hf_matlab_compat.matlab.logs.parser import LoggedRun, read_log
from tests.cases import curves_figures

GOLDENS = Path(__file__).parents[2] / "goldens"
RECORDED = sorted(GOLDENS.glob("log_*.txt"))

_CURVES_NAMES = {
    "cg_total": "total_cg_steps", "ch_magnitude": "d_norm", "chose_iters": "chosen_step", "new_lambda": "lam",
    "ll": "log_likelihood", "test_ll": "test_log_likelihood", "difference": "error_difference",
}  # fmt: skip


def recorded_run(path: Path = GOLDENS / "log_ae_logistic_long.txt") -> LoggedRun:
    (run,) = read_log(path)
    return run


def curves_run() -> LoggedRun:
    """The author's own 300 epochs, with the constants that the published file has."""
    epochs = np.zeros(300, dtype=EPOCH_FIGURES)
    epochs["max_cg_steps"], epochs["min_cg_steps"] = 250, 1
    for name, values in curves_figures().items():
        epochs[_CURVES_NAMES.get(name, name)] = values
    constants = {"autodamp": 1, "initlambda": 45, "drop": 0.66667, "boost": 1.5, "errtype": "L2"}
    return LoggedRun(
        start_time=None, description="", resume_from="", constants=constants, epochs=epochs, total_time=None
    )


def altered(run: LoggedRun, epoch: int, figure: str, value: Any) -> LoggedRun:
    """The run with one figure of one epoch (counted from 1) replaced."""
    epochs = run.epochs.copy()
    epochs[figure][epoch - 1] = value
    return replace(run, epochs=epochs)
