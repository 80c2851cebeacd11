"""The forms of the call, told apart by count and types."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hf_matlab_compat.errors import CallWarning, OptionError
from hf_matlab_compat.legacy import nnet_train_2
from hf_matlab_compat.legacy.dialects import FORMS, PUBLISHED, as_22_arguments, recognise

DATA, TARGETS = np.ones((3, 8)), np.ones((2, 8))
VALUES: dict[str, Any] = {
    "runName": "run", "runDesc": "words", "paramsp": [], "Win": [], "bin": [], "resumeFile": [], "maxepoch": 2,
    "indata": DATA, "outdata": TARGETS, "numchunks": 2, "intest": DATA + 1, "outtest": TARGETS + 1, "numchunks_test": 4,
    "layersizes": [4], "layertypes": ["logistic", "linear"], "mattype": "gn", "rms": 0, "errtype": "L2",
    "hybridmode": 1, "weightcost": 2e-5, "decay": 0.95, "jacket": 0, "thresh": 0.1, "Nin": [], "maxiter": 9,
    "minibatch_startsize": 8, "minibatch_maxsize": 8, "minibatch_maxsize_targetiter": 5, "maxchunksize": 8,
    "compMode": "cpu_single", "cacheOnGPU": 0,
}  # fmt: skip
MAPPED = [form for form in FORMS if not form.refusal]
REFUSED = [form for form in FORMS if form.refusal]


def call_of(names: tuple[str, ...], **changes: Any) -> list[Any]:
    return [{**VALUES, **changes}[name] for name in names]


def same(found: tuple[Any, ...], expected: list[Any]) -> bool:
    return all(a is b or a == b for a, b in zip(found, expected, strict=True))


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.name)
def test_every_form_is_recognised_by_its_types(form: Any) -> None:
    assert recognise(call_of(form.names)) == form


@pytest.mark.parametrize("form", MAPPED, ids=lambda form: form.name)
def test_every_argument_goes_to_its_name(form: Any) -> None:
    defaults = {"runDesc": "", "mattype": "gn", "jacket": 0, "intest": None, "outtest": None, "numchunks_test": 1}
    left_out = {name: value for name, value in defaults.items() if name not in form.names}
    assert same(as_22_arguments(call_of(form.names)), call_of(PUBLISHED, **left_out))


@pytest.mark.parametrize("form", REFUSED, ids=lambda form: form.name)
def test_a_program_that_computes_something_else_is_refused_by_name(form: Any) -> None:
    with pytest.raises(OptionError) as caught:
        as_22_arguments(call_of(form.names))
    sentence = str(caught.value)
    assert sentence.startswith("arguments: expected the 22 of nnet_train_2")
    assert form.name in sentence
    assert form.refusal in sentence


def test_kfac_is_refused_by_its_mode_string_whatever_the_rest() -> None:
    with pytest.raises(OptionError, match="Kronecker-factored"):
        as_22_arguments([*call_of(FORMS[-1].names[:-2], maxiter=[], layersizes="?"), "gpu", 1])


@pytest.mark.parametrize(
    "changes",
    [
        {"paramsp": np.ones((30, 1))},
        {"Win": [np.ones((4, 3))], "bin": [np.ones((4, 1))]},
        {"resumeFile": "old.mat"},
        {"intest": [], "outtest": None},
        {"maxepoch": np.array([[5.0]]), "layersizes": np.array([[4.0]])},
        {"runDesc": ""},
    ],
)
@pytest.mark.parametrize("form", MAPPED, ids=lambda form: form.name)
def test_other_values_of_the_same_types_change_nothing(form: Any, changes: dict[str, Any]) -> None:
    assert recognise(call_of(form.names, **changes)) == form


def test_22_arguments_are_taken_as_they_are() -> None:
    strange = ["run", *range(21)]
    assert as_22_arguments(strange) == tuple(strange)


def test_ten_arguments_are_refused_with_their_types() -> None:
    with pytest.raises(
        OptionError, match=r"got 10\. No known form .*text, \[\], 3×8.*Call nnet_train, which"
    ) as caught:
        as_22_arguments(["run", [], DATA, TARGETS, 4, DATA, TARGETS, [4], ["linear"], 0])
    assert "2×8" in str(caught.value)


def test_a_trainer_without_test_data_and_an_argument_of_its_own_is_said() -> None:
    names = tuple(name for name in PUBLISHED if name not in ("intest", "outtest", "numchunks_test"))
    with pytest.raises(OptionError, match="timenet_train, without test data"):
        as_22_arguments([*call_of(names), "lag 3"])


@given(st.lists(st.sampled_from([0, 1.5, "a", [], None, DATA, TARGETS, ["linear"], [4], {}, object()]), max_size=26))
def test_any_call_is_mapped_or_refused_in_a_sentence(args: list[Any]) -> None:
    found = recognise(args)
    if found.refusal:
        with pytest.raises(OptionError, match=r"^arguments: expected .*, got \d+"):
            as_22_arguments(args)
    else:
        assert len(as_22_arguments(args)) == 22


@given(st.integers(0, 22), st.sampled_from([0, "a", [], DATA]))
def test_a_missing_argument_is_never_guessed_into_another_meaning(place: int, value: Any) -> None:
    args = call_of(PUBLISHED)
    args.insert(place, value)
    found = recognise(args)
    assert found.refusal


@pytest.mark.parametrize("forgotten", PUBLISHED)
@pytest.mark.parametrize("jacket", [0, 1])
def test_of_the_22_one_that_is_forgotten_is_never_replaced_by_its_neighbour(forgotten: str, jacket: int) -> None:
    changes = {"runDesc": "words that describe", "jacket": jacket}
    args = call_of(tuple(name for name in PUBLISHED if name != forgotten), **changes)
    if forgotten in ("runDesc", "mattype", "jacket"):
        left_out = {"runDesc": "", "mattype": "gn", "jacket": 0}[forgotten]
        assert same(as_22_arguments(args), call_of(PUBLISHED, **{**changes, forgotten: left_out}))
    else:
        with pytest.raises(OptionError, match=r"^arguments: expected the 22 of nnet_train_2"):
            as_22_arguments(args)


def test_a_doubtful_call_is_refused_with_what_else_it_can_be() -> None:
    names = tuple(name for name in PUBLISHED if name != "weightcost")
    with pytest.raises(OptionError) as caught:
        as_22_arguments(call_of(names))
    assert str(caught.value) == (
        "arguments: expected the 22 of nnet_train_2, or a known form of fewer, got 21 (21 without jacket). It is also "
        "possible that hybridmode rather than jacket, or weightcost rather than jacket, or decay rather than jacket is "
        "left out. Give all 22, or call nnet_train, which takes every argument by its name."
    )
    with pytest.raises(OptionError, match="also possible that runName rather than runDesc is left out"):
        as_22_arguments(call_of(PUBLISHED[1:], runDesc="my best run"))


def test_a_run_name_that_is_a_number_is_what_is_refused() -> None:
    with pytest.raises(OptionError, match=r"^runName: expected a name or path, or '' for no files, got 5\.$"):
        nnet_train_2(*call_of(PUBLISHED, runName=5))


def test_a_recognised_call_trains_as_the_published_one() -> None:
    random = np.random.default_rng(0)
    changes = {
        "indata": random.random((3, 8)),
        "outdata": random.random((2, 8)),
        "runName": "",
        "intest": [],
        "outtest": [],
    }
    changes["paramsp"] = random.standard_normal((26, 1))
    short = as_22_arguments(call_of(FORMS[7].names, **changes))
    full = call_of(PUBLISHED, **changes, runDesc="")
    np.testing.assert_array_equal(nnet_train_2(*short), nnet_train_2(*full))


def test_the_trainer_itself_understands_a_call_without_jacket(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    targets = np.full((2, 8), 0.5)
    call = call_of(PUBLISHED, paramsp=np.full((26, 1), 0.1), outdata=targets, outtest=targets)
    with pytest.warns(CallWarning) as warned:
        understood = nnet_train_2(*call[:-1])
    assert np.array_equal(understood, nnet_train_2(*call))
    assert [str(warning.message) for warning in warned] == [
        "nnet_train_2: 21 arguments were taken as the form '21 without jacket', with runName='run' and, for the "
        "missing ones, jacket=0. Give all 22 to be sure."
    ]


def test_the_trainer_itself_refuses_a_call_of_another_program_by_its_name() -> None:
    with pytest.raises(OptionError, match="thresh"):
        nnet_train_2(*call_of(("thresh", *PUBLISHED)))
