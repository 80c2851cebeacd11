"""Long statements: broken at brackets, and never another statement than before."""

from __future__ import annotations

import ast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hf_matlab_compat.migrate import layout
from hf_matlab_compat.migrate.layout import broken

NAMES = ("reconstruction_of_all_the_cases", "mean_of_the_reconstruction", "y", "number_of_cases")
TILE = "np.tile(mean_of_the_reconstruction[:, [0]], (1, number_of_cases_in_the_chunk))"
LONG = (
    f"scaled = (reconstruction[:, :number_of_cases] - {TILE}) / np.tile(deviations, (1, 60))",
    f"scaled = (reconstruction[:, :number_of_cases_in_the_chunk] - {TILE}) / y",
    f"scaled = y / (reconstruction[:, :number_of_cases_in_the_chunk] - {TILE})",
    f"Y = (np.tile(np.arange(1, number_of_cases + 1)[:, None], (1, n)) == {TILE}).astype(float)",
    f"entry = names[the_position_of_the_entry_that_is_wanted_here(reconstruction, {TILE}, deviations)]",
    f"all_of_them = [the_function_of_each(each, {TILE}, deviations) for each in reconstruction_of_cases]",
    f"single = (reconstruction_of_the_cases_that_are_left(reconstruction, {TILE}, deviations, number),)",
    f"kept = lambda first, second: (the_function_of_each(first, {TILE}, deviations), the_other(second, {TILE}))",
    f"if (reconstruction[:, :number_of_cases_in_the_chunk] - {TILE}).max() > largest_deviation:",
    f"elif (reconstruction[:, :number_of_cases_in_the_chunk] - {TILE}).max() > largest_deviation:",
    f"for case in (reconstruction[:, :number_of_cases_in_the_chunk] - {TILE} + deviations_of_them).T:",
)


def tree(text: str) -> str:
    whole = text + "\n    pass" if text.endswith(":") else text
    return ast.dump(ast.parse(f"if 1:\n    pass\n{whole}" if text.startswith("elif") else whole))


@pytest.mark.parametrize("text", LONG)
@pytest.mark.parametrize("width", [40, 60, 88])
def test_a_long_statement_keeps_its_meaning(text: str, width: int) -> None:
    assert tree("\n".join(broken(text, 0, width))) == tree(text)


@pytest.mark.parametrize("text", LONG[:4])
def test_a_long_statement_with_a_group_is_broken(text: str) -> None:
    assert max(map(len, broken(text, 0))) <= 88


def extended(part: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    two, many = st.tuples(part, part), st.lists(part, min_size=1, max_size=4)
    return st.one_of(
        two.map(lambda ab: f"({ab[0]} - {ab[1]}) / {ab[1]}"),
        two.map(" == ".join).map(lambda both: f"({both}).astype(float)"),
        many.map(lambda parts: f"np.tile({', '.join(parts)})"),
        many.map(lambda parts: f"[{', '.join(parts)}]"),
        two.map(lambda ab: f"{NAMES[0]}[{ab[0]}]"),
        two.map(lambda ab: f"({ab[0]}, {ab[1]})"),
        two.map(lambda ab: f"sum({ab[0]} for each in {ab[1]})"),
    )


@settings(max_examples=200, deadline=None)
@given(st.recursive(st.sampled_from(NAMES), extended, max_leaves=8), st.integers(24, 88))
def test_any_statement_keeps_its_meaning(expression: str, width: int) -> None:
    assert tree("\n".join(broken(f"x = {expression}", 4, width)).replace("\n    ", "\n").strip()) == tree(
        f"x = {expression}"
    )


def test_lines_that_would_mean_something_else_are_not_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(layout, "_broken", lambda *_: ["y = (", "    x,", ")"])
    assert broken("y = (x)", 4) == ["    y = (x)  # noqa: E501"]
