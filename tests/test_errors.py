"""Errors speak in the words of the caller."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import numpy as np
import pytest

from hf_matlab_compat import errors
from hf_matlab_compat.errors import DataError, HessianFreeError, NonFiniteError, OptionError, quoted, speaking
from hf_matlab_compat.options import Options

MATLAB = {"num_chunks": "numchunks", "inputs": "indata"}


def make() -> DataError:
    return DataError(
        "num_chunks", expected="a divisor of the cases of {inputs}", got=7, advice="Set {num_chunks} to 8."
    )


def test_the_sentence_names_argument_expectation_value_and_remedy() -> None:
    assert str(make()) == "num_chunks: expected a divisor of the cases of inputs, got 7. Set num_chunks to 8."


@pytest.mark.parametrize("name", ["{0}", "{", "}x{y.__class__}", "{inputs!r}", "%s{:>99999999999}"])
def test_braces_that_come_from_a_users_file_stay_as_they_are(name: str) -> None:
    error = DataError("variable", expected=f"one of {name}, b", got="'c'", advice=f"Take {name} from {{num_chunks}}.")
    assert str(error) == f"variable: expected one of {name}, b, got 'c'. Take {name} from num_chunks."
    assert str(error.renamed(MATLAB)).endswith(f"Take {name} from numchunks.")


def test_a_long_value_is_shown_in_short() -> None:
    assert quoted(np.zeros((8, 50))) == "an array of shape (8, 50)"
    assert quoted(np.array([1, 2])) == "array([1, 2])"
    said = str(OptionError("a", expected="one", got="x" * 250 + "\n" + "y" * 900 + " (why)", advice="Do."))
    assert len(said) < 330
    assert said.startswith("a: expected one, got xxx")
    assert said.endswith("yyy (why). Do.")
    with pytest.raises(OptionError, match=r"^num_chunks: .* at least 1, got an array of shape \(30, 3\)\.$"):
        Options(num_chunks=np.zeros((30, 3)))  # type: ignore[arg-type]


def test_without_advice_the_sentence_ends_at_the_value() -> None:
    assert str(OptionError("loss", expected="a word", got="3")) == "loss: expected a word, got 3."


def test_an_error_can_be_said_in_other_words_and_keeps_its_class() -> None:
    renamed = make().renamed(MATLAB)
    assert str(renamed) == "numchunks: expected a divisor of the cases of indata, got 7. Set numchunks to 8."
    assert type(renamed) is DataError
    assert renamed.argument == "num_chunks"


def test_within_a_vocabulary_errors_come_out_in_it_with_their_cause() -> None:
    cause = KeyError("why")
    with pytest.raises(DataError, match=r"^numchunks: .* indata, got 7\.") as caught, speaking(MATLAB):
        raise make() from cause
    assert caught.value.__cause__ is cause


def test_within_a_vocabulary_other_errors_pass_unchanged() -> None:
    with pytest.raises(NonFiniteError, match=r"^epoch 3"), speaking(MATLAB):
        raise NonFiniteError(3, "gradient")


def test_a_value_with_braces_in_it_is_quoted_as_it_is() -> None:
    assert "got {'a': 1}" in str(OptionError("seed", expected="a seed", got={"a": 1}))


def test_a_run_that_is_no_longer_finite_says_where_and_what_is_kept() -> None:
    error = NonFiniteError(12, "curvature product")
    assert (error.epoch, error.stage) == (12, "curvature product")
    assert "The checkpoint of epoch 11" in str(error)
    assert isinstance(error, ArithmeticError)


def test_before_the_second_epoch_no_checkpoint_is_spoken_of() -> None:
    assert str(NonFiniteError(1, "gradient")) == (
        "epoch 1: the gradient is not finite (NaN or Inf). Look for huge weights or data, or start with a larger "
        "damping or, in a first-order method, a smaller rate."
    )


ERRORS = [c for c in vars(errors).values() if isinstance(c, type) and issubclass(c, HessianFreeError)]


@pytest.mark.parametrize("kind", ERRORS)
@pytest.mark.parametrize("again", [copy.copy, lambda error: pickle.loads(pickle.dumps(error))], ids=["copy", "pickle"])
def test_every_error_goes_through_a_pickle(kind: Any, again: Any) -> None:
    if issubclass(kind, errors.ArgumentError):
        error = kind("num_chunks", expected="one", got=2, advice="Set {num_chunks}.").renamed(MATLAB)
    else:
        error = kind(3, "gradient") if kind is NonFiniteError else kind("a sentence")
    error.result = [1.0]
    other = again(error)
    assert (type(other), str(other), other.result) == (kind, str(error), [1.0])
    assert vars(other) == vars(error)


def test_every_error_of_the_package_can_be_caught_at_once() -> None:
    classes = [c for c in vars(errors).values() if isinstance(c, type) and issubclass(c, Exception)]
    raised = [c for c in classes if not issubclass(c, Warning)]
    assert len(raised) >= 8
    assert all(issubclass(c, HessianFreeError) for c in raised)
    assert issubclass(OptionError, ValueError)
