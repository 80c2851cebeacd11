"""A reference that stops in mid-run: what it had finished is judged, and one line says where it stopped and why."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from hf_matlab_compat.parity.cases import builtin_case
from hf_matlab_compat.parity.certificate import Certificate, Verdict
from hf_matlab_compat.parity.engines import OctaveEngine, RecordedEngine, pack, read_tape
from hf_matlab_compat.parity.engines.reference import OURS
from hf_matlab_compat.parity.judge import judge
from hf_matlab_compat.parity.recording import Recording, Stop, read_recording_file, write_recording_file
from hf_matlab_compat.parity.run_parity import exit_code, run_parity
from tests.octave import live
from tests.parity.engines.test_tape import play
from tests.parity.engines.trainers import SMALL, edited, in_epoch

CRASHING = "k_logistic_rms0_hess_hy1_lam1"
"""The published program crashes in its third epoch: CG bails out at step 5, before anything was recorded."""
EARLIER = "k_linear_rms1_hess_hy1_lam1"
"""There in its second."""
KEPT = "elseif isempty(xs)\n"


def octave_test(function: Any) -> Any:
    for mark in live:
        function = mark(function)
    return function


def as_published(folder: Path) -> Path:
    """`reference_matlab` with the published program's fault: it records nothing and takes the last of nothing."""
    return edited(folder, (KEPT, "elseif false\n"), file="conjgrad_1.m", of=OURS)


def stop_lines(certificate: Certificate) -> list[str]:
    return [line.bound_source for line in certificate.lines if line.bound_source.startswith("the reference stops here")]


@octave_test
@pytest.mark.parametrize("mode", ["lockstep", "free", "kernels"])
def test_the_published_crash_leaves_the_verdict_of_the_epochs_before_it(mode: str, tmp_path: Path) -> None:
    run = run_parity(
        reference=as_published(tmp_path / "theirs"), cases=[CRASHING], modes=[mode], precisions=["double"],
        envelope=False,
    )  # fmt: skip
    assert exit_code(run.certificate) == 0
    (said,) = stop_lines(run.certificate)
    assert "epoch 3: its conjgrad_1 met negative curvature at the step that it would have recorded first" in said
    compared = {line.epoch for line in run.certificate.lines if line.verdict is Verdict.AGREES}
    assert compared == {1, 2}
    continuity = [line for line in run.certificate.lines if "one call of 2 epochs equals 2 resumed" in line.detail]
    assert {line.verdict for line in continuity} == ({Verdict.AGREES} if mode == "lockstep" else set())


@octave_test
def test_kernels_of_the_epoch_that_would_crash_are_seen(tmp_path: Path) -> None:
    engine = OctaveEngine(as_published(tmp_path / "theirs"))
    recording = engine.record(builtin_case(CRASHING), precision="single", mode="kernels", epochs=3)
    certificate = judge([recording])
    assert certificate.verdict is Verdict.AGREES
    assert {line.stage for line in certificate.lines if line.epoch == 3} >= {"grad", "Bv", "precon", "cg_iterates"}
    assert len(stop_lines(certificate)) == 1


@octave_test
def test_a_difference_before_the_crash_is_still_one(tmp_path: Path) -> None:
    folder = as_published(tmp_path / "theirs")
    rule = (folder / "update_damping.m").read_text()
    (folder / "update_damping.m").write_text(rule.replace("lambda*c.drop", "lambda^0.9"))
    run = run_parity(reference=folder, cases=[CRASHING], precisions=["double"], envelope=False)
    assert exit_code(run.certificate) == 1
    assert run.certificate.first_divergence is not None
    assert run.certificate.first_divergence.stage == "lambda"


@octave_test
def test_a_trainer_that_records_nothing_where_ours_does_has_no_known_reason(tmp_path: Path) -> None:
    change = ("x = x0;\n", "x = x0; persistent k, if isempty(k), k = 0; end, k = k + 1;\n")
    folder = edited(tmp_path / "theirs", change, file="conjgrad_1.m", of=OURS)
    text = (folder / "conjgrad_1.m").read_text()
    end = text.rindex("end\n")
    (folder / "conjgrad_1.m").write_text(f"{text[:end]}if k > 3, xs = {{}}; is = []; end\n{text[end:]}")
    recording = OctaveEngine(folder).record(builtin_case(SMALL), precision="double", mode="free", epochs=5)
    assert recording.stop is not None
    assert recording.stop.epoch == 4
    certificate = judge([recording])
    assert certificate.verdict is Verdict.NOT_RUN
    assert "from the same state our CG records step 5" in stop_lines(certificate)[0]


