"""Studies with marks: characters and strings of labels; courses, verdicts, journals, pictures, exit codes."""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hf_matlab_compat.cli import main
from hf_matlab_compat.errors import NonFiniteError, OptionError
from hf_matlab_compat.problem import Cases
from hf_matlab_compat.rnn.characters import ngram_bits
from hf_matlab_compat.studies import characters, courses, label_strings
from hf_matlab_compat.studies.characters import Setting, Text
from hf_matlab_compat.studies.marks import Figure, Mark, MarkedCourse, MarkedStudy, marks_within

FIGURE = Figure("error", lambda score: score.error, ".2f")
MARKS = [Mark(1, 0.5, "half"), Mark(3, 0.2, "a fifth")]


def course(seed: int, test: list[float], **changes: Any) -> MarkedCourse:
    n = len(test)
    lists: dict[str, Any] = {"train": test, "rho": [-np.inf] * n, "lam": [0.1] * n, "cg_steps": [9] * n}
    return MarkedCourse(seed, test=test, seconds=[2.0 * k for k in range(1, n + 1)], **{**lists, **changes})


def test_a_mark_is_reached_by_a_figure_of_at_most_it_after_its_epoch() -> None:
    good, late, short = course(0, [0.5, 0.9, 0.2]), course(1, [0.51, 0.1, 0.1]), course(2, [0.1, 0.1])
    found = [[each.reaches(mark) for mark in MARKS] for each in (good, late, short)]
    assert found == [[True, True], [False, True], [True, False]]
    study = MarkedStudy("words", FIGURE, MARKS, [good, late, replace(short, failed="not finite in epoch 3")])
    assert not study.is_met
    assert MarkedStudy("words", FIGURE, MARKS, [good]).is_met
    assert study.verdict().splitlines() == [
        "Mark: at most 0.50 after epoch 1 (half): reached by 2 of 3 runs.",
        "Mark: at most 0.20 after epoch 3 (a fifth): reached by 2 of 3 runs.",
    ]
    assert [line.split() for line in study.table().splitlines()] == [
        ["words:", "error"],
        ["seed", "epoch", "1", "epoch", "3", "CPU", "s"],
        ["0", "0.50", "0.20", "6.0"],
        ["1", "0.51", "0.10", "6.0"],
        ["2", "0.10", "-", "4.0"],
        ["not", "finite", "in", "epoch", "3"],
    ]


def test_only_marks_within_the_epochs_are_judged_and_there_must_be_one() -> None:
    assert marks_within(MARKS, 2) == MARKS[:1]
    with pytest.raises(OptionError, match=r"^epochs: expected at least 1, the epoch of the first mark, got 0"):
        marks_within(MARKS, 0)


