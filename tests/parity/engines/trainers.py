"""Trainers to run: our own in the style of people's single files, whole or damaged, and what is left after a run."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Sequence
from pathlib import Path

ONE_FILE = Path(__file__).parent / "one_file"
SMALL = "k_logistic_rms0_gn_hy1_lam1"


EPOCH_BEGINS = "    tic;\n"
STEP = "    paramsp = paramsp + rate*p;\n"


def edited(folder: Path, *changes: tuple[str, str], file: str = "nnet_train_2.m", of: Path = ONE_FILE) -> Path:
    """A copy of a trainer (the single-file one, unless told) in a folder, with passages replaced."""
    shutil.copytree(of, folder)
    text = (folder / file).read_text()
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    (folder / file).write_text(text)
    return folder


def in_epoch(number: int, what: str) -> tuple[str, str]:
    """A change that makes the trainer do something in an epoch."""
    return EPOCH_BEGINS, f"{EPOCH_BEGINS}    if epoch == {number}, {what}; end\n"


def contents(folder: Path) -> dict[str, tuple[str, float]]:
    """Hash and time of every file in a folder."""
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(path): (hashlib.sha256(path.read_bytes()).hexdigest(), path.stat().st_mtime) for path in files}


def processes_about(place: Path) -> Sequence[str]:
    """Command lines of running processes that name a folder."""
    found: list[str] = []
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            command = entry.read_bytes().decode(errors="replace")
        except OSError:
            continue
        if str(place) in command:
            found.append(command)
    return found
