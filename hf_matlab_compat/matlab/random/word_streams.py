"""The 32-bit generators under MATLAB's and Octave's distributions, read ahead in blocks.

Both are reproduced as sequences of 32-bit words. What turns words into numbers is in `ziggurat`,
`octave_uniforms`, `octave_normals` and `matlab_normals`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from hf_matlab_compat.errors import OptionError

Words: TypeAlias = NDArray[np.uint32]

_LARGEST_SEED = 2**32 - 1
_READ_AHEAD = 4096
_WORD_BITS = np.arange(32, dtype=np.uint32)
_LCG_FACTOR = np.uint32(69069)
_LCG_STEP = np.uint32(1234567)
_LCG_START = 362436069
_SHR3_DEFAULT = 521288629


class WordStream:
    """An endless sequence of words with a place in it: look ahead freely, then say how many were used.

    Parameters
    ----------
    generate : callable
        ``generate(count)`` returns the next `count` words of the generator, uint32, shape (count,).
    """

    def __init__(self, generate: Callable[[int], Words]) -> None:
        self._generate = generate
        self._ahead: Words = np.empty(0, np.uint32)

    def peek(self, count: int) -> Words:
        """The next `count` words, shape (count,), which stay unused."""
        missing = count - self._ahead.size
        if missing > 0:
            self._ahead = np.concatenate([self._ahead, self._generate(max(missing, _READ_AHEAD))])
        return self._ahead[:count]

    def skip(self, count: int) -> None:
        """Pass over the next `count` words, which `peek` has shown."""
        self._ahead = self._ahead[count:]

    def take(self, count: int) -> Words:
        """The next `count` words, shape (count,), now used."""
        words = self.peek(count)
        self.skip(count)
        return words


def checked_seed(argument: str, seed: object) -> int:
    """`seed` as an int; OptionError, naming `argument`, unless it is an integer that fits a word."""
    if isinstance(seed, int | np.integer) and not isinstance(seed, bool) and 0 <= seed <= _LARGEST_SEED:
        return int(seed)
    raise OptionError(argument, expected=f"an integer from 0 to {_LARGEST_SEED}", got=repr(seed))


def octave_twister(seed: int) -> WordStream:
    """Words of the MT19937 that Octave keeps for one distribution.

    Parameters
    ----------
    seed : int
        0 … 2³²-1, as in ``rand('twister', seed)`` or ``randn('state', seed)``.

    Returns
    -------
    WordStream
        Seeded by an array of one element, which is another sequence than seeding by the number itself.
    """
    # numpy turns a one-element *array* into the number it holds; a list stays an array.
    generator = np.random.RandomState([seed])
    return WordStream(lambda count: np.frombuffer(generator.bytes(4 * count), "<u4"))


def shr3_congruential(state: int) -> WordStream:
    """Words of the generator under MATLAB's ``randn('state', state)``.

    The sum of a congruential generator, c ← 69069 c + 1234567, and Marsaglia's three-shift register
    (shifts 13, 17, 5), modulo 2³².

    Parameters
    ----------
    state : int
        0 … 2³²-1: the start of the shift register; 0 stands for 521288629. The congruential part always
        starts at 362436069.

    Returns
    -------
    WordStream

    References
    ----------
    C. Moler, Numerical Computing with MATLAB, SIAM 2004, section 9.3.
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
    """A linear map over GF(2), given by the images of the 32 unit vectors, applied to each word."""
    result = np.zeros_like(words)
    for bit, image in zip(_WORD_BITS, images, strict=True):
        result ^= image * ((words >> bit) & np.uint32(1))
    return result
