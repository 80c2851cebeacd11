"""The passes as loops that Numba compiles: one call for all layers, and one sweep for a layer's elementwise work.

Coverage tools do not see them run. NaN is propagated; a multiplication and an addition may be rounded once (fused).

Notation
--------
layout : (4, L+1) int64 array
    Of every layer its SIZE, its KIND of unit, its offset in a PACKED vector and its offset in the STACKS of
    `Directions`.
weights : (n,) array
    Weight of each case; empty for 1.
places : (4, L+1) int64 array
    As in `BlockBuffers`; `room` is its memory, n its number of cases.
y1 = [y; 1];  e_i : vector at the input of layer i that is carried backward
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import njit, types
from numba.extending import overload

# All loops are in this file: Numba recompiles a cached function only if the function's own file changes, so a change of
# a function or constant in another file would leave stale code in the cache.
compiled: Any = njit(nogil=True, cache=True, error_model="numpy", fastmath={"contract"})

SIZE, KIND, PACKED, STACKS = range(4)
LINEAR, LOGISTIC, TANH, RELU, SOFTPLUS, ELU, GELU, SLOPE = range(8)
KINDS = {
    **{"linear": LINEAR, "logistic": LOGISTIC, "tanh": TANH},
    **{"relu": RELU, "softplus": SOFTPLUS, "elu": ELU, "gelu": GELU},
}
"""Kinds of units by name. SLOPE stands for a unit whose f' is kept; only `times_slope` takes it."""
_TANGENT, _OUTPUT, _INPUT, _SOURCE = range(4)
_PER_ROOT_2, _PER_ROOT_2_PI = 0.7071067811865476, 0.3989422804014327

# --- e^a and log(1 + z) as polynomials whose truncation error is less than a tenth of a rounding error

_SINGLE, _DOUBLE = np.float32, np.float64
_LOG_2, _LOG_2_BEYOND = 0.6931471805599453, 2.3190468138462996e-17
"""log 2 as a double, and the error of that double."""


def _split(kind: Any, bits: int) -> tuple[Any, Any]:
    """Return log 2 rounded to this number of bits, whose products with small integers are exact, and the rest."""
    high = round(_LOG_2 * 2**bits) / 2**bits
    return kind(high), kind((_LOG_2 - high) + _LOG_2_BEYOND)


_HIGH_32, _LOW_32 = _split(_SINGLE, 9)
_HIGH_64, _LOW_64 = _split(_DOUBLE, 32)
_PER_LOG_2_32, _PER_LOG_2_64 = _SINGLE(1 / _LOG_2), _DOUBLE(1 / _LOG_2)
# MATLAB: with backend='numba' a logistic output is at least 4e-38 (9e-308 in double), never 0 or a denormal number
_LEAST_32, _LEAST_64 = _SINGLE(-86), _DOUBLE(-707)
"""Smallest arguments of exp: half of the result is still no denormal number, which processors handle slowly."""
_WHOLE_32, _WHOLE_64 = _SINGLE(3 << 22), _DOUBLE(3 << 51)
"""Adding and subtracting these rounds to the nearest integer, which is then in the last bits of the sum."""
_EXP_32 = tuple(_SINGLE(1 / math.factorial(k)) for k in range(7, 0, -1))
_EXP_64 = tuple(_DOUBLE(1 / math.factorial(k)) for k in range(13, 0, -1))
"""e^r - 1 = r Σ rᵏ⁻¹ / k! for |r| ≤ ½ log 2."""


def _log_terms(kind: Any, powers: range) -> tuple[Any, ...]:
    return tuple(kind(2 / (2 * k + 1)) for k in powers)


