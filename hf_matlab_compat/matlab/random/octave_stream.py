"""The random numbers of Octave: MT19937 words, uniform draws, and a ziggurat of 256 strips for normal draws.

Strip 0 is the lowest and holds the tail; strip i > 0 reaches from f(xᵢ) up to f(xᵢ₋₁).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Any, Literal, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from hf_matlab_compat.errors import OptionError
from hf_matlab_compat.matlab.random.word_streams import Reals, Words, WordStream, checked_seed, draw_normals
from hf_matlab_compat.model.random_stream import column_major

Precision: TypeAlias = Literal["double", "single"]

_LEVELS = 256
_TAIL = 3.6541528853610088  # R
_INVERSE_TAIL = 0.27366123732975828  # 1/R
_AREA = 0.00492867323399  # v
_NEGATIVE_TAIL = 0x100


class OctaveStream:
    """Octave's draws after ``rand('twister', rand_seed); randn('state', randn_seed)``.

    Octave keeps one Mersenne twister for `rand` and `randperm` and another for `randn`. Draws in double and in
    single precision take their words from the same one.

    Parameters
    ----------
    rand_seed : int
        0 … 2³²-1.
    randn_seed : int, optional
        0 … 2³²-1; by default `rand_seed`.

    Raises
    ------
    OptionError
        A seed is not such an integer (Octave would round and clip it).
    """

    def __init__(self, rand_seed: int, randn_seed: int | None = None) -> None:
        self._uniform_words = octave_twister(checked_seed("rand_seed", rand_seed))
        normal_seed = rand_seed if randn_seed is None else checked_seed("randn_seed", randn_seed)
        self._normal_words = octave_twister(normal_seed)
        self._double, self._single = DoubleZiggurat(), SingleZiggurat()

    def rand(self, *shape: int, dtype: Precision = "double") -> Reals:
        """Draw uniform numbers in (0, 1) with 53 bits in double precision and 24 in single.

        Parameters
        ----------
        *shape : int
            Shape of the result.
        dtype : {'double', 'single'}
            Single draws use half as many words, so they are other numbers than the double ones.

        Returns
        -------
        ndarray of float64 or float32, shape `shape`
            Filled column by column.

        Raises
        ------
        OptionError
            Where `dtype` is something else.
        """
        # MATLAB: rand(n) is a vector of n numbers, not an n-by-n matrix; write rand(n, n).
        uniforms = DOUBLES if _is_double(dtype) else SINGLES
        return column_major(partial(uniforms.draw, self._uniform_words), shape)

    def randn(self, *shape: int, dtype: Precision = "double") -> Reals:
        """Draw standard normal numbers.

        Parameters
        ----------
        *shape : int
            Shape of the result.
        dtype : {'double', 'single'}
            As for `rand`.

        Returns
        -------
        ndarray of float64 or float32, shape `shape`
            Filled column by column.

        Raises
        ------
        OptionError
            Where `dtype` is something else.
        """
        # MATLAB: randn(n) is a vector of n numbers, not an n-by-n matrix; write randn(n, n).
        ziggurat = self._double if _is_double(dtype) else self._single
        return column_major(partial(draw_normals, ziggurat, self._normal_words), shape)

    def randperm(self, n: int, m: int | None = None) -> NDArray[np.int64]:
        """Return the first m entries of a random permutation, as ``randperm(n, m)``, from the stream of `rand`.

        Parameters
        ----------
        n : int
            The permutation is of 1 … n.
        m : int, optional
            By default n.

        Returns
        -------
        ndarray of int64, shape (m,)
            Values 1 … n.

        Raises
        ------
        OptionError
            m is below 0 or above n.
        """
        chosen = n if m is None else m
        if not 0 <= chosen <= n:
            raise OptionError("m", expected=f"0 to n = {n}", got=chosen)
        places = np.arange(chosen)
        partners = places + np.floor(self.rand(chosen) * (n - places)).astype(np.int64)
        order = list(range(1, n + 1))
        for place, partner in enumerate(partners.tolist()):
            order[place], order[partner] = order[partner], order[place]
        return np.array(order[:chosen], np.int64)

    def ceil_indices(self, high: int, count: int) -> NDArray[np.int64]:
        """Draw indices in 1 … `high` with repetition, as ``ceil(high*rand(1, count))``: int64, shape (count,)."""
        return np.ceil(high * self.rand(count)).astype(np.int64)


def _is_double(dtype: str) -> bool:
    if dtype not in ("double", "single"):
        raise OptionError("dtype", expected="'double' or 'single'", got=repr(dtype))
    return dtype == "double"


def octave_twister(seed: int) -> WordStream:
    """Return the words of the MT19937 behind ``rand('twister', seed)`` or ``randn('state', seed)``."""
    # Octave seeds by an array of one element, another sequence than seeding by the number. numpy takes a list for an
    # array, but an *array* of one element for a number.
    generator = np.random.RandomState([seed])
    return WordStream(lambda count: np.frombuffer(generator.bytes(4 * count), "<u4"))


class Uniforms(NamedTuple):
    """Octave's uniform draws in one precision, never 0; a unit is the words of one draw."""

    words_per_unit: int
    read: Callable[[Words], Reals]
    read_one: Callable[..., Any]
    """The same for one unit: many times as fast as `read`, with the same result."""

    def draw(self, words: WordStream, count: int) -> Reals:
        """Use words for `count` draws."""
        fractions = self.read(words.take(self.words_per_unit * count))
        while not fractions.all():
            fractions = fractions[fractions > 0]
            more = self.read(words.take(self.words_per_unit * (count - fractions.size)))
            fractions = np.concatenate([fractions, more])
        return fractions

    def look(self, words: WordStream, unit: int) -> tuple[Any, int]:
        """Look at the draw that begins `unit` units from here; return it and the unit after it."""
        while True:
            found = words.peek(self.words_per_unit * (unit + 1))[-self.words_per_unit :]
            fraction = self.read_one(*found.tolist())
            unit += 1
            if fraction > 0:
                return fraction, unit


