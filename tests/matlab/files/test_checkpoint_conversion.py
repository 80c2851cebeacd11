"""Checkpoints from any format to MATLAB's and numpy's, nothing lost without a word."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
import scipy.io

from hf_matlab_compat.errors import CheckpointError
from hf_matlab_compat.matlab.files.checkpoint import read_checkpoint, write_checkpoint
from hf_matlab_compat.matlab.files.checkpoint_conversion import FORMATS, convert, write_layers
from hf_matlab_compat.matlab.files.checkpoint_summary import summarise
from hf_matlab_compat.matlab.files.checkpoint_variables import VARIABLES, to_variables
from tests.matlab.files.checkpoint_files import assert_same, make_state, save_mat, save_mat73
from tests.octave import NEEDS_OCTAVE, octave

STATE = make_state()


def source_in(form: str, folder: Path) -> Path:
    path = folder / f"source_{form}"
    if form == "v73":
        return save_mat73(path, STATE)
    if form == "v4":
        scipy.io.savemat(path, to_variables(STATE), format="4", appendmat=False)
        return path
    plain = save_mat(folder / "plain.mat", STATE)
    return plain if form == "v5" else convert(plain, path, form).path


@pytest.mark.parametrize("to", FORMATS)
@pytest.mark.parametrize("form", ["v4", "v5", "v7", "v73", "npz"])
def test_every_format_keeps_every_number_and_class(tmp_path: Path, form: str, to: str) -> None:
    source = source_in(form, tmp_path)
    done = convert(source, tmp_path / "target", to)
    assert (set(done.kept), done.left_out) == (set(VARIABLES), {})
    before, after = summarise(source), summarise(done.path)
    assert sorted(map(str, before.variables)) == sorted(map(str, after.variables))
    back = convert(done.path, tmp_path / "back.mat", "v7")
    found = read_checkpoint(back.path)
    assert_same(found, STATE if form != "v4" else make_state_in_double())


def make_state_in_double() -> object:

    return STATE.mapped(lambda vector: vector.astype(np.float64))


@NEEDS_OCTAVE
def test_octave_s_text_comes_out_as_a_file_that_octave_and_matlab_read(tmp_path: Path) -> None:
    write_checkpoint(tmp_path / "a.mat", STATE)
    octave("load a.mat; clear ans; save -text t.mat", tmp_path)
    convert(tmp_path / "t.mat", tmp_path / "v7.mat", "v7")
    assert_same(read_checkpoint(tmp_path / "v7.mat"), STATE)
    assert octave("load v7.mat; printf('%s %d', class(paramsp), epoch)", tmp_path) == "single 3"


def test_variables_that_matlab_s_trainer_fails_on_are_left_out_and_named(tmp_path: Path) -> None:
    source = save_mat(tmp_path / "a.mat", STATE, extra=1.0, word="text")
    done = convert(source, tmp_path / "b.mat", "v7")
    assert set(done.left_out) == {"extra", "word"}
    assert summarise(done.path).extra == ()


def test_a_fork_s_checkpoint_keeps_all_its_numbers(tmp_path: Path) -> None:
    source = save_mat(tmp_path / "a.mat", STATE, without="times", timess=np.ones((3, 1)), file=2.0)
    done = convert(source, tmp_path / "b.npz", "npz")
    assert {"timess", "file"} <= set(done.kept)
    assert np.load(done.path)["file"].item() == 2


def test_doubles_beside_the_checkpoint_are_not_merged(tmp_path: Path) -> None:
    write_checkpoint(tmp_path / "run.mat", make_state(kind=np.float64))
    done = convert(tmp_path / "run.mat", tmp_path / "other.mat", "v7")
    assert list(done.left_out) == ["run.sidecar.npz"]
    assert not (tmp_path / "other.sidecar.npz").exists()


def test_an_existing_file_is_replaced_only_on_request(tmp_path: Path) -> None:
    source = save_mat(tmp_path / "a.mat", STATE)
    (tmp_path / "b.mat").write_text("precious")
    with pytest.raises(CheckpointError, match=r"b\.mat: expected no such file, got one"):
        convert(source, tmp_path / "b.mat", "v7")
    assert (tmp_path / "b.mat").read_text() == "precious"
    convert(source, tmp_path / "b.mat", "v7", overwrite=True)
    assert_same(read_checkpoint(tmp_path / "b.mat"), STATE)


def test_an_unknown_format_and_an_impossible_target_are_refused(tmp_path: Path) -> None:
    source = save_mat(tmp_path / "a.mat", STATE)
    with pytest.raises(CheckpointError, match=r"to: expected one of v5, v7, npz, got 'v73'"):
        convert(source, tmp_path / "b.mat", "v73")
    with pytest.raises(CheckpointError, match=r"expected to write it, got 'No such file"):
        convert(source, tmp_path / "no" / "b.mat", "v7")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="the system has no pipes with names")
@pytest.mark.parametrize("to", FORMATS)
def test_a_pipe_or_a_device_is_never_replaced(tmp_path: Path, to: str) -> None:
    source = save_mat(tmp_path / "a.mat", STATE)
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to(os.devnull)
    for target in (tmp_path / "pipe", tmp_path / "link"):
        with pytest.raises(CheckpointError, match="expected to write it, got 'a device, a pipe or a socket is there'"):
            convert(source, target, to, overwrite=True)
        with pytest.raises(CheckpointError, match="a device, a pipe or a socket is there"):
            write_layers(target, [np.ones((1, 1))], [np.ones(1)], overwrite=True)
        assert not target.is_file()
