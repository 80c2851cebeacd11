"""MATLAB's names and words beside the field's: complete, one to one, and every keyword does something."""

from __future__ import annotations

import dataclasses
import inspect
import re
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hf_matlab_compat import nnet_train, nnet_train_2, train
from hf_matlab_compat.errors import OptionError
from hf_matlab_compat.legacy import unpack
from hf_matlab_compat.matlab.vocabulary import (
    CONSTANTS,
    TO_FIELD_TERMS,
    TO_MATLAB,
    TRAINER_ARGUMENTS,
    WORDS,
    to_matlab_value,
)
from hf_matlab_compat.options import Options
from tests.small_run import INPUTS, ONE_HOT, PSIZE, SIZES, THETA, legacy_arguments

KINDS = {field.name: field.metadata["kind"] for field in dataclasses.fields(Options)}
FIELDS = set(KINDS)
TRAIN = {name for name, p in inspect.signature(train).parameters.items() if p.kind is p.KEYWORD_ONLY}
OF_THE_CALL = {"display", "observers", "preset"}
RULES = {"solver", "preconditioner", "selection", "judge", "line_search"}
NOT_IN_MATLAB = {
    "problem",
    "test_problem",
    "corrupt",
    "resample",
    "clean_train",
    "case_weights",
    "class_weights",
    "structural_damping",
    "reduction_ratio",
    *RULES,
}
NNET_TRAIN = inspect.signature(nnet_train).parameters


def test_names_map_both_ways() -> None:
    assert len(TO_MATLAB) == len(TO_FIELD_TERMS) == len(TRAINER_ARGUMENTS) + len(CONSTANTS)
    assert all(TO_MATLAB[ours] == theirs for theirs, ours in TO_FIELD_TERMS.items())
    assert not set(TRAINER_ARGUMENTS) & set(CONSTANTS)


def test_the_22_arguments_are_matlabs_in_order() -> None:
    parameters = inspect.signature(nnet_train_2).parameters
    assert list(TRAINER_ARGUMENTS) == [n for n, p in parameters.items() if p.kind is p.POSITIONAL_OR_KEYWORD]
    assert len(TRAINER_ARGUMENTS) == 22


def test_every_option_and_argument_of_train_has_a_name_in_matlab_and_back() -> None:
    assert set(TO_MATLAB) == (FIELDS | TRAIN) - OF_THE_CALL - NOT_IN_MATLAB


def test_every_option_is_reached_from_a_keyword_of_nnet_train_and_back() -> None:
    assert set(NNET_TRAIN) == {*TO_FIELD_TERMS, "display", "preset", "keep"}
    assert {TO_FIELD_TERMS[name] for name in CONSTANTS} <= FIELDS


def test_every_option_but_the_seed_is_checked() -> None:
    """A seed is checked by `matlab.random.streams`, which makes the stream."""
    assert {name for name, kind in KINDS.items() if not kind.expected} == {"seed"}


@pytest.mark.parametrize("name", sorted((set(CONSTANTS) | set(TRAINER_ARGUMENTS)) & set(NNET_TRAIN)))
def test_defaults_of_nnet_train_are_those_of_the_options(name: str) -> None:
    field, default = TO_FIELD_TERMS[name], NNET_TRAIN[name].default
    if field in FIELDS:
        assert WORDS.get(field, {}).get(default, default) == getattr(Options(), field)


def test_words_map_both_ways_and_cover_what_an_option_takes() -> None:
    for option, words in WORDS.items():
        assert len(set(words.values())) == len(words)
        for theirs, ours in words.items():
            assert Options(**{option: ours}) is not None
            assert to_matlab_value(option, ours) == theirs


@pytest.mark.parametrize("option", [name for name in sorted(KINDS) if KINDS[name].expected.startswith("one of")])
def test_every_word_of_an_option_can_be_said_in_matlab(option: str) -> None:
    taken = re.findall("'(.+?)'", KINDS[option].expected)  # an object in place of a word has none in MATLAB
    in_matlab = WORDS.get(option)
    assert in_matlab is None or sorted(map(str, in_matlab.values())) == sorted(taken)


def test_a_value_without_a_word_of_its_own_is_itself() -> None:
    assert to_matlab_value("weight_decay", 0.5) == 0.5
    assert to_matlab_value("curvature", "unheard of") == "unheard of"


# --- every keyword changes something

