"""When a run has converged: no step changes anything any more at the working precision."""

from __future__ import annotations

import numpy as np

from hf_matlab_compat.options import Options
from hf_matlab_compat.state import State

PATIENCE = 100
"""Epochs in a row that have to leave the log-likelihood as it was before a run is called converged."""


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
    if state.memory.get("lam", 0.0) > min(largest, after_a_boost / max(options.boost, 1)):
        return True
    patience = max(PATIENCE, options.num_chunks)
    latest = log_likelihood[-patience - 1 :]
    if latest.size <= patience or (latest != latest[0]).any():
        return False
    d = state.memory.get("d")
    return d is not None and bool((state.theta + d == state.theta).all())
