"""Black-box variational inference: a normal approximation of a log density, or of a network's posterior."""

from hf_matlab_compat.variational.calls import variational_problem
from hf_matlab_compat.variational.problem import Posterior, VariationalProblem

__all__ = ["Posterior", "VariationalProblem", "variational_problem"]
