"""Labelling nets: derivatives, the convex curvature, the label error, and what is refused."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.io import loadmat

from hf_matlab_compat import ctc, train
from hf_matlab_compat.backends.backend import get_backend
from hf_matlab_compat.errors import ArgumentError
from hf_matlab_compat.problem import Cases
from hf_matlab_compat.rnn.alignments import LabelStrings, align
from hf_matlab_compat.rnn.ctc import AtLabelled, read_labels
from hf_matlab_compat.rnn.problem import SequenceProblem
from hf_matlab_compat.rnn.workspace import Workspace
from tests.backends.strict_namespace import strict_backend
from tests.rnn.nets import kernels
from tests.rnn.recorded import apart

RECORDED = Path(__file__).resolve().parents[1] / "goldens" / "rnn" / "own_ctc.mat"
BACKEND = get_backend("numpy", "double")
LABELS = [[0, 1], [0], [0, 0], [1, 0], []]
LENGTHS = [6, 4, 5, 3, 6]


def frames() -> list[Any]:
    random = np.random.default_rng(0)
    return [random.standard_normal((4, T)) for T in LENGTHS]


def problem(**changes: Any) -> SequenceProblem:
    return ctc(**{"inputs": frames(), "labels": LABELS, "hidden_sizes": [5], **changes})


def start(of: SequenceProblem) -> Any:
    return 0.7 * np.random.default_rng(1).standard_normal(of.num_parameters)


def at(of: SequenceProblem, theta: Any) -> AtLabelled:
    (block,) = of.data.blocks(0, 1)
    found = of.model.at(theta, block, Workspace(BACKEND))
    assert isinstance(found, AtLabelled)
    return found


def test_the_gradient_is_that_of_the_mean_over_sequences() -> None:
    p = problem()
    theta, v, h = start(p), np.random.default_rng(2).standard_normal(p.num_parameters), 1e-6
    values = [p.score(theta + step * v, Cases()).log_likelihood for step in (h, -h)]
    g = p.gradient(theta, Cases())
    assert g.full @ v == pytest.approx((values[0] - values[1]) / (2 * h), rel=1e-7)
    assert g.log_likelihood == pytest.approx(p.score(theta, Cases()).log_likelihood, rel=1e-14)
    alone = [problem(inputs=[x], labels=[s], num_classes=3) for x, s in zip(frames(), LABELS, strict=True)]
    lls = [one.score(theta, Cases()).log_likelihood for one in alone]
    assert g.log_likelihood == pytest.approx(np.mean(lls), rel=1e-13)


def test_curvature_products_are_those_of_the_softmax_with_the_posteriors_held() -> None:
    p = problem()
    theta, v, h = start(p), np.random.default_rng(2).standard_normal(p.num_parameters), 1e-6
    here = at(p, theta)
    Jv = (at(p, theta + h * v).x - at(p, theta - h * v).x) / (2 * h)
    y, exists = here.y, here.weights
    assert exists is not None
    wanted = (exists * (y * Jv**2 - y * Jv * (y * Jv).sum(axis=0))).sum() / len(LABELS)
    G = p.curvature(theta, Cases(), None)
    assert G(v) @ v == pytest.approx(wanted, rel=1e-7)


def test_the_recorded_curvature_at_the_output_is_used() -> None:
    m = loadmat(RECORDED, mat_dtype=True)
    lengths = m["lengths"].ravel().astype(int)
    strings = [[int(k) for k in row if k >= 0] for row in m["labels"]]
    p = problem(inputs=np.zeros((4, 5, 5)), labels=strings, lengths=lengths, blank=int(m["blank"].item()))
    here = at(p, start(p))
    here.x[...] = m["activations"].reshape(here.x.shape)
    here.y[...] = np.exp(here.x) / np.exp(here.x).sum(axis=0)
    np.testing.assert_allclose(here.aligned.log_p, m["logp"].ravel(), rtol=5e-15)
    np.testing.assert_allclose(-here.e.reshape(3, 5, 5), m["grad"], rtol=0, atol=5e-15)
    HLv = here.curved(m["v"].reshape(here.x.shape).copy())
    np.testing.assert_allclose(HLv.reshape(3, 5, 5), m["HLv"], rtol=0, atol=5e-15)


def test_the_exact_hessian_is_indefinite_and_what_is_left_out_of_it_is_negative() -> None:
    m = loadmat(RECORDED, mat_dtype=True)
    o, H = m["activations"][:, :, :1], m["exact_hessian_seq1"]
    y = np.exp(o) / np.exp(o).sum(axis=0)
    blocks = [np.diag(y[:, t, 0]) - np.outer(y[:, t, 0], y[:, t, 0]) for t in range(5)]
    convex = np.zeros((15, 15))
    for t, block in enumerate(blocks):
        convex[3 * t : 3 * t + 3, 3 * t : 3 * t + 3] = block
    assert np.linalg.eigvalsh(H)[0] < -0.3
    assert np.linalg.eigvalsh(convex)[0] > -1e-14
    assert np.linalg.eigvalsh(convex - H)[0] > -1e-8  # a covariance
    labels, length = LabelStrings.of([[0, 1]], 2), np.array([5])

    def slope(o: Any) -> Any:
        log_y = o - np.log(np.exp(o).sum(axis=0))
        return (np.exp(log_y) - align(log_y, length, labels).posteriors)[:, :, 0].T.ravel()

    step = 1e-5 * np.eye(15).reshape(15, 5, 3).transpose(0, 2, 1)[..., None]
    found = np.array([(slope(o + each) - slope(o - each)) / 2e-5 for each in step])
    np.testing.assert_allclose(found, H, atol=1e-8)


def test_the_error_is_edits_by_true_labels() -> None:
    p = problem()
    theta = start(p)
    edits, every = 0, []
    for x, string in zip(frames(), LABELS, strict=True):
        alone = at(problem(inputs=[x], labels=[string], num_classes=3), theta)
        path = alone.y.argmax(axis=0)
        read = [int(k) for t, k in enumerate(path) if k != 2 and (t == 0 or path[t - 1] != k)]
        edits += distance(read, string)
        assert read_labels(problem(inputs=[x], labels=[[]], num_classes=3), theta) == [read]
        every.append(read)
    assert edits > 0
    assert read_labels(p, theta) == every
    assert read_labels(problem(num_chunks=5), theta) == every
    with pytest.raises(ArgumentError, match=f"theta: expected {theta.size} numbers, as the net has parameters, got 3"):
        read_labels(p, theta[:3])
    assert p.score(theta, Cases()).error == pytest.approx(edits / 7)


def distance(a: list[int], b: list[int]) -> int:
    if not a or not b:
        return len(a) + len(b)
    return min(distance(a[1:], b) + 1, distance(a, b[1:]) + 1, distance(a[1:], b[1:]) + (a[0] != b[0]))


def test_labels_may_be_columns_and_the_blank_another_class_than_the_last() -> None:
    columns = np.array([[0, 0, 0, 1, -1], [1, -1, 0, 0, -1]])
    p, theta = problem(), start(problem())
    assert problem(labels=columns).score(theta, Cases()) == p.score(theta, Cases())
    first = problem(labels=[[k + 1 for k in string] for string in LABELS], blank=0)
    moved = theta.copy()
    first.model.output_layer(moved)[:, [1, 2, 0]] = p.model.output_layer(theta)
    found, wanted = first.score(moved, Cases()), p.score(theta, Cases())
    assert found.log_likelihood == pytest.approx(wanted.log_likelihood, rel=1e-13)
    assert found.error == wanted.error


def test_it_learns_and_fresh_strings_of_every_epoch_are_a_function_of_it() -> None:
    drawn: list[int] = []

    def fresh(epoch: int) -> Any:
        drawn.append(epoch)
        random = np.random.default_rng(epoch)
        strings = [random.integers(0, 2, 2).tolist() for _ in range(20)]
        rows = np.array([np.repeat([a, 2, b, 2], 2) for a, b in strings])
        return (np.arange(3)[:, None, None] == rows.T).astype(float), strings

    run = {"problem": ctc(resample=fresh, hidden_sizes=[8]), "seed": 1, "precision": "double"}
    result = train(**run, max_epochs=25, initial_lam=0.1, preconditioner="none")
    assert set(drawn) == set(range(1, 26))
    assert result.history["train_error"][-1] == 0
    assert result.history["train_log_likelihood"][-1] > -0.5


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"labels": [*LABELS[:3], [1, 1, 1], []]}, "labels: expected strings that fit their sequences; that of"
         " sequence 3 (counted from 0) needs 5 steps, one for each label and one between equal labels, got a sequence"),
        ({"labels": LABELS[:4]}, "labels: expected 5 strings, one for each sequence in inputs, got 4"),
        ({"labels": [*LABELS[:4], [2]], "num_classes": 3}, "labels: expected classes from 0 to 2 without 2, the blank"),
        ({"labels": [*LABELS[:4], [-1]]}, "labels: expected classes from 0 to 2 without 2, the blank, got -1 in the"),
        ({"labels": [*LABELS[:4], [0.5]]}, "labels: expected whole numbers, the labels of each sequence in order, got"),
        ({"labels": [*LABELS[:4], ["a"]]}, "labels: expected whole numbers, the labels of each sequence in order, got"),
        ({"labels": "abcde"}, "labels: expected a list with the labels of each sequence, got str"),
        ({"labels": None}, "labels: expected a value, got none"),
        ({"hidden_sizes": []}, "hidden_sizes: expected at least one hidden layer, got none"),
        ({"hidden_sizes": 4}, "hidden_sizes: expected whole numbers of at least 1"),
        ({"unit_types": "tanh"}, "unit_types: expected a list of names, got 'tanh'"),
        ({"num_classes": 1}, "num_classes: expected a whole number of at least 2, the blank among them, got 1"),
        ({"blank": 7, "num_classes": 3}, "blank: expected a class, from 0 to 2, got 7"),
        ({"num_chunks": 2}, "num_chunks: expected a divisor of the 5 sequences in inputs, got 2"),
        ({"curvature_cases": "some"}, "curvature_cases: expected"),
        ({"unit_types": ["tanh", "softmax"]}, "unit_types: expected 2 names"),
        ({"lengths": [6] * 5}, "lengths: expected nothing beside a list of sequences"),
        ({"initial_state": "none"}, "initial_state: expected one of 'learned', 'bias', 'zero', got 'none'"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_named(changes: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ArgumentError, match="^" + re.escape(sentence)):
        problem(**changes)


def test_the_passes_run_on_a_device_and_in_single_precision() -> None:
    p = problem()
    ours = kernels(p)
    for backend, bound in ((strict_backend("double"), 1e-13), (get_backend("numpy", "single"), 2e-5)):
        theirs = kernels(p.placed(backend))
        assert {name: far for name in ours if (far := apart(theirs[name], ours[name])) > bound} == {}
