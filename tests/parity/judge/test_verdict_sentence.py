"""The sentence of a verdict says what it rests on, and what it leaves out."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest

from hf_matlab_compat.parity.certificate import (
    AMBIGUOUS,
    LACKS,
    NOT_FOUND,
    START_OF_CG,
    TARGET_CHUNK,
    Certificate,
    Verdict,
    place_stage,
)
from hf_matlab_compat.parity.recording import REFUSED
from hf_matlab_compat.parity.run_parity import exit_code
from hf_matlab_compat.parity.stages import ANOTHER_CHUNK, STAGE_WORDS, STAGES
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


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        (
            {"stage": "grad", "detail": "training cases", "distance": 4.9e-3, "bound": 5e-15},
            "the gradient (training cases) is 4.9e-03 apart in epoch 1 of a <b> & 'c', double, "
            "where 5.0e-15 is allowed",
        ),
        (
            {
                "stage": "cg_steps",
                "ours": "9",
                "reference": "11",
                "distance": 0.2,
                "bound": 0.0,
                "bound_source": "exact",
            },
            "the number of CG steps is 9 here and 11 there, in epoch 1 of a <b> & 'c', double",
        ),
        (
            {
                "stage": "log",
                "ours": "",
                "reference": "",
                "distance": math.inf,
                "bound_source": "the reference lacks it",
            },
            "the log differs in epoch 1 of a <b> & 'c', double: the reference lacks it",
        ),
        (
            {
                "stage": "params",
                "ours": "norm 1.0",
                "reference": "norm 2.0",
                "distance": math.inf,
                "bound_source": "exact",
            },
            "the result of the epoch differs in epoch 1 of a <b> & 'c', double",
        ),
    ],
)
def test_a_difference_is_told_in_the_sentence_of_the_verdict(fields: dict[str, Any], said: str) -> None:
    certificate = Certificate(lines=[line(), line(Verdict.DIFFERS, **fields)])
    assert certificate.sentence == f"differs: {said}"
    place = "nnet_train_2.m:412: grad = grad/numcases"
    found = replace(certificate, place=place, lines=[*certificate.lines, line(Verdict.DIFFERS, stage="entry")])
    done = "logged" if fields["stage"] == "log" else "computed"
    assert found.sentence == f"differs: {said} ({done} in nnet_train_2.m:412); 1 more comparison differs"


def test_every_stage_has_words() -> None:
    assert list(STAGE_WORDS) == list(STAGES)


@pytest.mark.parametrize(
    ("detail", "stage"),
    [("ll after the step", "ll"), ("test err", "err"), ("norm of d", "cg_iterates"), ("theta", "params")],
)
def test_a_figure_after_the_step_is_computed_where_its_kernel_is(detail: str, stage: str) -> None:
    assert place_stage(line(stage="params", detail=detail)) == stage


def test_a_precision_that_cannot_be_had_leaves_the_verdict_to_the_other() -> None:
    reason = f"c: double precision {REFUSED}: it has no jacket."
    refused = line(Verdict.NOT_RUN, "forward", bound_source=reason)
    single = line(precision="single")
    certificate = Certificate(lines=[refused, single])
    assert exit_code(certificate) == 0
    assert certificate.sentence.startswith(f"agrees in single precision alone, double {REFUSED}: {WITHIN}")
    differs = Certificate(lines=[refused, line(Verdict.DIFFERS, precision="single")])
    assert exit_code(differs) == 1
    assert differs.verdict_in_words == f"differs in single precision alone, double {REFUSED}"
    assert exit_code(Certificate(lines=[refused])) == 2
    lost = line(Verdict.NOT_RUN, "forward", precision="single", case="b", bound_source="b: out of luck.")
    assert exit_code(Certificate(lines=[refused, single, lost])) == 2


def test_what_was_not_compared_says_why() -> None:
    lost = line(Verdict.NOT_RUN, "forward", bound_source="epoch 2: out of luck.")
    assert Certificate(lines=[lost]).sentence.startswith(
        "not run: nothing was compared of a <b> & 'c' double free numpy (epoch 2: out of luck); "
    )


@pytest.mark.parametrize(
    ("fields", "stage"),
    [
        ({"stage": "cg_iterates", "detail": "start; most in b1"}, START_OF_CG),
        ({"stage": "cg_iterates", "detail": "iterate 5"}, "cg_iterates"),
        ({"stage": "grad", "detail": f"target chunk: equals ours on chunk 2: {ANOTHER_CHUNK}"}, TARGET_CHUNK),
        ({"stage": "rho", "bound_source": f"{LACKS} this quantity"}, "log"),
        ({"stage": "grad", "bound_source": f"{LACKS} this quantity"}, "grad"),
        ({"stage": "rho", "bound_source": "this package lacks this quantity"}, "rho"),
    ],
)
def test_the_place_of_a_difference_is_where_it_arises(fields: dict[str, Any], stage: str) -> None:
    assert place_stage(line(Verdict.DIFFERS, **fields)) == stage


def test_what_is_missing_in_the_log_is_logged_somewhere() -> None:
    lines = [line(Verdict.DIFFERS, "rho", bound_source=f"{LACKS} this quantity")]
    assert Certificate(lines=lines, place="log_step.m:4: x").sentence.endswith("(logged in log_step.m:4)")
