"""Limits BLAS to one thread while Python threads share the blocks, for as long as any caller needs it."""

from __future__ import annotations

import os
import threading
from typing import Any

from threadpoolctl import ThreadpoolController

_lock = threading.Lock()
_asking = 0
_limits: list[Any] = []
_controller: ThreadpoolController | None = None
"""Knows the libraries that were loaded when it was made; making it takes milliseconds, so it is kept."""


def hold_one() -> None:
    """Limit BLAS to one thread until `let_go` has been called as often as `hold_one`, from any threads."""
    global _asking
    with _lock:
        if _asking == 0:
            _limit_all()
        _asking += 1


def let_go() -> None:
    """Undo one `hold_one`; the last call restores the number of threads that the first `hold_one` found."""
    global _asking
    with _lock:
        _asking -= 1
        if _asking == 0:
            _put_back()


def look_again() -> None:
    """Limit the BLAS of libraries loaded since the first `hold_one` too, at once if BLAS is limited now."""
    global _controller
    with _lock:
        if _controller is None:
            return  # the first `hold_one` finds all libraries
        seen = {library.filepath for library in _controller.lib_controllers}
        _controller = ThreadpoolController()
        new = [library.filepath for library in _controller.lib_controllers if library.filepath not in seen]
        if _asking > 0 and new:
            _limits.append(_limited(_controller.select(filepath=new)))


def _limit_all() -> None:
    global _controller
    _controller = _controller or ThreadpoolController()
    _limits.append(_limited(_controller))


def _put_back() -> None:
    assert _controller is not None  # for the type checker: `hold_one` made it
    _take_control(_controller)
    while _limits:
        _limits.pop().__exit__(None, None, None)


def _limited(controller: ThreadpoolController) -> Any:
    _take_control(controller)
    return controller.limit(limits=1, user_api="blas").__enter__()


def _take_control(controller: ThreadpoolController) -> None:
    """Let any thread set limits; newer versions of threadpoolctl ignore all threads but one."""
    for library in controller.lib_controllers:
        clear = getattr(library, "clear_controlling_thread", None)
        if clear is not None:
            clear(force=True)


def _after_fork() -> None:
    """Make a new lock in the child: a thread of the parent may hold the old one, and the child lacks that thread."""
    global _lock
    _lock = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
