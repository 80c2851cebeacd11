"""The random numbers that Octave would have drawn from the same seed."""

from __future__ import annotations

from functools import partial
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from hf_matlab_compat.errors import OptionError
from hf_matlab_compat.matlab.random.octave_normals import DoubleZiggurat, SingleZiggurat
from hf_matlab_compat.matlab.random.octave_uniforms import draw_doubles, draw_singles
from hf_matlab_compat.matlab.random.word_streams import checked_seed, octave_twister
from hf_matlab_compat.matlab.random.ziggurat import Reals, draw_normals
from hf_matlab_compat.model.random_stream import column_major

Precision: TypeAlias = Literal["double", "single"]


class OctaveStream:
    """Draws of Octave after ``rand('twister', rand_seed); randn('state', randn_seed)``.

    Octave keeps one Mersenne twister for `rand` and `randperm` and another for `randn`. Draws in double and in
    single precision take their words from the same one.

    Parameters
    ----------
    rand_seed : int
        0 … 2³²-1.
    randn_seed : int, optional
        0 … 2³²-1; `rand_seed` where it is left out.

    Raises
    ------
    OptionError
        Where a seed is not such an integer. Octave rounds and clips it instead.
    """

    def __init__(self, rand_seed: int, randn_seed: int | None = None) -> None:
        self._uniform_words = octave_twister(checked_seed("rand_seed", rand_seed))
        normal_seed = rand_seed if randn_seed is None else checked_seed("randn_seed", randn_seed)
        self._normal_words = octave_twister(normal_seed)
        self._double, self._single = DoubleZiggurat(), SingleZiggurat()

    def rand(self, *shape: int, dtype: Precision = "double") -> Reals:
        """Uniform draws in (0, 1), 53 bits each in double precision and 24 in single.

        Parameters
        ----------
        *shape : int
            Shape of the result.
        dtype : {'double', 'single'}
            Octave's ``rand(…, 'single')`` uses half as many words and gives other numbers, not rounded ones.

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
        draw = draw_doubles if _is_double(dtype) else draw_singles
        return column_major(partial(draw, self._uniform_words), shape)

    def randn(self, *shape: int, dtype: Precision = "double") -> Reals:
        """Standard normal draws.

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
        """``randperm(n, m)``: the first m of a random permutation, from the stream of `rand`.

        Parameters
        ----------
        n : int
            Permutes 1 … n.
        m : int, optional
            How many, at most `n`; all of them where it is left out.

        Returns
        -------
        ndarray of int64, shape (m,)
            Values from 1, as Octave shows them.

        Raises
        ------
        OptionError
            Unless 0 ≤ m ≤ n.
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
        """``ceil(high*rand(1, count))``: indices in 1 … `high`, with repetition, int64, shape (count,)."""
        return np.ceil(high * self.rand(count)).astype(np.int64)


def _is_double(dtype: str) -> bool:
    if dtype not in ("double", "single"):
        raise OptionError("dtype", expected="'double' or 'single'", got=repr(dtype))
    return dtype == "double"
