"""The passes as loops that Numba compiles: one call for all layers, and a layer's elementwise work in one sweep.

Python runs none of it. NaN goes through, and a multiplication with an addition may be rounded once.

Notation
--------
layout : (4, L+1) int64 array
    Of every layer its SIZE and KIND of unit, and where it begins in a PACKED vector and among the STACKS of
    directions.
weights : (n,) array
    How often each case counts; empty for once each.
places : (4, L+1) int64 array
    As in `BlockBuffers`; `room` is its room, n its cases.
y1 = [y; 1];  e_i : what is carried backward, at the input of layer i
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import njit, types
from numba.extending import overload

# Numba keeps what it compiled until the file of a function changes: what is called or read from another file would go
# stale, so that all is here.
compiled: Any = njit(nogil=True, cache=True, error_model="numpy", fastmath={"contract"})

SIZE, KIND, PACKED, STACKS = range(4)
LINEAR, LOGISTIC, TANH, RELU, SOFTPLUS, ELU, GELU, SLOPE = range(8)
KINDS = {
    **{"linear": LINEAR, "logistic": LOGISTIC, "tanh": TANH},
    **{"relu": RELU, "softplus": SOFTPLUS, "elu": ELU, "gelu": GELU},
}
"""Kinds of units by name. For `times_slope`, SLOPE is one whose f' is kept: that of a unit that keeps its input."""
_TANGENT, _OUTPUT, _INPUT, _SOURCE = range(4)
_PER_ROOT_2, _PER_ROOT_2_PI = 0.7071067811865476, 0.3989422804014327

# --- e^a and log(1 + z) in sums whose rests are less than a tenth of a rounding error

_SINGLE, _DOUBLE = np.float32, np.float64
_LOG_2, _LOG_2_BEYOND = 0.6931471805599453, 2.3190468138462996e-17
"""log 2, as a double and what a double leaves of it."""


def _split(kind: Any, bits: int) -> tuple[Any, Any]:
    """log 2 as a number of so many bits, whose products with small whole numbers are exact, and the rest."""
    high = round(_LOG_2 * 2**bits) / 2**bits
    return kind(high), kind((_LOG_2 - high) + _LOG_2_BEYOND)


_HIGH_32, _LOW_32 = _split(_SINGLE, 9)
_HIGH_64, _LOW_64 = _split(_DOUBLE, 32)
_PER_LOG_2_32, _PER_LOG_2_64 = _SINGLE(1 / _LOG_2), _DOUBLE(1 / _LOG_2)
# MATLAB: with backend='numba' a logistic output is 4e-38 at least (in double 9e-308), never 0 or a denormal number
_LEAST_32, _LEAST_64 = _SINGLE(-86), _DOUBLE(-707)
"""e to these is the least that is taken: half of it is no denormal number yet, with which processors are slow."""
_WHOLE_32, _WHOLE_64 = _SINGLE(3 << 22), _DOUBLE(3 << 51)
"""Added to a number and taken off again, these leave the nearest whole number; its bits end the sum's."""
_EXP_32 = tuple(_SINGLE(1 / math.factorial(k)) for k in range(7, 0, -1))
_EXP_64 = tuple(_DOUBLE(1 / math.factorial(k)) for k in range(13, 0, -1))
"""e^r - 1 = r Σ rᵏ⁻¹ / k! for |r| ≤ ½ log 2."""


def _log_terms(kind: Any, powers: range) -> tuple[Any, ...]:
    return tuple(kind(2 / (2 * k + 1)) for k in powers)


# even and odd k apart, for the compiler vectorizes no longer sums
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
    """(p, s) with e^a = s + s p and s a power of 2, for a ≤ 0."""


def _log_of_one_and(z: Any) -> Any:
    """log(1 + z) for 0 ≤ z ≤ 1."""


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
    """f(x) in place of x."""
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
    """f(x) in place of x, of units that the original lacks."""
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
    """f' ∘ r in place of r, from the outputs y; for GELU from the inputs, for SLOPE from f' itself."""
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
    """The same for units that the original lacks."""
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
    """Σ t log y + (1 - t) log(1 - y) of logistic units, whose outputs y are written; all (s, n), x is used up."""
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
    """t x - log(1 + e^x) in place of x."""
    zero, one = x.dtype.type(0), x.dtype.type(1)
    for j in range(z.size):
        p, s = _exp_parts(-abs(x[j]))
        z[j] = s + s * p
        y[j] = (z[j] if x[j] < zero else one) / (one + z[j])
    for j in range(z.size):
        x[j] = (x[j] * t[j] - (zero if x[j] < zero else x[j])) - _log_of_one_and(z[j])


@compiled
def rank_one(e, R):
    """e (e · R) of every case, in place of R; both (s, n)."""
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
    """below eᵀ, or what the layer's sums held and that."""
    if replaces:
        np.dot(below, e.T, layer)
    else:
        product = _cut(spare, 0, *layer.shape)
        np.dot(below, e.T, product)
        layer += product


@compiled
def point(layout, v, stacks):
    """Directions v into the stacks."""
    for i in range(1, layout.shape[1]):
        weights = layout[SIZE, i - 1] * layout[SIZE, i]
        count = weights + layout[SIZE, i]
        start = layout[STACKS, i] + (weights if i > 1 else 0)
        stacks[start : start + count] = v[layout[PACKED, i] : layout[PACKED, i] + count]


@compiled
def forward(layout, places, n, theta, room):
    """y of the hidden layers and x of the last, from y_0."""
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
    """Σ y1 eᵀ and Σ (y1 ∘ y1)(e ∘ e)ᵀ of all layers.

    `errors` are two rooms for e of hidden layers in turn, and one for e with the weights of the cases.
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
    """Both squared in place."""
    for k in range(a.size):
        a[k] *= a[k]
    for k in range(b.size):
        b[k] *= b[k]


@compiled
def tangents(layout, places, n, stacks, room):
    """R of the hidden layers, and R{x} of the last."""
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
    """The kind of unit of layer i where what its slope is formed from is kept."""
    return SLOPE if layout[KIND, i] == GELU else layout[KIND, i]


@compiled
def back(layout, places, n, stacks, room, e, sums, spare, replaces):
    """Σ y1 eᵀ of all layers; e of hidden layers takes the place of R."""
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
    """Σ R{e y1ᵀ} of all layers, from R{e_L}; e and bends of all layers in one array each, `rooms` three more."""
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
        bend = bends[after - below * n : after]  # both begin with layer 1: where e_i begins, layer i - 1 ends
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
    """f' ∘ (Rd + of_v) + bend ∘ R in place of Rd; R is R{x} of units that keep their input."""
    for k in range(Rd.size):
        Rd[k] += of_v[k]
    times_slope(kind, y, Rd)
    for k in range(Rd.size):
        Rd[k] += bend[k] * R[k]


def compile_all(dtype: Any) -> None:
    """Compile every loop for a precision, or read what was kept: each is called on a network of three units."""
    layout = np.array([[1, 1, 1], [LINEAR, LOGISTIC, LINEAR], [0, 0, 2], [0, 0, 2]])
    places = np.array([[0, 2, 5], [0, 3, 0], [0, 3, 0], [0, 3, 0]])  # of one case, with room for tangents
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
