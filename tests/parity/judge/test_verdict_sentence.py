"""The sentence of a verdict says what it rests on, and what it leaves out."""

from __future__ import annotations

from dataclasses import replace

from hf_matlab_compat.parity.certificate import Certificate, Verdict
from hf_matlab_compat.parity.constant_marks import AMBIGUOUS, NOT_FOUND
from hf_matlab_compat.parity.run_parity import exit_code
from tests.parity.judge.certificates import line
from tests.parity.judge.golden_recordings import judged, recorded

WITHIN = "every compared quantity is within its bound"


def test_what_was_not_run_is_counted_and_its_stages_named_in_order() -> None:
    left_out = [line(Verdict.NOT_RUN, stage) for stage in ("log", "rho", "rho")]
    assert Certificate(lines=[line(), *left_out]).sentence == f"agrees: {WITHIN}; 3 not run (rho, log)"
    assert Certificate(lines=[line()]).sentence == f"agrees: {WITHIN}"


def test_many_stages_are_cut_short() -> None:
    stages = ("forward", "ll", "err", "grad", "grad2", "Bv", "precon")
    said = Certificate(lines=[line(), *(line(Verdict.NOT_RUN, stage) for stage in stages)]).sentence
    assert said.endswith("; 7 not run (forward, ll, err, grad, grad2, and 2 more stages)")


def test_where_no_decision_was_compared_there_is_no_agreement() -> None:
    lines = [line(stage="grad"), *(line(Verdict.NOT_RUN, s) for s in ("cg_steps", "rho", "rate", "lambda", "params"))]
    certificate = Certificate(lines=lines)
    assert exit_code(certificate) == 2
    assert certificate.sentence.startswith("not run: no decision was compared (cg_steps, rho, rate, lambda, params); 5")
    assert exit_code(Certificate(lines=[*lines, line(stage="rate")])) == 0


def test_kernels_alone_agree_in_kernels_alone() -> None:
    certificate = judged(recorded("class_softmax", "kernels"))
    assert exit_code(certificate) == 0
    words = "agrees in kernels alone, no decision was compared (recorded numbers, 1 epoch): "
    assert certificate.sentence.startswith(words + WITHIN)


def test_constants_that_could_not_be_read_are_counted() -> None:
    constants = {"mingap": f"10 ({NOT_FOUND})", "drop": f"0.5 (f.m:3, {AMBIGUOUS}several)", "inext": "5 (f.m:1)"}
    certificate = Certificate(lines=[line()], constants=constants)
    assert certificate.constants_not_read == ["mingap", "drop"]
    assert certificate.sentence.startswith("agrees, 2 constants not read: ")
    edited = replace(certificate, constants={"rho_high": "0.7 (published 0.75) (f.m:3)", **constants})
    assert edited.verdict_in_words == "agrees, with 1 edited constant, 2 constants not read"
