"""Another method than Hessian-free: log, checkpoints, displays, and a resume with the same bits."""

from __future__ import annotations

import io
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rich.console import Console

from hf_matlab_compat import train
from hf_matlab_compat.errors import CheckpointError
from hf_matlab_compat.matlab.files.checkpoint import CheckpointWarning, read_checkpoint, write_checkpoint
from hf_matlab_compat.matlab.files.checkpoint_variables import VARIABLES
from hf_matlab_compat.matlab.files.mat_formats import read_variables
from hf_matlab_compat.matlab.files.sidecar import sidecar_path
from hf_matlab_compat.matlab.logs.parser import read_log
from hf_matlab_compat.method import Epoch, Watch
from hf_matlab_compat.observers.live import LiveView
from hf_matlab_compat.problem import Cases, Problem
from hf_matlab_compat.state import Memory, State
from tests.octave import NEEDS_OCTAVE, octave
from tests.toy_problem import ToyProblem

CASES = np.random.default_rng(4).random((6, 30))


@dataclass(frozen=True)
class Momentum:
    """Gradient ascent with momentum. It remembers more than it needs: an array of each kind, and numbers."""

    rate: float = 0.1
    decay: float = 0.9

    def start(self, problem: Problem, theta: Any) -> Memory:
        return {
            "velocity": theta * 0,
            "mean of theta": np.zeros(theta.shape, dtype=np.float64),  # in double whatever θ is
            "seen": np.zeros(3, dtype=np.int64),
            "rate": self.rate,
            "last": np.float32(0),
            "kind": "heavy ball",
        }

    def epoch(self, problem: Problem, theta: Any, memory: Memory, n: int, watch: Watch) -> Epoch:
        g = problem.gradient(theta, Cases(chunk=(n - 1) % problem.num_chunks, draw=n))
        velocity = self.decay * memory["velocity"] + theta.dtype.type(memory["rate"]) * g.full
        moved = theta + velocity
        seen = memory["seen"].copy()
        seen[n % 3] += n
        remembered = {
            **memory,
            "velocity": velocity,
            "mean of theta": memory["mean of theta"] * 0.9 + moved.astype(np.float64) / 10 + seen[0] * 1e-17,
            "seen": seen,
            "rate": memory["rate"] * 0.99,
            "last": np.float32(velocity[0]),
        }
        return Epoch(moved, remembered, problem.score(moved, Cases()), {"speed": float(abs(velocity).max())})


def arguments(**changes: Any) -> dict[str, Any]:
    given = {
        "inputs": CASES,
        "targets": CASES,
        "test_inputs": CASES[:, :7],
        "test_targets": CASES[:, :7],
        "hidden_sizes": [3],
        "unit_types": ["logistic", "logistic"],
        "seed": 1,
        "num_chunks": 3,
        "method": Momentum(),
    }
    return {**given, **changes}


def assert_same_bits(found: State, expected: State) -> None:
    assert found.theta.dtype == expected.theta.dtype
    assert found.theta.tobytes() == expected.theta.tobytes()
    assert list(found.memory) == list(expected.memory)
    for name, value in expected.memory.items():
        assert type(found.memory[name]) is type(value), name
        assert getattr(found.memory[name], "dtype", None) == getattr(value, "dtype", None), name
        assert np.asarray(found.memory[name]).tobytes() == np.asarray(value).tobytes(), name


@pytest.mark.parametrize("precision", ["single", "double"])
@pytest.mark.parametrize("backend", ["numpy", "numba"])
def test_a_resumed_run_has_every_bit_of_one_that_went_on(precision: str, backend: str, tmp_path: Path) -> None:
    given = arguments(precision=precision, backend=backend)
    whole = train(**given, max_epochs=9)
    train(**given, max_epochs=4, run_name=tmp_path / "run")
    rest = train(**given, max_epochs=9, resume_from=tmp_path / "run_nnet_running.mat", run_name=tmp_path / "run")
    assert_same_bits(rest.state, whole.state)
    assert_same_bits(read_checkpoint(tmp_path / "run_nnet_running.mat"), whole.state)
    np.testing.assert_array_equal(rest.records.log_likelihood, whole.records.log_likelihood)
    assert np.isfinite(rest.theta).all()


def test_so_has_one_resumed_from_a_state_in_memory_and_one_of_a_problem_of_its_own(tmp_path: Path) -> None:
    half = train(**arguments(max_epochs=3))
    assert_same_bits(train(**arguments(max_epochs=6), resume_from=half).state, train(**arguments(max_epochs=6)).state)
    own = {"problem": ToyProblem(), "initial_theta": np.full(20, 0.1), "method": Momentum(), "precision": "double"}
    train(**own, max_epochs=3, run_name=tmp_path / "own")
    rest = train(**own, max_epochs=6, resume_from=tmp_path / "own_nnet_running")
    assert_same_bits(rest.state, train(**own, max_epochs=6).state)


