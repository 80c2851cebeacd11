"""MATLAB's global random state: separate seeds for `rand` and `randn`, draws as in Octave or MATLAB."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hf_matlab_compat.errors import MigrationError
from hf_matlab_compat.matlab.random.streams import MatlabStream, OctaveStream
from hf_matlab_compat.model.random_stream import NumpyStream


@cache
def random_state(streams: str) -> RandomState:
    """Return the one state that all migrated scripts of a process share, as MATLAB's functions share theirs.

    Parameters
    ----------
    streams : {'octave', 'matlab'}
        The program whose draws a seed reproduces.
    """
    return RandomState(streams)


class RandomState:
    """Draws of `rand`, `randn` and `randperm`; before the first seed they come from a seed of the system.

    It can be given to the trainer as `seed`: the sparse initialisation then continues the script's sequence.

    Parameters
    ----------
    streams : {'octave', 'matlab'}
    """

    def __init__(self, streams: str) -> None:
        self._streams = streams
        self._uniform: Any = NumpyStream()
        self._normal: Any = NumpyStream()

    def seed_rand(self, seed: float) -> None:
        """Seed `rand`: ``rand('twister', seed)``."""
        self._uniform = OctaveStream(int(seed)) if self._streams == "octave" else MatlabStream(int(seed))

    def seed_randn(self, seed: float) -> None:
        """Seed `randn`: ``randn('state', seed)``."""
        self._normal = OctaveStream(0, int(seed)) if self._streams == "octave" else MatlabStream(0, int(seed))

    def rand(self, *shape: int) -> NDArray[np.float64]:
        """Return uniform draws, filled column by column."""
        return self._uniform.rand(*shape)

    def randn(self, *shape: int) -> NDArray[np.float64]:
        """Return normal draws, filled column by column."""
        return self._normal.randn(*shape)

    def randi(self, high: int, *shape: int) -> NDArray[np.int64]:
        """Return whole numbers in 1 … `high`."""
        return (1 + np.floor(high * self.rand(*shape))).astype(np.int64)

    def randperm(self, n: int, count: int | None = None) -> NDArray[np.int64]:
        """Return a permutation of 1 … n, or its first `count` entries.

        Raises
        ------
        MigrationError
            More numbers are asked for than there are, or a part of a permutation of MATLAB's.
        """
        if count is not None and not 0 <= count <= n:
            raise MigrationError(f"randperm: expected at most {n} numbers of 1 … {n}, got {count}.")
        if isinstance(self._uniform, NumpyStream):
            return (np.argsort(self.rand(n)) + 1)[:count]
        if count is None:
            return self._uniform.randperm(n)
        if isinstance(self._uniform, OctaveStream):
            return self._uniform.randperm(n, count)
        raise MigrationError("randperm: expected one argument, since how MATLAB draws a part is not known.")

    def ceil_indices(self, high: int, count: int) -> NDArray[np.int64]:
        """Return ``ceil(high*rand(1, count))``."""
        return self._uniform.ceil_indices(high, count)
