"""Label strings: probabilities and posteriors against all paths, decoding, and distances."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.io import loadmat

from hf_matlab_compat.rnn.alignments import LabelStrings, align, best_path, edit_distances

RECORDED = Path(__file__).resolve().parents[1] / "goldens" / "rnn" / "own_ctc.mat"


def log_softmax(o: Any) -> Any:
    shifted = o - o.max(axis=0)
    return shifted - np.log(np.exp(shifted).sum(axis=0))


def strings(*given: list[int], blank: int) -> LabelStrings:
    return LabelStrings.of(given, blank)


def columns(found: LabelStrings) -> list[list[int]]:
    return [[int(k) for k in column if k >= 0] for column in found.labels.T]


def test_probabilities_posteriors_and_gradient_are_the_recorded_ones() -> None:
    m = loadmat(RECORDED, mat_dtype=True)
    labels = strings(*([int(k) for k in row if k >= 0] for row in m["labels"]), blank=int(m["blank"].item()))
    lengths = m["lengths"].ravel().astype(int)
    log_y = log_softmax(m["activations"])
    found = align(log_y, lengths, labels)
    np.testing.assert_allclose(found.log_p, m["logp"].ravel(), rtol=5e-15)
    np.testing.assert_allclose(found.posteriors, m["gamma"], rtol=0, atol=5e-15)
    exists = np.arange(5)[:, None] < lengths
    np.testing.assert_allclose(exists * np.exp(log_y) - found.posteriors, m["grad"], rtol=0, atol=5e-15)


def collapsed(path: Any, blank: int) -> list[int]:
    return [k for k, _ in itertools.groupby(path) if k != blank]


@pytest.mark.parametrize("labels", [[0, 1], [1, 1], [2], [], [0, 2, 0], [2, 2, 1]])
def test_a_probability_is_the_sum_over_all_paths(labels: list[int]) -> None:
    y = np.exp(log_softmax(np.random.default_rng(1).standard_normal((4, 6, 1))))
    p, gamma = 0.0, np.zeros((4, 6))
    for path in itertools.product(range(4), repeat=6):
        if collapsed(path, 3) == labels:
            share = np.prod(y[path, range(6), 0])
            p += share
            gamma[path, range(6)] += share
    found = align(np.log(y), np.array([6]), strings(labels, blank=3))
    assert np.exp(found.log_p[0]) == pytest.approx(p, rel=1e-13)
    np.testing.assert_allclose(found.posteriors[:, :, 0], gamma / p, rtol=1e-12, atol=1e-15)


def test_sequences_do_not_depend_on_those_beside_them() -> None:
    random = np.random.default_rng(2)
    log_y = log_softmax(random.standard_normal((3, 9, 4)))
    together, lengths = strings([0, 1, 0], [], [1, 1], [0], blank=2), np.array([9, 4, 3, 6])
    found = align(log_y, lengths, together)
    for n, labels in enumerate(columns(together)):
        alone = align(log_y[:, : lengths[n], n : n + 1], lengths[n : n + 1], strings(labels, blank=2))
        assert found.log_p[n] == pytest.approx(alone.log_p[0], rel=1e-14)
        np.testing.assert_allclose(found.posteriors[:, : lengths[n], n], alone.posteriors[:, :, 0], atol=1e-14)
        assert (found.posteriors[:, lengths[n] :, n] == 0).all()


def test_long_sequences_neither_underflow_nor_lose_the_sum_of_the_posteriors() -> None:
    random = np.random.default_rng(3)
    log_y = log_softmax(2 * random.standard_normal((5, 400, 3)))
    labels = strings(*(random.integers(0, 4, U).tolist() for U in (0, 12, 60)), blank=4)
    found = align(log_y, np.full(3, 400), labels)
    assert (found.log_p < -500).all()
    assert np.isfinite(found.log_p).all()
    np.testing.assert_allclose(found.posteriors.sum(axis=0), 1, rtol=0, atol=1e-11)


def test_the_frames_that_a_string_needs_are_its_labels_and_a_blank_between_equal_ones() -> None:
    labels = strings([0, 1], [0, 0], [1, 1, 1], [], blank=2)
    assert labels.frames_needed.tolist() == [2, 3, 5, 0]
    for needed, string in zip(labels.frames_needed[:2], columns(labels), strict=False):
        paths = (itertools.product(range(3), repeat=frames) for frames in range(4))
        shortest = min(len(path) for some in paths for path in some if collapsed(path, 2) == string)
        assert shortest == needed
    assert np.isfinite(align(log_softmax(np.zeros((3, 5, 4))), np.array([2, 3, 5, 1]), labels).log_p).all()


def test_the_best_path_drops_repeats_and_blanks_and_stops_at_the_end() -> None:
    paths = [[2, 0, 0, 2, 0, 1], [1, 1, 1, 1, 0, 0], [2, 2, 2, 2, 2, 2]]
    scores = np.eye(3)[np.array(paths).T].transpose(2, 0, 1)
    assert columns(best_path(scores, np.array([6, 4, 6]), 2)) == [[0, 0, 1], [1], []]


def distance(a: list[int], b: list[int]) -> int:
    if not a or not b:
        return len(a) + len(b)
    return min(distance(a[1:], b) + 1, distance(a, b[1:]) + 1, distance(a[1:], b[1:]) + (a[0] != b[0]))


def test_edit_distances_are_those_of_the_definition() -> None:
    random = np.random.default_rng(4)
    a, b = ([random.integers(0, 3, random.integers(0, 6)).tolist() for _ in range(60)] for _ in range(2))
    found = edit_distances(strings(*a, blank=3), strings(*b, blank=3))
    assert found.tolist() == [distance(x, y) for x, y in zip(a, b, strict=True)]
    nothing = strings(*([] for _ in a), blank=3)
    assert edit_distances(nothing, strings(*b, blank=3)).tolist() == [len(y) for y in b]
    assert edit_distances(strings(*a, blank=3), nothing).tolist() == [len(x) for x in a]
