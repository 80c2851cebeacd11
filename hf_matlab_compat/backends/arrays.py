"""Types of arrays. Static types are numpy's; at run time an array belongs to the backend."""

from __future__ import annotations

from typing import Any, TypeAlias

from numpy.typing import NDArray

Array: TypeAlias = NDArray[Any]
"""numpy.ndarray, or cupy.ndarray, which has the same operations."""

Vector: TypeAlias = Array
"""One-dimensional, of length P, the number of parameters."""
