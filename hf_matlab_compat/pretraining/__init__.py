"""Pre-training of deep networks by a stack of restricted Boltzmann machines, as initial weights and biases."""

from hf_matlab_compat.pretraining.deep_belief import Pretrained, pretrain
from hf_matlab_compat.pretraining.machine import BoltzmannMachine
from hf_matlab_compat.pretraining.rules import ContrastiveDivergence, PersistentDivergence

__all__ = ["BoltzmannMachine", "ContrastiveDivergence", "PersistentDivergence", "Pretrained", "pretrain"]
