"""Recurrent nets: sequences, the problem of a model on them, and the models; controllers of a plant."""

from hf_matlab_compat.rnn.calls import recurrent
from hf_matlab_compat.rnn.control import controller
from hf_matlab_compat.rnn.ctc import ctc
from hf_matlab_compat.rnn.multiplicative import multiplicative

__all__ = ["controller", "ctc", "multiplicative", "recurrent"]
