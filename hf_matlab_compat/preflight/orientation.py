"""Cases in rows by mistake: what the shapes, and the figures beside them, give away."""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from hf_matlab_compat.errors import DataError, DataWarning
from hf_matlab_compat.model.packing import num_parameters

Shape = tuple[int, ...]


@dataclass(frozen=True)
class Clues:
    """What is known beside a pair of inputs and targets, and tells which way round they are.

    Attributes
    ----------
    hidden_sizes : sequence of int
        Units of the hidden layers.
    num_given : int
        Initial parameters that were given; 0 for none.
    other_pair : tuple of two shapes
        Of the other inputs and targets: those to test on beside those to train on, and the other way round.
    """

    hidden_sizes: Sequence[int] = ()
    num_given: int = 0
    other_pair: tuple[Shape, Shape] = ((), ())

    def turned(self, inputs: Shape, targets: Shape) -> bool:
        """Whether another figure says that both have their cases in rows."""
        fit, other_fit = self._parameters_fit(inputs, targets), self._parameters_fit(inputs[::-1], targets[::-1])
        if fit != other_fit:
            return other_fit
        return self._other_pair_says_turned(inputs, targets)

    def right(self, inputs: Shape, targets: Shape) -> bool:
        """Whether another figure says that both have their cases in columns."""
        same_rows = len(self.other_pair[0]) == 2 and self.other_pair[0][0] == inputs[0]
        return self._parameters_fit(inputs, targets) or same_rows

    def _parameters_fit(self, inputs: Shape, targets: Shape) -> bool:
        return self.num_given == num_parameters([inputs[0], *self.hidden_sizes, targets[0]])

    def _other_pair_says_turned(self, inputs: Shape, targets: Shape) -> bool:
        x, t = self.other_pair
        if len(x) != 2 or len(t) != 2 or x[0] == inputs[0]:
            return False
        columns = (inputs[1], targets[1])  # the numbers of units, where these two are turned
        return columns in ((x[0], t[0]), (x[1], t[1]))


def clues_of(hidden_sizes: Sequence[int], initial_theta: Any, test_inputs: Any, test_targets: Any) -> Clues:
    """What the caller's other arguments tell about the cases to train on."""
    given = _shape(initial_theta)
    return Clues(hidden_sizes, math.prod(given) if given else 0, (_shape(test_inputs), _shape(test_targets)))


def _shape(values: Any) -> Shape:
    """The shape of whatever the caller gave; () for nothing and for what is no array."""
    shape = getattr(values, "shape", None)
    if shape is None and values is not None:
        try:
            shape = np.shape(values)
        except ValueError:  # rows of different lengths, which are refused elsewhere
            shape = ()
    return tuple(shape or ())


def check_orientation(clues: Clues, sizes: Sequence[int], num_cases: int) -> None:
    """Refuse an autoencoder's cases in rows where the number of initial parameters gives them away.

    Raises
    ------
    DataError
    """
    given, turned = clues.num_given, [num_cases, *sizes[1:-1], num_cases]
    if given != num_parameters(sizes) and given == num_parameters(turned) and sizes[0] == sizes[-1]:
        raise DataError(
            "inputs",
            expected=f"{num_cases} rows, which is what the {given} numbers of {{initial_theta}} fit",
            got=f"shape {(sizes[0], num_cases)}",
            advice=in_rows("inputs", "targets"),
        )


def warn_of_wide_cases(num_inputs: int, num_cases: int) -> None:
    """Say so where cases have more numbers than there are cases, and no parameters say how many they should have.

    Warns
    -----
    DataWarning
    """
    if num_inputs > num_cases:
        warnings.warn(
            f"There are {num_cases} cases of {num_inputs} numbers each, fewer cases than numbers. Cases go in columns; "
            "if yours are in rows, transpose them.",
            DataWarning,
            stacklevel=5,
        )


def in_rows(*names: str) -> str:
    """What to do when the shapes say that these have their cases in rows."""
    if not names:
        return ""
    said = " and ".join(f"{{{name}}}" for name in names)
    seem, them = ("seems", "it") if len(names) == 1 else ("seem", "them")
    return f"Cases go in columns; {said} {seem} to have them in rows: transpose {them}."


def unequal_columns(inputs_name: str, inputs: Shape, targets_name: str, targets: Shape, clues: Clues) -> str:
    """What to do about inputs and targets with different numbers of columns."""
    if clues.turned(inputs, targets):
        return in_rows(inputs_name, targets_name)
    if inputs[0] == targets[0]:  # as in an autoencoder one of whose sides lost some cases: nothing is turned there
        return f"Cases go in columns; the shapes are {inputs} and {targets}."
    return in_rows(*_one_turned(inputs_name, inputs, targets_name, targets))


def unequal_rows(test_name: str, test: Shape, train_name: str, train: Shape) -> str:
    """What to do about cases to test on that have other numbers of rows than those to train on."""
    if test[1] == train[1]:
        return in_rows(test_name, train_name)  # as many numbers in each row, and other numbers of rows
    return in_rows(*_one_turned(test_name, test[::-1], train_name, train[::-1]))


def _one_turned(name: str, shape: Shape, other_name: str, other: Shape) -> tuple[str, ...]:
    """Which of two matrices, that should have as many columns, to transpose so that they have."""
    if shape[0] == other[1]:
        return (name,)
    return (other_name,) if shape[1] == other[0] else ()
