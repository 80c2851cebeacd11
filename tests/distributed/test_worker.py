"""Sharing around a method: any method of the package, and the package's call."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
import pytest

from hf_matlab_compat import train
from hf_matlab_compat.distributed import Average, Delta, FolderState, Keeper, Sharing
from hf_matlab_compat.errors import NonFiniteError, SharedStateError
from hf_matlab_compat.hessian_free import HessianFree
from hf_matlab_compat.methods.minibatch import Adam
from hf_matlab_compat.methods.rprop import Rprop
from tests.small_run import field_arguments


@pytest.mark.parametrize("method", [HessianFree(), Rprop(), Adam()])
def test_one_worker_that_overwrites_is_the_run_of_any_method(tmp_path: Path, method: object) -> None:
    keeper = Keeper(FolderState(tmp_path, durable=False), Average(1.0))
    thread = threading.Thread(target=keeper.run, args=(2, 20))
    thread.start()
    shared = train(**field_arguments(method=Sharing(FolderState(tmp_path, durable=False, patience=20), method)))
    thread.join(20)
    alone = train(**field_arguments(method=method))
    assert np.array_equal(shared.theta, alone.theta)
    assert shared.history["base"].tolist() == [0, 1]
    assert shared.history["version"].tolist() == [1, 2]
    assert np.array_equal(shared.records.log_likelihood[:, 0], alone.records.log_likelihood[:, 0])


def test_epochs_start_from_what_others_have_made_of_the_parameters(tmp_path: Path) -> None:
    thread = threading.Thread(target=Keeper(FolderState(tmp_path, durable=False), Delta()).run, args=(3, 20))
    thread.start()
    other = FolderState(tmp_path, "other", durable=False, patience=20)
    theta = np.array(field_arguments()["initial_theta"], np.float32).ravel()
    other.join(theta, {})
    other.push(0, theta, theta + np.float32(0.25))
    mine = FolderState(tmp_path, durable=False, patience=20)
    shared = train(**field_arguments(method=Sharing(mine)))
    thread.join(20)
    alone = train(**field_arguments(initial_theta=theta + np.float32(0.25)))
    assert shared.history["base"].tolist() == [1, 2]
    assert np.allclose(shared.theta, alone.theta, rtol=0, atol=1e-5)


def test_an_end_of_the_keeper_keeps_the_finished_epochs(tmp_path: Path) -> None:
    thread = threading.Thread(target=Keeper(FolderState(tmp_path, durable=False), Delta()).run, args=(1, 20))
    thread.start()
    method = Sharing(FolderState(tmp_path, durable=False, patience=0.5))
    with pytest.raises(SharedStateError, match="expected a keeper that applies an update, got none") as stopped:
        train(**field_arguments(method=method))
    thread.join(20)
    assert stopped.value.result.state.epoch == 1


def test_parameters_that_are_not_finite_are_not_sent(tmp_path: Path) -> None:
    class Diverging(HessianFree):
        def epoch(self, problem, theta, memory, n, watch):  # type: ignore[no-untyped-def, override]
            done = super().epoch(problem, theta, memory, n, watch)
            return done._replace(theta=done.theta * np.float32(np.nan))

    thread = threading.Thread(target=Keeper(FolderState(tmp_path, durable=False), Delta()).run, args=(1, 0.5))
    thread.start()
    state = FolderState(tmp_path, durable=False, patience=5)
    with pytest.raises(NonFiniteError, match="epoch 1: the vector of new parameters is not finite"):
        train(**field_arguments(method=Sharing(state, Diverging())))
    thread.join(20)
    assert state.waiting("") == 0
    assert state.version() == 0
