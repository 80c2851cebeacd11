"""results.json and RESULTS.md: tables kept by name, so that one can be measured again without the others."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from benchmarks import growth_plot, many_machines_plot
from benchmarks.table import Table

_TITLE = """# Benchmarks

What `make bench` (`python -m benchmarks`) printed. A, B, C are autoencoders of logistic units with a linear code layer,
in single precision: A 784-400-200-100-50-25-6-25-50-100-200-400-784 with 5,000 cases, B 50-20-5-20-50 with 500,
C 784-1000-500-250-30-250-500-1000-784 with 7,500. Every table says where and when it was measured.
"""


def read(folder: Path) -> dict[str, Table]:
    """The tables of an earlier run, by name; none where there was none."""
    path = folder / "results.json"
    if not path.exists():
        return {}
    return {name: Table.from_json(values) for name, values in json.loads(path.read_text(encoding="utf-8")).items()}


def write(tables: Mapping[str, Table], folder: Path) -> None:
    """Both files, and pictures of two tables where matplotlib is installed."""
    folder.mkdir(parents=True, exist_ok=True)
    values = {name: table.to_json() for name, table in tables.items()}
    (folder / "results.json").write_text(json.dumps(values, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    sections = [_TITLE, *(table.to_markdown() for table in tables.values())]
    if "growth" in tables and growth_plot.draw(tables["growth"], folder / "growth.png"):
        sections.append("![Time against cases and parameters, both logarithmic](growth.png)\n")
    if "machines" in tables and many_machines_plot.draw(tables["machines"], folder / "many_machines.png"):
        sections.append("![Seconds of an epoch against machines, both logarithmic](many_machines.png)\n")
    (folder / "RESULTS.md").write_text("\n".join(sections), encoding="utf-8")
