"""Recurrent nets: sequences, the problem of a model on them, and the models."""

from hf_matlab_compat.recurrent.calls import recurrent

__all__ = ["recurrent"]
