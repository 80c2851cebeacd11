"""Any model as a problem, by automatic differentiation; checks of derivatives."""

from hf_matlab_compat.autodiff.calls import autodiff_problem
from hf_matlab_compat.autodiff.check_derivatives import check_derivatives

__all__ = ["autodiff_problem", "check_derivatives"]
