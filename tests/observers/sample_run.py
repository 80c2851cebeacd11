"""A made-up run to watch: its settings, its epochs, and an observer led through them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from hf_matlab_compat.observers.observer import Observer, Run
from hf_matlab_compat.options import Options
from hf_matlab_compat.solvers.conjgrad import CGStop
from hf_matlab_compat.state import Outcome, Report, Score, State, hessian_free_state

RUN = Run(
    name="curves",
    description="a sample",
    resume_from="",
    sizes=(64, 20, 5, 20, 64),
    options=Options(max_epochs=3, num_chunks=4),
)
START = hessian_free_state(np.zeros(3), np.zeros(3), 45.0)
REPORT = Report(
    epoch=1,
    train=Score(log_likelihood=-385.14321, error=107.22401),
    test=Score(log_likelihood=-385.24791, error=107.3),
    seconds=1.5,
    figures={
        "cg_steps": 13,
        "total_cg_steps": 13,
        "cg_stop": CGStop.CONVERGED,
        "d_norm": 3.55171,
        "chosen_step": 11,
        "old_log_likelihood": -400.0,
        "old_log_likelihood_chunk": -401.0,
        "log_likelihood_chunk": -386.0,
        "predicted_change": -18.0,
        "rho": 0.824551,
        "reductions": 0,
        "rate": 1.0,
        "lam": 30.0,
    },
)
REPORT_LINES = [
    "maxiters = 250; miniters = 1",
    "CG steps used: 13, total is: 13",
    "ch magnitude : 3.5517",
    "Chose iters : 11",
    "rho = 0.82455",
    "Number of reductions : 0, chosen rate: 1",
    "New lambda: 30",
    "epoch: 1, Log likelihood: -385.1432, error rate: 107.224",
    "TEST Log likelihood: -385.2479, error rate: 107.3",
    "Error rate difference (test - train): 0.07599",
    "",
]


def report(epoch: int = 1, **changes: object) -> Report:
    """The sample report, as of another epoch or otherwise changed."""
    figures = {name: changes.pop(name) for name in list(changes) if name in REPORT.figures}
    return replace(REPORT.having(**figures), epoch=epoch, **changes)


def named(path: Path, **changes: object) -> Run:
    """The sample run, writing its files below `path`."""
    return replace(RUN, name=str(path / "curves"), **changes)


def lead(observer: Observer, run: Run, outcome: Outcome | None = Outcome.FINISHED, epochs: int = 2) -> State:
    """Lead the observer through a run; without an outcome it is killed after its last finished epoch."""
    state = START
    observer.begin(run, state)
    for epoch in range(1, epochs + 1):
        observer.progress("cg", 13, 250)
        state = state.after(report(epoch), state.theta, {**state.memory, "lam": 30.0, "total_cg_steps": 13})
        observer.epoch(report(epoch), state)
    if outcome is not None:
        observer.end(outcome, state)
        observer.close()
    return state
