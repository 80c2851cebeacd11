import errno
import os
import stat

import pytest

from hf_matlab_compat.matlab.atomic_file import atomic_file, temporary_path


def write(path, content):
    with atomic_file(path) as stream:
        stream.write(content)


def write_half_and_raise(path, error):
    with atomic_file(path) as stream:
        stream.write(b"half")
        raise error


def test_new_content_replaces_the_old_and_nothing_else_is_left(tmp_path):
    write(tmp_path / "a.mat", b"old and long")
    write(tmp_path / "a.mat", b"new")
    assert (tmp_path / "a.mat").read_bytes() == b"new"
    assert os.listdir(tmp_path) == ["a.mat"]


def test_the_old_file_stands_until_the_block_ends(tmp_path):
    write(tmp_path / "a.mat", b"old")
    with atomic_file(tmp_path / "a.mat") as stream:
        stream.write(b"new")
        stream.flush()
        assert (tmp_path / "a.mat").read_bytes() == b"old"
        assert temporary_path(tmp_path / "a.mat").read_bytes() == b"new"


@pytest.mark.parametrize("error", [OSError(errno.ENOSPC, "full"), KeyboardInterrupt()])
def test_an_error_inside_the_block_leaves_the_old_file_and_no_temporary_one(tmp_path, error):
    write(tmp_path / "a.mat", b"old")
    with pytest.raises(type(error)):
        write_half_and_raise(tmp_path / "a.mat", error)
    assert (tmp_path / "a.mat").read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["a.mat"]


def test_a_leftover_of_a_killed_run_is_overwritten(tmp_path):
    temporary_path(tmp_path / "a.mat").write_bytes(b"a long leftover of a killed run")
    write(tmp_path / "a.mat", b"new")
    assert (tmp_path / "a.mat").read_bytes() == b"new"
    assert os.listdir(tmp_path) == ["a.mat"]


def test_the_content_is_on_the_disk_before_the_name_and_the_name_before_the_return(tmp_path, monkeypatch):
    events = []
    real_fsync, real_replace = os.fsync, os.replace

    def fsync(descriptor):
        events.append("directory" if stat.S_ISDIR(os.fstat(descriptor).st_mode) else os.fstat(descriptor).st_size)
        real_fsync(descriptor)

    def replace(source, target):
        events.append("replace")
        real_replace(source, target)

    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr(os, "replace", replace)
    write(tmp_path / "a.mat", b"12345")
    assert events == [5, "replace", "directory"]


def test_a_directory_that_cannot_be_synced_is_no_error(tmp_path, monkeypatch):
    def refuse(path, flags):
        raise OSError(errno.EINVAL, "no such call for directories")

    monkeypatch.setattr(os, "open", refuse)
    write(tmp_path / "a.mat", b"new")
    assert (tmp_path / "a.mat").read_bytes() == b"new"


def test_a_disk_that_fails_on_the_directory_is_an_error(tmp_path, monkeypatch):
    def fail(path, flags):
        raise OSError(errno.EIO, "broken disk")

    monkeypatch.setattr(os, "open", fail)
    with pytest.raises(OSError, match="broken disk"):
        write(tmp_path / "a.mat", b"new")


def test_a_link_stays_a_link(tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "a.mat").symlink_to(tmp_path / "real" / "b.mat")
    write(tmp_path / "a.mat", b"new")
    assert (tmp_path / "a.mat").is_symlink()
    assert (tmp_path / "real" / "b.mat").read_bytes() == b"new"


def test_a_missing_directory_is_the_systems_own_error(tmp_path):
    with pytest.raises(FileNotFoundError):
        write(tmp_path / "missing" / "a.mat", b"new")
