"""Cases in the text format that Octave's `save` writes by default; with cells, and sparse matrices, in it."""

from __future__ import annotations

import gzip
import math
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hf_matlab_compat.matlab import octave_text
from hf_matlab_compat.matlab.mat_formats import HEAD_BYTES, FileFormat, sniff
from hf_matlab_compat.matlab.vocabulary import TRAINER_ARGUMENTS

_SPARSE = (b"sparse matrix", b"sparse bool matrix")


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
    """The package's reader of such text, which passes over cells and sparse matrices; here they are read as well."""

    def value(self, depth: int = 0) -> Any:
        start = self.at
        kind = self.field("type")
        if kind in _SPARSE:
            return self.full_matrix()
        if kind != b"cell" or depth:
            self.at = start
            return super().value(depth)
        return self.cell(depth)

    def full_matrix(self) -> NDArray[np.float64]:
        """A sparse matrix, its zeros written out."""
        entries, shape = self.whole(self.field("nnz")), self.shape()
        row, column, values = self.numbers((entries, 3), np.float64).T
        try:
            full = np.zeros(shape)
            full[row.astype(int) - 1, column.astype(int) - 1] = values
        except (ValueError, IndexError, MemoryError) as error:
            raise self.damaged(f"a sparse matrix of {' by '.join(map(str, shape))}", str(error)) from error
        return full

    def cell(self, depth: int) -> NDArray[np.object_]:
        """A cell array of numbers and texts."""
        shape = self.shape()
        cell = np.empty(math.prod(shape), dtype=object)
        for at in range(cell.size):
            if self.next_name() is None:
                raise self.damaged(f"{cell.size} values in a cell", "the end of the file")
            cell[at] = self.value(depth + 1)
        return cell.reshape(shape, order="F")
