"""The folder that a command writes to."""

from __future__ import annotations

from pathlib import Path

from hf_matlab_compat.errors import OptionError


def make_folder(path: Path) -> None:
    """Make the folder `out` and those above it, where they are missing.

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
            expected="a folder that is there or can be made",
            got=f"{str(path)!r} ({error.strerror})",
            advice="Choose another one.",
        ) from error
