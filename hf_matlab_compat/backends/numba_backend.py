"""Finding Numba and what it compiles, and saying how to get it."""

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
"""`compiled_cg.cg_step`."""

_NO_PLACE = (RuntimeError, OSError)
_DAMAGED = (EOFError, pickle.UnpicklingError, AttributeError, ImportError, LookupError, TypeError, ValueError)
_NOT_KEPT = (*_NO_PLACE, *_DAMAGED)
"""What Numba raises of what it keeps."""


def load(dtype: np.dtype[Any]) -> ModuleType:
    """The loops, compiled: seconds where this machine does it for the first time, else read from its disk.

    Parameters
    ----------
    dtype : numpy dtype
        The precision that they are compiled for.

    Raises
    ------
    OptionError
        Numba or the BLAS of scipy, whose products the loops call, is missing, Numba does not suit this numpy, is told
        not to compile, or cannot keep or read what it compiled.
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
        from hf_matlab_compat.backends import compiled_cg, compiled_loops

        for loops in (compiled_loops, compiled_cg):
            loops.compile_all(dtype)
    except _NOT_KEPT as error:
        raise OptionError(
            "backend",
            expected="a place where Numba may keep what it compiles, and what it kept whole",
            got=f"{type(error).__name__} ({' '.join(str(error).split())})",  # LLVM writes several lines
            advice="Delete the files *.nbi and *.nbc that it kept, or set the environment variable NUMBA_CACHE_DIR to "
            "another directory.",
        ) from error
    return compiled_loops


@cache
def _look_for_blas() -> None:
    """Once: scipy brought a BLAS of its own."""
    blas_threads.look_again()


def cg_step() -> CGStep:
    """One step of CG in one call."""
    from hf_matlab_compat.backends import compiled_cg

    step: Any = compiled_cg.cg_step
    return step
