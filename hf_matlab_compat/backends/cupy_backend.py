"""Finds CuPy and a CUDA device; if they are missing, says how to install them."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np

from hf_matlab_compat.backends import fused
from hf_matlab_compat.backends.cupy_feed import Feed
from hf_matlab_compat.backends.cupy_kernels import CupyFused
from hf_matlab_compat.errors import OptionError

_INSTALL = (
    'Install CuPy for your driver, pip install "hf_matlab_compat[cuda12]" (or [cuda13]), on a machine with an '
    "NVIDIA GPU; or run on the CPU: set {backend='numpy'}."
)


def load() -> ModuleType:
    """Return CuPy, if it can be imported and sees a device.

    Raises
    ------
    OptionError
        CuPy is missing or sees no CUDA device.
    """
    try:
        import cupy  # optional and slow to import: only for a run on the GPU
    except ImportError as error:
        raise OptionError(
            "backend", expected="a CUDA device and CuPy", got=f"no CuPy ({error})", advice=_INSTALL
        ) from error
    try:
        count = cupy.cuda.runtime.getDeviceCount()
    except cupy.cuda.runtime.CUDARuntimeError as error:
        raise OptionError(
            "backend", expected="a CUDA device and CuPy", got=f"no CUDA device ({error})", advice=_INSTALL
        ) from error
    if count == 0:
        raise OptionError("backend", expected="a CUDA device and CuPy", got="no CUDA device", advice=_INSTALL)
    if fused.fused_for_type(cupy.ndarray) is None:
        fused.register(cupy.ndarray, CupyFused(cupy))
    return cupy


def feed(cupy: Any, dtype: np.dtype[Any]) -> Feed:
    """Return the copier of host cases to the device."""
    import cupyx  # comes with CuPy

    return Feed(cupy, cupyx, dtype)


def free_memory(cupy: Any) -> int:
    """Return the free bytes on the current device, CuPy's own unused pool included."""
    free, _ = cupy.cuda.runtime.memGetInfo()
    return int(free) + int(cupy.get_default_memory_pool().free_bytes())
