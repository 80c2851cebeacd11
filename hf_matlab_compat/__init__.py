"""Hessian-free training of deep networks, as James Martens' MATLAB trainer does it."""

from typing import Any

from hf_matlab_compat import moved
from hf_matlab_compat.autodiff import autodiff_problem, check_derivatives
from hf_matlab_compat.errors import (
    ArgumentError,
    BackendWarning,
    CallWarning,
    CheckpointError,
    DataError,
    DataWarning,
    DisplayWarning,
    HessianFreeError,
    MemoryFullError,
    MigrationError,
    NonFiniteError,
    OptionError,
    ParityError,
    RankError,
    RanksDisagree,
    SharedStateError,
    StuckWarning,
    Terminated,
)
from hf_matlab_compat.legacy.entry_points import nnet_train, nnet_train_2
from hf_matlab_compat.legacy.rnn_call import rnn_train
from hf_matlab_compat.matlab.files.checkpoint import CheckpointWarning
from hf_matlab_compat.network_problem import feedforward
from hf_matlab_compat.options import Options
from hf_matlab_compat.result import Result, load
from hf_matlab_compat.rnn import controller, ctc, multiplicative, recurrent
from hf_matlab_compat.state import Report, State
from hf_matlab_compat.training import train
from hf_matlab_compat.variational import variational_problem

__all__ = ["Options", "Report", "Result", "State", "__version__", "load", "nnet_train", "nnet_train_2", "train"]
__all__ += ["ArgumentError", "CheckpointError", "DataError", "HessianFreeError", "MemoryFullError", "MigrationError"]
__all__ += [
    "NonFiniteError",
    "OptionError",
    "ParityError",
    "RankError",
    "RanksDisagree",
    "SharedStateError",
    "Terminated",
]
__all__ += ["autodiff_problem", "check_derivatives", "controller", "ctc", "multiplicative", "recurrent", "rnn_train"]
__all__ += ["feedforward", "variational_problem"]
__all__ += ["BackendWarning", "CallWarning", "CheckpointWarning", "DataWarning", "DisplayWarning", "StuckWarning"]

__version__: str

moved.install()


def __getattr__(name: str) -> Any:
    # the version is read from the package's metadata once it is asked for: importing importlib.metadata takes long
    if name != "__version__":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("hf_matlab_compat")
    except PackageNotFoundError:  # a source tree that is not installed
        return "unknown"
