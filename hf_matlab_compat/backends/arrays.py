"""The types of arrays: statically those of numpy; at run time an array of whichever backend computes."""

from __future__ import annotations

from typing import Any, TypeAlias

from numpy.typing import NDArray

Array: TypeAlias = NDArray[Any]
"""numpy.ndarray, or cupy.ndarray with the same operations."""

Vector: TypeAlias = Array
"""One-dimensional, of length P, the number of parameters."""
