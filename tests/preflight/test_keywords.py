"""What a caller new to the package writes first, and the sentence that sets it right."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hf_matlab_compat import nnet_train, train
from hf_matlab_compat.errors import DataError, DataWarning, OptionError
from hf_matlab_compat.legacy.case_file import SPOKEN_AT_THE_COMMAND_LINE
from tests.small_run import INPUTS, TARGETS, field_arguments, legacy_arguments

STEPS = "Hessian-free has none: conjugate gradients and a line search find each step"


def refusal(**keywords: Any) -> str:
    with pytest.raises(OptionError) as caught:
        train(**keywords)
    return str(caught.value)


@pytest.mark.parametrize(
    ("name", "advice"),
    [
        ("layersizes", "Did you mean hidden_sizes?"),
        ("layertypes", "Did you mean unit_types?"),
        ("indata", "Did you mean inputs?"),
        ("maxepoch", "Did you mean max_epochs?"),
        ("initlambda", "Did you mean initial_lam?"),
        ("epochs", "Did you mean max_epochs?"),
        ("X", "Did you mean inputs?"),
        ("y_train", "Did you mean targets?"),
        ("random_state", "Did you mean seed?"),
        ("hiddenSizes", "Did you mean hidden_sizes?"),
        ("activation", "Did you mean unit_types?"),
        ("step_size", f"{STEPS}, and initial_lam damps the first one. First-order methods, such as method='nag', take"),
        ("lr", STEPS),
        ("nesterov", "Hessian-free has none: the last CG iterate, times start_decay"),
        ("optimizer", "Set method: 'hf', "),
        ("dropout", "Did you mean hidden_blankout?"),
        ("early_stopping", "Did you mean patience?"),
        ("batch_size", "There is none: num_chunks is the number"),
        ("zzz", "help(Options) lists them all."),
    ],
)
def test_train_names_what_other_programs_call_otherwise(name: str, advice: str) -> None:
    sentence = refusal(**field_arguments(), **{name: 1})
    assert sentence.startswith(f"{name}: expected the name of an option, got an unknown name. {advice}")


@pytest.mark.parametrize("name", ["learning_rate", "momentum"])
def test_hessian_free_has_no_rates_and_says_why(name: str) -> None:
    sentence = refusal(**field_arguments(), **{name: 0.1})
    assert sentence == (
        f"{name}: expected nothing beside method='hessian_free', got 0.1. Conjugate gradients and a line search find "
        "each step; initial_lam damps the first one. method='nag' has one."
    )


@pytest.mark.parametrize(
    ("name", "advice"),
    [
        ("hidden_sizes", "Did you mean layersizes?"),
        ("epochs", "Did you mean maxepoch?"),
        ("learning_rate", f"{STEPS}, and initlambda damps the first one."),
        ("early_stopping", "Did you mean patience?"),
        ("batch_size", "There is none: numchunks is the number of chunks"),
        ("activations", "Did you mean layertypes?"),
    ],
)
def test_nnet_train_says_the_same_in_matlabs_words(name: str, advice: str) -> None:
    with pytest.raises(OptionError) as caught:
        nnet_train(**legacy_arguments(), **{name: 1})
    assert str(caught.value).startswith(f"{name}: expected an argument of nnet_train, got an unknown name. {advice}")


def test_train_takes_names_only_and_says_which_are_missing() -> None:
    with pytest.raises(
        OptionError, match=r"^arguments: expected names, got 2 without a name\. Write train\(inputs=\.\.\."
    ):
        train(INPUTS, TARGETS, hidden_sizes=[4], unit_types=["tanh", "linear"])  # type: ignore[misc]
    given = {name: value for name, value in field_arguments().items() if name != "unit_types"}
    assert refusal(**given) == "unit_types: expected a value, got none."
    assert refusal(inputs=INPUTS, layersizes=[4]).startswith("layersizes: expected the name of an option")
    assert refusal(inputs=INPUTS) == "targets: expected a value, got none (hidden_sizes, unit_types too)."


@pytest.mark.parametrize(
    ("unit", "advice"),
    [
        *[(unit, "Did you mean 'logistic'?") for unit in ("sigmoid", "Sigmoid", "logsig", "sigm", "logistc")],
        *[
            ("purelin", "Did you mean 'linear'?"),
            ("identity", "Did you mean 'linear'?"),
            ("tansig", "Did you mean 'tanh'?"),
        ],
        *[
            ("ReLU", "'relu' is built in"),
            ("LeakyReLU", "'relu' is built in; for another unit, give your own object."),
        ],
    ],
)
def test_units_that_other_programs_call_otherwise(unit: str, advice: str) -> None:
    assert f"got {unit!r}. {advice}" in refusal(**field_arguments(unit_types=[unit, "logistic"]))
    assert f"got {unit!r}. {advice}" in refusal(**field_arguments(unit_types=["logistic", unit]))


@pytest.mark.parametrize(
    ("name", "value", "advice"),
    [
        *[("precision", "float32", "'single'"), ("precision", "Double", "'double'"), ("backend", "gpu", "'cupy'")],
        *[("backend", "CPU", "'numpy'"), ("loss", "mse", "'squared'"), ("loss", 1, "'squared'")],
        *[
            ("loss", "cross-entropy", "'matching'"),
            ("error_measure", "L2", "'squared'"),
            ("curvature", "gn", "'gauss_n"),
        ],
        *[("error_measure", "class", "'misclassified'"), ("curvature", "Gauss-Newton", "'gauss_newton'")],
        *[("curvature", "empfish", "'empirical_fisher'"), ("curvature", "hess", "'hessian'")],
    ],
)
def test_values_that_matlab_and_other_programs_call_otherwise(name: str, value: Any, advice: str) -> None:
    assert f"got {value!r}. Did you mean {advice}" in refusal(**field_arguments(**{name: value}))


@pytest.mark.parametrize(("name", "value"), [("loss", "hinge"), ("curvature", 7), ("backend", None), ("precision", [])])
def test_values_that_are_like_none_get_no_advice(name: str, value: Any) -> None:
    assert refusal(**field_arguments(**{name: value})).endswith(f"got {value!r}.")


def test_a_result_in_place_of_its_state_or_its_parameters() -> None:
    result = train(**field_arguments(max_epochs=0))
    with pytest.raises(DataError, match=r"^initial_theta: .* got a Result of a run\. Give its \.theta\.$"):
        train(**field_arguments(initial_theta=result))
    for source in (result, result.state):
        assert train(**field_arguments(resume_from=source, max_epochs=0)).state.epoch == 0


class Tensor:
    """What torch's tensors do that numpy cannot take."""

    def __init__(self, dtype: str, error: Exception) -> None:
        self.dtype, self.shape, self._error = dtype, (6, 12), error

    def detach(self) -> Tensor:
        return self

    def __array__(self, *_: Any, **__: Any) -> np.ndarray:
        raise self._error


