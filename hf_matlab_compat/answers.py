"""Checks of what a user's objects return, and conversion to the precision of the run.

A wrong value is refused as soon as it is returned, in a sentence that names the object.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from hf_matlab_compat.backends.arrays import Vector
from hf_matlab_compat.state import Score

Refuse = Callable[[str, str], Exception]
"""(expected, got) → the error to raise."""

_REAL = tuple("fiu")
"""Kinds of numpy dtypes of real numbers."""


def checked_vector(value: Any, like: Vector, what: str, refuse: Refuse) -> Vector:
    """Return the value in the precision of `like`, (P,); a problem may compute in double within a run in single.

    The error that `refuse` makes is raised if it is no vector of P real numbers on the backend of `like`; `what` is the
    name of the value in the message.
    """
    if isinstance(value, type(like)) and value.shape == like.shape:
        if value.dtype == like.dtype:
            return value
        if value.dtype.kind in _REAL:
            return value.astype(like.dtype)
    raise refuse(f"{what} of shape {like.shape}", shown(value))


def checked_number(value: Any, what: str, refuse: Refuse) -> float:
    """Return the value as Python's own number; a numpy scalar would widen vectors in single precision.

    NaN and infinity are accepted. Other values than real numbers raise the error that `refuse` makes.
    """
    if not is_number(value):
        raise refuse(what, shown(value))
    return value if type(value) is float else float(value)


def checked_score(value: Any, refuse: Refuse) -> Score:
    """Return the score with Python's own numbers; other values raise the error that `refuse` makes."""
    if not isinstance(value, Score):
        raise refuse("a Score", shown(value))
    if type(value.log_likelihood) is float and type(value.error) is float:
        return value
    numbers = {
        name: checked_number(getattr(value, name), f"a Score whose {name} is a number", refuse)
        for name in ("log_likelihood", "error")
    }
    return Score(**numbers)


def is_number(value: Any) -> bool:
    """Return whether a value is a real number: Python's, numpy's, or an array without dimensions."""
    if isinstance(value, int | float):
        return not isinstance(value, bool)
    return getattr(value, "ndim", None) == 0 and getattr(getattr(value, "dtype", None), "kind", "") in _REAL


def shown(value: Any) -> str:
    """Return a value in a few words: itself if it is short, otherwise its shape or class."""
    if isinstance(value, int | float | complex | str | np.generic | None):
        return repr(value)
    shape = getattr(value, "shape", None)
    if not isinstance(shape, tuple):
        return type(value).__name__
    kind = getattr(value, "dtype", "")
    real = getattr(kind, "kind", "") in _REAL
    return f"an array of shape {tuple(shape)}" + ("" if real else f" and dtype {kind}")
