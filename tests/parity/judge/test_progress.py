"""How far a comparison is, and how long it will take."""

from __future__ import annotations

import pytest

from hf_matlab_compat.parity import run_parity
from hf_matlab_compat.parity.run_parity import Progress, in_words
from tests.parity.judge.certificates import line


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """What the clock shows: its only entry."""
    now = [100.0]
    monkeypatch.setattr(run_parity, "monotonic", lambda: now[0])
    return now


def test_each_run_is_counted_and_the_time_left_goes_by_those_before(clock: list[float]) -> None:
    said: list[str] = []
    told = Progress(said.append, 40)
    for seconds in (0.0, 60.0, 60.0):
        clock[0] += seconds
        told.begin("octave: c, double, lockstep")
    assert said == [
        "1 of 40: octave: c, double, lockstep",
        "2 of 40, about 39 min left: octave: c, double, lockstep",
        "3 of 40, about 38 min left: octave: c, double, lockstep",
    ]


def test_within_a_run_it_tells_now_and_then(clock: list[float]) -> None:
    said: list[str] = []
    told = Progress(said.append, 1)
    told.begin("octave: c")
    for number in range(1, 17):
        clock[0] += 4.0
        told.part(number, 16)
    assert said[1:] == [
        "1 of 1, about 50 s left: octave: c: how far rounding moves it, 3 of 16",
        "1 of 1, about 40 s left: octave: c: how far rounding moves it, 6 of 16",
        "1 of 1, about 30 s left: octave: c: how far rounding moves it, 9 of 16",
        "1 of 1, about 15 s left: octave: c: how far rounding moves it, 12 of 16",
        "1 of 1, about 5 s left: octave: c: how far rounding moves it, 15 of 16",
    ]


def test_judging_is_told_of_once_a_run() -> None:
    said: list[str] = []
    told = Progress(said.append, 2)
    for each in (line(), line(stage="grad"), line(precision="single")):
        told.judging(each)
    assert said == ["judging a <b> & 'c', double, free (1 of 2)", "judging a <b> & 'c', single, free (2 of 2)"]


@pytest.mark.parametrize(("seconds", "said"), [(2, "5 s"), (43, "45 s"), (100, "2 min"), (7200, "2.0 h")])
def test_time_is_told_in_the_unit_that_a_reader_would_take(seconds: float, said: str) -> None:
    assert in_words(seconds) == said