def test_a_picture_has_all_panels(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    MarkedStudy("words", FIGURE, MARKS, [course(0, [0.5, 0.4, 0.3])]).plot(tmp_path / "marks.svg")
    text = (tmp_path / "marks.svg").read_text(encoding="utf-8")
    assert all(f"<!-- {each} -->" in text for each in ("error", "rho", "lambda", "seed 0"))


# --- characters

SMALL = Text.of("the cat sat on the mat, and the dog on the log. " * 60)
QUICK = Setting(hidden=4, epochs=10, cg_steps=4)


@pytest.fixture
def few_windows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(characters, "WINDOWS", 40)
    monkeypatch.setattr(characters, "JUDGED_WINDOWS", 20)


def test_the_text_is_that_of_the_documentation_or_it_is_told() -> None:
    text = Text.of_python()
    count = len(text.training) + len(text.judged)
    assert text.is_known == (count == characters.KNOWN_COUNT)
    if text.is_known:  # other versions of Python have another text
        assert len(text.alphabet) == 49
        bits = [mark.most for mark in text.marks()]
        assert bits == pytest.approx([3.289, 2.65, 2.455], abs=1e-3)
        assert ngram_bits(text.training, text.judged, 49, 1) == pytest.approx(4.569, abs=1e-3)
        assert text.sentence() == "Text: 465,048 characters of Python's help topics, as in Python 3.11."
    assert SMALL.sentence().startswith("Text: 2,880 characters of Python's help topics, not the 465,048 of Python 3.11")


@pytest.mark.parametrize(("net", "hidden"), [("multiplicative", 64), ("plain", 93)])
def test_both_nets_have_about_as_many_parameters_and_the_same_windows(net: str, hidden: int) -> None:
    problem, judged = characters.problems(Setting(net=net, hidden=hidden), Text.of_python(), 0)
    assert problem.num_parameters == pytest.approx(17_900, abs=200)
    assert (problem.num_chunks, len(problem.data), len(judged.data)) == (4, 400, 300)
    bits = characters.BITS.of(judged.score(problem.initial_theta(0), Cases()))
    assert 4.5 < bits < 8
    assert problem.resample is not None
    first, second, again = (problem.resample(epoch).inputs for epoch in (1, 2, 1))
    assert not np.array_equal(first, second)
    np.testing.assert_array_equal(first, again)
    assert problem.data.loss_weights is not None
    assert problem.data.loss_weights.sum() == 400 * 50


@pytest.mark.usefixtures("few_windows")
def test_a_run_trains_on_fresh_windows_and_writes() -> None:
    lines: list[str] = []
    run = characters.run(QUICK, SMALL, 1, lines.append)
    assert (len(run.test), len(lines), run.failed) == (10, 10, "")
    assert run.test[-1] < run.test[0]
    assert run.shown.startswith("the ")
    assert len(run.shown) == 204
    again = characters.run(QUICK, SMALL, 1)
    assert asdict(replace(again, seconds=run.seconds)) == asdict(run)


@pytest.mark.usefixtures("few_windows")
def test_a_run_whose_figures_diverge_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    def diverges(**given: Any) -> Any:
        raise NonFiniteError(1, "gradient")

    monkeypatch.setattr(courses, "train", diverges)
    run = characters.run(QUICK, SMALL, 1)
    assert (run.failed, run.shown) == ("not finite in epoch 1", "")


@pytest.mark.usefixtures("few_windows")
def test_the_journal_keeps_finished_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    talk = (said.append, said.append)
    journal = tmp_path / "journal.jsonl"
    first = characters.study(QUICK, [1], journal=journal, talk=talk, text=SMALL)
    assert said[1].splitlines()[0] == "characters, seed 1"
    monkeypatch.setattr(characters, "run", None)
    again = characters.study(QUICK, [1], journal=journal, talk=talk, text=SMALL)
    assert again.courses == first.courses
    assert said[-1] == "seed 1: from the journal"
    with pytest.raises(OptionError, match=r"^seeds: expected a whole number of at least 1, got 0"):
        characters.study(QUICK, [], text=SMALL)
    with pytest.raises(OptionError, match=r"^net: expected 'multiplicative' or 'plain', got 'deep'"):
        characters.study(replace(QUICK, net="deep"), [0], text=SMALL)


# --- strings of labels


def test_strings_are_heard_as_two_parts_and_silence(monkeypatch: pytest.MonkeyPatch) -> None:
    noisy = label_strings.heard_strings(40, 3).frames
    monkeypatch.setattr(label_strings, "NOISE", 0.0)
    heard = label_strings.heard_strings(40, 3)
    for frames, labels in zip(heard.frames, heard.labels, strict=True):
        loud = np.where(frames.max(axis=0) > 0.5, frames.argmax(axis=0), -1)
        parts = loud[np.r_[True, loud[1:] != loud[:-1]]]
        wanted = [part for label in labels for part in (label // 2, 2 + label % 2, -1)]
        assert len(frames[0]) <= 36
        assert 2 <= len(labels) <= 4
        assert parts.tolist() == wanted
        runs = np.diff(np.r_[0, np.flatnonzero(loud[1:] != loud[:-1]) + 1, len(loud)])
        assert set(runs) <= {1, 2, 3}
    added = np.concatenate([(a - b).ravel() for a, b in zip(noisy, heard.frames, strict=True)])
    assert added.std() == pytest.approx(0.2, rel=0.05)
    again, others = label_strings.heard_strings(40, 3), label_strings.heard_strings(40, 3, label_strings.JUDGED)
    np.testing.assert_array_equal(again.frames[7], heard.frames[7])
    assert others.labels != heard.labels


def test_the_command_reads_strings_and_its_exit_code_tells_the_mark(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(label_strings, "TRAINING_STRINGS", 20)
    monkeypatch.setattr(label_strings, "JUDGED_STRINGS", 10)
    monkeypatch.setattr(label_strings, "MARKS", [Mark(2, 1000.0, "anything")])
    asked = ["study", "ctc", "--hidden", "3", "--epochs", "2", "--cg-steps", "3", "--seeds", "2"]
    journal = ["--journal", str(tmp_path / "journal.jsonl")]
    assert main([*asked, *journal]) == 0
    told = capsys.readouterr()
    assert "reached by 2 of 2 runs." in told.out
    assert "seed 1: label error before training" in told.out
    assert len(told.err.splitlines()) == 2 * (2 + 2)
    monkeypatch.setattr(label_strings, "MARKS", [Mark(2, 0.0, "nothing")])
    assert main([*asked, *journal]) == 1
    assert "reached by 0 of 2 runs." in capsys.readouterr().out
    assert main(["study", "ctc", "--epochs", "1"]) == 2
    assert "epochs: expected at least 2" in capsys.readouterr().err


@pytest.mark.usefixtures("few_windows")
def test_the_command_of_characters_prints_what_a_net_writes(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Text, "of_python", classmethod(lambda cls: SMALL))
    assert main(["study", "characters", "--hidden", "4", "--epochs", "10", "--cg-steps", "3"]) in (0, 1)
    told = capsys.readouterr()
    assert "seed 0: the " in told.out
    assert "Mark: at most" in told.out
    assert "figures do not compare" in told.err
    assert main(["study", "characters", "--epochs", "9"]) == 2
    assert "epochs: expected at least 10, the epoch of the first mark, got 9" in capsys.readouterr().err


# --- the figures of the documentation


@pytest.mark.slow
@pytest.mark.study
@pytest.mark.parametrize("seed", range(3))
def test_strings_are_read_within_the_mark(seed: int) -> None:
    assert label_strings.study(label_strings.Setting(), [seed]).is_met


@pytest.mark.slow
@pytest.mark.study
def test_a_net_on_characters_is_better_than_tables_of_pairs_and_triples() -> None:
    assert characters.study(Setting(), [0]).is_met
