"""What no option can express is listed with its lines; what changes nothing is not."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hf_matlab_compat.errors import MigrationError
from hf_matlab_compat.migrate.trainer import read_trainer, read_trainer_text
from tests.migrate.trainer.trainer_text import ARGUMENTS, SOLVER, TRAINER, edited

pytest.importorskip("tree_sitter_matlab")
WHOLE = TRAINER + SOLVER

UNEXPRESSED = [
    ("paramsp, Win, bin, resume", "paramsp, Win, bin, Nin, resume", "extra argument Nin"),
    ("intest, outtest, numchunks_test, lay", "lay", "no test set"),
    ("maxiters = 250", "maxiters = min(250, 10*epoch)", "a value that cannot be read in line 155"),
    ("maxiters = 250;", "maxiters = 250;\nif epoch > 9\n  maxiters = 100;\nend", "250 in line 155 or 100 in line 157"),
    (").^(3/4)", ").^(3/4) + 1e-3", "another preconditioner"),
    (" + maskp*conv(weightcost)).^", ").^", "the preconditioner leaves out weightcost"),
    ("lambda = lambda*drop", "lambda = max(lambda*drop, 1e-4)", "constant multiple of itself"),
    ("targetchunk = mod", "lambda = max(lambda, 0.1);\ntargetchunk = mod", "lambda changes otherwise"),
    ("rate = 1.0", "rate = 0.5", "starts from another rate"),
    ("ll >= oldll + c*rate", "ll >= oldll - c*rate", "asks for another increase"),
    ("'linear' )\n            in", "'relu' )\n            in", "there is no layertypes 'relu'"),
    ("errtype, 'L2'", "errtype, 'MAE'", "there is no errtype 'MAE'"),
    ("'llrecord', 'times' );\n    if", "'llrecord', 'times', 'best' );\n    if", "best is saved too"),
    ("maskb{i}(:) = 0", "\nmaskW{i}(:,1) = 0", "leaves some weights alone"),
    ("oldll = ll;", "oldll = ll;\n    indata = indata + 0.1*randn(size(indata));", "random numbers are drawn"),
    ("    paramsp = paramsp + conv(rate)*p;", "    paramsp = max(min(paramsp + conv(rate)*p, 5), -5);", "max, min"),
    ("    oldll = ll;", "    grad = grad + momentum*oldgrad;\n    oldll = ll;", "momentum, oldgrad"),
    ("    paramsp = tmp;\nend", "    paramsp = tmp;\n    if rho < 0\n        break;\n    end\nend", "stops before"),
    ("autodamp = 1;\ndrop", "thresh = 0.05;\nautodamp = 1;\ndrop", "thresh is a constant of its own"),
    ("function v = vec(A)", "function d = dropout(A)\n d = A;\nend\nfunction v = vec(A)", "the function dropout"),
    ("if pAp <= 0", "if pAp <= 1e-8", "another bound than 0"),
    ("conv = @single", "conv = @double", "rounded to single"),
    ("drop = 2/3", "drop = -1", "no value that an option takes"),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "why"), UNEXPRESSED, ids=lambda piece: str(piece)[:30])
def test_what_no_option_can_express_is_listed_with_its_line(old: str, new: str, why: str) -> None:
    text = edited((old, new))
    found = [one for one in read_trainer_text(text).unexpressed if why in one.why]
    assert found, read_trainer_text(text).unexpressed
    assert found[0].text == text.split("\n")[found[0].line - 1].strip()


REFACTORED = {
    "wider layout": lambda text: re.sub(r"^ +", lambda m: m[0] * 2, text, flags=re.MULTILINE),
    "tabs": lambda text: text.replace("    ", "\t"),
    "carriage returns": lambda text: text.replace("\n", "\r\n"),
    "spaces around": lambda text: re.sub(r"(?<![.'])\*", " * ", text).replace(" = ", "   ="),
    "no comments": lambda text: re.sub(r"(?m)^ *%[^{}\n]*$", "", text),
    "more comments": lambda text: text.replace(";\n", "; % checked\n"),
    "continued lines": lambda text: text.replace(", ceil(maxiters)", ", ...\n        ceil(maxiters)"),
    "other order": lambda text: text.replace("autodamp = 1;\ndrop = 2/3;\n", "drop = 2/3;\nautodamp = 1;\n"),
    "other loop variables": lambda text: re.sub(r"\bi\b", "layer", re.sub(r"\bchunk\b", "k", text)),
    "another epoch variable": lambda text: re.sub(r"\bepoch\b(?!')", "it", text),
    "commas": lambda text: text.replace("ll = 0; err = 0;", "ll = 0, err = 0;"),
    "other numbers": lambda text: text.replace("45.0", "4.5e1").replace("5e-4", "0.0005").replace("10^(-2)", "0.01"),
    "parentheses": lambda text: text.replace("drop = 2/3", "drop = (2)/(3)").replace("rho > 0.75", "(rho) > (0.75)"),
    "functions moved": lambda text: text.replace(vec(), "").replace("maskp = mones", vec() + "maskp = mones"),
}  # fmt: skip


def vec() -> str:
    return "function v = vec(A)\n    v = A(:);\nend\n"


@pytest.mark.parametrize("name", REFACTORED)
def test_a_change_of_form_alone_finds_nothing(name: str) -> None:
    text = REFACTORED[name](WHOLE)
    report = read_trainer_text(text)
    assert text != WHOLE
    assert (report.options, report.unexpressed, report.unread) == ({}, (), ())
    assert {one.option for one in report.implied} == {one.option for one in read_trainer_text(WHOLE).implied}


SAME_WORDS = (
    "wider layout", "tabs", "carriage returns", "no comments", "more comments", "continued lines", "other order",
    "other loop variables", "functions moved",
)  # fmt: skip


@pytest.mark.parametrize("name", SAME_WORDS)
def test_beside_an_unedited_copy_a_change_of_form_alone_finds_nothing(name: str) -> None:
    report = read_trainer_text(REFACTORED[name](WHOLE), original=WHOLE)
    assert (report.unexpressed, report.compared) == ((), True)


def test_beside_an_unedited_copy_every_other_statement_is_found() -> None:
    edits = [("p = ch;", "p = ch/2;"), ("oldll = ll;", "oldll = ll; extra(3);"), ("    miniters = 1;\n", "")]
    report = read_trainer_text(edited(*edits), original=WHOLE)
    found = " / ".join(f"{one.text} {one.why}" for one in report.unexpressed)
    assert "p = ch/2;" in found
    assert "extra(3)" in found
    assert "missing after this line: assignment: miniters = 1" in found


def test_an_edit_that_is_an_option_is_not_listed_beside_the_unedited_copy() -> None:
    report = read_trainer_text(edited(("maxiters = 250", "maxiters = 50")), original=WHOLE)
    assert report.options == {"max_cg_steps": 50}
    assert [one for one in report.unexpressed if one.line > 1] == []


def test_lines_that_are_no_matlab_are_named() -> None:
    report = read_trainer_text(edited(("numcases = size(indata, 2);", "numcases = = size(indata;")))
    assert report.unread
    assert report.options == {}


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "expected a copy of nnet_train_2.m"),
        ("x = 1;\n", "expected a copy of nnet_train_2.m"),
        ("function f(a)\nend\n", "expected a copy of nnet_train_2.m"),
        ("a\0b", "got a binary file"),
        (f"function p = nnet_train_2({ARGUMENTS})\ny_hom2 = 1; conjgrad_1(y_hom2);\nend\n", "Kronecker-factored"),
    ],
)
def test_what_is_no_trainer_is_refused(text: str, sentence: str) -> None:
    with pytest.raises(MigrationError, match=sentence):
        read_trainer_text(text)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(MigrationError, match=r"nowhere\.m: expected a file that can be read, got 'No such file"):
        read_trainer(tmp_path / "nowhere.m")


def read_or_refuse(text: str) -> None:
    try:
        read_trainer_text(text, original=WHOLE)
    except MigrationError as error:
        assert "trainer: expected" in str(error)  # noqa: PT017


@settings(max_examples=30)
@given(st.integers(0, len(WHOLE)), st.text(alphabet="abxyz0189()[]{};,=+-*/^.'\"%@~<>&|:\n ", max_size=40))
def test_any_insertion_is_read_or_refused(place: int, noise: str) -> None:
    read_or_refuse(WHOLE[:place] + noise + WHOLE[place:])


@given(st.integers(0, len(WHOLE)), st.integers(0, len(WHOLE)))
def test_any_piece_of_a_trainer_is_read_or_refused(start: int, length: int) -> None:
    read_or_refuse(WHOLE[start : start + length])


@pytest.mark.parametrize(
    "nested", ["(" * 4000, "a" + "(1" * 3000, "if 1\n" * 2000, "x = " + "-" * 50000 + "1;", "{" * 3000]
)
def test_deep_nesting_is_read_or_refused(nested: str) -> None:
    read_or_refuse(WHOLE + nested)
    read_or_refuse(nested + WHOLE)
    read_or_refuse(WHOLE.replace("maxiters = 250", "maxiters = " + nested))


ONE_CONSTANT = [
    ("p.initlambda = 45.0; initlambda = p.initlambda*2;", {"initial_lam": 90.0}),
    ("initlambda = 45; initlambda = initlambda*2;", {"initial_lam": 90.0}),
    ("initlambda = 45; p.initlambda = 90; initlambda = p.initlambda;", {"initial_lam": 90.0}),
    ("scale = 1;\nscale = 2;\ninitlambda = 45*scale;", {"initial_lam": 90.0}),
    ("scale = 1;\nif jacket\n  scale = 2;\nend\ninitlambda = 45*scale;", {}),
    ("initlambda = 45;\nif maxepoch > 3\n  initlambda = 90;\nend", {}),
    ("initlambda = 45;\nfor k = 1:3\n  initlambda = initlambda*1.5;\nend", {"initial_lam": 151.875}),
    ("initlambda = 45; initlambda(1) = 90;", {"initial_lam": 90.0}),
    ("initlambda = 45; initlambda = max(initlambda, 90);", {"initial_lam": 90.0}),
    ("q.initlambda = 45; initlambda = r.initlambda*2;", {}),
    ("[initlambda, z] = deal(90, 3);", {"initial_lam": 90.0}),
]


@pytest.mark.parametrize(("line", "options"), ONE_CONSTANT)
def test_a_constant_that_is_given_twice_is_its_last_value_or_not_read(line: str, options: dict[str, float]) -> None:
    report = read_trainer_text(edited(("initlambda = 45.0;", line)))
    assert report.options == options
    assert "initlambda" not in report.as_published
    assert options or any("initlambda" in one.why for one in report.unexpressed)


PORT = [
    ("@gones", "@(varargin) gpuArray.ones(varargin{:}, 'single')"),
    ("@gzeros", "@(varargin) gpuArray.zeros(varargin{:}, 'single')"),
    ("@gsingle", "@(x) gpuArray(single(x))"),
    ("if jacket\n", "useGPU = gpuDeviceCount > 0;\nif jacket && useGPU\n"),
    ("layersizes = [size(indata", "indata = gpuArray(indata);\nlayersizes = [size(indata"),
    ("    oldll = ll;", "    oldll = gather(ll);\n    wait(gpuDevice);"),
    ("    iters = iterses(end);", "    iters = iterses(end);\n    dev = gpuDevice();\n    reset(dev);"),
    ("function v = vec(A)", "function x = to_host(x)\n  x = gather(x);\nend\n\nfunction v = vec(A)"),
]


def test_a_port_to_gpu_arrays_has_no_findings_beside_the_unedited_copy_or_without_it() -> None:
    text = edited(*PORT)
    for original in (None, WHOLE):
        report = read_trainer_text(text, original=original)
        assert (report.options, report.unexpressed, report.gpu) == ({}, (), "gpuArray")
    other = edited(*PORT, ("oldll = gather(ll)", "oldll = gather(ll + 1)"), text=WHOLE)
    assert [one.text for one in read_trainer_text(other, original=WHOLE).unexpressed][-1] == "oldll = gather(ll + 1);"


def test_a_port_that_makes_doubles_is_told_of_beside_the_unedited_copy() -> None:
    text = edited(("@gones", "@(n, m) ones(n, m, 'gpuArray')"))
    assert "@(n, m) ones(n, m, 'gpuArray')" in read_trainer_text(text, original=WHOLE).unexpressed[0].text


def test_what_the_unedited_copy_has_more_is_told_of_where_it_would_stand() -> None:
    report = read_trainer_text(edited(("    oldll = ll;\n", "")), original=WHOLE)
    (one,) = report.unexpressed
    assert one.text == "grad2 = grad2 / conv(numcases);"
    assert edited(("    oldll = ll;\n", "")).split("\n")[one.line - 1].strip() == one.text
    assert one.why == "a statement of the unedited copy is missing after this line: assignment: oldll = ll"
