"""The test for a converged run: no step changes the parameters any more at the working precision."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import takewhile

import numpy as np

from hf_matlab_compat.options import Options
from hf_matlab_compat.state import Report, State

PATIENCE = 100
"""A run counts as converged after this number of consecutive epochs with the same log-likelihood."""


REJECTED = 20
"""After this number of rejected steps in a row a run in single precision says that it is stuck."""


def rejected_in_a_row(reports: Sequence[Report]) -> int:
    """Return how many of the last epochs rejected their step."""
    rates = (report.figures.get("rate") for report in reversed(reports))
    return sum(1 for _ in takewhile(lambda rate: rate == 0, rates))


def exhausted(state: State, options: Options) -> bool:
    """Return whether no step can improve the log-likelihood any more, however large λ becomes.

    After convergence every epoch fails and raises λ; after some hundred epochs λ would overflow and produce NaN. Long
    before that, the steps are too short to change any parameter.

    Parameters
    ----------
    state : State
        After some epochs, of this run or of the run it resumes.
    options : Options
        Reads `boost`, and `num_chunks`: a run tries every chunk once before it counts as converged.

    Returns
    -------
    bool
        True if the last `PATIENCE` epochs left the log-likelihood unchanged and adding the last CG iterate in full
        changes no parameter; or if the next boost of λ would exceed the working precision.
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
