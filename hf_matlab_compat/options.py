"""Every tunable of the method, on one page.

The defaults are the constants inside the published MATLAB file. `matlab.vocabulary` maps each name to
MATLAB's.
"""

from __future__ import annotations

import dataclasses
import difflib
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from hf_matlab_compat.errors import OptionError, quoted


@dataclass(frozen=True, kw_only=True)
class Options:
    """Settings of a Hessian-free training run, checked when made.

    Raises
    ------
    OptionError
        A value is out of its range.
    """

    # --- the run
    max_epochs: int = 100
    """Number of the last epoch; an epoch is one outer iteration, one parameter update."""
    num_chunks: int = 1
    """Minibatches of the training cases; their number must divide the number of cases."""
    num_test_chunks: int = 1
    """Pieces in which test cases are evaluated."""
    trim_cases: bool = False
    """Drop the last few cases where the number of chunks does not divide them, instead of refusing."""
    precision: str = "single"  # on a GPU 'tf32' too: single whose matrix products are coarser
    """Working precision: 'single' (as in MATLAB), 'double', or on the GPU 'tf32', single stored and multiplied so."""
    backend: str = "numpy"
    """'numpy' (CPU), 'numba' (CPU, passes compiled) or 'cupy' (CUDA)."""
    num_threads: int | None = None
    """Threads that share the work on the CPU, None for one a processor; results do not depend on it."""
    faithful: bool = True
    """Keep the original's quirks (`legacy.quirks` lists them); False mends those that have a mend."""

    # --- the method and its rules: names of `registry`, or objects of your own
    method: Any = "hessian_free"
    """The outer method: 'hessian_free'."""
    solver: Any = "conjgrad"
    """What minimises the quadratic model: 'conjgrad'."""
    preconditioner: Any = "martens"
    """What the solver is preconditioned with: 'martens' (with `preconditioner_exponent`) or 'none'."""
    selection: Any = "backtracking"
    """Which iterate of the solver's path becomes the step: 'backtracking' (on `backtracking_cases`)."""
    judge: Any = "reduction_ratio"
    """What compares the change that came with the change predicted: 'reduction_ratio'."""
    line_search: Any = "armijo"
    """How far to go along the step: 'armijo' (with `line_search_c` and more) or 'full_step'."""

    # --- what is optimised
    loss: Any = "matching"
    """'matching': the error that fits the output unit; 'squared': squared error whatever the output unit; or an object
    of your own, as `model.losses.OwnLogLikelihood` describes."""
    error_measure: str = "squared"
    """Second, reported figure: 'squared' error, share 'misclassified', or 'none'."""
    weight_decay: float = 2e-5
    """Strength of the ℓ² prior: ½ · weight_decay · ‖θ‖² is taken off the log-likelihood."""
    decay_biases: bool = True
    """Whether the prior applies to biases too."""

    # --- curvature
    curvature: str = "gauss_newton"
    """'gauss_newton', 'hessian' or 'empirical_fisher'."""
    curvature_cases: str = "target_chunk"
    """Cases that curvature products see: the epoch's 'target_chunk' or 'all'."""
    damping: Any = True
    """True (or 'levenberg_marquardt'): add λ to the curvature and adapt it; False (or 'none'): λ only enters the
    preconditioner; or a rule of your own, as `solvers.rules` describes."""
    initial_lam: float = 45.0
    """λ of the first epoch."""
    lam_drop: float = 2 / 3
    """Factor on λ after a good epoch."""
    lam_boost: float | None = None
    """Factor on λ after a bad epoch; None means 1 / lam_drop."""
    rho_low: float = 0.25
    """Below this reduction ratio λ is boosted."""
    rho_high: float = 0.75
    """Above this reduction ratio λ is dropped."""

    # --- conjugate gradients
    max_cg_steps: int = 250
    """Most CG steps in an epoch."""
    min_cg_steps: int = 1
    """CG does not test for convergence before this step."""
    cg_tolerance: float = 5e-4
    """Stop when the relative progress per step, over a gap of steps, falls below this."""
    cg_gap_ratio: float = 0.1
    """The gap as a share of the steps done …"""
    cg_min_gap: int = 10
    """… and its least value."""
    iterate_grid_start: float = 5.0
    """First CG step whose iterate is recorded for backtracking …"""
    iterate_grid_base: float = 1.3
    """… and the ratio between recorded steps."""
    start_decay: float = 0.95
    """Factor on the previous CG solution before it starts the next CG run."""
    preconditioner_exponent: float | None = 0.75
    """Exponent of the diagonal preconditioner; None for no preconditioner."""

    # --- step
    backtracking_cases: str = "all"
    """Cases on which CG backtracking compares iterates: 'all', 'target_chunk', or 'none' for no backtracking."""
    line_search_c: float = 1e-2
    """Sufficient-increase constant of the line search."""
    line_search_factor: float = 0.8
    """Factor on the step length at each reduction."""
    max_reductions: int = 60
    """The step is rejected after this number of reductions."""

    # --- sparse initialisation
    num_connections: int = 15
    """Incoming connections drawn for each unit."""
    init_scale: float = 1.0
    """Standard deviation of initial weights (halved around tanh layers)."""
    seed: Any = None
    """None, an int, a numpy Generator, ('octave', s), ('octave', s_rand, s_randn), ('matlab', s_rand, s_randn)
    or an object with rand and randn."""

    # --- files
    checkpoint_period: int = 10
    """Every so many epochs a checkpoint is kept under its own name."""

    def __post_init__(self) -> None:
        for name, kind in KINDS.items():
            object.__setattr__(self, name, _converted(name, getattr(self, name), kind))
        if self.precision == "tf32" and self.backend != "cupy":
            raise OptionError(
                "precision",
                expected="'single' or 'double' on the CPU",
                got="'tf32'",
                advice="{backend='cupy'} has it, on an NVIDIA GPU.",
            )
        if self.min_cg_steps > self.max_cg_steps:
            raise OptionError(
                "min_cg_steps", expected=f"at most {{max_cg_steps}} = {self.max_cg_steps}", got=self.min_cg_steps
            )
        if self.rho_low > self.rho_high:
            raise OptionError("rho_low", expected=f"at most {{rho_high}} = {self.rho_high:g}", got=f"{self.rho_low:g}")
        if self.initial_lam == 0 and self.damping:
            advice = "No factor moves it from 0: start with a small one, or set {damping=False}."
            raise OptionError("initial_lam", expected="a finite number above 0", got=self.initial_lam, advice=advice)

    @classmethod
    def from_keywords(cls, **keywords: Any) -> Options:
        """Options from keywords; an unknown name is refused and the nearest one suggested."""
        known = [f.name for f in dataclasses.fields(cls)]
        for name in keywords:
            if name not in known:
                near = difflib.get_close_matches(name, known, n=1)
                advice = f"Did you mean {{{near[0]}}}?" if near else "help(Options) lists them all."
                raise OptionError(name, expected="the name of an option", got="an unknown name", advice=advice)
        return cls(**keywords)

    @property
    def boost(self) -> float:
        """Factor on λ after a bad epoch."""
        return 1 / self.lam_drop if self.lam_boost is None else self.lam_boost


