"""Names that are calls and not variables of a file, functions named otherwise than their file, files in part."""

from __future__ import annotations

import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.io import savemat
from scipy.sparse import csc_matrix

from hf_matlab_compat.errors import MigrationError
from hf_matlab_compat.migrate import migrate_directory, migrate_script
from hf_matlab_compat.migrate import runtime as ml

pytest.importorskip("tree_sitter_matlab")


def migrated(folder: Path, **files: str) -> dict[str, Any]:
    for name, text in files.items():
        (folder / f"{name}.m").write_text(text)
    made, failed = migrate_directory(folder, folder)
    assert failed == []
    return {each.name: each for each in made}


def test_a_script_beside_is_no_variable_of_a_file(tmp_path: Path) -> None:
    made = migrated(tmp_path, first="load gone\nprep;\ny = total + X;\n", prep="total = 3;\n")
    assert "loaded.prep" not in made["first"].python


@pytest.mark.parametrize(
    "call",
    [
        "y = fit_it(X, 'fast');",
        "y = fit_it(@(t) t, X);",
        "y = fit_it(X, []);",
        "y = fit_it(X, {1, 2});",
        "y = fit_it(X, 0.5);",
        "y = fit_it();",
        "fit_it;",
        "y = X; fit_it",
        "if fit_it(X, 'fast') > 2, y = fit_it(X, 3); end",
    ],
)
def test_a_call_is_no_variable_of_a_file_that_is_not_at_hand(tmp_path: Path, call: str) -> None:
    made = migrated(tmp_path, first=f"load gone\nz = X;\n{call}\n")
    if call != "y = X; fit_it":  # without a semicolon it may show a variable
        assert not made["first"].runs
        assert "loaded.fit_it" not in made["first"].python


def test_an_index_is_still_taken_for_a_variable(tmp_path: Path) -> None:
    made = migrated(tmp_path, first="load gone\ny = X(2, :) + W{1}(:, 1)';\n")
    assert made["first"].runs
    assert "X is assumed to be in gone.mat" in made["first"].to_verify[0].remark


def test_a_function_goes_by_the_name_of_its_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    helper = "% help\nfunction y = other(x)\n  y = inner(x) + 1;\nend\nfunction y = inner(x)\n  y = 2 * x;\nend\n"
    made = migrated(tmp_path, uses_it="y = renamed_helper(2);\n", renamed_helper=helper)
    assert all(each.runs for each in made.values())
    monkeypatch.syspath_prepend(str(tmp_path))
    names: dict[str, Any] = {}
    exec(made["uses_it"].python, names)
    assert names["y"] == 5


def test_a_file_whose_second_function_has_its_name_is_left_to_do(tmp_path: Path) -> None:
    two = "function y = other(x)\n  y = two(x);\nend\nfunction y = two(x)\n  y = 2 * x;\nend\n"
    assert not migrated(tmp_path, two=two)["two"].runs


@pytest.fixture
def mixed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    several = np.zeros((1, 2), dtype=[("a", "O")])
    held = {"row": np.array([[1.0, 2, 3]]), "S": csc_matrix(np.eye(3)), "many": several, "others": several, "none": {}}
    savemat(tmp_path / "mixed.mat", {**held, "z": np.array([[1 + 2j, 3]]), "deep": {"w": np.array([[2j]])}})
    return tmp_path


def test_a_variable_is_loaded_whatever_else_the_file_holds(mixed: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        loaded = ml.load_mat("mixed.mat")
    assert loaded.row.tolist() == [[1, 2, 3]]
    assert loaded.S.tolist() == np.eye(3).tolist()
    assert abs(loaded.z).tolist() == [[5**0.5, 3]]
    assert (loaded.z * 2).imag.tolist() == [[4, 0]]
    assert abs(loaded.deep.w).tolist() == [[2]]


@pytest.mark.parametrize(("name", "what"), [("many", "an array of structs"), ("others", "an array of structs")])
def test_a_variable_that_cannot_be_had_is_refused_by_name_when_it_is_used(mixed: Path, name: str, what: str) -> None:
    loaded = ml.load_mat("mixed.mat")
    with pytest.raises(
        MigrationError, match=rf"mixed\.mat: expected {name} to be an array, a cell or a struct, got {what}"
    ):
        getattr(loaded, name)


def test_complex_numbers_are_not_transposed_without_a_word(mixed: Path) -> None:
    loaded = ml.load_mat("mixed.mat")
    with pytest.raises(MigrationError, match="transpose: expected real numbers, got complex ones"):
        _ = loaded.z.T
    assert abs(loaded.z).T.shape == (2, 1)


def test_an_empty_struct_is_a_struct(mixed: Path) -> None:
    assert vars(ml.load_mat("mixed.mat").none) == {}


def test_a_script_runs_that_uses_the_good_variables_only(mixed: Path) -> None:
    (mixed / "s.m").write_text("s = load('mixed.mat');\ny = sum(s.row);\nload mixed\nw = row * 2;\n")
    made = migrate_script(mixed / "s.m")
    assert made.runs
    names: dict[str, Any] = {}
    exec(made.python, names)
    assert names["y"] == 6
    assert names["w"].tolist() == [[2, 4, 6]]


@pytest.mark.parametrize(
    ("added", "inside"),
    [
        ("addpath('tools');", "tools"),
        ("addpath tools", "tools"),
        ("addpath(genpath(pwd));", "tools/deep"),
        ("addpath(genpath('.'))", "tools"),
        ("addpath(fullfile(pwd, 'tools', 'deep'));", "tools/deep"),
        ("addpath([pwd '/tools'], '-end');", "tools"),
        ("addpath(genpath('./tools'));", "tools/deep"),
    ],
)
def test_functions_in_folders_on_the_path_are_migrated_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, added: str, inside: str
) -> None:
    (tmp_path / "in" / inside).mkdir(parents=True)
    (tmp_path / "in" / "calls_it.m").write_text(f"{added}\ny = added_fn(2);\n")
    (tmp_path / "in" / inside / "added_fn.m").write_text("function y = added_fn(x)\n y = added_too(x) + 1;\nend\n")
    (tmp_path / "in" / inside / "added_too.m").write_text("function y = added_too(x)\n y = 10 * x;\nend\n")
    made, failed = migrate_directory(tmp_path / "in", tmp_path / "out")
    assert failed == []
    assert all(each.runs for each in made)
    monkeypatch.syspath_prepend(str(tmp_path / "out"))
    names: dict[str, Any] = {}
    exec((tmp_path / "out" / "calls_it.py").read_text(), names)
    for module in ("added_fn", "added_too"):
        sys.modules.pop(module)
    assert names["y"] == 21


def test_a_folder_that_is_not_on_the_path_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "tools").mkdir()
    (tmp_path / "tools" / "added_fn.m").write_text("function y = added_fn(x)\n y = x;\nend\n")
    assert not migrated(tmp_path, calls_it="y = added_fn(2);\n")["calls_it"].runs


def test_a_function_in_two_folders_of_the_path_is_left_to_do(tmp_path: Path) -> None:
    for folder, value in (("one", 1), ("two", 2)):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "twice.m").write_text(f"function y = twice(x)\n y = {value};\nend\n")
    (tmp_path / "calls_it.m").write_text("addpath('one'); addpath('two');\ny = twice(2);\n")
    made, failed = migrate_directory(tmp_path, tmp_path / "out")
    assert [each.runs for each in made] == [False]
    assert failed == [
        ("twice", "twice.m: expected it in one folder of the path, got one, two. Migrate with one of them only.")
    ]
