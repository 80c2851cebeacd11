"""Log and checkpoints of a run on shared parameters: the ordinary ones, in which an epoch is an update.

The figures of an update are the worker's, of its own cases, after its epoch and before the merge; or those of the
shared parameters on all cases, if the keeper has a judge. Every worker has a lambda of its own; it is in the records
and not in the log, where a reader expects one that goes on.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from hf_matlab_compat.distributed.kept import FIGURES, Kept
from hf_matlab_compat.errors import OptionError
from hf_matlab_compat.observers.checkpoints import CheckpointWriter
from hf_matlab_compat.observers.observer import Run
from hf_matlab_compat.observers.text_log import TextLog
from hf_matlab_compat.options import Options
from hf_matlab_compat.preflight.destination import check_destination
from hf_matlab_compat.preflight.run_lock import run_lock
from hf_matlab_compat.state import Records, Report, Score, State, hessian_free_state

DESCRIPTION = "shared parameters: an epoch is one worker's update, "
OF_WORKERS = "its figures are of that worker's cases before the merge"
OF_ALL = "its figures are of all cases after the merge"


class RunFiles:
    """Files of a keeper; without a stem there are none.

    Parameters
    ----------
    run_name : path
        Their stem.
    of_workers : bool
        Whether the figures are the workers' own.

    Raises
    ------
    OptionError
        They cannot be written.
    """

    def __init__(self, run_name: str | os.PathLike[str], of_workers: bool = True) -> None:
        self._name, self._figures = check_destination(run_name), OF_WORKERS if of_workers else OF_ALL
        self._log, self._checkpoints = TextLog(), CheckpointWriter()
        self._written = 0

    @contextmanager
    def of(self, kept: Kept) -> Iterator[None]:
        """Begin or go on with the files, for the duration of the block.

        Raises
        ------
        OptionError
            Another run writes files of this name.
        """
        with run_lock(self._name):
            if self._name:
                running = f"{self._name}_nnet_running.mat"
                goes_on = kept.version > 0 and Path(running).exists()
                told = {"description": DESCRIPTION + self._figures, "resume_from": running if goes_on else ""}
                run, state = replace(_run(self._name, kept), **told), _state(kept)
                self._log.begin(run, state)
                self._checkpoints.begin(run, state)
                self.checkpoint(kept)
            yield

    def log(self, kept: Kept, told: Mapping[str, Any]) -> None:
        """Append the lines of the update that led to this version."""
        if self._name:
            self._log.epoch(_report(kept, told["figures"]), _state(kept))

    def checkpoint(self, kept: Kept) -> None:
        """Write the version, unless it has been written."""
        if self._name and kept.version not in (0, self._written):
            self._checkpoints.epoch(_report(kept, {}), _state(kept))
            self._written = kept.version


def _run(name: str, kept: Kept) -> Run:
    sizes = tuple(kept.about.get("sizes", (kept.theta.size,)))
    settings = kept.about.get("settings", {})
    method = f"shared parameters, {settings.get('method', 'hessian_free')}"
    options = _options({**settings, "method": method, "precision": _precision(kept)})
    described = {"sizes": list(sizes), "settings": settings, "data": {}}
    described |= {"unit_types": kept.about["unit_types"]} if "unit_types" in kept.about else {}
    return Run(name=name, description="", resume_from="", sizes=sizes, options=options, described=described)


def _precision(kept: Kept) -> str:
    return "double" if kept.theta.dtype == np.float64 else "single"


def _options(settings: Mapping[str, Any]) -> Options:
    # a worker's own rules are known here by name only, and left out
    given = dict(settings)
    while True:
        try:
            return Options.from_keywords(**given)
        except OptionError as error:
            if error.argument not in given:
                raise
            del given[error.argument]


def _state(kept: Kept) -> State:
    columns = {name: kept.records[:, k] for k, name in enumerate(FIGURES)}
    return hessian_free_state(
        theta=kept.theta,
        d=np.zeros_like(kept.theta),  # conjugate gradients that go on from here start at 0
        lam=float(columns["lam"][-1]) if kept.version and np.isfinite(columns["lam"][-1]) else 0.0,
        epoch=kept.version,
        total_cg_steps=_total_cg_steps(kept),
        records=Records(
            log_likelihood=np.stack([columns["log_likelihood"], columns["test_log_likelihood"]], axis=1),
            error=np.stack([columns["error"], columns["test_error"]], axis=1),
            lam=columns["lam"],
            seconds=columns["seconds"],
        ),
    )


def _total_cg_steps(kept: Kept) -> int:
    return sum(worker["cg_steps"] for worker in kept.workers.values())


def _report(kept: Kept, figures: Mapping[str, float]) -> Report:
    row = dict(zip(FIGURES, kept.records[-1].tolist(), strict=True))
    shown = {name: value for name, value in figures.items() if name not in FIGURES}
    test = Score(log_likelihood=row["test_log_likelihood"], error=row["test_error"])
    return Report(
        epoch=kept.version,
        train=Score(log_likelihood=row["log_likelihood"], error=row["error"]),
        test=None if math.isnan(test.log_likelihood) else test,
        seconds=row["seconds"],
        figures={**shown, "total_cg_steps": _total_cg_steps(kept)} if "cg_steps" in shown else shown,
    )
