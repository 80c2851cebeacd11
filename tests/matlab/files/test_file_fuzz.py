"""Damaged files, through everything that opens one: a value or one sentence, in limited time and memory."""

from __future__ import annotations

import subprocess
import sys
import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from hf_matlab_compat.errors import CheckpointError
from hf_matlab_compat.matlab.files.mat_formats import load_mat
from tests.matlab.files import fuzz_files
from tests.matlab.files.fuzz_files import FORMATS, broken_promise

pytest.importorskip("resource")


def fuzzed(forms: tuple[str, ...], count: int, seed: int, folder: Path, seconds: float) -> str:
    """What the readers did that they may not, in a process that they cannot take along."""
    command = [sys.executable, "-X", "faulthandler", "-m", "tests.matlab.files.fuzz_files", ",".join(forms)]
    process = [*command, str(count), str(seed), str(folder)]
    done = subprocess.run(process, capture_output=True, text=True, timeout=seconds, check=False)
    return done.stdout + done.stderr + (f"exit status {done.returncode}" if done.returncode else "")


@pytest.mark.parametrize("forms", [tuple(form for form in FORMATS if form != "v73"), ("v73",)])
def test_a_damaged_file_is_a_value_or_a_sentence(tmp_path: Path, forms: tuple[str, ...]) -> None:
    if "v73" in forms:
        pytest.importorskip("h5py")
    assert fuzzed(forms, 60, 0, tmp_path, 120) == ""


@pytest.mark.torture
@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("seed", [1, 2])
def test_a_great_many_damaged_files_are_values_or_sentences(tmp_path: Path, form: str, seed: int) -> None:
    if form == "v73":
        pytest.importorskip("h5py")
    assert fuzzed((form,), 1_000 if form == "v73" else 3_000, seed, tmp_path, 1800) == ""


@pytest.mark.parametrize(
    ("reader", "trouble"),
    [
        (lambda _: {}["x"], "KeyError: 'x'"),
        (lambda _: np.zeros(10**7).sum() and None, "bytes of memory for 5 bytes of file"),
        (lambda _: None, "not one sentence"),
        (lambda _: fail("two\nlines"), "not one sentence"),
        (lambda _: fail("one line"), ""),
        (lambda _: np.zeros(3), ""),
    ],
)
def test_the_harness_sees_a_broken_promise(tmp_path: Path, reader, trouble: str) -> None:
    tracemalloc.start()
    try:
        found = broken_promise(reader, tmp_path / "a.mat", 5)
    finally:
        tracemalloc.stop()
    assert trouble in found
    assert bool(trouble) == bool(found)


def test_the_harness_sees_a_slow_reader(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fuzz_files, "SECONDS", -1)
    monkeypatch.setattr(fuzz_files.signal, "alarm", lambda seconds: None)
    assert broken_promise(lambda _: fail("late"), tmp_path / "a.mat", 5).endswith(" s")


def test_the_comparison_of_readers_calls_ours_right_and_a_wrong_one_wrong(tmp_path: Path) -> None:
    pytest.importorskip("h5py")
    from tools.compare_mat_readers import odd, valid, verdict

    path = tmp_path / "file.mat"
    for kind in valid(tmp_path):
        path.write_bytes(kind.contents[0])
        assert (kind.name, verdict(load_mat, path, kind.expected)) == (kind.name, "right")
        assert verdict(lambda path: dict.fromkeys(load_mat(path), 7), path, kind.expected) == "wrong"
    path.write_bytes(next(odd()).contents[0])
    assert verdict(load_mat, path, None) == "clear error"


def fail(sentence: str) -> None:
    raise CheckpointError(sentence)
