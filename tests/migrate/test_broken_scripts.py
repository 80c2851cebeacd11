"""Scripts that are broken or out of reach: a report, and never a traceback."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hf_matlab_compat.errors import MigrationError
from hf_matlab_compat.migrate import Fate, Translation, migrate_directory, migrate_script, translate
from hf_matlab_compat.migrate.trainer import read_trainer

pytest.importorskip("tree_sitter_matlab")

BROKEN = {
    "an operator too many": ("x = 1;\ny = 1 +* 2;\n", 2, "cannot be parsed"),
    "an if without end": ("x = 3;\nif x > 2\n  y = 4;\nz = 5;\n", 2, "cannot be parsed"),
    "a string without end": ("x = 'abc;\ny = 3;\n", 1, "cannot be parsed"),
    "a bracket without end": ("x = [1 2;\ny = 3;\n", 1, "cannot be parsed"),
    "an unknown function": ("y = wavelet_shrink(3);\n", 1, "wavelet_shrink"),
    "an undefined variable": ("y = indata(:, 1:3);\n", 1, "indata"),
    "another trainer": ("p = nnet_train_sgd('a', 1, 2);\n", 1, "nnet_train_sgd"),
    "too few arguments": ("x = 1;\np = nnet_train_2('a', x);\n", 2, "2 arguments instead of 22"),
    "a call with one argument too many": ("p = nnet_train_2(" + "1," * 22 + "2);\n", 1, "no known form"),
    "eval of a name": ("for i = 1:3\n  eval(['train' num2str(i) ' = 3;']);\nend\n", 2, "eval"),
    "a dialogue": ("h = figure;\nuicontrol(h, 'Style', 'pushbutton');\n", 2, "dialogues"),
    "global variables": ("global x\nx = 3;\n", 1, "global"),
    "a class": ("classdef Foo < handle\nend\n", 1, "class definition"),
    "cells in three dimensions": ("c = cell(2, 3, 4);\n", 1, "cell with 3 arguments"),
    "structs in an array": ("s(2).a = 3;\n", 1, "indexes a struct"),
    "a command to the system": ("!ls\n", 1, "command to the system"),
    "characters as numbers": ("s = 'abc';\nx = s - 'a';\n", 2, "a string"),
    "a matrix to a power": ("x = zeros(2, 2);\ny = x ^ 2;\n", 2, "matrix to a power"),
    "parentheses without end": ("x = " + "(" * 3000 + "1" + ")" * 3000 + ";\n", 1, "nested too deeply"),
    "the whole workspace saved": ("x = 1;\nsave all\n", 2, "whole workspace"),
}
SAMPLES = [path.read_text() for path in sorted((Path(__file__).parent / "scripts").glob("*.m"))]


@pytest.mark.parametrize("kind", BROKEN)
def test_a_broken_script_gives_a_report(kind: str) -> None:
    source, line, reason = BROKEN[kind]
    made = translate(source)
    remarks = {each.number: each.remark for each in made.todos}
    assert reason in remarks[line]
    assert f"TODO(migrate): line {line}:" in made.python
    assert not made.runs
    assert_accounts_for(made, source)


@pytest.mark.parametrize("source", ["", "% nothing\n", "%{\nat all\n%}\n", "\n\n"])
def test_a_script_of_nothing_is_complete(source: str) -> None:
    made = translate(source)
    assert made.runs
    assert_accounts_for(made, source)


def test_a_binary_file_is_refused() -> None:
    with pytest.raises(MigrationError, match="a binary file"):
        translate("MATLAB 5.0\0\1\2")


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(MigrationError, match="expected a MATLAB script"):
        migrate_script(tmp_path / "none.m")
    with pytest.raises(MigrationError, match="expected a directory with"):
        migrate_directory(tmp_path, tmp_path / "out")


def test_a_directory_reports_on_good_bad_and_unreadable_scripts(tmp_path: Path) -> None:
    (tmp_path / "good.m").write_text("x = 3;\n")
    (tmp_path / "bad.m").write_text("x = foo(3);\n")
    (tmp_path / "binary.m").write_bytes(b"\0\1\2")
    made, failed = migrate_directory(tmp_path, tmp_path / "out")
    report = (tmp_path / "out" / "REPORT.md").read_text()
    assert [(each.name, each.runs) for each in made] == [("bad", False), ("good", True)]
    assert [name for name, _ in failed] == ["binary"]
    assert "| 1 | `x = foo(3);` | TODO: foo is not known here" in report
    assert "## Functions that are not known here\n\n- foo (bad.m)" in report
    assert (tmp_path / "out" / "REPORT.json").exists()


@settings(max_examples=80)
@given(
    st.sampled_from(SAMPLES),
    st.integers(0, 4000),
    st.integers(0, 3),
    st.text("()[]{}'\";:=~%.,+-*/^@ \nendif1x", max_size=6),
)
def test_a_mutated_script_gives_a_report_or_a_migration_error(text: str, at: int, cut: int, put: str) -> None:
    source = text[: at % len(text)] + put + text[at % len(text) + cut :]
    assert_accounts_for(translate(source), source)


@settings(max_examples=60)
@given(st.sampled_from(SAMPLES), st.integers(0, 4000))
def test_a_truncated_script_gives_a_report(text: str, at: int) -> None:
    source = text[: at % len(text)]
    assert_accounts_for(translate(source), source)


@settings(max_examples=60)
@given(st.sampled_from(SAMPLES), st.lists(st.tuples(st.integers(0, 4000), st.integers(0, 7)), min_size=1, max_size=4))
def test_flipped_bits_give_a_report_or_a_migration_error(text: str, flips: list[tuple[int, int]]) -> None:
    data = bytearray(text.encode())
    for at, bit in flips:
        data[at % len(data)] ^= 1 << bit
    source = data.decode("latin-1")
    try:
        made = translate(source)
    except MigrationError as error:
        assert "binary" in str(error)  # noqa: PT017  any other script gets a report
        return
    assert_accounts_for(made, source)


@settings(max_examples=60)
@given(st.text(max_size=200))
def test_any_text_gives_a_report_or_a_migration_error(text: str) -> None:
    try:
        made = translate(text)
    except MigrationError:
        return
    compile(made.python, "script", "exec")


def assert_accounts_for(made: Translation, source: str) -> None:
    """Python that compiles, an entry for every line, and every line left to do in the Python script."""
    compile(made.python, "script", "exec")
    assert len(made.lines) == len(source.split("\n"))
    for line in made.lines:
        if line.fate is Fate.TODO:
            assert any(part.strip(" %") in made.python for part in re.split("[;,%]", line.text) if part.strip(" ;,%"))


@pytest.mark.parametrize(
    "source",
    [
        "pix !find(mean(X, 2) > 0.45 & var(X, 0, 2) > 0);\n",
        "save('a>b>c', 'd>e>f');\n",
        "function [a~b, c] = f(x)\na = x;\nend\n",
        "function [a, a] = f(x, ~, x)\na = x;\nend\n",
        "function f(a.b)\nend\n",
    ],
)
def test_odd_words_and_names_are_left_to_do(source: str) -> None:
    made = translate(source)
    assert made.todos
    compile(made.python, "made", "exec")


def test_a_pipe_or_a_device_in_the_place_of_a_script_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.m")
    with pytest.raises(MigrationError, match="expected a MATLAB script, got a pipe"):
        migrate_script(tmp_path / "pipe.m")
    with pytest.raises(MigrationError, match="expected a MATLAB script, got a device"):
        migrate_script("/dev/zero")
    with pytest.raises(MigrationError, match="expected a file that can be read, got a pipe"):
        read_trainer(tmp_path / "pipe.m")


def test_a_script_beside_a_pipe_is_translated(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.m")
    (tmp_path / "nobody.m").symlink_to(tmp_path / "nowhere.m")
    (tmp_path / "script.m").write_text("addpath('more');\ny = 2;\n")
    (tmp_path / "more").mkdir()
    os.mkfifo(tmp_path / "more" / "another.m")
    assert migrate_script(tmp_path / "script.m").todos == ()
    made, failed = migrate_directory(tmp_path, tmp_path / "out")
    assert [each.name for each in made] == ["script"]
    assert sorted(name for name, _ in failed) == ["another", "nobody", "pipe"]
