"""Whether the run's files can be written where they should go."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from hf_matlab_compat.errors import OptionError


def check_destination(run_name: Any) -> str:
    """The run name as a string; its directory must exist and be writable.

    Parameters
    ----------
    run_name : path
        Stem of the run's files, possibly with a directory; empty for a run that writes none.

    Raises
    ------
    OptionError
    """
    if not isinstance(run_name, str | os.PathLike):
        raise OptionError("run_name", expected="a name or path, or '' for no files", got=repr(run_name))
    name = os.fspath(run_name)
    if name:
        _check_folder(name)
    return name


def _check_folder(run_name: str) -> None:
    stem = Path(run_name)
    if run_name.endswith(("/", os.sep)) or not stem.name:
        raise OptionError("run_name", expected="a stem for file names", got=repr(run_name), advice="Add a name to it.")
    folder = stem.parent
    if not folder.is_dir():
        raise OptionError(
            "run_name",
            expected="a stem in a directory that exists",
            got=f"{run_name!r}, and there is no directory {str(folder)!r}",
            advice="Make it first.",
        )
    if not os.access(folder, os.W_OK | os.X_OK):
        raise OptionError(
            "run_name",
            expected="a stem in a directory that can be written to",
            got=f"{run_name!r}, and {str(folder)!r} cannot",
            advice="Give yourself the right to write there, or name another place.",
        )
