"""What is refused before the first epoch: the whole sentence, in the words of either call, with nothing written yet."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hf_matlab_compat import nnet_train_2, train
from hf_matlab_compat.errors import DataWarning, OptionError
from hf_matlab_compat.matlab.vocabulary import TO_FIELD_TERMS, TRAINER_ARGUMENTS, WORDS
from tests.preflight.refused_cases import CHUNKS, DATA, ROWS
from tests.preflight.refused_network import LAYOUT, PARAMETERS
from tests.small_run import ONE_HOT, field_arguments, legacy_arguments

REFUSED = {**LAYOUT, **CHUNKS, **ROWS, **DATA, **PARAMETERS}


def in_field_terms(changes: dict[str, Any]) -> dict[str, Any]:
    """The same changes for `train`, absent ones as None."""
    terms = {}
    for theirs, value in changes.items():
        name = TO_FIELD_TERMS[theirs]
        plain = isinstance(value, str | int)
        terms[name] = WORDS[name][value] if plain and name in WORDS else value
        if isinstance(value, list) and not value and name not in ("inputs", "unit_types"):
            terms[name] = None
    return terms


def sentence_of(call: Callable[[], object], error: type[Exception], directory: Path) -> str:
    """What the call is refused with; nothing may have been written."""
    with pytest.raises(error) as caught:
        call()
    assert list(directory.iterdir()) == []
    assert type(caught.value) is error
    return str(caught.value)


@pytest.fixture(autouse=True)
def no_cupy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cupy", None)  # so that there is none, wherever this runs


@pytest.mark.parametrize("case", REFUSED)
def test_nnet_train_2_says_in_matlabs_words_what_is_wrong(case: str, tmp_path: Path) -> None:
    refused = REFUSED[case]
    arguments = legacy_arguments(**{"runName": str(tmp_path / "run"), **refused.changes})
    sentence = sentence_of(lambda: nnet_train_2(**arguments), refused.error, tmp_path)
    if refused.legacy.endswith((".", "?")):
        assert sentence == refused.legacy
    assert sentence.startswith(refused.legacy)


@pytest.mark.parametrize("case", REFUSED)
def test_train_says_the_same_in_the_fields_words(case: str, tmp_path: Path) -> None:
    refused = REFUSED[case]
    arguments = field_arguments(**{"run_name": tmp_path / "run", **in_field_terms(refused.changes)})
    sentence = sentence_of(lambda: train(**arguments), refused.error, tmp_path)
    assert sentence.startswith(refused.field)
    assert not any(f" {word} " in sentence or f"{word}=" in sentence for word in TRAINER_ARGUMENTS)


@pytest.mark.parametrize("case", REFUSED)
def test_no_sentence_shows_the_insides_of_python(case: str, tmp_path: Path) -> None:
    with pytest.raises(REFUSED[case].error) as caught:
        nnet_train_2(**legacy_arguments(**{"runName": str(tmp_path / "run"), **REFUSED[case].changes}))
    assert not any(ugly in str(caught.value) for ugly in ("np.", "array([", "<class", "{", "}", "matching", ".."))


WORDS_REFUSED = {
    ("mattype", "GN"): "one of 'gn', 'hess', 'empfish', got 'GN'. Did you mean 'gn'?",
    ("mattype", "gauss_newton"): "one of 'gn', 'hess', 'empfish', got 'gauss_newton'. Did you mean 'gn'?",
    ("mattype", "newton"): "one of 'gn', 'hess', 'empfish', got 'newton'.",
    ("errtype", "l2"): "one of 'L2', 'class', 'none', got 'l2'. Did you mean 'L2'?",
    ("errtype", None): "one of 'L2', 'class', 'none', got None.",
    ("rms", 2): "one of 0, 1, got 2.",
    ("hybridmode", "yes"): "one of 1, 0, got 'yes'.",
    ("jacket", 2): "one of 0, 1, 'numba', got 2.",
}


@pytest.mark.parametrize(("name", "value"), WORDS_REFUSED)
def test_a_word_that_matlab_does_not_have_is_refused(name: str, value: Any, tmp_path: Path) -> None:
    arguments = legacy_arguments(**{"runName": str(tmp_path / "run"), name: value})
    sentence = sentence_of(lambda: nnet_train_2(**arguments), OptionError, tmp_path)
    assert sentence == f"{name}: expected {WORDS_REFUSED[name, value]}"


def test_numbers_of_numpy_are_shown_as_numbers() -> None:
    with pytest.raises(OptionError, match=r"^start_decay: expected a number from 0 to 1, got 3\.0\.$"):
        train(**field_arguments(start_decay=np.float64(3)))
    with pytest.raises(OptionError, match=r"^decay: expected a number from 0 to 1, got 3\.0\.$"):
        nnet_train_2(**legacy_arguments(decay=np.float32(3)))


def test_an_unknown_option_is_refused_and_the_nearest_named(tmp_path: Path) -> None:
    arguments = field_arguments(run_name=tmp_path / "run", weigth_decay=1)
    sentence = sentence_of(lambda: train(**arguments), OptionError, tmp_path)
    assert sentence == "weigth_decay: expected the name of an option, got an unknown name. Did you mean weight_decay?"


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"errtype": "class"}, "The targets of the training cases are not all a single 1 among zeros"),
        ({"errtype": "class", "outdata": ONE_HOT}, "The targets of the test cases are not all a single 1 among zeros"),
    ],
)
def test_classification_of_targets_that_are_no_classes_is_warned_of(changes: dict[str, Any], sentence: str) -> None:
    with pytest.warns(DataWarning, match=sentence):
        nnet_train_2(**legacy_arguments(**changes, **({} if "outdata" in changes else {"intest": [], "outtest": []})))


def test_classes_are_not_warned_of(tmp_path: Path) -> None:
    one_hot = {"outdata": ONE_HOT, "outtest": ONE_HOT[:, :4]}
    nnet_train_2(**legacy_arguments(errtype="class", **one_hot))
    nnet_train_2(**legacy_arguments(layertypes=["logistic", "softmax"], errtype="class", **one_hot))
