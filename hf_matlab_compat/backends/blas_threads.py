"""BLAS held to one thread while blocks are shared among Python's threads, for as long as anyone asks for it."""

from __future__ import annotations

import threading
from typing import Any

from threadpoolctl import ThreadpoolController

_lock = threading.Lock()
_asking = 0
_limit: Any = None
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
    """A library with a BLAS of its own was loaded: it is held too, at once where BLAS is held already."""
    global _controller
    with _lock:
        if _asking > 0:
            _put_back()
        _controller = None
        if _asking > 0:
            _limit_all()


def _limit_all() -> None:
    global _limit, _controller
    _controller = _controller or ThreadpoolController()
    _take_control(_controller)
    _limit = _controller.limit(limits=1, user_api="blas").__enter__()


def _put_back() -> None:
    global _limit
    assert _controller is not None  # for the type checker: something is held
    _take_control(_controller)
    _limit.__exit__(None, None, None)
    _limit = None


def _take_control(controller: ThreadpoolController) -> None:
    """Newer threadpoolctl lets one thread alone set limits and ignores all others; here whoever comes may."""
    for library in controller.lib_controllers:
        clear = getattr(library, "clear_controlling_thread", None)
        if clear is not None:
            clear(force=True)
