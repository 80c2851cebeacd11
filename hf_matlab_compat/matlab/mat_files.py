"""MATLAB's v4 and v5 files (v5, v6 and v7 are one format), read by scipy behind checks of what they claim."""

from __future__ import annotations

import io
import math
import struct
import warnings
from collections.abc import Callable, Collection, Iterator
from typing import Any, BinaryIO, TypeVar

import numpy as np
import scipy.io
from numpy.typing import NDArray

from hf_matlab_compat.errors import CheckpointError

MOST_DEFLATION = 1032
"""deflate packs at most so many bytes into one; a file that claims more is damaged."""

_DAMAGED = "The file is damaged or cut off; take an older checkpoint."
_NUMERIC = {"double", "single", "logical"} | {f"{u}int{bits}" for u in ("", "u") for bits in (8, 16, 32, 64)}
_MAT4_ITEM_SIZES = (8, 4, 4, 2, 2, 1)
_MAT4_SPARSE = 2

_Result = TypeVar("_Result")


def read_mat_file(stream: BinaryIO, names: Collection[str], *, version: int) -> dict[str, NDArray[Any]]:
    """The variables `names`, as far as the file has them; each must be a full array of numbers.

    Raises
    ------
    CheckpointError
        The file is damaged, or a variable is a cell, a struct, text, sparse or present twice.
    """
    size = stream.seek(0, io.SEEK_END)
    if version == 4:
        _check_mat4(stream, size)
    _check_claims(stream, names, size)
    stream.seek(0)
    found = _guarded(lambda: scipy.io.loadmat(stream, mat_dtype=True, variable_names=list(names)))
    variables = {name: found[name] for name in names if name in found}
    for name, value in variables.items():
        # scipy hands over its complaint about an unreadable variable as the variable's value
        if not isinstance(value, np.ndarray) or value.dtype.kind not in "fiubc":
            raise CheckpointError(f"{name}: expected an array of numbers, got something unreadable. {_DAMAGED}")
    return variables


def is_mat4_header(head: bytes) -> bool:
    """Whether `head` can be the beginning of a v4 file, which has no magic number."""
    return _mat4_header(head[:20]) is not None


def _guarded(read: Callable[[], _Result]) -> _Result:
    """Call scipy; what it raises on a damaged file is whatever the damage made happen inside it."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return read()
    except Exception as error:
        reason = f"{type(error).__name__}: {error}".splitlines()[0][:120]
        raise CheckpointError(
            f"expected a whole .mat file, got one that scipy cannot read ({reason}). {_DAMAGED}"
        ) from (error)


def _check_claims(stream: BinaryIO, names: Collection[str], size: int) -> None:
    """Refuse, from the headers alone, what is no array of numbers or larger than the file can hold."""
    stream.seek(0)
    seen: set[str] = set()
    for name, shape, kind in _guarded(lambda: scipy.io.whosmat(stream)):
        if name not in names:
            continue
        if kind not in _NUMERIC:
            raise CheckpointError(f"{name}: expected a full array of numbers, got the class '{kind}'. Save it as such.")
        if name in seen:
            raise CheckpointError(f"{name}: expected it once, got it twice. {_DAMAGED}")
        if min(shape, default=0) < 0 or math.prod(map(int, shape)) > MOST_DEFLATION * size:
            raise CheckpointError(f"{name}: expected what fits a file of {size} bytes, got {shape} numbers. {_DAMAGED}")
        seen.add(name)


def _check_mat4(stream: BinaryIO, size: int) -> None:
    """Walk over the matrices of a v4 file: scipy would follow a negative size backwards for ever."""
    for start, length in _mat4_extents(stream, size):
        if start + length > size:
            raise CheckpointError(f"expected {start + length} bytes, got a file of {size}. {_DAMAGED}")


def _mat4_extents(stream: BinaryIO, size: int) -> Iterator[tuple[int, int]]:
    at = 0
    while at < size:
        stream.seek(at)
        header = _mat4_header(stream.read(20))
        if header is None:
            raise CheckpointError(f"expected a matrix at byte {at} of a v4 file, got something else. {_DAMAGED}")
        yield at, sum(header)
        at += sum(header)


def _mat4_header(head: bytes) -> tuple[int, int] | None:
    """Bytes of the header with the name, and of the numbers; None where this is no header of a v4 matrix."""
    if len(head) < 20:
        return None
    for order, machine in (("<", 0), (">", 1)):
        kind, rows, columns, is_complex, name_bytes = struct.unpack(f"{order}5i", head)
        thousands, precision, content = kind // 1000, kind // 10 % 100, kind % 10
        if thousands != machine or precision >= len(_MAT4_ITEM_SIZES) or content > _MAT4_SPARSE:
            continue
        if rows < 0 or columns < 0 or is_complex not in (0, 1) or not 1 <= name_bytes <= 4096:
            continue
        parts = 2 if is_complex and content != _MAT4_SPARSE else 1
        return 20 + name_bytes, parts * rows * columns * _MAT4_ITEM_SIZES[precision]
    return None
