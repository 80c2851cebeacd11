"""Finding Numba and what it compiles, and saying how to get it."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any

from hf_matlab_compat.backends import blas_threads
from hf_matlab_compat.errors import OptionError

CGStep = Callable[..., tuple[float, float, float]]
"""`compiled_cg.cg_step`."""


def load() -> ModuleType:
    """The compiled passes; each loop is compiled when first called with a precision, and kept on disk.

    Raises
    ------
    OptionError
        Numba is missing, does not suit this numpy, or has no place where it may write.
    """
    try:
        import scipy.linalg.cython_blas  # noqa: F401  (whose matrix products the loops call)

        from hf_matlab_compat.backends import compiled_passes
    except RuntimeError as error:
        raise OptionError(
            "backend",
            expected="a place where Numba may keep what it compiles",
            got=str(error),
            advice="Name one: set the environment variable NUMBA_CACHE_DIR to a directory.",
        ) from error
    except ImportError as error:
        raise OptionError(
            "backend",
            expected="Numba for 'numba'",
            got=f"no Numba ({error})",
            advice="Install it, pip install \"hf_matlab_compat[numba]\", or run with backend='numpy'.",
        ) from error
    blas_threads.look_again()
    return compiled_passes


def cg_step() -> CGStep:
    """CG's step in one call."""
    from hf_matlab_compat.backends import compiled_cg

    step: Any = compiled_cg.cg_step
    return step
