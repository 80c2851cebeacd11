"""Search for options: proposals by CMA-ES, runs in parallel, hopeless runs stopped early (the extra ``search``)."""

from hf_matlab_compat.search.space import Choice, Integer, Layers, Log, Real
from hf_matlab_compat.search.study import search

__all__ = ["Choice", "Integer", "Layers", "Log", "Real", "search"]
