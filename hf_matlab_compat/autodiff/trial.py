"""A trial of a model's functions on two cases, before a problem is made of them."""

from __future__ import annotations

import warnings

import numpy as np

from hf_matlab_compat.autodiff.cases import NestedCases
from hf_matlab_compat.autodiff.engines import Block, explained
from hf_matlab_compat.autodiff.nested import mapped
from hf_matlab_compat.autodiff.problem import AutodiffModel
from hf_matlab_compat.errors import DataError, OptionError

TOLERANCE = 1e-6
"""Largest relative difference between the loss of two cases and the sum of their losses."""


def tried(model: AutodiffModel, data: NestedCases) -> None:
    """Call the functions, differentiate them once and form one product, on the first two cases.

    Raises
    ------
    OptionError
        The loss is no scalar, no sum over cases or no function of the parameters, or the engine cannot differentiate
        an operation.
    DataError
        The loss or its derivative is not finite.
    """
    engine, packing, theta = model.engine, model.functions.packing, model.initial_theta()

    def block(cases: slice) -> Block:
        return mapped(lambda values: engine.array(values, np.float64), data.cut(cases))

    few, elsewhere = block(slice(0, 2)), np.cos(np.arange(theta.size))
    with explained(engine), np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Output seems independent of input", UserWarning)  # autograd's; said below
        loss, error = engine.measured(theta, few)
        if not np.isfinite([loss, error]).all():
            raise DataError("loss", expected="a finite loss at the initial parameters", got=f"{loss}, error {error}")
        if len(data) > 1:
            apart = [engine.measured(theta, block(slice(k, k + 1))) for k in range(2)]
            _check_sum("loss", loss, [each[0] for each in apart])
            _check_sum("error", error, [each[1] for each in apart])
        _, gradient = engine.gradient(theta, few)
        product = engine.product(theta, few, model.curvature)(elsewhere)
        if not gradient.any() and engine.measured(theta + elsewhere, few)[0] == loss:
            expected, advice = "outputs that depend on the parameters", "They are its first argument."
            raise OptionError("output", expected=expected, got="the same loss at other ones", advice=advice)
    missing = np.flatnonzero(~np.isfinite(gradient))
    if missing.size:
        where, value = packing.place(int(missing[0])), theta[missing[0]]
        raise DataError(
            "initial",
            expected="parameters at which the loss can be differentiated",
            got=f"{where} = {value:.6g}, by which its derivative is {gradient[missing[0]]}",
        )
    if model.curvature == "gauss_newton" and gradient.any() and not np.any(product):
        expected = "a function that is curved in the outputs, of which Gauss-Newton is made"
        advice = "Move its last step from {output} to {loss}, such as the square, or set {curvature='hessian'}."
        raise OptionError("loss", expected=expected, got="a linear one", advice=advice)


def _check_sum(name: str, together: float, apart: list[float]) -> None:
    if abs(together - sum(apart)) <= TOLERANCE * sum(map(abs, apart)):
        return
    is_mean = abs(together - sum(apart) / 2) <= TOLERANCE * sum(map(abs, apart))
    advice = (
        "Return the sum in place of the mean."
        if is_mean
        else "The outputs of a case must not depend on other cases, as in batch normalisation, or on chance."
    )
    got = f"{together:.6g} for two cases, of which one alone has {apart[0]:.6g} and the other {apart[1]:.6g}"
    raise OptionError(name, expected="the sum over the cases", got=got, advice=advice)
