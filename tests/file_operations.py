"""Lets a process die, or the system refuse, at one chosen operation on files: open, write, sync, rename, remove, …."""

from __future__ import annotations

import builtins
import errno
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest import mock

import scipy.io  # noqa: F401  (here, for all children at once, rather than in the first epoch of each)

from hf_matlab_compat import train
from hf_matlab_compat.result import Result
from tests.small_run import field_arguments

EPOCHS = 3
CALLS = ("open", "replace", "fsync", "fdatasync", "unlink", "fchmod", "fchown")


class Operations:
    """Counts the operations of this process on files that are written, and acts at one of them.

    Parameters
    ----------
    act : callable, optional
        Called in place of the operation number `at`; of a write half is done before.
    at : int
        Counted from 0.

    Attributes
    ----------
    done : list of str
        The operations so far.
    """

    def __init__(self, act: Callable[[], None] | None = None, at: int = -1) -> None:
        self._act, self._at = act, at
        self.done: list[str] = []

    def count(self, name: str) -> bool:
        """Note an operation; whether it is the chosen one."""
        self.done.append(name)
        return len(self.done) - 1 == self._at

    def act(self) -> None:
        assert self._act
        self._act()

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Within this block, operations are counted."""
        calls = {name: self._counted(name) for name in CALLS if hasattr(os, name)}
        opener = self._opener(builtins.open)
        with mock.patch.multiple(os, **calls), mock.patch.object(builtins, "open", opener):
            yield

    def _counted(self, name: str) -> Any:
        real = getattr(os, name)

        def call(*arguments: Any, **keywords: Any) -> Any:
            if self.count(name):
                self.act()
            return real(*arguments, **keywords)

        return call

    def _opener(self, real: Any) -> Any:
        def opened(file: Any, mode: str = "r", *arguments: Any, **keywords: Any) -> Any:
            stream = real(file, mode, *arguments, **keywords)
            return _Stream(stream, self) if set(mode) & set("wa+") else stream

        return opened


class _Stream:
    """An open file whose writes are counted; each goes to the system at once."""

    def __init__(self, stream: Any, operations: Operations) -> None:
        self._stream, self._operations = stream, operations

    def write(self, content: Any) -> int:
        if self._operations.count("write"):
            half = bytes(content)[: len(content) // 2] if not isinstance(content, str) else content[: len(content) // 2]
            self._stream.write(half)
            self._stream.flush()
            self._operations.act()
        return self._stream.write(content)

    def __enter__(self) -> _Stream:
        return self

    def __exit__(self, *_error: object) -> None:
        self._stream.close()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def refuse_with(number: int) -> Callable[[], None]:
    def refuse() -> None:
        raise OSError(number, os.strerror(number))

    return refuse


FULL = refuse_with(errno.ENOSPC)


def trained(folder: Path, precision: str, epochs: int = EPOCHS, **changes: Any) -> Result:
    """A small run that keeps a checkpoint every second epoch."""
    files = {"run_name": folder / "run", "checkpoint_period": 2, "precision": precision}
    return train(**field_arguments(max_epochs=epochs, **files, **changes))


def operations_of(folder: Path, precision: str) -> list[str]:
    """All operations of a whole run, by name."""
    operations = Operations()
    with operations.watched():
        trained(folder, precision)
    return operations.done


def run_and_die(folder: str, precision: str, at: int) -> None:
    """In a process of its own: train, and be killed at an operation."""
    with Operations(die, at).watched():
        trained(Path(folder), precision)
