"""Octave's uniform draws from MT19937 words, in double and in single precision. Neither is ever 0."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from hf_matlab_compat.matlab.random.word_streams import Words, WordStream
from hf_matlab_compat.matlab.random.ziggurat import Reals


def draw_doubles(words: WordStream, count: int) -> Reals:
    """The next uniform draws with 53 bits of two words each, float64, shape (count,)."""
    return _draw_nonzero(_doubles, 2, words, count)


def draw_singles(words: WordStream, count: int) -> Reals:
    """The next uniform draws with 24 bits of one word each, float32, shape (count,)."""
    return _draw_nonzero(_singles, 1, words, count)


def next_double(words: WordStream, pair: int) -> tuple[float, int]:
    """The uniform draw at word pair `pair` from here, only looked at, and the pair after it."""
    while True:
        first, second = words.peek(2 * pair + 2)[-2:].tolist()
        u = ((first >> 5) * 67108864 + (second >> 6)) / 9007199254740992
        pair += 1
        if u > 0:
            return u, pair


def next_single(words: WordStream, word: int) -> tuple[np.float32, int]:
    """The uniform draw at word `word` from here, only looked at, and the word after it."""
    while True:
        u = np.float32((int(words.peek(word + 1)[-1]) & 0xFFFFFF) / 16777216)
        word += 1
        if u > 0:
            return u, word


def _doubles(words: Words) -> Reals:
    # 27 bits of the first word of a pair, 26 of the second
    return ((words[0::2] >> np.uint32(5)) * 67108864.0 + (words[1::2] >> np.uint32(6))) / 9007199254740992.0


def _singles(words: Words) -> Reals:
    return (words & np.uint32(0xFFFFFF)).astype(np.float32) / np.float32(16777216)


def _draw_nonzero(read: Callable[[Words], Reals], words_each: int, words: WordStream, count: int) -> Reals:
    fractions = read(words.take(words_each * count))
    while not fractions.all():
        fractions = fractions[fractions > 0]
        fractions = np.concatenate([fractions, read(words.take(words_each * (count - fractions.size)))])
    return fractions
