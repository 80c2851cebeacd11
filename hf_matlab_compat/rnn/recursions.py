"""The three recursions over time of one recurrent layer, as operations on whole steps or as compiled loops.

Everything else over time is one product over all steps and sequences; what is left here costs one H×H product a step.

Notation
--------
Arrays are (T, n, H): step, sequence, unit, so that a step is contiguous and all steps are the rows of one matrix.
W_hhᵀ : (H, H);  S : f'(a), (T, n, H), None for linear units
"""

from __future__ import annotations

from typing import Any

from hf_matlab_compat.backends.arrays import Array
from hf_matlab_compat.backends.backend import Backend
from hf_matlab_compat.model.units import Unit


class Recursions:
    """Recursions over time in an array namespace.

    Parameters
    ----------
    xp : module
    """

    def __init__(self, xp: Any) -> None:
        self._xp = xp

    def forward(self, unit: Unit, Z: Array, W: Array, first: Array | None, into: tuple[Array, Array, slice]) -> None:
        """Compute a_t = W'z_t and h_t = f(a_t) of all steps, and write h_t into the next step's rows of Z.

        Parameters
        ----------
        unit : Unit
            Of this layer.
        Z : (T, n, K) array
            Rows [x_t, h_{t-1}, 1].
        W : (K, H) array
            [W_hx W_hh b_h]ᵀ. One product with the whole row costs no more than its three parts.
        first : (1, H) array or None
            Added to a at the first step.
        into : tuple of arrays and slice
            a and h, (T, n, H), the same array unless the unit keeps its input; and the columns of h_{t-1} in Z.
        """
        a, h, columns = into
        for t in range(len(a)):
            at = self._xp.matmul(Z[t], W, out=a[t])
            if t == 0 and first is not None:
                at += first
            x = at.T
            unit.activate(self._xp, x, out=x if h is a else h[t].T)
            if t + 1 < len(a):
                Z[t + 1, :, columns] = h[t]

    def tangent(self, Ra: Array, W_hhT: Array, first: Array | None, S: Array | None, kept: Array | None) -> None:
        """Turn the parts of Ra_t that need no recursion into Rh_t = S_t ∘ (Ra_t + W_hh Rh_{t-1}), in place.

        `first` is added at the first step; `kept`, of the same shape, receives Ra_t.
        """
        xp, step = self._xp, self._xp.empty_like(Ra[0])
        for t in range(len(Ra)):
            R = Ra[t]
            if t:
                R += xp.matmul(Ra[t - 1], W_hhT, out=step)
            elif first is not None:
                R += first
            if kept is not None:
                kept[t] = R
            if S is not None:
                R *= S[t]

    def back(self, Q: Array, W_hhT: Array, S: Array | None, more: Array | None) -> None:
        """Turn W_oh' u_t into p_t = S_t ∘ (W_oh' u_t + W_hh' p_{t+1}) + more_t, in place."""
        xp, step = self._xp, self._xp.empty_like(Q[0])
        for t in range(len(Q) - 1, -1, -1):
            p = Q[t]
            if t + 1 < len(Q):
                p += xp.matmul(Q[t + 1], W_hhT.T, out=step)
            if S is not None:
                p *= S[t]
            if more is not None:
                p += more[t]


class CompiledRecursions(Recursions):
    """The recursions of a product and of a gradient as one compiled loop each; the forward pass stays in numpy.

    They differ from numpy's by the rounding of another BLAS.

    Parameters
    ----------
    xp : module
        numpy.
    loops : module
        `backends.compiled_recursions`.
    """

    def __init__(self, xp: Any, loops: Any) -> None:
        super().__init__(xp)
        self._loops = loops

    def tangent(self, Ra: Array, W_hhT: Array, first: Array | None, S: Array | None, kept: Array | None) -> None:
        """See `Recursions.tangent`."""
        if first is not None:
            Ra[0] += first
        none = Ra[:0]
        self._loops.tangent(Ra, W_hhT, none if S is None else S, none if kept is None else kept)

    def back(self, Q: Array, W_hhT: Array, S: Array | None, more: Array | None) -> None:
        """See `Recursions.back`."""
        none = Q[:0]
        self._loops.back(Q, W_hhT.T, none if S is None else S, none if more is None else more)


def recursions_of(backend: Backend) -> Recursions:
    """Return the recursions of a backend: compiled ones if it compiles loops."""
    if backend.loops is None:
        return Recursions(backend.xp)
    from hf_matlab_compat.backends import compiled_recursions  # it needs Numba

    return CompiledRecursions(backend.xp, compiled_recursions)
