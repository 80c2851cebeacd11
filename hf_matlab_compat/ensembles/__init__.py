"""Ensembles of trained networks: collected from files, selected or combined on held-out cases."""

from hf_matlab_compat.ensembles.library import Library
from hf_matlab_compat.ensembles.managers import gate, stack
from hf_matlab_compat.ensembles.selection import Ensemble, load_ensemble, select

__all__ = ["Ensemble", "Library", "gate", "load_ensemble", "select", "stack"]
