"""A result as a function, in a file, and in six lines."""

from __future__ import annotations

import json
import pickle
import zipfile
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hf_matlab_compat import load, nnet_train_2, train
from hf_matlab_compat.errors import ArgumentError, CheckpointError, DataError, OptionError
from hf_matlab_compat.legacy import calcActivations
from hf_matlab_compat.observers.observer import KEEP, Observer
from hf_matlab_compat.plots import load_network
from hf_matlab_compat.result import Result
from hf_matlab_compat.state import Outcome, Report, State
from tests.small_run import INPUTS, ONE_HOT, TARGETS, field_arguments, legacy_arguments
from tests.test_own_method import Momentum, arguments, assert_same_bits
from tests.toy_problem import ToyProblem

PRECISIONS = ["single", "double"]
DEEP = {"hidden_sizes": [5, 2, 4], "unit_types": ["tanh", "linear", "logistic", "logistic"], "initial_theta": None}


class Keep(Observer):
    def epoch(self, report: Report, state: State) -> Any:
        return KEEP if report.epoch == 1 else None


# --- as a function


def test_outputs_are_those_of_matlab_s_helper_layer_by_layer() -> None:
    result = train(**field_arguments(**DEEP, seed=3))
    made = result.outputs(INPUTS)
    expected, _ = calcActivations(INPUTS, result.weights, [b[:, None] for b in result.biases], DEEP["unit_types"])
    assert [y.shape for y in made] == [(6, 12), (5, 12), (2, 12), (4, 12), (3, 12)]
    np.testing.assert_allclose(made[-1], expected, rtol=1e-6)
    first = np.tanh(result.weights[0] @ INPUTS + result.biases[0][:, None])
    np.testing.assert_allclose(made[1], first, rtol=1e-12)
    np.testing.assert_allclose(made[2], result.weights[1] @ first + result.biases[1][:, None], rtol=1e-12)
    np.testing.assert_array_equal(result.predict(INPUTS), made["output"])
    np.testing.assert_array_equal(made["inputs"], INPUTS)
    for code in (made["code"], result.outputs(INPUTS, layer="code"), result.outputs(INPUTS, layer=2)):
        np.testing.assert_array_equal(code, made[2])
    np.testing.assert_array_equal(result.outputs(INPUTS, layer=-1), made[4])


def test_a_prediction_of_many_cases_is_that_of_each() -> None:
    result = train(**field_arguments())
    many = np.random.default_rng(1).random((6, 9001)).astype(np.float32)
    made = result.predict(many)
    for n in (0, 4095, 4096, 9000):
        np.testing.assert_allclose(made[:, n], result.predict(many[:, n : n + 1])[:, 0], rtol=1e-12)


@pytest.mark.parametrize("layer", ["codes", 3, -3, 1.0, True, "hidden"])
def test_a_layer_that_is_none_is_refused(layer: Any) -> None:
    with pytest.raises(
        OptionError, match=r"^layer: expected a layer from 0 to 2, or one of 'inputs', 'output', 'code'"
    ):
        train(**field_arguments(max_epochs=0)).outputs(INPUTS, layer=layer)


@pytest.mark.parametrize(
    ("inputs", "part"),
    [
        (INPUTS.T, "expected 6 rows, a case in each column, got an array of shape (12, 6)"),
        (INPUTS[:, 0], "expected 6 rows"),
        (np.full((6, 2), np.nan), "expected finite numbers, got NaN or Inf in 12 of 12"),
        (INPUTS + 1j, "expected real numbers, got an array of complex128"),
        (np.full((6, 2), "a"), "expected real numbers"),
        (np.ma.masked_greater(INPUTS, 0.5), "expected real numbers, got masked numbers"),
    ],
)
def test_inputs_that_do_not_fit_are_refused(inputs: Any, part: str) -> None:
    result = train(**field_arguments(max_epochs=0))
    for ask in (result.predict, result.outputs):
        with pytest.raises(DataError, match=r"^inputs: ") as caught:
            ask(inputs)
        assert part in str(caught.value)


@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"decay_biases": False, "weight_decay": 0.1, "num_test_chunks": 2},
        {"unit_types": ["tanh", "linear"], "error_measure": "none"},
        {"unit_types": ["logistic", "tanh"], "loss": "squared"},
    ],
)
def test_a_score_is_the_test_figure_of_the_run(precision: str, changes: dict[str, Any], tmp_path: Path) -> None:
    result = train(**field_arguments(precision=precision, run_name=tmp_path / "run", **changes))
    result.save(tmp_path / "net.npz")
    for each in (result, load(tmp_path / "net.npz"), load(tmp_path / "run_nnet_running.mat")):
        score = each.score(INPUTS[:, :4], TARGETS[:, :4])
        assert score.log_likelihood == result.history["test_log_likelihood"][-1]
        assert score.error == result.history["test_error"][-1]


