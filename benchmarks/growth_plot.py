"""The growth table as a log-log picture, where matplotlib is installed."""

from __future__ import annotations

from pathlib import Path

from benchmarks.growth import cells_of, exponent
from benchmarks.table import Table


def draw(table: Table, path: Path) -> bool:
    """Write a PNG of the three axes side by side; False without matplotlib."""
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
        from matplotlib.ticker import NullFormatter
    except ImportError:
        return False
    figure = Figure(figsize=(10, 3.2), layout="constrained")
    FigureCanvasAgg(figure)
    for place, axis in zip(figure.subplots(1, 3), ("cases", "width", "depth"), strict=True):
        points = cells_of(table, axis)
        place.loglog(*zip(*points, strict=True), "o-")
        place.set_title(f"{axis}: exponent {exponent(points):.2f}")
        place.set_xlabel("cases" if axis == "cases" else "parameters")
        place.set_ylabel("ms, gradient and product")
        place.xaxis.set_minor_formatter(NullFormatter())  # within a decade it would write over itself
        place.grid(True, which="both", alpha=0.3)
    figure.savefig(path, dpi=100)
    return True
