"""Finding Numba and what it compiles, and saying how to get it."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any

from hf_matlab_compat.backends import blas_threads
from hf_matlab_compat.errors import OptionError

CGStep = Callable[..., tuple[float, float, float]]
"""`compiled_cg.cg_step`."""

_LONG = 1 << 15
"""Numbers of a vector from which numpy's calls cost nothing beside their work; numpy then goes piece by piece."""


def load() -> ModuleType:
    """The compiled passes; each loop is compiled when first called with a precision, and kept on disk.

    Raises
    ------
    OptionError
        Numba or the BLAS of scipy, whose products the loops call, is missing, Numba does not suit this numpy, or has
        no place where it may write.
    """
    try:
        import numba  # noqa: F401
        import scipy.linalg.cython_blas  # noqa: F401
    except ImportError as error:
        raise OptionError(
            "backend",
            expected="Numba for 'numba'",
            got=f"no Numba ({error})",
            advice="Install it, pip install \"hf_matlab_compat[numba]\", or run with backend='numpy'.",
        ) from error
    blas_threads.look_again()  # scipy brought a BLAS of its own
    try:
        from hf_matlab_compat.backends import compiled_cg, compiled_passes  # noqa: F401
    except RuntimeError as error:
        if "cache" not in str(error):
            raise
        raise OptionError(
            "backend",
            expected="a place where Numba may keep what it compiles",
            got=str(error),
            advice="Name one: set the environment variable NUMBA_CACHE_DIR to a directory.",
        ) from error
    return compiled_passes


def cg_step(backend: str, length: int) -> CGStep | None:
    """CG's step in one call, of vectors so long, for a run on this backend; None where numpy's own serves."""
    if backend != "numba" or length > _LONG:
        return None
    from hf_matlab_compat.backends import compiled_cg

    step: Any = compiled_cg.cg_step
    return step
