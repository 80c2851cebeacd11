"""Questions about an epoch that are settled in double precision, whatever the run's own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from hf_matlab_compat.parity.port_case import port_case
from hf_matlab_compat.parity.port_epoch import PortEpoch
from hf_matlab_compat.parity.reference_run import EpochRecord, Recording
from hf_matlab_compat.parity.ties import tie_distance
from hf_matlab_compat.problem import Cases
from hf_matlab_compat.solvers.damping import damp


class ExactEpoch:
    """The epochs of a recording in double precision, on the CPU.

    Parameters
    ----------
    recording : Recording
    """

    def __init__(self, recording: Recording) -> None:
        self._free = recording.mode == "free"
        self._case = port_case(recording.case, "double")

    def model(self, record: EpochRecord, ours: PortEpoch) -> Callable[[Any], float]:
        """φ(x) = ½ xᵀB x - gᵀx, with the recorded gradient; nan where the state was not recorded."""
        if self._free or not record.steps or not ours.kernels:
            return lambda x: np.nan
        problem, theta = self._case.problem, np.asarray(record.theta, np.float64)
        on = Cases((record.epoch - 1) % problem.num_chunks)
        G = problem.curvature(theta, on, problem.gradient(theta, on))
        B = damp(G, record.lam) if self._case.options.damping else G
        recorded = record.kernels.get("grad")
        b = np.asarray(ours.kernels["grad"] if recorded is None else recorded, np.float64)

        def phi(x: Any) -> float:
            wide = np.asarray(x, np.float64)
            return float(0.5 * wide @ B(wide) - b @ wide)

        return phi

    def tie(self, record: EpochRecord, ours: PortEpoch, theirs: int) -> float:
        """How large a tie of log-likelihoods our own choice and theirs need; 0 for the same choice."""
        if ours.own_choice == theirs:
            return 0.0
        theta = np.asarray(ours.theta_before if self._free else record.theta, np.float64)
        scores = (self._case.problem.score(theta + np.asarray(p, np.float64), Cases()) for p in ours.iterates)
        values = [score.log_likelihood for score in scores]
        return tie_distance(values, ours.steps, ours.own_choice, theirs)
