"""Asking Octave: values keep class and shape, failures are told in Octave's words, nothing is left behind."""

from __future__ import annotations

import os
import signal
import tempfile
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

from hf_matlab_compat.errors import ParityError
from hf_matlab_compat.matlab.octave import process
from hf_matlab_compat.matlab.octave.session import OctaveSession, octave_available, run_octave
from tests.matlab.octave.test_lying_octave import nothing_runs
from tests.octave import live

pytestmark = live


def call_alone(function: str, *args: Any, nout: int = 1) -> Any:
    values = run_octave(function, args, nout, timeout=30)
    return values[0] if nout == 1 else values


@pytest.fixture(scope="module")
def session() -> Iterator[OctaveSession]:
    with OctaveSession() as session:
        yield session


@pytest.fixture(params=["session", "process"])
def call(request: pytest.FixtureRequest) -> Callable[..., Any]:
    return request.getfixturevalue("session").call if request.param == "session" else call_alone


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (3, "double"),
        (True, "double"),
        (np.int64(3), "double"),
        (np.arange(3), "double"),
        (None, "double"),
        (np.ones((2, 2), np.float32), "single"),
        (np.ones((1, 1), np.float32), "single"),
        ("gn", "char"),
        (["logistic", "tanh"], "cell"),
        ({"drop": 0.5}, "struct"),
    ],
)
def test_a_value_arrives_in_the_class_that_was_meant(session, value, kind):
    assert session.call("class", value) == kind


def test_none_is_empty_and_a_vector_is_a_column(session):
    assert session.call("isempty", None)
    assert session.call("size", np.arange(3)).tolist() == [[3, 1]]


def test_values_come_back_as_they_went(call):
    given = {"W": [np.eye(2), np.ones((1, 3), np.float32)], "name": "gn", "none": None, "empty": "", "deep": {"x": 1}}
    back = call("deal", given)
    np.testing.assert_array_equal(back["W"][0], np.eye(2))
    assert back["W"][0].dtype == np.float64
    assert back["W"][1].dtype == np.float32
    assert (back["name"], back["empty"], back["none"].shape) == ("gn", "", (0, 0))
    assert back["deep"]["x"].shape == (1, 1)


def test_several_values_come_as_a_list(call):
    rows, columns = call("size", np.zeros((3, 4)), nout=2)
    assert (rows, columns) == (3, 4)


def test_an_error_carries_octaves_own_words(call):
    with pytest.raises(ParityError, match="no_such_function"):
        call("no_such_function")


def test_a_session_lives_on_after_an_error(session):
    with pytest.raises(ParityError, match="it's bad"):
        session.call("error", "it's bad", nout=0)
    assert session.call("plus", 1, 2) == 3


def test_what_cannot_travel_is_refused():
    with pytest.raises(ParityError, match="cannot send"):
        run_octave("class", [object()])


def test_a_run_is_killed_at_its_limit_with_what_it_started():
    started = time.monotonic()
    with pytest.raises(ParityError, match="stopped after 1 seconds"):
        run_octave("system", ["sleep 30"], timeout=1)
    assert time.monotonic() - started < 5


def test_a_run_that_dies_says_so():
    with pytest.raises(ParityError, match="without an answer"):
        run_octave("kill", [0, 9])


def test_a_run_leaves_no_folder_behind(monkeypatch, tmp_path):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    run_octave("plus", [1, 2])
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("end", ["kill(getpid(), 9)", "exit(0)"])
def test_the_call_after_one_that_killed_octave_has_a_new_octave(end):
    with OctaveSession() as session:
        first = session.call("getpid")
        with pytest.raises(ParityError, match="hf_run: Octave died without an answer"):
            session.run(end)
        assert session.call("getpid") != first
        assert session.call("plus", 1, 2) == 3


def test_an_octave_that_is_killed_between_two_calls_is_missed_by_the_next():
    with OctaveSession() as session:
        os.kill(int(session.call("getpid").item()), signal.SIGKILL)
        with pytest.raises(ParityError, match="died"):
            session.call("plus", 1, 2)
        assert session.call("plus", 1, 2) == 3


def test_a_session_is_killed_at_its_limit_also_while_it_prints(tmp_path):
    with OctaveSession(timeout=1) as session:
        started = time.monotonic()
        with pytest.raises(ParityError, match="stopped after 1 seconds"):
            session.run(f"system('while true; do echo {tmp_path}; sleep 0.1; done')")
        assert time.monotonic() - started < 5
        assert nothing_runs(tmp_path)


def test_a_session_leaves_no_folder_behind(monkeypatch, tmp_path):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with OctaveSession() as session:
        session.call("plus", 1, 2)
        assert len(list(tmp_path.iterdir())) == 1
    assert list(tmp_path.iterdir()) == []


def test_statements_run_in_a_folder_and_keep_their_variables(session, tmp_path):
    folder = tmp_path / "it's an é"
    folder.mkdir()
    assert session.run("x = 3; disp('it''s é'); printf('%s', pwd())", folder) == f"it's é\n{folder}"
    assert session.call("evalin", "base", "x") == 3
    session.run("clear all")
    with pytest.raises(ParityError, match="'x' undefined"):
        session.run("disp(x)")


def test_a_missing_octave_is_named(monkeypatch):
    monkeypatch.setattr(process, "EXECUTABLE", "no-octave-here")
    assert octave_available() == "no-octave-here is not on the PATH"
    with pytest.raises(ParityError, match="no-octave-here"):
        run_octave("plus", [1, 2])
