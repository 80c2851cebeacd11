"""The random numbers that MATLAB and Octave would have drawn from the same seed."""

from __future__ import annotations

from typing import Any, Literal, TypeAlias, cast

import numpy as np
from numpy.typing import NDArray

from hf_matlab_compat.errors import OptionError
from hf_matlab_compat.matlab.matlab_normals import TextbookZiggurat
from hf_matlab_compat.matlab.octave_normals import DoubleZiggurat, SingleZiggurat
from hf_matlab_compat.matlab.octave_uniforms import draw_doubles, draw_singles
from hf_matlab_compat.matlab.word_streams import WordStream, octave_twister, shr3_congruential
from hf_matlab_compat.matlab.ziggurat import Reals, draw_normals
from hf_matlab_compat.model.random_stream import (
    IndexedStream,
    NormalSource,
    NumpyStream,
    RandomStream,
    column_major,
    size_of,
)

Precision: TypeAlias = Literal["double", "single"]

_LARGEST_SEED = 2**32 - 1
_MATLAB_DEFAULT_SEED = 5489
_SEEDS = (
    "None, an integer, a numpy Generator, ('octave', seed), ('octave', rand_seed, randn_seed), ('matlab', ...) alike, "
    "or an object with rand and randn"
)


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
        self._uniform_words = octave_twister(_checked_seed("rand_seed", rand_seed))
        normal_seed = rand_seed if randn_seed is None else _checked_seed("randn_seed", randn_seed)
        self._normal_words = octave_twister(normal_seed)
        self._ziggurats = {"double": DoubleZiggurat(), "single": SingleZiggurat()}

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
        return column_major(draw(self._uniform_words, size_of(shape)), shape)

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
        ziggurat = self._ziggurats["double" if _is_double(dtype) else "single"]
        return column_major(draw_normals(ziggurat, self._normal_words, size_of(shape)), shape)

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
        self._uniform = np.random.RandomState(_checked_seed("rand_seed", rand_seed) or _MATLAB_DEFAULT_SEED)
        self._normal_words: WordStream | None = None
        if randn_seed is not None:
            self._normal_words = shr3_congruential(_checked_seed("randn_seed", randn_seed))
        self._ziggurat = TextbookZiggurat()

    def rand(self, *shape: int) -> NDArray[np.float64]:
        """Uniform draws in (0, 1), float64 of `shape`, filled column by column."""
        # MATLAB: rand(n) is a vector of n numbers, not an n-by-n matrix; write rand(n, n).
        return column_major(self._uniform.random_sample(size_of(shape)), shape)

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
        return column_major(draw_normals(self._ziggurat, self._normal_words, size_of(shape)), shape)

    def randperm(self, n: int) -> NDArray[np.int64]:
        """``randperm(n)``: the order that sorts ``rand(1, n)``, int64, shape (n,), values from 1."""
        return np.argsort(self.rand(n), kind="stable").astype(np.int64) + 1

    def ceil_indices(self, high: int, count: int) -> NDArray[np.int64]:
        """``ceil(high*rand(1, count))``: indices in 1 … `high`, with repetition, int64, shape (count,)."""
        return np.ceil(high * self.rand(count)).astype(np.int64)


def stream_from_seed(seed: object) -> RandomStream:
    """The stream that a `seed` option asks for.

    Parameters
    ----------
    seed : None, int, numpy.random.Generator, tuple or stream
        None, an integer or a generator: `NumpyStream`. ``("octave", s)`` or ``("octave", rand_seed, randn_seed)``:
        `OctaveStream`; ``("matlab", …)`` likewise: `MatlabStream`. An object with `rand` and `randn` is used as it is,
        and given `ceil_indices` where it lacks it.

    Returns
    -------
    RandomStream

    Raises
    ------
    OptionError
        Where it is none of these.
    """
    if seed is None or isinstance(seed, np.random.Generator):
        return NumpyStream(seed)
    if isinstance(seed, int | np.integer) and not isinstance(seed, bool) and seed >= 0:
        return NumpyStream(int(seed))
    if isinstance(seed, tuple):
        return _named_stream(seed)
    if callable(getattr(seed, "rand", None)) and callable(getattr(seed, "randn", None)):
        source = cast(NormalSource, seed)
        return cast(RandomStream, seed) if hasattr(seed, "ceil_indices") else IndexedStream(source)
    raise OptionError("seed", expected=_SEEDS, got=repr(seed))


def _named_stream(seed: tuple[Any, ...]) -> RandomStream:
    match seed:
        case ("octave", rand_seed, *rest) if len(rest) <= 1:
            return OctaveStream(rand_seed, *rest)
        case ("matlab", rand_seed, *rest) if len(rest) <= 1:
            return MatlabStream(rand_seed, *rest)
        case _:
            raise OptionError("seed", expected=_SEEDS, got=repr(seed))


def _checked_seed(argument: str, seed: object) -> int:
    if isinstance(seed, int | np.integer) and not isinstance(seed, bool) and 0 <= seed <= _LARGEST_SEED:
        return int(seed)
    raise OptionError(argument, expected=f"an integer from 0 to {_LARGEST_SEED}", got=repr(seed))


def _is_double(dtype: str) -> bool:
    if dtype not in ("double", "single"):
        raise OptionError("dtype", expected="'double' or 'single'", got=repr(dtype))
    return dtype == "double"
