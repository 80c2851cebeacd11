"""Checks of the cases: shapes that fit each other, chunks that divide them, targets that fit the output unit."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from hf_matlab_compat.errors import DataError, DataWarning, OptionError
from hf_matlab_compat.objective.cases import ChunkedCases
from hf_matlab_compat.options import Options
from hf_matlab_compat.preflight.arrays import real_matrix, starts_to_check
from hf_matlab_compat.preflight.orientation import Clues, in_rows, unequal_columns, unequal_rows
from hf_matlab_compat.preflight.weights import NO_WEIGHTS, Weights, weighted

_SUM_TOLERANCE = 1e-3
"""Largest deviation from 1 of the sum of a softmax case's targets; data in single or with four digits passes."""


NO_CLUES = Clues()


class Names(NamedTuple):
    """The names in `train` of inputs, targets and the number of their chunks."""

    inputs: str
    targets: str
    num_chunks: str


TRAINING = Names("inputs", "targets", "num_chunks")
TEST = Names("test_inputs", "test_targets", "num_test_chunks")


def check_training_data(
    inputs: Any,
    targets: Any,
    output_unit: str,
    options: Options,
    clues: Clues = NO_CLUES,
    weights: Weights = NO_WEIGHTS,
) -> ChunkedCases:
    """Return the training cases, checked.

    Raises
    ------
    DataError, OptionError
        They do not fit each other, the output unit, or the number of chunks.
    """
    x, t = _pair(TRAINING, inputs, targets, options, clues)
    data = _in_chunks(TRAINING, x, t, options, clues)
    check_targets("targets", data.targets, output_unit, options)
    return weighted(data, weights, x.shape[1], options.precision)


def check_test_data(
    inputs: Any, targets: Any, training: ChunkedCases, output_unit: str, options: Options, clues: Clues = NO_CLUES
) -> ChunkedCases | None:
    """Return the held-out cases, checked against the training cases; None if there are none.

    Raises
    ------
    DataError
        They do not fit each other, the training cases, or the output unit.
    OptionError
        The number of chunks does not divide them.
    """
    if inputs is None and targets is None:
        return None
    if inputs is None or targets is None:
        missing = "test_inputs" if inputs is None else "test_targets"
        raise DataError(missing, expected="both {test_inputs} and {test_targets}, or neither", got="nothing")
    clues = replace(clues, other_pair=(training.inputs.shape, training.targets.shape))
    x, t = _pair(TEST, inputs, targets, options, clues)
    _check_same_rows("inputs", x.shape, training.inputs.shape)
    _check_same_rows("targets", t.shape, training.targets.shape)
    data = _in_chunks(TEST, x, t, options, clues)
    check_targets("test_targets", data.targets, output_unit, options)
    return data


def _check_same_rows(plain: str, test: tuple[int, ...], train: tuple[int, ...]) -> None:
    if test[0] != train[0]:
        name = f"test_{plain}"
        raise DataError(
            name,
            expected=f"{train[0]} rows, as {{{plain}}} has",
            got=f"shape {test}",
            advice=unequal_rows(name, test, plain, train),
        )


def _pair(names: Names, inputs: Any, targets: Any, options: Options, clues: Clues) -> tuple[NDArray[Any], NDArray[Any]]:
    x = real_matrix(names.inputs, inputs, options.precision)
    t = real_matrix(names.targets, targets, options.precision)
    if x.shape[1] != t.shape[1]:
        raise DataError(
            names.targets,
            expected=f"as many cases (columns) as {{{names.inputs}}}, which has {x.shape[1]}",
            got=t.shape[1],
            advice=unequal_columns(names.inputs, x.shape, names.targets, t.shape, clues),
        )
    return x, t


