"""What a result does with the parameters of every kind of net: predict, outputs, score, weights, save and load."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hf_matlab_compat import controller, ctc, load, multiplicative, train
from hf_matlab_compat.errors import ArgumentError, DataError, OptionError
from hf_matlab_compat.matlab.files.checkpoint import CheckpointWarning
from hf_matlab_compat.problem import Cases
from hf_matlab_compat.result import Result
from hf_matlab_compat.rnn.characters import Alphabet, TextReader, drawn_text
from hf_matlab_compat.rnn.ctc import read_labels
from hf_matlab_compat.rnn.plants import PointMass, TwoLinkArm
from hf_matlab_compat.state import Score
from tests.rnn import steering
from tests.rnn.nets import small

RUN: dict[str, Any] = {"seed": 1, "precision": "double", "preconditioner": "none", "max_cg_steps": 15}
LABELS = [[0, 1], [0], [], [1, 1]]
LENGTHS = [6, 4, 3, 5]


def sequences_of(result: Result) -> Any:
    assert result.sequences is not None
    return result.sequences


def characters(**changes: Any) -> Any:
    symbols = np.eye(4)[np.random.default_rng(1).integers(0, 4, (9, 6))].transpose(2, 0, 1)
    given = {"inputs": symbols[:, :-1], "targets": symbols[:, 1:], "hidden_size": 5, "num_factors": 3}
    return multiplicative(**{**given, "lengths": [8, 8, 3, 5, 8, 2], "weight_decay": 1e-3, **changes})


def frames() -> list[Any]:
    random = np.random.default_rng(0)
    return [random.standard_normal((3, T)) for T in LENGTHS]


def labels(**changes: Any) -> Any:
    given = {"inputs": frames(), "labels": LABELS, "hidden_sizes": [5], "blank": 0, "num_classes": 3}
    given["labels"] = [[k + 1 for k in string] for string in LABELS]
    return ctc(**{**given, **changes})


KINDS: dict[str, Any] = {
    "multiplicative": lambda: characters(factor_gain="tanh"),
    "labelling": labels,
    "control": steering.problem,
}


def arguments_of(kind: str, problem: Any) -> tuple[Any, ...]:
    """The arguments of `on` and `score` that give the problem's own cases."""
    data = problem.data
    if kind == "control":
        return data.inputs[:, 0], data.targets
    return data.inputs, data.targets, data.lengths


@pytest.mark.parametrize("precision", ["double", "single"])
@pytest.mark.parametrize("kind", KINDS)
def test_other_cases_scores_and_files(kind: str, precision: str, tmp_path: Path) -> None:
    problem = KINDS[kind]()
    given = arguments_of(kind, problem)
    test = problem.on(*given)
    run = {**RUN, "precision": precision, "run_name": tmp_path / "run"}
    result = train(problem=problem, test_problem=test, max_epochs=3, **run)
    assert result.sequences is problem.trained is test.trained
    assert result.records.log_likelihood[0, 1] < result.records.log_likelihood[-1, 1]
    last = Score(log_likelihood=result.records.log_likelihood[-1, 1], error=result.records.error[-1, 1])
    assert result.score(*given) == last
    if precision == "double":
        found = problem.score(result.theta, Cases())
        assert found.log_likelihood == pytest.approx(last.log_likelihood, rel=1e-13)
        assert found.error == pytest.approx(last.error, rel=1e-13)
    x = given if kind == "control" else given[0]
    lengths = given[2:]
    result.save(tmp_path / "net.npz")
    paths = [tmp_path / "net.npz"] + ([tmp_path / "run_nnet_running.mat"] if precision == "double" else [])
    for again in map(load, paths):
        assert sequences_of(again).described() == problem.trained.described()
        for ours, theirs in zip(result.outputs(x, None, *lengths), again.outputs(x, None, *lengths), strict=True):
            np.testing.assert_array_equal(ours, theirs)
        assert again.score(*given) == result.score(*given)
    assert sum(part.size for part in sequences_of(result).weights(result.theta).values()) == result.theta.size


