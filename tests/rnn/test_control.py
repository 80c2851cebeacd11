"""Controllers as problems: figures over chunks, training, threads, kills, and what is refused."""

from __future__ import annotations

import multiprocessing
import os
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hf_matlab_compat import controller, train
from hf_matlab_compat.backends.backend import Backend
from hf_matlab_compat.errors import ArgumentError, OptionError
from hf_matlab_compat.matlab.files.checkpoint import read_checkpoint
from hf_matlab_compat.problem import Cases
from hf_matlab_compat.rnn.plants import PointMass, TwoLinkArm
from tests.oracles.closed_loop import DenseLoop
from tests.oracles.matching import matrix
from tests.rnn.steering import EPOCHS, OPTIONS, cases, problem, run, run_again


def dense() -> DenseLoop:
    return DenseLoop(PointMass().step, 5, 1, 8, [0], [0, 1], np.ones(2), 1e-3)


def test_figures_are_means_over_the_cases_of_a_chunk_with_weight_decay() -> None:
    p, decay = problem(8, weight_decay=0.02), 0.02
    theta = p.initial_theta(1) + 0.1
    starts, goals = cases(8)
    g = p.gradient(theta, Cases(chunk=1))
    cost, slope, _, G, S = dense().sums(theta, starts[:, 4:], goals[:, 4:])
    np.testing.assert_allclose(p.score(theta, Cases(1)).log_likelihood, -cost / 4 - decay / 2 * theta @ theta)
    np.testing.assert_allclose(g.chunk, -slope / 4 - decay * theta, rtol=0, atol=1e-14)
    curvature, P = p.curvature(theta, Cases(chunk=1), g), theta.size
    np.testing.assert_allclose(matrix(curvature, P), G / 4 + decay * np.eye(P), rtol=0, atol=1e-13)
    both = matrix(lambda v: curvature.structurally_damped(v, 0.7), P)
    np.testing.assert_allclose(both, (G + 0.7 * S) / 4 + decay * np.eye(P), rtol=0, atol=1e-13)
    whole = dense().sums(theta, starts, goals)
    np.testing.assert_allclose(g.full, -whole[1] / 8 - decay * theta, rtol=0, atol=1e-14)
    np.testing.assert_allclose(curvature.diagonal(0.5), whole[2] / 8 + 0.5 + decay, rtol=0, atol=1e-13)
    ends = p.run(theta).states[0, -1]
    assert p.score(theta, Cases()).error == pytest.approx(np.abs(ends - goals[0]).mean(), rel=1e-14)


def test_decay_may_leave_out_biases_and_the_first_hidden_state() -> None:
    model = problem().model
    theta = np.ones(model.num_parameters)
    parts = model.unpacked(theta)
    for part in (parts.b_h, parts.h_0, parts.b_o):
        part[...] = 0
    np.testing.assert_array_equal(model.decay_mask(), theta)


def test_a_seed_draws_the_stated_variances() -> None:
    p = problem(hidden_size=120)
    parts, D = p.model.unpacked(p.initial_theta(4)), p.model.input_size
    spreads = [parts.of_input[:, :D].std(), parts.of_input[:, D:].std(), parts.output.std()]
    np.testing.assert_allclose(spreads, [0.5, np.sqrt(0.25 / 120), np.sqrt(0.01 / 120)], rtol=0.15)
    np.testing.assert_array_equal(np.concatenate([parts.b_h, parts.h_0, parts.b_o]), 0)
    np.testing.assert_array_equal(p.initial_theta(4), p.initial_theta(4))


@pytest.mark.parametrize("precision", ["single", "double"])
def test_a_controller_learns_to_steer_fresh_cases(precision: str) -> None:
    p = problem(64, num_chunks=1, steps=15, hidden_size=16, end_weights=[1, 0.5])
    fresh = p.on(*cases(100, seed=5))
    result = train(
        problem=p, test_problem=fresh, max_epochs=25, **{**OPTIONS, "precision": precision, "max_cg_steps": 50}
    )
    assert result.records.error[-1, 1] < 0.02
    assert fresh.score(np.zeros(p.num_parameters), Cases()).error > 0.3  # left alone
    states = fresh.run(result.theta).states
    assert np.abs(states[0, -1] - fresh.data.targets[0]).mean() == pytest.approx(result.records.error[-1, 1], rel=1e-4)


def test_structural_damping_changes_the_steps_but_not_the_objective() -> None:
    p = problem()
    plain, damped = (train(problem=p, max_epochs=3, **{**OPTIONS, "structural_damping": mu}) for mu in (0.0, 1.0))
    np.testing.assert_array_equal(plain.history["old_log_likelihood"][0], damped.history["old_log_likelihood"][0])
    assert not np.array_equal(plain.theta, damped.theta)


def test_any_number_of_threads_gives_the_same_bits() -> None:
    starts, goals = cases(1400)
    p = controller(PointMass(), starts, goals, steps=25, hidden_size=32, shown_goal=[0])
    assert p.data.worth_sharing(p.num_parameters)
    assert p.data.num_blocks(p.num_parameters) >= 4
    one, three = (
        train(problem=p, max_epochs=1, **{**OPTIONS, "max_cg_steps": 3, "num_threads": count}).theta for count in (1, 3)
    )
    np.testing.assert_array_equal(one, three)


