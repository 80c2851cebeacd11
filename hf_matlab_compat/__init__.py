"""Hessian-free training of deep networks, as James Martens' MATLAB trainer does it."""

from importlib.metadata import PackageNotFoundError, version

from hf_matlab_compat.errors import (
    ArgumentError,
    CheckpointError,
    DataError,
    HessianFreeError,
    MemoryFullError,
    MigrationError,
    NonFiniteError,
    OptionError,
    ParityError,
    Terminated,
)
from hf_matlab_compat.legacy.entry_points import nnet_train, nnet_train_2
from hf_matlab_compat.options import Options
from hf_matlab_compat.result import Result, load
from hf_matlab_compat.training import train

try:
    __version__ = version("hf_matlab_compat")
except PackageNotFoundError:  # a source tree that is not installed
    __version__ = "unknown"

__all__ = [
    "ArgumentError",
    "CheckpointError",
    "DataError",
    "HessianFreeError",
    "MemoryFullError",
    "MigrationError",
    "NonFiniteError",
    "OptionError",
    "Options",
    "ParityError",
    "Result",
    "Terminated",
    "__version__",
    "load",
    "nnet_train",
    "nnet_train_2",
    "train",
]
