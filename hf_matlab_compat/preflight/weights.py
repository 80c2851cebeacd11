"""Weights of cases, given case by case or class by class."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from hf_matlab_compat.errors import DataError
from hf_matlab_compat.objective.cases import ChunkedCases
from hf_matlab_compat.preflight.arrays import real_array


class Weights(NamedTuple):
    """As the user gave them; None for none."""

    cases: Any = None
    classes: Any = None


NO_WEIGHTS = Weights()


def weighted(data: ChunkedCases, weights: Weights, num_given: int, precision: str = "double") -> ChunkedCases:
    """Return the same cases with their weights, the product of case weight and class weight.

    `num_given` is the number of cases that the user gave; the last ones may have been dropped. Weights must be finite
    in `precision`.

    Raises
    ------
    DataError
        They are negative, all 0, or their number is wrong; or the targets are no classes.
    """
    w = None
    if weights.cases is not None:
        expected = f"{num_given} numbers, one for each case (column) of {{inputs}}"
        w = _numbers("case_weights", weights.cases, num_given, expected, precision)[: len(data)]
    if weights.classes is not None:
        by_class = _by_class(data.targets, weights.classes, precision)
        w = by_class if w is None else w * by_class
    if w is None:
        return data
    if not w.any():
        name = "case_weights" if weights.cases is not None else "class_weights"
        raise DataError(name, expected="a weight above 0 for at least one case", got="0 for all cases")
    return replace(data, weights=w.reshape(1, -1))


def _by_class(targets: NDArray[Any], given: Any, precision: str) -> NDArray[np.float64]:
    # return the class weight of every case; a single output unit has the classes 0 and 1
    outputs = targets.shape[0]
    single = outputs == 1
    expected = f"{max(outputs, 2)} numbers, " + ("of targets 0 and 1" if single else "one for each row of {targets}")
    of_class = _numbers("class_weights", given, max(outputs, 2), expected, precision)
    one_of_k = ((targets == 0) | (targets == 1)).all() and (single or (targets.sum(axis=0) == 1).all())
    if not one_of_k:
        raise DataError(
            "class_weights",
            expected="one-of-k {targets}: 0 or 1, with a single 1 in each case",
            got="other targets",
            advice="Give {case_weights} instead.",
        )
    return of_class[np.asarray(targets[0] if single else targets.argmax(axis=0), dtype=np.intp)]


def _numbers(name: str, given: Any, count: int, expected: str, precision: str) -> NDArray[np.float64]:
    array = real_array(name, given, precision).astype(np.float64)
    if array.size != count or max(array.shape, default=1) != array.size:
        raise DataError(name, expected=expected, got=f"shape {array.shape}" if array.size == count else array.size)
    if array.min() < 0:
        raise DataError(name, expected="numbers of at least 0", got=f"{array.min():g}")
    return array.ravel()
