"""Few settings that have every pair of values of any two factors, and all settings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations, product
from typing import Any

import numpy as np
import pytest

Setting = dict[str, Any]


def all_settings(factors: Mapping[str, Sequence[Any]]) -> list[Setting]:
    return [dict(zip(factors, values, strict=True)) for values in product(*factors.values())]


def pairwise(factors: Mapping[str, Sequence[Any]]) -> list[Setting]:
    """Settings, chosen greedily and always the same, in which every two values of two factors meet."""
    names = list(factors)
    left = {
        ((i, a), (j, b)): None  # a dict keeps the order
        for i, j in combinations(range(len(names)), 2)
        for a in range(len(factors[names[i]]))
        for b in range(len(factors[names[j]]))
    }
    rows: list[Setting] = []
    while left:
        row = dict(next(iter(left)))
        for i in (i for i in range(len(names)) if i not in row):
            found = [len(_pairs({**row, i: value}) & left.keys()) for value in range(len(factors[names[i]]))]
            row[i] = int(np.argmax(found))
        for pair in _pairs(row):
            left.pop(pair, None)
        rows.append({name: factors[name][row[i]] for i, name in enumerate(names)})
    return rows


def _pairs(row: Mapping[int, int]) -> set[tuple[tuple[int, int], tuple[int, int]]]:
    return set(combinations(sorted(row.items()), 2))  # type: ignore[arg-type]


def each(settings: Sequence[Setting]) -> pytest.MarkDecorator:
    """Parametrise by `setting`."""
    return pytest.mark.parametrize("setting", settings, ids=_name)


def _name(setting: Setting) -> str:
    return "-".join(str(value).replace(" ", "") for value in setting.values())
