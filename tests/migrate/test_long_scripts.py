"""Reading and translating take work in proportion to a script's length, and deep nesting one sentence."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from unittest.mock import patch

import pytest

from hf_matlab_compat.errors import MigrationError
from hf_matlab_compat.migrate import directory, migrate_directory, translate
from hf_matlab_compat.migrate.beside import trainers_beside
from hf_matlab_compat.migrate.translation import Translation

pytest.importorskip("tree_sitter_matlab")

LONG: dict[str, Callable[[int], str]] = {
    "comments": lambda n: "% settings\n\n" * n + "x = 1;\n",
    "trailing comments": lambda n: "x = 1; % a comment\n" * n,
    "carriage returns": lambda n: "x = 1;\r\r" * n,
    "variables": lambda n: "".join(f"x{k} = 1;\n" for k in range(n)),
    "one line": lambda n: "x = 1; y = 2, " * n + "\n",
    "broken lines": lambda n: "x = = 1;\n" * n,
    "branches left open": lambda n: "\nif 1\n" * n,
    "branches": lambda n: "\n".join(f"if c\n x{k} = 1;\nend\n" for k in range(n)),
    "alternatives": lambda n: "\nif a\n x = 1;\n" + "elseif b\n x = 2;\n" * n + "end\n",
    "loops": lambda n: "\n".join(f"for k{k} = 1:3\n x(k{k}) = k{k};\nend\n" for k in range(n)),
    "loops over positions": lambda n: "a0 = 1:3;\n" + "".join(f"a{k + 1} = a{k}(1:3);\n" for k in range(n)),
    "rows": lambda n: "x = [" + "1 2\n" * n + "];\n",
    "continued lines": lambda n: "x = [" + "1 ... note\n" * n + "];\n",
    "strings in a list": lambda n: "x = {" + "".join(f"'a({k}''' " for k in range(n)) + "};\n",
    "strings in a string": lambda n: "q = 'a'; x = [" + "".join(f"'a({k}' q " for k in range(n)) + "];\n",
    "a long string": lambda n: "x = '" + "''{\u2028" * n + "';\n",
    "a long format": lambda n: "fprintf('" + "%d ''" * n + "\\n'" + ", 1" * n + ");\n",
    "functions": lambda n: "".join(f"function y = f{k}(x)\ny = x;\nend\n" for k in range(n)),
    "struct fields": lambda n: "".join(f"s.f{k} = 1;\n" for k in range(n)),
    "loads": lambda n: "".join(f"load f{k}\n" for k in range(n)) + "disp(q)\n",
    "brackets left open": lambda n: "x = [" * n + "\n",
    "garbage": lambda n: ")]}$#\n" * n,
    "a long range": lambda n: "x = " + ":".join(["1"] * n) + ";\n",
    "block comments": lambda n: "\n%{\ntext\n%}\n" * n + "x = 1;\n",
}


def work(source: str) -> int:
    """Calls that a translation makes, of functions of Python and of C."""
    count = 0

    def one_more(_frame: object, event: str, _argument: object) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    translate("x = 1;\n")  # what is only done once is done
    sys.setprofile(one_more)
    try:
        translate("a = 1; b = 2; c = 3; " + source)
    finally:
        sys.setprofile(None)
    return count


@pytest.mark.parametrize("make", LONG.values(), ids=LONG)
def test_work_grows_like_the_script(make: Callable[[int], str]) -> None:
    assert work(make(100)) < 5.5 * work(make(25))


def test_work_does_not_double_with_each_loop_inside_a_loop() -> None:
    def nested(n: int) -> str:
        return "".join(f"for k{k} = 1:2\n" for k in range(n)) + "x = [x 1]; y = x; z = y;\n" + "end\n" * n

    assert work(nested(16)) < 12 * work(nested(8))


@pytest.mark.parametrize("line_ends", ["% settings\n\n", "\r", "\n", " \n%\n", "% a\r", "\t\r\n"])
def test_a_folder_with_a_long_beginning_is_read_at_once(line_ends: str, tmp_path: Path) -> None:
    """Whether a file is a copy of the trainer is asked of every file."""
    (tmp_path / "long.m").write_bytes((line_ends * 60_000).encode() + b"x = 1;\n")
    (tmp_path / "mine.m").write_bytes((line_ends * 28).encode() + b"\nfunction paramsp = nnet_train_mine(a)\n")
    assert "long" not in trainers_beside(tmp_path)
    assert "mine" in trainers_beside(tmp_path)


DEEP = {
    "parentheses": "x = " + "(" * 2000 + "1" + ")" * 2000 + ";\n",
    "brackets": "x = " + "[" * 2000 + "1" + "]" * 2000 + ";\n",
    "calls": "x = " + "abs(" * 300 + "1" + ")" * 300 + ";\n",
    "indices": "x = f" + "(1)" * 300 + ";\n",
    "fields": "x = s" + ".a" * 300 + ";\n",
    "assigned fields": "s" + ".a" * 300 + " = 1;\n",
    "transposes": "x = y" + "'" * 390 + ";\n",
    "signs": "x = " + "-" * 390 + "1;\n",
    "sums": "x = " + "+".join(["1"] * 190) + ";\n",
    "junctions": "if " + " && ".join(["a"] * 190) + ", x = 1; end\n",
    "functions": "f = " + "@(a) " * 300 + "1;\n",
    "loops": "for k = 1:2\n" * 300 + "x = 1;\n" + "end\n" * 300,
    "branches": "if a\n" * 300 + "x = 1;\n" + "end\n" * 300,
    "lists": "x = " + "{" * 150 + "1" + "}" * 150 + ";\n",
    "alternatives": "if a\n x = 1;\n" + "elseif a\n x = 2;\n" * 1000 + "end\n",
    "a position": "y(" + "9" * 6000 + ") = y(" + "9" * 290 + ");\n",
    "a whole number": "x = " + "9" * 6000 + ";\n",
}


@pytest.mark.parametrize("source", DEEP.values(), ids=DEEP)
def test_deep_nesting_is_translated_or_said_in_one_sentence(source: str) -> None:
    made = outcome("y = 1; a = 1; s.b = 1;\n" + source)
    if isinstance(made, str):
        assert made.count("\n") == 0
        return
    compile(made.python, "made", "exec")
    assert all(len(line.remark) < 200 for line in made.todos)


def outcome(source: str) -> Translation | str:
    """The translation, or the sentence that refuses it."""
    try:
        return translate(source)
    except MigrationError as error:
        return str(error)


def test_each_file_of_a_folder_is_parsed_as_often_as_it_is_translated(tmp_path: Path) -> None:
    def parses(number: int) -> int:
        folder = tmp_path / str(number)
        folder.mkdir()
        for k in range(number):
            (folder / f"f{k}.m").write_text(f"function y = f{k}(x)\ny = x + {number};\nend\n")
        with patch.object(directory, "parse", side_effect=directory.parse) as parse:
            migrate_directory(folder, folder / "out")
        return parse.call_count

    assert parses(40) <= 45
