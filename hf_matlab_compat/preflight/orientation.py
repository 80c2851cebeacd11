"""Cases in rows by mistake: the shapes, and other known numbers, reveal it."""

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
    """Known numbers, besides inputs and targets, that tell whether these are transposed.

    Attributes
    ----------
    hidden_sizes : sequence of int
        Units of the hidden layers.
    num_given : int
        Number of the given initial parameters; 0 for none.
    other_pair : tuple of two shapes
        Shapes of the other inputs and targets: the test cases when the training cases are checked, and vice versa.
    """

    hidden_sizes: Sequence[int] = ()
    num_given: int = 0
    other_pair: tuple[Shape, Shape] = ((), ())

    def turned(self, inputs: Shape, targets: Shape) -> bool:
        """Return whether another number says that both have their cases in rows."""
        fit, other_fit = self._parameters_fit(inputs, targets), self._parameters_fit(inputs[::-1], targets[::-1])
        if fit != other_fit:
            return other_fit
        return self._other_pair_says_turned(inputs, targets)

    def right(self, inputs: Shape, targets: Shape) -> bool:
        """Return whether another number says that both have their cases in columns."""
        same_rows = len(self.other_pair[0]) == 2 and self.other_pair[0][0] == inputs[0]
        return self._parameters_fit(inputs, targets) or same_rows

    def _parameters_fit(self, inputs: Shape, targets: Shape) -> bool:
        return self.num_given == num_parameters([inputs[0], *self.hidden_sizes, targets[0]])

    def _other_pair_says_turned(self, inputs: Shape, targets: Shape) -> bool:
        x, t = self.other_pair
        if len(x) != 2 or len(t) != 2 or x[0] == inputs[0]:
            return False
        columns = (inputs[1], targets[1])  # numbers of units, if these two are transposed
        return columns in ((x[0], t[0]), (x[1], t[1]))


def clues_of(hidden_sizes: Sequence[int], initial_theta: Any, test_inputs: Any, test_targets: Any) -> Clues:
    """Return what the user's other arguments say about the training cases."""
    given = _shape(initial_theta)
    return Clues(hidden_sizes, math.prod(given) if given else 0, (_shape(test_inputs), _shape(test_targets)))


def _shape(values: Any) -> Shape:
    """Return the shape of anything that the user gave; () for nothing and for no array."""
    shape = getattr(values, "shape", None)
    if shape is None and values is not None:
        try:
            shape = np.shape(values)
        except ValueError:  # rows of different lengths, which `real_array` refuses
            shape = ()
    return tuple(shape or ())


def check_orientation(clues: Clues, sizes: Sequence[int], num_cases: int) -> None:
    """Refuse an autoencoder's cases in rows if the number of initial parameters reveals them.

    Raises
    ------
    DataError
        The initial parameters fit the transposed cases.
    """
    given, turned = clues.num_given, [num_cases, *sizes[1:-1], num_cases]
    if given != num_parameters(sizes) and given == num_parameters(turned) and sizes[0] == sizes[-1]:
        raise DataError(
            "inputs",
            expected=f"{num_cases} rows, which fit the {given} numbers of {{initial_theta}}",
            got=f"shape {(sizes[0], num_cases)}",
            advice=in_rows("inputs", "targets"),
        )


def warn_of_wide_cases(num_inputs: int, num_cases: int) -> None:
    """Warn if there are fewer cases than numbers in a case; for a run whose size no parameters confirm.

    Warns
    -----
    DataWarning
        There are fewer cases than numbers.
    """
    if num_inputs > num_cases:
        warnings.warn(
            f"There are {num_cases} cases of {num_inputs} numbers each, fewer cases than numbers. Cases go in columns; "
            "if yours are in rows, transpose them.",
            DataWarning,
            stacklevel=5,
        )


def in_rows(*names: str) -> str:
    """Return the advice for arrays that seem to have their cases in rows."""
    if not names:
        return ""
    said = " and ".join(f"{{{name}}}" for name in names)
    seem, them = ("seems", "it") if len(names) == 1 else ("seem", "them")
    return f"Cases go in columns; {said} {seem} to have them in rows: transpose {them}."


def unequal_columns(inputs_name: str, inputs: Shape, targets_name: str, targets: Shape, clues: Clues) -> str:
    """Return the advice for inputs and targets with different numbers of columns."""
    if clues.turned(inputs, targets):
        return in_rows(inputs_name, targets_name)
    if inputs[0] == targets[0]:  # as in an autoencoder with cases missing on one side: nothing is transposed
        return f"Cases go in columns; the shapes are {inputs} and {targets}."
    return in_rows(*_one_turned(inputs_name, inputs, targets_name, targets))


def unequal_rows(test_name: str, test: Shape, train_name: str, train: Shape) -> str:
    """Return the advice for test cases with another number of rows than the training cases."""
    if test[1] == train[1]:
        return in_rows(test_name, train_name)  # both have one case per row, and different numbers of cases
    return in_rows(*_one_turned(test_name, test[::-1], train_name, train[::-1]))


def _one_turned(name: str, shape: Shape, other_name: str, other: Shape) -> tuple[str, ...]:
    """Return which of two matrices to transpose so that both have the same number of columns."""
    if shape[0] == other[1]:
        return (name,)
    return (other_name,) if shape[1] == other[0] else ()
