"""Finding Numba, and saying how to get it."""

from __future__ import annotations

from types import ModuleType

from hf_matlab_compat.backends import blas_threads
from hf_matlab_compat.errors import OptionError


def load() -> ModuleType:
    """The compiled passes; each loop is compiled when first called with a precision, and kept on disk.

    Raises
    ------
    OptionError
        Numba is missing, or does not suit this numpy.
    """
    try:
        import scipy.linalg.cython_blas  # noqa: F401  (whose matrix products the loops call)

        from hf_matlab_compat.backends import compiled_passes
    except ImportError as error:
        raise OptionError(
            "backend",
            expected="Numba for 'numba'",
            got=f"no Numba ({error})",
            advice="Install it, pip install \"hf_matlab_compat[numba]\", or run with backend='numpy'.",
        ) from error
    blas_threads.look_again()
    return compiled_passes