def _double_fractions(words: Words) -> Reals:
    # 27 bits of the first word of a pair and 26 of the second
    return ((words[0::2] >> np.uint32(5)) * 67108864.0 + (words[1::2] >> np.uint32(6))) / 9007199254740992.0


def _single_fractions(words: Words) -> Reals:
    return (words & np.uint32(0xFFFFFF)).astype(np.float32) / np.float32(16777216)


DOUBLES = Uniforms(2, _double_fractions, lambda one, two: ((one >> 5) * 67108864 + (two >> 6)) / 9007199254740992)
SINGLES = Uniforms(1, _single_fractions, lambda word: np.float32((word & 0xFFFFFF) / 16777216))


class _OctaveZiggurat:
    """The part of Octave's ziggurat that is the same in both precisions."""

    uniforms: Uniforms
    real: type[np.float64] | type[np.float32]
    steps: float
    """Steps from the middle of a strip to its edge."""
    sign_bits: int
    """Bits of a unit below those of the distance."""

    def __init__(self) -> None:
        self.words_per_unit = self.uniforms.words_per_unit
        self._scale, self._inner, self._height = _strips(self.steps, self.real)

    def settle(self, words: WordStream, unit: int, value: float) -> tuple[float | None, int]:
        """See `Ziggurat.settle`."""
        distance = int(words.peek(self.words_per_unit * unit + 1)[-1]) >> self.sign_bits
        level = distance & (_LEVELS - 1)
        if level == 0:
            return self._tail(words, unit + 1, negative=bool(distance & _NEGATIVE_TAIL))
        u, end = self.uniforms.look(words, unit + 1)
        below, above = self._height[level], self._height[level - 1]
        return (value if float((above - below) * u + below) < math.exp(-0.5 * value * value) else None), end

    def _tail(self, words: WordStream, unit: int, *, negative: bool) -> tuple[float, int]:
        while True:
            u, unit = self.uniforms.look(words, unit)
            v, unit = self.uniforms.look(words, unit)
            # In single precision Octave calls the C library's logf, which does not always return the nearest single, as
            # this does: one tail draw in 7000, hence one draw in 27 million, differs by one unit in the last place.
            excess = self.real(-_INVERSE_TAIL * float(self.real(math.log(u))))
            y = self.real(-math.log(v))
            if y + y > excess * excess:
                return (-_TAIL - float(excess) if negative else _TAIL + float(excess)), unit


class DoubleZiggurat(_OctaveZiggurat):
    """``randn`` in double precision; a unit is two words, of which 54 bits are read.

    The lowest bit is the sign. The other 53 are the distance from the middle, in steps of the strip's width / 2⁵³;
    their lowest eight also choose the strip.
    """

    uniforms, real, steps, sign_bits = DOUBLES, np.float64, 2.0**53, 1

    def propose(self, words: Words) -> tuple[Reals, NDArray[np.bool_]]:
        """See `Ziggurat.propose`."""
        bits = words.view(np.uint64) & np.uint64((1 << 54) - 1)
        distance = (bits >> np.uint64(1)).astype(np.int64)
        level = distance & (_LEVELS - 1)
        size = distance * self._scale[level]
        return np.where(bits & np.uint64(1), -size, size), distance < self._inner[level]


class SingleZiggurat(_OctaveZiggurat):
    """``randn`` in single precision; a unit is one word, read as a signed number.

    Its lowest 31 bits are compared with the edge, its lowest eight choose the strip. The tables are computed with
    every intermediate edge and height rounded to single precision.
    """

    uniforms, real, steps, sign_bits = SINGLES, np.float32, 2.0**31, 0

    def propose(self, words: Words) -> tuple[Reals, NDArray[np.bool_]]:
        """See `Ziggurat.propose`."""
        level = words & np.uint32(_LEVELS - 1)
        values = words.view(np.int32).astype(np.float32) * self._scale[level]
        return values, (words & np.uint32(0x7FFFFFFF)) < self._inner[level]


def _strips(steps: float, real: type[np.float64] | type[np.float32]) -> tuple[Reals, NDArray[np.int64], Reals]:
    """Return the width of a step, the steps up to the inner edge, and the height f(xᵢ), each of shape (256,)."""
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
