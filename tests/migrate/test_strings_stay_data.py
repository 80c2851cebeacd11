"""What a MATLAB string holds stays data: it never becomes code, and it arrives as it was."""

from __future__ import annotations

import ast
import contextlib
import io
import os
from pathlib import Path

import pytest

from hf_matlab_compat.errors import MigrationError
from hf_matlab_compat.migrate import calls as calls_module
from hf_matlab_compat.migrate import check, migrate_directory, translate
from hf_matlab_compat.migrate.syntax import Untranslatable
from hf_matlab_compat.migrate.values import Kind, Value

pytest.importorskip("tree_sitter_matlab")

CANARY = "+str(print(987654))+"
NASTY = (
    f"'{CANARY}'",
    f'"{CANARY}"',
    f'\\"{CANARY}\\"',
    f"{{print(987654)}} {{{{}}}} {CANARY}",
    f"back\\slash\\'{CANARY}",
    f"'''{CANARY}\"\"\"",
    f"a\u2028b\x0cc\x01d\x85{CANARY}",
    f"# no comment {CANARY}  # noqa",
    f"100% %% %d \\n {CANARY}",
    " == or and , = : x.write(",
    "\ue000616263\ue001 \ue002",
)


def single(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def double(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '""') + '"'


def printed(source: str) -> str:
    made = translate(source)
    assert made.runs, made.todos
    with contextlib.redirect_stdout(io.StringIO()) as out:
        exec(compile(made.python, "made", "exec"), {"__name__": "made"})
    return out.getvalue()


def calls(python: str) -> list[str]:
    return [ast.unparse(node) for node in ast.walk(ast.parse(python)) if isinstance(node, ast.Call)]


@pytest.mark.parametrize("write", [single, double])
@pytest.mark.parametrize("text", NASTY)
def test_a_string_is_printed_as_it_is(text: str, write) -> None:
    literal = write(text)
    assert printed(f"disp({literal});\n") == text + "\n"
    assert printed(f"x = 'a'; disp([x {literal} upper(x)]);\n") == f"a{text}A\n"
    assert printed(f"disp(['Result of ' upper({literal})]);\n") == f"Result of {text.upper()}\n"
    assert printed(f"s.a = {literal}; c = {{1, s.a}}; disp(c{{2}});\n") == text + "\n"
    assert printed(f"disp(strrep({literal}, 'x', {literal}));\n") == text.replace("x", text) + "\n"
    assert printed(f"if strcmp({literal}, lower({literal})), disp(1); else, disp(2); end\n") in ("1\n", "2\n")


@pytest.mark.parametrize("text", NASTY)
def test_a_string_among_the_arguments_of_a_format_is_printed_as_it_is(text: str) -> None:
    assert printed(f"fprintf('%s|%s\\n', {single(text)}, upper({single(text)}));\n") == f"{text}|{text.upper()}\n"
    assert printed(f"x = sprintf('<%s>', {single(text)}); disp(x);\n") == f"<{text}>\n"


def test_a_format_is_printed_with_its_quotes_and_braces() -> None:
    assert printed("fprintf('it''s {%d} \"%s\" \\\\ 50%%\\n', 3, 'q');\n") == 'it\'s {3} "q" \\ 50%\n'
    assert printed("n = 3; disp(['{''n''} = ' num2str(n) '\"']);\n") == "{'n'} = 3\"\n"


def test_a_string_with_both_quotes_beside_a_value_is_no_f_string_in_three_quotes() -> None:
    source = "n = 3; disp(['it''s \"' num2str(n)]);\n"
    assert printed(source) == "it's \"3\n"
    assert not any(mark in translate(source).python.split("\n", 1)[1] for mark in ('"""', "'''"))


def test_a_string_in_double_quotes_is_unescaped_once() -> None:
    assert printed('disp("a\\\\nb\\tc\\x41\\101""q""");\n') == 'a\\nb\tcAA"q"\n'
    assert printed('fprintf("%s\\\\n|\\n", "z");\n') == "z\\n|\n"


@pytest.mark.parametrize(
    "statement",
    [
        "x = exist({0}, 'var');",
        "fid = fopen({0}, {0});",
        "load({0});",
        "x = load({0});",
        "x = str2num({0});",
        "title({0}); plot([1 2], {0}); axis({0}); colormap({0}); close({0});",
        "x = num2str(3, {0});",
        "x = s.({0});",
        "eval({0}); evalc({0}); system({0});",
        "error({0}, {0});",
        "f = @() disp({0});",
        "q = {{{0}; {0}}}; for k = {{{0}}}, disp(k); end",
        "switch {0}, case {0}, disp({0}); case {{{0}, {0}}}, disp(1); end",
        "csvwrite({0}, [1 2]); dlmwrite({0}, [1 2], 'delimiter', {0});",
        "disp(1) % {0}",
        "%{{\n{0}\n%}}",
    ],
)
def test_nothing_of_a_string_is_called(statement: str) -> None:
    """Wherever it stands, in single and in double quotes, the canary never becomes a call."""
    for text in NASTY:
        for write in (single, double):
            made = translate(statement.format(write(text)) + "\n")
            ast.parse(made.python.encode())
            assert not [call for call in calls(made.python) if call == "print(987654)"], made.python


def test_a_files_name_is_no_code(tmp_path: Path) -> None:
    script = tmp_path / 'a"""; print(987654); """b\\.m'
    script.write_text("x = 1;\n")
    made, failed = migrate_directory(tmp_path, tmp_path / "out")
    assert not failed
    assert calls(made[0].python) == []


def test_a_comment_cannot_end_its_line_or_name_an_encoding() -> None:
    made = translate("% coding: utf-7\n% a\u2028print(987654)\x0cb\x0bc\x1cd\u202e\nx = 1; % +AAo-print(987654)\n")
    assert calls(made.python) == []
    assert ast.dump(ast.parse(made.python.encode())) == ast.dump(ast.parse(made.python))
    assert len(made.python.splitlines()) == made.python.count("\n")


def test_an_import_is_kept_where_a_string_looks_like_a_comment() -> None:
    assert printed("x = {'  # ', zeros(1, 2)}; disp(x{1});\n") == "  # \n"
    assert "import matplotlib" not in translate("disp('plt np');\n").python


def test_empty_brackets_on_the_left_are_left_to_do() -> None:
    assert "assigns to nothing" in translate("[] = size(3);\n").todos[0].remark


def parsed(text: str) -> ast.expr:
    """Return Python text as a translator would that does not build trees."""
    try:
        return ast.parse(text, mode="eval").body
    except SyntaxError:
        raise Untranslatable("is no Python") from None


@pytest.mark.parametrize("text", ["x'+str(print(987654))+'y", "a')#", "{print(987654)}"])
@pytest.mark.parametrize("form", ["'{}'.upper()", '"{}".upper()', 'f"{}".upper()', "upper_of(b'', '{}')"])
def test_a_translator_that_edits_text_is_found_out(text: str, form: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its statement is left to do: the strings of its Python are not those of the script."""
    broken = {**calls_module.BUILTINS, "upper": lambda given: Value(parsed(form.format(given.literal(0))), Kind.STR)}
    monkeypatch.setattr(calls_module, "BUILTINS", broken)
    made = translate(f"y = 1;\nx = upper({single(text)});\n")
    survives = text in [node.value for node in ast.walk(ast.parse(made.python)) if isinstance(node, ast.Constant)]
    assert survives or not made.runs, made.python
    assert not [call for call in calls(made.python) if call == "print(987654)"]


@pytest.mark.parametrize("given", ["12345", "0.25", "1e-7", "123456789012345678901"])
def test_a_number_that_changes_is_found_out(given: str, monkeypatch: pytest.MonkeyPatch) -> None:
    source = f"x = abs({given});\n"
    assert translate(source).runs
    for form in ("abs({0} + 54321)", "abs(1)"):
        value = Value(parsed(form.format(given)), Kind.NUM)
        monkeypatch.setattr(calls_module, "BUILTINS", {**calls_module.BUILTINS, "abs": lambda _given, v=value: v})
        assert "numbers that would not be the same" in translate(source).todos[0].remark


def test_whole_numbers_that_doubles_cannot_hold_are_doubles() -> None:
    assert "x = 9007199254740992.0" in translate("x = 9007199254740993;\n").python
    assert "x = 9007199254740991\n" in translate("x = 9007199254740991;\n").python


@pytest.mark.parametrize("name", ["f\\nprint(987654)\\n", "f\\rprint(987654)#", "\\n\\n", "print(987654)"])
def test_the_name_of_a_file_in_a_remark_is_no_code(name: str) -> None:
    for statement in (f'load("{name}");', f'load "{name}"', f'load("{name}", "q");', f'x = load("{name}");'):
        made = translate(f"{statement}\ndisp(q); q2(3) = 1; disp(q2);\n")
        assert not [call for call in calls(made.python) if call == "print(987654)"], made.python


def test_a_file_whose_name_is_no_unicode_is_reported(tmp_path: Path) -> None:
    (tmp_path / os.fsdecode(b"bad\xff.m")).write_text("x = 1;\n")
    assert migrate_directory(tmp_path, tmp_path / "out")[0][0].runs
    assert "udcff" in (tmp_path / "out" / "REPORT.md").read_text()


@pytest.mark.octave
def test_a_check_refuses_a_name_that_octave_would_read_as_code(tmp_path: Path) -> None:
    script = tmp_path / "x = system('touch canary');.m"
    script.write_text("x = 1;\n")
    with pytest.raises(MigrationError, match="whose name MATLAB can call"):
        check(script)
