"""Comparisons count what methods cost, and studies make tables over seeds."""

from __future__ import annotations

import math
import signal
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from hf_matlab_compat import train
from hf_matlab_compat.errors import OptionError
from hf_matlab_compat.observers import interrupt
from hf_matlab_compat.options import Options
from hf_matlab_compat.problem import Cases
from hf_matlab_compat.studies import comparison, toolbox
from hf_matlab_compat.studies.comparison import Comparison, Curve, _Recorder, compare
from hf_matlab_compat.studies.counting import Counted
from hf_matlab_compat.studies.data import classes
from hf_matlab_compat.subject import NetworkData, network_subject

X = np.random.default_rng(0).random((6, 40))
CASE = {
    "inputs": X,
    "targets": X,
    "test_inputs": X,
    "test_targets": X,
    "hidden_sizes": [4],
    "unit_types": ["tanh", "logistic"],
}


def counted(**options: Any) -> tuple[Counted, Any]:
    settings = Options(**{"num_chunks": 4, "seed": 1, "precision": "double", **options})
    data = NetworkData(X, X, None, None, [4], ["tanh", "logistic"])
    subject = network_subject(data, (None, None, None), None, settings, settings)
    return Counted(subject.problem), subject.state.theta


def run(problem: Any, theta: Any, **options: Any) -> Any:
    return train(problem=problem, initial_theta=theta, precision="double", **options)


def test_an_epoch_of_minibatches_is_one_gradient_pass_and_a_score() -> None:
    problem, theta = counted()
    run(problem, theta, method="nag", max_epochs=3)
    assert problem.passes == pytest.approx(3 * (1 + 0.25))
    assert problem.products == 0


