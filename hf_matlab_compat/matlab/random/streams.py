"""The random stream for a seed: Octave's, MATLAB's, numpy's or the caller's own."""

from __future__ import annotations

from typing import Any, cast

import numpy as np

from hf_matlab_compat.errors import OptionError, quoted
from hf_matlab_compat.matlab.random.matlab_stream import MatlabStream
from hf_matlab_compat.matlab.random.octave_stream import OctaveStream
from hf_matlab_compat.model.random_stream import IndexedStream, NormalSource, NumpyStream, RandomStream

__all__ = ["MatlabStream", "OctaveStream", "stream_from_seed"]

_SEEDS = (
    "None, an integer, a numpy Generator, ('octave', seed), ('octave', rand_seed, randn_seed), ('matlab', ...) alike, "
    "or an object with rand and randn"
)


def stream_from_seed(seed: object) -> RandomStream:
    """Return the stream for the option `seed`.

    Parameters
    ----------
    seed : None, int, numpy.random.Generator, tuple or stream
        None, an integer or a generator give a `NumpyStream`, ``("octave", s)`` and
        ``("octave", rand_seed, randn_seed)`` an `OctaveStream`, ``("matlab", …)`` a `MatlabStream`. An object with
        `rand` and `randn` is used itself, with `ceil_indices` added if it lacks it.

    Returns
    -------
    RandomStream

    Raises
    ------
    OptionError
        The seed is none of these.
    """
    if seed is None or isinstance(seed, np.random.Generator):
        return NumpyStream(seed)
    if isinstance(seed, int | np.integer) and not isinstance(seed, bool):
        if seed < 0:
            raise OptionError("seed", expected="a whole number of at least 0", got=int(seed))
        return NumpyStream(int(seed))
    if isinstance(seed, tuple):
        return _named_stream(seed)
    if callable(getattr(seed, "rand", None)) and callable(getattr(seed, "randn", None)):
        source = cast(NormalSource, seed)
        return cast(RandomStream, seed) if hasattr(seed, "ceil_indices") else IndexedStream(source)
    raise OptionError("seed", expected=_SEEDS, got=quoted(seed))


def _named_stream(seed: tuple[Any, ...]) -> RandomStream:
    match seed:
        case ("octave", rand_seed, *rest) if len(rest) <= 1:
            return OctaveStream(rand_seed, *rest)
        case ("matlab", rand_seed, *rest) if len(rest) <= 1:
            return MatlabStream(rand_seed, *rest)
        case _:
            raise OptionError("seed", expected=_SEEDS, got=quoted(seed))
