"""The random numbers of MATLAB: ``rand('twister', s)`` and ``randn('state', s)``.

Normal draws use a ziggurat of 64 upright strips of equal area: strip j reaches from 0 to the edge zⱼ₊₁, and the part of
it left of zⱼ is entirely under the curve.

References
----------
G. Marsaglia and W. W. Tsang, A fast, easily implemented method for sampling from decreasing or symmetric
unimodal density functions, SIAM J. Sci. Stat. Comput. 5 (1984), 349-359.
C. Moler, Numerical Computing with MATLAB, SIAM 2004, section 9.3.
"""

from __future__ import annotations

import math
from functools import partial

import numpy as np
from numpy.typing import NDArray

from hf_matlab_compat.errors import OptionError
from hf_matlab_compat.matlab.random.word_streams import Reals, Words, WordStream, checked_seed, draw_normals
from hf_matlab_compat.model.random_stream import column_major

_DEFAULT_SEED = 5489
_WORD_BITS = np.arange(32, dtype=np.uint32)
_LCG_FACTOR = np.uint32(69069)
_LCG_STEP = np.uint32(1234567)
_LCG_START = 362436069
_SHR3_DEFAULT = 521288629
_LEVELS = 64
_TAIL = 2.776994
# The published constants of the cap that replaces rejected points, at their published precision.
_A, _B, _C = 12.37586, 0.4878992, 12.67706
_SURELY_BELOW, _SURELY_ABOVE = 0.9689279, 1.301198
_AREA = 0.01958303


class MatlabStream:
    """MATLAB's draws after ``rand('twister', rand_seed); randn('state', randn_seed)``.

    `rand` and `randperm` are the same after ``rng(rand_seed)``. The generator of `randn` after `rng` is not published:
    without a `randn_seed`, `randn` is refused.

    Parameters
    ----------
    rand_seed : int
        0 … 2³²-1; 0 means 5489, as in MATLAB.
    randn_seed : int, optional
        The state s of ``randn('state', s)``, 0 … 2³²-1.
    rand_method : {'twister'}
        The generator of `rand`. Those of ``rand('state', s)`` and ``rand('seed', s)`` are refused.

    Raises
    ------
    OptionError
        A seed is not such an integer, or there is no such `rand_method`.
    """

    def __init__(self, rand_seed: int, randn_seed: int | None = None, *, rand_method: str = "twister") -> None:
        if rand_method != "twister":
            raise OptionError(
                "rand_method",
                expected="'twister'",
                got=repr(rand_method),
                advice=f"Draws of MATLAB's rand('{rand_method}', s) cannot be reproduced: save them in MATLAB.",
            )
        self._uniform = np.random.RandomState(checked_seed("rand_seed", rand_seed) or _DEFAULT_SEED)
        self._normal_words: WordStream | None = None
        if randn_seed is not None:
            self._normal_words = shr3_congruential(checked_seed("randn_seed", randn_seed))
        self._ziggurat = TextbookZiggurat()

    def rand(self, *shape: int) -> NDArray[np.float64]:
        """Draw uniform numbers in (0, 1), float64 of `shape`, filled column by column."""
        # MATLAB: rand(n) is a vector of n numbers, not an n-by-n matrix; write rand(n, n).
        return column_major(self._uniform.random_sample, shape)

    def randn(self, *shape: int) -> Reals:
        """Draw standard normal numbers, float64 of `shape`, filled column by column.

        Raises
        ------
        OptionError
            The stream has no `randn_seed`.
        """
        # MATLAB: randn(n) is a vector of n numbers, not an n-by-n matrix; write randn(n, n).
        if self._normal_words is None:
            raise OptionError(
                "randn_seed",
                expected="the state s of randn('state', s)",
                got="none",
                advice="Draws of MATLAB's randn after rng(seed) cannot be reproduced: save them in MATLAB.",
            )
        return column_major(partial(draw_normals, self._ziggurat, self._normal_words), shape)

    def randperm(self, n: int) -> NDArray[np.int64]:
        """Return ``randperm(n)``, the order that sorts ``rand(1, n)``: int64, shape (n,), values from 1."""
        return np.argsort(self.rand(n), kind="stable").astype(np.int64) + 1

    def ceil_indices(self, high: int, count: int) -> NDArray[np.int64]:
        """Draw indices in 1 … `high` with repetition, as ``ceil(high*rand(1, count))``: int64, shape (count,)."""
        return np.ceil(high * self.rand(count)).astype(np.int64)


