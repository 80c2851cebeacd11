"""Names after a load: the file's own where it is at hand, and never a function of MATLAB's or a typo unsaid."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy.io import savemat

from hf_matlab_compat.cli import main
from hf_matlab_compat.migrate import migrate_script, translate
from hf_matlab_compat.migrate import runtime as ml

pytest.importorskip("tree_sitter_matlab")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    savemat(tmp_path / "toy.mat", {"bdata": np.ones((3, 2)), "labels": np.arange(3.0), "magic": 7.0})
    savemat(tmp_path / "other.mat", {"rate": 2.0})
    monkeypatch.chdir(tmp_path)
    return tmp_path


def migrated(folder: Path, source: str) -> tuple[list[str], dict[str, object], str]:
    (folder / "s.m").write_text(source)
    made = migrate_script(folder / "s.m")
    names: dict[str, object] = {}
    if made.runs:
        exec(made.python, names)
    return [line.remark for line in made.todos], names, made.python


def test_a_name_that_the_file_does_not_hold_is_left_to_do(folder: Path) -> None:
    todos, _, _ = migrated(folder, "load toy\nX = bdata';\nz = undefinedthing + 1;\n")
    assert todos == ["uses undefinedthing, which is neither a variable nor a function known here"]


def test_a_name_that_the_file_holds_comes_before_a_function(folder: Path) -> None:
    todos, names, _ = migrated(folder, "load('toy.mat');\nq = magic + 1;\n")
    assert todos == []
    assert names["q"] == 8


def test_a_load_replaces_a_variable_of_the_script(folder: Path) -> None:
    todos, names, _ = migrated(folder, "labels = 5;\nrate = 1;\nload toy\ns = sum(labels) * rate;\n")
    assert todos == []
    assert names["s"] == 3


def test_each_file_gives_its_own_names(folder: Path) -> None:
    source = "load toy\nbdata = bdata * 2;\nload other\nrate = rate + 1;\ns = sum(sum(bdata)) * rate;\n"
    todos, names, _ = migrated(folder, source)
    assert todos == []
    assert names["s"] == 36


def test_without_the_file_names_are_assumed_and_said_to_be(tmp_path: Path) -> None:
    (tmp_path / "s.m").write_text("load toy\nX = bdata';\nz = typo + 1;\n")
    made = migrate_script(tmp_path / "s.m")
    assert made.runs
    remarks = " ".join(line.remark for line in made.to_verify)
    assert "bdata is assumed to be in toy.mat, which is not at hand" in remarks
    assert "typo is assumed to be in toy.mat, which is not at hand" in remarks


@pytest.mark.parametrize("name", ["magic", "circshift", "xor", "accumarray", "uint8", "diff", "dot", "cov", "norm"])
def test_without_the_file_a_function_is_no_variable(name: str) -> None:
    made = translate(f"load toy\nX = bdata;\ny = {name}(X, X, X, X, X, X);\n")
    assert f"loaded.{name}" not in made.python
    assert [line.number for line in made.todos] == [3]


def test_a_file_that_the_script_saves_itself_is_not_at_hand(folder: Path) -> None:
    (folder / "s.m").write_text("fresh = 3;\nsave('toy.mat', 'fresh');\nclear\nload toy\ny = fresher + 1;\n")
    made = migrate_script(folder / "s.m")
    assert "fresher is assumed to be in toy" in made.to_verify[0].remark


def test_a_parameter_of_an_anonymous_function_is_no_name_of_the_file() -> None:
    made = translate("load toy\nf = @(t) t + offset;\ny = f(2);\n")
    assert "loaded.offset" in made.python
    assert "loaded.t" not in made.python


def test_names_are_bound_where_a_file_is_loaded_in_a_loop(folder: Path) -> None:
    source = "names = {'toy', 'other'};\nfor i = 1:2\n  load(names{i});\n  y = bdata * 2;\nend\n"
    (folder / "s.m").write_text(source)
    made = migrate_script(folder / "s.m")
    assert "bdata is assumed to be in a file named while the script runs" in made.to_verify[0].remark
    names: dict[str, np.ndarray] = {}
    exec(made.python, names)
    assert names["y"].tolist() == (np.ones((3, 2)) * 2).tolist()


def test_names_that_a_load_lists_are_the_only_ones() -> None:
    made = translate("load('toy.mat', 'bdata');\ny = bdata + typo;\n")
    assert [line.number for line in made.todos] == [2]


def test_the_command_names_lines_to_verify(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "s.m").write_text("load toy\nX = bdata';\n")
    assert main(["migrate", str(tmp_path / "s.m")]) == 0
    said = capsys.readouterr().out
    assert "s.m: 3 lines, complete, 1 to verify" in said
    assert "verify line 1: load toy  (bdata is assumed to be in toy.mat" in said


def test_a_missing_variable_is_told_with_its_file(folder: Path) -> None:
    loaded = ml.load_mat("toy.mat")
    with pytest.raises(AttributeError, match=r"toy\.mat: expected the variable typo, got bdata, labels, magic\."):
        _ = loaded.typo
    assert set(vars(loaded)) == {"bdata", "labels", "magic"}
    assert not hasattr(ml.copied(loaded), "typo")


def test_without_the_file_a_variable_that_is_assigned_in_part_is_taken_from_it(folder: Path) -> None:
    source = "load gone\nlabels(labels == 0) = 10;\nd(1, 1:2) = 0;\n"
    (folder / "s.m").write_text(source)
    made = migrate_script(folder / "s.m")
    (remark,) = (line.remark for line in made.to_verify)
    assert "labels is assumed to be in gone.mat" in remark
    assert "d is assumed to be in gone.mat" in remark
    savemat(folder / "gone.mat", {"labels": np.array([[0.0, 1]]), "d": np.ones((2, 2))})
    names: dict[str, np.ndarray] = {}
    exec(made.python, names)
    assert names["labels"].tolist() == [[10, 1]]
    assert names["d"].tolist() == [[0, 0], [1, 1]]


def test_a_variable_that_matlab_would_make_is_made_where_the_file_does_not_hold_it(folder: Path) -> None:
    (folder / "s.m").write_text("load gone\nfor k = 1:2\n  e(k) = k * bdata;\nend\n")
    made = migrate_script(folder / "s.m")
    savemat(folder / "gone.mat", {"bdata": 3.0})
    names: dict[str, np.ndarray] = {}
    exec(made.python, names)
    assert names["e"].tolist() == [[3, 6]]


def test_a_variable_that_is_assigned_in_part_before_the_load_is_the_scripts_own(folder: Path) -> None:
    (folder / "s.m").write_text("e(2) = 1;\nload gone\ny = e(2) + bdata;\n")
    assert "loaded.e" not in migrate_script(folder / "s.m").python


def test_names_of_a_file_loaded_in_a_loop_are_not_sought_in_an_earlier_one(folder: Path) -> None:
    for k in (1, 2):
        savemat(folder / f"cv{k}_nnet_running.mat", {"errrecord": np.array([[0.0, k]])})
    source = "load toy\nfor k = 1:2\n  load(['cv' num2str(k) '_nnet_running'])\n  e(k) = errrecord(end, 2);\nend\n"
    todos, names, _ = migrated(folder, source)
    assert todos == []
    assert names["e"].tolist() == [[1, 2]]  # type: ignore[attr-defined]
