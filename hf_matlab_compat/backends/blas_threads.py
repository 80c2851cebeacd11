"""BLAS held to one thread while blocks are shared among Python's threads, for as long as anyone asks for it."""

from __future__ import annotations

import threading
from typing import Any

from threadpoolctl import ThreadpoolController

_lock = threading.Lock()
_asking = 0
_limit: Any = None
_controller: ThreadpoolController | None = None


def hold_one() -> None:
    """BLAS on one thread until as many `let_go` as `hold_one` were called, from whatever threads."""
    global _asking, _limit, _controller
    with _lock:
        if _asking == 0:
            _controller = _controller or ThreadpoolController()  # looks through the loaded libraries: milliseconds
            _limit = _controller.limit(limits=1, user_api="blas")
        _asking += 1


def let_go() -> None:
    """Undo one `hold_one`; the last puts back the number of threads that the first found."""
    global _asking, _limit
    with _lock:
        _asking -= 1
        if _asking == 0:
            _limit.restore_original_limits()
            _limit = None
