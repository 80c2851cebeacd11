"""Switches cuBLAS' rounding of single-precision operands to TF32 on or off, for the time of a context."""

from __future__ import annotations

from typing import Any

import numpy as np


class MathMode:
    """Within this context products are in TF32, or certainly not; after it, as before. It may be nested.

    Both of CuPy's switches are set: the math mode of the cuBLAS handle of this thread and device, and the compute type
    that CuPy requests from cuBLAS. CUPY_TF32 sets the latter at the first product, for the whole process.

    Parameters
    ----------
    cupy : module
    tf32 : bool
    """

    def __init__(self, cupy: Any, tf32: bool) -> None:
        self._cupy, self._tf32 = cupy, tf32
        self._before: list[tuple[int, int | None]] = []

    def __enter__(self) -> None:
        cublas, handle = self._cublas()
        linalg = self._compute_types()
        before = None if linalg is None else int(linalg.get_compute_type(np.float32))
        self._before.append((int(cublas.getMathMode(handle)), before))
        cublas.setMathMode(handle, cublas.CUBLAS_TF32_TENSOR_OP_MATH if self._tf32 else cublas.CUBLAS_DEFAULT_MATH)
        if linalg is not None:
            wanted = linalg.COMPUTE_TYPE_TF32 if self._tf32 else linalg.COMPUTE_TYPE_DEFAULT
            linalg.set_compute_type(np.float32, wanted)

    def __exit__(self, *error: Any) -> None:
        cublas, handle = self._cublas()
        mode, compute_type = self._before.pop()
        cublas.setMathMode(handle, mode)
        linalg = self._compute_types()
        if linalg is not None and compute_type is not None:
            linalg.set_compute_type(np.float32, compute_type)

    def _cublas(self) -> tuple[Any, Any]:
        return self._cupy.cuda.cublas, self._cupy.cuda.get_cublas_handle()

    def _compute_types(self) -> Any:
        """Return CuPy's internal module, or None if it lacks these names; then the handle's mode must do."""
        linalg = getattr(getattr(self._cupy, "_core", None), "_routines_linalg", None)
        names = ("get_compute_type", "set_compute_type", "COMPUTE_TYPE_TF32", "COMPUTE_TYPE_DEFAULT")
        return linalg if linalg is not None and all(hasattr(linalg, name) for name in names) else None
