"""The tables of names and of quirks, in print."""

from __future__ import annotations

from dataclasses import fields

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from hf_matlab_compat.legacy.quirks import QUIRKS
from hf_matlab_compat.matlab.vocabulary import CONSTANTS, TO_MATLAB, TRAINER_ARGUMENTS, to_matlab_value
from hf_matlab_compat.options import Options


def show_names(console: Console | None = None) -> int:
    """Print MATLAB's name, this package's and the default of every argument and option; returns 0."""
    defaults = {field.name: field.default for field in fields(Options)}
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for heading in ("MATLAB", "train, Options", "default", "in MATLAB"):
        table.add_column(heading, no_wrap=True)
    pairs = [
        [*TRAINER_ARGUMENTS.items()],
        [*CONSTANTS.items()],
        [("", ours) for ours in defaults if ours not in TO_MATLAB],
    ]
    for names in pairs:
        for theirs, ours in names:
            default = defaults.get(ours)
            there = to_matlab_value(ours, default)
            shown = _value(default) if ours in defaults else ""
            table.add_row(theirs, ours, shown, "" if there == default and type(there) is type(default) else repr(there))
        table.add_section()
    return _print(table, console)


def show_quirks(console: Console | None = None) -> int:
    """Print the ledger of quirks; returns 0."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_lines=True)
    table.add_column("", justify="right")
    table.add_column("the original, and faithful=True", ratio=3)
    table.add_column("faithful=False", ratio=2)
    for quirk in QUIRKS:
        shown = (Text(part.replace("…", "...")) for part in (quirk.original, quirk.mended))  # as wide in any encoding
        table.add_row(str(quirk.number), *shown)
    return _print(table, console)


def _value(default: object) -> str:
    return f"{default:.6g}" if isinstance(default, float) else repr(default)


def _print(table: Table, console: Console | None) -> int:
    (console or Console()).print(table, highlight=False)
    return 0
