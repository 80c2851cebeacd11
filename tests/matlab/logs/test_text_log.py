"""The log's lines against the recorded logs, rebuilt from the full-precision figures recorded beside them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.io import loadmat

from hf_matlab_compat.matlab.logs.lines import read_time_stamp, time_stamp
from hf_matlab_compat.matlab.logs.parser import parse_log
from hf_matlab_compat.matlab.logs.text_log import (
    CONSTANTS,
    closing_lines,
    epoch_lines,
    header_lines,
)
from hf_matlab_compat.matlab.vocabulary import TO_FIELD_TERMS, WORDS
from hf_matlab_compat.options import Options
from hf_matlab_compat.state import Records, Report, Score, State
from tests.observers.sample_run import REPORT, REPORT_LINES, START

GOLDENS = Path(__file__).parents[2] / "goldens"
TRACES = sorted(path.stem.removeprefix("trace_") for path in GOLDENS.glob("trace_*.mat"))
UNITS = sorted(path.stem.removeprefix("rec_") for path in (GOLDENS / "units").glob("rec_*.mat"))
LOGS = sorted(path.name for path in GOLDENS.glob("log_*.txt"))


def recorded(path: Path) -> dict[str, Any]:
    return {name: value for name, value in loadmat(path, squeeze_me=True).items() if not name.startswith("__")}


def recorded_reports(trace: Mapping[str, Any], tests: Any, logged: Any) -> list[Report]:
    """The epochs of a trace; the norm of d was recorded only as the digits of the log."""
    steps = np.atleast_1d(trace["cg_steps"]).astype(int)
    columns = {
        "cg_steps": steps,
        "total_cg_steps": np.cumsum(steps),
        "chosen_step": trace["chose_iters"],
        "rho": trace["rho"],
        "rate": trace["rate"],
        "reductions": trace.get("reductions", logged["reductions"]),
        "lam": trace["lambda_after"],
        "d_norm": logged["d_norm"],
    }
    train = map(scores, np.atleast_1d(trace["ll_after"]), np.atleast_1d(trace["err_after"]))
    return [
        replace(REPORT, epoch=k + 1, train=score, test=test).having(
            **{name: np.atleast_1d(values)[k] for name, values in columns.items()}
        )
        for k, (score, test) in enumerate(zip(train, tests, strict=True))
    ]


def scores(log_likelihood: float, error: float) -> Score:
    return Score(log_likelihood=float(log_likelihood), error=float(error))


def options_of(case: Mapping[str, Any]) -> Options:
    given = ("numchunks", "mattype", "rms", "errtype", "hybridmode", "weightcost", "decay")
    values = {name: WORDS.get(TO_FIELD_TERMS[name], {}).get(case[name], case[name]) for name in given}
    return Options(**{TO_FIELD_TERMS[name]: value for name, value in values.items()})


def sizes_of(case: Mapping[str, Any]) -> tuple[int, ...]:
    return (case["indata"].shape[0], *map(int, np.atleast_1d(case["layersizes"])), case["outdata"].shape[0])


@pytest.mark.parametrize("name", TRACES)
def test_recorded_log_is_rebuilt_byte_for_byte(name: str) -> None:
    trace = recorded(GOLDENS / f"trace_{name}.mat")
    case = recorded(GOLDENS / f"case_{name.rpartition('_')[0]}.mat")
    log = (GOLDENS / f"log_{name}.txt").read_bytes().decode()
    (logged,) = parse_log(log)
    tests = [scores(ll, err) for ll, err in zip(trace["llrecord"][:, 1], trace["errrecord"][:, 1], strict=True)]
    lines = header_lines("golden trace", "", sizes_of(case), options_of(case), logged.start_time)
    for report in recorded_reports(trace, tests, logged.epochs):
        lines += epoch_lines(report, options_of(case))
    lines += closing_lines(replace(START, records=Records(seconds=np.array([logged.total_time]))))
    assert "".join(f"{line}\r\n" for line in lines) == log


@pytest.mark.parametrize("name", UNITS)
def test_recorded_resumed_log_is_rebuilt_but_for_the_test_lines(name: str) -> None:
    unit = recorded(GOLDENS / "units" / f"rec_{name}.mat")
    case = recorded(GOLDENS / "units" / f"case_{name.rpartition('_')[0]}.mat")
    (logged,) = parse_log(unit["log"])
    trace = {key.removeprefix("trace_"): value for key, value in unit.items() if key.startswith("trace_")}
    lines = header_lines("recorded", "start.mat", sizes_of(case), options_of(case), logged.start_time)
    for report in recorded_reports(trace, [None] * len(logged.epochs), logged.epochs):
        lines += epoch_lines(report, options_of(case))
    not_recorded = ("TEST ", "Error rate difference", "Total time")
    kept = [line for line in unit["log"].split("\r\n") if not line.startswith(not_recorded)]
    broken_off = [] if logged.total_time else ["maxiters = 250; miniters = 1"]  # the original crashed in the next epoch
    assert [*lines, *broken_off, ""] == kept


def test_every_recorded_log_has_a_trace_or_is_a_long_one() -> None:
    assert set(LOGS) - {f"log_{name}.txt" for name in TRACES} == {
        "log_ae_logistic_long.txt",
        "log_class_softmax_long.txt",
    }
    assert len(TRACES) == 8
    assert len(UNITS) > 20


def test_figures_land_in_their_places() -> None:
    assert epoch_lines(REPORT, Options()) == REPORT_LINES


def test_without_test_data_two_lines_are_left_out() -> None:
    assert epoch_lines(replace(REPORT, test=None), Options()) == [*REPORT_LINES[:8], ""]


def test_a_rejected_step_shows_inf_reductions() -> None:
    lines = epoch_lines(REPORT.having(reductions=np.inf, rate=0.0, rho=-np.inf), Options())
    assert lines[4:6] == ["rho = -Inf", "Number of reductions : Inf, chosen rate: 0"]


def test_settings_are_written_in_matlab_words() -> None:
    options = Options(
        curvature="empirical_fisher",
        curvature_cases="all",
        damping=False,
        loss="squared",
        error_measure="none",
        lam_boost=2.0,
        start_decay=1.0,
    )
    lines = header_lines("", "", (2, 1), options, datetime(2010, 1, 1))
    said = dict(line.split(": ") for line in lines if line.split(": ")[0] in CONSTANTS)
    expected = {"mattype": "empfish", "hybridmode": "0", "autodamp": "0", "rms": "1", "errtype": "none"}
    assert said | expected == said
    assert (said["boost"], said["decay"]) == ("2", "1")


def test_every_header_constant_is_an_option() -> None:
    assert {TO_FIELD_TERMS[name] for name in CONSTANTS} <= {field.name for field in fields(Options)}


def test_total_time_counts_the_epochs_before_a_resume() -> None:
    state = State(theta=np.zeros(1), records=Records(seconds=np.array([1.25, 2.5])))
    assert closing_lines(state) == ["Total time: 3.75"]


def test_months_are_in_english() -> None:
    months = [time_stamp(datetime(2011, month, 5, 7, 8, 9))[3:6] for month in range(1, 13)]
    assert " ".join(months) == "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec"


def test_a_time_is_padded_with_zeros() -> None:
    assert time_stamp(datetime(2011, 3, 5, 7, 8, 9)) == "05-Mar-2011 07:08:09"


def test_time_stamp_reads_back() -> None:
    moment = datetime(1999, 12, 31, 23, 59, 1)
    assert read_time_stamp(time_stamp(moment)) == moment