def test_a_run_in_two_parts_equals_one(tmp_path: Path) -> None:
    whole = run(tmp_path, 6)
    run(tmp_path / "parts", 2)
    rest = run(tmp_path / "parts", 6, tmp_path / "parts" / "run_nnet_running.mat")
    np.testing.assert_array_equal(rest.theta, whole.theta)
    np.testing.assert_array_equal(rest.records.error, whole.records.error)


@pytest.mark.skipif(os.name == "nt", reason="there is no SIGKILL on Windows")
def test_a_killed_run_goes_on_bit_for_bit(tmp_path: Path) -> None:
    whole, killed, reached = run(tmp_path / "whole").theta, tmp_path / "killed", []
    checkpoint = killed / "run_nnet_running.mat"
    killed.mkdir()
    for least in (3, 12):
        process = multiprocessing.get_context("fork").Process(target=run_again, args=(str(killed),))
        process.start()
        deadline = time.monotonic() + 60
        while process.is_alive() and time.monotonic() < deadline:
            if checkpoint.exists() and read_checkpoint(checkpoint, precision="double").epoch >= least:
                break
            time.sleep(0.005)
        process.kill()
        process.join()
        reached.append(read_checkpoint(checkpoint, precision="double").epoch)
    assert reached[0] < reached[1] < EPOCHS
    np.testing.assert_array_equal(run(killed, resume_from=checkpoint).theta, whole)


def test_cases_are_refused_in_a_sentence() -> None:
    starts, goals = cases(6)
    bad = starts.copy()
    bad[0, 2] = np.nan
    given: dict[str, Any] = {"plant": PointMass(), "starts": starts, "goals": goals, "steps": 5}
    for changes, sentence in [
        ({"starts": bad}, "starts: expected finite numbers, got nan at (0, 2) (counted from 0)."),
        (
            {"goals": goals[:1]},
            "goals: expected 2 rows, one for each component of the plant's state, got shape (1, 6).",
        ),
        ({"goals": goals[:, :4]}, "goals: expected 6 columns, one for each start, got shape (2, 4)."),
        ({"starts": starts[0]}, "starts: expected a matrix with one case in each column, got an array of shape (6,)."),
        ({"steps": 0}, "steps: expected a whole number of at least 1, got 0."),
        ({"steps": 2.5}, "steps: expected a whole number of at least 1, got 2.5."),
        ({"hidden_size": True}, "hidden_size: expected a whole number of at least 1, got True."),
        ({"num_chunks": 4}, "num_chunks: expected a divisor of the number of cases, 6, got 4."),
        ({"effort": -1}, "effort: expected a finite number of at least 0, got -1."),
        ({"weight_decay": np.inf}, "weight_decay: expected a finite number of at least 0, got inf."),
        ({"shown_goal": [2]}, "shown_goal: expected different components of the state, counted from 0 to 1, got [2]."),
        ({"shown_state": [0, 0]}, "counted from 0 to 1, got [0, 0]."),
        ({"shown_state": []}, "counted from 0 to 1, got []."),
        ({"end_weights": [1.0]}, "end_weights: expected 2 numbers of at least 0, one for each component of the state"),
        ({"end_weights": [0, 0]}, "and one above 0, got [0, 0]."),
        ({"plant": TwoLinkArm()}, "starts: expected 4 rows, one for each component of the plant's state"),
        ({"plant": PointMass}, "plant: expected an object with state_size and control_size, both at least 1, got"),
    ]:
        with pytest.raises(ArgumentError) as refused:
            controller(**{**given, **changes})
        assert sentence in str(refused.value)
    with pytest.raises(ArgumentError, match="theta: expected 56 numbers, as the net has parameters, got 3"):
        problem().run(np.zeros(3))
    with pytest.raises(ArgumentError, match="goals: expected a value, as starts and goals belong together, got none"):
        problem().run(problem().initial_theta(0), np.ones((2, 3)))
    with pytest.raises(ArgumentError, match="goals: expected 6 columns, one for each start"):
        problem().on(starts, goals[:, :2])


class Sticky:
    """Friction that complex steps cannot see, and only away from the starts, which are at rest near 0."""

    state_size, control_size = 2, 1

    def step(self, s: Any, u: Any) -> Any:
        p, v = s
        drag = np.where(p.real > 0.05, np.abs(v), v)
        return np.stack([p + 0.2 * v, v + 0.2 * (u[0] - drag)])


def test_a_plant_is_checked_where_it_gets_to() -> None:
    starts = np.zeros((2, 5))
    goals = np.vstack([np.ones(5), np.zeros(5)])
    with pytest.raises(OptionError, match="slopes of step by complex steps that agree with finite differences"):
        controller(Sticky(), starts, goals, steps=15)
    assert controller(Sticky(), starts, goals, steps=1).num_parameters > 0


def test_one_case_of_an_unstable_plant_is_enough() -> None:
    class Runaway:
        state_size, control_size = 1, 1

        def step(self, s: Any, u: Any) -> Any:
            return 20 * s * s + u

    p = controller(Runaway(), [[3.0]], [[0.0]], steps=40, hidden_size=2)
    assert p.num_chunks == 1
    score = p.score(p.initial_theta(0), Cases())  # far too large for a float
    assert not np.isfinite(score.log_likelihood)


def test_a_gpu_is_refused() -> None:
    device = Backend("cupy", np, np.dtype("f8"), np.asarray, lambda: None)
    with pytest.raises(OptionError, match="backend: expected 'numpy' or 'numba' beside a controller, whose plant"):
        problem().placed(device)
