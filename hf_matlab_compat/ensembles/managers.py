"""Second learners over the predictions of a library: any classifier of scikit-learn, or weights for each case."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.spatial.distance import cdist

from hf_matlab_compat.ensembles.library import Library
from hf_matlab_compat.ensembles.selection import LEAST_PROBABILITY, _checked_targets
from hf_matlab_compat.errors import OptionError
from hf_matlab_compat.model.activations import TrainedNetwork


@dataclass(frozen=True)
class Stack:
    """A classifier of scikit-learn over the log-probabilities of all networks.

    Attributes
    ----------
    networks : sequence of TrainedNetwork
        All of the library.
    learner : object
        Fitted on the held-out cases.
    out_of_fold : (s_L, N) array
        Its predictions for the held-out cases, each by a learner that had not seen the case.
    """

    networks: Sequence[TrainedNetwork]
    learner: Any
    out_of_fold: NDArray[np.float64]

    def predict(self, inputs: ArrayLike) -> NDArray[np.float64]:
        """Return class probabilities, (s_L, N), for cases in columns."""
        made = np.stack([network.predict(inputs).T for network in self.networks])
        return _all_classes(self.learner, self.learner.predict_proba(_features(made)), made.shape[2]).T


def stack(library: Library, targets: ArrayLike, learner: Any = None, folds: int = 5) -> Stack:
    """Fit a second learner on what all networks predict for held-out cases.

    It needs more cases than networks times classes; with a few hundred cases `select` is better.

    Parameters
    ----------
    library : Library
        Predictions for held-out cases.
    targets : (s_L, N) array_like
        One-of-k targets of these cases.
    learner : object, optional
        A classifier of scikit-learn with ``predict_proba``; by default a logistic regression with C = 0.01.
    folds : int
        Parts of the cross-validation that gives `Stack.out_of_fold`.

    Returns
    -------
    Stack
        Fitted on all held-out cases.

    Raises
    ------
    OptionError
        scikit-learn is not installed.
    DataError
        The targets do not fit the predictions.
    """
    try:
        from sklearn.base import clone
        from sklearn.linear_model import LogisticRegression
        from sklearn.model_selection import cross_val_predict
    except ImportError as error:
        advice = "Run pip install 'hf_matlab_compat[sklearn]'."
        raise OptionError("learner", expected="scikit-learn", got="no such package", advice=advice) from error
    labels = _checked_targets(library, targets).argmax(axis=0)
    features, classes = _features(library.predictions), library.predictions.shape[2]
    made: Any = clone(LogisticRegression(C=0.01, max_iter=1000) if learner is None else learner)
    folded: Any = cross_val_predict(made, features, labels, cv=folds, method="predict_proba")
    fitted = made.fit(features, labels)
    networks = [library.network(k) for k in range(len(library))]
    return Stack(networks, fitted, _all_classes(fitted, folded, classes).T)


@dataclass(frozen=True)
class Gate:
    """An average of networks with weights of its own for each case.

    Attributes
    ----------
    networks : sequence of TrainedNetwork
        All of the library.
    inputs : (s_0, N) array
        The held-out cases.
    log_probabilities : (M, N) array
        What each network gave to the true class of each.
    neighbours : int
        Held-out cases that decide.
    """

    networks: Sequence[TrainedNetwork]
    inputs: NDArray[Any]
    log_probabilities: NDArray[np.float64]
    neighbours: int

    def predict(self, inputs: ArrayLike) -> NDArray[np.float64]:
        """Return class probabilities, (s_L, N), for cases in columns."""
        cases = np.asarray(inputs)
        near = np.argsort(cdist(cases.T, self.inputs.T), axis=1, kind="stable")[:, : self.neighbours]
        evidence = self.log_probabilities[:, near].sum(axis=2)  # (M, cases)
        weights = np.exp(evidence - evidence.max(axis=0))
        weights /= weights.sum(axis=0)
        made = (w * network.predict(cases) for w, network in zip(weights, self.networks, strict=True))
        return sum(made)  # type: ignore[return-value]


def gate(library: Library, targets: ArrayLike, inputs: ArrayLike, neighbours: int = 15) -> Gate:
    """Weigh the networks for each case by how probable they made its nearest held-out cases.

    Parameters
    ----------
    library : Library
        Predictions for held-out cases.
    targets : (s_L, N) array_like
        One-of-k targets of these cases.
    inputs : (s_0, N) array_like
        Their inputs, in which distances are measured.
    neighbours : int
        How many of the nearest ones decide.

    Returns
    -------
    Gate
        Weights are exp Σ log p over the neighbours, normalised.

    Raises
    ------
    DataError
        The targets do not fit the predictions.
    """
    true = _checked_targets(library, targets).argmax(axis=0)
    probabilities = library.predictions[:, np.arange(len(true)), true].astype(np.float64)
    networks = [library.network(k) for k in range(len(library))]
    return Gate(networks, np.asarray(inputs), np.log(np.maximum(probabilities, LEAST_PROBABILITY)), neighbours)


def _features(predictions: NDArray[Any]) -> NDArray[np.float64]:
    """Return log-probabilities, (N, M s_L): cases in rows, as scikit-learn takes them."""
    logs = np.log(np.maximum(predictions.astype(np.float64), LEAST_PROBABILITY))
    return logs.transpose(1, 0, 2).reshape(predictions.shape[1], -1)


def _all_classes(learner: Any, made: NDArray[Any], classes: int) -> NDArray[np.float64]:
    """Return probabilities of all classes: the learner leaves out those that no held-out case has."""
    labels = getattr(learner, "classes_", np.arange(classes))
    whole = np.zeros((len(made), classes))
    whole[:, labels] = made
    return whole
