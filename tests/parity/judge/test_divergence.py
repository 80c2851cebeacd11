"""The screen of the first divergence, and the script that reproduces it."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from hf_matlab_compat.errors import ParityError
from hf_matlab_compat.parity.certificate import Certificate, Line, Verdict
from hf_matlab_compat.parity.divergence import divergence_screen, keep_divergence, reproduce
from hf_matlab_compat.parity.recording import PLACE, Recording, read_recording_file, write_recording_file
from tests.parity.judge.golden_recordings import judged, recorded, two_epochs


def wrong_product() -> Recording:
    """A reference whose damped product is off in the last layer."""
    recording = recorded("ae_logistic")
    record = recording.epochs[0]
    Bv = record.kernels["Bv"].copy()
    Bv[-64:] *= 1.001
    return replace(recording, epochs=[replace(record, kernels={**record.kernels, "Bv": Bv})])


def test_where_nothing_differs_there_is_no_screen_and_no_script(tmp_path: Path) -> None:
    recording = recorded("ae_logistic")
    certificate = judged(recording)
    assert divergence_screen(certificate) == ""
    assert keep_divergence(tmp_path / "none.npz", certificate, [recording]) == ""
    assert not (tmp_path / "none.npz").exists()


def test_the_screen_says_where_by_how_much_and_what_it_hangs_on() -> None:
    certificate = judged(wrong_product())
    line = certificate.first_divergence
    assert line is not None
    screen = divergence_screen(certificate, "import this")
    for words in ("ae_logistic", "double", "epoch 1", "stage Bv", "most in b4", line.ours, line.reference):
        assert words in screen
    assert f"{line.distance:.3g}, bound {line.bound:.3g} ({line.bound_source})" in screen
    assert "Bv takes in: forward (not run), Bv_undamped (agrees)." in screen
    assert "import this" in screen
    assert ".py" not in screen


def test_the_screen_names_the_reference_s_line_and_none_of_this_package() -> None:
    recording = wrong_product()
    told = {**recording.provenance, f"{PLACE}Bv": "nnet_train_2.m:412: Bv = Bv - lambda*v"}
    certificate = judged(replace(recording, provenance=told))
    assert "The reference computes it in nnet_train_2.m:412: Bv = Bv - lambda*v" in divergence_screen(certificate)
    assert "(computed in nnet_train_2.m:412)" in certificate.sentence
    assert not [name for name in certificate.provenance if name.startswith(PLACE)]


def test_the_screen_is_one_screen() -> None:
    rows = divergence_screen(judged(wrong_product()), "a\nb").splitlines()
    assert len(rows) <= 40
    assert max(map(len, rows)) <= 79


def test_the_screen_shows_how_the_difference_grew() -> None:
    shares = [0.1, 0.4, 30.0]
    lines = [
        Line(
            **{"case": "c", "precision": "double", "mode": "lockstep", "backend": "numpy", "epoch": k, "stage": stage},
            distance=share * 1e-9,
            bound=1e-9,
            verdict=Verdict.DIFFERS if share > 1 else Verdict.AGREES,
        )
        for k, share in enumerate(shares, start=1)
        for stage in ("grad", "rho")
    ]
    screen = divergence_screen(Certificate(lines=lines))
    row = next(row.split() for row in screen.splitlines() if row.split()[:1] == ["grad"] and "e" in row.split()[1])
    assert row == ["grad", "1.0e-01", "4.0e-01", "3.0e+01"]


def test_the_script_has_two_lines_and_reproduces_just_that_stage(tmp_path: Path) -> None:
    recording = wrong_product()
    certificate = judged(recording)
    script = keep_divergence(tmp_path / "divergence.npz", certificate, [recording])
    assert len(script.splitlines()) == 2
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True)
    line = certificate.first_divergence
    assert line is not None
    assert done.stdout.startswith("ae_logistic, double, lockstep, epoch 1: Bv\n")
    assert f"reference  {line.reference}" in done.stdout
    assert "differs" in done.stdout


def test_a_divergence_of_a_later_epoch_is_reproduced_from_the_epoch_before_it(tmp_path: Path) -> None:
    recording = two_epochs("ae_logistic")
    second = recording.epochs[1]
    wrong = replace(second, figures={**second.figures, "rho": 0.5})
    recording = replace(recording, epochs=[recording.epochs[0], wrong])
    keep_divergence(tmp_path / "divergence.npz", judged(recording), [recording])
    text = reproduce(tmp_path / "divergence.npz")
    assert "epoch 2: rho" in text
    assert "reference  0.5" in text


def test_a_recording_survives_its_file(tmp_path: Path) -> None:
    recording = recorded("ae_logistic")
    write_recording_file(tmp_path / "kept.npz", recording, {"stage": "rho"})
    back, about = read_recording_file(tmp_path / "kept.npz")
    assert about == {"stage": "rho"}
    assert back.envelope == recording.envelope
    assert [line.ours for line in judged(back).lines] == [line.ours for line in judged(recording).lines]


def test_equal_arrays_are_kept_once_and_come_back_each_in_its_place(tmp_path: Path) -> None:
    recording = recorded("ae_logistic")
    given = {**recording.case.arguments, "outdata": recording.case.arguments["indata"].copy()}
    twice = replace(recording, case=replace(recording.case, arguments=given))
    write_recording_file(tmp_path / "twice.npz", twice, {})
    with np.load(tmp_path / "twice.npz") as content:
        assert [content[name].shape for name in content.files].count(given["indata"].shape) == 1
    back, _ = read_recording_file(tmp_path / "twice.npz")
    for name in ("indata", "outdata"):
        np.testing.assert_array_equal(back.case.arguments[name], given["indata"])


def test_a_file_that_keeps_no_divergence_is_refused(tmp_path: Path) -> None:
    (tmp_path / "other.npz").write_bytes(b"no zip")
    for name in ("other.npz", "missing.npz"):
        with pytest.raises(ParityError, match=name):
            reproduce(tmp_path / name)


def test_a_place_that_cannot_be_written_is_said_in_one_line(tmp_path: Path) -> None:
    recording = wrong_product()
    with pytest.raises(ParityError, match="expected to write it"):
        keep_divergence(tmp_path / "no" / "such" / "folder.npz", judged(recording), [recording])
