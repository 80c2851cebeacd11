"""Constants are read off people's files, with the place where they stand."""

from __future__ import annotations

from inspect import signature
from typing import Any

import pytest

from hf_matlab_compat.legacy.entry_points import nnet_train
from hf_matlab_compat.parity.certificate import AMBIGUOUS, NOT_FOUND, PUBLISHED
from hf_matlab_compat.parity.engines import constants
from hf_matlab_compat.parity.engines.constants import (
    differing,
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
    found = open_reference(ONE_FILE).constants
    assert differing(found) == {}
    assert [name for name, constant in found.items() if constant.place == NOT_FOUND] == []
    assert [name for name, constant in found.items() if AMBIGUOUS in constant.place] == []


def test_published_values_are_found_in_reference_matlab():
    found = open_reference(OURS).constants
    assert differing(found) == {}
    assert [name for name, constant in found.items() if constant.place == NOT_FOUND] == []
    assert [name for name, constant in found.items() if AMBIGUOUS in constant.place] == []


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


def constant(name: str, *lines: str):
    return read_constants({"nnet_train_2.m": "\n".join([*lines, "use(drop, boost, maxiters, initlambda);"])})[name]


def test_a_fixed_boost_is_told_beside_another_drop():
    sources = {"nnet_train_2.m": "drop = 0.5;\nboost = 1.5;\nuse(drop, boost)"}
    assert differing(read_constants(sources)) == {"drop": 0.5, "boost": 1.5}


def test_what_is_not_found_is_assumed_to_be_published():
    found = constant("tolerance", "x = 1;")
    assert (found.value, found.place) == (published("tolerance"), NOT_FOUND)


def test_commented_and_quoted_assignments_do_not_count():
    found = constant("initlambda", "%initlambda = 1;", "say('initlambda = 2');", "initlambda = 45;")
    assert str(found) == "45 (nnet_train_2.m:3)"


def test_of_two_values_in_a_row_the_last_one_counts():
    assert str(constant("drop", "drop = 2/3;", "drop = 0.9;")) == "0.9 (nnet_train_2.m:2)"


def test_a_constant_that_nothing_uses_is_not_found():
    assert constant("tolerance", "tolerance = 1e-5;").place == NOT_FOUND


NAMED: dict[str, tuple[tuple[str, ...], float]] = {
    "rho_low": (("lo = 0.3; hi = 1/1.5;", "if rho < lo || isnan(rho)", "elseif rho > hi", "end"), 0.3),
    "rho_high": (("[lo, hi] = deal(0.3, 3/4 - 0.05);", "if rho < lo", "elseif (rho > hi)", "end"), 0.7),
    "precon_exponent": (("expo = 1/2;", "precon = (grad2 + lambda).^expo;"), 0.5),
    "linesearch_factor": (("shrink = 0.5;", "while j < 60, rate = shrink*rate; end"), 0.5),
    "linesearch_max": (("most = 30;", "while j < most, rate = 0.8*rate; end"), 30),
    "checkpoint_every": (("every = 5;", "if mod(epoch, every) == 0, save('x'), end"), 5),
    "maxiters": (("steps = 100;", "steps = steps/2;", "maxiters = steps;"), 50),
}


@pytest.mark.parametrize("name", NAMED)
def test_a_constant_in_a_variable_of_one_value_is_resolved(name):
    lines, value = NAMED[name]
    found = constant(name, *lines)
    assert found.value == pytest.approx(value, rel=1e-15)
    assert AMBIGUOUS not in found.place


@pytest.mark.parametrize(
    "lines",
    [
        ("if rho < lo", "end"),
        ("lo = 0.3;", "for k = 1:n, lo = lo/2; end", "if rho < lo", "end"),
        ("lo = 0.2;", "if fast, lo = 0.3; end", "if rho < lo", "end"),
        ("[lo, hi] = bounds(0.3, 0.7);", "if rho < lo", "end"),
        ("if rho < opts.lo", "end"),
    ],
)
def test_a_variable_without_one_value_is_not_guessed(lines):
    found = constant("rho_low", *lines)
    assert (found.value, found.place[: len(AMBIGUOUS)]) == (0.25, AMBIGUOUS)


def test_a_field_of_a_struct_is_not_the_variable_of_its_name():
    assert str(constant("drop", "drop = 2/3;", "opts.drop = 0.9;")) == "0.666667 (nnet_train_2.m:1)"
    assert str(constant("drop", "opts.drop = 0.9;", "lambda = lambda*opts.drop;")) == "0.9 (nnet_train_2.m:1)"


CONDITIONAL: dict[str, tuple[str, ...]] = {
    "on a line": ("drop = 2/3;", "if fast, drop = 0.9; end"),
    "in a block": ("drop = 2/3;", "for k = 1:3", "if fast(k)", "x = 1;", "drop = 0.9;", "end", "end"),
    "in another branch": ("if fast", "drop = 0.9;", "else", "drop = 2/3;", "end"),
    "switched": ("drop = 2/3;", "switch kind", "case 'fast'", "drop = 0.9;", "end"),
}


@pytest.mark.parametrize("case", CONDITIONAL)
def test_an_assignment_under_an_undecided_condition_is_ambiguous(case):
    lines = CONDITIONAL[case]
    found = constant("drop", *lines)
    line = {text: f"nnet_train_2.m:{at}" for at, text in enumerate(lines, 1) for text in (text, text.strip(";"))}
    other, own = (next(place for text, place in line.items() if word in text) for word in ("2/3", "0.9"))
    assert found.value == published("drop")
    assert found.place.startswith(AMBIGUOUS)
    assert f"0.666667 in {other}" in found.place
    assert f"0.9 in {own}" in found.place
    assert found.place.endswith(": published value assumed")
    told = in_words(read_constants({"nnet_train_2.m": "\n".join([*lines, "use(drop)"])}))["drop"]
    assert AMBIGUOUS in told
    assert PUBLISHED not in told


def test_what_cannot_be_read_is_ambiguous():
    found = constant("maxiters", "maxiters = 250;", "maxiters = min(maxima);")
    where = "nnet_train_2.m:2"
    assert found.place == f"{AMBIGUOUS}a value that cannot be read in {where}: published value assumed"


@pytest.mark.parametrize(
    "lines",
    [
        ("if fast", "x = 1;", "end", "drop = 0.9;"),
        ("drop = 0.9;", "if fast, drop = 0.9; end"),
        ("x = [1 2 ...", "  3];", "for k = 1:3, y = x(end); end", "drop = 0.9;"),
        ("while fast, drop = 0.9; end",),
        ("if ~exist('drop', 'var'), drop = 0.9; end",),
        ("if nargin < 1, drop = 0.9; end",),
    ],
)
def test_what_always_holds_is_not_ambiguous(lines):
    found = constant("drop", *lines)
    assert found.value == 0.9
    assert AMBIGUOUS not in found.place


def test_two_formulas_with_other_values_are_ambiguous():
    loops = ("while j < 60, rate = 0.8*rate; end", "while k < 3, rate = 0.8*rate; end")
    assert AMBIGUOUS in constant("linesearch_max", *loops).place


@pytest.mark.parametrize("expression", ["f(3)", "x + 1", "'a'", "2 +", "1/0", "[1 2]"])
def test_only_arithmetic_on_numbers_is_a_value(expression):
    assert AMBIGUOUS in constant("initlambda", f"initlambda = {expression};").place


def test_without_the_parser_every_constant_says_what_to_install(monkeypatch):
    monkeypatch.setattr(constants, "is_installed", lambda: False)
    found = read_constants({"nnet_train_2.m": "initlambda = 7; lambda = initlambda; % read without a parser"})
    assert {each.place for each in found.values()} == {
        "not found: published value assumed; reading constants needs pip install 'hf_matlab_compat[migrate]'"
    }
    assert differing(found) == {}


def test_a_file_that_cannot_be_read_says_why():
    found = read_constants({"nnet_train_2.m": "drop = 0.9;\0"})["drop"]
    assert found.value == published("drop")
    assert "got a binary file" in found.place


def test_only_files_that_the_trainer_mentions_count():
    trainer = "c = settings(); use(c.drop);"
    setting = "function c = settings()\nc.drop = 0.9;\nend\n"
    sources = {"nnet_train_2.m": trainer, "lib/settings.m": setting, "old.m": "drop = 0.1; use(drop)"}
    assert str(read_constants(sources)["drop"]) == "0.9 (lib/settings.m:2)"


def test_the_published_constants_are_the_defaults_of_the_legacy_call():
    defaults = {name: each.default for name, each in signature(nnet_train).parameters.items()}
    found = open_reference(ONE_FILE).constants
    assert {name: published(name) for name in found if name != "boost"} == {
        name: defaults[name] for name in found if name != "boost"
    }
    assert (defaults["boost"], published("boost")) == (None, 1 / published("drop"))


def test_an_edited_constant_is_told_beside_the_published_one():
    told = in_words(read_constants({"nnet_train_2.m": "drop = 2/3; use(drop)\nif rho > 0.7, end"}))
    assert told["rho_high"] == "0.7 (published 0.75) (nnet_train_2.m:2)"
    assert told["drop"] == "0.666667 (nnet_train_2.m:1)"


def test_a_mask_of_biases_that_is_said_both_ways_is_ambiguous():
    said = "masking out the weight-decay for biases"
    found = constant("decay_biases", f"if m, disp('{said}')", f"else, disp('not {said}'), end")
    assert found.value is True
    assert found.place == f"{AMBIGUOUS}0 in nnet_train_2.m:1 or 1 in nnet_train_2.m:2: published value assumed"
    assert constant("decay_biases", f"disp('{said}')").value is False
