"""`recurrent(...)`: the forms of data that it takes, what it refuses and how, fresh sequences, and resume."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.io import loadmat, savemat

from hf_matlab_compat import CheckpointWarning, load, recurrent, train
from hf_matlab_compat.cli import main
from hf_matlab_compat.errors import ArgumentError, DataError, OptionError
from hf_matlab_compat.matlab.files.checkpoint_summary import summarise
from hf_matlab_compat.plots.trained_network import load_network
from hf_matlab_compat.problem import Cases
from hf_matlab_compat.rnn.network import RecurrentNetwork
from hf_matlab_compat.rnn.problem import SequenceProblem
from tests.rnn.nets import arguments, direction, small
from tests.small_run import field_arguments


def score(problem: SequenceProblem) -> Any:
    return problem.score(direction(problem), Cases())


def as_list(given: dict[str, Any]) -> dict[str, Any]:
    """The same sequences one by one."""
    N, lengths = len(given["lengths"]), given["lengths"]
    matrices = {name: [given[name][:, : lengths[n], n] for n in range(N)] for name in ("inputs", "targets")}
    weights = [given["loss_weights"][: lengths[n], n] for n in range(N)]
    return {**given, **matrices, "loss_weights": weights, "lengths": None}


def test_sequences_come_as_arrays_lists_cells_and_files(tmp_path: Path) -> None:
    given = arguments()
    whole = score(recurrent(**given))
    listed = as_list(given)
    assert score(recurrent(**listed)) == whole
    cells: dict[str, Any] = {}
    for name in ("inputs", "targets", "loss_weights"):
        cells[name] = np.empty((1, 12), dtype=object)
        cells[name][0, :] = [np.atleast_2d(each) for each in listed[name]]
    savemat(tmp_path / "cells.mat", cells)
    read = loadmat(tmp_path / "cells.mat")
    assert score(recurrent(**{**listed, **{name: read[name] for name in cells}})) == whole
    arrays = {name: np.asfortranarray(given[name], dtype=np.float64) for name in ("inputs", "targets")}
    assert score(recurrent(**{**given, **arrays})) == whole
    for name in ("inputs", "targets"):
        np.save(tmp_path / f"{name}.npy", given[name])
    mapped = {name: np.load(tmp_path / f"{name}.npy", mmap_mode="r") for name in ("inputs", "targets")}
    problem = recurrent(**{**given, **mapped})
    assert np.shares_memory(problem.data.inputs, mapped["inputs"])
    assert np.shares_memory(problem.data.inputs, mapped["inputs"])
    assert score(problem) == whole


def test_nan_may_stand_after_the_ends() -> None:
    given = arguments()
    beyond = np.arange(7)[:, None] >= given["lengths"]
    padded = {name: np.where(beyond, np.nan, given[name]) for name in ("inputs", "targets")}
    assert score(recurrent(**{**given, **padded})) == score(recurrent(**given))


def test_one_target_a_sequence_is_that_of_its_last_step() -> None:
    given = arguments()
    ends = given["targets"][:, given["lengths"] - 1, np.arange(12)]
    weights = np.zeros((7, 12))
    weights[given["lengths"] - 1, np.arange(12)] = 1
    last = recurrent(**{**given, "targets": ends, "loss_weights": None})
    assert score(last) == score(recurrent(**{**given, "loss_weights": weights}))
    one = recurrent(
        given["inputs"][:, :, 0], given["targets"][:, :, 0], hidden_sizes=[4], unit_types=["tanh", "softmax"]
    )
    assert (len(one.data), one.data.inputs.shape) == (1, (2, 7, 1))


NAN = np.full((2, 7, 12), 0.5)
NAN[1, 1, 3] = np.nan
BEHIND = np.ones((7, 12))


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        (
            {"lengths": [0, *[5] * 11]},
            "lengths: expected whole numbers from 1 to 7, the steps in inputs, got 0 for sequ",
        ),
        (
            {"lengths": [8, *[5] * 11]},
            "lengths: expected whole numbers from 1 to 7, the steps in inputs, got 8 for sequ",
        ),
        (
            {"lengths": [2.5, *[5] * 11]},
            "lengths: expected whole numbers from 1 to 7, the steps in inputs, got 2.5 for",
        ),
        ({"lengths": [5] * 11}, "lengths: expected 12 numbers, one for each sequence in inputs, got 11."),
        (
            {"loss_weights": BEHIND, "lengths": [5] * 12},
            "loss_weights: expected 0 after the end of each sequence, got 1",
        ),
        ({"loss_weights": -BEHIND}, "loss_weights: expected numbers of at least 0, got -1."),
        (
            {"loss_weights": np.ones((6, 12))},
            "loss_weights: expected shape (7, 12), steps and sequences of inputs, got",
        ),
        ({"loss_weights": np.zeros((7, 12))}, "loss_weights: expected a weight above 0 in chunk 1, got none."),
        (
            {"targets": np.ones((3, 6, 12)) / 3},
            "targets: expected shape (outputs, 7, 12) or (outputs, 12), for the steps",
        ),
        (
            {"targets": np.ones((3, 7, 12))},
            "targets: expected targets of at least 0 that sum to 1 at each step with a l",
        ),
        ({"targets": np.full((3, 7, 12), [[[2.0]], [[-1.0]], [[0.0]]])}, "targets: expected targets of at least 0"),
        ({"targets": np.full((1, 7, 12), -0.1), "unit_types": ["tanh", "logistic"]}, "targets: expected numbers from"),
        ({"targets": np.full((3, 7, 12), np.nan)}, "targets: expected targets of at least 0 that sum to 1"),
        ({"targets": np.full((1, 7, 12), 2.0), "unit_types": ["tanh", "logistic"]}, "targets: expected numbers from 0"),
        (
            {"targets": NAN, "unit_types": ["tanh", "linear"]},
            "targets: expected finite numbers at each step with a loss",
        ),
        (
            {"inputs": NAN},
            "inputs: expected finite numbers, got nan in feature 1 at step 1 of sequence 3 (counted from 0",
        ),
        ({"inputs": np.ones(7)}, "inputs: expected an array (features, time, sequences), or a list of matrices"),
        ({"inputs": "x.mat"}, "inputs: expected an array of real numbers, got text or a path, 'x.mat'"),
        (
            {"inputs": [np.ones((2, 3)), np.ones((3, 3))], "lengths": None},
            "inputs: expected 2 features in every sequence",
        ),
        ({"inputs": [], "lengths": None}, "inputs: expected at least one sequence, got an empty list"),
        (
            {"inputs": [np.ones(3)], "lengths": None},
            "inputs: expected a matrix (features, time) for each sequence, got",
        ),
        ({"inputs": [np.ones((2, 3))]}, "lengths: expected nothing beside a list of sequences, got a value."),
        ({"targets": [np.ones((2, 3))]}, "targets: expected 12 sequences, as in inputs, got 1."),
        ({"targets": [np.ones((3, 1))] * 12}, "targets: expected 7 steps in sequence 0 (counted from 0), as in inputs"),
        ({"num_chunks": 5}, "num_chunks: expected a divisor of the 12 sequences in inputs, got 5. A chunk is a set of"),
        (
            {"unit_types": ["softmax", "linear"]},
            "unit_types: expected 'softmax' at the output only, got 'softmax' in a",
        ),
        ({"unit_types": ["tanh", "tanh"]}, "unit_types: expected an output unit with a log-likelihood of its own, or"),
        ({"hidden_sizes": []}, "unit_types: expected 1 names, one for each hidden layer (hidden_sizes has 0)"),
        (
            {"hidden_sizes": [], "unit_types": ["softmax"]},
            "hidden_sizes: expected at least one hidden layer, got none.",
        ),
        ({"initial_state": "h0"}, "initial_state: expected one of 'learned', 'bias', 'zero', got 'h0'."),
        ({"per": "case"}, "per: expected one of 'step', 'sequence', got 'case'."),
        ({"structural_unit": 1}, "structural_unit: expected one of 'matching', 'squared', got 1."),
        ({"spectral_radius": 0}, "spectral_radius: expected a finite number above 0, or None, got 0."),
        ({"recurrent_scale": np.nan}, "recurrent_scale: expected a finite number of at least 0, got nan."),
        ({"curvature": "gn"}, "curvature: expected one of 'gauss_newton', 'hessian', 'empirical_fisher', got 'gn'."),
        ({"targets": None}, "targets: expected a value, got none."),
        (
            {"targets": np.ones((1, 12)) * 2, "loss_weights": None},
            "targets: expected targets of at least 0 that sum to 1 at each step with a loss, for softmax outputs, got "
            "[2.0] at step 1 of sequence 4 (counted from 0). A class is a column with a 1 in its row",
        ),
        ({"inputs": np.ma.masked_invalid(NAN)}, "inputs: expected an array without gaps, got a masked array with 1 of"),
        ({"inputs": NAN.astype(object)}, "inputs: expected an array of real numbers, got objects (object)."),
        ({"biases": 5}, "biases: expected True or False, got 5."),
        ({"per": np.ones(2)}, "per: expected one of 'step', 'sequence', got array([1., 1.])."),
        ({"hidden_sizes": [True]}, "hidden_sizes: expected whole numbers of at least 1"),
        ({"resample": 3}, "resample: expected a function of one argument, the number of the epoch, got 3."),
        ({"resample": lambda: None}, "resample: expected a function of one argument, the number of the epoch"),
    ],
)
def test_what_does_not_fit_is_refused_in_a_sentence(changes: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ArgumentError, match=f"^{re.escape(sentence)}"):
        recurrent(**arguments(**changes))


def test_initial_weights_have_fifteen_connections_of_unit_radius() -> None:
    problem = recurrent(
        np.zeros((20, 4, 2)), np.zeros((3, 4, 2)), hidden_sizes=[40, 30], unit_types=["tanh", "tanh", "linear"]
    )
    net = problem.model
    assert isinstance(net, RecurrentNetwork)
    thetas = [problem.initial_theta(seed) for seed in range(40)]
    radii, inputs = [], []
    for theta in thetas:
        for i, below in enumerate((20, 40)):
            W, init = net.layer(theta, i)
            assert init is not None
            assert (init == 0).all()
            assert (W[-1] == 0).all()
            assert ((W[:below] != 0).sum(axis=0) == 15).all()
            recurrent_weights = W[below:-1]
            assert ((recurrent_weights != 0).sum(axis=0) == 15).all()
            radii.append(np.abs(np.linalg.eigvals(recurrent_weights)).max())
        assert ((net.output_layer(theta)[:-1] != 0).sum(axis=0) == 15).all()
        inputs.append(net.layer(theta, 0)[0][:20])
    assert np.mean(radii) == pytest.approx(1.05, abs=0.05)
    drawn = np.array(inputs)
    assert drawn[drawn != 0].std() == pytest.approx(1.0, abs=0.02)
    np.testing.assert_array_equal(thetas[3], problem.initial_theta(3))
    assert (thetas[3] != thetas[4]).any()
    dense = recurrent(np.zeros((3, 4, 2)), np.zeros((1, 4, 2)), hidden_sizes=[40], unit_types=["tanh", "linear"],
                      input_scale=0.1, recurrent_scale=2.0, spectral_radius=1.2, num_connections=4)  # fmt: skip
    assert isinstance(dense.model, RecurrentNetwork)
    W = dense.model.layer(dense.initial_theta(0), 0)[0]
    assert 0.05 < W[:3].std() < 0.15
    assert (W[:3] != 0).all()
    assert np.abs(np.linalg.eigvals(W[3:-1])).max() == pytest.approx(1.2)
    unconnected = small(recurrent_scale=0, spectral_radius=1.2)
    assert np.isfinite(unconnected.initial_theta(0)).all()


# --- fresh sequences, and resume


def fresh(epoch: int) -> Any:
    random = np.random.default_rng((7, epoch))
    X = random.standard_normal((2, 6, 20))
    return X, X.cumsum(axis=1)[:1], random.integers(3, 7, 20)


FRESH: dict[str, Any] = {"hidden_sizes": [6], "unit_types": ["tanh", "linear"], "num_chunks": 2, "resample": fresh}
RUN: dict[str, Any] = {"seed": 2, "precision": "double", "max_cg_steps": 12, "structural_damping": 0.1}


@pytest.mark.parametrize(
    "given", [arguments(), FRESH, {**FRESH, "hidden_sizes": [4, 3], "unit_types": ["tanh"] * 2 + ["linear"]}]
)
def test_a_resumed_run_equals_one_that_was_not_interrupted(given: dict[str, Any], tmp_path: Path) -> None:
    whole = train(problem=recurrent(**given), max_epochs=5, **RUN)
    train(problem=recurrent(**given), max_epochs=2, run_name=tmp_path / "run", **RUN)
    rest = train(problem=recurrent(**given), max_epochs=5, resume_from=tmp_path / "run_nnet_running.mat", **RUN)
    np.testing.assert_array_equal(rest.theta, whole.theta)
    np.testing.assert_array_equal(rest.records.log_likelihood, whole.records.log_likelihood)
    assert whole.history["train_log_likelihood"][-1] > whole.history["old_log_likelihood"][0]


def test_every_epoch_has_its_own_sequences_for_all_its_passes() -> None:
    asked: list[int] = []

    def seen(epoch: int) -> Any:
        asked.append(epoch)
        return fresh(epoch)

    problem = recurrent(**{**FRESH, "resample": seen})
    assert problem.is_random
    train(problem=problem, max_epochs=3, test_problem=problem.on(*fresh(9)), **RUN)
    assert asked == [1, 1, 2, 3]  # once for the sizes
    theta = direction(problem)
    X, Y, lengths = fresh(2)
    same = recurrent(X, Y, lengths=lengths, **{key: FRESH[key] for key in ("hidden_sizes", "unit_types", "num_chunks")})
    assert problem.score(theta, Cases(1, 2)) == same.score(theta, Cases(1))
    assert problem.score(theta, Cases(1, 3)) != same.score(theta, Cases(1))
    assert problem.score(theta, Cases(1, 2)) == same.score(theta, Cases(1))


@pytest.mark.parametrize(
    ("made", "sentence"),
    [
        (
            np.ones((2, 6, 20)),
            "resample: expected (inputs, targets), with lengths and loss weights if there are any, fo",
        ),
        (
            (np.ones((2, 6, 10)), np.ones((1, 6, 10))),
            "resample: expected inputs of 2 features and 20 sequences for epoch",
        ),
        (
            (np.ones((2, 6, 20)), np.ones((2, 6, 20))),
            "resample: expected targets of 1 features and 20 sequences for epo",
        ),
        ((np.ones((2, 6, 20)), np.ones((1, 5, 20))), "targets of resample(2): expected shape (outputs, 6, 20)"),
    ],
)
def test_what_resample_makes_is_checked_in_every_epoch(made: Any, sentence: str) -> None:
    problem = recurrent(**{**FRESH, "resample": lambda epoch: fresh(epoch) if epoch == 1 else made})
    with pytest.raises(DataError, match=f"^{re.escape(sentence)}") as caught:
        train(problem=problem, max_epochs=3, **RUN)
    assert caught.value.result.state.epoch == 1


# --- the result


def test_a_result_computes_outputs_and_scores_and_is_saved(tmp_path: Path) -> None:
    given = arguments(hidden_sizes=[5, 4], unit_types=["tanh", "logistic", "softmax"], error_measure="misclassified")
    problem = recurrent(**given)
    result = train(problem=problem, max_epochs=2, run_name=tmp_path / "run", **RUN)
    assert repr(result).startswith("Result of a recurrent net 2-5-4-3 (tanh, logistic, softmax) with 104 parameters\n")
    X, lengths = given["inputs"], given["lengths"]
    y = result.predict(X, lengths)
    beyond = np.arange(7)[:, None] >= lengths
    assert (np.isnan(y) == beyond).all()
    np.testing.assert_allclose(y.sum(axis=0)[~beyond], 1)
    layers = result.outputs(X, lengths=lengths)
    assert [layer.shape for layer in layers] == [(size, 7, 12) for size in (2, 5, 4, 3)]
    np.testing.assert_array_equal(result.outputs(X, "code", lengths), layers[2])
    W = problem.trained.weights(result.theta)  # type: ignore[union-attr]
    h = np.repeat(W["h_0"][:, None], 12, axis=1)
    for t in range(7):
        h = np.tanh(W["W_hx"] @ X[:, t] + W["W_hh"] @ h + W["b_h"][:, None])
        np.testing.assert_allclose(layers[1][:, t][:, ~beyond[t]], h[:, ~beyond[t]], rtol=1e-12)
    sizes = {name: part.size for name, part in W.items()}
    assert list(sizes) == ["W_hx", "W_hh", "b_h", "h_0", "W_hx_2", "W_hh_2", "b_h_2", "h_0_2", "W_oh", "b_o"]
    assert sum(sizes.values()) == result.theta.size
    listed = as_list(given)
    for n, one in enumerate(result.predict(listed["inputs"])):
        np.testing.assert_allclose(one, y[:, : lengths[n], n], rtol=1e-12)
    assert result.outputs(listed["inputs"], "code")[3].shape == (4, lengths[3])
    expected = problem.score(result.theta, Cases())
    assert result.score(X, given["targets"], lengths, given["loss_weights"]) == expected
    assert result.score(listed["inputs"], listed["targets"], loss_weights=listed["loss_weights"]) == expected
    result.save(tmp_path / "net.npz")
    for path in (tmp_path / "net.npz", tmp_path / "run_nnet_running.mat"):
        again = load(path)
        np.testing.assert_array_equal(again.predict(X, lengths), y)
        assert again.score(X, given["targets"], lengths, given["loss_weights"]) == expected
        assert again.sequences is not None
        assert again.sequences.described() == problem.trained.described()  # type: ignore[union-attr]
    with pytest.raises(OptionError, match=r"^layer: expected a layer from 0 to 3, .*, got an array of shape \(12,\)"):
        result.outputs(X, lengths)
    with pytest.raises(DataError, match=r"^inputs: expected 2 features, as the net was trained on, got 3\."):
        result.predict(np.ones((3, 7, 12)))
    with pytest.raises(DataError, match=r"^lengths: expected none for a feed-forward network"):
        train(**field_arguments(max_epochs=1)).predict(np.ones((2, 3)), [1])


def test_tools_for_checkpoints_name_the_recurrent_net(tmp_path: Path) -> None:
    train(problem=small(), max_epochs=1, run_name=tmp_path / "run", **RUN)
    told = "a recurrent net 2-5-3 (tanh, softmax)"
    assert summarise(tmp_path / "run_nnet_running.mat").described == f"by the sidecar: {told}"
    assert main(["checkpoint", str(tmp_path / "run_nnet_running.mat"), "--split"]) == 2
    with pytest.raises(
        OptionError, match=re.escape(f"checkpoint: expected one of a feed-forward network, got that of {told}")
    ):
        load_network(tmp_path / "run_nnet_running.mat")


def test_a_run_refuses_what_is_no_problem_and_a_test_problem_of_another_net() -> None:
    with pytest.raises(OptionError, match="test_problem: expected a problem of the same 63 parameters, got one of 81"):
        train(problem=small(), test_problem=small(hidden_sizes=[6]), max_epochs=1)
    made: Any = recurrent
    with pytest.raises(OptionError, match="problem: expected an object with score, gradient, num_parameters"):
        train(problem=made, seed=1)


def test_a_resumed_run_names_what_differs_of_the_net(tmp_path: Path) -> None:
    train(problem=small(), max_epochs=1, run_name=tmp_path / "run", **RUN)
    given, path = arguments(), tmp_path / "run_nnet_running.mat"
    train(problem=small(), max_epochs=2, resume_from=path, **RUN)  # nothing to tell
    moved = recurrent(**{**given, "inputs": given["inputs"] + 1e-3, "lengths": [7] * 12, "num_chunks": 2})
    with pytest.warns(
        CheckpointWarning, match=r"num_chunks.*: was 3, is 2; inputs .*: other numbers; lengths: other n"
    ):
        train(problem=moved, max_epochs=2, resume_from=path, **RUN)
    other = small(per="sequence", weight_decay=0.5)
    with pytest.warns(CheckpointWarning, match=r"weight_decay.*: was 0\.01, is 0\.5; per: was step, is sequence"):
        train(problem=other, max_epochs=2, resume_from=path, **RUN)


def test_a_loss_and_units_of_ones_own_come_back_by_hand(tmp_path: Path) -> None:
    class Sine:
        name = "sine"

        def activate(self, xp: Any, x: Any) -> Any:
            return xp.sin(x)

        def slope(self, xp: Any, x: Any, y: Any) -> Any:
            return xp.cos(x)

    problem = small(output="linear", unit_types=[Sine(), "linear"], structural_unit="squared")
    result = train(problem=problem, max_epochs=2, **RUN)
    result.save(tmp_path / "net.npz")
    X = arguments()["inputs"]
    with pytest.raises(OptionError, match=r"^unit_types: expected the object 'sine', of which the file keeps only the"):
        load(tmp_path / "net.npz")
    again = load(tmp_path / "net.npz", unit_types=[Sine(), "linear"])
    np.testing.assert_array_equal(again.predict(X), result.predict(X))


@pytest.mark.parametrize(
    ("argument", "advice"),
    [
        (
            {"curvature": "hessian"},
            "The problem has its own: an argument of the call that made it, such as recurrent()",
        ),
        ({"num_chunks": 2}, "The problem has its own"),
        ({"test_inputs": np.ones((2, 7, 3))}, "test_problem takes their place."),
    ],
)
def test_what_belongs_to_the_problem_is_refused_beside_it(argument: dict[str, Any], advice: str) -> None:
    with pytest.raises(
        OptionError,
        match=rf"^{next(iter(argument))}: expected nothing beside problem, got a value\. {re.escape(advice)}",
    ):
        train(problem=small(), **argument)
