"""Checks that the run's files can be written."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from glob import escape
from pathlib import Path
from typing import Any

from hf_matlab_compat.errors import OptionError, quoted

_LONGEST_ENDING = "_nnet_epoch1000000.sidecar.npz.01234567.partial"


def check_destination(run_name: Any) -> str:
    """Return the run name as a string. Its directory must exist and be writable, and so must existing files of the run.

    Parameters
    ----------
    run_name : path
        Stem of the run's files, possibly with a directory; empty for a run that writes none.

    Raises
    ------
    OptionError
        A file of the run could not be written.
    """
    if not isinstance(run_name, str | os.PathLike):
        raise OptionError("run_name", expected="a name or path, or '' for no files", got=quoted(run_name))
    name = os.path.expanduser(os.fsdecode(run_name))  # as in MATLAB
    if "\0" in name:
        raise OptionError("run_name", expected="a name without a null character", got=repr(name))
    try:
        os.fsencode(name)
    except UnicodeEncodeError as error:
        expected = f"characters that file names can have on this system ({error.encoding})"
        advice = "Choose another name, or set the environment's PYTHONUTF8=1."
        raise OptionError("run_name", expected=expected, got=ascii(name), advice=advice) from error
    if name:
        _check_folder(name)
        for target in _targets(name):
            _check_target(target)
    return name


def _check_folder(run_name: str) -> None:
    stem = Path(run_name)
    if run_name.endswith(("/", os.sep)) or stem.name in ("", ".."):
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
            advice="Change its permissions, or choose another directory.",
        )


def _targets(run_name: str) -> Iterator[str]:
    yield f"{run_name}{_LONGEST_ENDING}"  # first, to find a name that is too long with any ending
    yield from (f"{run_name}{ending}" for ending in (".txt", "_nnet_running.mat", "_nnet_running.sidecar.npz", ".lock"))
    stem = Path(run_name)
    yield from map(str, sorted(stem.parent.glob(f"{escape(stem.name)}_nnet_epoch*")))


def _check_target(target: str) -> None:
    try:
        kind = stat.S_IFMT(os.stat(target).st_mode)
    except FileNotFoundError:
        return
    except OSError as error:
        advice = "Choose a shorter name." if error.errno == errno.ENAMETOOLONG else ""
        raise _not_a_target(target, error.strerror or str(error), advice) from error
    if kind == stat.S_IFDIR:
        raise _not_a_target(target, "a directory has that name", "Move it away, or choose another name.")
    if kind != stat.S_IFREG:
        reason = "a device, a pipe or a socket has that name"
        raise _not_a_target(target, reason, "Choose another name.")
    if target.endswith(".txt") and not os.access(target, os.W_OK):  # the log is appended to, the others are replaced
        raise _not_a_target(target, "it may not be written", "Change its permissions, or choose another name.")


def _not_a_target(target: str, reason: str, advice: str) -> OptionError:
    got = f"{target!r} ({reason})"
    return OptionError("run_name", expected="the stem of files that can be written", got=got, advice=advice)