def _converted(name: str, value: Any, kind: Kind) -> Any:
    try:
        if kind.fits(value):
            return kind.convert(value)
    except (TypeError, ValueError, OverflowError):
        pass  # not even comparable: the sentence below says what was expected
    plain = value.item() if isinstance(value, np.generic) else value
    raise OptionError(name, expected=kind.expected, got=quoted(plain))


class Kind(NamedTuple):
    """What values an option takes. Numbers become Python's own: numpy scalars would widen single precision."""

    fits: Callable[[Any], bool]
    convert: Callable[[Any], Any]
    expected: str


def _whole(least: int, most: float = math.inf) -> Kind:
    limits = f"of at least {least}" + (f" and at most {most}" if math.isfinite(most) else "")
    return Kind(
        lambda v: not isinstance(v, bool) and int(v) == v and least <= v <= most, int, f"a whole number {limits}"
    )


def _number(fits: Callable[[Any], bool], expected: str) -> Kind:
    return Kind(lambda v: not isinstance(v, bool | str) and not math.isnan(v) and fits(v), float, expected)


def _or_none(kind: Kind) -> Kind:
    return Kind(
        lambda v: v is None or kind.fits(v), lambda v: v if v is None else kind.convert(v), f"{kind.expected}, or None"
    )


def _word(*allowed: str) -> Kind:
    return Kind(lambda v: v in allowed, str, "one of " + ", ".join(map(repr, allowed)))


