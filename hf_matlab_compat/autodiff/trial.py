"""A trial of a model's functions on a few cases, before a problem is made of them."""

from __future__ import annotations

import warnings
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from hf_matlab_compat.autodiff.cases import NestedCases
from hf_matlab_compat.autodiff.engines import Block, Engine, explained
from hf_matlab_compat.autodiff.nested import mapped
from hf_matlab_compat.autodiff.problem import AutodiffModel
from hf_matlab_compat.errors import DataError, OptionError
from hf_matlab_compat.objective.cases import CASES_PER_BLOCK

TOLERANCE = 1e-6
"""Largest relative difference between the loss of some cases and the sum of the losses of their halves."""


def tried(model: AutodiffModel, data: NestedCases) -> None:
    """Call the functions, differentiate them once and form one product, on the first case and the last.

    Where these two have no gradient or no curvature, as cases of zeros may, more cases decide.

    Raises
    ------
    OptionError
        The loss is no scalar, no sum over cases or no function of the parameters, the functions change their arguments,
        or the engine cannot differentiate an operation.
    DataError
        The loss or its derivative is not finite.
    """
    engine, N = model.engine, len(data)
    samples = [np.unique(np.array([0, N - 1]))]
    if N > 2:
        samples.append(np.linspace(0, N - 1, min(N, CASES_PER_BLOCK) // 2 * 2).astype(np.int64))  # of equal halves
    with explained(engine), np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Output seems independent of input", UserWarning)  # autograd's; said below
        error: OptionError | None = None
        for cases in samples:
            blocks = [_block(engine, data, part) for part in (cases, *np.array_split(cases, 2))]
            _check_losses(engine, model.initial_theta(), blocks, len(cases))
            error = _without_derivatives(model, blocks[0])
            if error is None:
                return
    if error is not None:
        raise error


def _block(engine: Engine, data: NestedCases, cases: NDArray[np.int64]) -> Block:
    return mapped(lambda values: engine.array(values, np.float64), data.cut(cases))


def _check_losses(engine: Engine, theta: NDArray[np.float64], blocks: Sequence[Block], count: int) -> None:
    """Check loss and error of a block, of which the other blocks are the halves.

    Raises
    ------
    DataError
        One is not finite.
    OptionError
        A second call gives another value, or the halves do not add up.
    """
    found = engine.measured(theta, blocks[0])
    if not np.isfinite(found).all():
        got = f"{found[0]}, error {found[1]}"
        raise DataError("loss", expected="a finite loss at the initial parameters", got=got)
    again = engine.measured(theta, blocks[0])
    if any(abs(a - b) > TOLERANCE * abs(b) for a, b in zip(again, found, strict=True)):
        got = f"{again[0]:.6g} in a second call and {found[0]:.6g} in the first"
        advice = "The functions must neither change their arguments nor depend on chance."
        raise OptionError("loss", expected="the same value for the same arguments", got=got, advice=advice)
    if count > 1:
        halves = [engine.measured(theta, half) for half in blocks[1:]]
        for name, together, *apart in zip(("loss", "error"), found, *halves, strict=True):
            _check_sum(name, together, apart, count)


def _check_sum(name: str, together: float, apart: list[float], count: int) -> None:
    if abs(together - sum(apart)) <= TOLERANCE * sum(map(abs, apart)):
        return
    is_mean = abs(together - sum(apart) / 2) <= TOLERANCE * sum(map(abs, apart))
    advice = (
        "Return the sum in place of the mean."
        if is_mean
        else "The outputs of a case must not depend on other cases, as in batch normalisation, or on chance."
    )
    number, part = ("two", "one alone") if count == 2 else (count, "one half")
    got = f"{together:.6g} for {number} cases, of which {part} has {apart[0]:.6g} and the other {apart[1]:.6g}"
    raise OptionError(name, expected="the sum over the cases", got=got, advice=advice)


def _without_derivatives(model: AutodiffModel, block: Block) -> OptionError | None:
    """Return the error that the model does not depend on its parameters, or has no curvature, on these cases.

    Raises
    ------
    DataError
        A derivative is not finite.
    """
    engine, theta = model.engine, model.initial_theta()
    elsewhere = np.cos(np.arange(theta.size))
    _, gradient = engine.gradient(theta, block)
    _check_finite(model, gradient)
    product = engine.product(theta, block, model.curvature)(elsewhere)
    if not gradient.any():
        loss, moved = (engine.measured(t, block)[0] for t in (theta, theta + elsewhere))
        if moved != loss:
            return None
        expected, advice = "outputs that depend on the parameters", "They are its first argument."
        return OptionError("output", expected=expected, got="the same loss at other ones", advice=advice)
    if model.curvature == "gauss_newton" and not np.any(product):
        expected = "a function that is curved in the outputs, of which Gauss-Newton is made"
        advice = "Move its last step from {output} to {loss}, such as the square, or set {curvature='hessian'}."
        return OptionError("loss", expected=expected, got="a linear one", advice=advice)
    return None


def _check_finite(model: AutodiffModel, gradient: NDArray[np.float64]) -> None:
    missing = np.flatnonzero(~np.isfinite(gradient))
    if missing.size:
        where, value = model.functions.packing.place(int(missing[0])), model.initial_theta()[missing[0]]
        raise DataError(
            "initial",
            expected="parameters at which the loss can be differentiated",
            got=f"{where} = {value:.6g}, by which its derivative is {gradient[missing[0]]}",
        )
