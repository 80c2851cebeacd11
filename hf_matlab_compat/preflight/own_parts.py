"""Checks of a user's units and loss: their derivatives are compared with finite differences before a run."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hf_matlab_compat.backends.backend import Backend
from hf_matlab_compat.errors import BackendWarning, OptionError
from hf_matlab_compat.model.corruption import Corruption
from hf_matlab_compat.model.losses import OwnLoss
from hf_matlab_compat.model.network import Network
from hf_matlab_compat.model.units import OwnUnit

_X = np.array([[-3.1, -1.7, -0.9, -0.35], [-0.12, 0.17, 0.41, 0.83], [1.3, 2.2, 3.4, 0.62]])
"""Inputs at which units are tested: three units, four cases; kinks are unlikely there."""
_STEP = 1e-5
_NEAR = 1e-5
"""Largest relative and absolute difference from central differences, which are accurate to about 1e-9."""
_CASES = 4


def check_own_parts(network: Network, targets: NDArray[Any], *, of_hessian: bool) -> None:
    """Compare the derivatives of a user's units and loss with finite differences, the loss on the first targets.

    Raises
    ------
    OptionError
        They disagree, have a wrong shape or are not finite; or one that is needed (for `of_hessian` the second) is
        missing.
    """
    own = {id(unit.function): unit for unit in network.units if isinstance(unit, OwnUnit)}
    for unit in own.values():
        if of_hessian and not unit.bends:
            raise OptionError(
                "unit_types",
                expected=f"{unit.name!r} with the method bend(xp, x, y), its second derivative",
                got="none",
                advice="{curvature='hessian'} needs it; {curvature='gauss_newton'} does not.",
            )
        with np.errstate(all="ignore"):
            _check_unit(unit)
    if isinstance(network.loss, OwnLoss):
        with np.errstate(all="ignore"):
            _check_loss(network.loss, np.array(targets[:, :_CASES], dtype=np.float64), of_hessian)


def warn_of_numpy_passes(network: Network, backend: Backend) -> None:
    """Warn if numpy runs the passes, since there are no compiled ones for a user's unit.

    Warns
    -----
    BackendWarning
        It does.
    """
    own = [unit.name for unit in network.units[:-1] if isinstance(unit, OwnUnit)]
    if backend.loops is not None and own:
        warnings.warn(
            f"backend='numba': numpy runs the passes in this run, since there are no compiled ones for {own[0]!r}.",
            BackendWarning,
            stacklevel=5,
        )


def warn_of_numpy_passes_of_masks(corruption: Corruption, backend: Backend) -> None:
    """Warn if numpy runs the passes, since there are no compiled ones for blanked out hidden units.

    Warns
    -----
    BackendWarning
        It does.
    """
    if backend.loops is not None and corruption.needs_own_passes:
        what = "hidden_blankout" if any(corruption.hidden_blankout) else "perturb_form='legacy'"
        told = f"backend='numba': numpy runs the passes in this run, since there are no compiled ones for {what}."
        warnings.warn(told, BackendWarning, stacklevel=5)


def _check_unit(unit: OwnUnit) -> None:
    of: Any = unit.function
    y = _called(unit.name, "unit_types", "activate", _X.shape, of.activate, np, _X.copy())

    def outputs(x: NDArray[Any]) -> NDArray[Any]:
        return np.asarray(of.activate(np, x), dtype=np.float64)

    for i, j in np.ndindex(*_X.shape):  # a change of one input must not change other outputs
        moved = _X.copy()
        moved[i, j] += 0.1
        others = outputs(moved) != y
        others[i, j] = False
        if others.any():
            raise _wrong("unit_types", unit.name, "activate with outputs that depend on their own input only", "others")
    slope = _called(unit.name, "unit_types", "slope", _X.shape, of.slope, np, _X.copy(), y.copy())
    _compare("unit_types", f"{unit.name}.slope", slope, (outputs(_X + _STEP) - outputs(_X - _STEP)) / (2 * _STEP), _X)
    if unit.bends:
        bend = _called(unit.name, "unit_types", "bend", _X.shape, of.bend, np, _X.copy(), y.copy())
        ends = [of.slope(np, x, outputs(x)) for x in (_X + _STEP, _X - _STEP)]
        _compare("unit_types", f"{unit.name}.bend", bend, (ends[0] - ends[1]) / (2 * _STEP), _X)


def _check_loss(loss: OwnLoss, t: NDArray[Any], of_hessian: bool) -> None:
    of: Any = loss.of_output
    random = np.random.default_rng(0)
    y = np.asarray(loss.unit.activate(np, random.standard_normal(t.shape)), dtype=np.float64)
    v = random.standard_normal(t.shape)
    size = t.shape[1]
    _called(loss.name, "loss", "log_likelihood", (size,), of.log_likelihood, np, y.copy(), t)
    gradient = _called(loss.name, "loss", "gradient", t.shape, of.gradient, np, y.copy(), t)
    ends = [of.log_likelihood(np, y + sign * _STEP * v, t) for sign in (1, -1)]
    slopes = (np.asarray(ends[0]) - np.asarray(ends[1])) / (2 * _STEP)
    _compare("loss", f"{loss.name}.gradient", (gradient * v).sum(axis=0), slopes, y[0])
    curved = _called(loss.name, "loss", "curvature_product", t.shape, of.curvature_product, np, y.copy(), t, v.copy())
    if getattr(of, "exact_curvature", True):
        ends = [np.asarray(of.gradient(np, y + sign * _STEP * v, t)) for sign in (1, -1)]
        _compare("loss", f"{loss.name}.curvature_product", curved, (ends[1] - ends[0]) / (2 * _STEP), y)
    elif of_hessian:
        raise _wrong("loss", loss.name, "exact_curvature with {curvature='hessian'}", "one that is not")


def _called(name: str, argument: str, method: str, shape: tuple[int, ...], call: Any, *given: Any) -> NDArray[Any]:
    # return what a method returns, if it has the right shape, is finite, and the arguments are unchanged
    before = [a.copy() for a in given if isinstance(a, np.ndarray)]
    try:
        result = np.array(call(*given), dtype=np.float64)
    except (TypeError, ValueError, AttributeError, ArithmeticError, LookupError, RuntimeError) as error:
        got = f"{type(error).__name__} ({error})"
        refusal = _wrong(argument, name, f"{method} that takes arrays of shape {given[1].shape}", got)
        raise refusal from error
    after = [a for a in given if isinstance(a, np.ndarray)]
    faults = {
        (f"{method} to return shape {shape}", f"shape {result.shape}"): result.shape != shape,
        (f"{method} to return finite numbers", "NaN or Inf"): not np.isfinite(result).all(),
        (f"{method} to leave its arguments unchanged", "changed arguments"): any(
            (a != b).any() for a, b in zip(before, after, strict=True)
        ),
    }
    for (expected, got), found in faults.items():
        if found:
            refusal = _wrong(argument, name, expected, got)
            raise refusal
    return result


def _compare(argument: str, what: str, ours: NDArray[Any], differences: NDArray[Any], at: NDArray[Any]) -> None:
    apart = ~(np.abs(ours - differences) <= _NEAR * (1 + np.abs(differences)))
    if apart.any():
        where = tuple(np.argwhere(apart)[0])
        of = "unit_types" if argument == "unit_types" else "loss"
        near = f"{differences[where]:.6g} at {'x' if of == 'unit_types' else 'y'} = {at[where]:.3g}"
        raise OptionError(
            argument,
            expected=f"{what} that agrees with finite differences, {near}",
            got=f"{ours[where]:.6g}",
            advice="Correct the derivative.",
        )


def _wrong(argument: str, name: str, expected: str, got: str) -> OptionError:
    return OptionError(argument, expected=f"of {name!r} {expected}", got=got)
