"""The random numbers that MATLAB would have drawn from the same seed."""

from __future__ import annotations

from functools import partial

import numpy as np
from numpy.typing import NDArray

from hf_matlab_compat.errors import OptionError
from hf_matlab_compat.matlab.random.matlab_normals import TextbookZiggurat
from hf_matlab_compat.matlab.random.word_streams import WordStream, checked_seed, shr3_congruential
from hf_matlab_compat.matlab.random.ziggurat import Reals, draw_normals
from hf_matlab_compat.model.random_stream import column_major

_DEFAULT_SEED = 5489


class MatlabStream:
    """Draws of MATLAB after ``rand('twister', rand_seed); randn('state', randn_seed)``.

    `rand` and `randperm` are also what ``rng(rand_seed)`` gives. `randn` after `rng` is a generator whose details
    are not published: without a `randn_seed` it is refused.

    Parameters
    ----------
    rand_seed : int
        0 … 2³²-1; 0 stands for 5489, as in MATLAB.
    randn_seed : int, optional
        The state s of ``randn('state', s)``, 0 … 2³²-1.
    rand_method : {'twister'}
        The generator under `rand`. Those of ``rand('state', s)`` and ``rand('seed', s)`` are refused.

    Raises
    ------
    OptionError
        Where a seed is not such an integer, or another `rand_method` is asked for.
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
        """Uniform draws in (0, 1), float64 of `shape`, filled column by column."""
        # MATLAB: rand(n) is a vector of n numbers, not an n-by-n matrix; write rand(n, n).
        return column_major(self._uniform.random_sample, shape)

    def randn(self, *shape: int) -> Reals:
        """Standard normal draws, float64 of `shape`, filled column by column.

        Raises
        ------
        OptionError
            Where the stream was made without a `randn_seed`.
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
        """``randperm(n)``: the order that sorts ``rand(1, n)``, int64, shape (n,), values from 1."""
        return np.argsort(self.rand(n), kind="stable").astype(np.int64) + 1

    def ceil_indices(self, high: int, count: int) -> NDArray[np.int64]:
        """``ceil(high*rand(1, count))``: indices in 1 … `high`, with repetition, int64, shape (count,)."""
        return np.ceil(high * self.rand(count)).astype(np.int64)
