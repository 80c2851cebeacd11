"""Export parsed logs as CSV and JSON, for spreadsheets and other programs."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Sequence
from typing import Any

from hf_matlab_compat.matlab.logs.lines import COUNTS, EPOCH_FIGURES
from hf_matlab_compat.matlab.logs.parser import LoggedRun

_NAMES = EPOCH_FIGURES.names or ()


def to_csv(runs: Sequence[LoggedRun]) -> str:
    """Return one line an epoch under a line of names, lines ending in LF.

    The columns are ``run`` (counted from 1) and the fields of `EPOCH_FIGURES`. Numbers are as short as they read back
    the same, infinities are ``Inf`` and ``-Inf``, and a cell is empty where the log does not say.
    """
    table = io.StringIO()
    writer = csv.writer(table, lineterminator="\n")
    writer.writerow(["run", *_NAMES])
    for number, run in enumerate(runs, start=1):
        writer.writerows([number, *figures.values()] for figures in map(_figures, run.epochs))
    return table.getvalue()


def to_json(runs: Sequence[LoggedRun]) -> str:
    """Return a JSON list with one object a run: its header, and ``epochs``, one object each.

    Infinities are the texts ``"Inf"`` and ``"-Inf"``; null means that the log does not say.
    """
    return json.dumps([_run(run) for run in runs], indent=2, allow_nan=False)


def _run(run: LoggedRun) -> dict[str, Any]:
    return {
        "start_time": None if run.start_time is None else run.start_time.isoformat(),
        "description": run.description,
        "resume_from": run.resume_from,
        "constants": {name: _plain(value) for name, value in run.constants.items()},
        "total_time": _plain(run.total_time),
        "epochs": [_figures(epoch) for epoch in run.epochs],
    }


def _figures(epoch: Any) -> dict[str, Any]:
    """Return the figures of an epoch, None where the log does not say; min_cg_steps may be 0, other counts are not."""
    figures = dict(zip(_NAMES, epoch.item(), strict=True))
    unsaid = {name for name in COUNTS if figures[name] == 0 and name != "min_cg_steps"}
    return {name: None if name in unsaid else _plain(value) for name, value in figures.items()}


def _plain(value: Any) -> Any:
    if not isinstance(value, float) or math.isfinite(value):
        return value
    return None if math.isnan(value) else "Inf" if value > 0 else "-Inf"