def test_work_on_samples_counts_by_their_share_of_the_cases() -> None:
    problem, theta = counted(num_chunks=2)
    N = problem.num_cases
    half = problem.part(np.arange(N // 2))
    gradient = half.gradient(theta, Cases())
    half.part(np.arange(N // 4)).curvature(theta, Cases(), gradient)(theta)
    half.score(theta, Cases())
    assert problem.passes == pytest.approx(0.5 + 0.25 + 0.25 * 0.5)
    assert problem.products == pytest.approx(0.25)
    assert half.gradient_variance(theta, gradient) > 0


@pytest.mark.parametrize(("cases", "share"), [("target_chunk", 0.25), ("all", 1.0)])
def test_curvature_products_count_by_their_cases(cases: str, share: float) -> None:
    problem, theta = counted(curvature_cases=cases)
    found = run(problem, theta, max_epochs=2, max_cg_steps=10, selection="backtracking", curvature_cases=cases)
    steps = int(found.history["cg_steps"].sum())
    # one product for the start of CG and one for rho in every epoch, beside one a step
    assert problem.products == pytest.approx(share * (steps + 2 * 2), abs=2 * share)


def test_counting_leaves_every_bit_of_the_run() -> None:
    problem, theta = counted()
    plain = run(problem._problem, theta, max_epochs=3)
    assert run(problem, theta, max_epochs=3).theta.tobytes() == plain.theta.tobytes()


def test_a_comparison_has_a_curve_and_a_row_for_each_method(tmp_path: Path) -> None:
    made = compare(CASE, ["hf", "nag", "rprop"], 0.2, nag={"num_chunks": 4, "learning_rate": 0.01})
    assert [curve.method for curve in made.curves] == ["hf", "nag", "rprop"]
    for curve in made.curves:
        assert curve.seconds[-1] >= 0.2
        assert (np.diff(curve.passes) > 0).all()
        assert len(curve.train) == len(curve.test) == len(curve.seconds)
    at_time = [curve.at("seconds", 0.2) for curve in made.curves]
    assert all(test == curve.test[-2] for curve, (_, test) in zip(made.curves, at_time, strict=True))
    rows = made.table().splitlines()
    assert rows[0] == "squared error, training / test cases"
    assert [row.split()[0] for row in rows[1:]] == ["method", "hf", "nag", "rprop"]
    assert max(map(len, rows)) <= 80
    pytest.importorskip("matplotlib")
    made.plot(tmp_path / "curves.svg")
    assert "rprop" in (tmp_path / "curves.svg").read_text() or (tmp_path / "curves.svg").stat().st_size > 10_000
    with pytest.raises(
        OptionError, match="test_inputs: expected held-out cases, on which methods are compared, got none"
    ):
        compare({**CASE, "test_inputs": None, "test_targets": None}, ["hf"], 0.1)


def test_a_table_compares_at_the_time_asked_for_and_at_the_passes_that_all_made() -> None:
    fast = Curve("nag", seconds=[1, 2, 3], passes=[10, 20, 30], train=[3, 2, 1], test=[6, 5, 4])
    slow = Curve("hf", seconds=[2.5, 9], passes=[15, 60], train=[0.5, 0.1], test=[0.9, 0.2])
    late = Curve("lbfgs", seconds=[9], passes=[90], train=[0.5], test=[0.9])
    rows = [row.split() for row in Comparison([fast, slow, late], 2.6, "squared error").table().splitlines()[2:]]
    assert rows[0][3:] == ["2", "/", "5", "1", "/", "4"]
    assert rows[1][3:] == ["0.5", "/", "0.9", "0.5", "/", "0.9"]
    assert rows[2][3:] == ["-", "/", "-", "-", "/", "-"]


def test_a_comparison_refuses_what_it_cannot_run_before_it_trains(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(comparison, "train_counted", None)
    calls: list[tuple[Any, ...]] = [
        ("methods: expected a list of names", ["hf", "nagg"], 1.0, {}),
        ("methods: expected a list of names", [], 1.0, {}),
        ("methods: expected a list of names", "hf", 1.0, {}),
        ("seconds: expected a finite number above 0", ["hf"], 0.0, {}),
        ("seconds: expected a finite number above 0", ["hf"], float("nan"), {}),
        ("nag: expected options of hf, got some of nag", ["hf"], 1.0, {"nag": {"num_chunks": 4}}),
        ("momentum: expected nothing beside method='adam'", ["hf", "adam"], 1.0, {"adam": {"momentum": 0.9}}),
    ]
    for sentence, methods, seconds, own in calls:
        with pytest.raises(OptionError, match=sentence):
            compare(CASE, methods, seconds, **own)


def test_methods_share_a_rule_that_not_all_of_them_use() -> None:
    curves = compare({**CASE, "solver": "minres", "preconditioner": "none"}, ["hf", "adam"], 0.05).curves
    assert [len(curve.train) > 0 for curve in curves] == [True, True]


def test_a_method_that_diverges_has_a_row_that_says_so() -> None:
    case = {**CASE, "unit_types": ["linear", "linear"], "input_blankout": 0.2, "initial_theta": np.full(58, 0.1)}
    made = compare(case, ["gd", "hf"], 0.05, gd={"learning_rate": 1e6})
    rows = made.table().splitlines()
    assert "not finite in epoch" in rows[2]
    assert rows[3].startswith("hf")
    assert not made.curves[1].failed


def test_after_ctrl_c_the_methods_that_are_left_do_not_run(monkeypatch: pytest.MonkeyPatch) -> None:
    class Interrupted(_Recorder):
        def epoch(self, report: Any, state: Any) -> Any:
            super().epoch(report, state)
            signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(interrupt._Presses, "last", -math.inf)
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)
    monkeypatch.setattr(comparison, "_Recorder", Interrupted)
    made = compare(CASE, ["hf", "nag"], 60)
    assert [(curve.method, len(curve.train)) for curve in made.curves] == [("hf", 1)]
    assert made.interrupted


def test_errors_are_those_of_the_last_epoch_within_the_budget() -> None:
    curve = Curve("x", seconds=[1, 2, 3], passes=[10, 20, 30], train=[3, 2, 1], test=[6, 5, 4])
    assert curve.at("seconds", 2.5) == (2, 5)
    assert curve.at("passes", 30) == (1, 4)
    assert np.isnan(curve.at("passes", 9)).all()


def test_a_table_has_means_and_spreads_over_seeds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(toolbox.STUDIES, "corruption", (lambda data, seed: {"a": [seed, 10 * seed]}, ("x", "y")))  # type: ignore[arg-type]
    told: list[str] = []
    lines = toolbox.table("corruption", "digits", range(3), told.append).splitlines()
    assert lines[0].split() == ["corruption,", "digits,", "3", "seeds", "x", "y"]
    assert lines[1].split() == ["a", "1", "±", "1", "10", "±", "10"]
    assert len(told) == 3


def test_ctrl_c_ends_a_study_and_no_figure_of_a_broken_off_run_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    broken_off = SimpleNamespace(interrupted=True, curves=[])
    monkeypatch.setattr(toolbox, "train", lambda **given: broken_off)
    monkeypatch.setattr(toolbox, "compare", lambda *given, **own: broken_off)
    for study in ("corruption", "stopping", "ensembles", "search", "methods"):
        with pytest.raises(KeyboardInterrupt):
            toolbox.table(study, "digits", range(2))


def test_sets_of_cases_do_not_overlap() -> None:
    sets = classes("digits", (600, 400, 797), 3)
    everything = np.hstack([each["inputs"] for each in sets])
    whole = classes("digits", (1797,), 3)[0]
    assert np.array_equal(everything, whole["inputs"])
    assert all((each["targets"].argmax(axis=0) == each["labels"]).all() for each in sets)
    with pytest.raises(OptionError, match="data: expected one of 'digits', 'mnist5k', got 'mnist'"):
        classes("mnist", (1,), 0)
