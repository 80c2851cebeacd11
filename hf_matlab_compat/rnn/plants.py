"""Plants: the systems that a controller steers, with their Jacobians; a point mass on a line and a two-link arm.

Notation
--------
s_{t+1} = F(s_t, u_t);  s (n_s, n) and u (n_u, n): states and controls of n cases, one in each column
F_s = ∂F/∂s (n_s, n_s, n) and F_u = ∂F/∂u (n_s, n_u, n): [i, j, k] is component i by component j, for case k
Δ: the time of one step
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

import numpy as np

from hf_matlab_compat.backends.arrays import Array
from hf_matlab_compat.errors import OptionError

TINY = 1e-30
"""Imaginary step of a derivative: its square vanishes, so that nothing is lost to cancellation or truncation."""
_SMALL = 1e-6
"""Real step of the central differences that derivatives are compared with; they are accurate to about 1e-9."""
_NEAR = 1e-5
"""Largest relative and absolute difference from central differences."""
_ADVICE = (
    "Leave out abs, max, sign, floor, atan2 and conversions to real numbers, or give the plant a method jacobian(s, u)."
)

Jacobians = tuple[Array, Array]
"""F_s and F_u."""


class Plant(Protocol):
    """A system in discrete time. Columns are cases, and each column of a result depends on its own column only.

    A plant may also have ``jacobian(s, u)``, which returns F_s (n_s, n_s, n) and F_u (n_s, n_u, n). Without it they
    are found by complex steps on `step`, which must then accept complex numbers.
    """

    @property
    def state_size(self) -> int:
        """n_s."""
        ...

    @property
    def control_size(self) -> int:
        """n_u."""
        ...

    def step(self, s: Array, u: Array) -> Array:
        """Return the next states, a new (n_s, n) array; `s` is (n_s, n), `u` is (n_u, n)."""
        ...


@dataclass(frozen=True)
class PointMass:
    """A point mass with friction in the field of a pendulum, s = (p, v): p' = p + Δv, v' = v + Δ(u - ½v - sin p).

    Attributes
    ----------
    time_step : float
        Δ.
    """

    time_step: float = 0.2
    state_size: ClassVar[int] = 2
    control_size: ClassVar[int] = 1

    def step(self, s: Array, u: Array) -> Array:
        """See `Plant.step`."""
        p, v = s
        return np.stack([p + self.time_step * v, v + self.time_step * (u[0] - 0.5 * v - np.sin(p))])

    def jacobian(self, s: Array, u: Array) -> Jacobians:
        """Return F_s (2, 2, n) and F_u (2, 1, n)."""
        F_s, F_u = np.zeros((2, 2, s.shape[1]), s.dtype), np.zeros((2, 1, s.shape[1]), s.dtype)
        F_s[0, 0], F_s[0, 1] = 1, self.time_step
        F_s[1, 0], F_s[1, 1] = -self.time_step * np.cos(s[0]), 1 - 0.5 * self.time_step
        F_u[1, 0] = self.time_step
        return F_s, F_u


@dataclass(frozen=True)
class TwoLinkArm:
    """An arm of two uniform rods in a horizontal plane, s = (q_1, q_2, ω_1, ω_2), driven by a torque at each joint.

    It has no method `jacobian`: complex steps find the same numbers.

    Attributes
    ----------
    time_step : float
        Δ.
    mass, length : float
        Of each rod.
    friction : float
        Torque per angular velocity at each joint.
    """

    time_step: float = 0.05
    mass: float = 1.0
    length: float = 0.5
    friction: float = 0.1
    state_size: ClassVar[int] = 4
    control_size: ClassVar[int] = 2

    def step(self, s: Array, u: Array) -> Array:
        """See `Plant.step`: M(q) ω̇ = τ; ω' = ω + Δω̇, and q' = q + Δω' with the new ω."""
        m, l, c = self.mass, self.length, self.length / 2  # noqa: E741  # the letters of mechanics
        inertia = m * l**2 / 12
        k_1, k_2, k_3 = 2 * inertia + m * c**2 + m * (l**2 + c**2), m * l * c, inertia + m * c**2
        q_1, q_2, w_1, w_2 = s
        M_11, M_12, M_22 = k_1 + 2 * k_2 * np.cos(q_2), k_3 + k_2 * np.cos(q_2), k_3
        pull = k_2 * np.sin(q_2)  # of the Coriolis and centrifugal torques
        tau_1 = u[0] + pull * (2 * w_1 * w_2 + w_2 * w_2) - self.friction * w_1
        tau_2 = u[1] - pull * (w_1 * w_1) - self.friction * w_2
        det = M_11 * M_22 - M_12 * M_12
        w_1 = w_1 + self.time_step * (M_22 * tau_1 - M_12 * tau_2) / det
        w_2 = w_2 + self.time_step * (M_11 * tau_2 - M_12 * tau_1) / det
        return np.stack([q_1 + self.time_step * w_1, q_2 + self.time_step * w_2, w_1, w_2])

    def joints(self, s: Array) -> Array:
        """Return the places of elbow and hand in the plane, (2, 2, …): [joint, coordinate]."""
        first = self.length * np.stack([np.cos(s[0]), np.sin(s[0])])
        second = self.length * np.stack([np.cos(s[0] + s[1]), np.sin(s[0] + s[1])])
        return np.stack([first, first + second])


