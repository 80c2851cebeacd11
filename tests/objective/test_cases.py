"""Cases, chunks and blocks."""

from __future__ import annotations

import numpy as np
import pytest

from hf_matlab_compat.objective import cases as cases_module
from hf_matlab_compat.objective.cases import ChunkedCases, same_memory


def numbered(count: int, num_chunks: int) -> ChunkedCases:
    return ChunkedCases(np.arange(2 * count).reshape(2, count), np.arange(count).reshape(1, count), num_chunks)


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


@pytest.mark.parametrize(
    ("count", "parameters", "on_host", "kept", "passing"),
    [
        (5_000, 836_806, True, 4, 8),  # the published autoencoder: threads come in twos and fours
        (7_500, 2_837_314, True, 8, 12),
        (500, 2_295, True, 1, 1),  # too little to share
        (3_000, 2_295, True, 3, 5),
        (1_000, 836_806, True, 4, 4),
        (2, 10**9, True, 2, 2),  # no more blocks than cases
        (5_000, 836_806, False, 1, 1),
        (40_000, 836_806, False, 2, 2),
    ],
)
def test_a_chunk_has_as_many_blocks_as_its_work_is_worth(
    count: int, parameters: int, on_host: bool, kept: int, passing: int
) -> None:
    cases = ChunkedCases(np.zeros((1, count)), np.zeros((1, count)), 1)
    assert cases.num_blocks(parameters, on_host, kept=True) == kept
    assert cases.num_blocks(parameters, on_host) == passing
    sizes = [len(block) for block in cases.chunk(0, kept)]
    assert sum(sizes) == count
    assert max(sizes) - min(sizes) <= 1


def test_blocks_are_views_of_the_data() -> None:
    cases = numbered(8, 2)
    assert all(np.shares_memory(block.inputs, cases.inputs) for block in cases.chunk(1))


def test_two_arrays_are_one_where_they_lie_at_one_place_and_are_read_alike() -> None:
    data = np.zeros((4, 6))
    assert same_memory(data[:, :6], data)
    assert same_memory(data[:, 1:5], data[:, 1:5])
    for other in (data.copy(), data[:, 1:], data[:, :5], data.T, data.astype(np.float32), data.reshape(6, 4)):
        assert not same_memory(data, other)
