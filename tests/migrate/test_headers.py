"""Headers of loops, branches and functions: comments behind them, and conditions that go on over several lines."""

from __future__ import annotations

import ast
import contextlib
import io
import re
from pathlib import Path

import pytest

from hf_matlab_compat.migrate import migrate_directory, translate

pytest.importorskip("tree_sitter_matlab")

SCRIPTS = sorted((Path(__file__).parent / "scripts").glob("*.m"))
COMPOUND = {
    "for": "for k = 1:2\n z = k;\nend\n",
    "parfor": "parfor k = 1:2\n z = k;\nend\n",
    "while": "k = 0;\nwhile k < 2\n z = k;\n k = k + 1;\nend\n",
    "if": "k = 3;\nif k > 5\n z = 1;\nelseif k > 4\n z = 2;\nelse\n z = 3;\nend\n",
    "switch": "switch 'b'\n case 'a'\n  z = 1;\n case {'b', 'c'}\n  z = 2;\n otherwise\n  z = 3;\nend\n",
    "try": "try\n z = 1;\n error('no');\ncatch e\n z = 2;\nend\n",
    "nested": "for k = 1:2\n for j = 1:2\n  if j == k\n   z = [j k];\n  end\n end\nend\n",
    "function": "z = f(2);\nfunction y = f(x)\n y = [];\n for k = 1:x\n  y = [y k];\n end\nend\n",
}


def with_comments(source: str) -> tuple[str, int]:
    """The script with a comment behind each line that can have one, and the number of comments."""
    lines = source.split("\n")
    for place, line in enumerate(lines):
        if line.strip() and "%" not in line and "..." not in line and line.count("[") == line.count("]"):
            lines[place] = f"{line} % note{place}."
    return "\n".join(lines), sum("% note" in line for line in lines)


def ran(source: str) -> str:
    """What the translated script prints; nothing of it is left to do."""
    made = translate(source)
    assert made.runs, made.todos
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(made.python, {})
    return printed.getvalue()


@pytest.mark.parametrize("source", COMPOUND.values(), ids=COMPOUND)
def test_a_comment_behind_each_line_of_a_compound_statement_is_kept_and_changes_nothing(source: str) -> None:
    plain, (text, count) = translate(source), with_comments(source)
    made = translate(text)
    assert made.runs
    assert made.python.count("# note") == count == len(source.strip().split("\n"))
    assert ast.dump(ast.parse(made.python)) == ast.dump(ast.parse(plain.python))


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.stem)
def test_comments_behind_the_lines_of_a_whole_script_change_nothing(script: Path) -> None:
    source = script.read_text()
    text, count = with_comments(source)
    made = translate(text)
    assert len(set(re.findall(r"[#%] note\d+\.", made.python))) == count > 0
    assert ast.dump(ast.parse(made.python)) == ast.dump(ast.parse(translate(source).python))


def test_a_folder_with_such_a_loop_is_written(tmp_path: Path) -> None:
    (tmp_path / "layers.m").write_text("for n = 1:2  % every layer\n    width = n;\nend\ndisp(width)\n")
    made, failed = migrate_directory(tmp_path, tmp_path / "out")
    assert failed == []
    assert made[0].runs
    assert "for n in range(1, 3):  # every layer\n    width = n\n" in (tmp_path / "out" / "layers.py").read_text()


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("k = 3;\nif k > 1 ...\n    && k < 5\n disp(k)\nend\n", "3\n"),
        ("k = 3;\nif k > 5\n disp(0)\nelseif k > 4 ...\n  || k == 3 ...\n\n disp(k)\nend\n", "3\n"),
        ("k = 0;\nwhile k < 2 && ...\n   k > -1\n k = k + 1;\nend\ndisp(k)\n", "2\n"),
        ("s = 0;\nfor k = ...\n   1: ...\n   3\n s = s + k;\nend\ndisp(s)\n", "6\n"),
        ("s = 0;\nfor k = [1 2 ...\n  4]\n s = s + k;\nend\ndisp(s)\n", "7\n"),
        ("k = 1;\nswitch k + ...\n  1\n case {1, ...\n    2}\n  disp(7)\nend\n", "7\n"),
        ("if all([1 2\n        3 4])\n disp(4)\nend\n", "4\n"),
        ("disp(f(1, ...\n 2));\nfunction y = f(a, ...\n  b)\n y = a + b;\nend\n", "3\n"),
    ],
)
def test_a_header_may_go_on_over_several_lines(source: str, expected: str) -> None:
    assert ran(source) == expected


def test_comments_between_the_lines_of_a_header_are_kept() -> None:
    made = translate("x = 3;\nif x > 2 && ... first\n  x < 5\n disp(x)\nelseif x == 9 ... second\n || x == 8\nend\n")
    assert made.runs
    assert "# first\n" in made.python
    assert "# second\n" in made.python
