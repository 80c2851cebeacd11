"""Hessian-free training of deep networks as James Martens' MATLAB trainer does it."""

from hf_matlab_compat.legacy.entry_points import nnet_train, nnet_train_2
from hf_matlab_compat.result import load
from hf_matlab_compat.training import train

__all__ = ["load", "nnet_train", "nnet_train_2", "train"]
