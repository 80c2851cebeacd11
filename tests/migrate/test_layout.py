"""The layout of a script: ruff's where it is installed, and the same statements without it."""

from __future__ import annotations

import ast

import pytest

from hf_matlab_compat.migrate import translate, writer
from hf_matlab_compat.migrate.writer import formatted

pytest.importorskip("tree_sitter_matlab")

LONG = "reconstruction = zeros(3, 4); deviations = ones(3, 4);\n" + "".join(
    f"scaled{k} = (reconstruction(:, 1:{k}) - repmat(mean(reconstruction, 2), 1, {k})) ./ deviations(:, 1:{k});\n"
    f"if mean(mean(reconstruction)) > {k} && any(any(deviations(:, 1:{k}) < reconstruction(:, 1:{k}))), x = {k}; end\n"
    for k in range(1, 4)
)


def test_long_statements_are_broken_and_mean_the_same() -> None:
    plain = translate(LONG).python
    (laid_out,) = formatted(plain)
    if laid_out == plain:
        pytest.skip("ruff is not installed")
    assert max(map(len, plain.splitlines())) > 88
    assert max(map(len, laid_out.splitlines())) <= 88
    assert ast.dump(ast.parse(plain)) == ast.dump(ast.parse(laid_out))


@pytest.mark.parametrize("ruff", [None, "/nowhere/ruff"])
def test_a_script_without_ruff_stays_as_it_is(ruff: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    plain = translate(LONG).python
    monkeypatch.setattr(writer.shutil, "which", lambda *_, **__: ruff)
    assert formatted(plain, "x = 'a'\n") == [plain, "x = 'a'\n"]


def test_several_scripts_are_laid_out_at_once_and_one_that_ruff_refuses_stays_as_it_is() -> None:
    if formatted("x = 'a'\n") == ["x = 'a'\n"]:
        pytest.skip("ruff is not installed")
    assert formatted("x = 'a'\n", "x = = 1\n", "y='b'\n") == ['x = "a"\n', "x = = 1\n", 'y = "b"\n']


@pytest.mark.parametrize("length", [10, 100])
def test_a_comment_after_a_statement_stays_on_its_line_if_it_fits(length: int) -> None:
    comment = "c" * length
    made = translate(f"if 1 % {comment}\n x = 1; % {comment}\nend\n").python
    lines = made.splitlines()
    if length == 10:
        assert [f"if 1:  # {comment}", f"    x = 1  # {comment}"] == lines[-2:]
    else:
        assert [f"# {comment}", "if 1:", f"    # {comment}", "    x = 1"] == lines[-4:]


def test_a_lone_string_is_no_docstring_whose_lines_could_be_taken_for_comments() -> None:
    made = translate('function y = f()\n"a\\n#\\tb";\ny = 1;\nend\n')
    assert made.runs
    function = next(node for node in ast.parse(made.python).body if isinstance(node, ast.FunctionDef))
    assert [type(node) for node in function.body] == [ast.Assign, ast.Return]