@pytest.mark.parametrize("factor_gain", ["linear", "tanh"])
def test_a_multiplicative_net_is_its_formula_in_its_weights(factor_gain: str) -> None:
    problem = characters(factor_gain=factor_gain)
    result = train(problem=problem, max_epochs=2, **RUN)
    assert repr(result).startswith("Result of a multiplicative net 4-5-4 (tanh, softmax) with ")
    X, lengths = problem.data.inputs, problem.data.lengths
    layers = result.outputs(X, lengths=lengths)
    assert [layer.shape for layer in layers] == [(size, 8, 6) for size in (4, 5, 4)]
    beyond = np.arange(8)[:, None] >= lengths
    W = sequences_of(result).weights(result.theta)
    assert ("b_f" in W) == (factor_gain == "tanh")
    h = np.repeat(W["h_0"][:, None], 6, axis=1)
    for t in range(8):
        gain = W["W_fx"] @ X[:, t]
        if "b_f" in W:
            gain = np.tanh(gain) + W["b_f"][:, None]
        h = np.tanh(W["W_hf"] @ (gain * (W["W_fh"] @ h)) + W["W_hx"] @ X[:, t] + W["b_h"][:, None])
        y = np.exp(W["W_oh"] @ h + W["b_o"][:, None])
        np.testing.assert_allclose(layers[1][:, t][:, ~beyond[t]], h[:, ~beyond[t]], rtol=1e-11)
        np.testing.assert_allclose(layers[2][:, t][:, ~beyond[t]], (y / y.sum(axis=0))[:, ~beyond[t]], rtol=1e-11)
    y = result.predict(X, lengths)
    assert (np.isnan(y) == beyond).all()
    one = result.predict([X[:, :3, 2]])[0]
    np.testing.assert_allclose(one, y[:, :3, 2], rtol=1e-12)


def test_a_labelling_net_predicts_probabilities_and_reads_frames_without_labels(tmp_path: Path) -> None:
    problem = labels()
    result = train(problem=problem, max_epochs=25, initial_lam=0.1, **RUN)
    assert repr(result).startswith("Result of a labelling net 3-5-3 (tanh, softmax) with ")
    assert "loss: ctc; error measure: label error; weight decay 0; double" in repr(result)
    said = [[k + 1 for k in string] for string in LABELS]
    assert read_labels(problem, result.theta) == said
    result.save(tmp_path / "net.npz")
    for each in (result, load(tmp_path / "net.npz")):
        assert sequences_of(each).read_labels(each.theta, frames()) == said
    for n, y in enumerate(result.predict(frames())):
        assert y.shape == (3, LENGTHS[n])
        np.testing.assert_allclose(y.sum(axis=0), 1)
        path = y.argmax(axis=0)
        changes = path[np.append(True, path[1:] != path[:-1])]
        assert changes[changes != 0].tolist() == said[n]
    assert result.score(frames(), said).error == 0
    assert result.score(frames(), [[1], *said[1:]]).error == 1 / 4  # one edit, four labels


def test_a_net_from_a_file_writes_text(tmp_path: Path) -> None:
    problem, alphabet = characters(), Alphabet("abc")
    result = train(problem=problem, max_epochs=2, **RUN)
    result.save(tmp_path / "net.npz")
    readers = TextReader(problem, result.theta), TextReader(sequences_of(load(tmp_path / "net.npz")), result.theta)
    ours, theirs = (drawn_text(reader, alphabet, "ab", 30) for reader in readers)
    assert ours == theirs
    assert len(set(ours)) > 1


def test_a_controller_predicts_runs_and_its_weights_steer(tmp_path: Path) -> None:
    problem = steering.problem()
    result = train(problem=problem, max_epochs=3, **steering.OPTIONS)
    assert repr(result).startswith("Result of a control net 3-5-1 (tanh, linear) with ")
    starts, goals = steering.cases(7, seed=4)
    states, controls = result.predict((starts, goals))
    np.testing.assert_array_equal(states, problem.run(result.theta, starts, goals).states)
    seen, hidden, last = result.outputs((starts, goals))
    np.testing.assert_array_equal(last, controls)
    np.testing.assert_array_equal(result.outputs((starts, goals), "code"), hidden)
    W, s = sequences_of(result).weights(result.theta), starts
    h = np.repeat(W["h_0"][:, None], 7, axis=1)
    for t in range(8):
        z = np.vstack([goals[:1], s])
        np.testing.assert_allclose(seen[:, t], z, rtol=1e-12)
        h = np.tanh(W["W_hx"] @ z + W["W_hh"] @ h + W["b_h"][:, None])
        np.testing.assert_allclose(hidden[:, t], h, rtol=1e-11)
        s = PointMass().step(s, W["W_oh"] @ h + W["b_o"][:, None])
    np.testing.assert_allclose(states[:, -1], s, rtol=1e-11)


class Pendulum:
    state_size, control_size = 2, 1

    def step(self, s: Any, u: Any) -> Any:
        speed = s[1] + 0.1 * (3 * u[0] - 4 * np.sin(s[0]))
        return np.stack([s[0] + 0.1 * speed, speed])


