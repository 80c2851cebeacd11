"""Recurrent nets: sequences, the problem of a model on them, and the models; controllers of a plant."""

from hf_matlab_compat.recurrent.calls import recurrent
from hf_matlab_compat.recurrent.control import controller
from hf_matlab_compat.recurrent.ctc import ctc
from hf_matlab_compat.recurrent.multiplicative import multiplicative

__all__ = ["controller", "ctc", "multiplicative", "recurrent"]
