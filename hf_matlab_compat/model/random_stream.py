"""The random numbers that the trainer needs, as a protocol, and streams on numpy's generator or the user's object."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

Real = TypeVar("Real", bound=np.floating[Any])


class RandomStream(Protocol):
    """A source of uniform and normal draws.

    Every stream of this package fills its arrays column by column, as MATLAB and Octave do, so that a seed puts the
    same number in the same place here and there.
    """

    def rand(self, *shape: int) -> NDArray[np.floating[Any]]:
        """Return uniform draws in [0, 1), an array of `shape`."""
        ...

    def randn(self, *shape: int) -> NDArray[np.floating[Any]]:
        """Return standard normal draws, an array of `shape`."""
        ...

    def ceil_indices(self, high: int, count: int) -> NDArray[np.int64]:
        """Return `count` indices in 1 … `high`, drawn with repetition: ``ceil(high*rand(1, count))``."""
        ...


class NormalSource(Protocol):
    """Anything with `rand` and `randn`, such as `numpy.random.RandomState`."""

    def rand(self, *shape: int) -> Any:
        """Return uniform draws in [0, 1), an array of `shape`."""
        ...

    def randn(self, *shape: int) -> Any:
        """Return standard normal draws, an array of `shape`."""
        ...


class NumpyStream:
    """A `RandomStream` on numpy's generator, for runs that need not agree with another program.

    Parameters
    ----------
    seed : None, int or numpy.random.Generator
        As for `numpy.random.default_rng`: None takes a seed from the system; a generator is used and advanced.
    """

    def __init__(self, seed: int | np.random.Generator | None = None) -> None:
        self._generator = np.random.default_rng(seed)

    def rand(self, *shape: int) -> NDArray[np.float64]:
        """See `RandomStream.rand`; float64."""
        return column_major(self._generator.random, shape)

    def randn(self, *shape: int) -> NDArray[np.float64]:
        """See `RandomStream.randn`; float64."""
        return column_major(self._generator.standard_normal, shape)

    def ceil_indices(self, high: int, count: int) -> NDArray[np.int64]:
        """See `RandomStream.ceil_indices`."""
        return self._generator.integers(1, high, size=count, endpoint=True, dtype=np.int64)


class IndexedStream:
    """A `RandomStream` made of an object that has only `rand` and `randn`.

    Parameters
    ----------
    source : NormalSource
        Makes every draw, and fills arrays in its own order.
    """

    def __init__(self, source: NormalSource) -> None:
        self._source = source

    def rand(self, *shape: int) -> NDArray[np.floating[Any]]:
        """Return uniform draws of the source, an array of `shape`."""
        return np.asarray(self._source.rand(*shape))

    def randn(self, *shape: int) -> NDArray[np.floating[Any]]:
        """Return standard normal draws of the source, an array of `shape`."""
        return np.asarray(self._source.randn(*shape))

    def ceil_indices(self, high: int, count: int) -> NDArray[np.int64]:
        """Return ``ceil(high*rand(1, count))`` of the source's uniform draws, int64, shape (count,)."""
        return np.ceil(high * self.rand(count)).astype(np.int64)


def column_major(draw: Callable[[int], NDArray[Real]], shape: tuple[int, ...]) -> NDArray[Real]:
    """Return an array of `shape` from ``draw(number of elements)``, the first index fastest, as in MATLAB."""
    return draw(math.prod(shape)).reshape(shape, order="F")
