"""Interleaved timing and what is made of it."""

from __future__ import annotations

import time

import pytest

from benchmarks.timing import Timing, interleave, pooled, stopwatch


def test_every_other_round_runs_in_the_opposite_order() -> None:
    order: list[str] = []

    def watch(name: str) -> float:
        order.append(name)
        return 1.0

    found = interleave({"a": lambda: watch("a"), "b": lambda: watch("b")}, 3)
    assert order == ["a", "b", "b", "a", "a", "b"]
    assert found["a"] == Timing((1.0, 1.0, 1.0))


def test_median_and_interquartile_range() -> None:
    taken = Timing((4.0, 1.0, 2.0, 3.0, 5.0))
    assert (taken.median, taken.spread) == (3.0, pytest.approx(2 / 3))
    assert Timing((2.0,)).spread == 0


def test_a_stopwatch_returns_the_seconds_of_one_call_however_often_it_calls() -> None:
    calls: list[None] = []

    def call() -> None:
        calls.append(None)
        time.sleep(0.002)

    watch = stopwatch(call, spell=0.02)
    before = len(calls)
    assert 0.002 <= watch() < 0.02
    assert len(calls) - before > 3


def test_samples_of_several_rounds_are_pooled_by_name() -> None:
    found = pooled([{"a": Timing((1.0, 2.0)), "b": Timing((5.0,))}, {"a": Timing((6.0,)), "b": Timing((7.0,))}])
    assert found == {"a": Timing((1.0, 2.0, 6.0)), "b": Timing((5.0, 7.0))}
    assert found["a"].median == 2
