"""The ziggurat: normal draws of which ninety-nine in a hundred cost one comparison.

The area under the bell is covered by strips of equal size. A unit of the word stream proposes a point
of a strip; left of the next strip's edge it is under the curve and is taken at once. Near the edge (a
wedge) or beyond the last strip (the tail) further words decide, and may discard it.

Notation: R where the tail begins, v area of a strip, xᵢ edge of strip i, f(x) = exp(-x²/2).

References
----------
G. Marsaglia and W. W. Tsang, The ziggurat method for generating random variables,
J. Statistical Software 5 (2000), no. 8.
"""

from __future__ import annotations

from typing import Any, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from hf_matlab_compat.matlab.random.word_streams import Words, WordStream

Reals: TypeAlias = NDArray[np.floating[Any]]

_BLOCK = 1 << 16


class Ziggurat(Protocol):
    """One program's strips, and how it reads words as points of them."""

    words_per_unit: int

    def propose(self, words: Words) -> tuple[Reals, NDArray[np.bool_]]:
        """Read each unit of `words` as a point: its value, and whether it is taken at once."""
        ...

    def settle(self, words: WordStream, unit: int, value: float) -> tuple[float | None, int]:
        """Decide on a point that is not taken at once.

        Parameters
        ----------
        words : WordStream
            Only looked at.
        unit : int
            Place of the point, counted in units from here.
        value : float
            What `propose` read there.

        Returns
        -------
        draw : float or None
            The draw, or None where the point is discarded.
        end : int
            The first unit that was not used.
        """
        ...


def draw_normals(ziggurat: Ziggurat, words: WordStream, count: int) -> Reals:
    """The next standard normal draws of a word stream.

    Parameters
    ----------
    ziggurat : Ziggurat
        Strips, and the precision of the result.
    words : WordStream
        Left behind the last word that the last draw used.
    count : int
        How many.

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
    """Use up `count` units, which give `count` draws or, where words went into slow points, somewhat fewer."""
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
