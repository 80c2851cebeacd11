"""Scratch memory of a pass over a block of sequences, kept from call to call under names."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from hf_matlab_compat.backends.arrays import Array
from hf_matlab_compat.backends.backend import Backend


class Workspace:
    """Arrays of a backend by name; an array is allocated at first use and again only where it must grow.

    Attributes
    ----------
    backend : Backend
    xp : module
        The array namespace.

    Parameters
    ----------
    backend : Backend
    """

    def __init__(self, backend: Backend) -> None:
        self.backend, self.xp = backend, backend.xp
        self._memory: dict[str, Array] = {}
        self._views: dict[str, Array] = {}

    def array(self, name: str, *shape: int) -> Array:
        """Return a C-ordered array of undefined content; it overwrites the array that had this name before."""
        view = self._views.get(name)
        if view is not None and view.shape == shape:
            return view
        size = math.prod(shape)
        memory = self._memory.get(name)
        if memory is None or len(memory) < size:
            memory = self._memory[name] = self.xp.empty(size, dtype=self.backend.dtype)
        view = self._views[name] = memory[:size].reshape(shape)
        return view

    def fill(self, out: Array, values: Any) -> None:
        """Write `values` from the host into an array of the backend; on the host without another copy."""
        out[...] = values if self.backend.on_host else self.take(values)

    def take(self, values: Any) -> Array:
        """Return `values`, from the host or the device, in working precision on the device."""
        return self.backend.asarray(np.ascontiguousarray(values) if isinstance(values, np.ndarray) else values)


def rows(array: Array) -> Array:
    """Return a (T, n, s) array as (T·n, s): all steps of all sequences."""
    return array.reshape(-1, array.shape[2])
