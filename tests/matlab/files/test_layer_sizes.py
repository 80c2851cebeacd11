"""Layer sizes from a number of parameters: all that fit, none that does not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hf_matlab_compat.errors import CheckpointError
from hf_matlab_compat.matlab.files.layer_sizes import MOST_LISTED, candidate_sizes, full_num_parameters

sizes = st.lists(st.integers(1, 40), min_size=3, max_size=6)


@given(sizes, st.booleans())
def test_the_true_sizes_are_among_those_that_fit(true: list[int], batch_norm: bool) -> None:
    psize = full_num_parameters(true, batch_norm)
    found = candidate_sizes(psize, hidden=true[1:-1], inputs=true[0], batch_norm=batch_norm)
    assert found.sizes == (tuple(true),)


@given(sizes, st.booleans())
def test_all_listed_sizes_fit_and_none_is_missing(true: list[int], batch_norm: bool) -> None:
    psize, hidden = full_num_parameters(true, batch_norm), true[1:-1]
    found = candidate_sizes(psize, hidden=hidden, batch_norm=batch_norm)
    assert all(full_num_parameters(sizes, batch_norm) == psize for sizes in found.sizes)
    brute = [(a, b) for a in range(1, psize) for b in [_output(psize, [a, *hidden], batch_norm)] if b is not None]
    assert found.total == len(brute)


def _output(psize: int, below: list[int], batch_norm: bool) -> int | None:
    rest = psize - full_num_parameters([*below, 0], batch_norm)
    each = below[-1] + 1
    return rest // each if rest > 0 and rest % each == 0 else None


@given(st.integers(1, 30), st.integers(1, 30), st.integers(1, 30))
def test_one_hidden_layer_is_found_from_the_inputs(inputs: int, hidden: int, outputs: int) -> None:
    psize = full_num_parameters([inputs, hidden, outputs])
    found = candidate_sizes(psize, inputs=inputs)
    assert found.total >= 1
    assert found.total > MOST_LISTED or (inputs, hidden, outputs) in found.sizes


def test_autoencoders_come_first() -> None:
    psize = full_num_parameters([784, 400, 6, 400, 784])
    assert candidate_sizes(psize, hidden=[400, 6, 400]).sizes[0] == (784, 400, 6, 400, 784)


@pytest.mark.parametrize(
    "true", [(12, 6, 2, 6, 12), (64, 30, 8, 30, 64), (784, 30, 784), (100, 50, 25, 10, 25, 50, 100)]
)
def test_without_anything_to_go_by_an_autoencoder_is_among_the_first(true: tuple[int, ...]) -> None:
    psize = full_num_parameters(true)
    found = candidate_sizes(psize)
    assert true in found.sizes
    assert all(full_num_parameters(sizes) == psize and sizes == sizes[::-1] for sizes in found.sizes)
    assert "autoencoders with 1 or 3" in found.searched


@pytest.mark.parametrize("psize", [0, 1, 2, 3, 1234, 10**12, 10**18])
def test_any_count_is_searched_in_no_time(psize: int) -> None:
    assert candidate_sizes(psize).total >= 0


def test_all_autoencoders_with_three_hidden_layers_are_found() -> None:
    found = candidate_sizes(194)
    brute = {
        (a, b, c, b, a)
        for c in range(1, 10)
        for b in range(c + 1, 20)
        for a in range(b + 1, 80)
        if full_num_parameters([a, b, c, b, a]) == 194 and a <= 8 * b and b <= 8 * c
    }
    assert {sizes for sizes in found.sizes if len(sizes) == 5} == brute


@pytest.mark.parametrize("hidden", [[0], [-3, 4], [2.5]])
def test_impossible_sizes_are_refused(hidden: list[float]) -> None:
    with pytest.raises(CheckpointError, match="layersizes: expected whole numbers above 0"):
        candidate_sizes(100, hidden=hidden)  # pyright: ignore


def test_a_huge_count_is_searched_in_no_time() -> None:
    assert candidate_sizes(10**12, hidden=[2000, 999]).total >= 0
