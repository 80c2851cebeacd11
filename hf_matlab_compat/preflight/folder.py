"""The folder that a command writes to."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from hf_matlab_compat.errors import OptionError


def make_folder(path: Path) -> None:
    """Make the folder `out` and its missing parents.

    Raises
    ------
    OptionError
        It cannot be made.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OptionError(
            "out",
            expected="a folder that exists or can be made",
            got=f"{str(path)!r} ({error.strerror})",
            advice="Choose another one.",
        ) from error


@contextmanager
def folder_for(path: Path) -> Iterator[None]:
    """Make the folder `out` for this block; if the block fails before it writes anything, remove the folder again.

    Raises
    ------
    OptionError
        It cannot be made.
    """
    missing = [folder for folder in (path, *path.parents) if not folder.exists()]
    make_folder(path)
    try:
        yield
    except BaseException:
        with suppress(OSError):  # stop at the first folder that is not empty
            for folder in missing:
                folder.rmdir()
        raise
