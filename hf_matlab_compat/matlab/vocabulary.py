"""MATLAB's names and words beside the field's: one table, read in both directions.

The legacy calls translate their arguments with it, the text log prints with it, and errors are spoken in it.
"""

from __future__ import annotations

from collections.abc import Mapping

TRAINER_ARGUMENTS: Mapping[str, str] = {
    "runName": "run_name",
    "runDesc": "description",
    "paramsp": "initial_theta",
    "Win": "initial_weights",
    "bin": "initial_biases",
    "resumeFile": "resume_from",
    "maxepoch": "max_epochs",
    "indata": "inputs",
    "outdata": "targets",
    "numchunks": "num_chunks",
    "intest": "test_inputs",
    "outtest": "test_targets",
    "numchunks_test": "num_test_chunks",
    "layersizes": "hidden_sizes",
    "layertypes": "unit_types",
    "mattype": "curvature",
    "rms": "loss",
    "errtype": "error_measure",
    "hybridmode": "curvature_cases",
    "weightcost": "weight_decay",
    "decay": "start_decay",
    "jacket": "backend",
}
"""The 22 arguments of `nnet_train_2`, in order, and what `train` calls them."""

CONSTANTS: Mapping[str, str] = {
    "initlambda": "initial_lam",
    "drop": "lam_drop",
    "boost": "lam_boost",
    "autodamp": "damping",
    "rho_low": "rho_low",
    "rho_high": "rho_high",
    "maxiters": "max_cg_steps",
    "miniters": "min_cg_steps",
    "tolerance": "cg_tolerance",
    "gapratio": "cg_gap_ratio",
    "mingap": "cg_min_gap",
    "inext": "iterate_grid_start",
    "imult": "iterate_grid_base",
    "precon_exponent": "preconditioner_exponent",
    "backtrack_set": "backtracking_cases",
    "linesearch_c": "line_search_c",
    "linesearch_factor": "line_search_factor",
    "linesearch_max": "max_reductions",
    "numconn": "num_connections",
    "initcoeff": "init_scale",
    "decay_biases": "decay_biases",
    "checkpoint_every": "checkpoint_period",
    "trim_cases": "trim_cases",
    "precision": "precision",
    "faithful": "faithful",
    "numthreads": "num_threads",
    "seed": "seed",
}
"""Constants that users edited inside the file: keywords of `nnet_train`, and the fields of `Options` they set."""

TO_FIELD_TERMS: Mapping[str, str] = {**TRAINER_ARGUMENTS, **CONSTANTS}
TO_MATLAB: Mapping[str, str] = {ours: theirs for theirs, ours in TO_FIELD_TERMS.items()}

WORDS: Mapping[str, Mapping[object, object]] = {
    "curvature": {"gn": "gauss_newton", "hess": "hessian", "empfish": "empirical_fisher"},
    "error_measure": {"L2": "squared", "class": "misclassified", "none": "none"},
    "loss": {0: "matching", 1: "squared"},
    "curvature_cases": {1: "target_chunk", 0: "all"},
    "backend": {0: "numpy", 1: "cupy", "numba": "numba"},
    "damping": {1: True, 0: False},
}
"""MATLAB's values beside the field's, for options whose values differ."""


def to_matlab_value(name: str, value: object) -> object:
    """What MATLAB writes for this value of the option `name` (in the field's terms).

    Examples
    --------
    >>> to_matlab_value("curvature", "gauss_newton")
    'gn'
    """
    for theirs, ours in WORDS.get(name, {}).items():
        if ours == value:
            return theirs
    return value
