"""Derivatives of every unit and every loss, one array at a time, against automatic differentiation."""

from __future__ import annotations

from typing import Any

import autograd.numpy as anp
import numpy as np
import pytest
from autograd import elementwise_grad, grad, hessian_vector_product, jacobian
from numpy.typing import NDArray

from hf_matlab_compat.model.losses import AtOutput, OwnLoss, SquaredError, loss_for
from hf_matlab_compat.model.units import UNITS as PACKAGE_UNITS
from hf_matlab_compat.model.units import Pointwise, unit_of
from hf_matlab_compat.rnn.plants import PointMass, TwoLinkArm, jacobian_of
from tests.autodiff.definitions import OUTPUTS, OWN, UNITS, agree, at_the_input, given, loss_of

RANDOM = np.random.default_rng(0)
X, R = 2 * RANDOM.standard_normal((2, 4, 7))
AFTER = RANDOM.bit_generator.state


@pytest.fixture(autouse=True)
def the_same_numbers_in_any_order() -> None:
    RANDOM.bit_generator.state = AFTER


EVERY_LOSS = pytest.mark.parametrize(("unit", "loss"), OUTPUTS, ids=["-".join(each) for each in OUTPUTS])


def along(f: Any, x: Any, v: Any) -> Any:
    """The derivative of an array-valued function along v, from reverse passes alone: erf has no forward one."""
    return jacobian(lambda e: f(x + e * v))(0.0)


def test_every_unit_of_the_package_has_a_definition_here() -> None:
    assert {*PACKAGE_UNITS, *OWN} - {"quartic"} == set(UNITS)


@pytest.mark.filterwarnings("ignore:Output seems independent of input")  # the slope of a linear unit
@pytest.mark.parametrize("name", UNITS)
def test_slope_and_bend_of_a_unit_are_its_first_two_derivatives(name: str) -> None:
    unit, f, d = unit_of(given(name)), UNITS[name], RANDOM.standard_normal(X.shape)
    y = unit.activate(np, X.copy())
    slope, Rx = unit.slope(np, X, y), R
    ours = {
        "y": y,
        "J r": unit.jacobian_product(np, slope, R.copy()),
        "R{J} d": unit.curvature_product(np, X, y, d, along(f, X, Rx), Rx),
    }
    # J is symmetric, so J d is the gradient of d' f
    change = hessian_vector_product(lambda x: anp.sum(f(x) * d))(X, Rx)
    agree(ours, {"y": f(X), "J r": along(f, X, R), "R{J} d": change})
    if isinstance(unit, Pointwise):
        bend = unit.bend(np, X, y, d)
        first, second = elementwise_grad(f)(X), elementwise_grad(elementwise_grad(f))(X)
        agree({"bend": bend * (1 if unit.keeps_x else first)}, {"bend": d * second})


@EVERY_LOSS
def test_derivatives_of_a_loss_are_those_of_its_log_likelihood(unit: str, loss: str) -> None:
    of_unit, f, t = unit_of(given(unit)), UNITS[unit], RANDOM.random(X.shape)
    made: Any = loss_for(of_unit, given(loss))
    if unit == "softmax" and loss == "matching":
        t = t / t.sum(axis=0)  # its targets sum to 1
    y = of_unit.activate(np, X.copy())
    slope, Rx = of_unit.slope(np, X, y), R
    definition = loss_of(unit, loss)

    def value(x: Any) -> Any:
        return anp.sum(definition(x if at_the_input(unit, loss) else f(x), t))

    at, w = AtOutput(X, y, t), RANDOM.random((1, X.shape[1]))
    by_case = definition(X if at_the_input(unit, loss) else y, t)
    ours = {
        "ll": made.log_likelihood(np, X.copy(), y.copy(), t),
        "weighted": made.log_likelihood(np, X.copy(), y.copy(), t, None, w),
        "e": made.gradient(np, X.copy(), y, t),
        "Hr": made.hessian_product(np, at, of_unit.jacobian_product(np, slope, Rx.copy()), Rx),
        "Gr": made.gauss_newton_product(np, slope, of_unit.jacobian_product(np, slope, Rx.copy()), at),
    }
    G = curvature_at_output(f, definition, X, t, at_the_input(unit, loss))
    theirs = {
        "ll": -value(X),
        "weighted": -(by_case * w).sum(),
        "e": -grad(value)(X),
        "Hr": hessian_vector_product(value)(X, Rx),
        "Gr": np.einsum("nij,jn->in", G, Rx),
    }
    agree(ours, theirs)
    if not isinstance(made, OwnLoss):  # K Kᵀ = H_L, column by column
        K = np.array([made.root_product(np, slope, y, np.tile(e[:, None], X.shape[1])) for e in np.eye(len(X))])
        agree({"K K'": np.einsum("kin,kjn->nij", K, K)}, {"K K'": G})


