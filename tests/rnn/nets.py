"""A small recurrent problem of sequences of unequal lengths, its arguments, and every figure of a problem."""

from __future__ import annotations

from typing import Any

import numpy as np

from hf_matlab_compat import recurrent
from hf_matlab_compat.problem import Cases
from hf_matlab_compat.rnn.problem import SequenceProblem


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


def kernels(problem: SequenceProblem, structural: float = 0.3) -> dict[str, Any]:
    """Every figure and vector of a problem, on the host."""
    backend = problem.backend
    theta, v = (backend.asarray(direction(problem, seed)) for seed in (0, 1))
    found: dict[str, Any] = {}
    on = Cases(min(1, problem.num_chunks - 1))
    for name, cases in (("all", Cases()), ("chunk", on)):
        score = problem.score(theta, cases)
        found |= {f"ll of {name}": score.log_likelihood, f"error of {name}": score.error}
    g, alone = problem.gradient(theta, on), problem.chunk_gradient(theta, on)
    G = problem.curvature(theta, on, g)
    vectors = {"full": g.full, "chunk": g.chunk, "alone": alone.full, "Gv": G(v), "diagonal": G.diagonal(0.5)}
    vectors["both"] = G.structurally_damped(v, structural)
    found |= {"ll with gradient": g.log_likelihood, "ll with chunk's gradient": alone.log_likelihood}
    return found | {name: backend.to_host(vector) for name, vector in vectors.items()}
