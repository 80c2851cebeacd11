"""Harmless rewrites of a trainer, in Octave: other words for the same formulas are never flagged."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from hf_matlab_compat.parity.cases import builtin_case, made_case
from hf_matlab_compat.parity.certificate import Verdict
from hf_matlab_compat.parity.engines import OctaveEngine
from hf_matlab_compat.parity.engines.reference import OURS
from hf_matlab_compat.parity.judge import judge
from tests.octave import live
from tests.parity.engines.trainers import ONE_FILE, SMALL, edited

pytestmark = live

PRECISIONS = ("double", "single")
"""In turn: every other rewrite in one of them, and kinds of rewrites in one on either case."""

REWRITES = {
    "repmat of the biases": ("forward_pass.m", "W{i}*below + b{i}", "W{i}*below + repmat(b{i}, 1, size(below, 2))"),
    "bsxfun": ("forward_pass.m", "W{i}*below + b{i}", "bsxfun(@plus, W{i}*below, b{i})"),
    "logistic through tanh": ("unit_output.m", "1./(1 + exp(-x))", "0.5*(1 + tanh(0.5*x))"),
    "slope as y - y^2": ("jacobian_product.m", "v.*y.*(1 - y)", "v.*(y - y.*y)"),
    "biases summed by a product": ("weight_products.m", "sum(e{i}, 2)", "e{i}*ones(size(e{i}, 2), 1, class(e{i}))"),
    "cases summed from the last": (
        "weight_products.m",
        "gW{i} = e{i}*below';",
        "gW{i} = fliplr(e{i})*fliplr(below)';",
    ),
    "lambda by the other constant": ("update_damping.m", "lambda*c.drop", "lambda/c.boost"),
    "boost by the other constant": ("update_damping.m", "lambda*c.boost", "lambda/c.drop"),
    "power of a square root": ("preconditioner.m", "^c.preconditioner_exponent", "^(2*c.preconditioner_exponent/2)"),
    "a dot product as a sum": ("conjgrad_1.m", "delta = r'*y;\nfor", "delta = sum(r.*y);\nfor"),
    "squared norm": ("output_loglikelihood.m", "-sum(sum((t - yL).^2))", "-norm(t - yL, 'fro')^2"),
    "a print more": ("nnet_train_2.m", "    tic\n", "    tic\n    disp('an epoch begins');\n"),
    "a divisor as a factor": ("product_per_case.m", "total/numcases", "total*(1/numcases)"),
    "room for the records": (
        "nnet_train_2.m",
        "    llrecord = [];\n    errrecord = [];",
        "    llrecord = zeros(maxepoch, 2);\n    errrecord = zeros(maxepoch, 2);",
    ),
    "factors the other way round": ("line_search.m", "c.linesearch_factor*rate", "rate*c.linesearch_factor"),
}


def every_text(folder: Path, change: Callable[[str], str]) -> None:
    for path in folder.glob("*.m"):
        path.write_bytes(change(path.read_bytes().decode()).encode())


def put(folder: Path, changes: dict[str, list[tuple[str, str]]]) -> None:
    for file, pairs in changes.items():
        text = (folder / file).read_text()
        for old, new in pairs:
            assert old in text
            text = text.replace(old, new)
        (folder / file).write_text(text)


def carriage_returns(folder: Path) -> None:
    every_text(folder, lambda text: text.replace("\n", "\r\n"))


def locals_renamed(folder: Path) -> None:
    names = re.compile(r"\b(columns|below|total|testgap|deltaold|alpha|delta|prevval|xs|pAp|reductions|denom)\b(?!')")
    for name in ("conjgrad_1.m", "computeGV.m", "computeLL.m", "computeGradient.m", "forward_pass.m", "line_search.m"):
        rows = (folder / name).read_text().splitlines(keepends=True)
        told = (row if row.lstrip().startswith("%") else names.sub(r"its_\1", row) for row in rows)
        (folder / name).write_text("".join(told).replace("c.its_", "c."))


def functions_without_end(folder: Path) -> None:
    def ended(function: str) -> str:
        head, _, rest = function.rpartition("\nend\n")
        return f"{head}\n{rest}"

    every_text(folder, lambda text: "".join(map(ended, re.split(r"(?m)^(?=function\b)", text)[1:])))


def one_file_of_local_functions(folder: Path) -> None:
    others = [path for path in sorted(folder.glob("*.m")) if path.stem not in ("nnet_train_2", "conjgrad_1")]
    trainer = folder / "nnet_train_2.m"
    trainer.write_text("\n\n".join(path.read_text() for path in (trainer, *others)))
    for path in others:
        path.unlink()


def helper_in_a_folder(folder: Path) -> None:
    (folder / "lib").mkdir()
    (folder / "lib" / "times_transposed.m").write_text(
        "function c = times_transposed(a, b)\nc = zeros(size(a, 1), size(b, 1), class(a));\n"
        "for k = 1:size(a, 2)\n    c = c + a(:, k)*b(:, k)';\nend\nend\n"
    )
    put(folder, {
        "weight_products.m": [("e{i}*below'", "times_transposed(e{i}, below)")],
        "nnet_train_2.m": [("if nargin < 23\n", "addpath('lib');\nif nargin < 23\n")],
    })  # fmt: skip


FORMS: dict[str, dict[str, list[tuple[str, str]]]] = {
    "helpers written out, chunks from the last": {
        "computeGV.m": [
            ("chunk_columns(size(in, 2), nchunks, chunk)", "reshape(1:size(in, 2), [], nchunks)(:, chunk)'")
        ],
        "nnet_train_2.m": [
            ("preconditioner(grad2, lambda, net, c)", "(grad2 + net.weightcost*net.maskp + lambda).^0.75")
        ],
        "computeGradient.m": [("for chunk = 1:nchunks", "for chunk = nchunks:-1:1")],
        "computeLL.m": [("for chunk = chunks", "for chunk = fliplr(chunks)")],
    },
    "likelihoods summed by rows": {
        "output_loglikelihood.m": [
            ("-sum(sum((t - yL).^2))", "-sum(sum((t - yL).^2, 2))"),
            ("sum(sum(t.*log(yL)))", "sum(t(:).*log(yL(:)))"),
            (
                "sum(sum(xL.*(t - (xL >= 0)) - log(1 + exp(xL - 2*xL.*(xL >= 0)))))",
                "sum(sum(xL.*t - max(xL, 0) - log1p(exp(-abs(xL))), 2))",
            ),
        ],
    },
    "units in other forms": {
        "unit_output.m": [
            ("1./(1 + exp(-x))", "exp(x)./(1 + exp(x))"),
            ("y = tanh(x)", "y = 2./(1 + exp(-2*x)) - 1"),
            ("exp(x - max(x, [], 1))", "exp(x)"),
        ],
    },
    "CG, rho and the rate in other forms": {
        "conjgrad_1.m": [
            ("alpha = delta/pAp", "alpha = (r'*y)/pAp"),
            ("0.5*double((-b + r)'*x)", "0.5*double(r'*x) - 0.5*double(b'*x)"),
            ("p = -y + (delta/deltaold)*p", "p = (delta/deltaold)*p - y"),
        ],
        "nnet_train_2.m": [("conjgrad_1(@(v) -B(v, damping), grad,", "conjgrad_1(@(v) (-1)*B(v, damping), -(-grad),")],
        "reduction_ratio.m": [
            ("-0.5*double(p'*Bp) - double(grad'*p)", "-(0.5*double(Bp'*p) + double(p'*grad))"),
            ("(oldll_chunk - ll_chunk)/denom", "(ll_chunk - oldll_chunk)/-denom"),
        ],
        "line_search.m": [("rate = c.linesearch_factor*rate;", "rate = c.linesearch_factor^(reductions + 1);")],
    },
}
OF_A_FOLDER: dict[str, Callable[[Path], None]] = {
    **{name: lambda folder, name=name: put(folder, FORMS[name]) for name in FORMS},
    "carriage returns": carriage_returns,
    "locals renamed": locals_renamed,
    "functions without end": functions_without_end,
    "one file of local functions": one_file_of_local_functions,
    "a helper in a folder of its own": helper_in_a_folder,
}


def not_flagged(folder: Path, case: str, precision: str, cache: Path) -> None:
    engine = OctaveEngine(folder, members=2, cache=cache)
    recording = engine.record(builtin_case(case), precision=precision, mode="lockstep", epochs=2)
    assert judge([recording]).verdict is Verdict.AGREES
    assert judge([engine.with_envelope(recording)]).verdict is Verdict.AGREES


@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize("half", [0, 1])
def test_rewrites_together_are_not_flagged(half: int, precision: str, tmp_path: Path) -> None:
    """Each rewrite is in one of the four trainers; those of one line are in different ones."""
    names = list(REWRITES)[PRECISIONS.index(precision) :: 2][half::2]
    folder = tmp_path / "theirs"
    shutil.copytree(OURS, folder)
    for file, old, new in map(REWRITES.__getitem__, names):
        put(folder, {file: [(old, new)]})
    not_flagged(folder, SMALL, precision, tmp_path)


@pytest.mark.torture
@pytest.mark.parametrize(("at", "name"), list(enumerate(REWRITES)))
def test_a_rewrite_is_not_flagged(at: int, name: str, tmp_path: Path) -> None:
    file, old, new = REWRITES[name]
    folder = edited(tmp_path / "theirs", (old, new), file=file, of=OURS)
    not_flagged(folder, SMALL, PRECISIONS[at % 2], tmp_path)


TOGETHER = {
    ("class_softmax", "double"): ("helpers written out, chunks from the last", "a helper in a folder of its own"),
    ("ae_logistic", "single"): ("CG, rho and the rate in other forms", "units in other forms", "carriage returns"),
    ("class_softmax", "single"): ("likelihoods summed by rows", "functions without end"),
    ("ae_logistic", "double"): ("locals renamed", "likelihoods summed by rows", "one file of local functions"),
}
"""All ways of writing the trainer otherwise, some at a time."""


@pytest.mark.parametrize(("case", "precision"), TOGETHER)
def test_trainers_written_otherwise_are_not_flagged(case: str, precision: str, tmp_path: Path) -> None:
    assert {name for names in TOGETHER.values() for name in names} == set(OF_A_FOLDER)
    folder = tmp_path / "theirs"
    shutil.copytree(OURS, folder)
    for name in TOGETHER[case, precision]:
        OF_A_FOLDER[name](folder)
    not_flagged(folder, case, precision, tmp_path)


@pytest.mark.torture
@pytest.mark.parametrize("case", ["class_softmax", "ae_logistic"])
@pytest.mark.parametrize(("at", "name"), list(enumerate(OF_A_FOLDER)))
def test_a_trainer_written_otherwise_is_not_flagged(at: int, name: str, case: str, tmp_path: Path) -> None:
    folder = tmp_path / "theirs"
    shutil.copytree(OURS, folder)
    OF_A_FOLDER[name](folder)
    not_flagged(folder, case, PRECISIONS[(at // 2 + (case == "ae_logistic")) % 2], tmp_path)


LINE_SEARCH = {
    "the original": ("nnet_train_2.m", "    tic\n", "    tic\n", Verdict.AGREES),
    "a factor that is read": (
        "default_constants.m",
        "linesearch_factor = 0.8",
        "linesearch_factor = 0.7",
        Verdict.AGREES,
    ),
    "a slope that is read": ("default_constants.m", "linesearch_c = 1e-2", "linesearch_c = 0.9", Verdict.AGREES),
    "a slope that stands in its place and is read": (
        "line_search.m",
        "c.linesearch_c*rate*double",
        "0.9*rate*double",
        Verdict.AGREES,
    ),
    "a slope that is not read": (
        "line_search.m",
        "c.linesearch_c*rate*double",
        "max(0.9, rate - 1)*rate*double",
        Verdict.DIFFERS,
    ),
}


@pytest.mark.parametrize("name", LINE_SEARCH)
def test_without_an_envelope_rho_and_the_line_search_are_judged(name: str, tmp_path: Path) -> None:
    *(file, old, new), verdict = LINE_SEARCH[name]
    engine = OctaveEngine(edited(tmp_path / "theirs", (old, new), file=file, of=OURS))
    recording = engine.record(made_case("made_empfish_hy0_blocks"), precision="double", mode="lockstep", epochs=3)
    certificate = judge([recording])
    assert certificate.verdict is verdict
    assert ("1 edited constant" in certificate.verdict_in_words) == name.endswith("is read")


@pytest.mark.slow
@pytest.mark.parametrize("case", ["class_softmax", "ae_logistic"])
def test_a_fork_without_double_is_not_flagged_in_single(case: str, tmp_path: Path) -> None:
    folder = edited(tmp_path / "theirs", ("decay, jacket)", "decay)"), ("if jacket\n", "if false\n"), of=ONE_FILE)
    engine = OctaveEngine(folder, members=2, cache=tmp_path)
    recording = engine.record(builtin_case(case), precision="single", mode="lockstep", epochs=5)
    assert judge([engine.with_envelope(recording)]).verdict is Verdict.AGREES
