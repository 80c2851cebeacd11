"""Tables in print: names in MATLAB and here, options with their descriptions, quirks."""

from __future__ import annotations

import inspect
import re
import textwrap
from dataclasses import fields

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from hf_matlab_compat.legacy.quirks import QUIRKS
from hf_matlab_compat.matlab.vocabulary import CONSTANTS, TO_MATLAB, TRAINER_ARGUMENTS, to_matlab_value
from hf_matlab_compat.options import Options, described
from hf_matlab_compat.training import train


def show_names(console: Console | None = None) -> int:
    """Print every argument and option with MATLAB's name, its default and its description; return 0."""
    options = {each.name: each for each in fields(Options)}
    arguments = _arguments_of_train()
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    table.add_column("MATLAB", no_wrap=True)
    table.add_column("train, Options", no_wrap=True)
    table.add_column("description and default")
    for names in (TRAINER_ARGUMENTS, CONSTANTS, {f"\0{ours}": ours for ours in options if ours not in TO_MATLAB}):
        for theirs, ours in names.items():
            text = arguments.get(ours, "")
            if ours in options:
                text = f"{options[ours].metadata['text']} Default: {_default(ours, options[ours].default)}."
            table.add_row("" if theirs.startswith("\0") else theirs, ours, text)
        table.add_section()
    return _print(table, console)


def show_options(console: Console | None = None) -> int:
    """Print every option with its default, the values it takes, MATLAB's name and its source; return 0."""
    console = console or Console()
    for each in fields(Options):
        told = textwrap.indent(textwrap.fill(described(each), min(console.width, 100) - 4), "    ")
        console.print(Text.assemble((f"{each.name} = {_default(each.name, each.default)}", "bold"), f"\n{told}"))
    return 0


def show_quirks(console: Console | None = None) -> int:
    """Print the quirks of the MATLAB program and what faithful=False does instead; return 0."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_lines=True)
    table.add_column("", justify="right")
    table.add_column("MATLAB, and faithful=True", ratio=3)
    table.add_column("faithful=False", ratio=2)
    for quirk in QUIRKS:
        shown = (Text(part.replace("…", "...")) for part in (quirk.original, quirk.mended))  # as wide in any encoding
        table.add_row(str(quirk.number), *shown)
    return _print(table, console)


def _arguments_of_train() -> dict[str, str]:
    """Return the first sentence that the docstring of `train` says of each argument."""
    section = inspect.cleandoc(train.__doc__ or "").split("Parameters\n----------\n", 1)[1].split("\n\n", 1)[0]
    entries = re.findall(r"^(\S.*?) : .*\n((?:    .*\n?)+)", section, flags=re.MULTILINE)
    sentences = {names: re.split(r"(?<=\.)\s", " ".join(text.split()))[0] for names, text in entries}
    return {name: text for names, text in sentences.items() for name in names.split(", ")}


def _default(name: str, default: object) -> str:
    shown = f"{default:.6g}" if isinstance(default, float) else repr(default)
    there = to_matlab_value(name, default)
    return shown if there == default and type(there) is type(default) else f"{shown} (in MATLAB {there!r})"


def _print(table: Table, console: Console | None) -> int:
    (console or Console()).print(table, highlight=False)
    return 0
