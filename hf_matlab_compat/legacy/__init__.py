"""MATLAB's face: the trainer's calls and routines, under their MATLAB names."""

from hf_matlab_compat.legacy.entry_points import nnet_train, nnet_train_2
from hf_matlab_compat.legacy.packing import calcActivations, pack, unpack, unpackPARAMS, vec
from hf_matlab_compat.legacy.rnn_call import rnn_train
from hf_matlab_compat.legacy.routines import (
    computeFV,
    computeGradient,
    computeGV,
    computeHV,
    computeLL,
    computePred,
    conjgrad_1,
)

__all__ = [
    "calcActivations",
    "computeFV",
    "computeGV",
    "computeGradient",
    "computeHV",
    "computeLL",
    "computePred",
    "conjgrad_1",
    "nnet_train",
    "nnet_train_2",
    "pack",
    "rnn_train",
    "unpack",
    "unpackPARAMS",
    "vec",
]