def _in_chunks(names: Names, x: NDArray[Any], t: NDArray[Any], options: Options, clues: Clues) -> ChunkedCases:
    num_chunks, num_cases = getattr(options, names.num_chunks), x.shape[1]
    kept = num_cases - num_cases % num_chunks
    if kept != num_cases and not (options.trim_cases and kept):
        raise OptionError(
            names.num_chunks,
            expected=f"a divisor of the {num_cases} cases in {{{names.inputs}}}",
            got=num_chunks,
            advice=_about_chunks(names, x.shape, t.shape, num_chunks, clues),
        )
    return ChunkedCases(x[:, :kept], t[:, :kept], num_chunks)


def _about_chunks(names: Names, x: tuple[int, ...], t: tuple[int, ...], num_chunks: int, clues: Clues) -> str:
    if clues.turned(x, t):
        return in_rows(names.inputs, names.targets)
    nearest = _nearest_divisors(x[1], num_chunks)
    may_be_turned = x[0] > x[1] and x[0] % num_chunks == 0 and not clues.right(x, t)
    if not may_be_turned:
        return nearest
    both = f"{{{names.inputs}}} and {{{names.targets}}}"
    return f"Cases go in columns: if {both} have them in rows, transpose them. Otherwise t{nearest[1:]}"


def _nearest_divisors(num_cases: int, wanted: int) -> str:
    divisors = [k for k in range(1, num_cases + 1) if num_cases % k == 0]
    below = [k for k in divisors if k < wanted][-1:]
    above = [k for k in divisors if k > wanted][:1]
    nearest = " and ".join(str(k) for k in below + above)
    if not above:
        return f"The nearest is {nearest}."
    left_over = num_cases % wanted
    cases = "case" if left_over == 1 else f"{left_over} cases"
    return f"The nearest are {nearest}; or {{trim_cases}}=True drops the last {cases}."


def check_targets(name: str, targets: NDArray[Any], output_unit: str, options: Options) -> None:
    """Check that the targets fit the output unit and the error measure.

    Raises
    ------
    DataError
        They are outside [0, 1] for the cross-entropy of logistic units, or do not sum to 1 for softmax.

    Warns
    -----
    DataWarning
        They are not one-of-k for the error measure 'misclassified'.
    """
    if options.loss == "matching" and output_unit == "logistic":
        ends = [(part.min(), part.max()) for _, part in _parts(targets)]
        low, high = min((low for low, _ in ends), default=0), max((high for _, high in ends), default=0)
        if low < 0 or high > 1:
            raise DataError(
                name,
                expected="numbers from 0 to 1 for logistic outputs",
                got=f"numbers from {low:g} to {high:g}",
                advice="Rescale them, set {loss='squared'}, or use 'linear' outputs.",
            )
    if options.loss == "matching" and output_unit == "softmax":
        _check_distributions(name, targets)
    if options.error_measure == "misclassified" and not all(_is_one_hot(part) for _, part in _parts(targets)):
        which = "test" if name.startswith("test_") else "training"
        warnings.warn(
            f"The targets of the {which} cases are not all a single 1 among zeros, so the fraction of misclassified "
            "cases means little.",
            DataWarning,
            stacklevel=2,
        )


def _check_distributions(name: str, targets: NDArray[Any]) -> None:
    for first, part in _parts(targets):
        sums = part.sum(axis=0, dtype=np.float64)
        wrong = (np.abs(sums - 1) > _SUM_TOLERANCE) | (part.min(axis=0) < 0)
        if wrong.any():
            case = int(np.argmax(wrong))
            raise DataError(
                name,
                expected="targets of at least 0 that sum to 1 in each case, for softmax outputs",
                got=f"a sum of {sums[case]:g} and a smallest value of {part[:, case].min():g} in case {first + case} "
                "(counted from 0)",
                advice="Use one-of-k targets.",
            )


def _is_one_hot(part: NDArray[Any]) -> bool:
    return bool(((part == 1).sum(axis=0) == 1).all() and ((part == 0) | (part == 1)).all())


def _parts(array: NDArray[Any], columns: int = 65536) -> Iterator[tuple[int, NDArray[Any]]]:
    """Yield the parts that this process checks, each with the number of its first column."""
    for start in starts_to_check(array.shape[1], columns):
        yield start, array[:, start : start + columns]