GRAD = Tensor("torch.float32", RuntimeError("Can't call numpy() on Tensor that requires grad."))
BFLOAT = Tensor("torch.bfloat16", TypeError("Got unsupported ScalarType BFloat16"))


@pytest.mark.parametrize(
    ("values", "got", "advice"),
    [
        ("digits.mat", "text or a path, 'digits.mat'", "Read the file first"),
        (Path("a") / "x.npy", "text or a path, 'a/x.npy'", "Read the file first"),
        ({"__header__": b"", "images": INPUTS}, "a dictionary of images", "Give one of its entries."),
        (GRAD, "requires grad", "Pass its .detach().cpu().numpy()."),
        (BFLOAT, "BFloat16", "Pass its .detach().cpu().float().numpy()."),
        (np.zeros((6, 12), dtype=[("bfloat16", "V2")]), "numbers of a type that numpy lacks", ".astype('float32')"),
    ],
)
def test_data_that_is_no_array_yet(values: Any, got: str, advice: str) -> None:
    for name in ("inputs", "test_targets", "initial_theta"):
        with pytest.raises(DataError) as caught:
            train(**field_arguments(**{name: values}))
        sentence = str(caught.value)
        assert sentence.startswith(f"{name}: expected an array of real numbers, got ")
        assert got in sentence
        assert advice in sentence


def test_a_seed_below_zero() -> None:
    for seed in (-1, np.int64(-3)):
        given = field_arguments(seed=seed, initial_theta=None)
        assert refusal(**given) == f"seed: expected a whole number of at least 0, got {int(seed)}."


def test_where_there_is_no_gpu_the_sentence_says_what_to_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "cupy", None)
    assert refusal(**field_arguments(backend="cupy")).endswith("or run on the CPU: set backend='numpy'.")
    with pytest.raises(OptionError, match=r"^jacket: .* or run on the CPU: set jacket=0\.$") as caught:
        nnet_train(**legacy_arguments(jacket=1))
    assert caught.value.in_words_of(SPOKEN_AT_THE_COMMAND_LINE).endswith("set --backend numpy.")


def test_a_tilde_is_the_home_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    train(**field_arguments(run_name="~/run", max_epochs=1))
    assert (tmp_path / "run_nnet_running.mat").exists()
    assert train(**field_arguments(resume_from="~/run_nnet_running", max_epochs=1)).state.epoch == 1


# --- cases in rows


def test_cases_that_have_more_numbers_than_there_are_cases_are_spoken_of() -> None:
    free = {
        "initial_theta": None,
        "test_inputs": None,
        "test_targets": None,
        "num_chunks": 1,
        "max_epochs": 0,
        "seed": 0,
    }
    wide = {"inputs": np.zeros((40, 6)), "targets": np.zeros((3, 6))}
    with pytest.warns(
        DataWarning, match=r"^There are 6 cases of 40 numbers each, .* if yours are in rows, transpose"
    ) as said:
        train(**field_arguments(**free, **wide))
    assert said[0].filename == __file__
    train(**field_arguments(**free))  # 12 cases of 6 numbers
    theta = np.zeros(40 * 4 + 4 + 4 * 3 + 3)
    train(**field_arguments(**{**free, **wide, "initial_theta": theta}))  # which says that a case has 40 numbers


def test_a_run_says_how_many_cases_it_trains_on(capsys: pytest.CaptureFixture[str]) -> None:
    for display in ("legacy", "none"):
        train(**field_arguments(max_epochs=0), display=display)
    said = capsys.readouterr()
    assert said.err == "Training on 12 cases of 6 numbers.\n"
    assert "12 cases" not in said.out
    train(**field_arguments(max_epochs=0), display="rich")
    assert "6-4-3, 12 cases of 6 numbers\n" in capsys.readouterr().out
