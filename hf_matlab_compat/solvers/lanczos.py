"""The Lanczos process: an orthonormal basis of the Krylov space of B and a vector, and B on it, a tridiagonal matrix.

Notation
--------
B : symmetric (P, P) operator;  q₁ = start / |start|;  Q = [q₁ … q_k], QᵀQ = I
T = Qᵀ B Q : tridiagonal, diagonal a₁ … a_k, off-diagonal b₁ … b_{k-1};  b_k = |the next direction|
(Golub & Van Loan, section 10.1; every direction is orthogonalised twice against all earlier ones)
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hf_matlab_compat.backends.arrays import Vector
from hf_matlab_compat.errors import NotFinite

_EXHAUSTED = 1e-12
"""A direction that is shorter than this, relative to the largest entry of T, is rounding: the space is invariant."""


class Lanczos:
    """A Krylov basis that grows by one product a step.

    Attributes
    ----------
    Q : list of (P,) vectors
        Orthonormal.
    a, b : lists of float
        Diagonal of T, and what lies beside it; b has one entry more than T needs: b_k of the next direction, 0 if the
        space is invariant.

    Parameters
    ----------
    B : callable
        v → B v, a new vector.
    start : (P,) vector
        Not changed. The space of a zero vector is that vector: B p = 0 has the solution 0.
    """

    def __init__(self, B: Callable[[Vector], Vector], start: Vector) -> None:
        self._B = B
        self.length = norm(start)
        self._next = start / (self.length or 1.0)
        self.Q: list[Vector] = []
        self.a: list[float] = []
        self.b: list[float] = []

    @property
    def is_exhausted(self) -> bool:
        """True if the space is invariant: it holds the solution."""
        return bool(self.b) and self.b[-1] == 0

    def extend(self) -> None:
        """Add one direction, for one product.

        Raises
        ------
        NotFinite
            The product is NaN or infinite.
        """
        q = self._next
        self.Q.append(q)
        w = self._B(q)
        a = float(q @ w)
        if not math.isfinite(a):
            raise NotFinite("curvature product")
        w = orthogonalised(w, self.Q)
        b = norm(w)
        self.a.append(a)
        if b <= _EXHAUSTED * max(map(abs, [*self.a, *self.b]), default=0.0) or len(self.Q) == len(q):
            b = 0.0
        self.b.append(b)
        self._next = w / b if b else w

    def eigen(self) -> tuple[NDArray[Any], NDArray[Any]]:
        """Return eigenvalues t (k,) of T, in ascending order, and its eigenvectors S (k, k), in columns."""
        T = np.diag(self.a) + np.diag(self.b[:-1], 1) + np.diag(self.b[:-1], -1)
        t, S = np.linalg.eigh(T)
        return t, S

    def combined(self, h: Sequence[float] | NDArray[Any]) -> Vector:
        """Return Q h, a new (P,) vector."""
        return combined(self.Q, h)


def orthogonalised(w: Vector, Q: Sequence[Vector]) -> Vector:
    """Return w without its components along the orthonormal vectors Q; w is changed in place."""
    for _ in range(2):  # twice is enough (Kahan)
        for q in Q:
            w -= (q @ w) * q
    return w


def norm(v: Vector) -> float:
    """Return |v|."""
    return math.sqrt(float(v @ v))


def combined(vectors: Sequence[Vector], weights: Sequence[float] | NDArray[Any]) -> Vector:
    """Return Σ weight · vector, a new vector in the precision of the vectors."""
    kind = vectors[0].dtype.type
    total = vectors[0] * kind(weights[0])
    for vector, weight in zip(vectors[1:], weights[1:], strict=True):
        total += kind(weight) * vector
    return total
