"""Cases that stay on the host, sent to the device block by block while it works on the block before."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from hf_matlab_compat.backends.arrays import Array

_STRIP = 64


class Feed:
    """Two places on their way to the device, each of pinned memory here and a copy of it there.

    The host fills one and sends it on a stream of its own while the device computes with what came through the
    other. The host waits only where a place has not been emptied yet.

    Parameters
    ----------
    cupy, cupyx : modules
    dtype : numpy dtype
        Working precision.
    """

    def __init__(self, cupy: Any, cupyx: Any, dtype: np.dtype[Any]) -> None:
        self._cupy = cupy
        self._stream: Any = None
        self._places = [_Place(cupy, cupyx, dtype), _Place(cupy, cupyx, dtype)]

    def __call__(self, values: NDArray[Any], out: Array) -> None:
        """Copy an array of the host, of any precision and order, into one of the device."""
        if self._stream is None:
            self._stream = self._cupy.cuda.Stream(non_blocking=True)
        place, last = self._places
        self._places = [last, place]
        place.send(values, self._stream)
        place.empty_into(out, self._cupy.cuda.get_current_stream())


class _Place:
    def __init__(self, cupy: Any, cupyx: Any, dtype: np.dtype[Any]) -> None:
        self._cupy, self._cupyx, self._dtype = cupy, cupyx, dtype
        self._pinned: Any = None
        self._there: Any = None
        self._sent: Any = None
        self._emptied: Any = None
        self._shape: tuple[int, ...] = ()

    def send(self, values: NDArray[Any], stream: Any) -> None:
        """Fill the pinned memory and begin the copy on `stream`."""
        if self._emptied is not None:
            self._emptied.synchronize()  # the device has read what this place held, so it has been sent too
        self._shape = values.shape
        self._hold(values.size)
        pinned = self._pinned[: values.size].reshape(values.shape)
        for start in range(0, values.shape[1], _STRIP):  # in strips: transposing all at once misses the caches
            columns = slice(start, start + _STRIP)
            pinned[:, columns] = values[:, columns]
        self._there[: values.size].set(self._pinned[: values.size], stream=stream)
        self._sent = stream.record()

    def empty_into(self, out: Array, stream: Any) -> None:
        """Copy on the device, on `stream`, once all has arrived."""
        stream.wait_event(self._sent)
        size = int(np.prod(self._shape))
        out[...] = self._there[:size].reshape(self._shape)
        self._emptied = stream.record()

    def _hold(self, size: int) -> None:
        """Memory for so many numbers; made anew only when more are needed, when nothing is under way any more."""
        if self._pinned is None or self._pinned.size < size:
            self._pinned = self._cupyx.empty_pinned((size,), dtype=self._dtype)
            self._there = self._cupy.empty(size, dtype=self._dtype)
            self._cupy.cuda.get_current_stream().synchronize()  # its memory may have been another array's until now