def test_the_nine_variables_are_matlab_s_with_zeros_for_what_the_method_has_not(tmp_path: Path) -> None:
    result = train(**arguments(max_epochs=4, run_name=tmp_path / "run"))
    found = read_variables(tmp_path / "run_nnet_running.mat", VARIABLES)
    assert sorted(found) == sorted(VARIABLES)
    np.testing.assert_array_equal(found["paramsp"][:, 0], result.state.theta)
    np.testing.assert_array_equal(found["ch"], np.zeros((result.theta.size, 1), np.float32), strict=True)
    assert (found["lambda"].item(), found["totalpasses"].item(), found["epoch"].item()) == (0, 0, 4)
    assert found["llrecord"].shape == (4, 2)
    alone = tmp_path / "alone.mat"
    alone.write_bytes((tmp_path / "run_nnet_running.mat").read_bytes())
    with pytest.warns(CheckpointWarning, match="expected velocity, mean of theta, .* got a checkpoint without"):
        assert train(**arguments(max_epochs=5, resume_from=alone)).state.epoch == 5


@pytest.mark.octave
@NEEDS_OCTAVE
def test_octave_reads_them(tmp_path: Path) -> None:
    train(**arguments(max_epochs=2, run_name=tmp_path / "run"))
    said = octave("s = load('run_nnet_running.mat'); disp(numfields(s)); disp(any(s.ch)); disp(s.lambda)", tmp_path)
    assert said.split() == ["9", "0", "0"]


def test_the_log_leaves_out_what_the_method_does_not_report(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    train(**arguments(max_epochs=2, run_name=tmp_path / "run", display="legacy"))
    text = (tmp_path / "run.txt").read_text()
    for start in ("maxiters", "CG steps used", "ch magnitude", "Chose iters", "rho =", "Number of red", "New lambda"):
        assert start not in text
    assert re.search(r"epoch: 2, Log likelihood: \S+, error rate: \S+\nTEST Log likelihood", text)
    assert "epoch: 2, Log likelihood" in capsys.readouterr().out
    (logged,) = read_log(tmp_path / "run.txt")
    assert logged.epochs["epoch"].tolist() == [1, 2]


@pytest.mark.parametrize("terminal", [True, False])
def test_a_live_view_shows_what_there_is(terminal: bool) -> None:
    out = io.StringIO()
    out.isatty = lambda: terminal  # type: ignore[method-assign]
    view = LiveView(Console(file=out, force_terminal=terminal, width=90))
    train(**arguments(max_epochs=2, observers=[view]))
    assert "test error" in out.getvalue()
    assert "All epochs were run" in out.getvalue()
    assert not re.search(r"CG|lambda|rho", out.getvalue())


def test_what_no_file_can_keep_is_refused_before_any_is_opened(tmp_path: Path) -> None:
    class Pairs(Momentum):
        def start(self, problem: Problem, theta: Any) -> Memory:
            return {**super().start(problem, theta), "pairs": [theta, theta]}

    with pytest.raises(CheckpointError, match=r"memory\['pairs'\]: expected an array, a number or text.*got list"):
        train(**arguments(max_epochs=2, method=Pairs(), run_name=tmp_path / "run"))
    assert list(tmp_path.iterdir()) == []
    assert train(**arguments(max_epochs=1, method=Pairs())).state.epoch == 1  # without files it may remember anything


def test_memory_of_another_method_that_is_lost_is_said_in_single_precision_too(tmp_path: Path) -> None:
    path = tmp_path / "a.mat"
    state = train(**arguments(max_epochs=2)).state
    write_checkpoint(path, state)
    kept = sidecar_path(path).read_bytes()
    write_checkpoint(path, train(**arguments(max_epochs=3, seed=5)).state)
    sidecar_path(path).write_bytes(kept)
    for precision in ("single", None):
        with pytest.warns(CheckpointWarning, match="expected the memory of its method"):
            read_checkpoint(path, precision=precision)


@pytest.mark.parametrize(
    ("memory", "lam"),
    [({}, 0), ({"lam": -1.0}, 0), ({"lam": np.nan, "d": "text"}, 0), ({"d": np.ones(2, np.float32), "lam": 3}, 3)],
)
def test_names_of_hessian_free_may_mean_something_else(memory: dict[str, Any], lam: float, tmp_path: Path) -> None:
    state = State(theta=np.arange(4, dtype=np.float32), memory=memory)
    write_checkpoint(tmp_path / "a.mat", state)
    assert_same_bits(read_checkpoint(tmp_path / "a.mat"), state)
    assert read_variables(tmp_path / "a.mat", ["lambda"])["lambda"].item() == lam


def test_another_precision_takes_along_what_had_the_class_of_theta(tmp_path: Path) -> None:
    train(**arguments(max_epochs=3, run_name=tmp_path / "run", precision="double"))
    single = read_checkpoint(tmp_path / "run_nnet_running.mat", precision="single")
    assert single.theta.dtype == single.memory["velocity"].dtype == np.float32
    assert single.memory["seen"].dtype == np.int64
    with pytest.warns(CheckpointWarning, match="precision: was double, is single"):
        rest = train(**arguments(max_epochs=4, resume_from=tmp_path / "run_nnet_running.mat"))
    kinds = {name: rest.state.memory[name].dtype for name in ("velocity", "mean of theta", "seen")}
    assert kinds == {"velocity": np.float32, "mean of theta": np.float64, "seen": np.int64}


def test_hessian_free_in_single_precision_keeps_no_numbers_beside_its_file(tmp_path: Path) -> None:
    train(**arguments(max_epochs=3, method="hessian_free", run_name=tmp_path / "run", num_chunks=1))
    assert not [name for name in np.load(sidecar_path(tmp_path / "run_nnet_running.mat")).files if "memory" in name]
