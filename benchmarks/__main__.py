"""`python -m benchmarks`: measure, show, write."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Literal, get_args

from cyclopts import App, Parameter
from rich.console import Console

from benchmarks import (
    autodiff,
    epochs,
    growth,
    kernels,
    larger,
    many_machines,
    memory,
    octave,
    peers,
    ranks,
    recurrent,
    results,
    shares,
    small_net,
    threads,
)
from benchmarks.effort import FULL, QUICK, Effort
from benchmarks.machine import is_busy, machine
from benchmarks.table import Table, machine_line
from hf_matlab_compat.cli.app import spell_what_cannot_be_written
from hf_matlab_compat.observers.screen import spinner_of

Name = Literal[
    "kernels",
    "threads",
    "octave",
    "epochs",
    "shares",
    "small",
    "memory",
    "growth",
    "recurrent",
    "autodiff",
    "ranks",
    "machines",
    "peers",
    "larger",
]
Measure = Callable[[Effort, Callable[[str], None]], Table]
MEASURES: Mapping[str, Measure] = {
    "kernels": kernels.table,
    "threads": threads.table,
    "octave": octave.table,
    "epochs": epochs.table,
    "shares": shares.table,
    "small": small_net.table,
    "memory": memory.table,
    "growth": growth.table,
    "ranks": ranks.table,
    "machines": many_machines.table,
    "recurrent": recurrent.table,
    "autodiff": autodiff.table,
    "peers": peers.table,  # last of the usual: it brings other libraries' threads into this process
    "larger": larger.table,
}
UNUSUAL = ("larger",)
"""Measured only when named: it writes 12 GB."""
HERE = Path(__file__).parent
app = App(name="benchmarks", help="Measure how fast this package is on this machine.", help_format="plaintext")


@app.default
def main(
    *,
    quick: bool = False,
    only: Annotated[tuple[Name, ...], Parameter(consume_multiple=True, negative=())] = (),
    out: Path | None = None,
) -> None:
    """Measure the tables and print them.

    Parameters
    ----------
    quick
        Fewer repeats and smaller sizes, under two minutes; writes nothing unless --out is given.
    only
        Tables to measure, by default all but 'larger', which writes 12 GB. Others in the directory's results.json are
        kept.
    out
        Directory of RESULTS.md and results.json; benchmarks/ by default.
    """
    spell_what_cannot_be_written()
    usual = tuple(name for name in get_args(Name) if name not in UNUSUAL)
    run(QUICK if quick else FULL, only or usual, out or (None if quick else HERE), Console())


def run(effort: Effort, names: tuple[str, ...], folder: Path | None, console: Console) -> dict[str, Table]:
    """Measure the tables of these names; each is written as soon as it is there."""
    console.print(machine_line(machine()).strip("*"), highlight=False, markup=False)
    if is_busy():
        console.print("This machine is busy with something else: the figures below are not to be relied on.")
    tables = read_known(folder)
    for name in (name for name in MEASURES if name in names):
        with console.status(name, spinner=spinner_of(console.encoding)) as status:
            tables[name] = MEASURES[name](effort, lambda what, name=name: status.update(f"{name}: {what}"))
        console.print(tables[name].to_rich(console.width), highlight=False)
        if folder is not None:
            results.write({known: tables[known] for known in (*MEASURES, *tables) if known in tables}, folder)
    return tables


def read_known(folder: Path | None) -> dict[str, Table]:
    """Tables that the directory has already."""
    return {} if folder is None else results.read(folder)


if __name__ == "__main__":
    app()