def jacobian_of(plant: Any, s: Array, u: Array) -> Jacobians:
    """Return F_s and F_u at these states and controls, from the plant or else by complex steps on `step`."""
    if hasattr(plant, "jacobian"):
        return plant.jacobian(s, u)
    both = np.vstack([s, u])
    moved = [_moved_step(plant, both, i, 1j * TINY, len(s)) for i in range(len(both))]
    slopes = np.imag(np.stack(moved, axis=1)) / TINY
    return slopes[:, : len(s)], slopes[:, len(s) :]


def check_plant(plant: Any, s: Array, u: Array) -> None:
    """Refuse a plant whose step or Jacobian does not fit, at the given states and controls of at least two cases.

    Raises
    ------
    OptionError
        It lacks something, fails, returns other shapes or NaN, changes its arguments, mixes cases, or its derivatives
        differ from central differences.
    """
    check_parts(plant)
    after = _called(plant, "step", lambda: plant.step(s, u), s, u)
    _refuse_unless(after.shape == s.shape, f"step to return an array of shape {s.shape}", f"shape {after.shape}")
    _refuse_unless(after.dtype.kind == "f", "step to return real numbers of real ones", f"dtype {after.dtype}")
    _refuse_unless(bool(np.isfinite(after).all()), "step to return finite numbers from the starts", "NaN or Inf")
    alone = _called(plant, "step", lambda: plant.step(s[:, 1:], u[:, 1:]), s, u)
    apart = alone.shape != (len(s), s.shape[1] - 1) or not np.allclose(alone, after[:, 1:], rtol=1e-9, atol=1e-12)
    _refuse_unless(not apart, "step to treat each column by itself", "another result with one column less")
    given = hasattr(plant, "jacobian")
    _compare(np.concatenate(_checked_jacobians(plant, s, u), axis=1), plant, s, u, "" if given else _ADVICE)


PLANTS: dict[str, Any] = {"PointMass": PointMass, "TwoLinkArm": TwoLinkArm}
"""Those of this package, which a file of a result keeps whole."""


def check_parts(plant: Any) -> None:
    """Refuse an object that lacks a size or a method of a plant.

    Raises
    ------
    OptionError
        It does.
    """
    for name in ("state_size", "control_size"):
        size = getattr(plant, name, None)
        if isinstance(plant, type) or not isinstance(size, int | np.integer) or isinstance(size, bool) or size < 1:
            got = f"the class {plant.__name__}" if isinstance(plant, type) else f"{name} = {size!r}"
            raise OptionError("plant", expected="an object with state_size and control_size, both at least 1", got=got)
    for name in ("step", "jacobian"):
        if not callable(getattr(plant, name, None if name == "step" else callable)):
            raise OptionError("plant", expected=f"an object with a method {name}(s, u)", got=type(plant).__name__)


