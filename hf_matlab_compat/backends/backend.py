"""A backend: an array namespace, a working precision, and the copies to and from the device."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hf_matlab_compat.backends import blas_threads, cupy_backend, numba_backend
from hf_matlab_compat.backends.arrays import Array
from hf_matlab_compat.backends.cg_vectors import CGVectors, cg_vectors
from hf_matlab_compat.backends.cupy_math import MathMode
from hf_matlab_compat.backends.workers import Workers, default_threads
from hf_matlab_compat.errors import OptionError

_STRIP = 96
"""Cases copied at a time; for 50 to 784 units this number was fastest, or within a tenth of the fastest."""
_CACHED = 1 << 15
"""Largest array that is copied in one piece, since it stays in the caches."""
_ON_HOST = ("numpy", "numba")
_DTYPES = {"single": np.float32, "double": np.float64, "tf32": np.float32}
_RESIDENT = 0.5
"""Largest share of a device's free memory for the cases; an epoch needs the rest."""


@dataclass(frozen=True)
class Backend:
    """An array namespace, a working precision, and what belongs to them.

    Attributes
    ----------
    name : str
        'numpy', 'numba' or 'cupy'.
    xp : module
        The array namespace.
    dtype : numpy dtype
        Working precision.
    to_host : callable
        Copies an array of the backend to a numpy array.
    free_memory : callable
        Returns the number of free bytes, or None if that is unknown.
    workers : Workers
        Threads that share a pass.
    on_host : bool
        Arrays are numpy's own.
    math : callable
        Makes the context in which a device computes.
    feed : callable, optional
        (values, out): copies a host array into a device array without waiting for the device.
    loops : module, optional
        Compiled passes, from `numba_backend.load`.
    cg_step : callable, optional
        A compiled step of conjugate gradients.
    """

    name: str
    xp: Any
    dtype: np.dtype[Any]
    to_host: Callable[[Array], NDArray[Any]]
    free_memory: Callable[[], int | None]
    workers: Workers = field(default_factory=Workers)
    on_host: bool = False
    math: Callable[[], AbstractContextManager[Any]] = nullcontext
    feed: Callable[[NDArray[Any], Array], None] | None = None
    loops: Any = None
    cg_step: numba_backend.CGStep | None = None

    def cg_vectors(self, x0: Array, Ax0: Array, b: Array, M: Array | None) -> CGVectors:
        """Return the vectors of conjugate gradients at x0; see `backends.cg_vectors`."""
        return cg_vectors(x0, Ax0, b, M, self.cg_step)

    def asarray(self, values: Any, order: str | None = None) -> Array:
        """Return `values` on the device in working precision; not copied if they are there already."""
        return self.xp.asarray(values, dtype=self.dtype, order=order)

    def fill(self, out: Array, values: Any) -> None:
        """Copy `values`, of any precision and order, from the host or the device, into a device array."""
        if not self.on_host:
            if self.feed is not None and isinstance(values, np.ndarray):
                self.feed(values, out)
            else:
                out[...] = self.asarray(values)
            return
        strip = _STRIP if out.size > _CACHED else out.shape[1] or 1
        for start in range(
            0, out.shape[1], strip
        ):  # in strips, since a transposing copy of the whole misses the caches
            columns = slice(start, start + strip)
            out[:, columns] = values[:, columns]

    def filled(self, values: Any) -> Array:
        """Return `values` on the device in working precision and C order; not copied if they are so already."""
        if self.feed is None or not isinstance(values, np.ndarray):
            return self.asarray(values, order="C")
        out = self.xp.empty(values.shape, dtype=self.dtype)
        self.feed(values, out)
        return out

    def keeps(self, numbers: int) -> bool:
        """Return whether the cases, this many numbers, fit on the device; otherwise they are sent block by block."""
        free = self.free_memory()
        return free is None or numbers * self.dtype.itemsize <= _RESIDENT * free

    def quiet(self) -> AbstractContextManager[Any]:
        """Return a context in which BLAS uses one thread and floating-point warnings are off.

        On a device, matrix products use the precision that was asked for. Overflow and NaN are normal in a trial step
        that is too long.
        """
        return _Quiet() if self.on_host else _QuietDevice(self.math())


def get_backend(name: str = "numpy", precision: str = "single", num_threads: int | None = None) -> Backend:
    """Return the backend of this name.

    Parameters
    ----------
    name : {'numpy', 'numba', 'cupy'}
        'numba': numpy's arrays, with passes that Numba compiles.
    precision : {'single', 'double', 'tf32'}
        'tf32', on a GPU: single precision; matrix products round their operands to 10 bits after the point.
    num_threads : int, optional
        Threads that share the work on the CPU; by default one for each processor that this process may use.

    Raises
    ------
    OptionError
        The name or precision is unknown, or Numba, CuPy or a CUDA device is missing; the message says how to install
        it.
    """
    if precision not in _DTYPES:
        raise OptionError("precision", expected="'single', 'double' or 'tf32'", got=repr(precision))
    dtype = np.dtype(_DTYPES[precision])
    if name in _ON_HOST and precision == "tf32":
        raise OptionError(
            "precision", expected="'single' or 'double' on the CPU", got="'tf32'", advice="Set {backend='cupy'}."
        )
    if name in _ON_HOST:
        loops = numba_backend.load(dtype) if name == "numba" else None
        step = None if loops is None else numba_backend.cg_step()
        workers = Workers(num_threads or default_threads(), _silent)
        return Backend(name, np, dtype, np.asarray, _free_host_memory, workers, on_host=True, loops=loops, cg_step=step)
    if name == "cupy":
        cupy = cupy_backend.load()
        return Backend(
            "cupy",
            cupy,
            dtype,
            cupy.asnumpy,
            lambda: cupy_backend.free_memory(cupy),
            math=lambda: MathMode(cupy, precision == "tf32"),
            feed=cupy_backend.feed(cupy, dtype),
        )
    raise OptionError("backend", expected="'numpy', 'numba' or 'cupy'", got=repr(name))


class _Here(threading.local):
    """Flag of a thread: True inside `_Quiet`."""

    inside = False


class _Quiet:
    """The context of `Backend.quiet` on the host; entering it again in the same thread does nothing.

    It is a class, since a generator would slow small networks in every product. Because an inner one does nothing, an
    `errstate` that somebody entered in between stays in force, and an interrupt that skips an inner exit does no harm.
    """

    _here = _Here()

    def __init__(self) -> None:
        self._silent: AbstractContextManager[Any] | None = None

    def __enter__(self) -> None:
        if not self._here.inside:
            blas_threads.hold_one()
            self._silent = _silent()
            self._silent.__enter__()
            self._here.inside = True

    def __exit__(self, *error: Any) -> None:
        if self._silent is not None:
            self._here.inside = False
            self._silent.__exit__(*error)
            blas_threads.let_go()


class _QuietDevice:
    def __init__(self, math: AbstractContextManager[Any]) -> None:
        self._silent, self._math = _silent(), math

    def __enter__(self) -> None:
        self._math.__enter__()
        self._silent.__enter__()

    def __exit__(self, *error: Any) -> None:
        self._silent.__exit__(*error)
        self._math.__exit__(*error)


def _silent() -> AbstractContextManager[Any]:
    return np.errstate(over="ignore", invalid="ignore", divide="ignore", under="ignore")


def _free_host_memory() -> int | None:
    try:
        with open("/proc/meminfo", encoding="ascii") as lines:
            available = next(line for line in lines if line.startswith("MemAvailable:"))
    except (OSError, StopIteration):  # not Linux: there is no portable way to know
        return None
    return int(available.split()[1]) * 1024
