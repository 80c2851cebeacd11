"""Kinds of values that settings take, and their check: for the options of `train` and for classes with settings."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from hf_matlab_compat.errors import OptionError, quoted


class Kind(NamedTuple):
    """The values that a setting takes. Numbers become Python's own: a numpy scalar would widen single precision."""

    fits: Callable[[Any], bool]
    convert: Callable[[Any], Any]
    expected: str


def whole(least: int, most: float = math.inf) -> Kind:
    """Return whole numbers from `least` to `most`."""
    limits = f"of at least {least}" + (f" and at most {most}" if math.isfinite(most) else "")

    def fits(v: Any) -> bool:
        return not isinstance(v, bool | np.bool_) and int(v) == v and least <= v <= most

    return Kind(fits, int, f"a whole number {limits}")


def number(fits: Callable[[Any], bool], expected: str) -> Kind:
    """Return numbers other than NaN that `fits` accepts."""
    return Kind(lambda v: not isinstance(v, bool | np.bool_ | str) and not math.isnan(v) and fits(v), float, expected)


def or_none(kind: Kind) -> Kind:
    """Return the same values and None."""
    return Kind(
        lambda v: v is None or kind.fits(v), lambda v: v if v is None else kind.convert(v), f"{kind.expected}, or None"
    )


def word(*allowed: str) -> Kind:
    """Return these words."""
    return Kind(lambda v: v in allowed, str, "one of " + ", ".join(map(repr, allowed)))


FLAG = Kind(lambda v: isinstance(v, bool | np.bool_), bool, "True or False")
POSITIVE = number(lambda v: 0 < v < math.inf, "a finite number above 0")
AT_LEAST_0 = number(lambda v: 0 <= v < math.inf, "a finite number of at least 0")
BETWEEN_0_AND_1 = number(lambda v: 0 < v < 1, "a number between 0 and 1")
FROM_0_TO_1 = number(lambda v: 0 <= v <= 1, "a number from 0 to 1")
ABOVE_0_TO_1 = number(lambda v: 0 < v <= 1, "a number above 0 and at most 1")
AT_LEAST_1 = number(lambda v: 1 <= v < math.inf, "a finite number of at least 1")
ABOVE_1 = number(lambda v: 1 < v < math.inf, "a finite number above 1")
SHARE = number(lambda v: 0 <= v < 1, "a number of at least 0 and below 1")
ANY_NUMBER = number(lambda v: True, "a number")
SEED = whole(0, 2**64 - 1)._replace(expected="a whole number of at least 0 and below 2^64")


def converted(name: str, value: Any, kind: Kind) -> Any:
    """Return the value as Python's own.

    Raises
    ------
    OptionError
        It is none of its kind.
    """
    try:
        if kind.fits(value):
            return kind.convert(value)
    except (TypeError, ValueError, OverflowError):
        pass  # the value cannot be compared: the message below says what was expected
    plain = value.item() if isinstance(value, np.generic) else value
    raise OptionError(name, expected=kind.expected, got=quoted(plain))


def check(kind: Kind, **settings: Any) -> None:
    """Refuse settings of another kind; see `converted`."""
    for name, value in settings.items():
        converted(name, value, kind)


def check_settings(of: Any, **kinds: Kind) -> None:
    """Refuse fields of a frozen dataclass that are of another kind, and put Python's own values in their place."""
    for name, kind in kinds.items():
        object.__setattr__(of, name, converted(name, getattr(of, name), kind))
