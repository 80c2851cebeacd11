"""MATLAB's normal draws under ``randn('state', s)``: the ziggurat of 64 strips of equal area under the bell.

Each strip is upright: level j reaches from 0 to edge zⱼ₊₁, and nothing of it left of zⱼ is above the curve.

References
----------
G. Marsaglia and W. W. Tsang, A fast, easily implemented method for sampling from decreasing or symmetric
unimodal density functions, SIAM J. Sci. Stat. Comput. 5 (1984), 349-359.
C. Moler, Numerical Computing with MATLAB, SIAM 2004, section 9.3.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from hf_matlab_compat.matlab.random.word_streams import Words, WordStream
from hf_matlab_compat.matlab.random.ziggurat import Reals

_LEVELS = 64
_TAIL = 2.776994
# The published constants of the cap that replaces rejected points, at their published precision.
_A, _B, _C = 12.37586, 0.4878992, 12.67706
_SURELY_BELOW, _SURELY_ABOVE = 0.9689279, 1.301198
_AREA = 0.01958303


class TextbookZiggurat:
    """``randn`` after ``randn('state', s)``; a unit is one word, read as a signed number over 2³¹.

    Its lowest six bits choose the level. Unlike the later ziggurat, it discards no point: what falls above
    the curve is mapped to where the strips fall short of it.
    """

    words_per_unit = 1

    def __init__(self) -> None:
        self._edges = _edges()

    def propose(self, words: Words) -> tuple[Reals, NDArray[np.bool_]]:
        """See `hf_matlab_compat.matlab.random.ziggurat.Ziggurat.propose`."""
        level = words & np.uint32(_LEVELS - 1)
        values = words.view(np.int32) * 2.0**-31 * self._edges[level + np.uint32(1)]
        return values, np.abs(values) <= self._edges[level]

    def settle(self, words: WordStream, unit: int, value: float) -> tuple[float | None, int]:
        """See `hf_matlab_compat.matlab.random.ziggurat.Ziggurat.settle`; the draw is never None here."""
        level = int(words.peek(unit + 1)[-1]) & (_LEVELS - 1)
        size, end = self._slow(words, unit + 1, abs(value), level)
        return math.copysign(size, value), end

    def _slow(self, words: WordStream, unit: int, r: float, level: int) -> tuple[float, int]:
        inner, outer = float(self._edges[level]), float(self._edges[level + 1])
        x, y = (r - inner) / (outer - inner), _uniform(words, unit)
        mirrored = _B - _B * x
        if x + y > _SURELY_ABOVE:
            return mirrored, unit + 1
        if x + y <= _SURELY_BELOW:
            return r, unit + 1
        if y > _C - _A * math.exp(-0.5 * mirrored * mirrored):
            return mirrored, unit + 1
        if math.exp(-0.5 * outer * outer) + y * _AREA / outer <= math.exp(-0.5 * r * r):
            return r, unit + 1
        return _tail(words, unit + 1)


def _edges() -> NDArray[np.float64]:
    """Edges z₁ … z₆₅ of the strips, to seven decimals as the program's own table has them."""
    area = math.sqrt(math.pi / 2) / _LEVELS
    edges = np.empty(_LEVELS + 1)
    edges[-4:] = _outermost_edge(area)
    for j in range(_LEVELS - 4, -1, -1):
        edges[j] = math.sqrt(-2 * math.log(math.exp(-0.5 * edges[j + 1] ** 2) + area / edges[j + 1]))
    # The published table rounds the outermost edge down: 2.7769943 would be nearer.
    edges[-4:] -= 1e-7
    return np.round(edges, 7)


def _outermost_edge(area: float) -> float:
    """The larger root of x exp(-x²/2) = 3 · area, by Newton's method on its logarithm."""
    x = 2.8
    for _ in range(20):
        x -= (math.log(x) - 0.5 * x * x - math.log(3 * area)) / (1 / x - x)
    return x


def _tail(words: WordStream, unit: int) -> tuple[float, int]:
    while True:
        x = _log(_uniform(words, unit)) / _TAIL
        y = -2 * _log(_uniform(words, unit + 1))
        unit += 2
        if y > x * x:
            return _TAIL - x, unit


def _uniform(words: WordStream, unit: int) -> float:
    # A word read as a signed number, plus ½: 0 where the word is 2³¹.
    return ((int(words.peek(unit + 1)[-1]) + 2**31) % 2**32) * 2.0**-32


def _log(u: float) -> float:
    return math.log(u) if u > 0 else -math.inf
