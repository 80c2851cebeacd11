"""MATLAB's names and values for the arguments of `train`, and back.

The legacy calls translate their arguments with these tables; the text log and error messages use them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields

from hf_matlab_compat.options import Options

_ARGUMENTS = (
    *("runName", "runDesc", "paramsp", "Win", "bin", "resumeFile", "maxepoch", "indata", "outdata", "numchunks"),
    *("intest", "outtest", "numchunks_test", "layersizes", "layertypes", "mattype", "rms", "errtype", "hybridmode"),
    *("weightcost", "decay", "jacket"),
)
_OF_TRAIN = {
    "runName": "run_name",
    "runDesc": "description",
    "paramsp": "initial_theta",
    "Win": "initial_weights",
    "bin": "initial_biases",
    "resumeFile": "resume_from",
    "indata": "inputs",
    "outdata": "targets",
    "intest": "test_inputs",
    "outtest": "test_targets",
    "layersizes": "hidden_sizes",
    "layertypes": "unit_types",
}
_OF_OPTIONS = {each.metadata["matlab"]: each.name for each in fields(Options) if each.metadata["matlab"]}

TRAINER_ARGUMENTS: Mapping[str, str] = {name: {**_OF_TRAIN, **_OF_OPTIONS}[name] for name in _ARGUMENTS}
"""The 22 arguments of `nnet_train_2`, in order, and their names in `train`."""

CONSTANTS: Mapping[str, str] = {theirs: ours for theirs, ours in _OF_OPTIONS.items() if theirs not in _ARGUMENTS}
"""Constants that users edited inside the file: keywords of `nnet_train`, and the fields of `Options` they set."""

TOOLBOX: tuple[str, ...] = (
    *("method", "learningrate", "momentum", "momentumperiod", "blankout", "dropout", "innoise", "indilate"),
    *("weightnoise", "perturbshare", "perturbsize", "perturbform", "corruptseed"),
    *("patience", "monitor", "averagedecay", "keep", "ranks", "sumlanes"),
)
"""Keywords of `nnet_train` without a constant in MATLAB's file; `nnet_train_2` takes them after its 22 arguments."""

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
"""MATLAB's values and ours, for options whose values differ."""


def to_matlab_value(name: str, value: object) -> object:
    """Return MATLAB's value for a value of the option `name`.

    Parameters
    ----------
    name : str
        The name in `train`.
    value : object
        The value in `train`.

    Returns
    -------
    object
        The value itself if MATLAB has no other for it.

    Examples
    --------
    >>> to_matlab_value("curvature", "gauss_newton")
    'gn'
    """
    for theirs, ours in WORDS.get(name, {}).items():
        if ours == value:
            return theirs
    return value
