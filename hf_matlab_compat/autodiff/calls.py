"""The caller's way to a problem of any model: functions of parameters and cases, differentiated automatically."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from hf_matlab_compat.autodiff.cases import NestedCases, cases_of
from hf_matlab_compat.autodiff.engines import Functions, engine_kind
from hf_matlab_compat.autodiff.nested import Nested, Packing, hosted, hosted_like, leaves, mapped
from hf_matlab_compat.autodiff.problem import AutodiffModel, AutodiffProblem, ProblemWithSquares
from hf_matlab_compat.autodiff.trial import tried
from hf_matlab_compat.errors import DataError, OptionError, quoted
from hf_matlab_compat.options import Options


def autodiff_problem(
    output: Callable[..., Any],
    loss: Callable[..., Any],
    inputs: Nested = None,
    targets: Nested = None,
    *,
    initial: Nested,
    error: Callable[..., Any] | None = None,
    engine: str = "autograd",
    curvature: str = "gauss_newton",
    weight_decay: Any = 0.0,
    num_chunks: int = 1,
    curvature_cases: str = "target_chunk",
    cases_axis: int = -1,
    resample: Callable[[int], tuple[Nested, Nested]] | None = None,
) -> AutodiffProblem:
    """Make the problem of any differentiable model, for ``train(problem=…)``.

    The log-likelihood is -(1/N) Σ_n loss_n - ½ · weight_decay · θᵀθ. Derivatives come from an engine of automatic
    differentiation, so `output` and `loss` are written in its operations: autograd.numpy, jax.numpy or torch.

    Parameters
    ----------
    output : callable
        ``output(parameters, inputs)`` → the outputs, an array of any shape; ``output(parameters)`` where there are no
        `inputs`. It is called with some of the cases at a time, and must give for each what it gives for it alone.
    loss : callable
        ``loss(outputs, targets)`` → a scalar, the loss *summed* over these cases; ``loss(outputs)`` where there are
        no `targets`. For Gauss-Newton it should be convex in the outputs.
    inputs, targets : array_like, or arrays nested in dicts, lists and tuples
        The cases, along one axis of every array. Without inputs the model is one case. Whole numbers stay whole.
    initial : array_like, or arrays nested in dicts, lists and tuples
        Initial parameters; the functions get theirs nested in the same way. θ is all of them in this order, each row
        by row.
    error : callable, optional
        ``error(outputs, targets)`` → a scalar, summed over these cases: the figure that is reported. By default the
        loss.
    engine : {'autograd', 'jax', 'torch'}
        JAX compiles for each size of a block. torch works on the CPU.
    curvature : {'gauss_newton', 'hessian'}
        Jᵀ H_L J, with the Hessian H_L of the loss in the outputs; or the Hessian of the whole.
    weight_decay : float, or numbers nested like `initial`
        Strength of the weight decay, of all parameters or of each array.
    num_chunks, curvature_cases
        As in `Options`. Chunks take the cases in their order.
    cases_axis : {-1, 0}
        The axis that counts the cases.
    resample : callable, optional
        ``resample(epoch)`` → inputs and targets of this epoch, of the same shapes, and the same for the same epoch.

    Returns
    -------
    AutodiffProblem
        ``parameters(theta)`` nests θ like `initial`; ``on(inputs, targets)`` is the problem on other cases.

    Raises
    ------
    OptionError
        A setting is wrong, the engine is not installed or cannot differentiate the functions, or the loss is no sum of
        scalars over the cases.
    DataError
        The cases do not fit each other, or the loss or its derivative at the start is not finite.

    Examples
    --------
    >>> import autograd.numpy as np
    >>> from hf_matlab_compat import autodiff_problem, train
    >>> x = np.linspace(0, 4, 50)[None]
    >>> decay = lambda p, x: p["height"] * np.exp(-p["rate"] * x)
    >>> loss = lambda y, t: np.sum((y - t) ** 2)
    >>> p = autodiff_problem(decay, loss, x, 3 * np.exp(-0.5 * x), initial={"height": 1.0, "rate": 1.0})
    >>> found = p.parameters(train(problem=p, max_epochs=15, precision="double").theta)
    >>> round(float(found["height"]), 3), round(float(found["rate"]), 3)
    (3.0, 0.5)
    """
    for name, function in (("output", output), ("loss", loss), ("error", error), ("resample", resample)):
        if not callable(function) and (function is not None or name in ("output", "loss")):
            raise OptionError(name, expected="a function", got=quoted(function))
    if isinstance(cases_axis, bool) or cases_axis not in (-1, 0):
        raise OptionError("cases_axis", expected="-1 (the last axis) or 0 (the first)", got=quoted(cases_axis))
    settings = Options(num_chunks=num_chunks, curvature=curvature, curvature_cases=curvature_cases, faithful=False)
    if settings.curvature not in ("gauss_newton", "hessian"):
        raise OptionError("curvature", expected="'gauss_newton' or 'hessian'", got=quoted(curvature))
    kind = engine_kind(engine)
    packing = _packing(initial)
    decay, strength = _decay(weight_decay, packing)
    functions = Functions(output, loss, error, packing, cases_axis)
    data = cases_of(inputs, targets, cases_axis, settings.num_chunks)
    model = AutodiffModel(functions, kind(functions), settings.curvature, decay)
    tried(model, data)
    made = ProblemWithSquares if kind.vectorises else AutodiffProblem
    return made(
        model=model,
        data=data,
        weight_decay=strength,
        decay_biases=decay is None,
        curvature_cases=settings.curvature_cases,
        resample=None if resample is None else _resampled(resample, data),
    )


def _packing(initial: Nested) -> Packing:
    packing = Packing(mapped(lambda array: array.astype(np.float64), hosted(initial, "initial")))
    if not packing.num_parameters:
        raise DataError("initial", expected="at least one number", got=quoted(initial))
    return packing


def _decay(weight_decay: Any, packing: Packing) -> tuple[Nested, float]:
    """Return the strengths of the arrays, or None if all have the same, and the strength that they are factors of.

    Raises
    ------
    OptionError
        One is negative, or has another shape than its parameters.
    """
    if not isinstance(weight_decay, dict | list | tuple):
        return None, Options(weight_decay=weight_decay).weight_decay
    given = hosted_like(packing.start, weight_decay, "weight_decay")
    for (name, strength), (_, start) in zip(leaves(given, "weight_decay"), leaves(packing.start), strict=True):
        if (strength < 0).any():
            raise OptionError(name, expected="numbers of at least 0", got="a negative one")
        if strength.shape not in ((), start.shape):
            expected = "one number" + (f", or an array of shape {start.shape}" if start.shape else "")
            raise OptionError(name, expected=expected, got=f"an array of shape {strength.shape}")
    return given, 1.0


def _resampled(resample: Callable[[int], tuple[Nested, Nested]], like: NestedCases) -> Callable[[int], NestedCases]:
    def of_epoch(epoch: int) -> NestedCases:
        found = resample(epoch)
        if not isinstance(found, tuple) or len(found) != 2:
            raise DataError("resample", expected="inputs and targets, a tuple of two", got=quoted(type(found).__name__))
        data = like.like(*found, like.num_chunks)
        shapes = [[a.shape for _, a in leaves(cases.given)] for cases in (like, data)]
        if shapes[0] != shapes[1]:
            raise DataError("resample", expected=f"arrays of shapes {shapes[0]}", got=f"{shapes[1]} in epoch {epoch}")
        return data

    return of_epoch
