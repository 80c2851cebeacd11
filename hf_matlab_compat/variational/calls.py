"""The caller's way to a variational problem: a log density as functions, or any problem of this package."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, cast

import numpy as np
from numpy.typing import ArrayLike

from hf_matlab_compat.errors import DataError, OptionError, quoted
from hf_matlab_compat.kinds import FLAG, POSITIVE, SEED, check, number, or_none, whole, word
from hf_matlab_compat.preflight.arrays import real_array
from hf_matlab_compat.problem import Cases, check_problem
from hf_matlab_compat.variational.densities import Density, LogDensity, ProblemDensity
from hf_matlab_compat.variational.derivatives import differentiated
from hf_matlab_compat.variational.draws import Draws
from hf_matlab_compat.variational.problem import FirstOrderProblem, VariationalProblem

_LEAST_SD = 1e-100
"""A prior below has no finite precision."""


def variational_problem(
    model: Any,
    num_parameters: int | None = None,
    *,
    gradient: Callable[..., Any] | None = None,
    product: Callable[..., Any] | None = None,
    engine: str = "autograd",
    vectorised: bool = False,
    prior_sd: float | None = None,
    scale: float | None = None,
    draws: int = 100,
    fresh: bool = False,
    antithetic: bool = True,
    matched: bool = False,
    seed: int = 0,
    updates: int = 1,
    curvature: str = "gauss_newton",
    initial_mean: ArrayLike | None = None,
    initial_sd: float = 0.1,
) -> VariationalProblem:
    """Make the problem of approximating a posterior by a normal distribution, for ``train(problem=…)``.

    q = N(μ, diag e^s), θ = [μ; s]. The log-likelihood of the problem is the ELBO, ½ Σ s + ½ D (1 + ln 2π) + the mean
    over draws of log p(z), a lower bound on the log evidence where p is the joint density of data and z. On fixed
    draws (the default) every method of `train` applies; on fresh draws use a first-order method, ``method="adam"``.

    Parameters
    ----------
    model : callable or Problem
        z → log p(z), one number for z of shape (D,); or a problem (of a network, or your own), whose parameters are z:
        log p = scale · log-likelihood + log N(z; 0, prior_sd²).
    num_parameters : int, optional
        D of a log density, where `initial_mean` does not tell it.
    gradient, product : callable, optional
        z → ∇log p(z), (D,), and (z, v) → ∇²log p(z) v, (D,). Without `gradient` both come from `model` by automatic
        differentiation.
    engine : {'autograd', 'jax', 'torch'}
        What differentiates then; `model` is written in its operations, as with ``autograd.numpy``.
    vectorised : bool
        The functions take all draws at once, as columns: z and v are (D, S), and log p is (S,). Not with
        JAX or torch.
    prior_sd : float, optional
        Standard deviation of the normal prior of a problem's parameters; without it the problem's weight decay is the
        prior, of precision scale · weight decay, and its constant is left out.
    scale : float, optional
        The number by which the mean log-likelihood of a problem is multiplied; by default its number of cases, or the
        sum of the loss weights of sequences. The squared loss here is Σ (y - t)², so normal noise of standard
        deviation σ needs N / (2σ²).
    draws : int
        S, draws of each ELBO.
    fresh : bool
        Draw again in every epoch, and in every update of a first-order method; a function of seed, epoch and update.
    antithetic : bool
        The second half of the draws is minus the first, so that μ is exact for quadratic log p.
    matched : bool
        The covariance of the draws is made exactly I, so that q is exact for quadratic log p; at least 2 D draws.
    seed : int
        Of the draws, at least 0.
    updates : int
        Updates of a first-order method in an epoch, for each chunk of a problem.
    curvature : {'gauss_newton', 'hessian'}
        Use the positive part of the diagonal term of s, or all of it. Products with the Hessian of log p are those of
        `product`, or the problem's own curvature.
    initial_mean : (D,) array_like, optional
        The first μ; by default what the problem draws with the option `seed` of `train`, or 0.
    initial_sd : float
        The first standard deviation.

    Returns
    -------
    VariationalProblem
        After ``result = train(problem=problem)``, ``problem.posterior(result)`` has mean, standard deviation and ELBO.

    Raises
    ------
    OptionError
        An argument is wrong or missing, or contradicts another.
    DataError
        The log density is not one finite number at a draw, or a function returns another shape.

    Examples
    --------
    >>> from hf_matlab_compat import train, variational_problem
    >>> p = variational_problem(
    ...     lambda z: -0.5 * (z - 3) @ (z - 3) / 4, 2, gradient=lambda z: (3 - z) / 4, product=lambda z, v: -v / 4)
    >>> found = p.posterior(train(problem=p, max_epochs=20))
    >>> [round(float(m), 6) for m in found.mean]
    [3.0, 3.0]
    """
    flags = {"vectorised": vectorised, "fresh": fresh, "antithetic": antithetic, "matched": matched}
    _check_settings(draws=draws, seed=seed, updates=updates, initial_sd=initial_sd, curvature=curvature, **flags)
    if draws == 1 and not fresh:
        expected = "at least 2 fixed draws, as on one the ELBO grows without end"
        raise OptionError("draws", expected=expected, got=draws, advice="Or set {fresh=True}.")
    if antithetic and draws % 2:
        advice = "Or set {antithetic=False}."
        raise OptionError("draws", expected="an even number with {antithetic=True}", got=draws, advice=advice)
    mean = None if initial_mean is None else real_array("initial_mean", initial_mean).ravel()
    functions = (gradient, product, vectorised)
    density: Density
    if hasattr(model, "score"):
        _refuse_beside("a problem, which has its own", num_parameters=num_parameters, engine=engine)
        density = _of_problem(model, functions, prior_sd, scale)
    else:
        _refuse_beside("a log density, which has its own prior and scale", prior_sd=prior_sd, scale=scale)
        if gradient is not None:
            _refuse_beside("{gradient}, which needs none", engine=engine)
        _check_functions(model=model, gradient=gradient, product=product)
        density = _of_functions(model, _size(num_parameters, mean), functions, engine)
    if mean is not None and mean.size != density.size:
        raise DataError("initial_mean", expected=f"{density.size} numbers, one for each parameter", got=mean.size)
    if matched and not (antithetic and draws >= 2 * density.size):
        expected = f"at least {2 * density.size} antithetic draws with {{matched=True}}, twice the length of z"
        raise OptionError("draws", expected=expected, got=draws)
    drawn: Any = getattr(model, "initial_theta", None)
    first = np.zeros(density.size) if mean is None else mean
    kind = VariationalProblem if density.has_products else FirstOrderProblem
    problem = kind(
        density=density,
        draws=Draws(int(draws), density.size, bool(fresh), bool(antithetic), bool(matched), int(seed)),
        updates=int(updates),
        exact_curvature=curvature == "hessian",
        initial_mean=cast(Any, drawn if mean is None and callable(drawn) else lambda seed: first),
        initial_sd=float(initial_sd),
    )
    _check_at_start(problem)
    return problem


def _check_settings(*, draws: Any, seed: Any, updates: Any, initial_sd: Any, curvature: Any, **flags: Any) -> None:
    check(whole(1), draws=draws, updates=updates)
    check(SEED, seed=seed)
    check(POSITIVE, initial_sd=initial_sd)
    check(word("gauss_newton", "hessian"), curvature=curvature)
    check(FLAG, **flags)


def _size(num_parameters: Any, mean: Any) -> int:
    if num_parameters is None and mean is not None:
        return int(mean.size)
    if not (isinstance(num_parameters, int | np.integer) and num_parameters is not True and num_parameters >= 1):
        got = "none" if num_parameters is None else quoted(num_parameters)
        raise OptionError("num_parameters", expected="the length of z, at least 1, or {initial_mean}", got=got)
    return int(num_parameters)


def _refuse_beside(what: str, **given: Any) -> None:
    for name, value in given.items():
        if value is not None and not (isinstance(value, str) and value == "autograd"):  # the default engine
            raise OptionError(name, expected=f"nothing beside {what}", got=quoted(value))


def _of_problem(model: Any, functions: tuple[Any, Any, Any], prior_sd: Any, scale: Any) -> ProblemDensity:
    check_problem(model, "model", "score", "gradient", "num_parameters", "num_chunks")
    for name, value in zip(("gradient", "product", "vectorised"), functions, strict=True):
        if value:
            raise OptionError(name, expected="nothing beside a problem, which has its own", got="a value")
    decay = getattr(model, "weight_decay", None)
    if prior_sd is None and decay == 0:
        expected = "the standard deviation of the prior, as the problem has no weight decay"
        raise OptionError("prior_sd", expected=expected, got="none")
    if prior_sd is not None and decay:
        advice = "Leave it out, or make the problem with {weight_decay=0}."
        expected = f"nothing beside a weight decay of {decay:g}, which is the prior"
        raise OptionError("prior_sd", expected=expected, got=prior_sd, advice=advice)
    if scale is None:
        scale = getattr(model, "total_weight", getattr(model, "num_cases", None))
    if scale is None:
        advice = "It multiplies the mean log-likelihood of the problem."
        raise OptionError("scale", expected="a finite number above 0", got="none", advice=advice)
    check(POSITIVE, scale=scale)
    check(or_none(number(lambda v: v > _LEAST_SD, f"a number above {_LEAST_SD:g}")), prior_sd=prior_sd)
    return ProblemDensity(model, float(scale), math.inf if prior_sd is None else float(prior_sd))


def _check_functions(**given: Any) -> None:
    for name, value in given.items():
        if not (callable(value) or (value is None and name != "model")):
            expected = "a function z → log p(z), or a problem" if name == "model" else "a function"
            raise OptionError(name, expected=expected, got=quoted(value))


def _of_functions(log_p: Any, size: int, functions: tuple[Any, Any, Any], engine: Any) -> LogDensity:
    gradient, product, vectorised = functions
    if gradient is not None:
        return LogDensity(size, log_p, gradient, product, vectorised=bool(vectorised))
    if product is not None:
        raise OptionError("gradient", expected="a function beside {product}", got="none")
    return differentiated(log_p, size, engine, bool(vectorised))


def _is_near(alone: Any, among_others: Any) -> bool:
    return bool(abs(alone[0] - among_others[0]) <= 1e-6 * abs(among_others).max())


def _check_at_start(problem: VariationalProblem) -> None:
    """Refuse functions that fail at the first draws: of their values all, of their derivatives one or all.

    Raises
    ------
    DataError
        A value is not one finite number, the values do not depend on z, each on its own column of it, or an array
        has another shape than z.
    """
    density = problem.density
    if not isinstance(density, LogDensity):
        return
    Z = problem.points(problem.initial_theta())
    log_p = density.values(Z, Cases()).log_p
    if not np.isfinite(log_p).all():
        k = int(np.argmin(np.isfinite(log_p)))
        advice = "Start elsewhere, with {initial_mean} or a smaller {initial_sd}."
        raise DataError("model", expected="a finite number at every draw", got=f"{log_p[k]} at draw {k}", advice=advice)
    few = Z if density.vectorised else Z[:1]
    if density.vectorised and not _is_near(density.values(Z[:1], Cases()).log_p, log_p):
        expected = "a number for each column of z that does not depend on other columns"
        raise DataError("model", expected=expected, got="another one for the first column alone")
    if len(log_p) > 2 and np.ptp(log_p) == 0:  # two draws may be equal by symmetry
        raise DataError("model", expected="a log density that depends on z", got=f"{log_p[0]:g} at every draw")
    density.gradients(few, Cases())
    if density.has_products:
        density.products(few, Cases())(few)