# even and odd k separately, since the compiler does not vectorize longer polynomials
_EVEN_32, _ODD_32 = _log_terms(_SINGLE, range(6, -1, -2)), _log_terms(_SINGLE, range(7, 0, -2))
_EVEN_64, _ODD_64 = _log_terms(_DOUBLE, range(16, -1, -2)), _log_terms(_DOUBLE, range(15, 0, -2))
"""log(1 + z) = 2 artanh(s) = s Σ 2 s²ᵏ / (2k + 1), s = z / (2 + z), for 0 ≤ z ≤ 1."""


@compiled
def _polynomial(coefficients, x):
    value = coefficients[0]
    for c in coefficients[1:]:
        value = value * x + c
    return value


def _exp_parts(a: Any) -> Any:
    """Return (p, s) with e^a = s + s p and s a power of 2, for a ≤ 0."""


def _log_of_one_and(z: Any) -> Any:
    """Return log(1 + z) for 0 ≤ z ≤ 1."""


@overload(_exp_parts, jit_options={"fastmath": {"contract"}, "error_model": "numpy"})
def _(a):
    if a == types.float32:

        def single(a):
            b = _LEAST_32 if a < _LEAST_32 else a
            moved = b * _PER_LOG_2_32 + _WHOLE_32
            k = moved - _WHOLE_32
            r = (b - k * _HIGH_32) - k * _LOW_32
            exponent = np.int32(np.float32(moved).view(np.int32) << np.int32(23))
            return _polynomial(_EXP_32, r) * r, np.int32(exponent + np.int32(127 << 23)).view(np.float32)

        return single

    def double(a):
        b = _LEAST_64 if a < _LEAST_64 else a
        moved = b * _PER_LOG_2_64 + _WHOLE_64
        k = moved - _WHOLE_64
        r = (b - k * _HIGH_64) - k * _LOW_64
        exponent = np.float64(moved).view(np.int64) << 52
        return _polynomial(_EXP_64, r) * r, np.int64(exponent + (1023 << 52)).view(np.float64)

    return double


@overload(_log_of_one_and, jit_options={"fastmath": {"contract"}, "error_model": "numpy"})
def _(z):
    even, odd, two = (_EVEN_32, _ODD_32, _SINGLE(2)) if z == types.float32 else (_EVEN_64, _ODD_64, _DOUBLE(2))

    def log(z):
        s = z / (two + z)
        q = s * s
        return (_polynomial(even, q * q) + _polynomial(odd, q * q) * q) * s

    return log


# --- units


@compiled
def activate(kind, x):
    """Write f(x) to x."""
    one, two = x.dtype.type(1), x.dtype.type(2)
    if kind == LOGISTIC:
        for k in range(x.size):
            p, s = _exp_parts(-abs(x[k]))
            z = s + s * p
            x[k] = (z if x[k] < 0 else one) / (one + z)
    elif kind == TANH:
        for k in range(x.size):
            p, s = _exp_parts(-two * abs(x[k]))
            less = s * p + (s - one)
            x[k] = math.copysign(less / (less + two), x[k])
    elif kind > TANH:
        _activate_others(kind, x)


@compiled
def _activate_others(kind, x):
    """Write f(x) to x, for units that the MATLAB program lacks."""
    zero, one, half = x.dtype.type(0), x.dtype.type(1), x.dtype.type(0.5)
    if kind == RELU:
        for k in range(x.size):
            x[k] = zero if x[k] < zero else x[k]
    elif kind == SOFTPLUS:
        for k in range(x.size):
            p, s = _exp_parts(-abs(x[k]))
            x[k] = (zero if x[k] < zero else x[k]) + _log_of_one_and(s + s * p)
    elif kind == ELU:
        for k in range(x.size):
            p, s = _exp_parts(-abs(x[k]))
            x[k] = s * p + (s - one) if x[k] < zero else x[k]
    elif kind == GELU:
        per_root_2 = x.dtype.type(_PER_ROOT_2)
        for k in range(x.size):
            x[k] = half * x[k] * math.erfc(-x[k] * per_root_2)


