"""The layout of a finished Python script: by ruff where it is installed, else one line for each statement."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Sequence
from functools import cache
from pathlib import Path

WIDTH = 88
_MOST_SECONDS = 60
_FORMAT = (
    "format",
    "--isolated",
    f"--line-length={WIDTH}",
    "--target-version=py311",
    "--stdin-filename=script.py",
    "-",
)


def formatted(python: str) -> str:
    """Return a script as ``ruff format`` lays it out; unchanged where ruff is missing or refuses it."""
    ruff = _ruff()
    if ruff is None:
        return python
    try:
        done = subprocess.run(
            [ruff, *_FORMAT], input=python.encode(), capture_output=True, timeout=_MOST_SECONDS, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return python
    return done.stdout.decode()


@cache
def _ruff() -> str | None:
    """The path of the program, beside this Python or on the search path."""
    return shutil.which("ruff", path=str(Path(sys.executable).parent)) or shutil.which("ruff")


def spaced(lines: Sequence[str]) -> list[str]:
    """Blank lines around functions as ruff wants them, none doubled, none at the start of a block."""
    out: list[str] = []
    after_function: list[int] = []
    for line in lines:
        indent = len(line) - len(line.lstrip())
        if not line.strip():
            if out and out[-1].strip() and not _opens_block(out[-1]):
                out.append("")
            continue
        while after_function and indent <= after_function[-1] and not line.lstrip().startswith(")"):
            _ensure_blank(out, len(out), after_function.pop())
        if line.lstrip().startswith("def "):
            _ensure_blank(out, _before_comments(out, indent), indent)
            after_function.append(indent)
        out.append(line)
    return out


def _ensure_blank(out: list[str], place: int, indent: int) -> None:
    wanted = 2 if indent == 0 else 1
    start = place
    while start and not out[start - 1].strip():
        start -= 1
    if start and not (indent and _opens_block(out[start - 1])):
        out[start:place] = [""] * wanted


def _before_comments(out: list[str], indent: int) -> int:
    place = len(out)
    while place and out[place - 1].startswith(" " * indent + "#"):
        place -= 1
    return place


def _opens_block(line: str) -> bool:
    return line.rstrip().endswith(":") and not line.lstrip().startswith("#")
