"""Every table at toy size: it is made, it is written, and what is missing is a line of it."""

from __future__ import annotations

import io
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from benchmarks import autodiff_peers, larger, octave, peers, shares
from benchmarks.__main__ import MEASURES, app, run
from benchmarks.memory_limit import memory_limit
from benchmarks.octave_process import OctaveProcess
from benchmarks.peer import Peer
from benchmarks.table import Table
from benchmarks.threads import thread_counts
from benchmarks.workloads import Workload, cpu_backends
from tests.benchmarks.toy import EFFORT, TOY

OCTAVE = ("octave", "epochs", "small")


def measured(name: str) -> Table:
    said: list[str] = []
    table = MEASURES[name](EFFORT, said.append)
    assert said or not table.rows
    assert all(len(row) == len(table.columns) for row in table.rows)
    assert table.to_markdown()
    assert table.name == name
    return table


@pytest.mark.parametrize(
    "name",
    [
        *("kernels", "threads", "shares", "memory", "growth", "recurrent", "machines", "larger"),
        *(pytest.param(name, marks=pytest.mark.study) for name in ("ranks", "autodiff")),
    ],
)
def test_a_table_can_be_made(name: str) -> None:
    assert measured(name).rows


@pytest.mark.octave
@pytest.mark.parametrize("name", OCTAVE)
def test_a_table_with_octave_can_be_made(name: str) -> None:
    table = measured(name)
    assert table.rows
    assert "Octave" in table.machine


@pytest.mark.octave
def test_octave_computes_the_same_product_and_the_same_number_of_cg_steps() -> None:
    for row in measured("octave").rows:
        assert 0 < row[-1] < 1e-5  # type: ignore[operator]
    for row in measured("epochs").rows:
        assert row[-2:] == ["3 and 3", "yes"]


@pytest.mark.parametrize(
    "name",
    [
        *("kernels", "threads", "shares", "peers"),
        *(pytest.param(name, marks=pytest.mark.octave) for name in ("octave", "epochs", "small")),
    ],
)
def test_every_backend_that_can_be_had_has_its_rows(name: str) -> None:
    words = " ".join(str(cell) for row in measured(name).rows for cell in row)
    assert [backend for backend in ("numpy", "numba") if backend in words] == list(cpu_backends())


@pytest.mark.parametrize("name", OCTAVE)
def test_without_octave_the_table_says_so(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    assert any("octave-cli is not on the PATH: not installed" in note for note in measured(name).notes)


def peer(name: str, product: Callable[[Workload], Callable[[], object]], library: str = "numpy") -> Peer[Workload]:
    return Peer(name, library, product)


def test_a_missing_peer_is_a_line_and_so_is_one_that_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(workload: Workload) -> Callable[[], object]:
        raise ValueError("an old library")

    def zeros(workload: Workload) -> Callable[[], object]:
        return lambda: np.zeros_like(workload.theta)

    found = (peer("absent", zeros, "no_such_library"), peer("broken", fails), peer("zeros", zeros))
    monkeypatch.setattr(peers, "PEERS", found)
    table = measured("peers")
    own = [f"ours, {backend}" for backend in cpu_backends()]
    assert "absent: not installed" in table.notes
    assert [row[1] for row in table.rows] == [*own, "zeros", "broken failed: ValueError"]
    *ours, zeros, _ = table.rows
    assert all(row[-1] < 1e-5 for row in ours)  # type: ignore[operator]
    assert zeros[-1] > 1  # type: ignore[operator]


@pytest.mark.parametrize("figure", [name for name in autodiff_peers.PEERS if name != autodiff_peers.SQUARES])
def test_automatic_differentiation_is_timed_on_the_figures_of_the_hand_written_passes(figure: str) -> None:
    expected = autodiff_peers.ours(TOY, figure)()
    through, alone = (each.product(TOY)() for each in autodiff_peers.PEERS[figure] if each.library == "autograd")
    sign = -1 if figure == autodiff_peers.GRADIENT else 1  # of a loss
    for found in (through, sign * alone):
        assert octave.relative_difference(expected, found) < 1e-13


def test_shares_of_an_epoch_add_up() -> None:
    for row in shares.table(EFFORT, print).rows:
        gradients, products, likelihoods, files, outside = row[5:10]
        assert gradients + products + likelihoods + outside == pytest.approx(1)  # type: ignore[operator]
        assert 0 < files < outside  # type: ignore[operator]


def test_what_needs_more_than_the_limit_does_not_get_it() -> None:
    def takes(megabytes: int) -> int:
        code = f"import numpy as np; np.ones({megabytes} * 10**6, np.uint8)"
        with memory_limit(300 * 10**6) as (_, enter):
            return subprocess.run([sys.executable, "-c", code], preexec_fn=enter, stderr=subprocess.DEVNULL).returncode

    assert takes(100) == 0
    assert takes(1000) != 0


def test_a_run_that_breaks_is_a_line() -> None:
    assert "failed" in str(larger._measure(Path("no such file"), 10, EFFORT)[-1])


def test_the_difference_of_two_products_is_relative() -> None:
    assert octave.relative_difference(np.array([3.0, 0.0]), np.array([2.0, 0.0])) == 0.5  # type: ignore[arg-type]


@pytest.mark.parametrize(("most", "counts"), [(1, [1]), (2, [1, 2]), (6, [1, 2, 4, 6]), (8, [1, 2, 4, 8])])
def test_threads_are_doubled_up_to_all(most: int, counts: list[int]) -> None:
    assert thread_counts(most) == counts


def test_a_run_shows_and_writes_the_tables_asked_for(tmp_path: Path) -> None:
    screen = io.StringIO()
    run(EFFORT, ("growth", "threads"), tmp_path, Console(file=screen, width=200))
    written = (tmp_path / "RESULTS.md").read_text(encoding="utf-8")
    assert written.index("## Threads") < written.index("## Growth")
    assert "## Kernels" not in written
    assert "time ∝ cases^" in written
    assert "Threads" in screen.getvalue()
    assert TOY.name in screen.getvalue()


def test_the_command_line_takes_names_one_after_the_other() -> None:
    _, bound, *_ = app.parse_args(["--quick", "--only", "kernels", "octave"])
    assert bound.kwargs == {"quick": True, "only": ("kernels", "octave")}


@pytest.mark.octave
@pytest.mark.parametrize("name", ["octave", "epochs"])
def test_an_octave_with_a_slow_blas_is_not_compared_with(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(OctaveProcess, "is_up_to", lambda self, workload: False)
    table = measured(name)
    assert not table.rows
    assert any(note.startswith("toy: not measured. Octave computes with the reference BLAS") for note in table.notes)
