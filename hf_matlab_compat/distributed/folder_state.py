"""Shared parameters in a folder that all machines see: files renamed into place, a lock, a numbered file an update."""

from __future__ import annotations

import json
import os
import socket
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from hf_matlab_compat.distributed.packets import read_header
from hf_matlab_compat.distributed.shared_state import AnotherKeeper, StoredState
from hf_matlab_compat.errors import OptionError, SharedStateError
from hf_matlab_compat.matlab.files.atomic_file import atomic_file
from hf_matlab_compat.preflight.run_lock import run_lock

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None

POLL = 0.01
"""Seconds between two looks at the folder: a folder wakes nobody."""

_MOST_AT_ONCE = 16


class FolderState(StoredState):
    """Shared parameters in a folder of a file system with locks; folders that a service copies have none.

    Every file is written beside its place, then renamed. Updates are numbered under a lock, which the system releases
    when its holder dies.

    Parameters
    ----------
    path : path
        The folder; made if missing.
    worker : str
        Name of this worker; by default host and process.
    patience : float
        Seconds to wait for the keeper.
    durable : bool
        Wait until each file is on the disk, so that nothing that was sent is lost in a power cut. False is faster, and
        still loses nothing when processes are killed.

    Raises
    ------
    SharedStateError
        The folder cannot be made or written.
    OptionError
        The system has no file locks.
    """

    def __init__(
        self, path: str | os.PathLike[str], worker: str = "", *, patience: float = 60.0, durable: bool = True
    ) -> None:
        super().__init__(os.fspath(path), worker, patience)
        if fcntl is None:
            advice = "Use redis://host:port/run."
            raise OptionError("state", expected="a system with file locks", got="none", advice=advice)
        self._folder, self._durable = Path(path).absolute(), durable
        with self._speaking():
            (self._folder / "updates").mkdir(parents=True, exist_ok=True)

    def read(self, what: str, most: int | None = None) -> bytes | None:
        """See `StoredState.read`."""
        with self._speaking():
            try:
                with open(self._folder / what, "rb") as stream:
                    return stream.read(-1 if most is None else most)
            except FileNotFoundError:
                return None

    def create(self, what: str, packet: bytes) -> bool:
        """See `StoredState.create`."""
        with self._locked():
            if (self._folder / what).exists():
                return False
            self._write(what, packet)
        return True

    def append(self, packet: bytes) -> None:
        """See `StoredState.append`."""
        with self._locked():
            number = self._last_applied() + 1
            while (self._folder / _update(number)).exists():
                number += 1
            self._write(_update(number), packet)

    def after(self, last: str, seconds: float) -> Sequence[tuple[str, bytes]]:
        """See `StoredState.after`."""
        number, found, end = int(last or 0) + 1, list[tuple[str, bytes]](), time.monotonic() + seconds
        while len(found) < _MOST_AT_ONCE:
            packet = self.read(_update(number + len(found)))
            if packet is not None:
                found.append((f"{number + len(found):012}", packet))
            elif found or time.monotonic() >= end:
                break
            else:
                self.pause(end - time.monotonic())
        return found

    def commit(self, packet: bytes, version: int) -> None:
        """See `StoredState.commit`."""
        with self._speaking():
            self._write("state", packet)

    def forget(self, start: bytes, last: str) -> None:
        """See `StoredState.forget`."""
        with self._locked():
            self._write("start", start)
            for path in sorted((self._folder / "updates").iterdir()):
                if path.name.isdecimal() and path.name <= last:
                    path.unlink()

    def pause(self, seconds: float) -> None:
        """See `StoredState.pause`."""
        time.sleep(max(0.0, min(POLL, seconds)))

    @contextmanager
    def keeping(self) -> Iterator[None]:
        """See `StoredState.keeping`.

        Raises
        ------
        AnotherKeeper
            Another process keeps the run.
        """
        with ExitStack() as stack:
            try:
                stack.enter_context(run_lock(str(self._folder / "keeper")))
            except OptionError as error:
                owner = self.keeper() or "another process"
                raise AnotherKeeper(self.name, owner) from error
            yield

    def waiting(self, last: str) -> int:
        """See `StoredState.waiting`."""
        with self._speaking():
            return sum(name.isdecimal() and name > last for name in os.listdir(self._folder / "updates"))

    def keeper(self) -> str:
        """See `StoredState.keeper`."""
        try:
            owner = json.loads(self.read("keeper.lock") or "{}")
            host, process, since = owner["host"], int(owner["process"]), owner["since"]
        except (ValueError, KeyError, TypeError):
            return ""
        with suppress(PermissionError):  # a process of another user is alive
            try:
                if host == socket.gethostname():
                    os.kill(process, 0)
            except ProcessLookupError:
                return ""
        return f"process {process} on {host} (since {since})"

    def close(self) -> None:
        """See `StoredState.close`: a folder has no connections."""

    def _last_applied(self) -> int:
        state = self.read("state") or self.read("start")
        return int(read_header(self.name, state)["last"] or 0) if state else 0

    def _write(self, what: str, packet: bytes) -> None:
        with atomic_file(self._folder / what, durable=self._durable) as stream:
            stream.write(packet)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        assert fcntl is not None  # the constructor has checked it
        with self._speaking():
            descriptor = os.open(self._folder / "lock", os.O_RDWR | os.O_CREAT, 0o666)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX)
                yield
            finally:
                os.close(descriptor)

    @contextmanager
    def _speaking(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            got = f"{error.strerror or error}"
            raise SharedStateError(
                f"{self.name}: expected a folder that can be read and written, got '{got}'."
            ) from error


def _update(number: int) -> str:
    return f"updates/{number:012}"
