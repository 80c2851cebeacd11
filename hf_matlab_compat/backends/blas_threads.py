"""BLAS held to one thread while blocks are shared among Python's threads, for as long as anyone asks for it."""

from __future__ import annotations

import threading
from typing import Any

from threadpoolctl import ThreadpoolController

_lock = threading.Lock()
_asking = 0
_limit: Any = None
_controller: ThreadpoolController | None = None
_known = False
"""Whether the controller has seen all libraries."""


def hold_one() -> None:
    """BLAS on one thread until as many `let_go` as `hold_one` were called, from whatever threads."""
    global _asking, _limit, _controller, _known
    with _lock:
        if _asking == 0:
            if _controller is None or not _known:
                _controller, _known = ThreadpoolController(), True  # looks through the loaded libraries: milliseconds
            _take_control(_controller)
            _limit = _controller.limit(limits=1, user_api="blas").__enter__()
        _asking += 1


def look_again() -> None:
    """A library with a BLAS of its own was loaded: the next that holds BLAS to one thread holds that one too."""
    global _known
    with _lock:
        _known = False


def let_go() -> None:
    """Undo one `hold_one`; the last puts back the number of threads that the first found."""
    global _asking, _limit
    with _lock:
        _asking -= 1
        if _asking == 0 and _controller is not None:
            _take_control(_controller)
            _limit.__exit__(None, None, None)
            _limit = None


def _take_control(controller: ThreadpoolController) -> None:
    """Newer threadpoolctl lets one thread alone set limits and ignores all others; here whoever comes may."""
    for library in controller.lib_controllers:
        clear = getattr(library, "clear_controlling_thread", None)
        if clear is not None:
            clear(force=True)