_NO_RULES = (bool, np.bool_, int, float, complex, np.generic, np.ndarray, list, tuple, dict, type(None))
_RULE = Kind(lambda v: not isinstance(v, _NO_RULES), lambda v: v, "a name, or an object with the methods of the rule")
_DAMPING: Mapping[Any, Any] = {"levenberg_marquardt": True, "none": False}
_FLAG = Kind(lambda v: isinstance(v, bool | np.bool_), bool, "True or False")
_DAMPS = Kind(
    lambda v: _FLAG.fits(v) or _RULE.fits(v),
    lambda v: _DAMPING.get(v, v) if isinstance(v, str) else bool(v) if _FLAG.fits(v) else v,
    "True or False, or an object with the methods of a damping",
)
_POSITIVE = _number(lambda v: 0 < v < math.inf, "a finite number above 0")
_AT_LEAST_0 = _number(lambda v: 0 <= v < math.inf, "a finite number of at least 0")
_BETWEEN_0_AND_1 = _number(lambda v: 0 < v < 1, "a number between 0 and 1")
_FROM_0_TO_1 = _number(lambda v: 0 <= v <= 1, "a number from 0 to 1")
_ANY_NUMBER = _number(lambda v: True, "a number")

KINDS: Mapping[str, Kind] = {
    "max_epochs": _whole(0),
    "num_chunks": _whole(1),
    "num_test_chunks": _whole(1),
    "trim_cases": _FLAG,
    "precision": _word("single", "double", "tf32"),
    "backend": _word("numpy", "numba", "cupy"),
    "num_threads": _or_none(_whole(1)),
    "faithful": _FLAG,
    "method": _RULE,
    "solver": _RULE,
    "preconditioner": _RULE,
    "selection": _RULE,
    "judge": _RULE,
    "line_search": _RULE,
    "loss": Kind(
        lambda v: v in ("matching", "squared") if isinstance(v, str) else hasattr(v, "log_likelihood"),
        lambda v: str(v) if isinstance(v, str) else v,
        "one of 'matching', 'squared', or an object with the methods of a loss",
    ),
    "error_measure": _word("squared", "misclassified", "none"),
    "weight_decay": _AT_LEAST_0,
    "decay_biases": _FLAG,
    "curvature": _word("gauss_newton", "hessian", "empirical_fisher"),
    "curvature_cases": _word("target_chunk", "all"),
    "damping": _DAMPS,
    "initial_lam": _AT_LEAST_0,
    "lam_drop": _number(lambda v: 0 < v <= 1, "a number above 0 and at most 1"),
    "lam_boost": _or_none(_number(lambda v: 1 <= v < math.inf, "a finite number of at least 1")),
    "rho_low": _ANY_NUMBER,
    "rho_high": _ANY_NUMBER,
    "max_cg_steps": _whole(1),
    "min_cg_steps": _whole(0),
    "cg_tolerance": _AT_LEAST_0,
    "cg_gap_ratio": _FROM_0_TO_1,
    "cg_min_gap": _whole(1),
    "iterate_grid_start": _POSITIVE,
    "iterate_grid_base": _number(lambda v: 1 < v < math.inf, "a finite number above 1"),
    "start_decay": _FROM_0_TO_1,
    "preconditioner_exponent": _or_none(_FROM_0_TO_1),
    "backtracking_cases": _word("all", "target_chunk", "none"),
    "line_search_c": _FROM_0_TO_1,
    "line_search_factor": _BETWEEN_0_AND_1,
    "max_reductions": _whole(1),
    "num_connections": _whole(1, 100_000),
    "init_scale": _AT_LEAST_0,
    "checkpoint_period": _whole(1),
}
"""What every option but `seed` takes."""