@compiled
def times_slope(kind, y, r):
    """Write f' ∘ r to r, from the outputs y; for GELU from the inputs, for SLOPE from f' itself."""
    one = y.dtype.type(1)
    if kind == LOGISTIC:
        for k in range(r.size):
            r[k] *= (one - y[k]) * y[k]
    elif kind == TANH:
        for k in range(r.size):
            r[k] *= (one - y[k]) * (one + y[k])
    elif kind > TANH:
        _times_other_slope(kind, y, r)


@compiled
def _times_other_slope(kind, y, r):
    """Do the same for units that the MATLAB program lacks."""
    zero, one = y.dtype.type(0), y.dtype.type(1)
    if kind == SLOPE:
        for k in range(r.size):
            r[k] *= y[k]
    elif kind == RELU:
        for k in range(r.size):
            r[k] *= one if y[k] > zero else zero
    elif kind == SOFTPLUS:
        for k in range(r.size):
            p, s = _exp_parts(-y[k])
            r[k] *= (one - s) - s * p
    elif kind == ELU:
        for k in range(r.size):
            r[k] *= one + y[k] if y[k] < zero else one
    elif kind == GELU:
        _times_slope_of_gelu(y, r)


@compiled
def _times_slope_of_gelu(x, r):
    half, per_root_2, per_root_2_pi = x.dtype.type(0.5), x.dtype.type(_PER_ROOT_2), x.dtype.type(_PER_ROOT_2_PI)
    for k in range(r.size):
        distribution, density = half * math.erfc(-x[k] * per_root_2), per_root_2_pi * math.exp(-half * x[k] * x[k])
        r[k] *= distribution + x[k] * density


@compiled
def cross_entropy(x, t, y, weights):
    """Return Σ t log y + (1 - t) log(1 - y) of logistic units and write their outputs y; all (s, n). Overwrites x."""
    by_case, z = np.zeros(x.shape[1]), np.empty(x.shape[1], x.dtype)
    for i in range(x.shape[0]):
        _cross_entropy_of_row(x[i], t[i], y[i], z)
        for j in range(z.size):
            by_case[j] += x[i, j]
    for j in range(weights.size):
        by_case[j] *= weights[j]
    return by_case.sum()


@compiled
def _cross_entropy_of_row(x, t, y, z):
    """Write t x - log(1 + e^x) to x, and the outputs to y."""
    zero, one = x.dtype.type(0), x.dtype.type(1)
    for j in range(z.size):
        p, s = _exp_parts(-abs(x[j]))
        z[j] = s + s * p
        y[j] = (z[j] if x[j] < zero else one) / (one + z[j])
    for j in range(z.size):
        x[j] = (x[j] * t[j] - (zero if x[j] < zero else x[j])) - _log_of_one_and(z[j])


@compiled
def rank_one(e, R):
    """Write e (e · R) of every case to R; both (s, n)."""
    s, n = R.shape
    inner = np.zeros(n, R.dtype)
    for i in range(s):
        for j in range(n):
            inner[j] += e[i, j] * R[i, j]
    for i in range(s):
        for j in range(n):
            R[i, j] = e[i, j] * inner[j]


# --- passes


@compiled
def _cut(flat, start, rows, columns):
    return flat[start : start + rows * columns].reshape(rows, columns)


@compiled
def _enter(below, e, layer, spare, replaces):
    """Compute below eᵀ; it replaces the layer's sums or is added to them."""
    if replaces:
        np.dot(below, e.T, layer)
    else:
        product = _cut(spare, 0, *layer.shape)
        np.dot(below, e.T, product)
        layer += product


@compiled
def point(layout, v, stacks):
    """Copy a direction v into the stacks."""
    for i in range(1, layout.shape[1]):
        weights = layout[SIZE, i - 1] * layout[SIZE, i]
        count = weights + layout[SIZE, i]
        start = layout[STACKS, i] + (weights if i > 1 else 0)
        stacks[start : start + count] = v[layout[PACKED, i] : layout[PACKED, i] + count]


