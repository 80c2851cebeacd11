"""Constants are read off people's files, with the place where they stand."""

from __future__ import annotations

from inspect import signature
from typing import Any

import pytest

from hf_matlab_compat.legacy.entry_points import nnet_train
from hf_matlab_compat.parity.engines.constants import (
    NOT_FOUND,
    differing,
    evaluate,
    in_words,
    published,
    read_constants,
)
from hf_matlab_compat.parity.engines.reference import OURS, open_reference
from tests.parity.engines.trainers import ONE_FILE, edited

EDITS: dict[str, tuple[str, str, str, Any]] = {
    "initlambda": ("nnet_train_2.m", "initlambda = 45;", "initlambda = 10^2;", 100),
    "drop": ("nnet_train_2.m", "drop = 2/3;", "drop = 1/2;", 0.5),
    "boost": ("nnet_train_2.m", "boost = 1/drop;", "boost = 2;", 2),
    "maxiters": ("nnet_train_2.m", "maxiters = 250;", "maxiters = 50;", 50),
    "miniters": ("nnet_train_2.m", "miniters = 1;", "miniters = 10;", 10),
    "rho_low": ("nnet_train_2.m", "if rho < 0.25 ", "if (rho < 1/5) ", 0.2),
    "rho_high": ("nnet_train_2.m", "rho > 0.75", "rho > .8", 0.8),
    "precon_exponent": ("nnet_train_2.m", ".^(3/4);", ".^0.5;", 0.5),
    "linesearch_c": ("nnet_train_2.m", "c = 10^(-2);", "c = 1e-3;", 1e-3),
    "linesearch_factor": ("nnet_train_2.m", "rate = 0.8*rate;", "rate = rate*0.5;", 0.5),
    "linesearch_max": ("nnet_train_2.m", "while j < 60", "while (j < 30)", 30),
    "checkpoint_every": ("nnet_train_2.m", "mod(epoch, 10) == 0", "mod(epoch,5) == 0", 5),
    "numconn": ("nnet_train_2.m", "numconn = 15;", "numconn = 20;", 20),
    "initcoeff": ("nnet_train_2.m", "initcoeff = 1;", "initcoeff = 0.1;", 0.1),
    "decay_biases": ("nnet_train_2.m", "disp( 'not masking out", "disp( 'masking out", False),
    "tolerance": ("conjgrad_1.m", "tolerance = 5e-4;", "tolerance = 5e-5;", 5e-5),
    "gapratio": ("conjgrad_1.m", "gapratio = 0.1;", "gapratio = 0.2;", 0.2),
    "mingap": ("conjgrad_1.m", "mingap = 10;", "mingap = 5;", 5),
    "inext": ("conjgrad_1.m", "inext = 5;", "inext = 3;", 3),
    "imult": ("conjgrad_1.m", "imult = 1.3;", "imult = 1.5;", 1.5),
}


def test_published_values_are_found_in_the_single_file_trainer():
    constants = open_reference(ONE_FILE).constants
    assert differing(constants) == {}
    assert [name for name, constant in constants.items() if constant.place == NOT_FOUND] == []


def test_published_values_are_found_in_reference_matlab():
    constants = open_reference(OURS).constants
    assert differing(constants) == {}
    assert [name for name, constant in constants.items() if constant.place == NOT_FOUND] == []


@pytest.mark.parametrize("name", EDITS)
def test_an_edited_constant_is_found_where_it_stands(name, tmp_path):
    file, old, new, value = EDITS[name]
    folder = edited(tmp_path / "theirs", (old, new), file=file)
    constant = open_reference(folder).constants[name]
    line = 1 + next(at for at, text in enumerate((folder / file).read_text().splitlines()) if new in text)
    assert (constant.value, constant.place) == (value, f"{file}:{line}")
    assert differing(open_reference(folder).constants)[name] == value


def test_boost_follows_drop_where_the_file_says_so(tmp_path):
    folder = edited(tmp_path / "theirs", ("drop = 2/3;", "drop = 0.5;"))
    assert differing(open_reference(folder).constants) == {"drop": 0.5}


def test_a_fixed_boost_is_told_beside_another_drop():
    sources = {"nnet_train_2.m": "drop = 0.5;\nboost = 1.5;"}
    assert differing(read_constants(sources)) == {"drop": 0.5, "boost": 1.5}


def test_what_is_not_found_is_assumed_to_be_published():
    constant = read_constants({"nnet_train_2.m": "x = 1;"})["tolerance"]
    assert (constant.value, constant.place) == (published("tolerance"), NOT_FOUND)


def test_commented_and_quoted_assignments_do_not_count():
    sources = {"nnet_train_2.m": "%initlambda = 1;\nsay('initlambda = 2');\ninitlambda = 45;"}
    assert str(read_constants(sources)["initlambda"]) == "45 (nnet_train_2.m:3)"


def test_two_values_of_one_constant_are_remarked():
    place = read_constants({"nnet_train_2.m": "drop = 2/3;\ndrop = 0.9;"})["drop"].place
    assert place == "nnet_train_2.m:2, assigned more than once"


@pytest.mark.parametrize("expression", ["f(3)", "x + 1", "'a'", "2 +", "1/0", "[1 2]"])
def test_only_arithmetic_on_numbers_is_evaluated(expression):
    assert evaluate(expression, {}) is None


def test_the_published_constants_are_the_defaults_of_the_legacy_call():
    defaults = {name: each.default for name, each in signature(nnet_train).parameters.items()}
    constants = open_reference(ONE_FILE).constants
    assert {name: published(name) for name in constants if name != "boost"} == {
        name: defaults[name] for name in constants if name != "boost"
    }
    assert (defaults["boost"], published("boost")) == (None, 1 / published("drop"))


def test_an_edited_constant_is_told_beside_the_published_one():
    told = in_words(read_constants({"nnet_train_2.m": "drop = 2/3;\nif rho > 0.7 "}))
    assert told["rho_high"] == "0.7 (published 0.75) (nnet_train_2.m:2)"
    assert told["drop"] == "0.666667 (nnet_train_2.m:1)"
