"""A file that is either the old one or the new one, whole, at every moment and after a power cut."""

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
    """Open a file for writing that replaces `path` when the block ends, and only then.

    The content goes to a new file beside it, of a name that nobody else has (``<name>.<8 digits>.partial``), is
    flushed to the disk, and takes the place of `path` in one step; then the directory is flushed as well. When the
    block raises, the temporary file is removed and `path` is what it was. A symbolic link stays a link: the file
    that it points to is replaced. The new file has the mode of the old one, and its owner where this is allowed.

    Parameters
    ----------
    path : path-like
        The file to write.
    like : path-like, optional
        Another file, whose mode and owner it has where that file is there.
    durable : bool
        Wait until it is on the disk. Without that it is old or new whenever the process is killed, but a power cut
        may leave it empty.

    Yields
    ------
    BinaryIO
        The open temporary file.

    Raises
    ------
    OSError
        The disk is full, the directory is missing or not writable, `path` is a device or a pipe, …; `path` is what
        it was.
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
    """What stands at the target; a device, a pipe or a socket must not be replaced by a file."""
    try:
        found = target.stat()
    except FileNotFoundError:
        return None
    if not stat.S_ISREG(found.st_mode) and not stat.S_ISDIR(found.st_mode):  # a directory is refused by the system
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
    """Make the new name durable, where the system can: Windows and some network drives have no such call."""
    try:
        descriptor = os.open(directory, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    except OSError as error:
        if error.errno not in _DIRECTORY_CANNOT_BE_SYNCED:
            raise