def test_a_plant_of_ones_own_comes_back_by_hand(tmp_path: Path) -> None:
    result = train(problem=controller(Pendulum(), *steering.cases(6), steps=5, hidden_size=4), max_epochs=1, **RUN)
    path = tmp_path / "net.npz"
    result.save(path)
    with pytest.raises(OptionError, match=r"^plant: expected the object 'Pendulum', .* got none\. Call load\(path, pl"):
        load(path)
    with pytest.raises(OptionError, match=r"^plant: expected the object 'Pendulum', .* got 'PointMass'"):
        load(path, plant=PointMass())
    ours, theirs = (each.predict(steering.cases(3)).states for each in (result, load(path, plant=Pendulum())))
    np.testing.assert_array_equal(ours, theirs)
    Pendulum.control_size = 2
    try:
        with pytest.raises(OptionError, match=r"^plant: expected the plant that was trained on, with state_size 2 and"):
            load(path, plant=Pendulum())
    finally:
        Pendulum.control_size = 1


def test_a_plant_of_this_package_comes_back_with_its_settings(tmp_path: Path) -> None:
    class PointMass:  # not the one of this package
        state_size, control_size, step = 2, 1, Pendulum.step

    arm = TwoLinkArm(time_step=0.03, friction=0.2)
    cases = np.zeros((4, 2)), np.ones((4, 2))
    result = train(problem=controller(arm, *cases, steps=3, hidden_size=4), max_epochs=1, **RUN)
    result.save(tmp_path / "arm.npz")
    assert sequences_of(load(tmp_path / "arm.npz")).net.plant == arm
    other = train(problem=controller(PointMass(), *steering.cases(4), steps=3, hidden_size=4), max_epochs=1, **RUN)
    other.save(tmp_path / "own.npz")
    with pytest.raises(OptionError, match=r"^plant: expected the object 'PointMass', of which the file keeps only"):
        load(tmp_path / "own.npz")


@pytest.mark.parametrize(
    ("kind", "changed", "told"),
    [
        ("multiplicative", lambda: characters(factor_gain="tanh", per="sequence"), "per: was step, is sequence"),
        ("labelling", lambda: labels(labels=[[1], [2], [], [2]]), "labels: other numbers"),
        ("control", lambda: steering.problem(effort=0.5), "effort: was 0.001, is 0.5"),
    ],
)
def test_a_resumed_run_names_what_differs(kind: str, changed: Any, told: str, tmp_path: Path) -> None:
    train(problem=KINDS[kind](), max_epochs=1, run_name=tmp_path / "run", **RUN)
    path = tmp_path / "run_nnet_running.mat"
    train(problem=KINDS[kind](), max_epochs=2, resume_from=path, **RUN)  # nothing to tell
    with pytest.warns(CheckpointWarning, match=re.escape(told)):
        train(problem=changed(), max_epochs=2, resume_from=path, **RUN)


def test_arguments_without_a_meaning_are_refused() -> None:
    x, y, lengths = arguments_of("multiplicative", characters())
    starts, goals = steering.cases(4)
    for kind, call, sentence in [
        ("multiplicative", lambda r: r.predict(x[:3]), "inputs: expected 4 features, as the net was trained on"),
        ("multiplicative", lambda r: r.score(x, y[:3] + 1 / 3, lengths), "targets: expected 4 features, as the net"),
        ("labelling", lambda r: r.score(frames(), [[3], [], [], []]), "labels: expected classes from 0 to 2 without"),
        ("labelling", lambda r: r.score(frames(), [[], [], [], []], None, np.ones((6, 4))), "loss_weights: expected"),
        ("control", lambda r: r.predict(starts), "inputs: expected a pair (starts, goals) for a controller, got"),
        ("control", lambda r: r.predict((starts, goals), [3] * 4), "lengths: expected none for a controller"),
        ("control", lambda r: r.score(starts, goals[:1]), "goals: expected 2 rows, one for each component of the"),
    ]:  # fmt: skip
        with pytest.raises(ArgumentError, match="^" + re.escape(sentence)):
            call(train(problem=KINDS[kind](), max_epochs=1, **RUN))
    with pytest.raises(OptionError, match=r"^problem: expected one that ctc\(\) made, got RecurrentNetwork"):
        read_labels(small(), np.zeros(3))
    with pytest.raises(DataError, match=r"^inputs: expected 3 features"):
        labels().on(np.ones((2, 4, 1)), [[1]])
