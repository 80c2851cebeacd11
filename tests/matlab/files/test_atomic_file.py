import errno
import os
import socket
import stat
from pathlib import Path

import pytest

from hf_matlab_compat.matlab.files import atomic_file as atomic_module
from hf_matlab_compat.matlab.files.atomic_file import atomic_file


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
        (temporary,) = tmp_path.glob("a.mat.*.partial")
        assert temporary.read_bytes() == b"new"


@pytest.mark.parametrize("error", [OSError(errno.ENOSPC, "full"), KeyboardInterrupt()])
def test_an_error_inside_the_block_leaves_the_old_file_and_no_temporary_one(tmp_path, error):
    write(tmp_path / "a.mat", b"old")
    with pytest.raises(type(error)):
        write_half_and_raise(tmp_path / "a.mat", error)
    assert (tmp_path / "a.mat").read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["a.mat"]


@pytest.mark.parametrize("name", ["a.mat.partial", "a.mat.00000000.partial"])
def test_a_planted_link_does_not_lead_to_its_victim(tmp_path, name, monkeypatch):
    draws = iter(["00000000", "00000001"])
    monkeypatch.setattr(atomic_module, "token_hex", lambda _bytes: next(draws))
    (tmp_path / "victim").write_bytes(b"precious")
    (tmp_path / name).symlink_to(tmp_path / "victim")
    if "0000" in name:
        with pytest.raises(FileExistsError):
            write(tmp_path / "a.mat", b"new")
    write(tmp_path / "a.mat", b"new")
    assert (tmp_path / "victim").read_bytes() == b"precious"
    assert (tmp_path / name).is_symlink()
    assert (tmp_path / "a.mat").read_bytes() == b"new"


def test_two_writers_at_once_each_write_a_whole_file(tmp_path):
    with atomic_file(tmp_path / "a.mat") as one, atomic_file(tmp_path / "a.mat") as other:
        one.write(b"one")
        other.write(b"the other")
    assert (tmp_path / "a.mat").read_bytes() == b"one"
    assert os.listdir(tmp_path) == ["a.mat"]


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such modes")
@pytest.mark.parametrize("mode", [0o600, 0o640, 0o666, 0o400])
def test_the_mode_of_the_old_file_is_kept(tmp_path, mode):
    write(tmp_path / "a.mat", b"old")
    os.chmod(tmp_path / "a.mat", mode)
    with atomic_file(tmp_path / "a.mat") as stream:
        stream.write(b"new")
        assert stat.S_IMODE(os.fstat(stream.fileno()).st_mode) == mode
    assert stat.S_IMODE((tmp_path / "a.mat").stat().st_mode) == mode


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such modes")
def test_a_new_file_has_the_mode_that_the_user_s_mask_gives(tmp_path):
    before = os.umask(0o027)
    try:
        write(tmp_path / "a.mat", b"new")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "a.mat").stat().st_mode) == 0o640


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="the system has no pipes with names")
@pytest.mark.parametrize("through", ["itself", "a link"])
@pytest.mark.parametrize("kind", ["pipe", "device", "socket"])
def test_no_device_or_pipe_is_replaced(tmp_path, kind, through, monkeypatch):
    target = tmp_path / "a.mat"
    if kind == "pipe":
        os.mkfifo(target)
    elif kind == "device":
        target = Path(os.devnull)
    else:
        monkeypatch.chdir(tmp_path)  # a socket's name is short
        with socket.socket(socket.AF_UNIX) as server:
            server.bind("a.mat")
    if through == "a link":
        (tmp_path / "link").symlink_to(target)
    before = os.lstat(target)
    with pytest.raises(OSError, match="a device, a pipe or a socket is there"):
        write(tmp_path / "link" if through == "a link" else target, b"new")
    assert os.path.samestat(os.lstat(target), before)


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


def of_directories(monkeypatch, error):
    """Let the system refuse to open directories."""
    real = os.open

    def refuse(path, flags, *mode):
        if os.path.isdir(path):
            raise error
        return real(path, flags, *mode)

    monkeypatch.setattr(os, "open", refuse)


def test_a_directory_that_cannot_be_synced_is_no_error(tmp_path, monkeypatch):
    of_directories(monkeypatch, OSError(errno.EINVAL, "no such call for directories"))
    write(tmp_path / "a.mat", b"new")
    assert (tmp_path / "a.mat").read_bytes() == b"new"


def test_a_disk_that_fails_on_the_directory_is_an_error(tmp_path, monkeypatch):
    of_directories(monkeypatch, OSError(errno.EIO, "broken disk"))
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
