"""The calls of users: derivatives of a validation loss by all that training was told."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from hf_matlab_compat.errors import OptionError
from hf_matlab_compat.hypergradients.derivatives import ByAutograd, Derivatives, Vector
from hf_matlab_compat.hypergradients.descent import Descent, Schedule
from hf_matlab_compat.hypergradients.nested import flat
from hf_matlab_compat.hypergradients.reversible import Reversible
from hf_matlab_compat.hypergradients.shortcut import Shortcut
from hf_matlab_compat.hypergradients.stored import Checkpoints, Stored
from hf_matlab_compat.hypergradients.trail import Training, Way, run_back

WAYS: dict[str, Callable[[], Way]] = {
    "reversible": Reversible,
    "checkpoints": Checkpoints,
    "stored": Stored,
    "shortcut": Shortcut,
}


@dataclass(frozen=True)
class Hypergradients:
    """The validation loss after training, and its derivatives.

    Attributes
    ----------
    value : float
        The validation loss at x_final.
    d_eta : nested arrays
        Of the shape of eta.
    d_learning_rates, d_momenta : float or array, or None
        Of the shape in which they were given; None for `by="shortcut"`, which does not know them.
    d_start, x_final : nested arrays
        Of the shape of the start.
    kept_bytes : int
        Size of the arrays kept for running back, at its largest; without the start, which the caller has,
        unless the way holds a copy.
    """

    value: float
    d_eta: Any
    d_learning_rates: Any
    d_momenta: Any
    d_start: Any
    x_final: Any
    kept_bytes: int


def hypergradients(
    loss: Callable[..., Any],
    validation: Callable[..., Any],
    start: Any,
    eta: Any,
    descent: Descent,
    by: str | Way = "reversible",
) -> Hypergradients:
    """Train by gradient descent with momentum, and return the derivatives of the validation loss after it.

    Parameters
    ----------
    loss : callable
        (x, eta, t) → the training loss of step t = 0 … N-1, a number, written with `autograd.numpy`.
    validation : callable
        (x, eta) → the validation loss, a number.
    start : array or nested arrays
        The parameters x that training starts from. The outermost entries of a list, tuple or dict are the groups
        (layers) that learning rates and momenta by group belong to.
    eta : array or nested arrays
        Hyperparameters of the two functions, such as a logarithm of weight decay for each layer.
    descent : Descent
        Learning rates and momenta.
    by : str or Way
        "reversible" undoes training exactly, "checkpoints" keeps √N steps, "stored" all of them; "shortcut"
        approximates. Or one of `Reversible`, `Checkpoints`, `Stored` and `Shortcut` with settings.

    Returns
    -------
    Hypergradients

    Raises
    ------
    OptionError
        An argument is wrong, autograd is missing, a gradient is not finite, or x leaves the range of fixed point.

    Notes
    -----
    Momenta γ are used as n / 65536 with n = ⌊65536 γ + 1⌋, whatever `by` is.
    """
    x, nested_x, _ = flat(start)
    e, nested_eta, _ = flat(eta)
    derivatives = ByAutograd(
        lambda x, eta, t: loss(nested_x(x), nested_eta(eta), t),
        lambda x, eta: validation(nested_x(x), nested_eta(eta)),
        (x, e),
    )
    return hypergradients_of(derivatives, start, eta, descent, by)


def hypergradients_of(
    derivatives: Derivatives, start: Any, eta: Any, descent: Descent, by: str | Way = "reversible"
) -> Hypergradients:
    """Do what `hypergradients` does, with derivatives of your own and without a library for them.

    Parameters
    ----------
    derivatives : Derivatives
        `OwnDerivatives`, or an object with the methods `gradient`, `linearized` and `validation`. They take x and
        eta as vectors, in which the arrays of nested ones follow each other.
    start, eta, descent, by
        See `hypergradients`.

    Returns
    -------
    Hypergradients

    Raises
    ------
    OptionError
        An argument is wrong, a gradient is not finite, or x leaves the range of fixed point.
    """
    way = _way(by)
    x, nested_x, groups = flat(start)
    e, nested_eta, _ = flat(eta)
    _check_finite(start=x, eta=e)
    schedule = Schedule(descent, groups)
    with np.errstate(all="ignore"):  # a gradient that is not finite ends the run with a sentence
        trail = way.run(Training(derivatives, schedule, x, e))
        value, dx, deta = derivatives.validation(trail.x_final, e)
        if not (np.isfinite(value) and np.isfinite(dx).all()):
            raise OptionError("validation", expected="a finite value and gradient after training", got=value)
        found = run_back(trail, dx, deta)
    return Hypergradients(
        value,
        nested_eta(found.deta),
        None if found.drates is None else schedule.as_given("learning_rates", found.drates),
        None if found.dmomenta is None else schedule.as_given("momenta", found.dmomenta),
        nested_x(found.dx),
        nested_x(trail.x_final),
        trail.kept_bytes,
    )


def _way(by: str | Way) -> Way:
    if not isinstance(by, str):
        return by
    if by not in WAYS:
        raise OptionError("by", expected=f"one of {', '.join(WAYS)}, or an object with a method run", got=by)
    return WAYS[by]()


def _check_finite(**vectors: Vector) -> None:
    for name, vector in vectors.items():
        if not np.isfinite(vector).all():
            raise OptionError(name, expected="finite numbers", got=vector[~np.isfinite(vector)][0])
