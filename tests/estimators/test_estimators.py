"""scikit-learn's own checks of the estimators, and what people do with them."""

from __future__ import annotations

import pickle
import warnings
from typing import Any

import numpy as np
import pytest

pytest.importorskip("sklearn")

from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler
from sklearn.utils.estimator_checks import check_estimator

from hf_matlab_compat.demo.digits import load_digits
from hf_matlab_compat.errors import OptionError
from hf_matlab_compat.estimators import HFAutoencoder, HFClassifier, HFRegressor

DIGITS = load_digits()
X_TRAIN, X_TEST, Y_TRAIN, Y_TEST = train_test_split(DIGITS.images.T, DIGITS.labels, test_size=0.3, random_state=0)


@pytest.mark.parametrize("estimator", [HFClassifier(), HFRegressor(), HFAutoencoder()], ids=lambda e: type(e).__name__)
def test_scikit_learns_checks_find_nothing(estimator: Any) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # scikit-learn warns of what it skips without pandas
        found = check_estimator(estimator, on_fail=None)
    failed = [each["check_name"] for each in found if each["status"] not in ("passed", "skipped")]
    assert not failed
    assert sum(each["status"] == "passed" for each in found) >= 40


def test_digits_are_told_apart_in_a_pipeline_that_can_be_pickled_and_searched() -> None:
    pipeline = make_pipeline(MinMaxScaler(), HFClassifier(random_state=0)).fit(X_TRAIN, Y_TRAIN)
    assert pipeline.score(X_TEST, Y_TEST) > 0.96
    again = pickle.loads(pickle.dumps(pipeline))
    assert np.array_equal(again.predict_proba(X_TEST), pipeline.predict_proba(X_TEST))
    grid = {"hfclassifier__hidden_sizes": [(3,), (30,)]}
    found = GridSearchCV(clone(pipeline), grid, cv=3).fit(X_TRAIN[:400], Y_TRAIN[:400])
    assert found.best_params_ == {"hfclassifier__hidden_sizes": (30,)}


def test_labels_of_any_kind_come_back() -> None:
    names = np.array(["even", "odd"])[Y_TRAIN % 2]
    model = HFClassifier((10,), max_epochs=10).fit(X_TRAIN, names)
    assert list(model.classes_) == ["even", "odd"]
    assert model.score(X_TEST, np.array(["even", "odd"])[Y_TEST % 2]) > 0.9
    np.testing.assert_allclose(np.exp(model.predict_log_proba(X_TEST)), model.predict_proba(X_TEST), rtol=1e-5)


def test_weights_are_repetitions_and_the_order_of_cases_does_not_matter() -> None:
    X, y, weights = X_TRAIN[:60], Y_TRAIN[:60] % 3, np.arange(60) % 4
    weighted = HFClassifier(max_epochs=8).fit(X, y, sample_weight=weights)
    order = np.random.default_rng(0).permutation(weights.sum())
    repeated = HFClassifier(max_epochs=8).fit(X.repeat(weights, axis=0)[order], y.repeat(weights)[order])
    assert np.array_equal(weighted.predict_proba(X_TEST), repeated.predict_proba(X_TEST))
    assert not np.array_equal(
        weighted.predict_proba(X_TEST), HFClassifier(max_epochs=8).fit(X, y).predict_proba(X_TEST)
    )


def test_precision_follows_the_data_and_options_reach_the_trainer() -> None:
    single = HFClassifier(max_epochs=2, options={"curvature": "empirical_fisher", "initial_lam": 3.0}).fit(
        X_TRAIN.astype(np.float32), Y_TRAIN
    )
    options = single.result_.options
    assert (options.precision, options.curvature, options.initial_lam) == ("single", "empirical_fisher", 3.0)
    assert single.predict_proba(X_TEST.astype(np.float32)).dtype == np.float32
    assert HFClassifier(max_epochs=1).fit(X_TRAIN.astype(float), Y_TRAIN).result_.options.precision == "double"


