"""A limit on the memory of a child process: a control group's where this process may make one, else on its own data."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_GROUPS = (
    (Path("/sys/fs/cgroup/memory"), "memory.limit_in_bytes"),  # version 1
    (Path("/sys/fs/cgroup"), "memory.max"),
)


@contextmanager
def memory_limit(count: int) -> Iterator[tuple[str, Callable[[], None]]]:
    """Return the limit on a child's memory in words, and the function that sets it in the child."""
    group = _control_group(count)
    if group is None:
        yield "RLIMIT_DATA", lambda: _limit_data(count)
        return
    try:
        yield "control group", lambda: (group / "cgroup.procs").write_text(str(os.getpid())) and None
    finally:
        with suppress(OSError):  # a child is still in it
            group.rmdir()


def _limit_data(count: int) -> None:
    import resource  # which Windows has not

    resource.setrlimit(resource.RLIMIT_DATA, (count, count))


def _control_group(count: int) -> Path | None:
    for place, entry in _GROUPS:
        group = place / f"hf_benchmark_{os.getpid()}"
        if not (place / entry).exists() and not (place / "cgroup.controllers").exists():
            continue
        with suppress(OSError):
            group.mkdir()
            try:
                (group / entry).write_text(str(count))
            except OSError:
                group.rmdir()
                raise
            return group
    return None
