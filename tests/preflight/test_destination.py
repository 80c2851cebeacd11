"""Where a run writes and where it goes on from, looked at before the first epoch."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from hf_matlab_compat import nnet_train_2, train
from hf_matlab_compat.errors import CheckpointError, OptionError
from tests.small_run import field_arguments, legacy_arguments


def refusal(run_name: str) -> str:
    """What `nnet_train_2` says of a run name; `train` must say the same of its own argument."""
    with pytest.raises(OptionError) as legacy:
        nnet_train_2(**legacy_arguments(runName=run_name))
    with pytest.raises(OptionError) as field:
        train(**field_arguments(run_name=run_name))
    assert str(field.value) == str(legacy.value).replace("runName: ", "run_name: ")
    return str(legacy.value)


def test_a_directory_that_does_not_exist_is_named(tmp_path: Path) -> None:
    missing = tmp_path / "none"
    assert refusal(f"{missing}/run") == (
        f"runName: expected a stem in a directory that exists, got '{missing}/run', and there is no directory "
        f"'{missing}'. Make it first."
    )
    assert not missing.exists()


def test_a_file_is_no_directory(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert "there is no directory" in refusal(f"{tmp_path}/file/run")


def test_a_directory_is_no_stem(tmp_path: Path) -> None:
    assert refusal(f"{tmp_path}/") == (f"runName: expected a stem for file names, got '{tmp_path}/'. Add a name to it.")
    for folder in (".", "..", f"{tmp_path}/.."):
        assert refusal(folder) == f"runName: expected a stem for file names, got '{folder}'. Add a name to it."


def test_a_directory_that_cannot_be_written_to_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "access", lambda path, mode: Path(path) != tmp_path)  # root may write anywhere
    assert refusal(f"{tmp_path}/run") == (
        f"runName: expected a stem in a directory that can be written to, got '{tmp_path}/run', and '{tmp_path}' "
        "cannot. Change its permissions, or choose another directory."
    )
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "ending", [".txt", "_nnet_running.mat", "_nnet_running.sidecar.npz", "_nnet_epoch10.mat", ".lock"]
)
def test_a_directory_in_the_place_of_a_file_is_named(ending: str, tmp_path: Path) -> None:
    (tmp_path / f"run{ending}").mkdir()
    assert refusal(f"{tmp_path}/run") == (
        f"runName: expected the stem of files that can be written, got '{tmp_path}/run{ending}' (a directory has that "
        "name). Move it away, or choose another name."
    )
    assert len(list(tmp_path.iterdir())) == 1


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="the system has no pipes with names")
@pytest.mark.parametrize("ending", [".txt", "_nnet_running.mat", "_nnet_epoch10.mat", ".lock"])
def test_a_pipe_or_a_link_to_a_device_in_the_place_of_a_file_is_named(ending: str, tmp_path: Path) -> None:
    place = tmp_path / f"run{ending}"
    for make in (os.mkfifo, lambda path: os.symlink(os.devnull, path)):
        make(place)
        assert f"got '{place}' (a device, a pipe or a socket has that name)." in refusal(f"{tmp_path}/run")
        place.unlink()


def test_a_log_that_may_not_be_written_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "run.txt").touch()
    monkeypatch.setattr(os, "access", lambda path, mode: Path(path) == tmp_path)  # root may write anything
    assert "run.txt' (it may not be written). Change its permissions" in refusal(f"{tmp_path}/run")


def test_a_name_that_no_file_can_have_is_refused(tmp_path: Path) -> None:
    assert refusal(f"{tmp_path}/a\0b") == (
        f"runName: expected a name without a null character, got '{tmp_path}/a\\x00b'."
    )
    assert refusal(f"{tmp_path}/{'n' * 240}").endswith("(File name too long). Choose a shorter name.")
    assert list(tmp_path.iterdir()) == []


def test_a_name_that_cannot_be_encoded_is_refused(tmp_path: Path) -> None:
    assert "expected characters that file names can have on this system (utf-8)" in refusal(f"{tmp_path}/a\ud800")
    assert list(tmp_path.iterdir()) == []


def test_a_name_without_a_directory_is_of_this_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    nnet_train_2(**legacy_arguments(runName="run"))
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "run.txt",
        "run_nnet_running.mat",
        "run_nnet_running.sidecar.npz",
    ]


def test_a_checkpoint_of_another_network_is_refused_and_both_sizes_said(tmp_path: Path) -> None:
    nnet_train_2(**legacy_arguments(runName=str(tmp_path / "run")))
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    other = {"layersizes": [5], "paramsp": [], "resumeFile": str(tmp_path / "run_nnet_running")}
    with pytest.raises(CheckpointError, match=r"run_nnet_running\.mat.*\b53\b.*\b43\b|\b43\b.*\b53\b"):
        nnet_train_2(**legacy_arguments(runName=str(tmp_path / "run"), **other))
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_a_state_of_another_network_is_refused_and_both_sizes_said(tmp_path: Path) -> None:
    state = train(**field_arguments()).state
    arguments = field_arguments(hidden_sizes=[5], initial_theta=None, run_name=tmp_path / "run", resume_from=state)
    with pytest.raises(CheckpointError) as caught:
        train(**arguments)
    assert str(caught.value) == (
        "The state to resume from: expected 53 parameters, as the layers 6 5 3 have, got 43. It belongs to another "
        "network."
    )
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("content", [None, b"", b"no checkpoint", b"MATLAB 5.0 MAT-file" + bytes(200)])
def test_what_is_no_checkpoint_is_refused(content: bytes | None, tmp_path: Path) -> None:
    file = tmp_path / "start.mat"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(CheckpointError, match="start"):
        nnet_train_2(**legacy_arguments(runName=str(tmp_path / "run"), resumeFile=str(file)))
    assert list(tmp_path.iterdir()) == ([] if content is None else [file])
