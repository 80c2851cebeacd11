"""Copies of the trainer beside a script: what they are called, and the options that their edits imply."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from hf_matlab_compat.errors import MigrationError
from hf_matlab_compat.migrate.trainer import TrainerReport, read_trainer

SOLVER = "conjgrad_1"
PUBLISHED = "nnet_train_2"
_HEADER = re.compile(r"\s*function\b[^\n=]*=\s*nnet_train\w*\s*\(")


@dataclass(frozen=True)
class Copy:
    """A trainer that scripts call.

    Attributes
    ----------
    options : mapping
        Keywords of `train` by which it differs from the published file.
    refusal : str
        Why it is not this package's algorithm; empty where it is.
    report : TrainerReport or None
        None where there is no file, or none that can be read.
    """

    options: Mapping[str, object] = field(default_factory=dict)
    refusal: str = ""
    report: TrainerReport | None = None


UNEDITED: Mapping[str, Copy] = {PUBLISHED: Copy()}
"""What is known where no copy lies beside the script."""


def is_part_of_trainer(path: Path) -> bool:
    """Whether a .m file is the trainer or its solver, under whatever name."""
    if path.stem in (PUBLISHED, SOLVER):
        return True
    lines = (line for line in _text(path).split("\n") if line.strip() and not line.lstrip().startswith("%"))
    return _HEADER.match(next(lines, "")) is not None


def trainers_beside(folder: Path) -> dict[str, Copy]:
    """Copies of the trainer in a folder, by the names they are called by; the published one is always known."""
    found = dict(UNEDITED)
    for path in sorted(folder.glob("*.m")):
        if path.stem != SOLVER and is_part_of_trainer(path):
            found[path.stem] = read_copy(path)
    return found


def files_of(path: Path) -> list[Path]:
    """A copy's own file, and that of the solver beside it."""
    beside = path.with_name(f"{SOLVER}.m")
    return [path, *([beside] if beside.is_file() and beside != path else [])]


def read_copy(path: Path) -> Copy:
    """A copy and what its edits imply."""
    try:
        report = read_trainer(*files_of(path))
    except MigrationError as error:
        return Copy(refusal=str(error))
    return Copy(report.options, report=report)


def _text(path: Path) -> str:
    try:
        return path.read_bytes()[:4000].decode("latin-1").replace("\r", "\n")
    except OSError:
        return ""
