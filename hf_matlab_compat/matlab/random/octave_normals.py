"""Octave's normal draws from MT19937 words: a ziggurat of 256 strips, in double and in single precision.

Level 0 is the lowest strip, which holds the tail; level i > 0 reaches from f(xᵢ) up to f(xᵢ₋₁).
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from hf_matlab_compat.matlab.random.octave_uniforms import next_double, next_single
from hf_matlab_compat.matlab.random.word_streams import Words, WordStream
from hf_matlab_compat.matlab.random.ziggurat import Reals

_LEVELS = 256
_TAIL = 3.6541528853610088  # R
_INVERSE_TAIL = 0.27366123732975828  # 1/R
_AREA = 0.00492867323399  # v
_FLIPS_TAIL = 0x100


class DoubleZiggurat:
    """``randn`` in double precision; a unit is two words, of which 54 bits are read.

    Lowest bit: the sign. The other 53 are the distance from the middle, in steps of the strip's width / 2⁵³;
    their lowest eight also choose the level.
    """

    words_per_unit = 2

    def __init__(self) -> None:
        self._scale, self._inner, self._height = _strips(2.0**53, np.float64)

    def propose(self, words: Words) -> tuple[Reals, NDArray[np.bool_]]:
        """See `hf_matlab_compat.matlab.random.ziggurat.Ziggurat.propose`."""
        bits = words.view(np.uint64) & np.uint64((1 << 54) - 1)
        distance = (bits >> np.uint64(1)).astype(np.int64)
        level = distance & (_LEVELS - 1)
        size = distance * self._scale[level]
        return np.where(bits & np.uint64(1), -size, size), distance < self._inner[level]

    def settle(self, words: WordStream, unit: int, value: float) -> tuple[float | None, int]:
        """See `hf_matlab_compat.matlab.random.ziggurat.Ziggurat.settle`."""
        distance = int(words.peek(2 * unit + 1)[-1]) >> 1
        level = distance & (_LEVELS - 1)
        if level == 0:
            return _double_tail(words, unit + 1, negative=bool(distance & _FLIPS_TAIL))
        u, end = next_double(words, unit + 1)
        below, above = self._height[level], self._height[level - 1]
        return (value if (above - below) * u + below < math.exp(-0.5 * value * value) else None), end


class SingleZiggurat:
    """``randn`` in single precision; a unit is one word, read as a signed number.

    Its lowest 31 bits are compared with the edge, its lowest eight choose the level. Tables are computed with
    every intermediate edge and height rounded to single.
    """

    words_per_unit = 1

    def __init__(self) -> None:
        self._scale, self._inner, self._height = _strips(2.0**31, np.float32)

    def propose(self, words: Words) -> tuple[Reals, NDArray[np.bool_]]:
        """See `hf_matlab_compat.matlab.random.ziggurat.Ziggurat.propose`."""
        level = words & np.uint32(_LEVELS - 1)
        values = words.view(np.int32).astype(np.float32) * self._scale[level]
        return values, (words & np.uint32(0x7FFFFFFF)) < self._inner[level]

    def settle(self, words: WordStream, unit: int, value: float) -> tuple[float | None, int]:
        """See `hf_matlab_compat.matlab.random.ziggurat.Ziggurat.settle`."""
        word = int(words.peek(unit + 1)[-1])
        level = word & (_LEVELS - 1)
        if level == 0:
            return _single_tail(words, unit + 1, negative=bool(word & _FLIPS_TAIL))
        u, end = next_single(words, unit + 1)
        below, above = self._height[level], self._height[level - 1]
        return (value if float((above - below) * u + below) < math.exp(-0.5 * value * value) else None), end


def _strips(steps: float, real: type[np.float64] | type[np.float32]) -> tuple[Reals, NDArray[np.int64], Reals]:
    """Width of a step, steps up to the inner edge, and height f(xᵢ), each of shape (256,)."""
    scale, height = np.empty(_LEVELS, real), np.empty(_LEVELS, real)
    inner = np.zeros(_LEVELS, np.int64)
    x = real(_TAIL)
    height[0], height[-1] = 1, math.exp(-0.5 * float(x) * float(x))
    scale[0], scale[-1] = _AREA / float(height[-1]) / steps, float(x) / steps
    inner[0] = int(float(x * height[-1]) / _AREA * steps)
    for level in range(_LEVELS - 2, 0, -1):
        # xᵢ₊₁ (f(xᵢ) - f(xᵢ₊₁)) = v
        outer, x = x, real(math.sqrt(-2 * math.log(_AREA / float(x) + float(height[level + 1]))))
        inner[level + 1] = int(float(x / outer) * steps)
        scale[level] = float(x) / steps
        height[level] = math.exp(-0.5 * float(x) * float(x))
    return scale, inner, height


def _double_tail(words: WordStream, unit: int, *, negative: bool) -> tuple[float, int]:
    while True:
        u, unit = next_double(words, unit)
        v, unit = next_double(words, unit)
        excess, y = -_INVERSE_TAIL * math.log(u), -math.log(v)
        if y + y > excess * excess:
            return (-_TAIL - excess if negative else _TAIL + excess), unit


def _single_tail(words: WordStream, unit: int, *, negative: bool) -> tuple[float, int]:
    while True:
        u, unit = next_single(words, unit)
        v, unit = next_single(words, unit)
        # Octave calls the C library's logf, which is not always the nearest single, as this is: one such tail
        # draw in 7000, hence one draw in 27 million, comes out one unit in the last place apart.
        excess = np.float32(-_INVERSE_TAIL * float(np.float32(math.log(u))))
        y = np.float32(-math.log(v))
        if y + y > excess * excess:
            return (-_TAIL - float(excess) if negative else _TAIL + float(excess)), unit
