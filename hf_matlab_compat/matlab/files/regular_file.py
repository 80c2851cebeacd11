"""Opening a user's files: regular files only, since reading a pipe or a terminal could block for ever."""

from __future__ import annotations

import os
import stat
from typing import BinaryIO

from hf_matlab_compat.errors import CheckpointError

_KINDS = {
    stat.S_IFDIR: "a directory",
    stat.S_IFIFO: "a pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}


def kind_of_file(mode: int) -> str:
    """Return words for the kind of a file by its mode from `os.stat`; empty for a regular file."""
    return "" if stat.S_ISREG(mode) else _KINDS.get(stat.S_IFMT(mode), "no regular file")


def open_regular(path: str | os.PathLike[str]) -> BinaryIO:
    """Open a regular file for reading.

    Raises
    ------
    CheckpointError
        There is no such file, it may not be read, or it is a directory, a pipe or a device.
    """
    try:
        _refuse(kind_of_file(os.stat(path).st_mode))  # first, since opening a device can have effects
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise CheckpointError(f"expected a readable file, got '{reason}'.") from error
    stream = os.fdopen(descriptor, "rb")
    _refuse(kind_of_file(os.fstat(descriptor).st_mode))
    return stream


def _refuse(kind: str) -> None:
    if kind:
        advice = "Name a file in it." if kind == _KINDS[stat.S_IFDIR] else "Copy its content to a file first."
        raise CheckpointError(f"expected a file, got {kind}. {advice}")


def read_file(path: str | os.PathLike[str]) -> bytes:
    """Read the content of a regular file.

    Raises
    ------
    CheckpointError
        The file cannot be opened by `open_regular`, read, or held in memory.
    """
    with open_regular(path) as stream:
        try:
            return stream.read()
        except (OSError, MemoryError) as error:
            raise CheckpointError(f"expected a readable file, got '{error}'.") from error
