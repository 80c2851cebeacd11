"""The simulation of workers that share parameters out of turn."""

from __future__ import annotations

import numpy as np
import pytest

from hf_matlab_compat.distributed.merges import Average
from hf_matlab_compat.method import silent
from hf_matlab_compat.studies import sharing
from hf_matlab_compat.studies.data import classes


def test_one_worker_that_overwrites_is_an_ordinary_run_bit_for_bit() -> None:
    parts = list(classes("digits", (100, 100), 0))
    subject, method = sharing._subject(parts, 0, num_chunks=1)
    end = sharing.simulate([subject.problem], method, Average(1.0), subject.state.theta, 60, lambda: 1.0)
    theta, memory = subject.state.theta, method.start(subject.problem, subject.state.theta)
    for n in range(1, end.version + 1):
        theta, memory, *_ = method.epoch(subject.problem, theta, memory, n, silent)
    assert end.version > 2
    assert end.staleness == [0] * end.version
    assert np.array_equal(end.theta, theta)


def test_updates_come_in_the_order_of_the_clock_and_central_sums_are_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sharing, "EPOCHS", 16)
    rows = sharing.sharing("digits", 0)
    ll = {name: figures[0] for name, figures in rows.items()}
    assert len(rows) == 13
    assert max(ll, key=lambda name: ll[name]) == "central sums"
    for name in ("uneven: masked", "even: masked"):
        assert 2 < rows[name][2] < 3
        assert 20 < rows[name][3] < 60
    assert rows["uneven: masked"] != rows["even: masked"]
