"""The closed loop of network and plant: recorded numbers, dense derivatives, and that nothing of it is cut open."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.io import loadmat

from hf_matlab_compat.rnn.closed_loop import Controller
from hf_matlab_compat.rnn.plants import PointMass, TwoLinkArm
from tests.cases import GOLDENS
from tests.oracles.closed_loop import DenseLoop
from tests.oracles.matching import matrix

PLANTS: dict[str, Any] = {"1d": PointMass(), "arm": TwoLinkArm()}


def apart(found: Any, expected: Any) -> float:
    expected = np.ravel(expected)
    return float(np.abs(np.ravel(found) - expected).max() / np.abs(expected).max())


def gradient(at: Any, like: Any) -> Any:
    out = np.zeros_like(like)
    at.add_gradient(out)
    return out


def product(at: Any, v: Any, structural: float = 0.0) -> Any:
    out = np.zeros_like(v)
    at.add_product(v, out, structural)
    return out


def recorded(name: str) -> tuple[dict[str, Any], Controller, Any]:
    """Recorded numbers, the controller that they belong to, and its loop at θ."""
    of = loadmat(GOLDENS / "rnn" / f"own_control_{name}.mat")
    plant = PLANTS[name]
    controller = Controller(
        plant=plant,
        hidden_size=4,
        steps=5,
        shown_goal=np.arange(plant.state_size // 2),
        shown_state=np.arange(plant.state_size),
        end_weights=of["w"].ravel(),
        effort=float(of["a"].item()),
    )
    return of, controller, controller.loop(of["theta"].ravel(), of["x0"], of["goal"])


@pytest.mark.parametrize("name", PLANTS)
def test_states_cost_gradient_and_products_are_the_recorded_ones(name: str) -> None:
    of, controller, at = recorded(name)
    parts, D = controller.unpacked(of["theta"].ravel()), controller.input_size
    for ours, theirs in ((parts.of_input[:, :D], "W_hx"), (parts.of_input[:, D:], "W_hh"), (parts.output, "W_oh")):
        np.testing.assert_array_equal(ours, of[theirs])
    v, N = of["v"].ravel(), of["x0"].shape[1]
    assert apart(at.states.transpose(1, 0, 2), of["states"]) < 1e-15
    assert apart(at.controls.transpose(1, 0, 2), of["controls"]) < 1e-15
    assert apart(-at.log_likelihood / N, of["loss"]) < 1e-15
    assert apart(-gradient(at, v) / N, of["grad"]) < 5e-15
    assert apart(product(at, v) / N, of["Gv"]) < 5e-15
    assert apart((product(at, v, 0.3) - product(at, v)) / N, 0.3 * of["Sv"]) < 5e-15


def some_loop(**changes: Any) -> tuple[Controller, Any, Any, Any]:
    """A point mass whose network sees the goal of the position and the speed only; four cases."""
    random = np.random.default_rng(9)
    settings: dict[str, Any] = {
        "plant": PointMass(),
        "hidden_size": 3,
        "steps": 4,
        "shown_goal": np.array([0]),
        "shown_state": np.array([1]),
        "end_weights": np.array([1.0, 0.5]),
        "effort": 0.02,
    }
    controller = Controller(**{**settings, **changes})
    theta = 0.7 * random.standard_normal(controller.num_parameters)
    return controller, theta, random.standard_normal((2, 4)), random.standard_normal((2, 4))


def dense(controller: Controller) -> DenseLoop:
    return DenseLoop(
        step=controller.plant.step,
        hidden=controller.hidden_size,
        controls=controller.plant.control_size,
        steps=controller.steps,
        shown=controller.shown_goal.tolist(),
        seen=controller.shown_state.tolist(),
        end_weights=controller.end_weights,
        effort=controller.effort,
    )


@pytest.mark.parametrize("seen", [[1], [0, 1], [1, 0], []])
def test_derivatives_are_those_of_a_dense_oracle(seen: list[int]) -> None:
    controller, theta, starts, goals = some_loop(shown_state=np.array(seen, dtype=int))
    at = controller.loop(theta, starts, goals)
    cost, g, squares, G, S = dense(controller).sums(theta, starts, goals)
    assert apart(-at.log_likelihood, cost) < 1e-15
    assert apart(-gradient(at, theta), g) < 5e-15
    out, found = np.ones_like(theta), np.ones_like(theta)
    at.add_gradient_and_squares(out, found)
    assert apart(found - 1, squares) < 5e-15
    np.testing.assert_allclose(out - 1, gradient(at, theta), rtol=0, atol=1e-13)
    P = theta.size
    assert apart(matrix(lambda v: product(at, v), P), G) < 5e-15
    assert apart(matrix(lambda v: product(at, v, 0.3), P), G + 0.3 * S) < 5e-15


def test_products_are_symmetric_and_positive() -> None:
    controller, theta, starts, goals = some_loop(hidden_size=8, steps=12)
    at = controller.loop(theta, starts, goals)
    random = np.random.default_rng(2)
    v, w = random.standard_normal((2, theta.size))
    for structural in (0.0, 2.0):
        Gv, Gw = product(at, v, structural), product(at, w, structural)
        assert abs(w @ Gv - v @ Gw) < 1e-13 * abs(w @ Gv)
        assert v @ Gv > 0
    assert v @ product(at, v, 2.0) > v @ product(at, v)


def test_a_sum_over_cases_is_the_sum_of_the_cases() -> None:
    controller, theta, starts, goals = some_loop()
    whole = controller.loop(theta, starts, goals)
    single = [controller.loop(theta, starts[:, [n]], goals[:, [n]]) for n in range(4)]
    v = np.random.default_rng(3).standard_normal(theta.size)
    assert apart(sum(at.log_likelihood for at in single), whole.log_likelihood) < 1e-15
    assert apart(sum(at.error for at in single), whole.error) < 1e-15
    assert apart(sum(gradient(at, v) for at in single), gradient(whole, v)) < 1e-14
    assert apart(sum(product(at, v, 0.4) for at in single), product(whole, v, 0.4)) < 1e-14


def test_the_error_is_the_distance_of_the_last_state_from_the_shown_goal() -> None:
    of, _, at = recorded("arm")
    missed = of["states"][-1][:2] - of["goal"][:2]
    assert at.error == pytest.approx(np.hypot(*missed).sum(), rel=1e-14)


def test_single_precision_stays_single() -> None:
    controller, theta, starts, goals = some_loop()
    exact = controller.loop(theta, starts, goals)
    at = controller.loop(theta.astype("f4"), starts.astype("f4"), goals.astype("f4"))
    v = np.random.default_rng(3).standard_normal(theta.size).astype("f4")
    assert at.states.dtype == at.controls.dtype == np.float32
    assert apart(product(at, v, 0.3), product(exact, v.astype(float), 0.3)) < 1e-5
    assert apart(gradient(at, v), gradient(exact, theta)) < 1e-5


def test_jacobians_are_formed_once_for_gradient_and_products_and_not_for_a_score() -> None:
    class Counting(PointMass):
        calls = 0

        def jacobian(self, s: Any, u: Any) -> Any:
            Counting.calls += 1
            return super().jacobian(s, u)

    controller, theta, starts, goals = some_loop(plant=Counting())
    at = controller.loop(theta, starts, goals)
    assert (np.isfinite(at.log_likelihood), Counting.calls) == (True, 0)
    for _ in range(3):
        gradient(at, theta)
        product(at, theta)
    assert Counting.calls == 1
