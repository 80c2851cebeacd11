"""BLAS held to one thread while blocks are shared among Python's threads, for as long as anyone asks for it."""

from __future__ import annotations

import os
import threading
from typing import Any

from threadpoolctl import ThreadpoolController

_lock = threading.Lock()
_asking = 0
_limits: list[Any] = []
_controller: ThreadpoolController | None = None
"""Of all libraries that were loaded when it was made; making one takes milliseconds."""


def hold_one() -> None:
    """BLAS on one thread until as many `let_go` as `hold_one` were called, from whatever threads."""
    global _asking
    with _lock:
        if _asking == 0:
            _limit_all()
        _asking += 1


def let_go() -> None:
    """Undo one `hold_one`; the last puts back the number of threads that the first found."""
    global _asking
    with _lock:
        _asking -= 1
        if _asking == 0:
            _put_back()


def look_again() -> None:
    """Libraries were loaded: their BLAS is held too, at once where BLAS is held; what is held already stays so."""
    global _controller
    with _lock:
        if _controller is None:
            return  # the first hold looks anyway
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
    assert _controller is not None  # for the type checker: something is held
    _take_control(_controller)
    while _limits:
        _limits.pop().__exit__(None, None, None)


def _limited(controller: ThreadpoolController) -> Any:
    _take_control(controller)
    return controller.limit(limits=1, user_api="blas").__enter__()


def _take_control(controller: ThreadpoolController) -> None:
    """Newer threadpoolctl lets one thread alone set limits and ignores all others; here whoever comes may."""
    for library in controller.lib_controllers:
        clear = getattr(library, "clear_controlling_thread", None)
        if clear is not None:
            clear(force=True)


def _after_fork() -> None:
    """Another thread may have had the lock, and is not in the child, which would wait for it for ever."""
    global _lock
    _lock = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
