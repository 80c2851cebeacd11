"""Rows of the GPU table, and the machine that they were measured on, as plain text."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Row:
    """One check or figure.

    Attributes
    ----------
    what : str
    figure : float
    unit : str
    target : str
        What is asked of it; empty where it is only reported.
    met : bool or None
        None where nothing is asked.
    note : str
    """

    what: str
    figure: float
    unit: str = ""
    target: str = ""
    met: bool | None = None
    note: str = ""

    @classmethod
    def at_most(cls, what: str, figure: float, bound: float, unit: str = "", note: str = "") -> Row:
        """A figure with an upper bound; NaN misses it."""
        return cls(what, figure, unit, f"≤ {bound:.3g}", bool(figure <= bound), note)

    @classmethod
    def at_least(cls, what: str, figure: float, bound: float, unit: str = "", note: str = "") -> Row:
        """A figure with a lower bound; NaN misses it."""
        return cls(what, figure, unit, f"≥ {bound:.3g}", bool(figure >= bound), note)

    def cells(self) -> list[str]:
        """As they are printed."""
        met = {None: "–", True: "met", False: "MISSED"}[self.met]
        return [self.what, f"{self.figure:.4g} {self.unit}".strip(), self.target or "–", met, self.note]

    def line(self) -> str:
        """For the screen, while it goes."""
        what, figure, target, met, note = self.cells()
        return f"{met:7} {what}: {figure} (asked: {target}) {note}".rstrip()


@dataclass
class Report:
    """All rows of a run.

    Attributes
    ----------
    machine : dict of str to str
    rows : list of Row
    seconds : float
    """

    machine: dict[str, str]
    rows: list[Row] = field(default_factory=list)
    seconds: float = 0.0

    @classmethod
    def on_this_machine(cls) -> Report:
        """An empty report about the current device."""
        import cupy

        runtime = cupy.cuda.runtime
        properties = runtime.getDeviceProperties(runtime.getDevice())
        name = properties["name"]
        return cls(
            {
                "date": time.strftime("%Y-%m-%d"),
                "device": name.decode() if isinstance(name, bytes) else str(name),
                "memory": f"{properties['totalGlobalMem'] / 2**30:.0f} GiB",
                "driver": str(runtime.driverGetVersion()),
                "CUDA": str(runtime.runtimeGetVersion()),
                "CuPy": str(cupy.__version__),
                "numpy": np.__version__,
            }
        )

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return {"machine": self.machine, "seconds": self.seconds, "rows": [asdict(row) for row in self.rows]}

    def to_markdown(self) -> str:
        """A section with a table."""
        about = "; ".join(f"{name} {value}" for name, value in self.machine.items())
        lines = ["## GPU", "", f"*{about}; {self.seconds:.0f} s in all*", ""]
        lines += ["| what | figure | asked | met | note |", "| --- | --- | --- | --- | --- |"]
        lines += ["| " + " | ".join(row.cells()) + " |" for row in self.rows]
        return "\n".join(lines) + "\n"
