"""A backend: an array namespace, a working precision, and the way in and out of the device."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hf_matlab_compat.backends import cupy_backend
from hf_matlab_compat.errors import OptionError

Array = Any
"""An array of the backend: numpy.ndarray or cupy.ndarray."""

_DTYPES = {"single": np.float32, "double": np.float64}


@dataclass(frozen=True)
class Backend:
    """Where and in which precision arrays live.

    Attributes
    ----------
    name : str
        'numpy' or 'cupy'.
    xp : module
        The array namespace.
    dtype : numpy dtype
        Working precision.
    free_memory : callable
        Bytes that a run may still take, or None where that is unknown.
    """

    name: str
    xp: Any
    dtype: np.dtype[Any]
    to_host: Callable[[Array], NDArray[Any]]
    free_memory: Callable[[], int | None]

    def asarray(self, values: Any, order: str | None = None) -> Array:
        """`values` on the device in working precision; not copied where they already are."""
        return self.xp.asarray(values, dtype=self.dtype, order=order)

    def quiet(self) -> AbstractContextManager[Any]:
        """Overflow and NaN inside a wild trial step are part of the method, not worth a warning."""
        return np.errstate(over="ignore", invalid="ignore", divide="ignore", under="ignore")


def get_backend(name: str = "numpy", precision: str = "single") -> Backend:
    """The backend of this name.

    Parameters
    ----------
    name : {'numpy', 'cupy'}
    precision : {'single', 'double'}

    Raises
    ------
    OptionError
        The name or precision is unknown, or there is no CuPy or no CUDA device; the sentence says how to get one.
    """
    if precision not in _DTYPES:
        raise OptionError("precision", expected="'single' or 'double'", got=repr(precision))
    dtype = np.dtype(_DTYPES[precision])
    if name == "numpy":
        return Backend("numpy", np, dtype, np.asarray, _free_host_memory)
    if name == "cupy":
        cupy = cupy_backend.load()
        return Backend("cupy", cupy, dtype, cupy.asnumpy, lambda: cupy_backend.free_memory(cupy))
    raise OptionError("backend", expected="'numpy' or 'cupy'", got=repr(name))


def _free_host_memory() -> int | None:
    try:
        with open("/proc/meminfo", encoding="ascii") as lines:
            available = next(line for line in lines if line.startswith("MemAvailable:"))
    except (OSError, StopIteration):  # not Linux: nothing portable tells, so nothing is claimed
        return None
    return int(available.split()[1]) * 1024
