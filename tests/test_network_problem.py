"""The problem of a feed-forward network, made on its own, is the one that `train` trains."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from hf_matlab_compat import check_derivatives, feedforward, train, variational_problem
from hf_matlab_compat.errors import DataError, OptionError
from hf_matlab_compat.problem import Cases

RNG = np.random.default_rng(0)
X, WEIGHTS = RNG.random((6, 60)), RNG.random(60)
NET: dict[str, Any] = {
    "hidden_sizes": [5, 3],
    "unit_types": ["tanh", "logistic", "logistic"],
    "num_chunks": 3,
    "weight_decay": 1e-3,
    "decay_biases": False,
    "case_weights": WEIGHTS,
}


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"precision": "double", "sum_lanes": 16},
        {"backend": "numba", "num_threads": 2},
        {"curvature": "empirical_fisher"},
        {"method": "adam"},
    ],
)
def test_it_trains_with_the_bits_of_the_network(options: dict[str, Any]) -> None:
    if options.get("backend") == "numba":
        pytest.importorskip("numba")
    run = {"seed": 3, "max_epochs": 3, "max_cg_steps": 10, **options}
    kind = {"curvature": run.pop("curvature")} if "curvature" in run else {}
    whole = train(inputs=X, targets=X, test_inputs=X[:, :9], test_targets=X[:, :9], **NET, **kind, **run)
    p = feedforward(X, X, **NET, **kind)
    own = train(problem=p, test_problem=p.on(X[:, :9], X[:, :9]), **run)
    np.testing.assert_array_equal(own.theta, whole.theta)
    for name in ("train_log_likelihood", "test_error"):
        np.testing.assert_array_equal(own.history[name], whole.history[name])


@pytest.mark.parametrize("curvature", ["gauss_newton", "hessian"])
def test_its_derivatives_can_be_checked(curvature: str) -> None:
    p = feedforward(X, X, **NET, curvature=curvature, faithful=False)
    found = check_derivatives(p, hessian=curvature == "hessian")
    assert found.agree, str(found)


def test_its_posterior_can_be_approximated() -> None:
    p = feedforward(X[:, :20], X[:1, :20], hidden_sizes=[2], unit_types=["tanh", "linear"])
    q = variational_problem(p, prior_sd=1.0, draws=4)
    lls = train(problem=q, max_epochs=3, seed=0).history["train_log_likelihood"]
    assert lls[-1] > lls[0]


def test_held_out_cases_keep_the_weights_of_classes_only() -> None:
    labels = np.eye(2)[:, RNG.integers(0, 2, 60)]
    net = {"hidden_sizes": [3], "unit_types": ["tanh", "softmax"], "class_weights": [1, 3]}
    p = feedforward(X, labels, **net, case_weights=WEIGHTS)
    theta = p.initial_theta(0)
    other, plain = p.on(X[:, :30], labels[:, :30]), feedforward(X[:, :30], labels[:, :30], **net)
    assert other.score(theta, Cases()) == plain.score(theta, Cases())
    assert (other.num_chunks, p.num_parameters) == (1, theta.size)
    assert repr(other) == f"NetworkProblem of layers 6 3 2, {theta.size} parameters, 30 cases"


def test_bad_arguments_are_refused_as_train_does() -> None:
    with pytest.raises(OptionError, match=r"^curvature: expected"):
        feedforward(X, X, **NET, curvature="newton")
    with pytest.raises(DataError, match=r"^targets: expected"):
        feedforward(X, X[:, :9], **NET)
    with pytest.raises(OptionError, match=r"^unit_types"):
        feedforward(X, X, hidden_sizes=[3], unit_types=["tanh"])
