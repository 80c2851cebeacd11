"""All settings of a training run: one table of name, default, values taken, description, MATLAB's name and source.

`help(Options)`, ``hf-compat options``, the table of docs/options.md and `matlab.vocabulary` are made from this table.
"""

from __future__ import annotations

import dataclasses
import difflib
import inspect
import textwrap
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from hf_matlab_compat.errors import OptionError
from hf_matlab_compat.kinds import (
    ABOVE_0_TO_1,
    ABOVE_1,
    ANY_NUMBER,
    AT_LEAST_0,
    AT_LEAST_1,
    BETWEEN_0_AND_1,
    FLAG,
    FROM_0_TO_1,
    POSITIVE,
    SEED,
    SHARE,
    Kind,
    converted,
    or_none,
    whole,
    word,
)

_NO_RULES = (bool, np.bool_, int, float, complex, np.generic, np.ndarray, list, tuple, dict, type(None))
_RULE = Kind(lambda v: not isinstance(v, _NO_RULES), lambda v: v, "a name, or an object with the methods of the rule")
_DAMPING: Mapping[Any, Any] = {"levenberg_marquardt": True, "none": False}
_DAMPS = Kind(
    lambda v: FLAG.fits(v) or _RULE.fits(v),
    lambda v: _DAMPING.get(v, v) if isinstance(v, str) else bool(v) if FLAG.fits(v) else v,
    "True or False, or an object with the methods of a damping",
)
_SHARES = Kind(
    lambda v: all(map(SHARE.fits, v)) if isinstance(v, list | tuple | np.ndarray) else SHARE.fits(v),
    lambda v: tuple(map(float, v)) if isinstance(v, list | tuple | np.ndarray) else float(v),
    f"{SHARE.expected}, or one for each hidden layer",
)
_ANYTHING = Kind(lambda v: True, lambda v: v, "")  # `matlab.random.streams` checks a seed
_LOSS = Kind(
    lambda v: v in ("matching", "squared") if isinstance(v, str) else hasattr(v, "log_likelihood"),
    lambda v: str(v) if isinstance(v, str) else v,
    "one of 'matching', 'squared', or an object with the methods of a loss",
)
_FILE = "nnet_train_2.m"


def option(default: Any, kind: Kind, text: str, matlab: str = "", source: str = "") -> Any:
    """Make a field of `Options` that carries its own description.

    Parameters
    ----------
    default : object
        The default value.
    kind : Kind
        The values that it takes.
    text : str
        What it does, with its unit, in whole sentences.
    matlab : str
        The name of the argument or constant in MATLAB; empty where MATLAB has none.
    source : str
        Where the default comes from: a file, or a section of Martens 2010; empty for this package's own choice.
    """
    source = f"Martens 2010, section {source}" if source[:1].isdigit() else source
    return field(default=default, metadata={"kind": kind, "text": text, "matlab": matlab, "source": source})


def described(each: dataclasses.Field[Any]) -> str:
    """Return the description of an option: what it does, the values it takes, MATLAB's name and its source."""
    told = each.metadata
    takes = told["kind"].expected
    parts = [told["text"], takes and f"Takes {takes}.", told["matlab"] and f"MATLAB: {told['matlab']}."]
    return " ".join(part for part in [*parts, told["source"] and f"Source: {told['source']}."] if part)


def _documented(cls: type[Options]) -> type[Options]:
    """Put the description of every field into the docstring, before its section Raises."""
    lines = ["Parameters", "----------"]
    for each in dataclasses.fields(cls):
        lines += [f"{each.name} : {each.type}, default {each.default!r}"]
        lines += textwrap.wrap(described(each), 76, initial_indent="    ", subsequent_indent="    ")
    summary, raises = inspect.cleandoc(cls.__doc__ or "").split("\n\n", 1)
    cls.__doc__ = "\n".join([summary, "", *lines, "", raises])
    return cls