def test_a_share_of_misclassified_cases_is_scored() -> None:
    changes = {"unit_types": ["tanh", "softmax"], "error_measure": "misclassified", "targets": ONE_HOT}
    result = train(**field_arguments(**changes, test_targets=ONE_HOT[:, :4]))
    wrong = np.mean(result.predict(INPUTS).argmax(axis=0) != ONE_HOT.argmax(axis=0))
    assert result.score(INPUTS, ONE_HOT).error == pytest.approx(wrong)


@pytest.mark.parametrize(
    ("inputs", "targets", "name"),
    [(INPUTS[:5], TARGETS, "inputs"), (INPUTS, TARGETS[:2], "targets"), (INPUTS, TARGETS[:, :5], "targets")],
)
def test_cases_that_cannot_be_scored_are_refused(inputs: Any, targets: Any, name: str) -> None:
    with pytest.raises(DataError, match=f"^{name}: expected"):
        train(**field_arguments(max_epochs=0)).score(inputs, targets)


def own_result() -> Result:
    return train(problem=ToyProblem(), initial_theta=np.full(20, 0.1), max_epochs=2, precision="double")


def test_a_problem_of_one_s_own_has_no_outputs_but_a_file(tmp_path: Path) -> None:
    result = own_result()
    for ask in (result.predict, result.outputs, lambda x: result.score(x, x)):
        with pytest.raises(
            DataError, match=r"^result: expected the result of a network of this package, .* result\.theta"
        ):
            ask(INPUTS)
    result.save(tmp_path / "own")
    assert load(tmp_path / "own").network is None
    assert_same_bits(load(tmp_path / "own").state, result.state)
    assert "a problem of its own with 20 parameters" in repr(load(tmp_path / "own"))


# --- in a file


@pytest.mark.parametrize("precision", PRECISIONS)
def test_what_is_loaded_is_what_was_saved(precision: str, tmp_path: Path) -> None:
    result = train(**field_arguments(precision=precision, max_epochs=3, observers=[Keep()], **DEEP, seed=2))
    result.save(tmp_path / "net")
    found = load(tmp_path / "net")
    assert found.network.sizes == result.network.sizes
    assert found.network.units == result.network.units
    assert_same_bits(found.state, result.state)
    assert found.best is not None
    assert result.best is not None
    assert_same_bits(found.best, result.best)
    assert found.theta.tobytes() == result.theta.tobytes()
    for name in ("weights", "biases"):
        for ours, theirs in zip(getattr(found, name), getattr(result, name), strict=True):
            np.testing.assert_array_equal(ours, theirs, strict=True)
    assert list(found.history) == list(result.history)
    for name, column in result.history.items():
        np.testing.assert_array_equal(found.history[name], column, strict=True)
    for name, column in vars(result.records).items():
        np.testing.assert_array_equal(getattr(found.records, name), column, strict=True)
    assert (found.outcome, found.interrupted, found.reason) == (result.outcome, result.interrupted, result.reason)
    assert vars(found.options) == vars(result.options) | {"seed": None}
    assert repr(found) == repr(result)
    np.testing.assert_array_equal(found.predict(INPUTS), result.predict(INPUTS))


@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize("method", ["hessian_free", Momentum()])
def test_a_run_goes_on_from_a_loaded_result_with_every_bit(precision: str, method: Any, tmp_path: Path) -> None:
    given = arguments(method=method, precision=precision)
    whole = train(**given, max_epochs=5)
    train(**given, max_epochs=2).save(tmp_path / "half")
    for source in (load(tmp_path / "half"), tmp_path / "half"):
        rest = train(**given, max_epochs=5, resume_from=source)
        assert_same_bits(rest.state, whole.state)
        np.testing.assert_array_equal(rest.records.log_likelihood, whole.records.log_likelihood)


@pytest.mark.parametrize("epochs", [0, 1])
def test_few_epochs_have_a_file_too(epochs: int, tmp_path: Path) -> None:
    train(**field_arguments(max_epochs=epochs)).save(tmp_path / "net")
    found = load(tmp_path / "net")
    assert (found.state.epoch, len(found.history["epoch"])) == (epochs, epochs)
    assert len(repr(found).splitlines()) == 6