@octave_test
@pytest.mark.parametrize("mode", ["lockstep", "free"])
def test_a_stop_that_nobody_knows_is_judged_up_to_it_and_no_agreement(mode: str, tmp_path: Path) -> None:
    folder = edited(tmp_path / "theirs", in_epoch(3, "error('out of luck')"))
    run = run_parity(reference=folder, cases=[SMALL], modes=[mode], precisions=["double"], envelope=False, epochs=4)
    assert exit_code(run.certificate) == 2
    (said,) = stop_lines(run.certificate)
    assert "epoch 3: out of luck" in said
    assert "the reference stopped in" in run.certificate.sentence
    assert {line.epoch for line in run.certificate.lines if line.verdict is Verdict.AGREES} == {1, 2}


@octave_test
def test_a_tape_with_jobs_that_stopped_judges_the_others(tmp_path: Path) -> None:
    pack(tmp_path / "tape", [builtin_case(CRASHING), builtin_case(SMALL)], precisions=["double"], epochs=3)
    play(tmp_path / "tape", as_published(tmp_path / "theirs"))
    run = run_parity(tape=tmp_path / "tape", envelope=False)
    assert exit_code(run.certificate) == 0
    assert [len(recording.epochs) for recording in run.recordings] == [2, 3]
    (tmp_path / "tape" / "jobs" / f"{SMALL}_double" / "results" / "done.txt").unlink()
    run = run_parity(tape=tmp_path / "tape", envelope=False)
    assert exit_code(run.certificate) == 2
    assert [len(recording.epochs) for recording in run.recordings] == [2, 0]
    assert "was not run to its end" in run.certificate.lines[-1].bound_source
    assert [len(recording.epochs) for recording in read_tape(tmp_path / "tape")] == [2, 0]


@octave_test
def test_members_that_crash_an_epoch_earlier_count_as_far_as_they_came(tmp_path: Path) -> None:
    engine = OctaveEngine(as_published(tmp_path / "theirs"), cache=tmp_path, members=2)
    plain = engine.record(builtin_case(EARLIER), precision="double", mode="lockstep", epochs=2)
    assert len(plain.epochs) == 1
    crashed = replace(plain, epochs=[*plain.epochs, replace(plain.epochs[0], **after(plain.stop))])
    assert {epoch for epoch, _ in engine.with_envelope(crashed).envelope} == {1}


def after(stop: Stop | None) -> dict[str, Any]:
    assert stop is not None
    return {"epoch": stop.epoch, "theta": stop.theta, "start": stop.start, "lam": stop.lam}


@pytest.mark.parametrize("precision", ["double", "single"])
def test_recorded_numbers_say_where_the_published_program_stopped(precision: str) -> None:
    recording = recorded(CRASHING, precision)
    certificate = judge([recording])
    assert certificate.verdict is Verdict.AGREES
    assert "crashes in epoch 3" in stop_lines(certificate)[0]
    assert recorded(SMALL, precision).stop is None


def test_a_stop_by_underflow_is_a_known_one() -> None:
    recording = recorded(SMALL, "single")
    stopped = replace(recording, stop=Stop(epoch=6, reason="r'y underflows to 0", cause="underflow"))
    assert judge([stopped]).verdict is judge([recording]).verdict is Verdict.AGREES
    unknown = replace(recording, stop=Stop(epoch=6, reason="r'y underflows to 0"))
    assert judge([unknown]).verdict is Verdict.NOT_RUN


def recorded(name: str, precision: str) -> Recording:
    return RecordedEngine().record(builtin_case(name), precision=precision, mode="free", epochs=5)


def test_a_stop_is_kept_in_the_file_of_a_recording(tmp_path: Path) -> None:
    recording = recorded(CRASHING, "double")
    write_recording_file(tmp_path / "r.npz", recording, {})
    assert read_recording_file(tmp_path / "r.npz")[0].stop == recording.stop
