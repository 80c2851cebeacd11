"""The cost model as a log-log picture, where matplotlib is installed."""

from __future__ import annotations

from pathlib import Path

from benchmarks.many_machines import RANKS
from benchmarks.table import Table


def draw(table: Table, path: Path) -> bool:
    """Write a PNG of seconds against machines, a panel for each net; False without matplotlib."""
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError:
        return False
    nets = list(dict.fromkeys(str(row[0]) for row in table.rows))
    if not nets:
        return False
    figure = Figure(figsize=(11, 3.6), layout="constrained")
    FigureCanvasAgg(figure)
    for place, net in zip(figure.subplots(1, len(nets)), nets, strict=True):
        rows = [row for row in table.rows if row[0] == net]
        for row in rows:
            points = [(r, cell) for r, cell in zip(RANKS, row[2:-1], strict=True) if isinstance(cell, float)]
            place.loglog(*zip(*points, strict=True), "o-", label=str(row[1]))
        first = float(str(rows[0][2]))
        place.loglog(RANKS, [first / r for r in RANKS], ":", color="gray", label="no exchange")
        place.set_title(net.replace("; ", "\n", 1), fontsize=9)
        place.set_xlabel("machines")
        place.set_ylabel("seconds of an epoch")
        place.grid(True, which="major", alpha=0.3)
        place.legend(fontsize=8)
    figure.savefig(path, dpi=100)
    return True
