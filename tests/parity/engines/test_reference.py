"""A folder is recognised as a trainer, or told apart from one."""

from __future__ import annotations

import pytest

from hf_matlab_compat.errors import ParityError
from hf_matlab_compat.parity.engines import reference
from hf_matlab_compat.parity.engines.reference import open_reference
from tests.parity.engines.trainers import ONE_FILE, contents, edited


def test_reference_matlab_takes_overrides_and_a_single_file_does_not():
    assert open_reference().takes_overrides
    assert not open_reference(ONE_FILE).takes_overrides


def test_files_are_hashed_and_autosaved_copies_ignored(tmp_path):
    folder = edited(tmp_path / "theirs")
    (folder / "nnet_train_2.asv").write_text("old")
    opened = open_reference(folder)
    opened.copy_to(tmp_path / "copy")
    assert sorted(opened.hashes) == ["conjgrad_1.m", "nnet_train_2.m"]
    assert sorted(path.name for path in (tmp_path / "copy").iterdir()) == ["conjgrad_1.m", "nnet_train_2.m"]


def test_private_functions_are_copied_too(tmp_path):
    folder = edited(tmp_path / "theirs")
    (folder / "private").mkdir()
    (folder / "private" / "f.m").write_text("function f()\nend\n")
    open_reference(folder).copy_to(tmp_path / "copy")
    assert (tmp_path / "copy" / "private" / "f.m").exists()


@pytest.mark.parametrize(
    ("call", "reached"),
    [
        ("addpath('lib');", ["lib"]),
        ("addpath lib", ["lib"]),
        ("addpath('./lib/', '-end')", ["lib"]),
        ("addpath([pwd '/lib/deep']); x = 1;", ["lib/deep"]),
        ('addpath(fullfile(here, "lib", "deep"))', ["lib/deep", "lib"]),
        ("addpath(genpath('lib'));", ["lib", "lib/deep", "lib/deep/er"]),
        ("addpath(genpath(fileparts(mfilename('fullpath'))));", ["lib", "lib/deep", "lib/deep/er", "other"]),
        ("addpath('lib:other')", ["lib", "other"]),
        ("addpath ../shared", ["../shared"]),
        ("% addpath('lib')", []),
        ("addpath(somewhere); addpath('no_such_folder');", []),
    ],
)
def test_folders_that_a_script_adds_to_the_path_are_carried_along(call, reached, tmp_path):
    folder = edited(tmp_path / "theirs")
    for name in ("lib", "lib/deep", "lib/deep/er", "lib/private", "lib/+package", "other", "../shared"):
        (folder / name).mkdir()
        (folder / name / "helper.m").write_text(f"function y = helper(), y = '{name}'; end\n")
    (folder / "main.m").write_text(f"{call}\nnnet_train_2(1);\n")
    opened = open_reference(folder)
    opened.copy_to(tmp_path / "copy")
    assert {path.resolve() for path in opened.helpers} == {(folder / name).resolve() for name in reached}
    listed = (tmp_path / "copy" / "hf_helpers.txt").read_text().split() if reached else []
    assert len(listed) == len(reached)
    assert all((tmp_path / "copy" / name / "helper.m").is_file() for name in listed)
    assert len([name for name in opened.hashes if name.endswith("helper.m")]) == len(reached)


def test_the_revision_without_a_jacket_is_taken(tmp_path):
    folder = edited(tmp_path / "theirs", ("decay, jacket)", "decay)"))
    assert not open_reference(folder).takes_overrides


def test_a_fork_with_other_arguments_is_named(tmp_path):
    folder = edited(tmp_path / "theirs", ("weightcost, decay, jacket)", "weightcost, decay, momentum, dropout)"))
    with pytest.raises(ParityError, match=r"fork with 23 arguments \(without jacket and with momentum, dropout\)"):
        open_reference(folder)


def test_a_fork_with_arguments_in_another_order_is_named(tmp_path):
    folder = edited(tmp_path / "theirs", ("decay, jacket)", "jacket, decay)"))
    with pytest.raises(ParityError, match="in another order"):
        open_reference(folder)


def test_a_trainer_with_its_own_cg_inside_is_refused(tmp_path):
    folder = edited(
        tmp_path / "theirs", ("    function say(text)", "    function conjgrad_1()\n    end\n    function say(text)")
    )
    with pytest.raises(ParityError, match="has a conjgrad_1 of its own inside"):
        open_reference(folder)


def test_a_cg_with_other_arguments_is_named(tmp_path):
    folder = edited(tmp_path / "theirs", (", Mdiag)", ")"), file="conjgrad_1.m")
    with pytest.raises(ParityError, match="fork with 5 arguments: Afunc, b, x0, maxiters, miniters"):
        open_reference(folder)


def test_a_script_is_no_trainer(tmp_path):
    folder = edited(
        tmp_path / "theirs", ("function paramsp = nnet_train_2(", "x = 1;\nfunction paramsp = nnet_train_2(")
    )
    with pytest.raises(ParityError, match="does not begin with one"):
        open_reference(folder)


@pytest.mark.parametrize("missing", ["nnet_train_2.m", "conjgrad_1.m"])
def test_a_missing_file_is_named(missing, tmp_path):
    folder = edited(tmp_path / "theirs")
    (folder / missing).unlink()
    with pytest.raises(ParityError, match=f"got no {missing}"):
        open_reference(folder)


def test_an_installed_package_says_where_reference_matlab_is_not(monkeypatch, tmp_path):
    monkeypatch.setattr(reference, "OURS", tmp_path)
    with pytest.raises(ParityError, match="comes with a clone of the repository"):
        open_reference()


def test_opening_and_copying_write_nothing(tmp_path):
    folder = edited(tmp_path / "theirs")
    before = contents(folder)
    open_reference(folder).copy_to(tmp_path / "copy")
    assert contents(folder) == before
