"""Rows of the tables that need Octave: a workload after the other, each with an Octave of its own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.effort import Effort
from benchmarks.machine import machine
from benchmarks.octave_process import SLOW_BLAS, OctaveProcess, why_no_octave
from benchmarks.table import Cell, Table
from benchmarks.workloads import Workload

Compare = Callable[[Workload, Effort, OctaveProcess, Path], list[list[Cell]]]
"""Text after the workload's name in its rows; the folder is Octave's working directory."""


def beside_octave(empty: Table, compare: Compare, effort: Effort, say: Callable[[str], None]) -> Table:
    """The table with the rows of every workload; without Octave it stays empty, and its only note is why.

    Parameters
    ----------
    empty : Table
        Its columns after the workload's name, and notes on how it is measured.
    compare : callable
    effort : Effort
    say : callable
        Told what is being measured.
    """
    where, rows, notes = machine(), [], list(empty.notes)
    missing = why_no_octave()
    for workload in effort.workloads if missing is None else ():
        say(f"{workload.name}: {empty.title}")
        with TemporaryDirectory() as folder, OctaveProcess(Path(folder)) as octave:
            where["Octave"] = octave.version()
            if octave.is_up_to(workload):
                rows += [[workload.name, *row] for row in compare(workload, effort, octave, Path(folder))]
            else:
                notes.append(f"{workload.name}: not measured. {SLOW_BLAS}")
    return replace(
        empty,
        columns=["workload", *empty.columns],
        rows=rows,
        notes=notes if missing is None else [missing],
        machine=where,
    )
