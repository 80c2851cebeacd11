"""A tape is written, played (Octave plays MATLAB) and read back as if it had been run here."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

import hf_matlab_compat
from hf_matlab_compat.errors import ParityError
from hf_matlab_compat.matlab.octave.process import octave_available, run_code
from hf_matlab_compat.parity.cases import builtin_case
from hf_matlab_compat.parity.certificate import Verdict
from hf_matlab_compat.parity.engines import OctaveEngine, pack, read_tape
from hf_matlab_compat.parity.engines.reference import OURS
from hf_matlab_compat.parity.judge import judge
from tests.parity.engines.trainers import ONE_FILE, SMALL, contents, edited, in_epoch

octave_test = pytest.mark.octave


def play(tape: Path, trainer: Path, how: str = "path") -> None:
    """As a user would: the trainer on the path, or the tape's folder inside the trainer's."""
    before = f"addpath('{trainer}');" if how == "path" else ""
    code = f"{before} run('{tape / 'run_me.m'}')"
    run_code(code, tape.parent, timeout=120).checked()


@pytest.fixture(scope="module")
def played(tmp_path_factory) -> Path:
    if missing := octave_available():
        pytest.skip(missing)
    tape = tmp_path_factory.mktemp("there") / "tape"
    pack(tape, [builtin_case(SMALL), builtin_case("class_softmax")], epochs=2)
    play(tape, ONE_FILE)
    return tape


@octave_test
def test_a_tape_brings_back_what_a_live_run_records(played):
    recordings = read_tape(played)
    assert [(r.case.name, r.precision) for r in recordings] == [
        *((name, precision) for name in (SMALL, "class_softmax") for precision in ("double", "single"))
    ]
    for recording in recordings:
        live_run = OctaveEngine(ONE_FILE).record(
            recording.case, precision=recording.precision, mode="lockstep", epochs=2
        )
        for theirs, ours in zip(recording.epochs, live_run.epochs, strict=True):
            np.testing.assert_array_equal(theirs.theta_after, ours.theta_after)
            np.testing.assert_array_equal(theirs.kernels["Bv_undamped"], ours.kernels["Bv_undamped"])
            assert theirs.figures == ours.figures


@octave_test
def test_a_tape_with_a_trainer_that_takes_overrides_is_judged_in_both_precisions(tmp_path):
    pack(tmp_path / "tape", [builtin_case(SMALL)], epochs=1)
    play(tmp_path / "tape", OURS)
    recordings = read_tape(tmp_path / "tape")
    assert [r.provenance["precision route"] for r in recordings] == [
        f"precision = '{precision}' in its 23rd argument" for precision in ("double", "single")
    ]
    assert [r.epochs[0].iterates[0].dtype for r in recordings] == ["float64", "float32"]
    certificate = judge(recordings)
    assert certificate.verdict is Verdict.AGREES
    assert {line.precision for line in certificate.lines if line.verdict is Verdict.AGREES} == {"double", "single"}


@octave_test
def test_a_tape_knows_the_files_that_it_ran(played):
    facts = read_tape(played)[0].provenance
    assert facts["sha256 nnet_train_2.m"] == OctaveEngine(ONE_FILE).reference.hashes["nnet_train_2.m"]
    assert facts["engine"] == "tape"
    assert facts["constant tolerance"] == "0.0005 (conjgrad_1.m:4)"


@octave_test
def test_an_envelope_can_be_measured_for_a_tape(played):
    recording = read_tape(played)[0]
    measured = OctaveEngine(played / "reference", members=2, cache=played / "cache").with_envelope(recording)
    assert measured.envelope[1, "grad"] < 1e-14


@octave_test
def test_a_tape_inside_the_users_folder_writes_to_itself_only(tmp_path):
    folder = edited(tmp_path / "theirs", ("maxiters = 250;", "maxiters = 6;"))
    before = contents(folder)
    pack(folder / "tape", [builtin_case(SMALL)], precisions=["single"], mode="free", epochs=2)
    play(folder / "tape", folder, how="inside")
    recording = read_tape(folder / "tape")[0]
    assert recording.case.constants == {"maxiters": 6, "initlambda": 1.0}
    assert {k: v for k, v in contents(folder).items() if not k.startswith(str(folder / "tape"))} == before


@octave_test
def test_a_trainer_that_fails_on_the_other_machine_is_told(tmp_path):
    folder = edited(tmp_path / "theirs", in_epoch(1, "error('no luck there')"))
    pack(tmp_path / "tape", [builtin_case(SMALL)], precisions=["single"], epochs=2)
    play(tmp_path / "tape", folder)
    with pytest.raises(ParityError, match=f"^{SMALL}_single: epoch 1: no luck there"):
        read_tape(tmp_path / "tape")


@octave_test
def test_a_cut_off_result_is_refused(played, tmp_path):
    copy = tmp_path / "copy"
    shutil.copytree(played, copy)
    (copy / "jobs" / f"{SMALL}_double" / "results" / "epoch_0002.mat").write_bytes(b"MATLAB 5.0 MAT-file")
    cut_off, whole = read_tape(copy)[:2]
    assert ([record.epoch for record in cut_off.epochs], len(whole.epochs)) == ([1], 2)
    assert cut_off.stop is not None
    assert "epoch_0002.mat: cannot be read" in cut_off.stop.reason


def test_a_tape_that_was_not_played_says_so(tmp_path):
    pack(tmp_path / "tape", [builtin_case(SMALL)], epochs=1)
    with pytest.raises(ParityError, match="was not run yet"):
        read_tape(tmp_path / "tape")


@octave_test
def test_a_tape_that_was_broken_off_says_where(played, tmp_path):
    shutil.copytree(played, tmp_path / "tape")
    (tmp_path / "tape" / "jobs" / f"{SMALL}_single" / "results" / "done.txt").unlink()
    _, broken_off, *others = read_tape(tmp_path / "tape")
    assert "was not run to its end" in broken_off.provenance["nothing was recorded"]
    assert [len(recording.epochs) for recording in others] == [2, 2]


@octave_test
def test_a_fork_with_other_arguments_is_named_and_not_judged(tmp_path):
    folder = edited(tmp_path / "theirs", ("weightcost, decay, jacket)", "weightcost, decay, jacket, dropout)"))
    pack(tmp_path / "tape", [builtin_case(SMALL)], precisions=["single"], epochs=1)
    play(tmp_path / "tape", folder)
    with pytest.raises(ParityError, match=r"a fork with 23 arguments .*dropout"):
        read_tape(tmp_path / "tape")


def test_a_tape_is_not_packed_over_other_files(tmp_path):
    (tmp_path / "thesis.tex").write_text("")
    with pytest.raises(ParityError, match="expected a new or empty folder"):
        pack(tmp_path, [builtin_case(SMALL)])


@pytest.mark.parametrize("content", [None, "{", '{"format": 99, "jobs": []}'])
def test_a_folder_that_is_no_tape_is_refused(content, tmp_path):
    if content is not None:
        (tmp_path / "tape.json").write_text(content)
    with pytest.raises(ParityError, match="expected a tape"):
        read_tape(tmp_path)


def test_shims_are_plain_matlab_that_octave_and_matlab_share():
    shims = Path(hf_matlab_compat.__file__).parent / "parity" / "shims"
    text = "\n".join(path.read_text() for path in shims.rglob("*.m"))
    assert not any(word in text for word in ("endfunction", "printf('%s\\n', version", "!=", '"%', "++;", "+= "))
