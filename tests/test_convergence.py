"""Runs that go on long after the network has converged."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hf_matlab_compat import nnet_train, running, train
from hf_matlab_compat.errors import NonFiniteError, StuckWarning
from hf_matlab_compat.matlab.files.checkpoint import read_checkpoint
from hf_matlab_compat.matlab.logs.audit import audit_log
from hf_matlab_compat.matlab.logs.parser import read_log
from hf_matlab_compat.options import Options
from hf_matlab_compat.solvers.convergence import PATIENCE, exhausted
from hf_matlab_compat.state import Outcome, Records, State, hessian_free_state
from tests.cases import PRECISIONS
from tests.small_run import field_arguments
from tests.toy_problem import ToyProblem

LONG = 5000
DATA = np.random.default_rng(1).random((3, 8))


def tiny(**changes: Any) -> dict[str, Any]:
    given = {"inputs": DATA, "targets": DATA, "hidden_sizes": [2], "unit_types": ["logistic"] * 2, "seed": 0}
    return {**given, "max_epochs": LONG, **changes}


STARTS: dict[str, dict[str, Any]] = {
    "autoencoder": {},
    "linear": {"hidden_sizes": [], "unit_types": ["linear"]},
    "from zero": {"initial_theta": np.zeros(17)},
    "strong boost": {"lam_boost": 1e20},
}
CONVERGING = [
    pytest.param(changes, precision, id=f"{name}-{precision}", marks=marks)
    for number, (name, changes) in enumerate(STARTS.items())
    for place, precision in enumerate(PRECISIONS)
    for marks in [() if place == number % 2 else pytest.mark.torture]
]
"""Each in one precision, in turn; in either with the tests that take minutes."""


@pytest.mark.parametrize(("changes", "precision"), CONVERGING)
def test_a_converged_run_of_5000_epochs_ends_and_says_so(changes: Any, precision: str, tmp_path: Path) -> None:
    result = train(**tiny(precision=precision, run_name=tmp_path / "run", **changes))
    assert result.outcome is Outcome.STALLED
    assert result.state.epoch < 400
    saved = read_checkpoint(tmp_path / "run_nnet_running.mat", precision=precision)
    assert np.isfinite(saved.lam)
    assert saved.epoch == result.state.epoch
    again = train(**tiny(precision=precision, resume_from=tmp_path / "run_nnet_running.mat", **changes))
    assert again.outcome is Outcome.STALLED
    np.testing.assert_array_equal(again.theta, result.theta)


def test_up_to_there_every_bit_is_that_of_a_run_without_the_rule(monkeypatch: pytest.MonkeyPatch) -> None:
    ended = train(**tiny())
    monkeypatch.setattr(running, "exhausted", lambda state, options: False)
    with pytest.raises(NonFiniteError) as caught:
        train(**tiny())
    on, epochs = caught.value.result, ended.state.epoch
    for name, figures in ended.history.items():
        if name != "seconds":
            np.testing.assert_array_equal(figures, on.history[name][:epochs])
    np.testing.assert_array_equal(on.theta, ended.theta)  # the epochs that are spared change nothing


def test_a_run_that_still_moves_is_run_to_its_end() -> None:
    targets = np.random.default_rng(5).random((1, 8))
    moving = tiny(targets=targets, hidden_sizes=[3], unit_types=["tanh", "linear"], num_chunks=2, max_epochs=700)
    assert train(**moving).outcome is Outcome.FINISHED


def test_log_and_screen_say_why_and_the_total_time(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    result = train(**tiny(run_name=tmp_path / "run", display="legacy"))
    shown, log = capsys.readouterr().out, (tmp_path / "run.txt").read_bytes().decode()
    sentence = (
        "No step improves the likelihood at this precision; training has converged. The parameters returned are those "
        f"of epoch {result.state.epoch}."
    )
    assert sentence in shown.splitlines()
    assert sentence in log.splitlines()
    (run,) = read_log(tmp_path / "run.txt")
    assert run.total_time is not None
    assert len(run.epochs) == result.state.epoch
    assert audit_log([run]) == [[]]


def converged(epochs: int, lam: float = 1.0, size: float = 0.0, **records: Any) -> State:
    kept = {"log_likelihood": np.full((epochs, 2), -3.0), "error": np.ones((epochs, 2)), **records}
    return hessian_free_state(
        theta=np.ones(3, "f4"),
        d=np.full(3, size, "f4"),
        lam=lam,
        epoch=epochs,
        records=Records(lam=np.ones(epochs), seconds=np.ones(epochs), **kept),
    )


def test_what_counts_as_converged() -> None:
    options = Options()
    assert exhausted(converged(PATIENCE + 1), options)
    assert not exhausted(converged(PATIENCE), options)
    assert not exhausted(converged(PATIENCE + 1, size=1e-6), options)  # it still moves a parameter
    assert not exhausted(converged(PATIENCE + 1), replace(options, num_chunks=PATIENCE + 1))
    latest = np.full((PATIENCE + 1, 2), -3.0)
    latest[-2, 0] = -3.0000000001
    assert not exhausted(converged(PATIENCE + 1, log_likelihood=latest), options)
    assert exhausted(converged(1, lam=4e38), options)  # more than single precision holds
    assert not exhausted(converged(1, lam=4e37), options)
    assert not exhausted(converged(0, lam=4e38), options)


@pytest.mark.parametrize("start", [1e20, -4e20])
def test_a_start_of_infinite_cost_is_told_in_the_first_epoch(start: float, tmp_path: Path) -> None:
    with pytest.raises(NonFiniteError, match=r"^epoch 1: the log-likelihood is not finite .* Look for huge weights"):
        train(**field_arguments(initial_theta=np.full(43, start), max_epochs=100, run_name=tmp_path / "run"))
    assert not (tmp_path / "run_nnet_running.mat").exists()


def test_the_old_call_says_how_the_run_ended() -> None:
    words = {"indata": DATA, "outdata": DATA, "layersizes": [2], "layertypes": ["logistic"] * 2, "seed": 0}
    paramsp = nnet_train(**words, maxepoch=LONG, display="none")
    assert (paramsp.outcome, paramsp.interrupted) == (Outcome.STALLED, False)
    assert (paramsp + 0).outcome is None


@pytest.mark.parametrize("precision", PRECISIONS)
def test_twenty_rejected_steps_in_a_row_are_told_once_where_double_precision_can_help(precision: str) -> None:
    start = np.full(20, 0.1)
    toy = ToyProblem(likelihood_of=lambda theta: 0.0 if np.allclose(theta, start, atol=1e-7) else -1.0)
    stuck = {"problem": toy, "initial_theta": start, "precision": precision, "max_cg_steps": 3}
    assert (train(**stuck, max_epochs=19).history["rate"] == 0).all()
    if precision == "double":
        train(**stuck, max_epochs=30)
        return
    with pytest.warns(
        StuckWarning, match=r"^No step has improved .* for 20 epochs up to epoch 20, and λ rises"
    ) as told:
        train(**stuck, max_epochs=30)
    assert len(told) == 1
