"""Training whose steps are undone exactly, so that nothing but its end and some remainders are kept."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hf_matlab_compat.errors import OptionError
from hf_matlab_compat.hypergradients.fixed_point import FRACTION_BITS, Decaying, FixedPoint, RangeError
from hf_matlab_compat.hypergradients.trail import Back, Training
from hf_matlab_compat.kinds import check_settings, whole

_FEWEST_BITS, _MOST_BITS = 32, 60
"""With 32 bits a product with a momentum is off by up to 2^-16 (see `fixed_point`); with 60, numbers stay below 8."""
_OFFERED = 40
"""Fraction bits that an error offers: a range of 8 million."""


@dataclass(frozen=True)
class Reversible:
    """Train in fixed point, where every step can be undone without error (Maclaurin, Duvenaud & Adams 2015).

    Parameters
    ----------
    fraction_bits : int
        Parameters are multiples of 2^-fraction_bits and stay below 2^(63 - fraction_bits) in size: 2048.

    Raises
    ------
    OptionError
        There are fewer than 32 bits or more than 60.
    """

    fraction_bits: int = FRACTION_BITS

    def __post_init__(self) -> None:
        check_settings(self, fraction_bits=whole(_FEWEST_BITS, _MOST_BITS))

    def run(self, training: Training) -> ReversibleTrail:
        """Train.

        Raises
        ------
        OptionError
            A parameter leaves the range, or a gradient is not finite.
        """
        return ReversibleTrail(training, self.fraction_bits)


class ReversibleTrail:
    """The end of a run in fixed point, from which it is undone step by step.

    Parameters
    ----------
    training : Training
    fraction_bits : int

    Raises
    ------
    OptionError
        A parameter leaves the range.
    """

    def __init__(self, training: Training, fraction_bits: int) -> None:
        self._training, self.schedule, self._bits = training, training.schedule, fraction_bits
        try:
            self._x = FixedPoint(training.start, fraction_bits)
        except RangeError as error:
            raise self._out_of_range("start", error) from None
        self._v = Decaying(np.zeros_like(training.start), fraction_bits)
        for t in range(self.schedule.num_steps):
            self._step(t)
        self.x_final = self._x.values
        self.kept_bytes = self._x.nbytes + self._v.nbytes

    def _out_of_range(self, name: str, error: RangeError, when: str = "", advice: str = "") -> OptionError:
        bits = _OFFERED if self._bits > _OFFERED else _FEWEST_BITS
        wider = f"Reversible(fraction_bits={bits}) holds numbers below {2 ** (63 - bits)}." if bits < self._bits else ""
        return OptionError(
            name,
            expected=f"numbers below {2 ** (63 - self._bits)} in size, the range of {self._bits} fraction bits",
            got=f"{error.value:.5g}{when}",
            advice=advice + wider,
        )

    def _step(self, t: int) -> None:
        g, when = self._training.gradient(self._x.values, t), f" in step {t} of {self.schedule.num_steps}"
        self._v.multiply(self.schedule.numerator(t))
        try:
            self._v.add((self.schedule.decay(t) - 1) * g)
        except RangeError as error:
            advice = "Take smaller learning rates, or divide the loss by a number. "
            raise self._out_of_range("loss", error, f" as a velocity{when}", advice) from None
        try:
            self._x.add(self.schedule.rate(t) * self._v.values)
        except RangeError as error:
            raise self._out_of_range("learning_rates", error, when, "Take smaller learning rates. ") from None

    def back(self) -> Iterator[Back]:
        """Yield the steps, the last first, each undone.

        Raises
        ------
        OptionError
            The run did not arrive at its start.
        """
        for t in reversed(range(self.schedule.num_steps)):
            try:
                yield self._undone(t)
            except RangeError:
                raise self._missed() from None
        if not self.is_at_start:
            raise self._missed()

    def _undone(self, t: int) -> Back:
        v_after = self._v.values
        self._x.add(-self.schedule.rate(t) * v_after)
        g, products = self._training.linearized(self._x.values, t)
        self._v.add((1 - self.schedule.decay(t)) * g)
        self._v.divide(self.schedule.numerator(t))
        return Back(t, (v_after, self._v.values), g, products)

    @property
    def is_at_start(self) -> bool:
        """True if all integers are those of the start and no remainder is left."""
        start = FixedPoint(self._training.start, self._bits).integers
        at_rest = not self._v.integers.any() and self._v.remainders.is_empty
        return at_rest and np.array_equal(self._x.integers, start)

    @property
    def remainders(self) -> list[int]:
        """The remainders, one a parameter."""
        return self._v.remainders.integers

    @property
    def integers(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """The integers of x and of v."""
        return self._x.integers, self._v.integers

    def _missed(self) -> OptionError:
        return OptionError(
            "loss",
            expected="the same bits of the gradient from the same arguments",
            got="others, so that running back missed the start",
            advice="Let all that is random depend on t alone; if only rounding differs, take by='checkpoints'.",
        )
