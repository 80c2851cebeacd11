"""Checks of one array: dense, real, numeric, finite, two-dimensional."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hf_matlab_compat.errors import DataError

_CONVERT = "Convert them to numbers first, as with .astype(float)."
_UNFIT = {
    "c": ("complex numbers", "Pass real and imaginary parts as rows of their own."),
    "O": ("objects", _CONVERT),
    "U": ("text", _CONVERT),
    "S": ("text", _CONVERT),
    "V": ("numbers of a type that numpy lacks", "Convert them first, as with .astype('float32')."),
}
_COLUMNS_AT_A_TIME = 65536
"""Columns checked at a time, so that a check of data larger than memory needs little memory."""


_SHARE: ContextVar[tuple[int, int]] = ContextVar("share", default=(0, 1))
"""Which of how many processes this one is, that share the checks of long arrays."""


@contextmanager
def sharing_checks(rank: int, ranks: int) -> Iterator[None]:
    """Within this context check only this process's share of the columns of long arrays."""
    token = _SHARE.set((rank, ranks))
    try:
        yield
    finally:
        _SHARE.reset(token)


def processes_sharing() -> int:
    """Return the number of processes that share the run that is checked."""
    return _SHARE.get()[1]


def starts_to_check(columns: int, at_a_time: int) -> range:
    """Return the first columns of the parts, of this many columns, that this process checks."""
    rank, ranks = _SHARE.get()
    if columns <= at_a_time:
        return range(0, columns, at_a_time)
    return range(rank * at_a_time, columns, ranks * at_a_time)


WORKING = {"single": np.float32, "double": np.float64}


def real_matrix(name: str, values: Any, precision: str = "double") -> NDArray[Any]:
    """Return `values` as a real two-dimensional numpy array of its own dtype; not copied if it is one already.

    Parameters
    ----------
    name : str
        The caller's name for it.
    values : array_like
        Numbers; integers and booleans are fine.
    precision : {'single', 'double'}
        The precision in which the numbers must be finite.

    Raises
    ------
    DataError
        It is sparse, masked, complex, text, objects, empty, not two-dimensional, or holds NaN, infinity or a number
        that is too large for the precision.
    """
    array = real_array(name, values, precision)
    if array.ndim != 2:
        raise DataError(
            name,
            expected="a matrix with one case in each column",
            got=f"an array of shape {array.shape}",
            advice="Reshape it: a single case is one column; one number for each case is one row.",
        )
    return array


def real_array(name: str, values: Any, precision: str = "double") -> NDArray[Any]:
    """Return `values` as a real numpy array of any shape; see `real_matrix`.

    Raises
    ------
    DataError
        As `real_matrix`, for any number of dimensions.
    """
    array = numeric_array(name, values)
    if array.dtype.kind == "f":
        _require_finite(name, array, precision)
    return array


def numeric_array(name: str, values: Any) -> NDArray[Any]:
    """Return `values` as a real numpy array of any shape, which may hold NaN and infinity; see `real_matrix`.

    Raises
    ------
    DataError
        As `real_matrix`, for any number of dimensions, but NaN and infinity pass.
    """
    _refuse_gaps(name, values)
    _refuse_containers(name, values)
    array = _as_array(name, values)
    if array.dtype.kind not in "fiub":
        what, advice = _UNFIT.get(array.dtype.kind, ("other things", _CONVERT))
        raise DataError(name, expected="an array of real numbers", got=f"{what} ({array.dtype})", advice=advice)
    if array.size == 0:
        raise DataError(name, expected="at least one number", got=f"an empty array of shape {array.shape}")
    return array


def _refuse_gaps(name: str, values: Any) -> None:
    # refuse sparse and masked arrays, which numpy would convert to something else
    sparse = sys.modules.get("scipy.sparse")  # a sparse matrix exists only if this has been imported
    if sparse is not None and sparse.issparse(values):
        raise DataError(name, expected="a dense array", got="a sparse matrix", advice="Pass its .toarray().")
    masked = np.ma.count_masked(values) if isinstance(values, np.ma.MaskedArray) else 0
    if masked:
        raise DataError(
            name,
            expected="an array without gaps",
            got=f"a masked array with {masked} of {values.size} numbers masked",
            advice="Fill the gaps with .filled(value), or remove them, as .compressed() does in a vector.",
        )


def _refuse_containers(name: str, values: Any) -> None:
    # refuse a container of the numbers in place of the numbers: the name of a file, a dictionary, or a result
    if isinstance(values, str | os.PathLike):
        advice = "Read the file first, as with scipy.io.loadmat(path)['name'] or numpy.load(path)."
        raise DataError(
            name, expected="an array of real numbers", got=f"text or a path, {str(values)!r}", advice=advice
        )
    if isinstance(values, Mapping):
        keys = ", ".join(str(key) for key in list(values)[:8] if not str(key).startswith("__"))
        advice = "Give one of its entries."
        raise DataError(
            name, expected="an array of real numbers", got=f"a dictionary of {keys or 'nothing'}", advice=advice
        )
    if hasattr(values, "theta") and hasattr(values, "records"):
        got = f"a {type(values).__name__} of a run"
        raise DataError(name, expected="an array of real numbers", got=got, advice="Give its .theta.")


def _as_array(name: str, values: Any) -> NDArray[Any]:
    try:
        array = np.asarray(values)
    except Exception as error:
        if isinstance(values, list | tuple) and isinstance(error, ValueError):
            raise DataError(name, expected="an array of numbers", got="rows of different lengths") from None
        kind = f"a {type(values).__module__.partition('.')[0]} {type(values).__name__}"
        got = f"{kind} ({getattr(values, 'dtype', 'no dtype')}) that numpy cannot take: {error}"
        raise DataError(
            name, expected="an array of real numbers", got=got.rstrip("."), advice=_convert(values)
        ) from error
    return array


def _convert(values: Any) -> str:
    """Return the advice how to convert a tensor of another library."""
    if not hasattr(values, "detach"):
        return "Convert it to a numpy array first."
    return f"Pass its .detach().cpu(){'.float()' if 'bfloat16' in str(values.dtype) else ''}.numpy()."


def _require_finite(name: str, array: NDArray[Any], precision: str) -> None:
    last_axis = array.shape[-1] if array.ndim else 1
    for start in starts_to_check(last_axis, _COLUMNS_AT_A_TIME):
        part = array[..., start : start + _COLUMNS_AT_A_TIME] if array.ndim else array
        with np.errstate(over="ignore"):
            finite = np.isfinite(part.astype(WORKING[precision], copy=False))
        if not finite.all():
            where = np.argwhere(~finite)[0]
            value = part[tuple(where)]
            if array.ndim:
                where[-1] += start
            raise _not_finite(name, value, tuple(int(i) for i in where), precision)


def _not_finite(name: str, value: Any, where: tuple[int, ...], precision: str) -> DataError:
    got = f"{value} at {where} (counted from 0)"
    if not np.isfinite(value):
        advice = "Replace such numbers, or remove their cases."
        return DataError(name, expected="finite numbers", got=got, advice=advice)
    largest = np.finfo(WORKING[precision]).max
    advice = "Rescale them, or set {precision}='double'." if precision == "single" else "Rescale them."
    return DataError(
        name, expected=f"numbers that {precision} precision holds, up to {largest:.2g}", got=got, advice=advice
    )
