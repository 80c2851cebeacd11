"""A program called octave-cli that is none: it hangs, prints for ever, leaves children, or writes other results."""

from __future__ import annotations

import io
import os
import stat
import time
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.io import savemat
from scipy.sparse import eye_array

from hf_matlab_compat.errors import ParityError
from hf_matlab_compat.matlab.files.mat_values import Skipped
from hf_matlab_compat.matlab.octave import process
from hf_matlab_compat.matlab.octave.values import from_octave
from hf_matlab_compat.parity.cases import builtin_case
from hf_matlab_compat.parity.engines import OctaveEngine
from hf_matlab_compat.parity.engines.provenance import octave_facts
from hf_matlab_compat.parity.engines.results import read_variables
from tests.parity.engines.trainers import ONE_FILE, SMALL, processes_about

pytestmark = pytest.mark.skipif(not os.access("/bin/sh", os.X_OK), reason="there is no /bin/sh")


@pytest.fixture
def program(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """Makes a shell script the Octave of this test; its children carry the test's folder in their command line."""

    def make(script: str) -> str:
        path = tmp_path / "octave-cli"
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(path.stat().st_mode | stat.S_IXUSR)
        monkeypatch.setattr(process, "EXECUTABLE", str(path))
        return str(path)

    return make


def sleeper(tmp_path: Path) -> str:
    """A command that lasts, and that `processes_about` finds."""
    return f"sh -c 'sleep 97; : {tmp_path}'"


def nothing_runs(tmp_path: Path) -> bool:
    """Soon, if not at once: a process that was killed takes a moment to be gone."""
    for _ in range(50):
        if not processes_about(tmp_path):
            return True
        time.sleep(0.02)
    return False


@pytest.mark.parametrize(
    ("script", "sentence"),
    [
        ("{sleeper}", "Octave was stopped after 0.6 seconds"),
        ("{sleeper} & {sleeper}", "Octave was stopped after 0.6 seconds"),
        ("setsid {sleeper}", "Octave was stopped after 0.6 seconds"),
        ("yes 7.3.0", "Octave was stopped, since it printed more than"),
        ("exit 3", "Octave ended with exit code 3"),
    ],
)
def test_the_question_for_its_version_is_bounded_and_leaves_nothing(script, sentence, program, tmp_path, monkeypatch):
    monkeypatch.setattr(process, "LONGEST_OUTPUT", 10_000)
    program(script.format(sleeper=sleeper(tmp_path)))
    began = time.monotonic()
    with pytest.raises(ParityError, match=sentence):
        octave_facts(timeout=0.6)
    assert time.monotonic() - began < 5
    assert nothing_runs(tmp_path)


def test_a_child_that_a_quick_answer_leaves_behind_is_ended(program, tmp_path):
    program(f"{sleeper(tmp_path)} & echo 7.3.0")
    assert octave_facts(timeout=5)["octave"] == "7.3.0"
    assert nothing_runs(tmp_path)


def test_the_version_is_asked_within_the_time_limit_of_the_run(program, tmp_path):
    program(f'case "$*" in *hf_play*) exit 0;; esac; {sleeper(tmp_path)}')
    engine = OctaveEngine(ONE_FILE, timeout=0.7)
    began = time.monotonic()
    with pytest.raises(ParityError):
        engine.record(builtin_case(SMALL), precision="single", mode="kernels", epochs=1)
    assert time.monotonic() - began < 5


def written(path: Path, **variables: Any) -> Path:
    savemat(path, variables)
    return path


def test_a_sparse_matrix_among_the_results_is_read_in_full(tmp_path):
    found = read_variables(written(tmp_path / "epoch_0001.mat", xs=eye_array(3, format="csc")))
    np.testing.assert_array_equal(found["xs"], np.eye(3))


def test_results_of_other_kinds_are_one_sentence(tmp_path):
    value = np.zeros((1, 2), [("a", object)])
    with pytest.raises(ParityError, match=r"epoch_0001\.mat: expected one struct, got an array of 2"):
        read_variables(written(tmp_path / "epoch_0001.mat", xs=value))


def test_what_is_no_value_of_octave_s_is_named():
    with pytest.raises(ParityError, match="got dict"):
        from_octave({"a": 1})
    with pytest.raises(ParityError, match="got a function_handle"):
        from_octave(Skipped("function_handle"))
    with pytest.raises(ParityError, match="sparse"):
        from_octave(eye_array(100_000, format="csc"))


DAMAGE = st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255))


@settings(max_examples=60, deadline=None)
@given(damage=st.lists(DAMAGE, min_size=1, max_size=4), cut=st.floats(0, 1))
def test_a_damaged_result_is_read_or_is_one_sentence(damage, cut):
    """Also bytes at which scipy's compiled reader ends the process."""
    stream = io.BytesIO()
    words = np.array([["a", 1.0], [np.ones((2, 2)), "b"]], dtype=object)
    savemat(
        stream, {"xs": np.eye(3), "words": words, "log": "text", "whole": {"a": 1.0}}, do_compression=bool(cut > 0.7)
    )
    content = bytearray(stream.getvalue())
    for at, value in damage:
        content[int(at * len(content))] = value
    kept = bytes(content[: int(len(content) * (1 if cut < 0.8 else cut))])
    with TemporaryDirectory() as folder:
        path = Path(folder) / "epoch_0001.mat"
        path.write_bytes(kept)
        with suppress(ParityError):
            assert isinstance(read_variables(path), dict)