@_documented
@dataclass(frozen=True, kw_only=True)
class Options:
    """The settings of a Hessian-free training run, checked when they are made.

    Raises
    ------
    OptionError
        A value is out of its range, or two values contradict each other.
    """

    # --- the run
    max_epochs: int = option(
        100, whole(0), "Number of the last epoch. An epoch is one outer iteration: one parameter update.", "maxepoch"
    )
    num_chunks: int = option(
        1, whole(1), "Minibatches (chunks) of the training cases; must divide the number of cases.", "numchunks"
    )
    num_test_chunks: int = option(
        1, whole(1), "Number of parts in which the test cases are evaluated.", "numchunks_test"
    )
    trim_cases: bool = option(
        False,
        FLAG,
        "Drop the last cases if num_chunks does not divide their number; False refuses them.",
        "trim_cases",
    )
    precision: str = option(
        "single",
        word("single", "double", "tf32"),
        "Working precision. 'tf32' (GPU only) stores single precision and multiplies matrices in TF32.",
        "precision",
        _FILE,
    )
    backend: str = option(
        "numpy",
        word("numpy", "numba", "cupy"),
        "Where to compute: 'numpy' (CPU), 'numba' (CPU, compiled passes) or 'cupy' (NVIDIA GPU).",
        "jacket",
    )
    num_threads: int | None = option(
        None,
        or_none(whole(1)),
        "CPU threads; None: one per processor. The results do not depend on it.",
        "numthreads",
    )
    ranks: str = option(
        "none",
        word("none", "mpi"),
        "Processes that share the run: 'none', or 'mpi' for those that mpiexec started. The results do not depend on "
        "it.",
        "ranks",
    )
    sum_lanes: int = option(
        8,
        Kind(
            lambda v: not isinstance(v, bool) and int(v) == v and 2 <= v <= 65536 and int(v) & (int(v) - 1) == 0,
            int,
            "a power of two from 2 to 65536",
        ),
        "Partial sums of a sum over cases, and so the most processes that can share it. 8 adds them one after the "
        "other, any other number by a binary tree, which changes the last bits.",
        "sumlanes",
    )
    faithful: bool = option(
        True, FLAG, "Keep the quirks of the MATLAB program (`hf-compat quirks`). False corrects them.", "faithful"
    )

    # --- the method and its rules: names in `registry`, or objects of your own
    method: Any = option(
        "hessian_free",
        _RULE,
        "The outer method: 'hessian_free' (or 'hf'), 'gd', 'momentum', 'nag', 'adam', 'esgd', 'rprop', 'ncg', "
        "'lbfgs', 'krylov_subspace', 'saddle_free', or on samples of the cases 'stochastic_hf', 'growing_hf', "
        "'averaged_hf' or 'lissa'.",
        "method",
    )
    learning_rate: float | None = option(
        None,
        or_none(POSITIVE),
        "Rate of 'gd', 'momentum', 'nag', 'adam' and 'esgd', and first step of 'rprop'. None takes the method's own "
        "default.",
        "learningrate",
    )
    momentum: float | None = option(
        None,
        or_none(SHARE),
        "Momentum of 'momentum', and the largest momentum of 'nag'. None takes the method's own default.",
        "momentum",
    )
    momentum_period: int | None = option(
        None,
        or_none(whole(1)),
        "Number of updates after which 'nag' raises its momentum. None takes the published 250.",
        "momentumperiod",
    )
    solver: Any = option(
        "conjgrad",
        _RULE,
        "The solver that minimises the quadratic model: 'conjgrad', 'truncated_newton', 'steihaug', 'newton_lanczos', "
        "'minres', 'minres_negative', 'bicgstab' or 'neumann'.",
    )
    preconditioner: Any = option(
        "martens",
        _RULE,
        "Preconditioner: 'martens' and 'jacobi' (use preconditioner_exponent), 'equilibration', 'lbfgs' or 'none'.",
        "",
        "4.7",
    )
    selection: Any = option(
        "backtracking", _RULE, "Selection of the CG iterate: 'backtracking' (uses backtracking_cases).", "", "4.6"
    )
    judge: Any = option(
        "reduction_ratio", _RULE, "Comparison of actual and predicted change: 'reduction_ratio'.", "", "4.1"
    )
    line_search: Any = option(
        "armijo", _RULE, "Step length: 'armijo' (uses line_search_* and max_reductions) or 'full_step'.", "", _FILE
    )

    # --- what is optimised
    loss: Any = option(
        "matching",
        _LOSS,
        "'matching': the log-likelihood that belongs to the output unit; 'squared': squared error for any output unit; "
        "or an object of your own, as `model.losses.OwnLogLikelihood` describes.",
        "rms",
    )
    error_measure: str = option(
        "squared",
        word("squared", "misclassified", "none"),
        "The reported error: mean squared error of a case, summed over outputs; the fraction of misclassified cases; "
        "or none. It is not optimised.",
        "errtype",
    )
    weight_decay: float = option(
        2e-5,
        AT_LEAST_0,
        "Strength of the ℓ² penalty: ½ · weight_decay · ‖θ‖² is subtracted from the mean log-likelihood.",
        "weightcost",
        "the author's log of CURVES",
    )
    decay_biases: bool = option(True, FLAG, "Apply weight_decay to the biases too.", "decay_biases", _FILE)

    # --- curvature and damping
    curvature: str = option(
        "gauss_newton",
        word("gauss_newton", "hessian", "empirical_fisher"),
        "The curvature matrix of the quadratic model.",
        "mattype",
        "4.2",
    )
    curvature_cases: str = option(
        "target_chunk",
        word("target_chunk", "all"),
        "Cases of curvature products: the chunk of the epoch, or all.",
        "hybridmode",
        "4.3",
    )
    damping: Any = option(
        True,
        _DAMPS,
        "True or 'levenberg_marquardt': add λ to the curvature and adapt λ. False or 'none': λ enters only the "
        "preconditioner. 'trust_region': a radius in its place, for solvers that know one. "
        "Or your own rule (`solvers.rules.Damping`).",
        "autodamp",
        "4.1",
    )
    initial_lam: float = option(45.0, AT_LEAST_0, "Damping strength λ in the first epoch.", "initlambda", _FILE)
    lam_drop: float = option(
        2 / 3, ABOVE_0_TO_1, "Factor on λ after an epoch with rho (the reduction ratio) above rho_high.", "drop", "4.1"
    )
    lam_boost: float | None = option(
        None,
        or_none(AT_LEAST_1),
        "Factor on λ after an epoch with rho below rho_low; None: 1 / lam_drop.",
        "boost",
        "4.1",
    )
    structural_damping: float = option(
        0.0,
        AT_LEAST_0,
        "μ: λμ times the matrix of structural damping is added to the curvature of a recurrent net. 0 for none.",
        "",
        "Martens and Sutskever 2011",
    )
    reduction_ratio: str = option(
        "undamped",
        word("undamped", "damped"),
        "The model whose predicted change enters rho: that of the curvature, or with its damping.",
    )
    rho_low: float = option(0.25, ANY_NUMBER, "λ is raised if the reduction ratio is below this.", "rho_low", "4.1")
    rho_high: float = option(0.75, ANY_NUMBER, "λ is lowered if the reduction ratio is above this.", "rho_high", "4.1")

    # --- conjugate gradients
    max_cg_steps: int = option(250, whole(1), "Largest number of CG steps in an epoch.", "maxiters", _FILE)
    min_cg_steps: int = option(1, whole(0), "CG does not test for convergence before this step.", "miniters", _FILE)
    cg_tolerance: float = option(
        5e-4,
        AT_LEAST_0,
        "CG stops if its relative progress per step, over the gap, is below this.",
        "tolerance",
        "4.4",
    )
    cg_gap_ratio: float = option(
        0.1, FROM_0_TO_1, "Length of the gap as a fraction of the CG steps done so far.", "gapratio", "4.4"
    )
    cg_min_gap: int = option(10, whole(1), "Smallest length of the gap, in CG steps.", "mingap", "4.4")
    iterate_grid_start: float = option(
        5.0, POSITIVE, "First CG step whose iterate is recorded for the selection.", "inext", _FILE
    )
    iterate_grid_base: float = option(1.3, ABOVE_1, "Ratio between consecutive recorded CG steps.", "imult", "4.6")
    start_decay: float = option(
        0.95,
        FROM_0_TO_1,
        "Factor on the last CG iterate, from which the next CG run starts.",
        "decay",
        f"{_FILE} (Martens 2010: 1)",
    )
    preconditioner_exponent: float | None = option(
        0.75,
        or_none(FROM_0_TO_1),
        "Exponent of the diagonal preconditioner; None for none.",
        "precon_exponent",
        "4.7",
    )

    # --- step
    backtracking_cases: str = option(
        "all",
        word("all", "target_chunk", "none"),
        "The cases on which 'backtracking' compares CG iterates; 'none' takes the last iterate.",
        "backtrack_set",
        _FILE,
    )
    line_search_c: float = option(
        1e-2, FROM_0_TO_1, "Constant of the sufficient-increase condition of the line search.", "linesearch_c", _FILE
    )
    line_search_factor: float = option(
        0.8, BETWEEN_0_AND_1, "Factor on the step length at each reduction.", "linesearch_factor", _FILE
    )
    max_reductions: int = option(
        60, whole(1), "The step is rejected after this number of reductions of its length.", "linesearch_max", _FILE
    )

    # --- sparse initialisation
    num_connections: int = option(
        15, whole(1, 100_000), "Number of incoming connections drawn for each unit.", "numconn", "5"
    )
    init_scale: float = option(
        1.0,
        AT_LEAST_0,
        "Standard deviation of the initial weights, halved once for each tanh layer at either end of a weight.",
        "initcoeff",
        _FILE,
    )
    seed: Any = option(
        None,
        _ANYTHING,
        "Seed of the sparse initialisation: None, an int, a numpy Generator, ('octave', s), "
        "('octave', s_rand, s_randn), ('matlab', s_rand, s_randn), or an object with rand and randn.",
        "seed",
    )

    # --- corruption: drawn once for every epoch, and fixed within it
    input_blankout: float = option(
        0.0, SHARE, "Share of the inputs that become 0; the others are divided by 1 - share.", "blankout"
    )
    hidden_blankout: Any = option(
        0.0,
        _SHARES,
        "Share of the outputs of hidden units that become 0 (dropout), one for all hidden layers or one for each.",
        "dropout",
    )
    input_noise: float = option(0.0, AT_LEAST_0, "Standard deviation of noise added to the inputs.", "innoise")
    input_dilation: float = option(
        0.0, AT_LEAST_0, "Largest relative change of an input: each is multiplied by 1 ± up to this.", "indilate"
    )
    weight_noise: float = option(
        0.0, AT_LEAST_0, "Standard deviation of noise added to all parameters for an epoch.", "weightnoise"
    )
    perturbed_weights: float = option(
        0.0, FROM_0_TO_1, "Share of the weights that curvature products see changed.", "perturbshare"
    )
    perturbation: float = option(
        0.01, BETWEEN_0_AND_1, "Relative change of these weights in curvature products.", "perturbsize"
    )
    perturb_form: str = option(
        "symmetric",
        word("symmetric", "legacy"),
        "'symmetric' changes the weights both ways and for a whole epoch; 'legacy' only on the way back, and others in "
        "every product.",
        "perturbform",
    )
    corruption_seed: int = option(
        0,
        SEED,
        "Key of all these draws, and of the samples of 'growing_hf' and 'lissa'; a resumed run needs the same.",
        "corruptseed",
    )

    clean_train: bool = option(
        False,
        FLAG,
        "Report `clean_train_error` after every epoch too: the error of the training cases without corruption. It "
        "costs a likelihood pass.",
    )

    # --- early stopping
    patience: int | None = option(
        None,
        or_none(whole(1)),
        "Epochs without a better figure of the test cases after which the run stops; the best parameters are kept.",
        "patience",
    )
    monitor: str = option(
        "log_likelihood",
        word("log_likelihood", "error"),
        "The figure of the test cases that patience looks at.",
        "monitor",
    )
    average_decay: float | None = option(
        None,
        or_none(BETWEEN_0_AND_1),
        "Decay of a running average of the parameters, which is kept beside the last ones; None keeps none.",
        "averagedecay",
    )

    # --- files
    checkpoint_period: int = option(
        10, whole(1), "A checkpoint is kept under its own name every this number of epochs.", "checkpoint_every", _FILE
    )

    def __post_init__(self) -> None:
        for each in dataclasses.fields(self):
            value = converted(each.name, getattr(self, each.name), each.metadata["kind"])
            object.__setattr__(self, each.name, value)
        if self.precision == "tf32" and self.backend != "cupy":
            raise OptionError(
                "precision",
                expected="'single' or 'double' on the CPU",
                got="'tf32'",
                advice="Set {backend='cupy'} for an NVIDIA GPU.",
            )
        if self.min_cg_steps > self.max_cg_steps:
            raise OptionError(
                "min_cg_steps", expected=f"at most {{max_cg_steps}} = {self.max_cg_steps}", got=self.min_cg_steps
            )
        if self.rho_low > self.rho_high:
            raise OptionError("rho_low", expected=f"at most {{rho_high}} = {self.rho_high:g}", got=f"{self.rho_low:g}")
        if self.initial_lam == 0 and self.damping:
            advice = "No factor changes 0: start with a small number, or set {damping=False}."
            raise OptionError("initial_lam", expected="a finite number above 0", got=self.initial_lam, advice=advice)

    @classmethod
    def from_keywords(cls, **keywords: Any) -> Options:
        """Return options from keywords.

        Raises
        ------
        OptionError
            A name is unknown; the message suggests the nearest one.
        """
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
