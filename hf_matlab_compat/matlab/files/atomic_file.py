"""Replacement of a file in one step: at every moment, also after a power cut, it is the old or the new one."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from secrets import token_hex
from typing import BinaryIO

TEMPORARY_SUFFIX = ".partial"

_DIRECTORY_CANNOT_BE_SYNCED = {errno.EINVAL, errno.ENOTSUP, errno.EACCES, errno.EPERM, errno.EISDIR}
_NEW = os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)


@contextmanager
def atomic_file(
    path: str | os.PathLike[str], like: str | os.PathLike[str] | None = None, *, durable: bool = True
) -> Iterator[BinaryIO]:
    """Open a file for writing that replaces `path` when the block ends.

    The content is written to a new file beside it with a unique name (``<name>.<8 digits>.partial``) and flushed to
    the disk; the file is then renamed to `path`, and the directory is flushed as well. If the block raises, the
    temporary file is removed and `path` is unchanged. If `path` is a symbolic link, the file that it points to is
    replaced. The new file has the mode of the old one, and its owner if the system allows that.

    Parameters
    ----------
    path : path-like
        The file to write.
    like : path-like, optional
        Another file; if it exists, the new file has its mode and owner.
    durable : bool
        Wait until the file is on the disk. Otherwise it is still the old or the new one if the process is killed, but
        may be empty after a power cut.

    Yields
    ------
    BinaryIO
        The open temporary file.

    Raises
    ------
    OSError
        The disk is full, the directory is missing or not writable, `path` is a device or a pipe, …; `path` is
        unchanged.
    """
    target = _target(path)
    standing = _standing(target)
    model = (None if like is None else _standing(_target(like))) or standing
    temporary = target.with_name(f"{target.name}.{token_hex(4)}{TEMPORARY_SUFFIX}")
    descriptor = os.open(temporary, _NEW, 0o666 if model is None else 0o600)
    try:
        with open(descriptor, "w+b") as stream:
            if model is not None:
                _take_after(descriptor, model)
            yield stream
            stream.flush()
            if durable:
                os.fsync(stream.fileno())
        os.replace(temporary, target)
    except BaseException:
        with suppress(OSError):
            temporary.unlink()
        raise
    if durable:
        _sync_directory(target.parent)


def _standing(target: Path) -> os.stat_result | None:
    try:
        found = target.stat()
    except FileNotFoundError:
        return None
    # os.replace refuses to replace a directory, but would replace a device, a pipe or a socket
    if not stat.S_ISREG(found.st_mode) and not stat.S_ISDIR(found.st_mode):
        raise OSError(errno.EINVAL, "a device, a pipe or a socket is there", str(target))
    return found


def _take_after(descriptor: int, model: os.stat_result) -> None:
    if hasattr(os, "fchown"):  # Windows has neither call
        with suppress(PermissionError):
            os.fchown(descriptor, model.st_uid, model.st_gid)
        os.fchmod(descriptor, stat.S_IMODE(model.st_mode))


def _target(path: str | os.PathLike[str]) -> Path:
    return Path(os.path.realpath(path))


def _sync_directory(directory: Path) -> None:
    # makes the new name durable; Windows and some network drives cannot
    try:
        descriptor = os.open(directory, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    except OSError as error:
        if error.errno not in _DIRECTORY_CANNOT_BE_SYNCED:
            raise