def _checked_jacobians(plant: Any, s: Array, u: Array) -> Jacobians:
    if not hasattr(plant, "jacobian"):
        with warnings.catch_warnings():
            warnings.simplefilter("error", np.exceptions.ComplexWarning)
            F_s, F_u = _called(plant, "step of complex numbers", lambda: jacobian_of(plant, s, u), s, u, _ADVICE)
            return F_s, F_u
    found = _called(plant, "jacobian", lambda: plant.jacobian(s, u), s, u)
    n = s.shape[1]
    expected = (len(s), len(s), n), (len(s), len(u), n)
    shapes = tuple(np.shape(part) for part in found) if isinstance(found, tuple | list) else ()
    what = f"jacobian to return two arrays of shapes {expected[0]} and {expected[1]}"
    got = "shapes " + " and ".join(map(str, shapes)) if shapes else type(found).__name__
    _refuse_unless(shapes == expected, what, got)
    return np.asarray(found[0]), np.asarray(found[1])


def _compare(slopes: Array, plant: Any, s: Array, u: Array, advice: str) -> None:
    what = "jacobian" if not advice else "slopes of step by complex steps"
    for j, (differences, rounding) in enumerate(_central_differences(plant, s, u)):
        apart = ~(np.abs(slopes[:, j] - differences) <= _NEAR * (1 + np.abs(differences)) + rounding)
        if apart.any():
            i, k = (int(place) for place in np.argwhere(apart)[0])
            of = f"state {j}" if j < len(s) else f"control {j - len(s)}"
            expected = f"{what} that agree with finite differences, {differences[i, k]:.6g} for next state {i} by {of}"
            expected = expected if advice else expected.replace(" agree ", " agrees ")
            raise OptionError("plant", expected=expected, got=f"{slopes[i, j, k]:.6g}", advice=advice)


def _central_differences(plant: Any, s: Array, u: Array) -> Iterator[tuple[Array, Array]]:
    """Yield the derivatives by each component of state and control, and how far rounding may move them."""
    both = np.vstack([s, u])
    for i in range(len(both)):
        ends = [_moved_step(plant, both, i, sign * _SMALL, len(s)) for sign in (1, -1)]
        rounding = 10 * np.finfo(np.float64).eps * np.maximum(*np.abs(ends)) / _SMALL
        yield (ends[0] - ends[1]) / (2 * _SMALL), rounding


def _moved_step(plant: Any, both: Array, i: int, by: complex, state_size: int) -> Array:
    moved = both.astype(np.result_type(np.float64, type(by)))
    moved[i] += by
    return np.asarray(plant.step(moved[:state_size], moved[state_size:]))


def _called(plant: Any, what: str, call: Callable[[], Any], s: Array, u: Array, advice: str = "") -> Any:
    """Return what a method of the plant returns, arrays as numpy's.

    Raises
    ------
    OptionError
        It fails, or changes its arguments.
    """
    before = s.copy(), u.copy()
    try:
        with np.errstate(all="ignore"):
            found = call()
        found = found if isinstance(found, tuple | list) and what != "step" else np.asarray(found)
    except (TypeError, ValueError, AttributeError, ArithmeticError, LookupError, np.exceptions.ComplexWarning) as error:
        got = f"{type(error).__name__} ({str(error).rstrip('.')})"
        expected = f"{type(plant).__name__}.{what} to work"
        raise OptionError("plant", expected=expected, got=got, advice=advice) from error
    changed = not (np.array_equal(before[0], s) and np.array_equal(before[1], u))
    _refuse_unless(not changed, f"{what} to leave its arguments unchanged", "changed arguments")
    return found


def _refuse_unless(fits: bool, expected: str, got: str) -> None:
    if not fits:
        raise OptionError("plant", expected=expected, got=got)
