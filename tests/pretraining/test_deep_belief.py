"""A pre-trained stack enters `train` and MATLAB's call as weights and biases, and starts ahead of a sparse start."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hf_matlab_compat import nnet_train, train
from hf_matlab_compat.errors import DataError, OptionError
from hf_matlab_compat.pretraining import ContrastiveDivergence, PersistentDivergence, pretrain
from hf_matlab_compat.studies.data import classes

HIDDEN = [20, 5, 20]
UNITS = ["logistic", "linear", "logistic", "logistic"]
FIT = classes("digits", (400,), 0)[0]
X = FIT["inputs"]
QUICK = ContrastiveDivergence(epochs=15)


def _trained(hidden: Any = HIDDEN, units: Any = UNITS, targets: Any = X, **given: Any) -> Any:
    return train(
        inputs=X, targets=targets, hidden_sizes=hidden, unit_types=units, max_epochs=3, seed=0, num_threads=1, **given
    )


def test_a_pretrained_autoencoder_is_unrolled_and_starts_ahead() -> None:
    told: list[str] = []
    W, b = made = pretrain(X, HIDDEN, UNITS, rule=QUICK, watch=told.append)
    assert [w.shape for w in W] == [(20, 64), (5, 20), (20, 5), (64, 20)]
    assert [part.shape for part in b] == [(20, 1), (5, 1), (20, 1), (64, 1)]
    assert np.array_equal(W[3], W[0].T)
    assert np.array_equal(W[2], W[1].T)
    assert {w.dtype for w in (*W, *b)} == {np.dtype(np.float32)}
    sparse, ahead = _trained(), _trained(initial_weights=W, initial_biases=b)
    assert ahead.records.error[0, 0] < 0.5 * sparse.records.error[0, 0]
    assert told[0].startswith("layer 1 of 2, 64-20: epoch 1, squared error")
    assert told[-1].startswith("layer 2 of 2, 20-5: epoch 15")
    again, other = pretrain(X, HIDDEN, UNITS, rule=QUICK), pretrain(X, HIDDEN, UNITS, rule=QUICK, seed=1)
    assert all(np.array_equal(one, two) for one, two in zip(made.weights, again.weights, strict=True))
    assert not np.array_equal(made.weights[0], other.weights[0])


def test_a_pretrained_classifier_has_an_output_layer_that_was_not() -> None:
    units = ["logistic", "logistic", "softmax"]
    W, b = pretrain(X, [30, 20], units, num_outputs=10, rule=QUICK)
    assert [w.shape for w in W] == [(30, 64), (20, 30), (10, 20)]
    assert not b[2].any()
    given = {"targets": FIT["targets"], "error_measure": "misclassified", "initial_lam": 1.0}
    found = _trained([30, 20], units, **given, initial_weights=W, initial_biases=b)
    assert found.records.error[-1, 0] < _trained([30, 20], units, **given).records.error[-1, 0]


def test_matlabs_call_takes_the_weights(tmp_path: Path) -> None:
    Win, bin_ = pretrain(X, HIDDEN, UNITS, rule=QUICK)
    parts = {"indata": X, "outdata": X, "layersizes": HIDDEN, "layertypes": UNITS, "maxepoch": 3}
    theirs = nnet_train(**parts, Win=Win, bin=bin_, runName=str(tmp_path / "run"))
    assert theirs is not None


def test_linear_visible_units_take_any_numbers() -> None:
    data = np.random.default_rng(0).normal(size=(10, 200))
    W, b = pretrain(data, [4], ["linear", "linear"], num_outputs=2, rule=QUICK)
    assert W[0].dtype == np.float64
    assert W[0].shape == (4, 10)
    W, b = pretrain(data, [6, 3, 6], ["logistic", "linear", "logistic", "linear"], rule=QUICK)
    assert np.isfinite(np.concatenate([w.ravel() for w in (*W, *b)])).all()
    with pytest.raises(DataError, match="inputs: expected numbers from 0 to 1 for logistic units, got numbers from -"):
        pretrain(data, HIDDEN, UNITS)
    with pytest.raises(OptionError, match="linear_rate: expected a rate that does not diverge, as here in epoch"):
        pretrain(data, [6, 3, 6], ["linear"] * 4, rule=ContrastiveDivergence(linear_rate=100))


def test_persistent_divergence_leaves_linear_units_to_contrastive_divergence() -> None:
    pytest.importorskip("sklearn")
    rule = PersistentDivergence(epochs=3, linear=QUICK)
    one, two = (pretrain(X, HIDDEN, UNITS, rule=rule) for _ in range(2))
    assert all(np.array_equal(a, b) for a, b in zip(one.weights, two.weights, strict=True))
    assert one.weights[0].dtype == np.float32


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"hidden_sizes": []}, "hidden_sizes: expected at least one layer"),
        ({"hidden_sizes": [5, 0, 5]}, "hidden_sizes: expected at least one layer, of at least one unit"),
        ({"hidden_sizes": [20, 5, 10]}, "hidden_sizes: expected the layers of an autoencoder"),
        ({"hidden_sizes": [5, 5], "unit_types": ["logistic"] * 3}, "hidden_sizes: expected the layers of an autoenc"),
        ({"unit_types": UNITS[:2]}, "unit_types: expected 4 names, one for each hidden layer .* got 2"),
        ({"unit_types": ["tanh", *UNITS[1:]]}, "unit_types: expected 'logistic' or 'linear' in every layer .* 'tanh'"),
        ({"unit_types": ["linear", *UNITS[1:]]}, "unit_types: expected the same units in both directions"),
        ({"num_outputs": 0}, "num_outputs: expected a whole number of at least 1, got 0"),
    ],
)
def test_layers_that_cannot_be_pretrained_are_refused(given: dict[str, Any], message: str) -> None:
    with pytest.raises(OptionError, match=message):
        pretrain(**{"inputs": X, "hidden_sizes": HIDDEN, "unit_types": UNITS, **given})
