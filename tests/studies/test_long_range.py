"""Runs of a long-range task: settings, the criterion, the journal, the table and the picture."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hf_matlab_compat.cli import main
from hf_matlab_compat.errors import ArgumentError, NonFiniteError, OptionError
from hf_matlab_compat.problem import Cases
from hf_matlab_compat.studies import courses, long_range, long_range_table
from hf_matlab_compat.studies.courses import headings
from hf_matlab_compat.studies.long_range import Examination, TaskCourse, run
from hf_matlab_compat.studies.long_range_setting import Setting, setting_of, usual_damping
from hf_matlab_compat.studies.long_range_table import Study, study
from hf_matlab_compat.studies.sequence_tasks import TASKS

HEADING = headings("loss", "wrong %")
QUICK = setting_of("xor", length=10, sequences=40, chunks=4, hidden=6, epochs=2)


def course(seed: int, mu: float, wrong: list[float], met: bool = False) -> TaskCourse:
    n = len(wrong)
    lists: dict[str, Any] = {"loss": [0.5] * n, "rho": [-np.inf] * n, "lam": [0.1] * n, "cg_steps": [9] * n}
    return TaskCourse(
        seed, structural_damping=mu, wrong=wrong, seconds=[2.0 * k for k in range(1, n + 1)], met=met, **lists
    )


def test_each_task_has_its_own_settings_and_takes_others() -> None:
    assert setting_of("addition") == Setting(task="addition", initial_lam=0.2)
    fixed = setting_of("temporal_order", data="fixed", hidden=7)
    assert (fixed.sequences, fixed.chunks, fixed.hidden, fixed.data) == (4000, 16, 7, "fixed")
    assert setting_of("temporal_order", data="fixed", sequences=160).sequences == 160
    memory = setting_of("memory_5", length=50)
    assert (memory.length, memory.sequences, memory.chunks, memory.precision) == (50, 32, 1, "double")
    assert [round(usual_damping(name), 3) for name in TASKS] == [*[0.033] * 2, 0.333, *[0.033] * 3, 30, 30]


def test_layers_are_stacked() -> None:
    stacked = setting_of("temporal_order", hidden=6, layers=2, sequences=40)
    assert long_range._problem(stacked, 0).model.sizes == (6, 6, 6, 4)
    with pytest.raises(OptionError, match=r"^layers: expected a whole number of at least 1, got 0"):
        setting_of("temporal_order", layers=0)


@pytest.mark.parametrize(
    ("sentence", "name", "given"),
    [
        ("task: expected one of 'addition'", "adding", {}),
        ("data: expected 'fixed', since there are 32 strings, got 'fresh'", "memory_5", {"data": "fresh"}),
        ("data: expected 'fresh' or 'fixed', got 'old'", "xor", {"data": "old"}),
        ("length: expected a whole number of at least 10, got 9", "xor", {"length": 9}),
        ("length: expected a whole number of at least 10, got 5", "xor", {"shorter": (5,)}),
        ("hidden: expected a whole number of at least 1, got 0", "xor", {"hidden": 0}),
        ("initial_lam: expected a finite number above 0, got 0", "xor", {"initial_lam": 0.0}),
        ("chunks: expected a number that divides 1000 sequences, got 3", "xor", {"chunks": 3}),
    ],
)
def test_settings_that_do_not_fit_are_refused(sentence: str, name: str, given: dict[str, Any]) -> None:
    with pytest.raises(OptionError, match=sentence):
        setting_of(name, **given)


@pytest.mark.parametrize("name", ["addition", "temporal_order", "memory_20"])
def test_an_examination_agrees_with_the_outputs_sequence_by_sequence(name: str) -> None:
    """The share of wrong sequences and the log-likelihood do not depend on how the sequences are cut into blocks."""
    setting = setting_of(name, length=12, hidden=6, precision="double", sequences=8)
    problem = long_range._problem(setting, 0)
    theta = problem.initial_theta(3)
    asked = TASKS[name].sequences(12, 300, 5)
    whole = Examination(problem, TASKS[name], asked).score(theta, Cases())
    singles = [
        Examination(problem, TASKS[name], type(asked)(*(part[..., n : n + 1] for part in asked))).score(theta, Cases())
        for n in range(300)
    ]
    assert {each.error for each in singles} <= {0.0, 1.0}
    assert whole.error == pytest.approx(np.mean([each.error for each in singles]), abs=1e-12)
    assert whole.log_likelihood == pytest.approx(np.mean([each.log_likelihood for each in singles]), rel=1e-12)
    assert whole.error > 0.5  # nothing has been learnt


def test_fresh_sequences_differ_from_epoch_to_epoch_and_fixed_ones_do_not() -> None:
    fresh = long_range._problem(QUICK, 0)
    theta = fresh.initial_theta(0)
    scores = [fresh.score(theta, Cases(draw=draw)).log_likelihood for draw in (1, 2, 1)]
    assert scores[0] == scores[2] != scores[1]
    fixed = long_range._problem(setting_of("xor", length=10, sequences=40, chunks=4, hidden=6, data="fixed"), 0)
    assert len({fixed.score(theta, Cases(draw=draw)).log_likelihood for draw in (1, 2, 3)}) == 1


def test_a_run_ends_where_the_criterion_is_met_on_sequences_never_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[str] = []
    found = run(setting_of("xor", length=10), 0, 1 / 3, told.append)
    assert found.met
    assert found.wrong[-1] < 0.01 <= min(found.wrong[:-1])
    assert len(told) == len(found.loss) == len(found.seconds) == len(found.rho) < 60
    assert max(map(len, told)) <= 79
    monkeypatch.setattr(long_range, "MOST_WRONG", 1.1)
    judged = {1: 2.0, 2: 1.0}
    monkeypatch.setattr(Examination, "score", lambda self, theta, on: long_range.Score(log_likelihood=0.0, error=1.0))
    real = long_range._Recorder.__init__
    monkeypatch.setattr(
        long_range._Recorder, "__init__", lambda self, c, _, tell: real(self, c, lambda theta, n: judged[n], tell)
    )
    late = run(QUICK, 0, 1 / 3)
    assert late.met
    assert len(late.loss) == 2  # the watched sequences are right in epoch 1 already, those to judge on are not


def test_a_net_learns_shorter_sequences_first() -> None:
    told: list[str] = []
    found = run(setting_of("xor", length=13, shorter=(10, 11), sequences=400), 0, 1 / 3, told.append)
    assert found.met
    met = [k for k, share in enumerate(found.wrong) if share < 0.01]
    assert len(met) >= 3
    alone = run(setting_of("xor", length=10, sequences=400), 0, 1 / 3)
    n = len(alone.loss)
    assert found.loss[:n] == alone.loss
    assert found.loss[n] < 0.3  # it goes on from what it has learnt; at the start the loss is 0.69
    assert (np.diff(found.seconds) > 0).all()
    broken_off = run(setting_of("xor", length=13, shorter=(10, 11), sequences=400, epochs=n + 1), 0, 1 / 3)
    assert not broken_off.met
    assert len(broken_off.loss) == n + 1


def test_a_run_that_does_not_stay_finite_is_a_run_that_failed(monkeypatch: pytest.MonkeyPatch) -> None:
    def diverges(**given: Any) -> None:
        raise NonFiniteError(1, "log-likelihood")

    monkeypatch.setattr(courses, "train", diverges)
    found = run(QUICK, 0, 0.1)
    assert found.failed == "not finite in epoch 1"
    assert found.sentence() == "seed 0, mu 0.1: not finite in epoch 1, 0 epochs, 0.0 s CPU, no epoch"


def test_a_table_has_success_as_it_is_and_the_cost_of_the_runs_that_succeed() -> None:
    runs = [course(0, 30, [0.9, 0.0], True), course(1, 30, [0.9] * 9), course(2, 30, [0.5, 0.4, 0.002], True)]
    runs += [course(seed, 0, [0.75]) for seed in range(3)]
    found = Study(setting_of("memory_5"), runs)
    lines = found.table().splitlines()
    assert lines[0] == "memory_5, T = 30: runs that meet the criterion, median [range]"
    assert lines[1].split() == ["epochs", "CPU", "s", "wrong", "%,", "all", "runs"]
    assert lines[2] == "mu 30: 2 of 3           2.5 [2, 3]         5.0 [4.0, 6.0]        0.2 [0.0, 90.0]"
    assert lines[3] == "mu 0: 0 of 3                     -                      -      75.0 [75.0, 75.0]"
    assert max(map(len, lines)) <= 80
    assert found.verdict() == "Criterion: none of the 32 strings wrong.\nMet by 2 of 3 runs with mu 30."
    assert not found.is_met
    assert Study(found.setting, [runs[0], runs[2], runs[3]]).is_met


def test_a_study_goes_on_from_its_journal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    journal, ran = tmp_path / "runs.jsonl", []
    real = long_range_table.run

    def counted(setting: Setting, seed: int, mu: float, tell: Any) -> TaskCourse:
        ran.append((seed, mu))
        if len(ran) == 3:
            raise KeyboardInterrupt
        return real(setting, seed, mu, tell)

    monkeypatch.setattr(long_range_table, "run", counted)
    with pytest.raises(KeyboardInterrupt):
        study(QUICK, [0, 1], [0.1, 0.0], journal=journal)
    with journal.open("a") as stream:
        stream.write('{"settings": {"ta')  # a kill in the middle of a line
    told: list[str] = []
    again = study(QUICK, [0, 1], [0.1, 0.0], journal=journal, talk=(told.append, lambda line: None))
    assert ran == [(0, 0.1), (1, 0.1), (0, 0.0), (0, 0.0), (1, 0.0)]
    assert told[:2] == ["seed 0: from the journal", "seed 1: from the journal"]
    assert [line.split(":")[0] for line in told[2:] if "CPU," in line] == ["seed 0, mu 0", "seed 1, mu 0"]
    assert [(each.seed, each.structural_damping) for each in again.courses] == [(0, 0.1), (1, 0.1), (0, 0), (1, 0)]
    third = study(QUICK, [0, 1], [0.1, 0.0], journal=journal)
    assert len(ran) == 5
    assert third == again
    study(setting_of("xor", length=10, sequences=40, chunks=4, hidden=7, epochs=1), [0], [0.1], journal=journal)
    assert len(ran) == 6


def test_a_file_that_is_no_journal_is_refused_and_left_alone(tmp_path: Path) -> None:
    other = tmp_path / "notes.txt"
    other.write_text("not a journal\n")
    with pytest.raises(ArgumentError, match=r"journal: expected a journal of a study, got '.*notes\.txt'"):
        study(QUICK, [0], [0.1], journal=other)
    assert other.read_text() == "not a journal\n"
    told: list[str] = []
    with pytest.raises(ArgumentError, match="journal: expected a file that can be written"):
        study(QUICK, [0], [0.1], journal=tmp_path / "none" / "runs.jsonl", talk=(told.append, told.append))
    assert not told  # before the first run


def test_no_seed_is_no_study() -> None:
    with pytest.raises(OptionError, match="seeds: expected a whole number of at least 1, got 0"):
        study(QUICK, [], [0.1])


def test_the_picture_shows_the_figures_of_every_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("matplotlib")
    from hf_matlab_compat.plots import learning_curves

    figures: list[Any] = []
    real = learning_curves.save
    monkeypatch.setattr(learning_curves, "save", lambda figure, path: (figures.append(figure), real(figure, path)))
    runs = [course(0, 30, [0.9, 0.4, 0.0], True), course(0, 0, [0.75, 0.5]), course(1, 0, [])]
    Study(setting_of("memory_5"), runs).plot(tmp_path / "runs.png")
    assert (tmp_path / "runs.png").read_bytes()[:4] == b"\x89PNG"
    panels = {axes.get_title(loc="left"): axes for axes in figures[0].axes}
    assert [title.split()[0] for title in panels] == ["negative", "share", "rho", "lambda"]
    shares = [line.get_ydata() for line in panels["share of fresh sequences wrong (dotted: 0.01)"].lines]
    assert [0.9, 0.4, 0.0] in [list(y) for y in shares]
    assert [0.75, 0.5] in [list(y) for y in shares]
    assert 0.01 in {y[0] for y in shares}


def test_the_command_ends_with_0_where_the_criterion_is_met_and_with_1_where_not(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("matplotlib")
    words = ["study", "xor", "--length", "10", "--journal", str(tmp_path / "a.jsonl")]
    assert main([*words, "--picture", str(tmp_path / "a.svg")]) == 0
    said = capsys.readouterr()
    lines = said.out.splitlines()
    assert lines[0] == "xor, T = 10: runs that meet the criterion, median [range]"
    assert lines[-3] == "Criterion: less than 1 % of 1000 fresh sequences wrong."
    assert lines[-2] == "Met by 1 of 1 runs with mu 0.3333."
    assert lines[-1] == f"Picture: {tmp_path / 'a.svg'}"
    told = said.err.splitlines()
    assert told[-1].startswith("seed 0, mu 0.3333: solved, ")
    assert told[0] == "xor, T = 10, seed 0, mu 0.3333"
    assert told[1].split() == ["epoch", "loss", "wrong", "%", "rho", "lambda", "CG", "CPU", "s"]
    assert told[2].split()[0] == "1"
    assert len(told[2].split()) == 7
    assert "\x1b" not in said.err
    assert max(map(len, [*lines[:-1], *told])) <= 80
    small = ["--sequences", "40", "--hidden", "6", "--epochs", "1", "--structural-damping", "0.1", "0"]
    assert main([*words, *small, "--seed", "7", "--seeds", "2"]) == 1
    assert "Met by 0 of 2 runs with mu 0.1." in capsys.readouterr().out
    noted = [json.loads(line)["settings"] for line in (tmp_path / "a.jsonl").read_text().splitlines()]
    assert [each["seed"] for each in noted] == [0, 7, 8, 7, 8]
    for sentence, *more in (
        ("picture: expected a file name that ends in", "--picture", "a.gif"),
        ("seeds: expected a whole number of at least 1, got 0", "--seeds", "0"),
        ("picture: expected a file that can be written", "--picture", str(tmp_path / "none" / "a.png")),
        ("structural_damping: expected finite numbers of at least 0", "--structural-damping", "-1"),
    ):
        assert main([*words, *more]) == 2
        assert sentence in capsys.readouterr().err
    with pytest.raises(SystemExit, match="2"):
        main([*words, "--seed", "-1"])
    assert "--seed: expected a whole number of at least 0" in capsys.readouterr().err


def test_progress_overwrites_one_line_in_a_terminal() -> None:
    from hf_matlab_compat.cli.studies import Line

    class Terminal:
        def __init__(self) -> None:
            self.text = ""

        def isatty(self) -> bool:
            return True

        def write(self, text: str) -> None:
            self.text += text

        def flush(self) -> None: ...

    shown = Terminal()
    line = Line(shown)  # type: ignore[arg-type]
    line.show("one")
    line.show("two")
    line.keep("three")
    assert shown.text == "\r\x1b[Kone\r\x1b[Ktwo\r\x1b[Kthree\n"


def test_lines_of_progress_stay_under_their_headings_and_in_80_columns() -> None:
    made = course(0, 30, [1.0] * 10)
    made.loss[-1], made.rho[-1], made.lam[-1], made.seconds[-1] = 1.23456e-11, -np.inf, 1.23456e-30, 12345.6
    line = made.line()
    assert line.split() == ["10", "1.235e-11", "100", "-inf", "1.2e-30", "9", "12345.6"]
    assert len(line) <= 80
    ends = [k + len(word) for word in ("epoch", "loss", "wrong %", "rho") if (k := HEADING.index(word)) >= 0]
    assert all(line[end - 1] != " " and (end == len(line) or line[end] == " ") for end in ends)
