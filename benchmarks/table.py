"""A table of figures: plain values, and how they are written as Markdown, JSON and on the screen."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import takewhile
from typing import Any

from rich import box
from rich.console import Group
from rich.table import Table as RichTable
from rich.text import Text

Cell = str | int | float | None


@dataclass(frozen=True)
class Table:
    """Figures with their heading.

    Attributes
    ----------
    name : str
        Of the module that makes it.
    title : str
    columns : list of str
    rows : list of lists of cells
        A number, a text, or None for what there is none of.
    notes : list of str
        Sentences below it: what was run, how a figure is computed.
    machine : dict of str to str
        Where and when it was measured.
    """

    name: str
    title: str
    columns: list[str]
    rows: list[list[Cell]]
    notes: list[str]
    machine: dict[str, str]

    def to_json(self) -> dict[str, Any]:
        """Plain values; numbers to five digits."""
        return {**asdict(self), "rows": [[_rounded(cell) for cell in row] for row in self.rows]}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Table:
        """The inverse of `to_json`."""
        return cls(**values)

    def to_markdown(self) -> str:
        """A section."""
        lines = [f"## {self.title}", "", machine_line(self.machine), ""]
        lines += [_line(self.columns), _line(["---"] * len(self.columns))]
        lines += [_line([shown(cell) for cell in row]) for row in self.rows]
        lines += [""] + [f"- {note}" for note in self.notes] + ([""] if self.notes else [])
        return "\n".join(lines)

    def to_rich(self, width: int = 80) -> Group:
        """For a screen of this width: in several parts, with the first columns in each, where one is too wide."""
        tables = [self._part(columns) for columns in self._parts(width)]
        tables[0].title, tables[0].title_justify = self.title, "left"
        return Group(*tables, *(Text(note, style="dim italic") for note in self.notes))

    def _part(self, columns: Sequence[int]) -> RichTable:
        table = RichTable(box=box.SIMPLE_HEAD)
        for i in columns:
            least = self._least_width(i)
            table.add_column(self.columns[i], min_width=least, width=None if i in self._names() else least)
        for row in self.rows:
            table.add_row(*[shown(row[i]) for i in columns])
        return table

    def _parts(self, width: int) -> list[list[int]]:
        """Columns of each part, by their numbers."""
        names = self._names()
        parts = [names[:]]
        for i in range(len(names), len(self.columns)):
            taken = 2 + sum(self._least_width(j) + 3 for j in [*parts[-1], i])  # with the edges
            if taken > width and parts[-1] != names:
                parts.append(names[:])
            parts[-1].append(i)
        return parts

    def _names(self) -> list[int]:
        """The first columns, which say what a row is of."""
        words = (all(isinstance(row[i], str) for row in self.rows) for i in range(len(self.columns)))
        return [i for i, _ in enumerate(takewhile(bool, words))] or [0]

    def _least_width(self, column: int) -> int:
        """Width of the longest word or figure in the column."""
        cells = [shown(row[column]) for row in self.rows]
        words = [word for text in cells for word in text.split()] if column in self._names() else cells
        return max(map(len, [*self.columns[column].split(), *words]))


def judged(ratio: float, target: float | None, at_most: bool = False) -> list[Cell]:
    """Three cells: a ratio, its target, and whether that is met.

    Parameters
    ----------
    ratio : float
    target : float or None
        None: nothing is asked for.
    at_most : bool
        The target is an upper bound instead of a lower one.
    """
    if target is None:
        return [ratio, None, None]
    met = ratio <= target if at_most else ratio >= target
    return [ratio, f"{'≤' if at_most else '≥'} {target:g}", "met" if met else "missed"]


JUDGED = ["target", "met"]
"""Headings of the last two cells of `judged`."""


def machine_line(machine: Mapping[str, str]) -> str:
    """The machine on one line."""
    return "*" + "; ".join(f"{name} {value}" for name, value in machine.items()) + "*"


def shown(cell: Cell) -> str:
    """A cell as text: three digits, a dash for nothing."""
    if cell is None:
        return "–"
    if not isinstance(cell, float):
        return str(cell)
    if not math.isfinite(cell) or cell == 0:
        return f"{cell:g}"
    return f"{cell:.{max(0, 2 - math.floor(math.log10(abs(cell))))}f}" if abs(cell) >= 1e-3 else f"{cell:.1e}"


def _rounded(cell: Cell) -> Cell:
    return float(f"{cell:.5g}") if isinstance(cell, float) else cell


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"