W, B = unpack(THETA + 0.1, SIZES)
CHANGES: dict[str, Any] = {
    **{"maxepoch": 2, "indata": INPUTS[::-1], "outdata": 1 - ONE_HOT, "paramsp": 2 * THETA, "numchunks": 3},
    **{
        "mattype": "hess",
        "rms": 1,
        "hybridmode": 0,
        "weightcost": 0.1,
        "decay": 0.5,
        "layertypes": ["tanh", "logistic"],
    },
    **{"initlambda": 1.0, "drop": 0.5, "boost": 3.0, "autodamp": 0, "rho_low": 0.74999, "rho_high": 1e9},
    **{"maxiters": 4, "miniters": 30, "tolerance": 0.1, "gapratio": 1.0, "mingap": 2, "inext": 1.0, "imult": 3.0},
    **{"precon_exponent": None, "backtrack_set": "none", "linesearch_c": 0.9, "precision": "double"},
    **{"method": "nag", "blankout": 0.3, "dropout": 0.3, "innoise": 0.1, "indilate": 0.3, "weightnoise": 0.1},
    **{"perturbshare": 0.9},
}
"""Other values of keywords, each of which alone must move the parameters that a run returns."""
BASE = {"maxepoch": 6, "initlambda": 0.05, "drop": 0.9, "display": "none"}
RANDOM = {"paramsp": None, "seed": 3}
LONG_STEPS = {"initlambda": 0.0, "autodamp": 0, "paramsp": 6 * THETA, "linesearch_c": 0.9}
_DRAWN = np.random.default_rng(2)
OTHERS = {"intest": _DRAWN.random((6, 8)), "outtest": _DRAWN.random((3, 8))}
ON_SETTINGS: dict[str, tuple[dict[str, Any], Any]] = {
    "Win": ({"paramsp": None, "bin": B, "Win": [2 * w for w in W]}, W),
    "bin": ({"paramsp": None, "Win": W, "bin": [1 + b for b in B]}, B),
    "layersizes": ({**RANDOM, "layersizes": [4]}, [5]),
    "numconn": (RANDOM, 2),
    "initcoeff": (RANDOM, 0.3),
    "seed": (RANDOM, 4),
    "faithful": (RANDOM, False),
    "decay_biases": ({"weightcost": 1.0}, False),
    "learningrate": ({"method": "nag"}, 0.3),
    "momentum": ({"method": "momentum"}, 0.2),
    "momentumperiod": ({"method": "nag"}, 1),
    "corruptseed": ({"blankout": 0.3}, 1),
    "perturbsize": ({"perturbshare": 0.9}, 0.5),
    "perturbform": ({"perturbshare": 0.9, "perturbsize": 0.3}, "legacy"),
    "patience": ({"maxepoch": 60, "intest": 1 - INPUTS, "outtest": INPUTS[:3]}, 1),
    "monitor": ({"maxepoch": 60, "patience": 2, **OTHERS}, "error"),
    "averagedecay": ({"keep": "average", "averagedecay": 0.9}, 0.1),
    "keep": ({"patience": 3, "averagedecay": 0.5, "intest": INPUTS, "outtest": ONE_HOT}, "average"),
    "linesearch_factor": (LONG_STEPS, 0.3),
    "linesearch_max": (LONG_STEPS, 1),
    "trim_cases": ({"indata": INPUTS[:, :11], "outdata": INPUTS[:3, :11], "numchunks": 5}, True),
}
"""Keywords that only count on some settings: those settings, and the other value."""
ELSEWHERE = {
    "runName": "names the files: tests/legacy/test_entry_points.py",
    "runDesc": "a line of the log: the same",
    "checkpoint_every": "period of kept files: the same",
    "display": "what is shown: the same",
    "preset": "a set of the others: tests/test_presets.py",
    "ranks": "processes that share a run: tests/ranks",
    "sumlanes": "last bits of large sums: the same",
    "resumeFile": "where a run goes on from: tests/test_resume.py",
    "intest": "held-out figures: below",
    "outtest": "held-out figures: below",
    "numchunks_test": "must divide the held-out cases: below",
    "errtype": "a reported figure: below",
    "jacket": "asks for a GPU: below",
    "numthreads": "never shows: tests/objective/test_sharing.py",
}


def final(**changes: Any) -> Any:
    return nnet_train(**{**legacy_arguments(), **BASE, **changes})


def test_every_keyword_is_walked() -> None:
    walked = [*CHANGES, *ON_SETTINGS, *ELSEWHERE]
    assert sorted(walked) == sorted(NNET_TRAIN)


@pytest.mark.parametrize("name", CHANGES)
def test_a_keyword_changes_what_is_trained(name: str) -> None:
    assert not np.array_equal(final(), final(**{name: CHANGES[name]}))


@pytest.mark.parametrize("name", ON_SETTINGS)
def test_a_keyword_changes_what_is_trained_on_settings_where_it_counts(name: str) -> None:
    setting, other = ON_SETTINGS[name]
    if name == "trim_cases":
        with pytest.raises(OptionError):
            final(**setting)
        assert final(**setting, trim_cases=True).shape == (PSIZE, 1)
    else:
        assert not np.array_equal(final(**setting), final(**{**setting, name: other}))


@pytest.mark.parametrize(
    ("name", "other"),
    [("intest", INPUTS[:, 4:8]), ("outtest", INPUTS[:3, :4]), ("errtype", "none")],
)
def test_a_keyword_changes_the_figures_that_are_reported(name: str, other: Any, tmp_path: Path) -> None:
    logs = []
    for i, changes in enumerate(({}, {name: other})):
        final(runName=str(tmp_path / str(i)), **changes)
        lines = (tmp_path / f"{i}.txt").read_text("ascii").splitlines()
        logs.append([line for line in lines if "error rate" in line or line.startswith("TEST")])
    assert logs[0] != logs[1]


def test_numchunks_test_and_jacket_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cupy", None)
    with pytest.raises(OptionError, match=r"^numchunks_test: "):
        final(numchunks_test=3)
    with pytest.raises(OptionError, match=r"^jacket: "):
        final(jacket=1)
