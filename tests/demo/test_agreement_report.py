"""The tables of agreement."""

from __future__ import annotations

import csv
import io
from dataclasses import replace

import pytest
from rich.console import Console
from rich.table import Table

from hf_matlab_compat.demo.agreement_report import WORDS, counts, epochs_table, stages_table, write_csv
from hf_matlab_compat.demo.shipped_recording import LEFT_OUT
from hf_matlab_compat.parity.certificate import Verdict
from hf_matlab_compat.parity.stages import STAGES
from tests.demo.compared import agreeing, with_difference, with_tie


def shown(table: Table, width: int = 80) -> list[str]:
    console = Console(file=io.StringIO(), width=width)
    console.print(table)
    return [text.rstrip() for text in console.file.getvalue().splitlines()]  # type: ignore[attr-defined]


def row(table: Table, name: str) -> str:
    (found,) = (text for text in shown(table) if text.strip().startswith(name))
    return found


def test_every_stage_has_words_of_its_own() -> None:
    assert tuple(WORDS) == STAGES
    assert len(set(WORDS.values())) == len(STAGES)


@pytest.mark.parametrize("make", [epochs_table, stages_table])
def test_the_tables_fit_a_terminal_of_80_columns_uncut(make) -> None:
    assert not any("…" in text for text in shown(make(agreeing())))
    assert shown(make(agreeing())) == shown(make(agreeing()), 120)


def test_an_epoch_shows_both_log_likelihoods_and_both_choices() -> None:
    first = row(epochs_table(agreeing()), "1 ").split()
    assert first[1:3] == ["-59.9920525981"] * 2
    assert first[3:7] == ["12", "12", "7", "7"]
    assert 0 < float(first[7]) < 1
    assert first[8:] == ["agrees"]


def test_a_difference_is_told_at_its_epoch_and_its_stage() -> None:
    assert [text.split()[0] for text in shown(epochs_table(with_difference())) if "differs" in text] == ["2"]
    assert "2  -52.4354861838  -52.4354861838" in row(epochs_table(with_difference()), "2 ")
    assert "3e+11" in row(epochs_table(with_difference()), "2 ")
    assert row(stages_table(with_difference()), "rho").split() == [
        "rho",
        "1",
        "·",
        "1",
        "·",
        "3.0e-03",
        "1.0e-14",
        "3e+11",
    ]


def test_a_tie_is_told_from_agreement() -> None:
    assert row(epochs_table(with_tie()), "1 ").endswith("7 9   0.90  agrees (tie)")
    assert row(stages_table(with_tie()), "CG step chosen").split()[3:6] == ["1", "1", "·"]


def test_an_epoch_of_which_nothing_was_compared_shows_no_figures() -> None:
    nothing = {"ours": "", "reference": "", "distance": None, "bound": None, "verdict": Verdict.NOT_RUN}
    lines = [replace(line, **nothing) for line in agreeing().lines]
    assert row(epochs_table(replace(agreeing(), lines=lines)), "1 ").split() == ["1", *"-------", "not", "run"]


def test_agreement_ties_differences_and_what_was_not_run_are_counted_apart() -> None:
    of = [line.verdict for line in agreeing().lines]
    compared, left = of.count(Verdict.AGREES), of.count(Verdict.NOT_RUN)
    rest = f"{left - 1} not run: {LEFT_OUT}; 1 not run: the reference was not run over all epochs in one call."
    assert counts(agreeing()) == f"{compared} of {compared} compared figures agree; {rest}"
    assert counts(with_tie()) == f"{compared} of {compared} compared figures agree; 1 of them as a tie; {rest}"
    assert counts(with_difference()) == f"{compared - 1} of {compared} compared figures agree; {rest}"


def test_the_file_has_every_comparison_at_full_precision(tmp_path) -> None:
    write_csv(tmp_path / "a.csv", with_difference())
    with (tmp_path / "a.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == len(with_difference().lines)
    assert [row["verdict"] for row in rows].count("differs") == 1
    (ll,) = (row for row in rows if (row["epoch"], row["detail"], row["compared"]) == ("1", *AFTER))
    assert float(ll["python"]) == pytest.approx(-59.992052598125, rel=1e-14)
    assert 0 < float(ll["bound"]) < 1e-12
    assert "E=" in ll["why"]


AFTER = ("ll after the step", WORDS["params"])
