"""The cases that were given: shapes that fit each other, chunks that divide them, targets that fit the output."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hf_matlab_compat.errors import DataError, DataWarning, OptionError
from hf_matlab_compat.model.packing import num_parameters
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


def check_test_data(inputs: Any, targets: Any, training: DataSet, output_unit: str, options: Options) -> DataSet | None:
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
    _check_same_rows("inputs", data.inputs.shape, training.inputs.shape)
    _check_same_rows("targets", data.targets.shape, training.targets.shape)
    check_targets("test_targets", data.targets, output_unit, options)
    return data


def check_orientation(initial_theta: Any, sizes: Sequence[int], num_cases: int) -> None:
    """Refuse an autoencoder's cases in rows where the number of initial parameters gives them away.

    Raises
    ------
    DataError
    """
    given = 0 if initial_theta is None else np.size(initial_theta)
    turned = [num_cases, *sizes[1:-1], num_cases]
    if given != num_parameters(sizes) and given == num_parameters(turned) and sizes[0] == sizes[-1]:
        raise DataError(
            "inputs",
            expected=f"{num_cases} rows, which is what the {given} numbers of {{initial_theta}} fit",
            got=f"shape {(sizes[0], num_cases)}",
            advice=_in_rows("inputs", "targets"),
        )


def _check_same_rows(plain: str, test: tuple[int, ...], train: tuple[int, ...]) -> None:
    if test[0] == train[0]:
        return
    name = f"test_{plain}"
    raise DataError(
        name,
        expected=f"{train[0]} rows, as {{{plain}}} has",
        got=f"shape {test}",
        advice=_in_rows(*_turned(name, test[::-1], plain, train[::-1])),
    )


def _turned(name: str, shape: tuple[int, ...], other_name: str, other: tuple[int, ...]) -> tuple[str, ...]:
    """Which of two matrices, that should have as many columns, to transpose so that they have."""
    if shape[0] == other[0]:
        return name, other_name
    if shape[0] == other[1]:
        return (name,)
    return (other_name,) if shape[1] == other[0] else ()


def _in_rows(*names: str) -> str:
    """What to do when the shapes say that these have their cases in rows."""
    if not names:
        return ""
    said = " and ".join(f"{{{name}}}" for name in names)
    seem, them = ("seems", "it") if len(names) == 1 else ("seem", "them")
    return f"Cases go in columns; {said} {seem} to have them in rows: transpose {them}."


def _pair(
    inputs_name: str, targets_name: str, chunks_name: str, inputs: Any, targets: Any, options: Options
) -> DataSet:
    x, t = real_matrix(inputs_name, inputs), real_matrix(targets_name, targets)
    if x.shape[1] != t.shape[1]:
        raise DataError(
            targets_name,
            expected=f"as many cases (columns) as {{{inputs_name}}}, which has {x.shape[1]}",
            got=t.shape[1],
            advice=_in_rows(*_turned(inputs_name, x.shape, targets_name, t.shape)),
        )
    num_chunks = getattr(options, chunks_name)
    num_cases = x.shape[1]
    kept = num_cases - num_cases % num_chunks
    if kept != num_cases and not (options.trim_cases and kept):
        looks_turned = chunks_name == "num_chunks" and x.shape[0] > num_cases and x.shape[0] % num_chunks == 0
        raise OptionError(
            chunks_name,
            expected=f"a divisor of the {num_cases} cases in {{{inputs_name}}}",
            got=num_chunks,
            advice=_in_rows(inputs_name, targets_name) if looks_turned else _nearest_divisors(num_cases, num_chunks),
        )
    return DataSet(x[:, :kept], t[:, :kept], num_chunks)


def _nearest_divisors(num_cases: int, wanted: int) -> str:
    divisors = [k for k in range(1, num_cases + 1) if num_cases % k == 0]
    below = [k for k in divisors if k < wanted][-1:]
    above = [k for k in divisors if k > wanted][:1]
    nearest = " and ".join(str(k) for k in below + above)
    if not above:
        return f"The nearest is {nearest}."
    left_over = num_cases % wanted
    cases = "case" if left_over == 1 else f"{left_over} cases"
    return f"The nearest are {nearest}; or set {{trim_cases}}=True to drop the last {cases}."


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
                advice="Rescale them, set {loss='squared'}, or use 'linear' outputs.",
            )
    if options.loss == "matching" and output_unit == "softmax":
        _check_distributions(name, targets)
    if options.error_measure == "misclassified" and not all(_is_one_hot(part) for part in _parts(targets)):
        which = "test" if name.startswith("test_") else "training"
        warnings.warn(
            f"The targets of the {which} cases are not all a single 1 among zeros, so the share of misclassified "
            "cases means little.",
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
                expected="targets of at least 0 that sum to 1 in each case, for softmax outputs",
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
