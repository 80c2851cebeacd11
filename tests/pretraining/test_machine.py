"""Contrastive divergence goes the way of the gradient of the likelihood, which is enumerated; scikit-learn agrees."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest

from hf_matlab_compat.errors import OptionError
from hf_matlab_compat.pretraining import BoltzmannMachine, ContrastiveDivergence, PersistentDivergence
from hf_matlab_compat.pretraining.machine import contrast

VISIBLE, HIDDEN = 4, 2


def _machine(random: np.random.Generator, visible: int = VISIBLE, hidden: int = HIDDEN, scale: float = 1.0) -> Any:
    W, a, b = (scale * random.normal(size=shape) for shape in ((hidden, visible), (visible, 1), (hidden, 1)))
    return BoltzmannMachine(W, a, b)


def _gradient(machine: BoltzmannMachine, cases: np.ndarray) -> np.ndarray:
    """Gradient of the mean log-likelihood, by a sum over all states of the visible units."""
    states = np.array(list(itertools.product((0.0, 1.0), repeat=VISIBLE))).T
    free = np.logaddexp(0, machine.W @ states + machine.hidden_bias).sum(axis=0) + (machine.visible_bias * states).sum(
        0
    )
    p = np.exp(free - np.logaddexp.reduce(free))

    def moments(v: np.ndarray, weights: np.ndarray) -> np.ndarray:
        h = machine.hidden(v)
        return np.concatenate([((h * weights) @ v.T).ravel(), (v * weights).sum(axis=1), (h * weights).sum(axis=1)])

    return moments(cases, np.full(cases.shape[1], 1 / cases.shape[1])) - moments(states, p)


@pytest.mark.parametrize(("scale", "least"), [(0.1, 0.95), (1.0, 0.93)])
def test_contrastive_divergence_has_the_signs_of_the_gradient(scale: float, least: float) -> None:
    random, agree, misses = np.random.default_rng(0), [], {1: 0.0, 20: 0.0}
    for _ in range(30):
        machine = _machine(random, scale=scale)
        truth = (random.random((VISIBLE, 8)) < random.random((VISIBLE, 1))).astype(float)
        cases = truth[:, random.integers(8, size=10_000)]
        exact = _gradient(machine, cases)
        for steps in misses:
            made = contrast(machine, cases, random, steps)
            found = np.concatenate([made.W.ravel(), made.visible_bias.ravel(), made.hidden_bias.ravel()])
            misses[steps] += float(((found - exact) ** 2).sum())
            if steps == 1:
                agree += (np.sign(found) == np.sign(exact)).tolist()
    assert np.mean(agree) >= least
    if scale == 1:
        assert misses[20] < 0.5 * misses[1]  # more steps come nearer; what is left is the bias of the last means


def test_the_means_of_hidden_units_are_scikit_learns() -> None:
    network = pytest.importorskip("sklearn.neural_network")
    random = np.random.default_rng(1)
    machine, v = _machine(random, 5, 3), (random.random((5, 7)) < 0.5).astype(float)
    theirs = network.BernoulliRBM(3)
    theirs.components_ = machine.W
    theirs.intercept_hidden_, theirs.intercept_visible_ = machine.hidden_bias[:, 0], machine.visible_bias[:, 0]
    assert np.allclose(theirs.transform(v.T).T, machine.hidden(v), rtol=1e-14)


@pytest.mark.parametrize("rule", [ContrastiveDivergence(epochs=60), PersistentDivergence(epochs=60, batch=10)])
def test_a_machine_learns_which_states_are_frequent(rule) -> None:
    pytest.importorskip("sklearn")
    random = np.random.default_rng(2)
    cases = np.repeat([[1.0, 1, 0, 0], [0, 0, 1, 1]], 200, axis=0).T
    start = BoltzmannMachine(0.1 * random.normal(size=(2, 4)), np.zeros((4, 1)), np.zeros((2, 1)))
    told: list[tuple[int, float]] = []
    learnt = rule(start, cases, random, lambda *each: told.append(each))
    assert ((cases - learnt.visible(learnt.hidden(cases))) ** 2).sum(axis=0).mean() < 0.2  # 1 for the mean state
    assert told[-1][0] == 60
    assert not start.hidden_bias.any()


def test_updates_have_momentum_and_weight_cost_as_published() -> None:
    start, cases = _machine(np.random.default_rng(4)), np.eye(VISIBLE)
    rule = ContrastiveDivergence(epochs=7, batch=VISIBLE, rate=0.3, weight_cost=0.01)
    learnt = rule(start, cases, np.random.default_rng(5), lambda *told: None)
    random = np.random.default_rng(5)
    cases = cases[:, random.permutation(VISIBLE)]
    W, a, b = start.W, start.visible_bias, start.hidden_bias
    dW, da, db = 0 * W, 0 * a, 0 * b
    for epoch in range(7):
        h = machine_h = 1 / (1 + np.exp(-(W @ cases + b)))
        states = (random.random(h.shape) < h).astype(float)
        seen = 1 / (1 + np.exp(-(W.T @ states + a)))
        h = 1 / (1 + np.exp(-(W @ seen + b)))
        mu = 0.5 if epoch < 5 else 0.9
        dW = mu * dW + 0.3 * ((machine_h @ cases.T - h @ seen.T) / VISIBLE - 0.01 * W)
        da = mu * da + 0.3 * (cases - seen).mean(axis=1, keepdims=True)
        db = mu * db + 0.3 * (machine_h - h).mean(axis=1, keepdims=True)
        W, a, b = W + dW, a + da, b + db
    for mine, its in zip((W, a, b), (learnt.W, learnt.visible_bias, learnt.hidden_bias), strict=True):
        assert np.allclose(mine, its, rtol=1e-12)


def test_gaussian_units_have_linear_means_and_sampled_states_of_variance_one() -> None:
    random = np.random.default_rng(3)
    machine = BoltzmannMachine(np.zeros((1, 2)), np.zeros((2, 1)), np.full((1, 1), 2.0), "linear", "linear")
    assert machine.hidden(np.ones((2, 3))).tolist() == [[2.0, 2.0, 2.0]]
    fixed = BoltzmannMachine(np.ones((1, 2)), np.zeros((2, 1)), np.zeros((1, 1)), "linear", "linear")
    seen = contrast(fixed, np.zeros((2, 20_000)), random).reconstruction  # the sampled hidden state itself
    assert np.array_equal(seen[0], seen[1])
    assert seen[0].std() == pytest.approx(1, abs=0.02)


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(OptionError, match="epochs: expected a whole number of at least 1, got 0"):
        ContrastiveDivergence(epochs=0)
    with pytest.raises(OptionError, match="linear_rate: expected a finite number above 0, got 0"):
        ContrastiveDivergence(linear_rate=0)
