"""Methods and rules by name, and how each is made from the options. A user's object replaces a name."""

from __future__ import annotations

import dataclasses
import difflib
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, cast

from hf_matlab_compat.backends.backend import Backend
from hf_matlab_compat.errors import OptionError
from hf_matlab_compat.hessian_free import HessianFree
from hf_matlab_compat.method import Method
from hf_matlab_compat.methods.averaged_hf import AveragedHF
from hf_matlab_compat.methods.esgd import ESGD
from hf_matlab_compat.methods.growing_hf import GrowingHF
from hf_matlab_compat.methods.krylov_subspace import KrylovSubspace
from hf_matlab_compat.methods.lissa import LiSSA
from hf_matlab_compat.methods.minibatch import Adam, GradientDescent, Momentum
from hf_matlab_compat.methods.quasi_newton import LBFGS, NonlinearCG
from hf_matlab_compat.methods.rprop import Rprop
from hf_matlab_compat.methods.saddle_free import SaddleFree
from hf_matlab_compat.methods.stochastic_hf import StochasticHF
from hf_matlab_compat.options import Options
from hf_matlab_compat.solvers.backtracking import Backtracking
from hf_matlab_compat.solvers.bicgstab import BiCGSTAB
from hf_matlab_compat.solvers.conjgrad import ConjugateGradients
from hf_matlab_compat.solvers.damping import LevenbergMarquardt, NoDamping
from hf_matlab_compat.solvers.flexible_cg import FlexibleCG
from hf_matlab_compat.solvers.line_search import Armijo, FullStep
from hf_matlab_compat.solvers.minres import Minres
from hf_matlab_compat.solvers.neumann import Neumann
from hf_matlab_compat.solvers.newton_lanczos import NewtonLanczos
from hf_matlab_compat.solvers.own_rule import OwnRule
from hf_matlab_compat.solvers.preconditioners import (
    Equilibration,
    LimitedMemory,
    MartensDiagonal,
    NoPreconditioner,
    UnbiasedJacobi,
)
from hf_matlab_compat.solvers.reduction_ratio import ReductionRatio
from hf_matlab_compat.solvers.steihaug import Steihaug
from hf_matlab_compat.solvers.trust_region import TrustRegion

Maker = Callable[[Options, Backend], Any]


def conjugate_gradients(o: Options, backend: Backend) -> ConjugateGradients:
    """Return the published inner solver with the settings of the options."""
    return ConjugateGradients(
        max_cg_steps=o.max_cg_steps,
        min_cg_steps=o.min_cg_steps,
        cg_tolerance=o.cg_tolerance,
        cg_gap_ratio=o.cg_gap_ratio,
        cg_min_gap=o.cg_min_gap,
        iterate_grid_start=o.iterate_grid_start,
        iterate_grid_base=o.iterate_grid_base,
        faithful=o.faithful,
        vectors=backend.cg_vectors,
    )


def _levenberg_marquardt(o: Options, backend: Backend) -> LevenbergMarquardt:
    return LevenbergMarquardt(
        initial_lam=o.initial_lam,
        drop=o.lam_drop,
        boost=o.boost,
        rho_low=o.rho_low,
        rho_high=o.rho_high,
        structural=o.structural_damping,
    )


def _reduction_ratio(o: Options, backend: Backend) -> ReductionRatio:
    if o.faithful:
        return ReductionRatio()
    on_chunk = o.curvature_cases == "target_chunk"
    return ReductionRatio("target_chunk", "target_chunk") if on_chunk else ReductionRatio("all", "all")


def _armijo(o: Options, backend: Backend) -> Armijo:
    return Armijo(
        c=o.line_search_c,
        factor=o.line_search_factor,
        max_reductions=o.max_reductions,
        rescore_rejected=not o.faithful,
    )


def _martens(o: Options, backend: Backend) -> MartensDiagonal | NoPreconditioner:
    exponent = o.preconditioner_exponent
    return NoPreconditioner() if exponent is None else MartensDiagonal(exponent)


def _with_steps(make: Callable[..., Any], most: int | None = None, **settings: Any) -> Maker:
    """Make a solver with at most `max_cg_steps` steps; `most` where each step keeps a vector."""

    def made(o: Options, backend: Backend) -> Any:
        return make(max_steps=o.max_cg_steps if most is None else min(o.max_cg_steps, most), **settings)

    return made


