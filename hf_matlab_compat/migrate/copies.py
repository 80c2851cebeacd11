"""Copies of the trainer beside a script: their names, and the options that their edits imply."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from hf_matlab_compat.errors import CheckpointError, MigrationError
from hf_matlab_compat.matlab.files.regular_file import read_file
from hf_matlab_compat.matlab.vocabulary import TRAINER_ARGUMENTS
from hf_matlab_compat.migrate.trainer import TrainerReport, read_trainer

SOLVER = "conjgrad_1"
PUBLISHED = "nnet_train_2"
_HEADER = re.compile(r"\s*function\b[^\n=]*=\s*(\w+)\s*\(([^)]*)\)?")
_SOLVES = re.compile(r"\b(conjgrad\w*)\s*\(")
_WORDS = frozenset(
    {
        "autodamp",
        "initlambda",
        "lambdarecord",
        "llrecord",
        "errrecord",
        "totalpasses",
        "maskp",
        "computeGV",
        "computeLL",
    }
)
_MOST_BYTES = 500_000
_FEWEST_ARGUMENTS = 10
_FEWEST_WORDS = 5


@dataclass(frozen=True)
class Copy:
    """A trainer that scripts call.

    Attributes
    ----------
    options : mapping
        Keywords of `train` that express its differences from the published file.
    refusal : str
        Why it is not this package's algorithm; empty if it is.
    report : TrainerReport or None
        None if there is no readable file.
    """

    options: Mapping[str, object] = field(default_factory=dict)
    refusal: str = ""
    report: TrainerReport | None = None


UNEDITED: Mapping[str, Copy] = {PUBLISHED: Copy()}
"""The published trainer, which is known without a file beside the script."""


def is_part_of_trainer(path: Path) -> bool:
    """Return whether a .m file is the trainer or its solver, under any name.

    A function of another name is a copy of the trainer if it has the trainer's arguments, or its variables and
    functions, and calls a solver.
    """
    if path.stem in (PUBLISHED, SOLVER):
        return True
    code = _code(path)
    found = _HEADER.match(code)
    if found is None or found[1].startswith("nnet_train"):
        return found is not None
    arguments = set(re.findall(r"\w+", found[2])) & set(TRAINER_ARGUMENTS)
    words = set(re.findall(r"\w+", code)) & _WORDS
    alike = len(arguments) >= _FEWEST_ARGUMENTS or len(words) >= _FEWEST_WORDS
    return alike and not found[1].startswith("conjgrad") and bool(_solvers_in(code, found[1]))


def _solvers_in(code: str, own: str = "") -> list[str]:
    """Return the functions named conjgrad… that a text calls or defines."""
    return [name for name in dict.fromkeys(_SOLVES.findall(code)) if name != own]


def trainers_beside(folder: Path) -> dict[str, Copy]:
    """Return the copies of the trainer in a folder by name, always with the published one."""
    found = dict(UNEDITED)
    for path in sorted(folder.glob("*.m")):
        if path.stem != SOLVER and is_part_of_trainer(path):
            found[path.stem] = read_copy(path)
    return found


def files_of(path: Path) -> list[Path]:
    """Return the file of a copy and that of the solver beside it."""
    called = _solvers_in(_code(path))
    beside = (path.with_name(f"{name}.m") for name in dict.fromkeys([SOLVER, *called]))
    return [path, *[solver for solver in beside if solver.is_file() and solver != path][:1]]


def read_copy(path: Path) -> Copy:
    """Read a copy of the trainer and the options that its edits imply."""
    try:
        report = read_trainer(*files_of(path))
    except MigrationError as error:
        return Copy(refusal=str(error))
    return Copy(report.options, report=report)


def _code(path: Path) -> str:
    """Return the text of a file without comments and empty lines; empty if it cannot be read."""
    try:
        text = read_file(path)[:_MOST_BYTES].decode("latin-1").replace("\r", "\n")
    except CheckpointError:
        return ""
    lines = (line.partition("%")[0] for line in text.split("\n"))
    return "\n".join(line for line in lines if line.strip())
