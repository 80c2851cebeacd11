"""Parsed logs as CSV and JSON, for spreadsheets and other programs."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Sequence
from typing import Any

from hf_matlab_compat.matlab.logs.lines import EPOCH_FIGURES
from hf_matlab_compat.matlab.logs.parser import LoggedRun

_FIGURES = EPOCH_FIGURES.names or ()


def to_csv(runs: Sequence[LoggedRun]) -> str:
    """One line an epoch, under a line of names.

    Parameters
    ----------
    runs : sequence of LoggedRun

    Returns
    -------
    str
        Columns ``run`` (counted from 1) and the fields of `EPOCH_FIGURES`, lines ending in LF. Numbers as short as
        they read back the same; ``Inf``, ``-Inf``; an empty cell where the log does not say.
    """
    table = io.StringIO()
    writer = csv.writer(table, lineterminator="\n")
    writer.writerow(["run", *_FIGURES])
    for number, run in enumerate(runs, start=1):
        writer.writerows([number, *("" if v is None else v for v in _figures(epoch))] for epoch in run.epochs)
    return table.getvalue()


def to_json(runs: Sequence[LoggedRun]) -> str:
    """A JSON list with one object a run: its header, and ``epochs``, one object each.

    Parameters
    ----------
    runs : sequence of LoggedRun

    Returns
    -------
    str
        What JSON has no number for is text, ``"Inf"`` and ``"-Inf"``; null where the log does not say.
    """
    return json.dumps([_run(run) for run in runs], indent=2, allow_nan=False)


def _run(run: LoggedRun) -> dict[str, Any]:
    return {
        "start_time": None if run.start_time is None else run.start_time.isoformat(),
        "description": run.description,
        "resume_from": run.resume_from,
        "constants": {name: _plain(value) for name, value in run.constants.items()},
        "total_time": _plain(run.total_time),
        "epochs": [dict(zip(_FIGURES, _figures(epoch), strict=True)) for epoch in run.epochs],
    }


def _figures(epoch: Any) -> list[Any]:
    return [_missing_or_plain(name, value) for name, value in zip(_FIGURES, epoch.item(), strict=True)]


def _missing_or_plain(name: str, value: float) -> Any:
    unsaid = value == 0 and EPOCH_FIGURES[name].kind == "i" and name != "min_cg_steps"
    return None if unsaid else _plain(value)


def _plain(value: Any) -> Any:
    if not isinstance(value, float) or math.isfinite(value):
        return value
    return None if math.isnan(value) else "Inf" if value > 0 else "-Inf"
