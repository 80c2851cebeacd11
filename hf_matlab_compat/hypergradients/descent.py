"""Gradient descent with momentum, whose learning rates and momenta may differ by step and by layer.

Notation
--------
v ← γ v - (1 - γ) g;  x ← x + α v, for t = 0 … N-1 from v = 0;  g = ∇loss(x, η, t)
α, γ : learning rate and momentum of step t, for all parameters or a group (layer) of them
γ is used as n / 65536 with n = ⌊65536 γ + 1⌋, in 1 - γ too, so that training can be undone exactly
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hf_matlab_compat.errors import OptionError, quoted
from hf_matlab_compat.hypergradients.remainders import BITS
from hf_matlab_compat.kinds import check_settings, or_none, whole

DENOMINATOR = 1 << BITS
"""Of every momentum, which is used as n / 65536."""
_LARGEST_MOMENTUM = 1 - 1 / DENOMINATOR
"""From here on n would be 65536: no decay."""


@dataclass(frozen=True)
class Descent:
    """Settings of the descent: learning rates and momenta.

    Parameters
    ----------
    learning_rates, momenta : float, (N,) array or (N, G) array
        One for all steps, one a step, or one a step and group; (1, G) for the same in all steps.
    steps : int, optional
        N; needed where neither has a row for each step.

    Raises
    ------
    OptionError
        Lengths differ or are not given, a learning rate is not finite, or a momentum is not between 0 and 0.99998.
    """

    learning_rates: Any
    momenta: Any = 0.9
    steps: int | None = None

    def __post_init__(self) -> None:
        check_settings(self, steps=or_none(whole(1)))
        rates, momenta = table("learning_rates", self.learning_rates), table("momenta", self.momenta)
        if not np.isfinite(rates).all():
            raise OptionError("learning_rates", expected="finite numbers", got=_first(rates, ~np.isfinite(rates)))
        wrong = ~((momenta > 0) & (momenta < _LARGEST_MOMENTUM))
        if wrong.any():
            raise OptionError(
                "momenta",
                expected=f"numbers between 0 and {_LARGEST_MOMENTUM:.5f}, both excluded",
                got=_first(momenta, wrong),
            )
        N = self.num_steps
        if N == 1 and self.steps is None and 1 not in (np.ndim(self.learning_rates), np.ndim(self.momenta)):
            raise OptionError(
                "steps",
                expected="the number of steps, as neither {learning_rates} nor {momenta} have a row for each",
                got=None,
            )
        for name, each in (("learning_rates", rates), ("momenta", momenta)):
            if len(each) not in {1, N}:
                raise OptionError(name, expected=f"a number for each of {N} steps", got=f"{len(each)} numbers")

    @property
    def num_steps(self) -> int:
        """N."""
        if self.steps is not None:
            return self.steps
        return max(len(table("", self.learning_rates)), len(table("", self.momenta)))


def table(name: str, values: Any) -> NDArray[Any]:
    """Return rates or momenta as an array (N or 1, G or 1).

    Raises
    ------
    OptionError
        They are no numbers, have more than two axes, or are none at all.
    """
    try:
        array = np.asarray(values, dtype=float)
    except (TypeError, ValueError) as error:
        raise OptionError(name, expected="a number, one a step, or a row a step", got=quoted(values)) from error
    if array.ndim > 2 or array.size == 0:
        raise OptionError(
            name, expected="a number, one a step, or a row a step", got=f"an array of shape {array.shape}"
        )
    return array.reshape(-1, 1) if array.ndim < 2 else array


def _first(values: NDArray[Any], wrong: NDArray[Any]) -> str:
    step = int(np.argwhere(wrong)[0][0])
    return f"{values[wrong][0]:g} at step {step}" if len(values) > 1 else f"{values[wrong][0]:g}"


class Schedule:
    """The settings of every step, spread over the parameters.

    Parameters
    ----------
    descent : Descent
    groups : sequence of int
        Number of parameters in each group.

    Attributes
    ----------
    num_steps : int
        N.

    Raises
    ------
    OptionError
        Rates or momenta are by group, and their groups are others.
    """

    def __init__(self, descent: Descent, groups: Sequence[int]) -> None:
        self._rates, self._momenta = table("", descent.learning_rates), table("", descent.momenta)
        self._descent, self.groups = descent, list(groups)
        self.num_steps = descent.num_steps
        for name, each in (("learning_rates", self._rates), ("momenta", self._momenta)):
            if each.shape[1] not in {1, len(groups)}:
                raise OptionError(
                    name,
                    expected=f"one column, or one for each of {len(groups)} groups of parameters",
                    got=f"{each.shape[1]} columns",
                )

    def rate(self, t: int) -> Any:
        """Return α of step t: a number, or an array (P,)."""
        return self._spread(_row(self._rates, t))

    def numerator(self, t: int) -> Any:
        """Return n of step t: a number, or an array (P,)."""
        n = np.floor(_row(self._momenta, t) * DENOMINATOR + 1).astype(np.int64)
        return self._spread(n)

    def decay(self, t: int) -> Any:
        """Return n / 65536, the momentum that step t uses: a number, or an array (P,)."""
        return self.numerator(t) / DENOMINATOR

    def _spread(self, row: NDArray[Any]) -> Any:
        return row[0] if len(row) == 1 else np.repeat(row, self.groups)

    def zeros(self) -> tuple[NDArray[Any], NDArray[Any]]:
        """Return arrays of zeros for derivatives by step, (N, G or 1): of the learning rates and of the momenta."""
        return (
            np.zeros((self.num_steps, self._rates.shape[1])),
            np.zeros((self.num_steps, self._momenta.shape[1])),
        )

    def add_up(self, vector: NDArray[Any], columns: int) -> Any:
        """Return the sum of a vector (P,), or with more than one column its sums by group."""
        if columns == 1:
            return vector.sum()
        return np.array([part.sum() for part in np.split(vector, np.cumsum(self.groups)[:-1])])

    def as_given(self, name: str, by_step: NDArray[Any]) -> Any:
        """Return derivatives by step in the shape in which the settings were given."""
        given = np.asarray(getattr(self._descent, name))
        if table("", given).shape[0] == 1:
            by_step = by_step.sum(axis=0, keepdims=True)
        return float(by_step[0, 0]) if given.ndim == 0 else by_step.reshape(given.shape)

    def shortened(self, steps: int) -> Schedule:
        """Return a schedule of fewer steps, each with the mean settings of its part of this one."""
        parts = np.array_split(np.arange(self.num_steps), steps)
        rates, momenta = (
            np.array([each[part % len(each)].mean(axis=0) for part in parts]) for each in (self._rates, self._momenta)
        )
        return Schedule(Descent(rates, momenta, steps), self.groups)


def _row(settings: NDArray[Any], t: int) -> NDArray[Any]:
    return settings[t if len(settings) > 1 else 0]
