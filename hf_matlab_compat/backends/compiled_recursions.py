"""The recursions over time of a recurrent layer as loops that Numba compiles: one call for all steps.

Notation
--------
R, Q : (T, n, H), step, sequence, unit;  S : f'(a), of the same shape;  W_hh : (H, H)
`S`, `kept` and `more` may have size 0, for none.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

# the same settings as in compiled_loops, not imported from there: Numba's cache would not see that file change
_compiled: Any = njit(nogil=True, cache=True, error_model="numpy", fastmath={"contract"})


@_compiled
def _add(x, y):
    for k in range(x.size):
        x[k] += y[k]


@_compiled
def _add_and_scale(x, y, s):
    for k in range(x.size):
        x[k] = (x[k] + y[k]) * s[k]


@_compiled
def _scale(x, s):
    for k in range(x.size):
        x[k] *= s[k]


@_compiled
def tangent(R, W_hhT, S, kept):
    """Turn the parts of Ra_t that need no recursion into Rh_t = S_t ∘ (Ra_t + W_hh Rh_{t-1}); `kept` receives Ra_t."""
    T, n, H = R.shape
    step = np.zeros((n, H), R.dtype)
    for t in range(T):
        if t:
            np.dot(R[t - 1], W_hhT, step)
        here = R[t].reshape(n * H)
        if kept.size:
            _add(here, step.reshape(n * H))
            kept[t] = R[t]
            if S.size:
                _scale(here, S[t].reshape(n * H))
        elif S.size:
            _add_and_scale(here, step.reshape(n * H), S[t].reshape(n * H))
        else:
            _add(here, step.reshape(n * H))


@_compiled
def back(Q, W_hh, S, more):
    """Turn W_oh' u_t into p_t = S_t ∘ (W_oh' u_t + W_hh' p_{t+1}) + more_t."""
    T, n, H = Q.shape
    step = np.zeros((n, H), Q.dtype)
    for t in range(T - 1, -1, -1):
        if t + 1 < T:
            np.dot(Q[t + 1], W_hh, step)
        here = Q[t].reshape(n * H)
        if S.size:
            _add_and_scale(here, step.reshape(n * H), S[t].reshape(n * H))
        else:
            _add(here, step.reshape(n * H))
        if more.size:
            _add(here, more[t].reshape(n * H))


def compile_all(dtype: Any) -> None:
    """Compile both for a precision, or load them from Numba's cache."""
    steps, W = np.ones((2, 1, 2), dtype), np.ones((2, 2), dtype)
    tangent(steps, W, steps.copy(), steps.copy())
    back(steps, W.T, steps.copy(), steps.copy())
