"""The certificate in the terminal."""

from __future__ import annotations

import io
from dataclasses import replace

import pytest
from rich.console import Console

from hf_matlab_compat.parity.certificate import Certificate
from hf_matlab_compat.parity.rendering import certificate_table
from tests.parity.judge.certificates import agreeing, differing


def printed(certificate: Certificate, width: int, every_line: bool = False) -> str:
    console = Console(width=width, force_terminal=False, file=io.StringIO())
    with console.capture() as captured:
        console.print(certificate_table(certificate, every_line=every_line, script="one\ntwo"), crop=False)
    return captured.get()


@pytest.mark.parametrize("width", [80, 120])
@pytest.mark.parametrize("every_line", [False, True])
def test_the_table_fits_the_terminal_and_cuts_nothing_short(width: int, every_line: bool) -> None:
    text = printed(agreeing(), width, every_line)
    assert max(map(len, text.splitlines())) <= width
    assert "…" not in text


@pytest.mark.parametrize("width", [80, 120])
def test_every_stage_stands_on_a_line_of_its_own(width: int) -> None:
    rows = [row.split() for row in printed(agreeing(), width).splitlines() if row.strip()]
    for stage in {line.stage for line in agreeing().lines}:
        assert [row for row in rows if row[0] == stage and len(row) >= 5]


def test_what_was_not_run_is_said_with_its_reason_and_number() -> None:
    text = printed(agreeing(), 100)
    assert "Not run" in text
    assert "not recorded" in text


def test_where_bounds_come_from_is_said() -> None:
    text = printed(agreeing(), 100)
    assert "docs/parity.md (a), no ensemble" in text
    assert "10E (reference)" in text


def test_a_difference_shows_its_screen_its_script_and_the_verdict() -> None:
    rows = printed(differing(), 80).splitlines()
    assert "First divergence" in rows
    assert "    one" in [row.rstrip() for row in rows]
    assert rows[0].startswith("Verdict: differs: lambda")
    assert rows[-1] == "Verdict: differs"


def test_constants_and_provenance_are_shown() -> None:
    text = printed(differing(), 80)
    assert "2/3 (f.m:7)" in text
    assert "7.3 <x>" in text


def test_the_verdict_comes_first_and_constants_and_provenance_last() -> None:
    certificate = replace(agreeing(), constants={"drop": "2/3 (f.m:7)"})
    rows = [row for row in printed(certificate, 80).splitlines() if row.strip()]
    said = "Verdict: agrees (recorded numbers, 8 epochs): every compared quantity is within its bound; "
    assert " ".join(rows[:3]).startswith(f"{said}34 not run (forward, ")
    heads = ("stage", "run", "Seen in these runs", "Not exercised", "Not run", "Bounds come", "Constants", "Provenance")
    at = [next(at for at, row in enumerate(rows) if row.startswith(head)) for head in heads]
    assert at == sorted(at)
    assert rows[-1] == "Verdict: agrees"


def test_no_word_is_broken_at_80_columns() -> None:
    """Names of cases, paths, hashes and figures of any length stand in one piece."""
    long = "/home/somebody/" + "a_folder_with_a_long_name/" * 4 + "nnet_train_2.m"
    lines = [replace(line, case=f"my_data_{'x' * 40}") for line in agreeing().lines]
    certificate = replace(
        agreeing(),
        lines=[*agreeing().lines, *lines],
        constants={"linesearch_reductions_of_some_fork": f"60 ({long}:7)", "drop": f"0.5 ({long}:8)"},
        provenance={"reference": long, "blas": f"{long}/libopenblas.so", "data of mine": "0f" * 32},
        not_exercised=[long],
    )
    text = printed(certificate, 80)
    for word in (long, f"my_data_{'x' * 40}", "ae_logistic", "double lockstep"):
        assert word in text
    assert max(len(row) for row in text.splitlines() if long not in row) <= 80
    assert text.count(f"my_data_{'x' * 40}") == 1


def test_the_runs_of_a_case_stand_under_its_name() -> None:
    rows = printed(agreeing(), 80).splitlines()
    at = rows.index("ae_logistic")
    assert [row.split()[:2] for row in rows[at + 1 : at + 4]] == [["double", m] for m in ("lockstep", "free")] + [
        ["single", "lockstep"]
    ]


def test_hashes_are_counted_and_not_listed() -> None:
    hashed = replace(agreeing(), provenance={"octave": "7.3", "sha256 a.m": "0f" * 32, "sha256 b.m": "1e" * 32})
    text = " ".join(printed(hashed, 100).split())
    assert "files of the reference 2 (SHA-256 of each: --json, --html)" in text
    one = replace(agreeing(), provenance={"data of mine": "0f" * 32})
    assert f"data mine, SHA-256 {'0f' * 8} (its first 16 digits" in " ".join(printed(one, 100).split())
    assert "sha256" not in text


def test_an_edited_constant_is_in_the_verdict() -> None:
    constants = {"rho_high": "0.7 (published 0.75) (f.m:3)", "drop": "0.666667 (f.m:7)"}
    assert "Verdict: agrees, with 1 edited constant (rec" in printed(replace(agreeing(), constants=constants), 100)
    constants["drop"] = "0.5 (published 0.666667) (f.m:7)"
    assert "with 2 edited constants" in printed(replace(agreeing(), constants=constants), 100)


def test_each_comparison_is_one_row_under_a_heading_of_its_run() -> None:
    rows = printed(agreeing(), 80, every_line=True).splitlines()
    tables = rows[next(at for at, row in enumerate(rows) if row.split()[:3] == ["ep.", "stage", "detail"]) : -1]
    headings = list(dict.fromkeys(" · ".join(line.run) for line in agreeing().lines))
    assert [row for row in tables if " · " in row] == headings
    assert len([row for row in tables if row.strip()]) == len(agreeing().lines) + len(headings) + 1
    assert [row for row in tables if row.split()[:6] == ["2", "entry", "1", "call", "=", "2"]]


def test_narrow_terminals_lose_no_word() -> None:
    text = "".join(printed(agreeing(), 60, every_line=True).split())
    assert "…" not in text
    assert "1call=2epochs:parametersreturned" in text or "parametersreturned" in text
