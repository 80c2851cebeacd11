"""A small recurrent problem of sequences of unequal lengths, and its arguments."""

from __future__ import annotations

from typing import Any

import numpy as np

from hf_matlab_compat import recurrent
from hf_matlab_compat.recurrent.problem import SequenceProblem


def arguments(N: int = 12, T: int = 7, output: str = "softmax", **changes: Any) -> dict[str, Any]:
    """Arguments of `recurrent`: N sequences of up to T steps, targets and a weight at every step."""
    random = np.random.default_rng(1)
    lengths = random.integers(2, T + 1, N)
    lengths[0] = T
    Y = np.eye(3)[random.integers(0, 3, (T, N))].transpose(2, 0, 1)
    if output == "linear":
        Y = random.standard_normal((3, T, N))
    given: dict[str, Any] = {
        "inputs": random.standard_normal((2, T, N)),
        "targets": Y,
        "lengths": lengths,
        "loss_weights": (random.random((T, N)) + 0.2) * (np.arange(T)[:, None] < lengths),
        "hidden_sizes": [5],
        "unit_types": ["tanh", output],
        "num_chunks": 3,
        "weight_decay": 1e-2,
    }
    return {**given, **changes}


def small(**changes: Any) -> SequenceProblem:
    """A recurrent problem in double precision on numpy."""
    return recurrent(**arguments(**changes))


def direction(problem: SequenceProblem, seed: int = 0) -> Any:
    """Parameters, or a direction."""
    return 0.6 * np.random.default_rng(seed).standard_normal(problem.num_parameters)
