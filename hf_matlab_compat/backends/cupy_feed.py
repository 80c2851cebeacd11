"""Sends cases from the host to the device block by block, while the device computes on the block before."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from hf_matlab_compat.backends.arrays import Array

_STRIP = 64


class Feed:
    """Two buffers, each in pinned host memory with a copy on the device.

    The host fills one buffer and sends it on a separate stream while the device computes with the content of the other.
    The host waits only if the device has not read a buffer yet.

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
        """Copy a host array, of any precision and order, into a device array."""
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
        """Fill the pinned memory and start the copy on `stream`."""
        if self._emptied is not None:
            self._emptied.synchronize()  # then the device has read the previous content, so its transfer is over too
        self._shape = values.shape
        self._hold(values.size)
        pinned = self._pinned[: values.size].reshape(values.shape)
        for start in range(0, values.shape[1], _STRIP):  # strips: a whole transpose misses the caches
            columns = slice(start, start + _STRIP)
            pinned[:, columns] = values[:, columns]
        self._there[: values.size].set(self._pinned[: values.size], stream=stream)
        self._sent = stream.record()

    def empty_into(self, out: Array, stream: Any) -> None:
        """Copy to `out` on the device, on `stream`, after the transfer has ended."""
        stream.wait_event(self._sent)
        size = int(np.prod(self._shape))
        out[...] = self._there[:size].reshape(self._shape)
        self._emptied = stream.record()

    def _hold(self, size: int) -> None:
        """Allocate memory for this many numbers, if there is less."""
        if self._pinned is None or self._pinned.size < size:
            self._pinned = self._cupyx.empty_pinned((size,), dtype=self._dtype)
            self._there = self._cupy.empty(size, dtype=self._dtype)
            self._cupy.cuda.get_current_stream().synchronize()  # the pool may reuse memory that kernels still read
