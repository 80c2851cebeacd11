"""Loops over nothing, where Octave's rule and MATLAB's are not the same."""

from __future__ import annotations

import pytest

from hf_matlab_compat.migrate import translate

pytest.importorskip("tree_sitter_matlab")


def test_a_loop_over_columns_without_rows_does_not_run_as_in_octave() -> None:
    names: dict[str, object] = {}
    exec(translate("k = 0; m = 0;\nfor j = zeros(0, 3), k = k + 1; m = m + numel(j); end\n").python, names)
    assert (names["k"], names["m"]) == (0, 0)


def test_a_loop_whose_variable_is_read_behind_it_leaves_it_empty_where_it_does_not_run() -> None:
    source = "n = rand(1) - 2; i = 9;\nfor i = 1:n, y = i; end\nz = isempty(i);\n"
    assert "i = np.zeros((1, 0))\nfor i in" in translate(source).python


@pytest.mark.parametrize(
    "source", ["for i = 1:n, y = i; end", "for i = 1:3, y = i; end\nz = i;", "for i = 1:n, y = i; end\ni = 3;\nz = i;"]
)
def test_a_loop_is_left_as_it_is_where_that_makes_no_difference(source: str) -> None:
    assert "np.zeros((1, 0))" not in translate(f"n = rand(1) * 5;\n{source}\n").python
