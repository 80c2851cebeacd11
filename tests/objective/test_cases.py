"""Cases, chunks and blocks."""

from __future__ import annotations

import numpy as np
import pytest

from hf_matlab_compat.objective import cases as cases_module
from hf_matlab_compat.objective.cases import Cases


def numbered(count: int, num_chunks: int) -> Cases:
    return Cases(np.arange(2 * count).reshape(2, count), np.arange(count).reshape(1, count), num_chunks)


def test_chunks_are_neighbouring_cases_in_order() -> None:
    cases = numbered(12, 3)
    assert (len(cases), cases.cases_per_chunk) == (12, 4)
    columns = [np.hstack([block.targets[0] for block in cases.chunk(c)]).tolist() for c in cases.chunks()]
    assert columns == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9, 10, 11]]
    assert list(cases.chunks(only=2)) == [2]


@pytest.mark.parametrize(("size", "expected"), [(5, [4, 4, 4]), (12, [12]), (100, [12]), (1, [1] * 12)])
def test_blocks_cut_a_chunk_evenly(size: int, expected: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cases_module, "CASES_PER_BLOCK", size)
    blocks = list(numbered(24, 2).chunk(1))
    assert [block.inputs.shape[1] for block in blocks] == expected
    assert np.hstack([block.targets[0] for block in blocks]).tolist() == list(range(12, 24))
    assert np.hstack([block.inputs[1] for block in blocks]).tolist() == list(range(36, 48))


def test_blocks_are_views_of_the_data() -> None:
    cases = numbered(8, 2)
    assert all(np.shares_memory(block.inputs, cases.inputs) for block in cases.chunk(1))
