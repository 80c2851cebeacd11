"""The files of a user, opened: regular ones only, since a pipe or a terminal would block for ever."""

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
    """Words for a file that is no regular one, by the mode that `os.stat` tells; empty for a regular one."""
    return "" if stat.S_ISREG(mode) else _KINDS.get(stat.S_IFMT(mode), "no regular file")


def open_regular(path: str | os.PathLike[str]) -> BinaryIO:
    """Open a regular file for reading.

    Raises
    ------
    CheckpointError
        There is no such file, it may not be read, or it is a directory, a pipe or a device.
    """
    try:
        _refuse(kind_of_file(os.stat(path).st_mode))  # before it is opened, since opening some devices moves them
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
    """The content of a regular file.

    Raises
    ------
    CheckpointError
        As `open_regular`.
    """
    with open_regular(path) as stream:
        try:
            return stream.read()
        except (OSError, MemoryError) as error:
            raise CheckpointError(f"expected a readable file, got '{error}'.") from error
