"""Formulas are compared with those of the method: an edit of one is said, another way of writing it is not."""

from __future__ import annotations

from pathlib import Path

import pytest

from hf_matlab_compat.migrate.trainer import read_trainer_text
from hf_matlab_compat.migrate.trainer.formula_rules import UNKNOWN

pytest.importorskip("tree_sitter_matlab")
ONE_FILE = Path(__file__).parents[2] / "parity" / "engines" / "one_file"
TRAINER = (ONE_FILE / "nnet_train_2.m").read_text(encoding="utf-8")
SOLVER = (ONE_FILE / "conjgrad_1.m").read_text(encoding="utf-8")
OF_ITS_OWN = "10 functions are its own: say, sparseparams, weights, packed, forward, through, outputll, gradient, "


def found(text: str, solver: str = SOLVER) -> list[tuple[str, str]]:
    """What is said of a trainer, without its line about functions, and each time the line's own text."""
    report = read_trainer_text(text, solver)
    lines = (text, solver)
    for one in report.unexpressed:
        assert one.text == (lines[one.file].split("\n")[one.line - 1].strip() if one.text else "")
    return [(one.text, one.why) for one in report.unexpressed if not one.why.startswith(OF_ITS_OWN)]


def test_a_trainer_with_functions_of_its_own_has_one_line_for_them() -> None:
    report = read_trainer_text(TRAINER, SOLVER)
    assert [one.why.startswith(OF_ITS_OWN) for one in report.unexpressed] == [True]
    assert report.options == {}


EDITS = [
    ("paramsp = paramsp + rate*p;", "paramsp = 0.9*paramsp + rate*p;", UNKNOWN),
    ("paramsp = paramsp + rate*p;", "paramsp = paramsp + rate*p; paramsp(1:10) = 0;", "a part of paramsp is set alone"),
    ("Bv = Bv - lambda*v;", "Bv = Bv - lambda*grad2.*v;", UNKNOWN),
    ("        Bv = Bv - weightcost*(maskp.*v);\n", "", "weight cost in the curvature products"),
    ("        if autodamp, Bv = Bv - lambda*v; end\n", "", "damping of the curvature products"),
    ("grad = grad/numcases - weightcost*(maskp.*paramsp);", "grad = grad/numcases;", None),
    ("1./(1 + exp(-x))", "1.7159*tanh(2/3*x)", "units called logistic are computed as others"),
    ("case 'tanh', y{layer} = tanh(x);", "case 'tanh', y{layer} = 1./(1 + exp(-x));", "units called tanh"),
    ("case 'linear', y{layer} = x;", "case 'linear', y{layer} = x;\ncase 'relu', y{layer} = max(x, 0);", "'relu'"),
    ("single(indata)", "single(indata + 0.1*randn(size(indata)))", "indata is changed before it is trained on"),
    ("single(outdata)", "single(outdata(:, 1:10))", "outdata is changed before it is trained on"),
    ("%maskp = biasmask();", "maskp = biasmask();", "a mask of the file's own; where it is 0 for biases"),
    ("sum((t - y).^2)", "sum(abs(t - y))", UNKNOWN),
    ("ch = decay*ch;", "ch = min(decay*1.002^epoch, .99)*ch;", UNKNOWN),
    ("ch = decay*ch;", "ch = 0.5*decay*ch;", UNKNOWN),
    ("e = t - y{numlayers};", "e = wts.*(t - y{numlayers});", UNKNOWN),
    ("e = t - y{numlayers};", "e = t - y{numlayers}; e = e.*wts;", UNKNOWN),
    ("if strcmp(layertypes{layer}, 'tanh'), coeff = coeff*0.5; end\n", "\n", "not halved on both sides of tanh units"),
    ("0.5*strcmp(layertypes{layer}, 'tanh')*ones", "0*ones", "biases of tanh units to 0.5"),
    ("if ll > lowll", "if lowll < -1e10", "the end of the walk back"),
    ("if ll > lowll", "if ll < lowll", "the end of the walk back"),
    ("store = @single;", "store = @double;", "activities are stored in double and the work is in single"),
    ("targetchunk = mod(epoch-1, numchunks) + 1;", "targetchunk = mod(epoch, numchunks) + 1;", "chosen otherwise"),
    ("d = d.*(1+y).*(1-y)", "d = d.*(1+y).*(1-y) + 0.01", UNKNOWN),
    ("denom = -0.5*double", "denom = -double", UNKNOWN),
]


@pytest.mark.parametrize(("old", "new", "why"), EDITS, ids=lambda piece: str(piece)[:40])
def test_an_edited_formula_is_said(old: str, new: str, why: str | None) -> None:
    assert old in TRAINER
    said = found(TRAINER.replace(old, new))
    assert any((why or "the weight cost in the gradient") in each for _, each in said), said


SOLVER_EDITS = [("x = x + alpha*p;", "x = x + 0.9*alpha*p;"), ("val = 0.5*double((-b + r)'*x);", "val = norm(r)^2;")]


@pytest.mark.parametrize(("old", "new"), SOLVER_EDITS)
def test_an_edited_formula_of_the_solver_is_said(old: str, new: str) -> None:
    assert old in SOLVER
    assert [each for _, each in found(TRAINER, SOLVER.replace(old, new))] == [UNKNOWN]


SAME = [
    ("paramsp = paramsp + rate*p;", "paramsp = conv(rate)*p + paramsp;"),
    ("Bv = Bv - lambda*v;", "Bv = -conv(lambda).*v + Bv;"),
    ("1./(1 + exp(-x))", "(exp(-x) + 1).^(-1)"),
    ("sum((t - y).^2)", "sum((y - t).^2)"),
    ("d = d.*y.*(1-y)", "d = (1 - y).*d.*y"),
    ("if ll > lowll", "if (lowll < ll)"),
    ("if ll > lowll", "if strcmp(layertypes{1}, 'linear'), q = 1; else, q = tanh(ll); end\n        if ll > lowll"),
    ("Bv = Bv - weightcost*(maskp.*v);", "Bv = Bv - weightcost*maskp.*v;"),
    ("coeff = coeff*0.5;", "coeff = coeff/2;"),
    ("e = 2*e;", "e = e.*2;"),
    ("lambda = lambda*boost;", "lambda = boost*lambda;"),
]


@pytest.mark.parametrize(("old", "new"), SAME, ids=lambda piece: str(piece)[:40])
def test_another_way_of_writing_a_formula_is_not_said(old: str, new: str) -> None:
    assert old in TRAINER
    assert found(TRAINER.replace(old, new)) == []


def test_a_start_of_lambda_that_is_computed_is_the_option_it_gives() -> None:
    report = read_trainer_text(TRAINER.replace("lambda = initlambda;", "lambda = initlambda*2;"), SOLVER)
    assert report.legacy_options == {"initlambda": 90.0}


def test_what_was_looked_for_and_what_was_not_compared_is_said() -> None:
    first, second = read_trainer_text(TRAINER, SOLVER).in_words()
    assert first.startswith("23 constants were looked for and found as published: ")
    assert "initlambda" in first
    assert "linesearch_c" in first
    assert "formulas were not compared" in second
    assert "--original FILE" in second
    assert "hf-compat parity --reference DIR" in second
    edited = read_trainer_text(TRAINER.replace("initlambda = 45", "initlambda = 1"), SOLVER, original=[TRAINER, SOLVER])
    assert "initlambda" not in edited.in_words()[0]
    assert edited.in_words()[1] == "every statement was compared with the unedited copy"