def test_regression_is_in_the_units_of_the_targets() -> None:
    x = np.random.default_rng(0).uniform(-2, 2, (200, 2))
    y = 1000 + 50 * np.stack([np.sin(x[:, 0]), x[:, 0] * x[:, 1]], axis=1)
    model = HFRegressor((20,), "tanh", max_epochs=30).fit(x[:150], y[:150])
    assert model.predict(x).shape == (200, 2)
    assert model.score(x[150:], y[150:]) > 0.95
    assert HFRegressor((5,)).fit(x, y[:, 0]).predict(x).shape == (200,)


def test_an_autoencoder_codes_decodes_and_counts_its_features() -> None:
    model = HFAutoencoder((20, 5, 20), ["logistic", "linear", "logistic"], max_epochs=15).fit(X_TRAIN)
    codes = model.transform(X_TEST)
    assert codes.shape == (540, 5)
    assert list(model.get_feature_names_out()) == [f"hfautoencoder{k}" for k in range(5)]
    np.testing.assert_allclose(model.inverse_transform(codes), model.reconstruct(X_TEST), atol=1e-5)
    spread = ((X_TEST - X_TRAIN.mean(axis=0)) ** 2).sum(axis=1).mean()
    assert -model.score(X_TEST) < spread / 2
    assert model.result_.network.units[-1].name == "logistic"
    assert HFAutoencoder(max_epochs=1).fit(X_TRAIN - 1).result_.network.units[-1].name == "linear"


def test_validation_cases_stop_the_training_early() -> None:
    noise = np.random.default_rng(0).integers(0, 2, 200)
    model = HFClassifier((20,), max_epochs=60, validation_fraction=0.3, patience=3).fit(X_TRAIN[:200], noise)
    assert model.n_iter_ < 60
    assert model.result_.reason.startswith("Patience: ")
    best = model.result_.state.epoch
    assert best == model.n_iter_ - 3
    short = HFClassifier((20,), max_epochs=best, validation_fraction=0.3, patience=3).fit(X_TRAIN[:200], noise)
    assert np.array_equal(model.predict_proba(X_TEST), short.predict_proba(X_TEST))
    tiny = HFClassifier((5,), max_epochs=1, validation_fraction=0.001).fit(X_TRAIN[:200], noise)
    assert np.isfinite(tiny.result_.records.error[:, 1]).all()  # one case is held out


def test_what_cannot_be_fitted_is_refused() -> None:
    with pytest.raises(NotFittedError):
        HFClassifier().predict(X_TEST)
    with pytest.raises(ValueError, match="at least two classes"):
        HFClassifier().fit(X_TRAIN, np.ones(len(X_TRAIN)))
    with pytest.raises(OptionError, match="validation_fraction: expected a number of at least 0 and below 1, got 1"):
        HFClassifier(validation_fraction=1).fit(X_TRAIN, Y_TRAIN)
    for name, instead in (
        ("seed", "random_state"),
        ("max_epochs", "max_epochs"),
        ("test_inputs", "validation_fraction"),
    ):
        with pytest.raises(OptionError, match=f"options: expected options that .*, got '{name}'. Use {instead}."):
            HFClassifier(options={name: 1}).fit(X_TRAIN, Y_TRAIN)
    with pytest.raises(ValueError, match="cannot be used to seed"):
        HFClassifier(random_state=np.random.default_rng(0)).fit(X_TRAIN, Y_TRAIN)
    with pytest.raises(OptionError, match="hidden_sizes: expected at least one hidden layer"):
        HFAutoencoder(()).fit(X_TRAIN)
    with pytest.raises(ValueError, match=r"codes: expected shape \(cases, 3\), got \(2, 4\)"):
        HFAutoencoder(3, max_epochs=1).fit(X_TRAIN).inverse_transform(np.ones((2, 4)))
    with pytest.raises(OptionError, match="unit_types"):
        HFClassifier(unit_types="sigmoid").fit(X_TRAIN, Y_TRAIN)
