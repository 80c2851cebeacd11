"""The tables of agreement."""

from __future__ import annotations

import csv
import io
import math

import pytest
from rich.console import Console
from rich.table import Table

from hf_matlab_compat.demo.agreement_report import (
    WORDS,
    differing,
    epochs_table,
    figures_table,
    share,
    write_csv,
)
from hf_matlab_compat.parity.epoch import DECISIONS, FIGURES, VECTORS
from hf_matlab_compat.parity.lockstep import Agreement


def line(epoch: int, figure: str, distance: float = 1e-15, bound: float = 1e-14) -> Agreement:
    return Agreement(epoch, figure, -59.992052598, -59.992052598 * (1 + distance), distance, bound)


LINES = [line(epoch, figure) for epoch in (1, 2) for figure in WORDS]
PLANTED = [line(k, f, *((3e-3, 1e-14) if (k, f) == (2, "rho") else ())) for k in (1, 2) for f in WORDS]


def shown(table: Table, width: int) -> list[str]:
    console = Console(file=io.StringIO(), width=width)
    console.print(table)
    return console.file.getvalue().splitlines()  # type: ignore[attr-defined]


def test_every_compared_figure_has_its_words() -> None:
    assert set(WORDS) == {*VECTORS, *DECISIONS, *FIGURES, "chosen_step"}


@pytest.mark.parametrize("make", [epochs_table, figures_table])
def test_the_tables_fit_a_terminal_of_80_columns_uncut(make) -> None:
    assert not any("…" in text for text in shown(make(LINES), 80))
    assert shown(make(LINES), 80) == shown(make(LINES), 120)


def test_agreeing_figures_are_said_to_agree() -> None:
    assert sum("agrees" in text for text in shown(figures_table(LINES), 80)) == len(WORDS)
    assert sum("agrees" in text for text in shown(epochs_table(LINES), 80)) == 2
    assert differing(LINES) == []


def test_a_differing_figure_is_told_at_its_epoch_and_its_figure() -> None:
    epochs = [text for text in shown(epochs_table(PLANTED), 80) if "differs" in text]
    figures = [text for text in shown(figures_table(PLANTED), 80) if "differs" in text]
    assert [text.split()[0] for text in epochs] == ["2"]
    assert [text.split()[0] for text in figures] == ["rho"]
    assert len(differing(PLANTED)) == 1
    assert differing(PLANTED)[0].startswith("epoch 2, rho: reference -59.992")


def test_the_file_has_every_figure_at_full_precision(tmp_path) -> None:
    write_csv(tmp_path / "a.csv", PLANTED)
    with (tmp_path / "a.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == len(PLANTED)
    assert [row["verdict"] for row in rows].count("differs") == 1
    assert float(rows[0]["python"]) == PLANTED[0].ours


@pytest.mark.parametrize(
    ("ratio", "text"),
    [(0, "0 %"), (0.152, "15 %"), (0.068, "6.8 %"), (1, "100 %"), (4.2, "420 %"), (math.inf, "inf x")],
)
def test_a_share_of_a_bound_is_short(ratio, text) -> None:
    assert share(ratio) == text
