"""The cases that were given: shapes that fit each other, chunks that divide them, targets that fit the output."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hf_matlab_compat.errors import DataError, DataWarning, OptionError
from hf_matlab_compat.options import Options
from hf_matlab_compat.preflight.arrays import real_matrix

_SUM_TOLERANCE = 1e-3
"""How far the targets of a softmax case may sum from 1: data kept in single or printed with four digits passes."""


@dataclass(frozen=True)
class DataSet:
    """Checked cases.

    Attributes
    ----------
    inputs, targets : (s_0, N), (s_L, N) arrays
    num_chunks : int
        Divides N.
    """

    inputs: NDArray[Any]
    targets: NDArray[Any]
    num_chunks: int


def check_training_data(inputs: Any, targets: Any, output_unit: str, options: Options) -> DataSet:
    """The training cases, checked.

    Raises
    ------
    DataError, OptionError
    """
    data = _pair("inputs", "targets", "num_chunks", inputs, targets, options)
    check_targets("targets", data.targets, output_unit, options)
    return data


def check_test_data(inputs: Any, targets: Any, training: DataSet, options: Options) -> DataSet | None:
    """The held-out cases, checked against the training cases; None when there are none.

    Raises
    ------
    DataError, OptionError
    """
    if inputs is None and targets is None:
        return None
    if inputs is None or targets is None:
        missing = "test_inputs" if inputs is None else "test_targets"
        raise DataError(missing, expected="both {test_inputs} and {test_targets}, or neither", got="nothing")
    data = _pair("test_inputs", "test_targets", "num_test_chunks", inputs, targets, options)
    for name, test, train in (
        ("test_inputs", data.inputs, training.inputs),
        ("test_targets", data.targets, training.targets),
    ):
        if test.shape[0] != train.shape[0]:
            plain = name.removeprefix("test_")
            raise DataError(
                name,
                expected=f"{train.shape[0]} rows, as {{{plain}}} has",
                got=f"shape {test.shape}",
                advice=_ROWS if test.shape[1] in (train.shape[0], train.shape[1]) else "",
            )
    return data


_ROWS = "Cases go in columns; it looks as if these are in rows: transpose them."


def _pair(
    inputs_name: str, targets_name: str, chunks_name: str, inputs: Any, targets: Any, options: Options
) -> DataSet:
    x, t = real_matrix(inputs_name, inputs), real_matrix(targets_name, targets)
    if x.shape[1] != t.shape[1]:
        in_rows = x.shape[0] == t.shape[0]
        raise DataError(
            targets_name,
            expected=f"as many cases (columns) as {{{inputs_name}}}, which has {x.shape[1]}",
            got=f"{t.shape[1]}",
            advice=_ROWS if in_rows else "",
        )
    num_chunks = getattr(options, chunks_name)
    num_cases = x.shape[1]
    kept = num_cases - num_cases % num_chunks
    if kept != num_cases and not (options.trim_cases and kept):
        raise OptionError(
            chunks_name,
            expected=f"a divisor of the {num_cases} cases in {{{inputs_name}}}",
            got=num_chunks,
            advice=f"The nearest are {_nearest_divisors(num_cases, num_chunks)}; "
            f"or set {{trim_cases}} to drop the last {num_cases - kept} cases.",
        )
    return DataSet(x[:, :kept], t[:, :kept], num_chunks)


def _nearest_divisors(num_cases: int, wanted: int) -> str:
    divisors = [k for k in range(1, num_cases + 1) if num_cases % k == 0]
    below = [k for k in divisors if k < wanted][-1:]
    above = [k for k in divisors if k > wanted][:1]
    return " and ".join(str(k) for k in below + above)


def check_targets(name: str, targets: NDArray[Any], output_unit: str, options: Options) -> None:
    """Whether the targets are what the output and the error measure take them for.

    Raises
    ------
    DataError
        Outside [0, 1] for the cross-entropy of logistic units, not summing to 1 for softmax.
    """
    if options.loss == "matching" and output_unit == "logistic":
        low, high = targets.min(), targets.max()
        if low < 0 or high > 1:
            raise DataError(
                name,
                expected="numbers from 0 to 1 for logistic outputs",
                got=f"numbers from {low:g} to {high:g}",
                advice="Rescale them, or use squared error or linear outputs.",
            )
    if options.loss == "matching" and output_unit == "softmax":
        _check_distributions(name, targets)
    if options.error_measure == "misclassified" and not all(_is_one_hot(part) for part in _parts(targets)):
        warnings.warn(
            f"{name}: not every case has a single 1 among zeros, so the classification error means little.",
            DataWarning,
            stacklevel=2,
        )


def _check_distributions(name: str, targets: NDArray[Any]) -> None:
    first = 0
    for part in _parts(targets):
        sums = part.sum(axis=0, dtype=np.float64)
        wrong = (np.abs(sums - 1) > _SUM_TOLERANCE) | (part.min(axis=0) < 0)
        if wrong.any():
            case = int(np.argmax(wrong))
            raise DataError(
                name,
                expected="for softmax outputs, cases whose targets are at least 0 and sum to 1",
                got=f"a sum of {sums[case]:g} and a least value of {part[:, case].min():g} in case {first + case} "
                "(counted from 0)",
                advice="Use one-of-k targets.",
            )
        first += part.shape[1]


def _is_one_hot(part: NDArray[Any]) -> bool:
    return bool(((part == 1).sum(axis=0) == 1).all() and ((part == 0) | (part == 1)).all())


def _parts(array: NDArray[Any], columns: int = 65536) -> Iterator[NDArray[Any]]:
    for start in range(0, array.shape[1], columns):
        yield array[:, start : start + columns]
