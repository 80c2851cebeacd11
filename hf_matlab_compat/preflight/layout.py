"""Checks of the network: sizes, kinds of units, and combinations without a meaning."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Sequence
from typing import Any

import numpy as np

from hf_matlab_compat.errors import OptionError, quoted
from hf_matlab_compat.model.losses import HAVE_MATCHING, no_matching_loss
from hf_matlab_compat.model.units import UNITS, OwnUnit, name_of
from hf_matlab_compat.options import Options


def check_layout(hidden_sizes: Any, unit_types: Any, options: Options) -> tuple[list[int], list[Any]]:
    """Return sizes and kinds of units as plain lists.

    Parameters
    ----------
    hidden_sizes : sequence of int
        Units of the hidden layers only.
    unit_types : sequence of str or OwnFunction
        Of the hidden layers and the output.
    options : Options
        Reads loss, curvature and `faithful`.

    Raises
    ------
    OptionError
        A size or unit is wrong, or the combination has no meaning.
    """
    sizes = _sizes(hidden_sizes)
    units = _units(unit_types, len(sizes))
    _check_combination(units, options)
    return sizes, units


def _sizes(hidden_sizes: Any) -> list[int]:
    try:
        sizes = [0.0 if isinstance(size, str | bool) else float(size) for size in hidden_sizes]
    except (TypeError, ValueError):
        sizes = [0.0]
    if not all(size >= 1 and size.is_integer() for size in sizes):
        raise OptionError(
            "hidden_sizes",
            expected="whole numbers of at least 1, one for each hidden layer",
            got=quoted(hidden_sizes),
            advice="The sizes of input and output come from the data.",
        )
    return [int(size) for size in sizes]


def _units(unit_types: Any, num_hidden: int) -> list[Any]:
    if isinstance(unit_types, np.ndarray) and unit_types.ndim == 1:
        unit_types = unit_types.tolist()
    if isinstance(unit_types, str) or not isinstance(unit_types, Sequence):
        raise OptionError("unit_types", expected="a list of names", got=quoted(unit_types))
    units = [str(unit) if isinstance(unit, str | int | float) else unit for unit in unit_types]
    if len(units) != num_hidden + 1:
        raise OptionError(
            "unit_types",
            expected=f"{num_hidden + 1} names, one for each hidden layer ({{hidden_sizes}} has {num_hidden}) and one "
            "for the output",
            got=f"{len(units)} ({', '.join(repr(name_of(unit)) for unit in units)})" if units else "none",
            advice="{hidden_sizes} describes the hidden layers only, {unit_types} the hidden layers and the output.",
        )
    for i, unit in enumerate(units):
        if isinstance(unit, str):
            _check_unit(unit, is_output=i == num_hidden)
        else:
            OwnUnit(unit)  # raises if a method is missing
    return units


_ALSO_CALLED = {
    "logistic": ("sigmoid", "sigm", "sigmf", "logsig", "logit", "expit"),
    "tanh": ("tansig", "hyperbolic", "hyperbolictangent"),
    "linear": ("identity", "purelin", "none", "gaussian"),
    "softmax": ("multinomial", "categorical"),
}
"""Names of our units in other programs."""


def _check_unit(unit: str, *, is_output: bool) -> None:
    if unit not in UNITS:
        expected = "names from " + ", ".join(map(repr, UNITS))
        raise OptionError("unit_types", expected=expected, got=repr(unit), advice=unit_instead(unit))
    if unit == "softmax" and not is_output:
        raise OptionError(
            "unit_types",
            expected="'softmax' at the output only",
            got="'softmax' in a hidden layer",
            advice="Use 'logistic', 'tanh' or 'linear' there.",
        )


def unit_instead(name: str, known: Collection[str] = tuple(UNITS)) -> str:
    """Return which of the `known` units to write in place of an unknown one; empty if nothing is similar.

    Examples
    --------
    >>> unit_instead("sigmoid")
    "Did you mean 'logistic'?"
    """
    unit = name.lower()
    if unit.endswith("relu") or unit.startswith(("rectif", "leaky")):
        if "relu" not in known:
            return "The published trainer has no rectified units."
        return "'relu' is built in; for another unit, give your own object."
    meant = next((ours for ours, words in _ALSO_CALLED.items() if unit.replace("_", "") in words), None)
    near = [meant] if meant else difflib.get_close_matches(unit, known, n=1, cutoff=0.4)
    return f"Did you mean {near[0]!r}?" if near else ""


def _check_combination(units: Sequence[Any], options: Options) -> None:
    output, squared = name_of(units[-1]), options.loss == "squared"
    if options.loss == "matching" and output not in HAVE_MATCHING:
        raise no_matching_loss(output)
    if not options.faithful:
        return  # the three combinations below have a meaning; MATLAB refuses them because its formulas are missing
    if options.curvature == "hessian" and "tanh" in units:
        where = f"'tanh' in layer {units.index('tanh') + 1}"
        raise _not_in_the_original("unit_types", "no 'tanh' with {curvature='hessian'}", where)
    if options.curvature == "gauss_newton" and output == "softmax" and squared:
        pair = "{loss='squared'} and {curvature='gauss_newton'}"
        raise _not_in_the_original("unit_types", f"no 'softmax' output with {pair}", "'softmax'")
    if options.curvature == "empirical_fisher" and options.loss != "matching":
        others = "{curvature='gauss_newton'} or {curvature='hessian'}"
        loss = "{loss='squared'}" if squared else f"{{loss}} {name_of(options.loss)!r}"
        raise _not_in_the_original("curvature", f"{others} with {loss}", "the empirical Fisher")


def _not_in_the_original(argument: str, expected: str, got: str) -> OptionError:
    advice = "The MATLAB program has no formula for it and stops; {faithful}=False computes it."
    return OptionError(argument, expected=expected, got=got, advice=advice)
