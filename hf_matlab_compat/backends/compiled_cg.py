"""One step of conjugate gradients on short vectors as one loop that Numba compiles."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

# as in compiled_loops, of which nothing is taken for the reason given there
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
    """x ← x + α p, r ← r + α A p, y ← M⁻¹ r, p ← β p - y; all vectors stay unchanged if pᵀAp ≤ 0 or is not finite.

    Parameters
    ----------
    x, r, y, p, Ap, b, M : (P,) arrays
        The first four are changed.
    ry : float
        rᵀy of before.

    Returns
    -------
    pAp, twice_phi, ry : float
        pᵀAp before, and 2 φ(x) = (r - b)ᵀx and rᵀy after the step.
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
    """Compile it for a precision, or read what was kept."""
    cg_step(*(np.ones(2, dtype) for _ in range(7)), 1.0)