def test_matlab_s_call_leaves_a_checkpoint_that_predicts(tmp_path: Path) -> None:
    theta = nnet_train_2(**legacy_arguments(runName=str(tmp_path / "run"), rms=1, errtype="L2"))
    found = load(tmp_path / "run_nnet_running.mat")
    np.testing.assert_array_equal(found.theta, theta.ravel())
    assert (found.outcome, found.options.loss, found.state.epoch) == (Outcome.UNKNOWN, "squared", 2)
    assert found.predict(INPUTS).shape == TARGETS.shape
    assert found.history["epoch"].tolist() == [1, 2]
    (tmp_path / "run_nnet_running.sidecar.npz").unlink()
    with pytest.raises(CheckpointError, match=r"or a checkpoint with its sidecar.*got a checkpoint without"):
        load(tmp_path / "run_nnet_running.mat")


def test_there_is_nothing_pickled_in_it(tmp_path: Path) -> None:
    train(**arguments(max_epochs=2, observers=[Keep()])).save(tmp_path / "net")
    with zipfile.ZipFile(tmp_path / "net") as archive:
        assert json.loads(archive.read("result.json"))["network"]["sizes"] == [6, 3, 6]
        arrays = [name for name in archive.namelist() if name != "result.json"]
    assert arrays
    assert all(name.endswith(".npy") for name in arrays)
    loaded = np.load(tmp_path / "net", allow_pickle=False)
    assert all(loaded[name].dtype.kind != "O" for name in loaded.files if name != "result.json")


def test_a_pickled_array_in_it_is_never_run(tmp_path: Path) -> None:
    train(**field_arguments(max_epochs=0)).save(tmp_path / "net")
    with zipfile.ZipFile(tmp_path / "net", "a") as archive, archive.open("evil.npy", "w") as member:
        np.lib.format.write_array(member, np.array([{}], dtype=object), allow_pickle=True)
    with pytest.raises(CheckpointError, match="got a damaged one"):
        load(tmp_path / "net")
    (tmp_path / "pickle").write_bytes(pickle.dumps({}))
    with pytest.raises(CheckpointError):
        load(tmp_path / "pickle")


def altered(path: Path, change: Any) -> Path:
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    text = json.loads(members["result.json"])
    change(text)
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in {**members, "result.json": json.dumps(text).encode()}.items():
            archive.writestr(name, content)
    return path


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text["network"].update(sizes=[6, 4, 4]),
        lambda text: text["states"].pop("state"),
        lambda text: text["states"]["state"].update(epoch=7),
        lambda text: text.update(outcome="WON"),
        lambda text: text["history"].update(rho={"array": "nowhere", "scalar": False}),
        lambda text: text.update(settings=[]),
    ],
)
def test_a_damaged_text_is_one_sentence(change: Any, tmp_path: Path) -> None:
    train(**field_arguments()).save(tmp_path / "net")
    with pytest.raises(CheckpointError, match=r"net: expected a file that Result\.save wrote, got a damaged one"):
        load(altered(tmp_path / "net", change))


def test_any_truncation_and_any_flipped_bit_is_one_sentence_or_the_same_result(tmp_path: Path) -> None:
    result = train(**field_arguments())
    result.save(tmp_path / "net")
    content = (tmp_path / "net").read_bytes()
    draw = np.random.default_rng(0)
    damaged = [content[: draw.integers(len(content))] for _ in range(25)]
    for place in draw.integers(len(content), size=75):
        flipped = bytearray(content)
        flipped[place] ^= 1 << int(draw.integers(8))
        damaged.append(bytes(flipped))
    for each in damaged:
        (tmp_path / "bad").write_bytes(each)
        with suppress(CheckpointError, OptionError):
            assert load(tmp_path / "bad").theta.tobytes() == result.theta.tobytes()


def test_what_a_later_version_adds_is_passed_over(tmp_path: Path) -> None:
    train(**field_arguments()).save(tmp_path / "net")
    path = altered(tmp_path / "net", lambda text: text["settings"].update(later=3) or text.update(more={}))
    assert load(path).state.epoch == 2


def test_units_and_losses_that_are_not_built_in_are_asked_for(tmp_path: Path) -> None:
    train(**field_arguments()).save(tmp_path / "net")
    own = altered(tmp_path / "net", lambda text: text["network"].update(unit_types=["Swish", "logistic"]))
    with pytest.raises(
        OptionError, match=r"^unit_types: expected the object 'Swish', .* got none\. Call load\(path, unit"
    ):
        load(own)
    with pytest.raises(OptionError, match=r"^unit_types: expected the object 'Swish', .* got 'tanh'"):
        load(own, unit_types=["tanh", "logistic"])
    with pytest.raises(OptionError, match=r"^unit_types: expected 2, one for each layer above the inputs, got 1"):
        load(own, unit_types=["tanh"])
    lossy = altered(tmp_path / "net", lambda text: text["settings"].update(loss="Huber"))
    with pytest.raises(OptionError, match=r"^loss: expected the object 'Huber', .* got none"):
        load(lossy)


