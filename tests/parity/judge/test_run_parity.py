"""The whole comparison in one call, and what its exit code says."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from hf_matlab_compat.errors import OptionError, ParityError
from hf_matlab_compat.parity import cases, runs
from hf_matlab_compat.parity import run_parity as running
from hf_matlab_compat.parity.certificate import Certificate, Verdict
from hf_matlab_compat.parity.divergence import divergence_screen
from hf_matlab_compat.parity.engines import RecordedEngine
from hf_matlab_compat.parity.run_parity import exit_code, run_parity
from tests.parity.judge.certificates import line


class WrongEngine(RecordedEngine):
    """Recorded numbers, of which lambda is another."""

    def record(self, *arguments: Any, **keywords: Any) -> Any:
        recording = super().record(*arguments, **keywords)
        first = recording.epochs[0]
        wrong = replace(first, figures={**first.figures, "lam": 1.0})
        return replace(recording, epochs=[wrong, *recording.epochs[1:]])


def test_a_run_against_recorded_numbers_agrees() -> None:
    said: list[str] = []
    run = run_parity(engine="recorded", cases=["class_softmax"], epochs=1, say=said.append)
    assert exit_code(run.certificate) == 0
    assert {(r.mode, r.precision) for r in run.recordings} == {
        ("lockstep", precision) for precision in ("double", "single")
    }
    assert said[0] == "1 of 2: recorded: class_softmax, double, lockstep"
    assert said[-1] == "judging class_softmax, single, lockstep (2 of 2)"


def test_a_difference_is_kept_in_the_file_that_was_named(tmp_path: Path) -> None:
    kept = tmp_path / "first.npz"
    run = run_parity(
        engine=WrongEngine(),
        cases=["class_softmax"],
        modes=["lockstep"],
        precisions=["double"],
        epochs=1,
        divergence_file=kept,
    )
    assert exit_code(run.certificate) == 1
    assert run.certificate.first_divergence is not None
    assert run.certificate.first_divergence.stage == "lambda"
    assert str(kept) in run.script
    assert kept.exists()


def test_without_a_measured_envelope_bounds_name_none() -> None:
    run = run_parity(engine="recorded", cases=["ae_hess"], modes=["kernels"], precisions=["double"], envelope=False)
    assert not [line for line in run.certificate.lines if "(reference)" in line.bound_source]
    assert exit_code(run.certificate) == 0


@pytest.mark.parametrize(
    ("verdicts", "code"),
    [
        ([Verdict.AGREES, Verdict.NOT_RUN], 0),
        ([Verdict.TIE], 0),
        ([Verdict.AGREES, Verdict.DIFFERS], 1),
        ([Verdict.NOT_RUN], 2),
        ([], 2),
    ],
)
def test_the_exit_code_says_agrees_differs_or_could_not_run(verdicts: list[Verdict], code: int) -> None:
    assert exit_code(Certificate(lines=[line(verdict) for verdict in verdicts])) == code


@pytest.mark.parametrize(
    "keywords",
    [
        {"modes": ["fast"]},
        {"precisions": []},
        {"stages": ["guess"]},
        {"engine": "abacus"},
        {"epochs": 0},
        {"backend": "abacus"},
        *({"timeout": t} for t in (0.0, -1.0, math.nan, math.inf)),
    ],
)
def test_an_argument_that_means_nothing_is_refused_before_anything_runs(
    keywords: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(running, "_recorded", None)  # what runs the reference
    with pytest.raises(OptionError, match=next(iter(keywords))):
        run_parity(**keywords)


def test_recorded_numbers_are_of_no_folder() -> None:
    with pytest.raises(OptionError, match="octave"):
        run_parity(engine="recorded", reference="somewhere")


def test_an_unknown_case_is_refused_with_those_that_there_are() -> None:
    with pytest.raises(ParityError, match="ae_logistic"):
        run_parity(engine="recorded", cases=["no_such_case"])


def test_without_octave_a_named_reference_cannot_be_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running, "octave_available", lambda: "no octave-cli on the path")
    with pytest.raises(ParityError, match="no octave-cli"):
        run_parity(reference="somewhere")
    assert isinstance(running._engine("auto", None, 1.0), RecordedEngine)


def test_all_stands_for_every_built_in_case() -> None:
    assert len(cases.find_cases(["all"])) == 4 + 19


def test_a_tape_takes_the_place_of_an_engine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    engine = RecordedEngine()
    brought = engine.record(cases.builtin_case("ae_hess"), precision="double", mode="kernels", epochs=1)
    monkeypatch.setattr(running, "read_tape", lambda folder: [brought] if folder == tmp_path else [])
    run = run_parity(tape=tmp_path, envelope=False)
    assert [r.epochs for r in run.recordings] == [brought.epochs]
    assert run.certificate.provenance["envelope"] == "not measured (--no-envelope)"
    assert exit_code(run.certificate) == 0


class Fails(RecordedEngine):
    """Recorded numbers, some of which cannot be had."""

    def __init__(self, *broken: str) -> None:
        super().__init__()
        self.broken = broken

    def record(self, case: Any, **keywords: Any) -> Any:
        if {case.name, keywords["precision"]} & {*self.broken}:
            raise ParityError(f"{case.name}: out of luck.")
        return super().record(case, **keywords)


def test_a_run_that_cannot_be_made_does_not_take_the_others_with_it() -> None:
    certificate = run_parity(engine=Fails("single"), cases=["class_softmax"], epochs=1).certificate
    assert exit_code(certificate) == 2
    [lost] = [line for line in certificate.lines if line.precision == "single"]
    assert (lost.verdict, lost.bound_source) == (Verdict.NOT_RUN, "class_softmax: out of luck.")
    assert certificate.sentence.startswith("not run (recorded numbers, 1 epoch): nothing was compared of class_softmax")
    assert [line for line in certificate.lines if line.precision == "double" and line.verdict is Verdict.AGREES]


def test_where_no_run_can_be_made_the_error_is_raised() -> None:
    with pytest.raises(ParityError, match="out of luck"):
        run_parity(engine=Fails("class_softmax"), cases=["class_softmax"], epochs=1)


def test_a_reference_that_hangs_at_first_is_not_tried_again() -> None:
    said: list[str] = []
    engine = Fails("single", "double")
    engine.timeout = 0.0  # type: ignore[attr-defined]
    with pytest.raises(ParityError, match="out of luck"):
        run_parity(engine=engine, cases=["class_softmax"], say=said.append)
    assert len(said) == 1


def test_thorough_adds_combinations_in_kernels_and_made_cases_where_they_can_run() -> None:
    live, looked_up = asked(extent=["thorough"]), asked(engine=RecordedEngine())
    assert {name for name, mode, *_ in live if mode == "lockstep"} == {*runs.DEFAULT_CASES, *cases.MADE_CASES}
    assert {name for name, mode, *_ in looked_up if mode == "lockstep"} == {*runs.DEFAULT_CASES}
    assert {name for name, mode, *_ in live if mode == "kernels"} == {*runs.KERNEL_CASES}
    free = asked(modes=["free"], extent=["thorough"])
    assert {mode for _, mode, *_ in free} == {"free"}
    assert {*cases.MADE_CASES} <= {case.name for case in runs._named(["all"], Live())}


def test_a_difference_without_a_measured_rounding_is_doubted_first_of_all() -> None:
    run = run_parity(engine=WrongEngine(), cases=["class_softmax"], epochs=1, envelope=False)
    words = "rounding was not measured (--no-envelope): run without that option before you believe this"
    assert run.certificate.sentence.startswith(f"differs (recorded numbers, 1 epoch): {words}")
    title, *rows = divergence_screen(run.certificate).splitlines()
    assert title == "First divergence"
    assert " ".join(" ".join(rows[:2]).split()).startswith(words)
    measured = run_parity(engine=WrongEngine(), cases=["class_softmax"], epochs=1)
    assert "rounding" not in divergence_screen(measured.certificate).partition("How it grew")[0]


def test_recorded_numbers_that_stand_in_for_octave_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running, "octave_available", lambda: "no octave-cli")
    certificate = run_parity(cases=["class_softmax"], epochs=1).certificate
    assert certificate.sentence.startswith("agrees (recorded numbers, 1 epoch; no Octave here): every")
    with pytest.raises(ParityError, match=r"apt install octave.*hf-compat parity pack"):
        run_parity(reference="somewhere")


def test_two_files_of_one_name_are_not_taken_for_one_case(tmp_path: Path) -> None:
    case = cases.find_cases(["ae_hess"])[0]
    assert [found.name for found in cases.find_cases(["ae_hess", "ae_hess"])] == ["ae_hess"]
    with pytest.raises(ParityError, match="two called ae_hess"):
        cases.find_cases([case, replace(case)])


class Live(RecordedEngine):
    """Recorded numbers that pass for a reference which can be run on any case."""

    name = "octave"


def asked(**keywords: Any) -> list[tuple[str, str, str, int]]:
    given = {"cases": None, "modes": ["lockstep"], "precisions": ["double", "single"], "extent": ["quick"], **keywords}
    engine = given.pop("engine", Live())
    return [(run.case.name, run.mode, run.precision, run.epochs) for run in runs.planned_runs(engine, **given)]


def test_a_default_run_is_short_and_a_thorough_one_has_every_kind() -> None:
    quick, thorough = asked(), asked(extent=["thorough"])
    assert len(quick) == len(runs.QUICK_CASES) + runs.QUICK_IN_BOTH < len(thorough) / 5
    assert {name for name, *_ in quick} == {*runs.QUICK_CASES}
    assert {*quick} < {*thorough}
    assert asked(engine=RecordedEngine()) == asked(engine=RecordedEngine(), extent=["thorough"])
    assert len(asked(precisions=["single"])) == len(runs.QUICK_CASES)


def test_a_long_run_has_more_epochs_and_other_starts_of_lambda_of_the_cases_that_were_named() -> None:
    found = asked(cases=["class_softmax"], extent=["quick", "long"])
    assert found == [
        ("class_softmax", "lockstep", "double", 12),
        ("class_softmax", "lockstep", "single", 12),
        ("class_softmax, lambda 1e-12", "lockstep", "double", 2),
        ("class_softmax, lambda 1e+12", "lockstep", "double", 2),
    ]
    assert {("ae_logistic", "lockstep", "double", 12), *asked()[2:]} <= {*asked(extent=["quick", "long"])}
    assert ("ae_logistic", "lockstep", "double", 5) not in asked(extent=["quick", "long"])