def shr3_congruential(state: int) -> WordStream:
    """Return the words of the generator behind MATLAB's ``randn('state', state)``.

    A word is the sum, modulo 2³², of a congruential generator, c ← 69069 c + 1234567, which starts at 362436069, and
    Marsaglia's three-shift register (shifts 13, 17, 5), which starts at `state`, or at 521288629 for 0.
    """
    register, congruential = np.uint32(state or _SHR3_DEFAULT), np.uint32(_LCG_START)

    def generate(count: int) -> Words:
        nonlocal register, congruential
        registers = _shift_registers(register, count)
        congruentials = _congruentials(congruential, count)
        register, congruential = registers[-1], congruentials[-1]
        return registers + congruentials

    return WordStream(generate)


def _congruentials(start: np.uint32, count: int) -> Words:
    # cₖ = aᵏ c₀ + s (1 + a + … + aᵏ⁻¹), all modulo 2³²
    powers = np.cumprod(np.full(count, _LCG_FACTOR), dtype=np.uint32)
    sums = np.cumsum(np.concatenate([np.ones(1, np.uint32), powers[:-1]]), dtype=np.uint32)
    return powers * start + sums * _LCG_STEP


def _shift_registers(start: np.uint32, count: int) -> Words:
    # A step T is linear over GF(2). With x₁ … xₘ known, Tᵐ gives xₘ₊₁ … x₂ₘ at once, and Tᵐ∘Tᵐ = T²ᵐ.
    states = _shr3_step(np.array([start], np.uint32))
    jump = _shr3_step(np.uint32(1) << _WORD_BITS)
    while states.size < count:
        states = np.concatenate([states, _apply(jump, states)])
        jump = _apply(jump, jump)
    return states[:count]


def _shr3_step(register: Words) -> Words:
    register = register ^ (register << np.uint32(13))
    register = register ^ (register >> np.uint32(17))
    return register ^ (register << np.uint32(5))


def _apply(images: Words, words: Words) -> Words:
    """Apply a linear map over GF(2), given by the images of the 32 unit vectors, to each word."""
    result = np.zeros_like(words)
    for bit, image in zip(_WORD_BITS, images, strict=True):
        result ^= image * ((words >> bit) & np.uint32(1))
    return result


class TextbookZiggurat:
    """``randn`` after ``randn('state', s)``; a unit is one word, read as a signed number over 2³¹.

    Its lowest six bits choose the strip. Unlike the later ziggurat it discards no point: points above the curve are
    mapped to the region under the curve that the strips do not cover.
    """

    words_per_unit = 1

    def __init__(self) -> None:
        self._edges = _edges()

    def propose(self, words: Words) -> tuple[Reals, NDArray[np.bool_]]:
        """See `Ziggurat.propose`."""
        level = words & np.uint32(_LEVELS - 1)
        values = words.view(np.int32) * 2.0**-31 * self._edges[level + np.uint32(1)]
        return values, np.abs(values) <= self._edges[level]

    def settle(self, words: WordStream, unit: int, value: float) -> tuple[float | None, int]:
        """See `Ziggurat.settle`. The draw is never None here."""
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
    """Return the edges z₁ … z₆₅ of the strips, rounded to seven decimals as in the published table."""
    area = math.sqrt(math.pi / 2) / _LEVELS
    edges = np.empty(_LEVELS + 1)
    edges[-4:] = _outermost_edge(area)
    for j in range(_LEVELS - 4, -1, -1):
        edges[j] = math.sqrt(-2 * math.log(math.exp(-0.5 * edges[j + 1] ** 2) + area / edges[j + 1]))
    # The published table rounds the outermost edge down: 2.7769943 would be nearer.
    edges[-4:] -= 1e-7
    return np.round(edges, 7)


def _outermost_edge(area: float) -> float:
    """Solve x exp(-x²/2) = 3 · area for its larger root, by Newton's method on the logarithm."""
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
    # the word read as a signed number over 2³², plus ½; 0 for the word 2³¹
    return ((int(words.peek(unit + 1)[-1]) + 2**31) % 2**32) * 2.0**-32


def _log(u: float) -> float:
    return math.log(u) if u > 0 else -math.inf