class Scaled:
    """A unit: y = 2 tanh(x)."""

    def activate(self, xp: Any, x: Any) -> Any:
        return 2 * xp.tanh(x)

    def slope(self, xp: Any, x: Any, y: Any) -> Any:
        return 2 - y * y / 2


class Halved:
    """A loss: ll = -½ Σ (t - y)²."""

    name = "halved squares"

    def log_likelihood(self, xp: Any, y: Any, t: Any) -> Any:
        return -((t - y) ** 2).sum(axis=0) / 2

    def gradient(self, xp: Any, y: Any, t: Any) -> Any:
        return t - y

    def curvature_product(self, xp: Any, y: Any, t: Any, r: Any) -> Any:
        return r


def test_own_units_and_losses_are_kept_by_name_and_handed_over_again(tmp_path: Path) -> None:
    own = {"unit_types": [Scaled(), "linear"], "loss": Halved()}
    given = field_arguments(run_name=tmp_path / "run", **own)
    result = train(**given)
    result.save(tmp_path / "net")
    assert repr(result).splitlines()[:2] == [
        "Result of a network 6-4-3 (Scaled, linear) with 43 parameters",
        "loss: halved squares; error measure: squared; weight decay 2e-05; single precision",
    ]
    for file in ("net", "run_nnet_running.mat"):
        with pytest.raises(OptionError, match=r"^(unit_types|loss): expected the object '(Scaled|halved squares)'"):
            load(tmp_path / file)
        with pytest.raises(OptionError, match=r"^unit_types: expected the object 'Scaled'"):
            load(tmp_path / file, loss=Halved())
        with pytest.raises(OptionError, match=r"^loss: expected the object 'halved squares', .* got 'Scaled'"):
            load(tmp_path / file, unit_types=own["unit_types"], loss=Scaled())
        found = load(tmp_path / file, **own)
        np.testing.assert_array_equal(found.predict(INPUTS), result.predict(INPUTS))
        assert found.score(INPUTS, TARGETS) == result.score(INPUTS, TARGETS)
    network = load_network(tmp_path / "run_nnet_running.mat", unit_types=own["unit_types"])
    np.testing.assert_array_equal(network.predict(INPUTS), result.predict(INPUTS))
    longer = {**given, "run_name": "", "max_epochs": 4}
    for source in (tmp_path / "net", tmp_path / "run_nnet_running.mat"):
        assert_same_bits(train(**longer, resume_from=source).state, train(**longer).state)


@pytest.mark.parametrize("there", [None, b"", b"PK\x03\x04", b"text"])
def test_other_files_are_one_sentence(there: bytes | None, tmp_path: Path) -> None:
    if there is not None:
        (tmp_path / "net").write_bytes(there)
    with pytest.raises(CheckpointError, match=r"net: .*expected"):
        load(tmp_path / "net")


def test_a_place_that_cannot_be_written_is_one_sentence_and_what_was_there_stays(tmp_path: Path) -> None:
    result = train(**field_arguments())
    with pytest.raises(ArgumentError, match=r"^path: expected a file that can be written"):
        result.save(tmp_path / "no" / "net")
    (tmp_path / "net").write_bytes(b"old")

    class Pairs(Momentum):
        def start(self, problem: Any, theta: Any) -> Any:
            return {**super().start(problem, theta), "pairs": [theta]}

    with pytest.raises(CheckpointError, match="pairs: expected an array, a number or text"):
        train(**arguments(max_epochs=1, method=Pairs())).save(tmp_path / "net")
    assert (tmp_path / "net").read_bytes() == b"old"


# --- in six lines


def test_it_shows_itself_in_six_lines() -> None:
    lines = repr(train(**field_arguments(max_epochs=2))).splitlines()
    assert lines[0] == "Result of a network 6-4-3 (logistic, logistic) with 43 parameters"
    assert lines[1] == "loss: matching; error measure: squared; weight decay 2e-05; single precision"
    assert lines[2].startswith("epochs: 2, 2 of them in this call, ")
    assert lines[3].startswith("training cases: log-likelihood -")
    assert lines[4].startswith("test cases: log-likelihood -")
    assert lines[5] == "outcome: all epochs were run"
    assert len(lines) == 6
    bare = field_arguments(test_inputs=None, test_targets=None)
    assert repr(train(**bare)).splitlines()[4] == "test cases: not evaluated"
