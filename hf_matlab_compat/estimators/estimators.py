"""Classifier, regressor and autoencoder with scikit-learn's interface; cases are rows."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hf_matlab_compat.errors import OptionError
from hf_matlab_compat.training import train

try:
    from sklearn.base import (
        BaseEstimator,
        ClassifierMixin,
        ClassNamePrefixFeaturesOutMixin,
        RegressorMixin,
        TransformerMixin,
    )
    from sklearn.preprocessing import LabelBinarizer
    from sklearn.utils import check_random_state
    from sklearn.utils.multiclass import check_classification_targets
    from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data
except ImportError as error:
    raise OptionError(
        "estimators",
        expected="scikit-learn 1.6 or later",
        got="no such package",
        advice="Run pip install 'hf_matlab_compat[sklearn]'.",
    ) from error


class _Estimator(BaseEstimator):
    """Base of the three estimators: their parameters, and the call of `train`."""

    def __init__(
        self,
        hidden_sizes: int | Sequence[int] = (50,),
        unit_types: str | Sequence[str] = "logistic",
        *,
        max_epochs: int = 30,
        random_state: Any = None,
        validation_fraction: float = 0.0,
        patience: int = 10,
        options: Mapping[str, Any] | None = None,
    ) -> None:
        self.hidden_sizes = hidden_sizes
        self.unit_types = unit_types
        self.max_epochs = max_epochs
        self.random_state = random_state
        self.validation_fraction = validation_fraction
        self.patience = patience
        self.options = options

    def _train(self, X: NDArray[Any], T: NDArray[Any], output: str, weights: Any = None, **more: Any) -> None:
        """Train on cases in rows, and set `theta_`, `n_iter_` and `result_`."""
        hidden = self._hidden()
        units = [self.unit_types] * len(hidden) if isinstance(self.unit_types, str) else self.unit_types
        single = X.dtype == np.float32
        # 45, MATLAB's default, suits runs of hundreds of epochs; 1 suits the 30 of an estimator
        settings = {"initial_lam": 1.0, "precision": "single" if single else "double", **more, **self._options()}
        random = np.random.RandomState(self._seed())
        X, T, weights = _merged(X, T, weights, random)
        held = self._held_out(len(X))
        if held:
            settings = {"patience": self.patience, **settings, "test_inputs": X[:held].T, "test_targets": T[:held].T}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of the shape of the cases: scikit-learn's rows are known to be cases
            result = train(
                inputs=X[held:].T,
                targets=T[held:].T,
                hidden_sizes=hidden,
                unit_types=[*units, output],
                case_weights=None if weights is None else weights[held:],
                max_epochs=self.max_epochs,
                seed=self._seed(),
                **settings,
            )
        self.result_ = result if result.best is None else result.at("best")
        self.theta_, self.n_iter_ = self.result_.theta, result.state.epoch

    def _hidden(self) -> list[int]:
        return np.ravel(np.asarray(self.hidden_sizes, dtype=int)).tolist()

    def _options(self) -> dict[str, Any]:
        options = dict(self.options or {})
        for name, instead in _BY_PARAMETERS.items():
            if name in options:
                expected = "options that no parameter or argument of the estimator sets"
                raise OptionError("options", expected=expected, got=repr(name), advice=f"Use {instead}.")
        return options

    def _held_out(self, count: int) -> int:
        if not 0 <= self.validation_fraction < 1:
            expected = "a number of at least 0 and below 1"
            raise OptionError("validation_fraction", expected=expected, got=self.validation_fraction)
        return min(max(round(self.validation_fraction * count), 1), count - 1) if self.validation_fraction else 0

    def _seed(self) -> int:
        if self.random_state is None or isinstance(self.random_state, int | np.integer):
            return int(self.random_state or 0)
        return int(check_random_state(self.random_state).randint(2**31))

    def _outputs(self, X: Any) -> NDArray[Any]:
        """Return what the network makes of rows, in their precision."""
        check_is_fitted(self)
        X = validate_data(self, X, reset=False, dtype=[np.float64, np.float32])
        return self.result_.predict(X.T).T.astype(X.dtype, copy=False)


_BY_PARAMETERS: Mapping[str, str] = {
    **{name: name for name in ("hidden_sizes", "unit_types", "max_epochs")},
    **{"seed": "random_state", "case_weights": "sample_weight", "inputs": "X", "targets": "y"},
    **{"test_inputs": "validation_fraction", "test_targets": "validation_fraction"},
}
"""Arguments of `train` that are not for `options`, and what sets them."""


def _checked_weights(given: Any, X: NDArray[Any]) -> Any:
    return None if given is None else _check_sample_weight(given, X, dtype=X.dtype, ensure_non_negative=True)


def _merged(X: NDArray[Any], T: NDArray[Any], weights: Any, order: Any) -> tuple[NDArray[Any], NDArray[Any], Any]:
    """Return each different case once, in an order drawn by `order`, with how often it counts in the mean; None: once.

    Conjugate gradients amplify rounding: the same cases in another order, or repeated instead of weighted, would soon
    give visibly other networks. So the fit is made a function of the cases and their weights alone.
    """
    both, where = np.unique(np.hstack([X, T]), axis=0, return_inverse=True)
    counts = np.bincount(where.ravel(), weights=weights, minlength=len(both))
    some = order.permutation(np.flatnonzero(counts))
    kept, counts = both[some], counts[some].astype(X.dtype)
    weighs = None if (counts == counts[0]).all() else counts * (len(counts) / counts.sum())
    return kept[:, : X.shape[1]], kept[:, X.shape[1] :], weighs


class HFClassifier(ClassifierMixin, _Estimator):
    """A softmax network as a classifier.

    Parameters
    ----------
    hidden_sizes : int or sequence of int
        Units of the hidden layers.
    unit_types : str or sequence of str
        One type for all hidden layers, or one for each.
    max_epochs : int
        Epochs of `train`.
    random_state : int, RandomState or None
        Seed of the initial weights; None is 0.
    validation_fraction : float
        Share of the cases, at least one where it is above 0, on which nothing is trained: the parameters with the best
        log-likelihood of these are kept.
    patience : int
        Epochs without a better log-likelihood of these cases after which training stops.
    options : mapping, optional
        Further options of `train`.

    Attributes
    ----------
    classes_ : array
        The labels.
    theta_, n_iter_, result_
        Parameters, epochs that were run, and the `Result`.
    """

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> HFClassifier:
        """Train on cases in rows.

        Parameters
        ----------
        X : (N, s_0) array_like
            Cases.
        y : (N,) array_like
            Labels of any kind, at least two different ones.
        sample_weight : (N,) array_like, optional
            How often each case counts.

        Returns
        -------
        HFClassifier
            This object.

        Raises
        ------
        ValueError
            The data does not fit, or has one class only.
        """
        X, y = validate_data(self, X, y, dtype=[np.float64, np.float32])
        check_classification_targets(y)
        weights = _checked_weights(sample_weight, X)
        binary = LabelBinarizer()
        T = binary.fit_transform(y).astype(X.dtype)
        self.classes_ = binary.classes_
        if len(self.classes_) < 2:
            raise ValueError("y: expected at least two classes, got one class.")
        if len(self.classes_) == 2:
            T = np.hstack([1 - T, T])
        self._train(X, T, "softmax", weights, error_measure="misclassified")
        return self

    def predict_proba(self, X: Any) -> NDArray[Any]:
        """Return the probability of each class, (N, classes)."""
        return self._outputs(X)

    def predict_log_proba(self, X: Any) -> NDArray[Any]:
        """Return the logarithm of `predict_proba`."""
        with np.errstate(divide="ignore"):
            return np.log(self.predict_proba(X))

    def predict(self, X: Any) -> NDArray[Any]:
        """Return the most probable label of each case."""
        made = self._outputs(X)  # which says first that this is not fitted
        return self.classes_[made.argmax(axis=1)]


class HFRegressor(RegressorMixin, _Estimator):
    """A network with linear outputs as a regressor; targets are standardised for training.

    Parameters and attributes are those of `HFClassifier`, without classes.
    """

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> HFRegressor:
        """Train on cases in rows; `y` is (N,) or (N, outputs)."""
        X, y = validate_data(self, X, y, dtype=[np.float64, np.float32], multi_output=True, y_numeric=True)
        weights = _checked_weights(sample_weight, X)
        T = y.reshape(len(y), -1).astype(X.dtype)
        self._flat = y.ndim == 1
        self._mean = np.average(T, axis=0, weights=weights)
        spread = np.average((T - self._mean) ** 2, axis=0, weights=weights) ** 0.5
        self._spread = np.where(spread > 0, spread, 1).astype(X.dtype)
        self._train(X, (T - self._mean) / self._spread, "linear", weights)
        return self

    def predict(self, X: Any) -> NDArray[Any]:
        """Return the predictions, shaped as `y` was."""
        made = self._outputs(X) * self._spread + self._mean
        return made.ravel() if self._flat else made

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags


class HFAutoencoder(ClassNamePrefixFeaturesOutMixin, TransformerMixin, _Estimator):
    """An autoencoder; `transform` returns the code, the narrowest hidden layer.

    Outputs are logistic where all data lies in [0, 1], else linear. Parameters and attributes are those of
    `HFClassifier`, without classes.
    """

    def fit(self, X: Any, y: Any = None) -> HFAutoencoder:
        """Train on cases in rows; `y` is ignored.

        Parameters
        ----------
        X : (N, s_0) array_like
            Cases.
        y : object
            Ignored.

        Returns
        -------
        HFAutoencoder
            This object.

        Raises
        ------
        OptionError
            There is no hidden layer, or `train` refuses an option.
        """
        if not self._hidden():
            raise OptionError("hidden_sizes", expected="at least one hidden layer, which gives the code", got="none")
        X = validate_data(self, X, dtype=[np.float64, np.float32])
        inside = bool(X.min() >= 0 and X.max() <= 1)
        self._train(X, X, "logistic" if inside else "linear")
        self._n_features_out = min(self._hidden())
        return self

    def transform(self, X: Any) -> NDArray[Any]:
        """Return the codes, (N, units of the narrowest layer)."""
        check_is_fitted(self)
        X = validate_data(self, X, reset=False, dtype=[np.float64, np.float32])
        return self.result_.outputs(X.T, "code").T.astype(X.dtype, copy=False)

    def reconstruct(self, X: Any) -> NDArray[Any]:
        """Return what the network makes of the cases, in rows."""
        return self._outputs(X)

    def inverse_transform(self, codes: Any) -> NDArray[Any]:
        """Return the cases that codes stand for, decoded by the layers above the code.

        Parameters
        ----------
        codes : (N, units of the narrowest layer) array_like
            As `transform` returns them.

        Returns
        -------
        (N, s_0) array
            Cases in rows.

        Raises
        ------
        ValueError
            The codes have another width.
        """
        check_is_fitted(self)
        network = self.result_.trained_network()
        sizes = network.sizes
        place = min(range(1, len(sizes) - 1), key=lambda i: sizes[i])
        y = np.asarray(codes).T
        if y.ndim != 2 or len(y) != sizes[place]:
            raise ValueError(f"codes: expected shape (cases, {sizes[place]}), got {y.T.shape}.")
        for layer, unit in zip(network.layers[place:], network.network.units[place:], strict=True):
            y = unit.activate(np, layer.W @ y + layer.b)
        return y.T

    def score(self, X: Any, y: Any = None) -> float:
        """Return the negative squared error of the reconstruction, mean over cases."""
        X = validate_data(self, X, reset=False, dtype=[np.float64, np.float32])
        return -float(((self._outputs(X) - X) ** 2).sum(axis=1).mean())
