"""The laws of a log: all real logs obey them, and an altered figure breaks one."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hf_matlab_compat.matlab.logs.audit import COVERAGE, audit, audit_log
from hf_matlab_compat.matlab.logs.laws import Law, recording_grid
from hf_matlab_compat.matlab.logs.lines import EPOCH_FIGURES
from hf_matlab_compat.matlab.logs.num2str import half_unit
from hf_matlab_compat.matlab.logs.parser import LoggedRun, parse_log
from tests.cases import UNITS, loadmat
from tests.matlab.logs.logged_runs import GOLDENS, RECORDED, altered, curves_run, recorded_run

RUNS = {"curves": curves_run(), **{path.stem: recorded_run(path) for path in RECORDED}}
ALWAYS_NOTICED = ("epoch", "cg_steps", "total_cg_steps", "reductions", "rate", "lam")
DIFFERENCE = ("error", "test_error", "error_difference")
CLASS_RUN = RUNS["log_class_softmax_long"]


def laws(run: LoggedRun) -> set[Law]:
    return {finding.law for finding in audit(run)}


@pytest.mark.parametrize("name", RUNS)
def test_every_real_log_obeys_all_laws(name: str) -> None:
    assert audit(RUNS[name]) == []


@pytest.mark.parametrize("name", UNITS)
def test_every_recorded_resumed_run_obeys_all_laws(name: str) -> None:
    for precision in ("single", "double"):
        text = loadmat(GOLDENS / "units" / f"rec_{name}_{precision}.mat")["log"].item()
        (run,) = parse_log(str(text))
        assert laws(run) <= {Law.WHOLE}  # the published program crashed in some, which their logs show


@given(st.data())
def test_an_altered_figure_that_a_law_covers_is_found(data: st.DataObject) -> None:
    run = RUNS[data.draw(st.sampled_from(sorted(RUNS)))]
    epoch = data.draw(st.integers(1, len(run.epochs)))
    figure = data.draw(st.sampled_from(ALWAYS_NOTICED))
    value = float(run.epochs[figure][epoch - 1])
    whole = EPOCH_FIGURES[figure].kind == "i" or figure == "reductions"
    unit = 1.0 if whole else 2 * (half_unit(value) or half_unit(value + 0.5))
    change = data.draw(st.sampled_from([-1, 1])) * data.draw(st.integers(1, 10**4)) * unit
    assert audit(altered(run, epoch, figure, value + change)), (figure, epoch, value, change)


@given(st.data())
def test_an_altered_error_is_found_beyond_the_digits_of_the_other_two(data: st.DataObject) -> None:
    run = RUNS[data.draw(st.sampled_from(sorted(RUNS)))]
    epoch = data.draw(st.integers(1, len(run.epochs)))
    figure = data.draw(st.sampled_from(DIFFERENCE))
    room = sum(half_unit(float(run.epochs[name][epoch - 1])) for name in DIFFERENCE)
    value = float(run.epochs[figure][epoch - 1])
    change = data.draw(st.sampled_from([-1, 1])) * (3 * room + 1e-5) * data.draw(st.floats(1, 1e4))
    assert Law.DIFFERENCE in laws(altered(run, epoch, figure, value + change))


@pytest.mark.parametrize(
    ("figure", "value", "law"),
    [
        ("epoch", 151, Law.EPOCHS),
        ("total_cg_steps", 8, Law.TOTALS),
        ("cg_steps", 251, Law.LIMIT),
        ("chosen_step", 10, Law.CHOSEN),
        ("chosen_step", 41, Law.CHOSEN),
        ("lam", 19.9999, Law.LAMBDA),
        ("rho", 0.5, Law.LAMBDA),
        ("rho", -np.inf, Law.LAMBDA),
        ("rho", np.nan, Law.LAMBDA),
        ("rate", 0.8, Law.RATE),
        ("reductions", np.inf, Law.RATE),
        ("log_likelihood", -1000.0, Law.ASCENT),
        ("error_difference", 5.0, Law.DIFFERENCE),
        ("error", -0.1, Law.ERROR),
    ],
)
def test_each_law_is_broken_by_a_figure_that_cannot_be(figure: str, value: float, law: Law) -> None:
    found = [f for f in audit(altered(recorded_run(), 2, figure, value)) if f.law is law]
    assert len(found) >= 1
    assert str(found[0]).startswith("epoch ")
    assert law.value in str(found[0])


def test_a_share_above_one_is_found() -> None:
    assert Law.ERROR in laws(altered(CLASS_RUN, 5, "error", 1.5))


def test_a_rejected_step_that_moves_the_test_figures_is_found() -> None:
    run = RUNS["log_ae_logistic_long"]
    rejected = altered(altered(run, 150, "rate", 0.0), 150, "reductions", np.inf)
    assert Law.REJECTED in laws(rejected)
    still = rejected
    for name in ("log_likelihood", "test_log_likelihood", "test_error"):
        still = altered(still, 150, name, run.epochs[name][148])
    assert Law.REJECTED not in laws(still)


def test_one_altered_lambda_is_one_finding_and_not_one_for_every_later_epoch() -> None:
    assert len(audit(altered(curves_run(), 100, "lam", 12345.6))) == 1


@pytest.mark.parametrize("figure", ["log_likelihood", "error", "test_log_likelihood", "test_error"])
@pytest.mark.parametrize("change", [-0.01, 0.01])
def test_with_squared_error_any_figure_of_the_likelihood_is_held_against_the_other(figure: str, change: float) -> None:
    run = RUNS["log_ae_tanh_linear_single"]
    value = float(run.epochs[figure][3])
    assert Law.SQUARED in laws(altered(run, 4, figure, value + change))


def test_squared_error_that_the_log_names_needs_no_other_epochs() -> None:
    run = RUNS["log_ae_tanh_linear_single"]
    one = replace(run, epochs=run.epochs[:1], constants={**run.constants, "rms": 1})
    assert audit(one) == []
    assert Law.SQUARED in laws(altered(one, 1, "test_log_likelihood", -1.5))


def test_a_likelihood_that_its_error_does_not_allow_is_found() -> None:
    run = RUNS["log_ae_logistic_single"]
    assert Law.BOUND in laws(altered(run, len(run.epochs), "log_likelihood", -0.5))
    assert Law.BOUND in laws(altered(run, 3, "test_log_likelihood", 33.1))


def test_the_log_s_own_constants_are_the_ones_it_is_held_against() -> None:
    run = recorded_run()
    assert Law.LAMBDA in laws(replace(run, constants={**run.constants, "drop": 0.95}))
    assert Law.LAMBDA in laws(replace(run, constants={**run.constants, "initlambda": 10}))
    assert Law.LAMBDA in laws(replace(run, constants={**run.constants, "rho_high": 0.9}))
    assert Law.RATE in laws(replace(curves_run(), constants={"linesearch_factor": 0.5}))


@pytest.mark.parametrize("threshold", [0.25, 0.75])
def test_a_rho_printed_as_a_threshold_leaves_both_sides_open(threshold: float) -> None:
    kept = recorded_run(GOLDENS / "log_ae_logistic_single.txt")
    kept = replace(kept, epochs=kept.epochs[:1])
    near = altered(kept, 1, "rho", threshold)
    factor = {0.25: 3 / 2, 0.75: 2 / 3}[threshold]
    for lam in (45.0, 45 * factor):
        assert Law.LAMBDA not in laws(altered(near, 1, "lam", lam))
    assert Law.LAMBDA in laws(altered(near, 1, "lam", 45 / factor))


def test_a_rejected_step_with_another_likelihood_is_one_finding() -> None:
    rejected = altered(altered(recorded_run(), 150, "rate", 0.0), 150, "reductions", np.inf)
    fallen = altered(rejected, 150, "log_likelihood", -99.0)
    assert {finding.law for finding in audit(fallen)} == {Law.REJECTED}


def test_a_run_without_damping_has_no_lambda_to_check() -> None:
    run = recorded_run()
    for epoch in range(1, len(run.epochs) + 1):
        run = altered(run, epoch, "lam", np.nan)
    assert audit(run) == []


def test_a_resumed_run_is_checked_from_its_second_epoch_on() -> None:
    run = curves_run()
    later = replace(run, resume_from="a.mat", epochs=run.epochs[120:])
    assert audit(later) == []
    assert Law.TOTALS in laws(altered(later, 2, "total_cg_steps", 7))
    assert Law.LAMBDA in laws(altered(later, 2, "lam", 7))


def test_the_recording_grid_is_the_documented_one() -> None:
    documented = {5, 7, 9, 11, 15, 19, 25, 32, 41, 54, 69, 90, 117, 152, 197, 256}
    assert recording_grid(256) == documented


def test_every_figure_says_which_change_shows() -> None:
    assert set(COVERAGE) == set(EPOCH_FIGURES.names or ())


@pytest.mark.parametrize("figure", [name for name, text in COVERAGE.items() if text == "nothing: no law"])
def test_a_figure_without_a_law_is_not_claimed(figure: str) -> None:
    assert audit(altered(recorded_run(), 3, figure, 77)) == []


@given(st.text(alphabet="epochs: TL,=-+.#0123456789einfaINFNaN\r\n ", max_size=300), st.integers(0, 3000))
def test_any_damage_to_a_log_leaves_it_auditable(noise: str, place: int) -> None:
    text = Path(GOLDENS / "log_ae_logistic_single.txt").read_bytes().decode()
    for run in parse_log(text[:place] + noise + text[place:]):
        assert all(str(finding) for finding in audit(run))


@given(st.integers(0, 3000), st.text(alphabet="0123456789.-+eE#INFaN", min_size=1, max_size=30))
def test_any_replaced_figures_leave_a_log_auditable(place: int, digits: str) -> None:
    text = Path(GOLDENS / "log_ae_logistic_single.txt").read_bytes().decode()
    for run in parse_log(text[:place] + digits + text[place + len(digits) :]):
        audit(run)


TEXT = (GOLDENS / "log_ae_logistic_single.txt").read_bytes().decode().replace("\r\n", "\n")


def changed_after(place: int, old: str, new: str) -> str:
    """The text with the first line from `place` on that begins with `old` replaced; empty for none."""
    start = TEXT.index(f"\n{old}", place) + 1
    end = TEXT.index("\n", start)
    return TEXT[:start] + (new + "\n" if new else "") + TEXT[end + 1 :]


@pytest.mark.parametrize(
    ("line", "put", "law"),
    [
        ("New lambda", "", Law.LINES),
        ("New lambda", "New lambda: 2O", Law.LINES),
        ("CG steps used", "", Law.LINES),
        ("CG steps used", "CG steps used: 13, total is: 99999999999999999999", Law.LINES),
        ("CG steps used", "CG steps used: 13, total is: 0", Law.LINES),
        ("CG steps used", "CG steps used: -13, total is: 40", Law.LINES),
        ("ch magnitude", "ch magnitude : -0.0179", Law.NORM),
        ("ch magnitude", "", Law.LINES),
        ("rho", "rho = ", Law.LINES),
        ("Chose iters", "Chose iters : 7.5", Law.LINES),
        ("epoch: 3", "", Law.LINES),
        ("epoch: 3", "epoch: 3x, Log likelihood: -1, error rate: 2", Law.LINES),
        ("TEST", "", Law.LINES),
        ("Error rate difference", "", Law.LINES),
    ],
)
def test_a_damaged_line_is_found(line: str, put: str, law: Law) -> None:
    (run,) = parse_log(changed_after(TEXT.index("maxiters", TEXT.index("epoch: 2,")), line, put))
    found = [finding for finding in audit(run) if finding.law is law]
    assert found
    assert found[0].epoch == 3


def test_an_epoch_that_is_left_out_is_found() -> None:
    start, end = (TEXT.index("maxiters", TEXT.index(f"epoch: {n},")) for n in (3, 4))
    assert Law.EPOCHS in laws(parse_log(TEXT[:start] + TEXT[end:])[0])
    first, second = TEXT.index("maxiters"), TEXT.index("maxiters", TEXT.index("epoch: 1,"))
    assert Law.EPOCHS in laws(parse_log(TEXT[:first] + TEXT[second:])[0])


def test_a_log_cut_within_an_epoch_is_found_and_a_run_that_was_gone_on_from_is_not() -> None:
    for words in ("ch magnitude", "New lambda", "epoch: 8"):
        cut = TEXT[: TEXT.index(words, TEXT.index("epoch: 7,"))]
        (found,) = audit(parse_log(cut)[0])
        assert (found.epoch, found.law) == (8, Law.WHOLE)
        assert audit_log(parse_log(cut + "\n" + TEXT)) == [[], []]
        assert Law.LINES in laws(parse_log(cut + "\nTotal time: 3.5\n")[0])


def test_lines_that_a_fork_leaves_out_or_words_otherwise_break_no_law() -> None:
    without = "\n".join(line for line in TEXT.split("\n") if not line.startswith("New lambda"))
    assert audit(parse_log(without)[0]) == []
    assert audit(parse_log(TEXT.replace("New lambda: ", "New lambda: about "))[0]) == []
    beginning_lost = TEXT[TEXT.index("epoch: 2,") :]
    assert audit(parse_log(beginning_lost)[0]) == []
    for place in range(TEXT.index("epoch: 2,") + 1, TEXT.index("epoch: 3,") + 1, 7):
        (run,) = parse_log(TEXT[place:])
        assert audit(run) == []
        assert run.epochs["epoch"][0] == 3


def test_a_log_without_a_finished_epoch_is_found_and_a_run_started_again_is_not() -> None:
    cut = TEXT[: TEXT.index("ch magnitude")]
    assert [str(one) for one in audit_log(parse_log(cut))[0]] == [
        "log: expected a finished epoch, got none (a log has a finished epoch)."
    ]
    assert audit_log(parse_log(cut + TEXT)) == [[], []]


def without(pattern: str, text: str = TEXT) -> LoggedRun:
    (run,) = parse_log(re.sub(rf"(?m)^({pattern}).*\n", "", text.replace("\r\n", "\n")))
    return run


@pytest.mark.parametrize(
    "pattern",
    [
        "maxiters|CG steps|ch mag|Chose|rho|Number|New lambda",  # Adam's, of a fork that keeps the last three lines
        "maxiters|CG steps|Chose|rho|Number",  # one that prints a lambda of its own
        "CG steps|Chose|rho",
    ],
)
def test_the_log_of_another_method_does_not_pass(pattern: str) -> None:
    run = without(pattern)
    (found,) = audit(run)
    assert (found.law, found.epoch) == (Law.METHOD, 1)
    assert "the log of another method" in str(found)
    assert {"CG steps used", "Chose iters", "rho"} <= set(run.lines_not_logged())


@pytest.mark.parametrize("pattern", ["CG steps", "rho", "Chose", "CG steps|Chose"])
def test_a_fork_that_words_some_lines_otherwise_passes_and_they_are_named(pattern: str) -> None:
    run = without(pattern)
    assert audit(run) == []
    assert len(run.lines_not_logged()) == pattern.count("|") + 1
    (worded,) = parse_log(
        re.sub(r"CG steps used: (\d+), total is", r"CG steps used: \1, with restarts. Total is", TEXT)
    )
    assert audit(worded) == []
    assert worded.lines_not_logged() == ["CG steps used"]


def test_lines_that_a_run_need_not_have_are_not_missed() -> None:
    assert without("TEST|Error rate").lines_not_logged() == []
    undamped = TEXT.replace("autodamp: 1", "autodamp: 0")
    assert without("New lambda", undamped).lines_not_logged() == []
    assert without("New lambda").lines_not_logged() == ["New lambda"]
    assert without("nothing").lines_not_logged() == []


def test_a_run_of_nothing_but_nan_does_not_pass() -> None:
    words = r"(Log likelihood: |error rate: |rho = |New lambda: |chosen rate: |train\): )"
    text = re.sub(words + r"[-\d.e]+", r"\1NaN", TEXT)
    (run,) = parse_log(text)
    found = [str(finding) for finding in audit(run) if finding.law is Law.NUMBERS]
    assert len(found) == 7
    assert found[0].startswith("epoch 1: expected a ")
    assert any("expected a finite number as log-likelihood, got nan (in 8 of 8 epochs)" in each for each in found)


@pytest.mark.parametrize(("word", "shown"), [("NaN", "nan"), ("-Inf", "-inf"), ("-1.#IND", "nan"), ("-1.#INF", "-inf")])
def test_one_likelihood_that_is_no_number_is_found(word: str, shown: str) -> None:
    (run,) = parse_log(re.sub(r"(epoch: 5, Log likelihood: )[^,]+", rf"\g<1>{word}", TEXT))
    (found,) = [finding for finding in audit(run) if finding.law is Law.NUMBERS]
    assert (found.epoch, found.got) == (5, f"{shown} (in 1 of 8 epochs)")


def test_rho_and_reductions_may_be_no_numbers() -> None:
    assert Law.NUMBERS not in laws(parse_log(re.sub(r"rho = \S+", "rho = NaN", TEXT))[0])
    assert Law.NUMBERS not in laws(parse_log(re.sub(r"reductions : \d+", "reductions : Inf", TEXT))[0])
