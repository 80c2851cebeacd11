"""A file that is either the old one or the new one, whole, at every moment and after a power cut."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

TEMPORARY_SUFFIX = ".partial"

_DIRECTORY_CANNOT_BE_SYNCED = {errno.EINVAL, errno.ENOTSUP, errno.EACCES, errno.EPERM, errno.EISDIR}


def temporary_path(path: str | os.PathLike[str]) -> Path:
    """Where the new content is collected: a fixed name beside the file, so that a killed run leaves at most one."""
    target = _target(path)
    return target.with_name(target.name + TEMPORARY_SUFFIX)


@contextmanager
def atomic_file(path: str | os.PathLike[str]) -> Iterator[BinaryIO]:
    """Open a file for writing that replaces `path` when the block ends, and only then.

    The content goes to `temporary_path` (a leftover of a killed run is overwritten), is flushed to the
    disk, and takes the place of `path` in one step; then the directory is flushed as well. When the block
    raises, the temporary file is removed and `path` is what it was. A symbolic link stays a link: the file
    that it points to is replaced. Two processes must not write the same path at the same time.

    Parameters
    ----------
    path : path-like
        The file to write.

    Yields
    ------
    BinaryIO
        The open temporary file.

    Raises
    ------
    OSError
        The disk is full, the directory is missing or not writable, …; `path` is what it was.
    """
    target, temporary = _target(path), temporary_path(path)
    try:
        with open(temporary, "wb") as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(temporary, target)
    except BaseException:
        with suppress(OSError):
            temporary.unlink()
        raise
    _sync_directory(target.parent)


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
