"""The calls of users: derivatives of a validation loss by all that training was told."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from hf_matlab_compat.autodiff.nested import Packing, hosted, leaves
from hf_matlab_compat.errors import OptionError, quoted
from hf_matlab_compat.hypergradients.derivatives import Derivatives, Vector
from hf_matlab_compat.hypergradients.descent import Descent, Schedule
from hf_matlab_compat.hypergradients.engines import by_engine
from hf_matlab_compat.hypergradients.reversible import Reversible
from hf_matlab_compat.hypergradients.shortcut import Shortcut
from hf_matlab_compat.hypergradients.stored import Checkpoints, Stored
from hf_matlab_compat.hypergradients.trail import Training, Way, check_shapes, run_back

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
    *,
    engine: str = "autograd",
) -> Hypergradients:
    """Train by gradient descent with momentum, and return the derivatives of the validation loss after it.

    Parameters
    ----------
    loss : callable
        (x, eta, t) → the training loss of step t = 0 … N-1, a number, written in the operations of `engine`.
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
    engine : {'autograd', 'jax', 'torch'}
        JAX compiles once for all steps, so t is traced there: take a batch by `jax.lax.dynamic_slice_in_dim` or from
        an array of indices. torch works on the CPU.

    Returns
    -------
    Hypergradients

    Raises
    ------
    OptionError
        An argument is wrong, the engine is missing, a derivative is not finite, or x leaves the range of fixed point.
    DataError
        start or eta are no finite numbers.

    Notes
    -----
    Momenta γ are used as n / 65536 with n = ⌊65536 γ + 1⌋, whatever `by` is.
    """
    for name, function in (("loss", loss), ("validation", validation)):
        if not callable(function):
            raise OptionError(name, expected="a function", got=quoted(function))
    x, of_x = _flat(start, "start")
    e, of_eta = _flat(eta, "eta")
    derivatives = by_engine(
        engine,
        lambda x, eta, t: loss(of_x.unpack(x), of_eta.unpack(eta), t),
        lambda x, eta: validation(of_x.unpack(x), of_eta.unpack(eta)),
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
        An argument is wrong, a derivative is not finite, or x leaves the range of fixed point.
    DataError
        start or eta are no finite numbers.
    """
    way = _way(by)
    if not all(hasattr(derivatives, name) for name in ("gradient", "linearized", "validation")):
        expected = "OwnDerivatives, or an object with the methods gradient, linearized and validation"
        raise OptionError("derivatives", expected=expected, got=quoted(derivatives))
    if not isinstance(descent, Descent):
        raise OptionError("descent", expected="a Descent", got=quoted(descent))
    x, of_x = _flat(start, "start")
    e, of_eta = _flat(eta, "eta")
    schedule = Schedule(descent, _groups(of_x.start))
    with np.errstate(all="ignore"):  # a gradient that is not finite ends the run with a sentence
        trail = way.run(Training(derivatives, schedule, x, e))
        value, dx, deta = derivatives.validation(trail.x_final, e)
        check_shapes("validation", (dx, x), (deta, e))
        _check_finite(value, dx, deta)
        found = run_back(trail, dx, deta)
    return Hypergradients(
        float(value),
        of_eta.unpack(found.deta),
        None if found.drates is None else schedule.as_given("learning_rates", found.drates),
        None if found.dmomenta is None else schedule.as_given("momenta", found.dmomenta),
        of_x.unpack(found.dx),
        of_x.unpack(trail.x_final),
        trail.kept_bytes,
    )


def _check_finite(value: float, *derivatives: Vector) -> None:
    if not all(np.isfinite(each).all() for each in (value, *derivatives)):
        got = f"{value:g} with derivatives that are not" if np.isfinite(value) else value
        raise OptionError("validation", expected="a finite value with finite derivatives after training", got=got)


def _way(by: str | Way) -> Way:
    if isinstance(by, str) and by in WAYS:
        return WAYS[by]()
    if isinstance(by, (str, type)) or not hasattr(by, "run"):
        raise OptionError("by", expected=f"one of {', '.join(WAYS)}, or an object with a method run", got=by)
    return by


def _flat(nested: Any, name: str) -> tuple[Vector, Packing]:
    packing = Packing(hosted(nested, name))
    arrays = [leaf for _, leaf in leaves(packing.start)]
    if len(arrays) == 1:
        return arrays[0].ravel().astype(np.float64, copy=False), packing  # no copy: a start may be large
    return packing.pack(packing.start) if arrays else np.zeros(0), packing


def _groups(start: Any) -> list[int]:
    if not isinstance(start, (Mapping, list, tuple)):
        return [np.size(start)]
    entries = start.values() if isinstance(start, Mapping) else start
    return [sum(leaf.size for _, leaf in leaves(entry)) for entry in entries]