@compiled
def forward(layout, places, n, theta, room):
    """Compute y of the hidden layers and x of the last layer from y_0."""
    last = layout.shape[1] - 1
    for i in range(1, last + 1):
        below, s = layout[SIZE, i - 1], layout[SIZE, i]
        weights = _cut(theta, layout[PACKED, i], below + 1, s)
        x = _cut(room, places[_OUTPUT, i], s, n)
        np.dot(weights.T, _cut(room, places[_OUTPUT, i - 1], below + 1, n), x)
        if i < last:
            if places[_INPUT, i] != places[_OUTPUT, i]:
                _copy(room, places[_OUTPUT, i], places[_INPUT, i], s * n)
            activate(layout[KIND, i], x.reshape(x.size))


@compiled
def _copy(room, start, to, count):
    for k in range(count):
        room[to + k] = room[start + k]


@compiled
def gradient_back(layout, places, n, theta, room, e, weights, errors, gradient, squared, spare, replaces):
    """Compute Σ y1 eᵀ and Σ (y1 ∘ y1)(e ∘ e)ᵀ of all layers.

    `errors` are two arrays for e of hidden layers in turn, and one for e times the case weights.
    """
    for i in range(layout.shape[1] - 1, 0, -1):
        below, s, start = layout[SIZE, i - 1], layout[SIZE, i], layout[PACKED, i]
        y1 = _cut(room, places[_OUTPUT, i - 1], below + 1, n)
        weighted = e
        if weights.size:
            weighted = _cut(errors[2], 0, s, n)
            _copied_with_weights(e, weights, weighted)
        _enter(y1, weighted, _cut(gradient, start, below + 1, s), spare, replaces)
        d = e
        if i > 1:
            d = _cut(errors[i % 2], 0, below, n)
            np.dot(_cut(theta, start, below, s), e, d)
            times_slope(layout[KIND, i - 1], room[places[_SOURCE, i - 1] :], d.reshape(d.size))
        square(y1.reshape(y1.size), e.reshape(e.size))
        if weights.size:
            _copied_with_weights(e, weights, e)
        _enter(y1, e, _cut(squared, start, below + 1, s), spare, replaces)
        e = d


@compiled
def _copied_with_weights(e, weights, out):
    for i in range(e.shape[0]):
        for j in range(weights.size):
            out[i, j] = e[i, j] * weights[j]


@compiled
def square(a, b):
    """Square both in place."""
    for k in range(a.size):
        a[k] *= a[k]
    for k in range(b.size):
        b[k] *= b[k]


@compiled
def tangents(layout, places, n, stacks, room):
    """Compute R of the hidden layers, and R{x} of the last layer."""
    last = layout.shape[1] - 1
    for i in range(1, last + 1):
        below, s = layout[SIZE, i - 1], layout[SIZE, i]
        height = below + 1 if i == 1 else 2 * below + 1
        R = _cut(room, places[_TANGENT, i], s, n)
        np.dot(_cut(stacks, layout[STACKS, i], height, s).T, _cut(room, places[_TANGENT, i - 1], height, n), R)
        if i < last:
            if places[_INPUT, i] != places[_OUTPUT, i]:
                _copy(room, places[_TANGENT, i], places[_INPUT, i], s * n)
            times_slope(_kept(layout, i), room[places[_SOURCE, i] :], R.reshape(R.size))


@compiled
def _kept(layout, i):
    """Return the kind of unit of layer i; SLOPE if its f' is kept."""
    return SLOPE if layout[KIND, i] == GELU else layout[KIND, i]


