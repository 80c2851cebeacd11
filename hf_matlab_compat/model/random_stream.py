"""What the trainer asks of a source of random numbers, and numpy's answer to it."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

Real = TypeVar("Real", bound=np.floating[Any])


class RandomStream(Protocol):
    """A source of uniform and normal draws.

    Every stream of this package fills its arrays column by column, so that a seed of MATLAB or Octave
    puts the same number in the same place there and here.
    """

    def rand(self, *shape: int) -> NDArray[np.floating[Any]]:
        """Uniform draws in [0, 1), an array of `shape`."""
        ...

    def randn(self, *shape: int) -> NDArray[np.floating[Any]]:
        """Standard normal draws, an array of `shape`."""
        ...

    def ceil_indices(self, high: int, count: int) -> NDArray[np.int64]:
        """`count` indices in 1 … `high`, drawn with repetition: ``ceil(high*rand(1, count))``."""
        ...


class NormalSource(Protocol):
    """Anything with `rand` and `randn`, such as `numpy.random.RandomState`."""

    def rand(self, *shape: int) -> Any:
        """Uniform draws in [0, 1), an array of `shape`."""
        ...

    def randn(self, *shape: int) -> Any:
        """Standard normal draws, an array of `shape`."""
        ...


class NumpyStream:
    """A `RandomStream` on numpy's own generator, for runs that need not agree with another program.

    Parameters
    ----------
    seed : None, int or numpy.random.Generator
        What `numpy.random.default_rng` takes: None draws a fresh seed from the system, a generator is used
        as it stands (and advanced).
    """

    def __init__(self, seed: int | np.random.Generator | None = None) -> None:
        self._generator = np.random.default_rng(seed)

    def rand(self, *shape: int) -> NDArray[np.float64]:
        """Uniform draws in [0, 1).

        Parameters
        ----------
        *shape : int
            Shape of the result; ``rand()`` is an array without dimensions.

        Returns
        -------
        ndarray of float64, shape `shape`
            Filled column by column.
        """
        return column_major(self._generator.random, shape)

    def randn(self, *shape: int) -> NDArray[np.float64]:
        """Standard normal draws.

        Parameters
        ----------
        *shape : int
            Shape of the result; ``randn()`` is an array without dimensions.

        Returns
        -------
        ndarray of float64, shape `shape`
            Filled column by column.
        """
        return column_major(self._generator.standard_normal, shape)

    def ceil_indices(self, high: int, count: int) -> NDArray[np.int64]:
        """Indices drawn with repetition.

        Parameters
        ----------
        high : int
            The largest index.
        count : int
            How many.

        Returns
        -------
        ndarray of int64, shape (count,)
            Values in 1 … `high`.
        """
        return self._generator.integers(1, high, size=count, endpoint=True, dtype=np.int64)


class IndexedStream:
    """A `RandomStream` made of an object that only has `rand` and `randn`.

    Parameters
    ----------
    source : NormalSource
        Asked for every draw; its own order of filling is kept.
    """

    def __init__(self, source: NormalSource) -> None:
        self._source = source

    def rand(self, *shape: int) -> NDArray[np.floating[Any]]:
        """Uniform draws of the source, an array of `shape`."""
        return np.asarray(self._source.rand(*shape))

    def randn(self, *shape: int) -> NDArray[np.floating[Any]]:
        """Standard normal draws of the source, an array of `shape`."""
        return np.asarray(self._source.randn(*shape))

    def ceil_indices(self, high: int, count: int) -> NDArray[np.int64]:
        """``ceil(high*rand(1, count))`` of the source's uniform draws, int64, shape (count,)."""
        return np.ceil(high * self.rand(count)).astype(np.int64)


def column_major(draw: Callable[[int], NDArray[Real]], shape: tuple[int, ...]) -> NDArray[Real]:
    """An array of `shape` from ``draw(number of elements)``, the first index running fastest, as MATLAB fills it."""
    return draw(math.prod(shape)).reshape(shape, order="F")
