"""Words of a generator and the ziggurat that turns them into normal draws: the part common to Octave and MATLAB.

The area under the bell curve is covered by strips of equal area. A unit of the word stream proposes a point of a strip.
Inside the next strip's edge the point is under the curve and is taken at once, 99 times in 100. Near the edge (a wedge)
and beyond the last strip (the tail) more words decide, and the point may be discarded.

Notation: R where the tail begins, v area of a strip, xᵢ edge of strip i, f(x) = exp(-x²/2).

References
----------
G. Marsaglia and W. W. Tsang, The ziggurat method for generating random variables,
J. Statistical Software 5 (2000), no. 8.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from hf_matlab_compat.errors import OptionError

Words: TypeAlias = NDArray[np.uint32]
Reals: TypeAlias = NDArray[np.floating[Any]]

_LARGEST_SEED = 2**32 - 1
_READ_AHEAD = 4096
_BLOCK = 1 << 16


class WordStream:
    """An endless sequence of words with a position: look ahead, then skip the words that were used.

    Parameters
    ----------
    generate : callable
        ``generate(count)`` returns the next `count` words of the generator, uint32, shape (count,).
    """

    def __init__(self, generate: Callable[[int], Words]) -> None:
        self._generate = generate
        self._ahead: Words = np.empty(0, np.uint32)

    def peek(self, count: int) -> Words:
        """Return the next `count` words, shape (count,), without using them."""
        missing = count - self._ahead.size
        if missing > 0:
            self._ahead = np.concatenate([self._ahead, self._generate(max(missing, _READ_AHEAD))])
        return self._ahead[:count]

    def skip(self, count: int) -> None:
        """Skip the next `count` words, which `peek` has returned."""
        self._ahead = self._ahead[count:]

    def take(self, count: int) -> Words:
        """Use the next `count` words and return them, shape (count,)."""
        words = self.peek(count)
        self.skip(count)
        return words


def checked_seed(argument: str, seed: object) -> int:
    """Return `seed` as an int.

    Raises
    ------
    OptionError
        It is no integer that fits into a word; the message names `argument`.
    """
    if isinstance(seed, int | np.integer) and not isinstance(seed, bool) and 0 <= seed <= _LARGEST_SEED:
        return int(seed)
    raise OptionError(argument, expected=f"an integer from 0 to {_LARGEST_SEED}", got=repr(seed))


class Ziggurat(Protocol):
    """The strips of one program, and its way of reading words as points."""

    words_per_unit: int

    def propose(self, words: Words) -> tuple[Reals, NDArray[np.bool_]]:
        """Read each unit of `words` as a point; return the values, and True for those taken at once."""
        ...

    def settle(self, words: WordStream, unit: int, value: float) -> tuple[float | None, int]:
        """Decide on a point that is not taken at once.

        Parameters
        ----------
        words : WordStream
            Words are looked at only, not used.
        unit : int
            Position of the point, in units from here.
        value : float
            Its value from `propose`.

        Returns
        -------
        draw : float or None
            The draw, or None if the point is discarded.
        end : int
            The first unit that was not read.
        """
        ...


def draw_normals(ziggurat: Ziggurat, words: WordStream, count: int) -> Reals:
    """Draw standard normal numbers from a word stream.

    Parameters
    ----------
    ziggurat : Ziggurat
        Strips, and the precision of the result.
    words : WordStream
        Its position moves past the last word that the last draw used.
    count : int
        Number of draws.

    Returns
    -------
    ndarray, shape (count,)
    """
    blocks = [_read_units(ziggurat, words, 0)]
    while count > 0:
        blocks.append(_read_units(ziggurat, words, min(count, _BLOCK)))
        count -= blocks[-1].size
    return np.concatenate(blocks)


def _read_units(ziggurat: Ziggurat, words: WordStream, count: int) -> Reals:
    """Use `count` units; the draws are fewer if some points needed more than one unit."""
    values, taken = ziggurat.propose(words.peek(count * ziggurat.words_per_unit))
    free = 0
    for unit in np.flatnonzero(~taken).tolist():
        if unit < free:
            continue
        draw, free = ziggurat.settle(words, unit, float(values[unit]))
        taken[unit:free] = False
        if draw is not None:
            values[unit], taken[unit] = draw, True
    words.skip(max(free, count) * ziggurat.words_per_unit)
    return values[taken]
