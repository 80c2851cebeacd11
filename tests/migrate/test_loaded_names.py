"""Names after a load: the file's own where it is at hand, and never a function of MATLAB's or a typo unsaid."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.io import savemat

from hf_matlab_compat.cli import main
from hf_matlab_compat.errors import MigrationError
from hf_matlab_compat.matlab.octave.process import run_code
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
    assert todos == ["undefinedthing is not known here: it is neither a variable nor a function at hand"]


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


def test_a_file_that_the_script_saves_itself_holds_what_it_saves(folder: Path) -> None:
    source = "fresh = 3;\nsave('toy.mat', 'fresh');\nclear\nload toy\ny = fresh + 1;\n"
    todos, names, _ = migrated(folder, source)
    assert todos == []
    assert names["y"] == 4
    todos, _, _ = migrated(folder, source.replace("y = fresh", "y = fresher"))
    assert [todo.startswith("fresher is not known here") for todo in todos] == [True]


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
    assert "s.m: 3 lines, 1 to verify" in said
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
    made = migrate_script(folder / "s.m")
    assert "e is assumed" not in made.to_verify[0].remark
    for held, expected in (({}, 4.0), ({"e": np.array([[0.0, 5]])}, 8.0)):
        savemat(folder / "gone.mat", {"bdata": 3.0, **held})
        names: dict[str, object] = {}
        exec(made.python, names)
        assert names["y"] == expected


def test_names_of_a_file_loaded_in_a_loop_are_not_sought_in_an_earlier_one(folder: Path) -> None:
    for k in (1, 2):
        savemat(folder / f"cv{k}_nnet_running.mat", {"errrecord": np.array([[0.0, k]])})
    source = "load toy\nfor k = 1:2\n  load(['cv' num2str(k) '_nnet_running'])\n  e(k) = errrecord(end, 2);\nend\n"
    todos, names, _ = migrated(folder, source)
    assert todos == []
    assert names["e"].tolist() == [[1, 2]]  # type: ignore[attr-defined]


FILES = {
    "part0": {"D": np.array([[0.0, 0]])},
    "part1": {"D": np.array([[1.0, 1]]), "E": 5.0},
    "part2": {"D": np.array([[2.0, 2]]), "word": "text"},
    "counts": {"n": 7.0, "k": 3.0},
}
SHOW = "fprintf('%d ', {});"
AGAIN = {
    "in a row": ("load part0; x = D;\nload part1; x = [x; D];\nload part2\nx = [x; D];\n", "x", "0 1 2 0 1 2"),
    "in branches": ("m = 2;\nif m == 1\n load part1\nelse\n load part2\nend\n", "D", "2 2"),
    "on one line": ("if 1, load part0, else, load part1, end, y = D; load part2, y = [y D];\n", "y", "0 0 2 2"),
    "over a variable": ("D = [4 4];\nif D(1) > 3\n load part1\nend\n", "D", "1 1"),
    "in a loop": ("x = [];\nfor i = 0:2\n load(sprintf('part%d', i));\n x = [x; D];\nend\n", "x", "0 1 2 0 1 2"),
    "in a second loop": (
        "x = []; D = [];\nfor i = 0:2\n load(['part' num2str(i) '.mat']);\n x = [x; D];\nend\n"
        "for i = 2:-1:0, load(['part' num2str(i)]); x = [x; D]; end\n",
        "x",
        "0 1 2 2 1 0 0 1 2 2 1 0",
    ),
    "in while": (
        "i = 0; x = [];\nwhile i < 3\n load(sprintf('part%d.mat', i)); x = [x; D]; i = i + 1;\nend\n",
        "x",
        "0 1 2 0 1 2",
    ),
    "in switch": (
        "x = [];\nfor m = 1:3\n switch m\n  case 1\n   load part0\n  case 2\n   load('part1.mat')\n  otherwise\n"
        "   load part2\n end\n x = [x D];\nend\n",
        "x",
        "0 0 1 1 2 2",
    ),
    "in try": ("try\n load nothere\n D = 7;\ncatch\n load part1\nend\n", "D", "1 1"),
    "in try over a variable": ("D = 3;\ntry\n load part1\ncatch\n D = 4;\nend\n", "D", "1 1"),
    "after changes": (
        "load part1; D = D * 10; x = D; load part2; D = D / 2; x = [x D]; load part0; D(1) = 8; x = [x D];\n"
        "load part1; x = [x D];\n",
        "x",
        "10 10 1 1 8 0 1 1",
    ),
    "read before it": (
        "x = [];\nfor i = 0:2\n if i > 0, x = [x D]; end\n load(sprintf('part%d', i));\nend\n",
        "[x D]",
        "0 0 1 1 2 2",
    ),
    "over a number": ("n = 2;\nload counts\n", "zeros(1, n)", "0 0 0 0 0 0 0"),
    "over a loop's variable": ("for n = 1:2\n m = n;\nend\nload counts\n", "[m n k]", "2 7 3"),
    "over positions": ("k = find([0 1 1]);\nload counts\nr = 10:20;\n", "r(k)", "12"),
    "over a string": ("word = 'old'; load part2;\n", "numel(word)", "4"),
    "for a function": ("a = 2; f = @(x) x + a;\nload part1\ng = @(x) x + E;\nload part1\n", "[f(1) g(1)]", "3 6"),
    "with -mat": ("load('-mat', 'part1.mat'); x = D;\nload part2 -mat\nx = [x D];\n", "x", "1 1 2 2"),
    "of some names": ("D = 1; load('part1.mat', 'E'); x = [D E]; load part1 D\n", "[x D]", "1 5 1 1"),
    "into a struct": ("S = load('part1'); x = S.D; S = load('-mat', 'part2.mat');\n", "[x S.D]", "1 1 2 2"),
    "of a file in a folder": ("load part1; load(fullfile('sub', 'part2'));\n", "D", "2 2"),
    "after save": ("a = 3; save mine a\na = 4; load mine\n", "a", "3"),
}


@pytest.mark.parametrize("at_hand", [True, False], ids=["files at hand", "files absent"])
@pytest.mark.parametrize("case", AGAIN.values(), ids=AGAIN)
def test_every_load_gives_its_names_the_values_of_its_file(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    at_hand: bool,
    case: tuple[str, str, str],
) -> None:
    source, shown, printed = case
    monkeypatch.chdir(tmp_path)
    (tmp_path / "s.m").write_text(source + SHOW.format(shown))
    if at_hand:
        write_parts(tmp_path)
    made = migrate_script(tmp_path / "s.m")
    assert made.runs, made.todos
    write_parts(tmp_path)
    exec(made.python, {})
    assert capsys.readouterr().out.split() == printed.split()


def write_parts(folder: Path) -> None:
    (folder / "sub").mkdir(exist_ok=True)
    for name, held in FILES.items():
        savemat(folder / f"{name}.mat", held)
        savemat(folder / "sub" / f"{name}.mat", held)


@pytest.mark.octave
def test_the_values_of_repeated_loads_are_those_that_octave_gives(tmp_path: Path) -> None:
    write_parts(tmp_path)
    lines: list[str] = []
    for place, (source, shown, _) in enumerate(AGAIN.values()):
        script = f"1;\nfunction run{place}()\n{source}fprintf('%d ', {shown}); fprintf('\\n');\nend\nrun{place}();\n"
        (tmp_path / f"again{place}.m").write_text(script)
        lines.append(f"source again{place}.m")
    (tmp_path / "all_again.m").write_text("\n".join(lines))
    printed = run_code("all_again", tmp_path, timeout=60).output
    assert [line.split() for line in printed.splitlines()] == [each[2].split() for each in AGAIN.values()]


def test_a_file_not_at_hand_must_not_hold_many_of_the_scripts_variables(folder: Path) -> None:
    (folder / "s.m").write_text("a = 1; b = 2; c = 3; d = 4;\nload gone\ny = a + b + c + d + bdata;\n")
    made = migrate_script(folder / "s.m")
    assert "stops where the file holds other variables of the script" in made.to_verify[0].remark
    savemat(folder / "gone.mat", {"bdata": 1.0})
    names: dict[str, object] = {}
    exec(made.python, names)
    assert names["y"] == 11
    savemat(folder / "gone.mat", {"bdata": 1.0, "c": 9.0})
    with pytest.raises(MigrationError, match=r"expected gone\.mat to hold none of the script's own variables, got c,"):
        exec(made.python, {})


def test_functions_load_for_themselves(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write_parts(tmp_path)
    source = "function x = stacked(n)\n x = [];\n for i = 0:n\n  load(['part' num2str(i)]);\n  x = [x; D];\n end\nend\n"
    (tmp_path / "stacked.m").write_text(source)
    made = migrate_script(tmp_path / "stacked.m")
    assert made.runs, made.todos
    names: dict[str, Any] = {}
    exec(made.python, names)
    assert names["stacked"](2).tolist() == [[0, 0], [1, 1], [2, 2]]