RULES: Mapping[str, Mapping[str, Maker]] = {
    "solver": {
        "conjgrad": conjugate_gradients,
        "truncated_newton": _with_steps(FlexibleCG, kept_pairs=20),
        "steihaug": _with_steps(Steihaug),
        "newton_lanczos": _with_steps(NewtonLanczos, most=100),
        "minres": _with_steps(Minres, most=100),
        "minres_negative": _with_steps(Minres, most=100, follow_negative_curvature=True),
        "bicgstab": _with_steps(BiCGSTAB, most=50),
        "neumann": _with_steps(Neumann),
    },
    "preconditioner": {
        "martens": _martens,
        "jacobi": lambda o, backend: UnbiasedJacobi(1.0 if (e := o.preconditioner_exponent) is None else e),
        "equilibration": lambda o, backend: Equilibration(),
        "lbfgs": lambda o, backend: LimitedMemory(),
        "none": lambda o, backend: NoPreconditioner(),
    },
    "damping": {
        "levenberg_marquardt": _levenberg_marquardt,
        "none": lambda o, backend: NoDamping(initial_lam=o.initial_lam),
        "trust_region": lambda o, backend: TrustRegion(),
    },
    "selection": {"backtracking": lambda o, backend: Backtracking(o.backtracking_cases)},
    "judge": {"reduction_ratio": _reduction_ratio},
    "line_search": {"armijo": _armijo, "full_step": lambda o, backend: FullStep()},
}
"""Rules of Hessian-free, by the option that names them and by name."""

_MUST_HAVE: Mapping[str, tuple[str, ...]] = {
    "method": ("start", "epoch"),
    "solver": ("solve",),
    "preconditioner": ("__call__",),
    "damping": ("initial_lam", "operator", "adapt"),
    "selection": ("choose",),
    "judge": ("judge",),
    "line_search": ("search",),
}
"""Methods and attributes that an object must have to replace a name."""


def _hessian_free(o: Options, backend: Backend) -> HessianFree:
    _refuse_rates(o)
    rules = {kind: _made(kind, getattr(o, kind), makers, o, backend) for kind, makers in RULES.items()}
    _refuse_misfits(o, rules)
    return HessianFree(**rules, start_decay=o.start_decay, damped_ratio=o.reduction_ratio == "damped")


def _refuse_misfits(o: Options, rules: Mapping[str, Any]) -> None:
    """Refuse a solver and a damping that do not fit: one needs the radius of a trust region, the other has none.

    Raises
    ------
    OptionError
        They do not fit.
    """
    needs_radius = getattr(rules["solver"], "knows_radius", False)
    has_radius = getattr(rules["damping"], "is_radius", False)
    if needs_radius and not has_radius:
        expected = f"'trust_region' beside {{solver={o.solver!r}}}, which needs a radius"
        raise OptionError("damping", expected=expected, got=_shown(o.damping))
    if has_radius and not needs_radius:
        expected = "'steihaug' or 'newton_lanczos' beside {damping='trust_region'}, whose radius other solvers ignore"
        raise OptionError("solver", expected=expected, got=_shown(o.solver))
    if getattr(rules["preconditioner"], "is_function", False) and not getattr(rules["solver"], "kept_pairs", 0):
        expected = f"'truncated_newton' beside {{preconditioner={o.preconditioner!r}}}, which is made of its steps"
        raise OptionError("solver", expected=expected, got=_shown(o.solver))
    without = isinstance(rules["preconditioner"], NoPreconditioner)
    if not (without or getattr(rules["solver"], "takes_preconditioner", True)):
        expected = f"'none' beside {{solver={o.solver!r}}}, which takes none"
        raise OptionError("preconditioner", expected=expected, got=_shown(o.preconditioner))


def _shown(choice: Any) -> str:
    return repr({True: "levenberg_marquardt", False: "none"}[choice] if isinstance(choice, bool) else choice)


_RATES = {"rate": "learning_rate", "momentum": "momentum", "period": "momentum_period"}
"""Fields of first-order methods, and the options that set them."""


def _first_order(make: Callable[..., Method], **published: Any) -> Maker:
    """Make a method from the options that it knows; those that are None leave its own default."""
    known = {field.name for field in dataclasses.fields(cast("Any", make))}

    def made(o: Options, backend: Backend) -> Method:
        asked = {name: getattr(o, option) for name, option in _RATES.items() if name in known}
        _refuse_rates(o, but=[_RATES[name] for name in asked])
        return make(**published | {name: value for name, value in asked.items() if value is not None})

    return made


def _refuse_rates(o: Options, but: Sequence[str] = ()) -> None:
    for option in _RATES.values():
        value = getattr(o, option)
        if value is not None and option not in but:
            advice = "Leave it out, or choose a method that has it: {method='nag'} has all three."
            if o.method in ("hessian_free", "hf"):
                advice = (
                    "Conjugate gradients and a line search find each step; {initial_lam} damps the first one. "
                    "{method='nag'} has one."
                )
            raise OptionError(option, expected=f"nothing beside {{method={o.method!r}}}", got=value, advice=advice)