def curvature_at_output(f: Any, definition: Any, x: NDArray[Any], t: NDArray[Any], at_input: bool) -> NDArray[Any]:
    """H_L of every column, (n, s_L, s_L): the loss differentiated twice where Gauss-Newton does so."""
    found = []
    for column, target in zip(x.T, t.T, strict=True):
        z, goal = column[:, None], target[:, None]
        J = np.eye(len(column)) if at_input else jacobian(lambda a: f(a[:, None])[:, 0])(column)
        at = z[:, 0] if at_input else f(z)[:, 0]
        H = jacobian(grad(lambda a, goal=goal: definition(a[:, None], goal)[0]))(at)
        found.append(J.T @ H @ J)
    return np.array(found)


@pytest.mark.parametrize("unit", ["logistic", "softmax", "gelu"])
def test_squared_error_needs_no_matching_unit(unit: str) -> None:
    assert isinstance(loss_for(unit_of(unit), "squared"), SquaredError)


@pytest.mark.parametrize("plant", [PointMass(), TwoLinkArm()], ids=["mass", "arm"])
def test_the_slopes_of_a_plant_are_those_of_its_definition(plant: Any) -> None:
    step = {PointMass: mass_step, TwoLinkArm: arm_step}[type(plant)]
    n_s, n_u = plant.state_size, plant.control_size
    s, u = RANDOM.standard_normal((n_s, 5)), RANDOM.standard_normal((n_u, 5))
    F_s, F_u = jacobian_of(plant, s, u)
    both = [jacobian(lambda z: anp.array(step(z[:n_s], z[n_s:])))(z) for z in np.vstack([s, u]).T]
    slopes = np.array(both).transpose(1, 2, 0)
    ours = {"step": plant.step(s, u), "F_s": F_s, "F_u": F_u}
    agree(ours, {"step": np.array(step(s, u)), "F_s": slopes[:, :n_s], "F_u": slopes[:, n_s:]})


def mass_step(s: Any, u: Any) -> list[Any]:
    return [s[0] + 0.2 * s[1], s[1] + 0.2 * (u[0] - 0.5 * s[1] - anp.sin(s[0]))]


def arm_step(s: Any, u: Any) -> list[Any]:
    """Two rods of mass 1 and length ½, friction 0.1, steps of 0.05: M(q) ω̇ = τ, solved by Cramer's rule."""
    c, inertia = 0.25, 1 / 48
    k1, k2, k3 = 2 * inertia + c**2 + 0.25 + c**2, 0.5 * c, inertia + c**2
    M11, M12, M22 = k1 + 2 * k2 * anp.cos(s[1]), k3 + k2 * anp.cos(s[1]), k3
    tau1 = u[0] + k2 * anp.sin(s[1]) * (2 * s[2] * s[3] + s[3] ** 2) - 0.1 * s[2]
    tau2 = u[1] - k2 * anp.sin(s[1]) * s[2] ** 2 - 0.1 * s[3]
    det = M11 * M22 - M12**2
    w1 = s[2] + 0.05 * (M22 * tau1 - M12 * tau2) / det
    w2 = s[3] + 0.05 * (M11 * tau2 - M12 * tau1) / det
    return [s[0] + 0.05 * w1, s[1] + 0.05 * w2, w1, w2]
