"""Rules that merge an update into shared parameters: their formulas, and what they refuse."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from hf_matlab_compat.distributed.merges import Average, Delta, Masked, Merge, merge_of, plain
from hf_matlab_compat.errors import OptionError

SEEN = np.array([1, 2, 3, 4], np.float32)
SHARED = np.array([1, 2.25, 3, 4.005], np.float32)  # others changed the second entry, and the last one a little
NEW = np.array([5, 6, 7, 8], np.float32)


@pytest.mark.parametrize(
    ("merge", "theta", "written"),
    [
        (Masked(), [5, 2.25, 7, 4.005], 0.5),
        (Masked(0.01), [5, 2.25, 7, 8], 0.75),
        (Delta(), [5, 6.25, 7, 8.005], 1),
        (Delta(0.25), [2, 3.25, 4, 5.005], 1),
        (Average(), [3, 4.125, 5, 6.0025], 1),
        (Average(1), [5, 6, 7, 8], 1),
    ],
)
def test_an_update_is_merged_by_its_formula_in_the_precision_of_the_run(
    merge: Merge, theta: list[float], written: float
) -> None:
    before = SHARED.copy()
    update = merge.sent(SEEN, NEW)
    made = merge.merged(SHARED, update)
    assert len(update) == merge.num_vectors
    assert made.theta.dtype == np.float32
    assert np.array_equal(made.theta, np.array(theta, np.float32))
    assert made.written == written
    assert np.array_equal(SHARED, before)
    assert merge_of(**plain(merge)) == merge


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"name": "sum"}, "merge: expected one of 'masked', 'delta', 'average', got 'sum'."),
        ({"name": "delta", "tolerance": 0.1}, "tolerance: expected nothing beside merge='delta', which has portion"),
        ({"name": "delta", "portion": 0.0}, "portion: expected a number above 0 and at most 1, got 0.0."),
        ({"name": "average", "portion": 1.5}, "portion: expected a number above 0 and at most 1, got 1.5."),
        ({"name": "masked", "tolerance": -1.0}, "tolerance: expected a finite number of at least 0, got -1.0."),
        ({"name": "masked", "tolerance": float("nan")}, "tolerance: expected a finite number of at least 0, got nan."),
    ],
)
def test_wrong_rules_and_settings_are_refused(given: dict[str, Any], sentence: str) -> None:
    with pytest.raises(OptionError) as refused:
        merge_of(**given)
    assert str(refused.value).startswith(sentence)
    assert merge_of("average", portion=None, tolerance=None) == Average()
