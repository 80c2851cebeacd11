"""A controller of a point mass that is small enough for tests, and a run of it that can be killed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from hf_matlab_compat import controller, train
from hf_matlab_compat.result import Result
from hf_matlab_compat.rnn.control_problem import ControlProblem
from hf_matlab_compat.rnn.plants import PointMass

EPOCHS = 30
OPTIONS: dict[str, Any] = {"structural_damping": 0.03, "precision": "double", "seed": 3, "max_cg_steps": 30}


def cases(count: int = 24, seed: int = 0) -> tuple[Any, Any]:
    """Starts and goals."""
    random = np.random.default_rng(seed)
    return random.uniform(-1, 1, (2, count)), np.vstack([random.uniform(-1, 1, count), np.zeros(count)])


def problem(count: int = 24, **changes: Any) -> ControlProblem:
    given: dict[str, Any] = {"steps": 8, "hidden_size": 5, "shown_goal": [0], "num_chunks": 2, **changes}
    return controller(PointMass(), *cases(count), **given)


def run(directory: str | Path, epochs: int = EPOCHS, resume_from: Any = None, **changes: Any) -> Result:
    """Train with log and checkpoints; the test cases are others."""
    Path(directory).mkdir(exist_ok=True)
    p = problem()
    given = {
        **OPTIONS,
        "max_epochs": epochs,
        "resume_from": resume_from,
        "run_name": Path(directory) / "run",
        **changes,
    }
    return train(problem=p, test_problem=p.on(*cases(9, seed=1)), **given)


def run_again(directory: str) -> None:
    """Go on from the checkpoint if there is one; for a process of its own."""
    checkpoint = Path(directory) / "run_nnet_running.mat"
    run(directory, resume_from=checkpoint if checkpoint.exists() else None)
