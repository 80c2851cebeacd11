"""What a printed figure says of the number behind it: `num2str` rounds, so it stands for an interval."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction

_RELATIVE_SLACK = 1e-12
"""Rounding of our own arithmetic on intervals."""

_LARGEST_DENOMINATOR = 100


def half_unit(x: float) -> float:
    """Half a unit in the last place that `num2str` prints of `x`: 4 decimals above 1, 5 digits below; 0 for integers.

    Examples
    --------
    >>> half_unit(13.3333), half_unit(30.0)
    (5e-05, 0.0)
    """
    if x == 0 or not math.isfinite(x) or x == int(x):
        return 0.0
    exponent = math.floor(math.log10(abs(x)))
    digits = min(max(exponent + 5, 5), 16)
    return 0.5 * 10.0 ** (exponent - digits + 1)


@dataclass(frozen=True)
class Interval:
    """The numbers from `low` to `high`."""

    low: float
    high: float

    @classmethod
    def of(cls, x: float) -> Interval:
        """The numbers that print as `x`."""
        # a number that prints as an integer can be one that is not: 29.99999 prints as 30
        slack = half_unit(x) or half_unit(abs(x) + 0.5)
        return cls(x - slack, x + slack)

    @classmethod
    def of_constant(cls, x: float) -> Interval:
        """The constant that prints as `x`: a fraction of small numbers where one does, as 0.66667 is 2/3."""
        near = Fraction(x).limit_denominator(_LARGEST_DENOMINATOR) if math.isfinite(x) else x
        exact = float(near)
        return cls(exact, exact) if abs(exact - x) <= half_unit(x) else cls.of(x)

    def times(self, factor: Interval) -> Interval:
        """All products of a number here and a positive one of `factor`."""
        return Interval(
            self.low * factor.low * (1 - _RELATIVE_SLACK),
            self.high * factor.high * (1 + _RELATIVE_SLACK),
        )

    def inverse(self) -> Interval:
        """One over each number here; they are positive."""
        return Interval(1 / self.high, 1 / self.low)

    def meet(self, other: Interval) -> Interval | None:
        """What is in both; None where nothing is."""
        low, high = max(self.low, other.low), min(self.high, other.high)
        return Interval(low, high) if low <= high else None

    def middle(self) -> float:
        """The number halfway."""
        return (self.low + self.high) / 2
