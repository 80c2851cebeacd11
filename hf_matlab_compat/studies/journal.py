"""A file of finished runs, one JSON value a line, from which a study that was killed goes on."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from hf_matlab_compat.errors import ArgumentError


class Journal:
    """Finished runs by their settings. Without a path nothing is kept.

    Parameters
    ----------
    path : path-like or None
        The file; made by the first `add`. A last line that was cut off by a kill is left out.

    Raises
    ------
    ArgumentError
        The file cannot be read, or is no journal.
    """

    def __init__(self, path: str | os.PathLike[str] | None = None) -> None:
        self._path = None if path is None else Path(path).expanduser()
        self._runs: list[tuple[Any, Any]] = []
        text = self._text()
        whole, _, rest = text.rpartition("\n")
        self._is_cut = bool(rest)
        for number, line in enumerate(whole.splitlines(), start=1):
            if line:
                self._runs.append(self._run(number, line))

    def found(self, settings: Mapping[str, Any]) -> Any:
        """Return what was noted of a run with these settings, or None."""
        asked = json.loads(json.dumps(settings))
        return next((run for known, run in self._runs if known == asked), None)

    def run(self, settings: Mapping[str, Any], make: Callable[[], Mapping[str, Any]]) -> tuple[Any, bool]:
        """Return a run with these settings, and whether it was known; one that was not is made and noted.

        Raises
        ------
        ArgumentError
            The file cannot be written.
        """
        known = self.found(settings)
        if known is not None:
            return known, True
        made = make()
        self.add(settings, made)
        return made, False

    def add(self, settings: Mapping[str, Any], run: Any) -> None:
        """Note a finished run; it is on the disk when this returns.

        Raises
        ------
        ArgumentError
            The file cannot be written.
        """
        if self._path is None:
            return
        line = json.dumps({"settings": settings, "run": run})
        try:
            with self._path.open("a", encoding="utf-8") as stream:
                stream.write(f"\n{line}\n" if self._is_cut else f"{line}\n")
                stream.flush()
                os.fsync(stream.fileno())
        except OSError as error:
            raise self._refused("a file that can be written", error.strerror or str(error)) from error
        self._is_cut = False

    def _text(self) -> str:
        if self._path is None:
            return ""
        try:
            return self._path.read_text(encoding="utf-8")
        except FileNotFoundError as error:
            if not self._path.parent.is_dir():  # said before the first run, not after it
                raise self._refused("a file that can be written", str(error.strerror)) from error
            return ""
        except (OSError, UnicodeDecodeError) as error:
            raise self._refused("a journal of a study", getattr(error, "strerror", "") or "another file") from error

    def _run(self, number: int, line: str) -> tuple[Any, Any]:
        try:
            found = json.loads(line)
            return found["settings"], found["run"]
        except (ValueError, TypeError, KeyError) as error:
            if number > 1:  # a run that a kill cut off, before other runs were added
                return None, None
            raise self._refused("a journal of a study", f"another text in line {number}") from error

    def _refused(self, expected: str, got: str) -> ArgumentError:
        return ArgumentError("journal", expected=expected, got=f"{str(self._path)!r} ({got})")