def _krylov_subspace(o: Options, backend: Backend) -> KrylovSubspace:
    _refuse_rates(o)
    rule = _made("preconditioner", o.preconditioner, RULES["preconditioner"], o, backend)
    if hasattr(rule, "of_epoch"):
        expected = f"'martens' or 'none' beside {{method={o.method!r}}}"
        raise OptionError("preconditioner", expected=expected, got=_shown(o.preconditioner))
    return KrylovSubspace(preconditioner=rule)


def _lissa(o: Options, backend: Backend) -> LiSSA:
    _refuse_rates(o)
    line_search = _made("line_search", o.line_search, RULES["line_search"], o, backend)
    return LiSSA(seed=o.corruption_seed, line_search=line_search)


METHODS: Mapping[str, Maker] = {
    "hessian_free": _hessian_free,
    "hf": _hessian_free,
    "gd": _first_order(GradientDescent),
    "momentum": _first_order(Momentum),
    "nag": _first_order(Momentum, nesterov=True, rate=0.005, momentum=0.99, period=250),
    "adam": _first_order(Adam),
    "esgd": _first_order(ESGD),
    "rprop": _first_order(Rprop),
    "stochastic_hf": lambda o, backend: StochasticHF(),
    "growing_hf": lambda o, backend: GrowingHF(seed=o.corruption_seed),
    "averaged_hf": lambda o, backend: AveragedHF(),
    "lissa": _lissa,
    "krylov_subspace": _krylov_subspace,
    "saddle_free": _first_order(SaddleFree),
    "ncg": _first_order(NonlinearCG),
    "lbfgs": _first_order(LBFGS),
}
"""Outer methods by name."""


class _Reading:
    """Options that note which of them are read."""

    def __init__(self, options: Options) -> None:
        self._options, self.read = options, set[str]()

    def __getattr__(self, name: str) -> Any:
        self.read.add(name)
        return getattr(self._options, name)


def method_of(options: Options, backend: Backend, given: Collection[str] = ()) -> Method:
    """Return the method that the options ask for; `backend` holds its vectors.

    A method that runs Hessian-free inside, and has no `inner` of its own, gets one with the rules of the options.

    Parameters
    ----------
    options : Options
        Of the run.
    backend : Backend
        Of the run.
    given : collection of str
        Names of options in the caller's own call. The rules among them must not be ignored; the numbers may be, so
        that a search over methods can draw them all.

    Raises
    ------
    OptionError
        A name is unknown, an object lacks a method of its rule, or a rule that was given is not used.
    """
    reading = _Reading(options)
    of_run = cast(Options, reading)
    method = _made("method", options.method, METHODS, of_run, backend)
    if getattr(method, "inner", method) is None:
        method = dataclasses.replace(method, inner=_hessian_free(of_run, backend))
    for kind in RULES:
        if kind in given and kind not in reading.read:
            _refuse_unused(kind, options)
    return method


def _refuse_unused(kind: str, o: Options) -> None:
    """Refuse a rule that the method has no use for, unless it is the default or none.

    Raises
    ------
    OptionError
        It is another one.
    """
    choice = getattr(o, kind)
    if choice in (getattr(Options, kind), "none", False):
        return
    method = _shown(o.method) if isinstance(o.method, str) else type(o.method).__name__
    expected = f"nothing beside {{method={method}}}, which does not use it"
    raise OptionError(kind, expected=expected, got=_shown(choice), advice="Leave it out.")


def _made(kind: str, choice: Any, makers: Mapping[str, Maker], options: Options, backend: Backend) -> Any:
    if isinstance(choice, bool):
        choice = "levenberg_marquardt" if choice else "none"  # damping=True and False
    if isinstance(choice, str):
        if choice in makers:
            return makers[choice](options, backend)
        near = difflib.get_close_matches(choice, makers, n=1, cutoff=0.4)
        raise OptionError(
            kind,
            expected="one of " + ", ".join(map(repr, makers)) + ", or an object of your own",
            got=repr(choice),
            advice=f"Did you mean {near[0]!r}?" if near else "",
        )
    by_epoch = kind == "preconditioner" and hasattr(choice, "of_epoch")
    missing = [] if by_epoch else [name for name in _MUST_HAVE[kind] if not hasattr(choice, name)]
    if isinstance(choice, type) or missing:
        what = f"an object with {', '.join(_MUST_HAVE[kind])}"
        raise OptionError(kind, expected=f"{what}, or one of " + ", ".join(map(repr, makers)), got=repr(choice))
    return choice if kind == "method" else OwnRule(kind, choice)
