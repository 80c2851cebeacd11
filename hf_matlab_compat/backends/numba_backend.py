"""Finds Numba and compiles the loops; if Numba is missing, says how to install it."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from functools import cache
from importlib import import_module
from types import ModuleType
from typing import Any

import numpy as np

from hf_matlab_compat.backends import blas_threads
from hf_matlab_compat.errors import OptionError

CGStep = Callable[..., tuple[float, float, float]]
"""The type of `compiled_cg.cg_step`."""

_NO_PLACE = (RuntimeError, OSError)
_DAMAGED = (EOFError, pickle.UnpicklingError, AttributeError, ImportError, LookupError, TypeError, ValueError)
_NOT_KEPT = (*_NO_PLACE, *_DAMAGED)
"""Errors of Numba's cache: a place that cannot be written, or damaged files."""


def load(dtype: np.dtype[Any]) -> ModuleType:
    """Compile the loops, or load them from Numba's cache; compiling takes seconds, once per machine.

    Parameters
    ----------
    dtype : numpy dtype
        The precision to compile for.

    Raises
    ------
    OptionError
        Numba or scipy's BLAS, which the loops call, is missing; Numba does not fit this numpy or has been told not to
        compile; or its cache cannot be written or read.
    """
    try:
        numba: Any = import_module("numba")
        import scipy.linalg.cython_blas  # noqa: F401
    except ImportError as error:
        raise OptionError(
            "backend",
            expected="Numba for 'numba'",
            got=f"no Numba ({error})",
            advice="Install it, pip install \"hf_matlab_compat[numba]\", or run with backend='numpy'.",
        ) from error
    if numba.config.DISABLE_JIT:
        advice = "Unset the environment variable, or run with backend='numpy'."
        raise OptionError("backend", expected="a Numba that compiles", got="NUMBA_DISABLE_JIT set", advice=advice)
    _look_for_blas()
    try:
        from hf_matlab_compat.backends import compiled_cg, compiled_loops, compiled_recursions

        for loops in (compiled_loops, compiled_cg, compiled_recursions):
            loops.compile_all(dtype)
    except _NOT_KEPT as error:
        raise OptionError(
            "backend",
            expected="a cache directory that Numba can write, with undamaged files",
            got=f"{type(error).__name__} ({' '.join(str(error).split())})",  # LLVM writes several lines
            advice="Delete its files *.nbi and *.nbc, or set the environment variable NUMBA_CACHE_DIR to "
            "another directory.",
        ) from error
    return compiled_loops


@cache
def _look_for_blas() -> None:
    """Limit scipy's own BLAS too; once, since it stays loaded."""
    blas_threads.look_again()


def cg_step() -> CGStep:
    """Return the compiled step of CG."""
    from hf_matlab_compat.backends import compiled_cg

    step: Any = compiled_cg.cg_step
    return step
