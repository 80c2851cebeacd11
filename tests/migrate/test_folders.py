"""Folders of scripts: what their files are called, who calls whom, and what is said of those that call."""

from __future__ import annotations

import runpy
import sys
from pathlib import Path

import numpy as np
import pytest

from hf_matlab_compat.errors import MigrationError
from hf_matlab_compat.migrate import migrate_directory
from hf_matlab_compat.migrate.runtime import colon

pytest.importorskip("tree_sitter_matlab")


def folder_of(tmp_path: Path, **files: str) -> Path:
    """A folder with these .m files."""
    folder = tmp_path / "matlab"
    folder.mkdir()
    for name, text in files.items():
        (folder / f"{name}.m").write_text(text)
    return folder


def printed(folder: Path, capsys: pytest.CaptureFixture[str], name: str = "main") -> str:
    """Migrate the folder beside itself, run one script, and give what it prints."""
    before = set(sys.modules)
    made, failed = migrate_directory(folder, folder)
    assert not failed
    assert all(each.runs for each in made), [each.todos for each in made]
    sys.path.insert(0, str(folder))
    try:
        runpy.run_path(str(folder / f"{name}.py"), run_name="__main__")
    finally:
        sys.path.remove(str(folder))
        for each in set(sys.modules) - before:
            if getattr(sys.modules[each], "__file__", None) and str(folder) in str(sys.modules[each].__file__):
                del sys.modules[each]
    return capsys.readouterr().out


@pytest.mark.parametrize("name", ["copy", "random", "inspect", "string", "types", "numpy", "struct", "scipy", "class_"])
def test_a_function_called_like_a_module_of_pythons_gets_another_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    function = f"function y = {name}(x)\n  y = x + 1;\nend\n"
    folder = folder_of(tmp_path, **{name: function, "main": f"fprintf('%d\\n', {name}(1) + 1);\n"})
    assert printed(folder, capsys) == "3\n"
    assert not (folder / f"{name}.py").exists()
    assert (folder / f"{name}_.py").exists()


def test_other_names_of_files_stay(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = folder_of(tmp_path, copy_of="function y = copy_of(x)\n  y = x;\nend\n", main="disp(copy_of(4));\n")
    assert printed(folder, capsys) == "4\n"
    assert (folder / "copy_of.py").exists()


def test_a_range_counts_from_both_ends_as_matlabs() -> None:
    assert colon(0, 0.1, 1)[7] == 1 - 3 * 0.1
    assert colon(0, 0.1, 0.3).tolist() == [0, 0.1, 0.3 - 0.1, 0.3]
    assert colon(1, -0.1, 0.3)[-1] == 0.3
    assert colon(0.1, 0.1, 0.35).size == 3
    assert colon(3, 1, 1.5).size == 0
    assert np.isnan(colon(1, 1, float("nan"))).tolist() == [True]
    with pytest.raises(MigrationError, match="a range that ends, got 0:1:inf"):
        colon(0, 1, float("inf"))