@compiled
def back(layout, places, n, stacks, room, e, sums, spare, replaces):
    """Compute Σ y1 eᵀ of all layers; e of a hidden layer overwrites R."""
    for i in range(layout.shape[1] - 1, 0, -1):
        below, s = layout[SIZE, i - 1], layout[SIZE, i]
        y1 = _cut(room, places[_OUTPUT, i - 1], below + 1, n)
        _enter(y1, e, _cut(sums, layout[PACKED, i], below + 1, s), spare, replaces)
        if i > 1:
            d = _cut(room, places[_TANGENT, i - 1], below, n)
            np.dot(_cut(stacks, layout[STACKS, i], below, s), e, d)
            times_slope(_kept(layout, i - 1), room[places[_SOURCE, i - 1] :], d.reshape(d.size))
            e = d


@compiled
def hessian_back(layout, places, n, stacks, room, e, bends, Re, rooms, sums, spare, replaces):
    """Compute Σ R{e y1ᵀ} of all layers from R{e_L}.

    `e` and `bends` hold all layers in one array each; `rooms` are three scratch arrays.
    """
    after = e.size
    for i in range(layout.shape[1] - 1, 0, -1):
        below, s, start = layout[SIZE, i - 1], layout[SIZE, i], layout[STACKS, i]
        y1 = _cut(room, places[_OUTPUT, i - 1], below + 1, n)
        layer = _cut(sums, layout[PACKED, i], below + 1, s)
        _enter(y1, Re, layer, spare, replaces)
        if i == 1:
            break
        after -= s * n
        e_i = _cut(e, after, s, n)
        R = _cut(room, places[_TANGENT, i - 1], below, n)
        _enter(R, e_i, layer[:below], spare, False)
        Rd, of_v = _cut(rooms[i % 2], 0, below, n), _cut(rooms[2], 0, below, n)
        np.dot(_cut(stacks, start, below, s), Re, Rd)
        np.dot(_cut(stacks, start + below * s, below, s), e_i, of_v)
        bend = bends[after - below * n : after]  # both arrays start with layer 1: layer i - 1 ends where e_i starts
        own = places[_INPUT, i - 1] != places[_OUTPUT, i - 1]
        moved = places[_INPUT, i - 1] if own else places[_TANGENT, i - 1]
        _bent(
            _kept(layout, i - 1),
            room[places[_SOURCE, i - 1] :],
            Rd.reshape(Rd.size),
            of_v.reshape(Rd.size),
            room[moved:],
            bend,
        )
        Re = Rd


@compiled
def _bent(kind, y, Rd, of_v, R, bend):
    """Write f' ∘ (Rd + of_v) + bend ∘ R to Rd; R is R{x} for units that keep their input."""
    for k in range(Rd.size):
        Rd[k] += of_v[k]
    times_slope(kind, y, Rd)
    for k in range(Rd.size):
        Rd[k] += bend[k] * R[k]


def compile_all(dtype: Any) -> None:
    """Compile every loop for a precision, or load it from Numba's cache, by a call on a network of three units."""
    layout = np.array([[1, 1, 1], [LINEAR, LOGISTIC, LINEAR], [0, 0, 2], [0, 0, 2]])
    places = np.array([[0, 2, 5], [0, 3, 0], [0, 3, 0], [0, 3, 0]])  # one case, with room for tangents
    theta, room, stacks, sums, spare, one = (np.ones(size, dtype) for size in (4, 6, 5, 4, 2, 1))
    e, rooms, weights = np.ones((1, 1), dtype), tuple(np.ones(1, dtype) for _ in range(3)), np.ones(0, dtype)
    point(layout, theta, stacks)
    forward(layout, places, 1, theta, room)
    cross_entropy(e.copy(), e, e.copy(), weights)
    gradient_back(layout, places, 1, theta, room, e, weights, rooms, sums, sums.copy(), spare, True)
    square(one, one.copy())
    activate(LOGISTIC, one)
    times_slope(LOGISTIC, one, one.copy())
    tangents(layout, places, 1, stacks, room)
    rank_one(e, e.copy())
    back(layout, places, 1, stacks, room, e, sums, spare, False)
    hessian_back(layout, places, 1, stacks, room, np.ones(2, dtype), one, e, rooms, sums, spare, False)
