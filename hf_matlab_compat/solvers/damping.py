"""Levenberg-Marquardt damping: the damped operator, the reduction ratio, the rule for λ."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from hf_matlab_compat.backends.fused import fused_for
from hf_matlab_compat.backends.pieces import pieces
from hf_matlab_compat.options import Options
from hf_matlab_compat.state import State, Vector

PATIENCE = 100
"""Epochs in a row that have to leave the log-likelihood as it was before a run is called converged."""


def damp(G: Callable[[Vector], Vector], lam: float) -> Callable[[Vector], Vector]:
    """B(d) = G d + λ d.

    Parameters
    ----------
    G : callable
        v → G v. The vector it returns is changed.
    lam : float
        Damping λ.
    """

    def B(d: Vector) -> Vector:
        Bd = G(d)
        if (fused := fused_for(d)) is not None:
            return fused.add_scaled(lam, d, Bd)
        for piece in pieces(d):
            Bd[piece] += lam * d[piece]
        return Bd

    return B


def predicted_change(gradient: Vector, p: Vector, Gp: Vector) -> float:
    """½ pᵀG p - gᵀp: by how much the undamped model expects the negative log-likelihood to change; negative.

    Parameters
    ----------
    gradient : (P,) vector
        g = ∇ of the log-likelihood.
    p, Gp : (P,) vectors
        The step and its curvature product.
    """
    return 0.5 * float(p @ Gp) - float(gradient @ p)


def reduction_ratio(before: float, after: float, predicted: float) -> float:
    """ρ: actual change of the negative log-likelihood over the predicted one.

    Parameters
    ----------
    before, after : float
        Log-likelihood of the target chunk at θ and θ + p.
    predicted : float
        From `predicted_change`.

    Returns
    -------
    float
        -inf when the log-likelihood fell; nan for 0/0.
    """
    change = before - after
    if change > 0:
        return -math.inf
    if predicted == 0:
        return math.nan if change == 0 or math.isnan(change) else math.copysign(math.inf, change * predicted)
    return change / predicted


def adapt(lam: float, rho: float, options: Options) -> float:
    """The next λ: boosted where the model was trusted too much, dropped where too little.

    Parameters
    ----------
    lam : float
        λ of this epoch.
    rho : float
        Reduction ratio; nan boosts.
    options : Options
        The fields on damping.
    """
    if not options.damping:
        return lam
    if rho < options.rho_low or math.isnan(rho):
        return lam * options.boost
    return lam * options.lam_drop if rho > options.rho_high else lam


def exhausted(state: State, options: Options) -> bool:
    """Whether no step can improve the likelihood any more, however λ grows.

    Once a network has converged, every further epoch fails and boosts λ; after some hundred of them λ overflows, and
    NaN follows. Long before, the steps are too short to change any parameter.

    Parameters
    ----------
    state : State
        After some epochs, of this run or of those before it.
    options : Options
        The factor on λ, and the number of chunks: each has its epoch before a run is called converged.

    Returns
    -------
    bool
        True when the last `PATIENCE` epochs left the log-likelihood unchanged and even the last CG solution, added
        in full, changes no parameter; or when λ has outgrown the working precision.
    """
    log_likelihood = state.records.log_likelihood[:, 0]
    if not log_likelihood.size:
        return False
    largest, after_a_boost = (float(np.finfo(kind).max) for kind in (state.theta.dtype, np.float64))
    if state.lam > min(largest, after_a_boost / max(options.boost, 1)):
        return True
    patience = max(PATIENCE, options.num_chunks)
    latest = log_likelihood[-patience - 1 :]
    if latest.size <= patience or (latest != latest[0]).any():
        return False
    return bool((state.theta + state.d == state.theta).all())
