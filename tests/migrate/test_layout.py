"""The layout of a script: ruff's where it is installed, and the same statements without it."""

from __future__ import annotations

import ast

import pytest

from hf_matlab_compat.migrate import layout, translate

pytest.importorskip("tree_sitter_matlab")

LONG = "reconstruction = zeros(3, 4); deviations = ones(3, 4);\n" + "".join(
    f"scaled{k} = (reconstruction(:, 1:{k}) - repmat(mean(reconstruction, 2), 1, {k})) ./ deviations(:, 1:{k});\n"
    f"if mean(mean(reconstruction)) > {k} && any(any(deviations(:, 1:{k}) < reconstruction(:, 1:{k}))), x = {k}; end\n"
    for k in range(1, 4)
)
NOWHERE = "/nowhere/ruff"


def test_long_statements_are_broken() -> None:
    if layout.formatted("x = 'a'\n") != 'x = "a"\n':
        pytest.skip("ruff is not installed")
    assert max(map(len, translate(LONG).python.splitlines())) <= layout.WIDTH


@pytest.mark.parametrize("ruff", [None, NOWHERE])
def test_a_script_without_ruff_has_the_same_statements(ruff: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    laid_out = translate(LONG).python
    monkeypatch.setattr(layout, "_ruff", lambda: ruff)
    plain = translate(LONG).python
    assert max(map(len, plain.splitlines())) > layout.WIDTH
    assert ast.dump(ast.parse(plain)) == ast.dump(ast.parse(laid_out))


def test_what_ruff_refuses_stays_as_it_is() -> None:
    assert layout.formatted("x = = 1\n") == "x = = 1\n"
