"""Logs as tables for other programs."""

from __future__ import annotations

import csv
import io
import json

import numpy as np

from hf_matlab_compat.matlab.logs.export import to_csv, to_json
from hf_matlab_compat.matlab.logs.lines import EPOCH_FIGURES
from tests.matlab.logs.logged_runs import altered, curves_run, recorded_run


def test_a_table_reads_back_to_the_same_figures() -> None:
    run = recorded_run()
    rows = list(csv.DictReader(io.StringIO(to_csv([run]))))
    for name in EPOCH_FIGURES.names or ():
        np.testing.assert_array_equal(np.array([float(row[name]) for row in rows]), run.epochs[name])


def test_runs_are_numbered_in_the_table() -> None:
    rows = list(csv.DictReader(io.StringIO(to_csv([recorded_run(), curves_run()]))))
    assert [row["run"] for row in rows] == ["1"] * 150 + ["2"] * 300


def test_what_the_log_does_not_say_is_an_empty_cell() -> None:
    run = altered(altered(recorded_run(), 1, "test_error", np.nan), 1, "chosen_step", 0)
    first = next(csv.DictReader(io.StringIO(to_csv([run]))))
    assert (first["test_error"], first["chosen_step"], first["reductions"]) == ("", "", "0.0")


def test_json_has_the_header_and_every_epoch() -> None:
    run = recorded_run()
    (read,) = json.loads(to_json([run]))
    assert read["constants"]["layersizes"] == list(run.constants["layersizes"])  # pyright: ignore
    assert [epoch["lam"] for epoch in read["epochs"]] == list(run.epochs["lam"])
    assert read["start_time"] == run.start_time.isoformat()  # pyright: ignore


def test_json_is_strict_whatever_the_figures() -> None:
    run = altered(altered(recorded_run(), 1, "rho", -np.inf), 2, "rho", np.nan)
    (read,) = json.loads(to_json([run]), parse_constant=lambda word: 1 / 0)
    assert [epoch["rho"] for epoch in read["epochs"][:2]] == ["-Inf", None]
