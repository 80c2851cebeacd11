"""Cases in the text format that Octave's `save` writes by default; `layertypes`, `Win` and `bin` are cells there."""

from __future__ import annotations

import gzip
import math
from pathlib import Path
from typing import Any

import numpy as np

from hf_matlab_compat.matlab import octave_text
from hf_matlab_compat.matlab.mat_formats import HEAD_BYTES, FileFormat, sniff
from hf_matlab_compat.matlab.vocabulary import TRAINER_ARGUMENTS


def is_octave_text(path: Path) -> bool:
    """Whether a file is in that format, gzipped or not."""
    with path.open("rb") as file:
        return sniff(file.read(HEAD_BYTES)) in (FileFormat.OCTAVE_TEXT, FileFormat.GZIP)


def read_case_text(path: Path) -> dict[str, Any]:
    """The arguments of a trainer, as far as the file has them.

    Raises
    ------
    CheckpointError
        The text is damaged, or an argument is of a class that no trainer takes.
    OSError, EOFError
        A gzipped file is damaged.
    """
    content = path.read_bytes()
    reader = _WithCells(gzip.decompress(content) if content[:2] == b"\x1f\x8b" else content)
    found: dict[str, Any] = {}
    while (name := reader.next_name()) is not None:
        value = reader.value()
        if name in TRAINER_ARGUMENTS:
            if isinstance(value, octave_text.Skipped):
                raise octave_text.CheckpointError(f"{name}: expected what a trainer takes, got Octave's {value.kind}.")
            found[name] = value
    return found


class _WithCells(octave_text._Reader):
    """The package's reader of such text, which passes over cells; here they are read as well."""

    def value(self, depth: int = 0) -> Any:
        start = self.at
        if self.field("type") != b"cell" or depth:
            self.at = start
            return super().value(depth)
        shape = self.shape()
        cell = np.empty(math.prod(shape), dtype=object)
        for at in range(cell.size):
            if self.next_name() is None:
                raise self.damaged(f"{cell.size} values in a cell", "the end of the file")
            cell[at] = self.value(depth + 1)
        return cell.reshape(shape, order="F")
