"""Empirical Fisher products F v for one block of cases.

Notation
--------
e : gradient of a case's log-likelihood at the output layer's input
F = Σ_cases (Jᵀ e)(Jᵀ e)ᵀ : never formed; F v = Jᵀ e (e · J v) case by case
"""

from __future__ import annotations

from hf_matlab_compat.backends.arrays import Array
from hf_matlab_compat.objective.case_passes import CasePasses
from hf_matlab_compat.objective.cases import Block
from hf_matlab_compat.objective.gauss_newton import GaussNewton


class EmpiricalFisher(GaussNewton):
    """F v summed over a block: the passes of Gauss-Newton with another product at the output.

    Parameters
    ----------
    on : CasePasses
    theta : (P,) vector
    block : Block
    faithful : bool
        As in MATLAB, e is t - y for every loss, and the product of linear outputs is doubled once. F of linear
        outputs then has half the scale of the gradient. False uses the gradient of the loss.
    """

    def __init__(self, on: CasePasses, theta: Array, block: Block, *, faithful: bool = True) -> None:
        self._faithful = faithful
        super().__init__(on, theta, block)

    def _look_at_output(self, x: Array, y: Array, block: Block) -> None:
        t = self._backend.filled(block.targets)
        self._e = t - y if self._faithful else self._network.loss.gradient(self._xp, x, y, t)

    def _at_output(self, Rx: Array) -> Array:
        """Return e (e · J v) for Rx = Jv."""
        r = self._passes.rank_one(self._e, Rx)
        if not self._faithful:
            return r
        return self._network.loss.gauss_newton_product(self._xp, self._kept.slopes[-1], r, None)
