"""One step of conjugate gradients on short vectors, as one loop that Numba compiles."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

# the same settings as in compiled_loops, not imported from there: Numba's cache would not see that file change
_compiled: Any = njit(nogil=True, cache=True, error_model="numpy", fastmath={"contract"})
_any_order: Any = njit(nogil=True, cache=True, error_model="numpy", fastmath={"contract", "reassoc"})


@_any_order
def _inner(a, b):
    total = a.dtype.type(0)
    for k in range(a.size):
        total += a[k] * b[k]
    return total


@_any_order
def _twice_phi(r, b, x):
    total = x.dtype.type(0)
    for k in range(x.size):
        total += (r[k] - b[k]) * x[k]
    return total


@_compiled
def cg_step(x, r, y, p, Ap, b, M, ry):
    """Compute x ← x + α p, r ← r + α A p, y ← M⁻¹ r, p ← β p - y.

    All vectors stay unchanged if pᵀAp ≤ 0 or is not finite, or rᵀy = 0.

    Parameters
    ----------
    x, r, y, p, Ap, b, M : (P,) arrays
        The first four are changed.
    ry : float
        rᵀy before the step.

    Returns
    -------
    pAp, twice_phi, ry : float
        pᵀAp before the step; 2 φ(x) = (r - b)ᵀx and rᵀy after it.
    """
    before = x.dtype.type(ry)
    pAp = _inner(p, Ap)
    if not (0 < pAp < np.inf) or before == 0:
        return pAp, x.dtype.type(0), before
    alpha = before / pAp
    for k in range(x.size):
        x[k] += alpha * p[k]
        r[k] += alpha * Ap[k]
        y[k] = r[k] / M[k]
    after = _inner(r, y)
    beta = after / before
    for k in range(x.size):
        p[k] = beta * p[k] - y[k]
    return pAp, _twice_phi(r, b, x), after


def compile_all(dtype: Any) -> None:
    """Compile the step for a precision, or load it from Numba's cache."""
    cg_step(*(np.ones(2, dtype) for _ in range(7)), 1.0)
