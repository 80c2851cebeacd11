"""What objects of the caller's own answer: checked, and brought into the precision of the run.

A wrong answer is refused where it is given, in a sentence that names the object.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from hf_matlab_compat.backends.arrays import Vector
from hf_matlab_compat.state import Score

Refuse = Callable[[str, str], Exception]
"""(expected, got) → the error that says so."""

_REAL = tuple("fiu")
"""Kinds of dtypes that real numbers have."""


def checked_vector(value: Any, like: Vector, what: str, refuse: Refuse) -> Vector:
    """The value, in the precision of `like`: a problem may compute in double within a run in single.

    Parameters
    ----------
    value : object
    like : (P,) vector
    what : str
        What the value is called.
    refuse : callable

    Raises
    ------
    Exception
        The one of `refuse`, where it is no vector of P real numbers on the backend of `like`.
    """
    if isinstance(value, type(like)) and value.shape == like.shape:
        if value.dtype == like.dtype:
            return value
        if value.dtype.kind in _REAL:
            return value.astype(like.dtype)
    raise refuse(f"{what} of shape {like.shape}", shown(value))


def checked_number(value: Any, what: str, refuse: Refuse) -> float:
    """The value as Python's own number: numpy's scalars would widen vectors in single precision.

    Raises
    ------
    Exception
        The one of `refuse`, where it is no real number; NaN and infinity are.
    """
    if not is_number(value):
        raise refuse(what, shown(value))
    return value if type(value) is float else float(value)


def checked_score(value: Any, refuse: Refuse) -> Score:
    """The score, with Python's own numbers in it; `refuse` as in `checked_number`."""
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
    """Whether it is a real number: Python's, numpy's, or an array of a backend without dimensions."""
    if isinstance(value, int | float):
        return not isinstance(value, bool)
    return getattr(value, "ndim", None) == 0 and getattr(getattr(value, "dtype", None), "kind", "") in _REAL


def shown(value: Any) -> str:
    """The value in a few words: itself where it is short, or else its shape or class."""
    if isinstance(value, int | float | complex | str | np.generic | None):
        return repr(value)
    shape = getattr(value, "shape", None)
    if not isinstance(shape, tuple):
        return type(value).__name__
    kind = getattr(value, "dtype", "")
    real = getattr(kind, "kind", "") in _REAL
    return f"an array of shape {tuple(shape)}" + ("" if real else f" and dtype {kind}")
