"""Plants: recorded steps and Jacobians, derivatives by complex steps, and what is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.io import loadmat

from hf_matlab_compat.errors import OptionError
from hf_matlab_compat.rnn.plants import PointMass, TwoLinkArm, check_plant, jacobian_of
from tests.cases import GOLDENS

RANDOM = np.random.default_rng(4)
STATES, CONTROLS = RANDOM.standard_normal((2, 5)), RANDOM.standard_normal((1, 5))


class Spring:
    """A plant of a user: s = (p, v), with a force of its own."""

    state_size, control_size = 2, 1

    def force(self, p: Any) -> Any:
        return -(p**3)

    def step(self, s: Any, u: Any) -> Any:
        return np.stack([s[0] + 0.1 * s[1], s[1] + 0.1 * (u[0] + self.force(s[0]))])


@pytest.mark.parametrize(("name", "plant"), [("1d", PointMass()), ("arm", TwoLinkArm())])
def test_steps_and_jacobians_are_the_recorded_ones(name: str, plant: Any) -> None:
    of = loadmat(GOLDENS / "rnn" / f"own_control_{name}.mat")
    np.testing.assert_allclose(plant.step(of["x0"], of["plant_u"]), of["plant_next"], rtol=0, atol=1e-15)
    F_s, F_u = jacobian_of(plant, of["x0"], of["plant_u"])
    np.testing.assert_allclose(F_s, of["plant_F"], rtol=0, atol=3e-15)
    np.testing.assert_allclose(F_u, of["plant_B"], rtol=0, atol=3e-15)


def test_complex_steps_give_the_jacobian_that_a_plant_writes_down() -> None:
    class WithoutJacobian:
        state_size, control_size = 2, 1
        step = PointMass().step

    for found, own in zip(
        jacobian_of(WithoutJacobian(), STATES, CONTROLS), PointMass().jacobian(STATES, CONTROLS), strict=True
    ):
        np.testing.assert_allclose(found, own, rtol=0, atol=1e-16)


def test_the_arm_keeps_its_energy_without_friction_and_torque() -> None:
    def energy(s: Any) -> Any:
        # from the places of the rods' centres, not from the matrix of the equations of motion
        m, length = 1.0, 0.5
        inertia, w = m * length**2 / 12, s[2] + s[3]
        elbow = length * s[2] * np.stack([-np.sin(s[0]), np.cos(s[0])])
        second = elbow + length / 2 * w * np.stack([-np.sin(s[0] + s[1]), np.cos(s[0] + s[1])])
        moving = m * (length / 2 * s[2]) ** 2 + m * (second**2).sum(axis=0)
        return 0.5 * (moving + inertia * (s[2] ** 2 + w**2))

    arm = TwoLinkArm(time_step=1e-4, friction=0.0)
    s = RANDOM.standard_normal((4, 3))
    before = energy(s)
    for _ in range(2000):
        s = arm.step(s, np.zeros((2, 3)))
    np.testing.assert_allclose(energy(s), before, rtol=2e-3)


class Stop(Spring):
    """A wall at 0.3, with comparisons that complex numbers pass."""

    def force(self, p: Any) -> Any:
        return -50 * np.maximum(p - 0.3, 0) + np.where(p.real > 0, p, 2 * p)


@pytest.mark.parametrize("plant", [PointMass(), TwoLinkArm(), Spring(), Stop()])
def test_good_plants_pass(plant: Any) -> None:
    s = RANDOM.standard_normal((plant.state_size, 6))
    check_plant(plant, s, RANDOM.standard_normal((plant.control_size, 6)))


class _Abs(Spring):
    def force(self, p: Any) -> Any:
        return -p * np.abs(p)


class _Max(Spring):
    def force(self, p: Any) -> Any:
        return -np.maximum(p.real, 0)


class _PythonMax(Spring):
    def force(self, p: Any) -> Any:
        return -max(p, 0)


class _Angle(Spring):
    def force(self, p: Any) -> Any:
        return -np.arctan2(p, 1)


class _RealOnly(Spring):
    def step(self, s: Any, u: Any) -> Any:
        after = np.zeros(s.shape)
        after[0], after[1] = s[0] + 0.1 * s[1], s[1] + 0.1 * u[0]
        return after


class _Transposed(Spring):
    def step(self, s: Any, u: Any) -> Any:
        return super().step(s, u).T


class _Nan(Spring):
    def force(self, p: Any) -> Any:
        return np.log(-(p**2))


class _Mixes(Spring):
    def force(self, p: Any) -> Any:
        return p.mean() + 0 * p


class _Changes(Spring):
    def step(self, s: Any, u: Any) -> Any:
        s[0] += 0.1 * s[1]
        return s.copy()


class _Complex(Spring):
    def force(self, p: Any) -> Any:
        return p + 0j


class _WrongJacobian(PointMass):
    def jacobian(self, s: Any, u: Any) -> Any:
        F_s, F_u = super().jacobian(s, u)
        return F_s, 2 * F_u


class _OneJacobian(PointMass):
    def jacobian(self, s: Any, u: Any) -> Any:
        return super().jacobian(s, u)[0]


class _ShortJacobian(PointMass):
    def jacobian(self, s: Any, u: Any) -> Any:
        F_s, F_u = super().jacobian(s, u)
        return F_s, F_u[:, 0]


class _Fails(Spring):
    def step(self, s: Any, u: Any) -> Any:
        return s @ u


class _NoSize(Spring):
    control_size = 0


class _NoStep:
    state_size, control_size = 2, 1


REFUSED = [
    (_Abs(), "slopes of step by complex steps that agree with finite differences, ", "Leave out abs"),
    (_Max(), "slopes of step by complex steps that agree with finite differences, ", "Leave out abs"),
    (_PythonMax(), "_PythonMax.step to work, got ValueError", ""),
    (_Angle(), "_Angle.step of complex numbers to work, got TypeError", "Leave out abs"),
    (_RealOnly(), "_RealOnly.step of complex numbers to work, got ComplexWarning", "conversions to real numbers"),
    (_Transposed(), "step to return an array of shape (2, 5), got shape (5, 2).", ""),
    (_Nan(), "step to return finite numbers from the starts, got NaN or Inf.", ""),
    (_Mixes(), "step to treat each column by itself, got another result with one column less.", ""),
    (_Changes(), "step to leave its arguments unchanged, got changed arguments.", ""),
    (_Complex(), "step to return real numbers of real ones, got dtype complex128.", ""),
    (_WrongJacobian(), "jacobian that agrees with finite differences, 0.2 for next state 1 by control 0, got 0.4.", ""),
    (_OneJacobian(), "jacobian to return two arrays of shapes (2, 2, 5) and (2, 1, 5), got ndarray.", ""),
    (_ShortJacobian(), "two arrays of shapes (2, 2, 5) and (2, 1, 5), got shapes (2, 2, 5) and (2, 5).", ""),
    (_Fails(), "_Fails.step to work, got ValueError", ""),
    (_NoSize(), "an object with state_size and control_size, both at least 1, got control_size = 0.", ""),
    (Spring, "an object with state_size and control_size, both at least 1, got the class Spring.", ""),
    (_NoStep(), "an object with a method step(s, u), got _NoStep.", ""),
]


@pytest.mark.parametrize(("plant", "expected", "advice"), REFUSED, ids=lambda value: type(value).__name__)
def test_bad_plants_are_refused_in_one_sentence(plant: Any, expected: str, advice: str) -> None:
    with pytest.raises(OptionError) as refused:
        check_plant(plant, STATES.copy(), CONTROLS.copy())
    assert str(refused.value).startswith("plant: expected ")
    assert expected in str(refused.value)
    assert advice in str(refused.value)
    assert "\n" not in str(refused.value)
