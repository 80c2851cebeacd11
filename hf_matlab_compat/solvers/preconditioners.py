"""Preconditioners: approximations to the damped curvature that are easy to invert."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np

from hf_matlab_compat.backends.arrays import Array, Vector
from hf_matlab_compat.kinds import FROM_0_TO_1, SHARE, check_settings
from hf_matlab_compat.options import Options
from hf_matlab_compat.problem import Curvature, EstimatedCurvature, Gradient
from hf_matlab_compat.solvers.rules import Path, Preconditioner
from hf_matlab_compat.state import Memory

EQUILIBRATION = 101
"""The purpose of its random signs, in their key."""


@dataclass(frozen=True)
class MartensDiagonal:
    """M = (diagonal of the curvature + λ)^exponent (Martens 2010, section 4.7).

    Attributes
    ----------
    exponent : float
        ¾ in the paper.
    """

    exponent: float = cast(float, Options.preconditioner_exponent)

    def __post_init__(self) -> None:
        check_settings(self, exponent=FROM_0_TO_1)

    def __call__(self, G: Curvature, gradient: Gradient, lam: float) -> Vector:
        """See `Preconditioner`."""
        return G.diagonal(lam) ** self.exponent


@dataclass(frozen=True)
class NoPreconditioner:
    """M = I."""

    def __call__(self, G: Curvature, gradient: Gradient, lam: float) -> None:
        """See `Preconditioner`."""
        return


@dataclass(frozen=True)
class UnbiasedJacobi:
    """M = (an unbiased estimate of the diagonal + λ)^exponent (Chapelle & Erhan 2011); new signs in every epoch.

    Attributes
    ----------
    exponent : float
    """

    exponent: float = cast(float, Options.preconditioner_exponent)

    def __post_init__(self) -> None:
        check_settings(self, exponent=FROM_0_TO_1)

    def first_memory(self, theta: Vector) -> Memory:
        """See `Remembering`: nothing."""
        return {}

    def of_epoch(self, memory: Memory, n: int) -> Preconditioner:
        """See `Remembering`."""

        def of_this_epoch(G: Curvature, gradient: Gradient, lam: float) -> Vector:
            return cast(EstimatedCurvature, G).unbiased_diagonal(lam, n) ** self.exponent

        return of_this_epoch


@dataclass(frozen=True)
class Equilibration:
    """M = the root of a running mean of (B v)∘(B v), v random signs: the norms of the rows of B (Dauphin et al. 2015).

    Attributes
    ----------
    decay : float
        Of the running mean, for each epoch, which costs one product.
    """

    decay: float = 0.9

    def __post_init__(self) -> None:
        check_settings(self, decay=SHARE)

    def first_memory(self, theta: Vector) -> Memory:
        """See `Remembering`."""
        return {"equilibration": theta * 0, "equilibration_epochs": 0}

    def of_epoch(self, memory: Memory, n: int) -> EquilibrationOfEpoch:
        """See `Remembering`."""
        return EquilibrationOfEpoch(self.decay, memory["equilibration"], memory["equilibration_epochs"], n)


class EquilibrationOfEpoch:
    """Equilibration in one epoch.

    Parameters
    ----------
    decay : float
    mean : (P,) vector
        Of the epochs before.
    epochs : int
        Their number.
    n : int
        This epoch.
    """

    def __init__(self, decay: float, mean: Vector, epochs: int, n: int) -> None:
        self._decay, self._mean, self._epochs, self._n = decay, mean, epochs, n

    def __call__(self, G: Curvature, gradient: Gradient, lam: float) -> Vector:
        """See `Preconditioner`."""
        v = random_signs(self._mean, EQUILIBRATION, self._n)
        Bv = G(v) + lam * v
        self._mean = self._decay * self._mean + (1 - self._decay) * Bv**2
        self._epochs += 1
        return (self._mean / (1 - self._decay**self._epochs)) ** 0.5

    def kept(self, path: Path) -> Memory:
        """See `PreconditionerOfEpoch`."""
        return {"equilibration": self._mean, "equilibration_epochs": self._epochs}


@dataclass(frozen=True)
class LimitedMemory:
    """M⁻¹ = the L-BFGS matrix of pairs (s, B s) from the conjugate gradients of the epoch before (Sainath et al. 2013).

    Only a solver that takes any preconditioner and leaves pairs can be used with it: `FlexibleCG`.
    """

    is_function = True

    def first_memory(self, theta: Vector) -> Memory:
        """See `Remembering`."""
        return {"pairs_s": theta[None, :0].repeat(0, axis=0), "pairs_y": theta[None, :0].repeat(0, axis=0)}

    def of_epoch(self, memory: Memory, n: int) -> LimitedMemoryOfEpoch:
        """See `Remembering`."""
        return LimitedMemoryOfEpoch(memory["pairs_s"], memory["pairs_y"])


class LimitedMemoryOfEpoch:
    """The L-BFGS matrix in one epoch.

    Parameters
    ----------
    S, Y : (k, P) arrays
        Pairs, the oldest first.
    """

    def __init__(self, S: Array, Y: Array) -> None:
        self._S, self._Y = S, Y

    def __call__(self, G: Curvature, gradient: Gradient, lam: float) -> Callable[[Vector], Vector] | None:
        """See `Preconditioner`."""
        usable = [(s, y) for s, y in zip(self._S, self._Y, strict=True) if float(s @ y) > 0]
        return (lambda r: two_loops(usable, r)) if usable else None

    def kept(self, path: Path) -> Memory:
        """See `PreconditionerOfEpoch`: the pairs of this epoch, or the old ones if its run left none."""
        S, Y = path.pairs if path.pairs is not None else (self._S, self._Y)
        return {"pairs_s": S, "pairs_y": Y}


def two_loops(pairs: Sequence[tuple[Vector, Vector]], r: Vector) -> Vector:
    """Return M⁻¹ r by the two-loop recursion (Nocedal & Wright, algorithm 7.4); pairs have sᵀy > 0, oldest first."""
    q, weights = r.copy(), list[float]()
    for s, y in reversed(pairs):
        a = float(s @ q) / float(s @ y)
        weights.append(a)
        q -= a * y
    s, y = pairs[-1]
    q *= float(s @ y) / float(y @ y)
    for (s, y), a in zip(pairs, reversed(weights), strict=True):
        q += (a - float(y @ q) / float(s @ y)) * s
    return q


def random_signs(like: Vector, purpose: int, n: int) -> Vector:
    """Return random signs, (P,), in the precision of a vector; a function of purpose and epoch alone."""
    raw = np.random.Philox(key=np.array([0, purpose], dtype=np.uint64), counter=[0, 0, 0, n]).random_raw(
        -(-len(like) // 64)
    )
    bits = np.unpackbits(raw.astype("<u8").view(np.uint8))[: len(like)]
    signs = like.copy()
    signs[...] = 1
    signs[np.flatnonzero(bits)] = -1
    return signs
