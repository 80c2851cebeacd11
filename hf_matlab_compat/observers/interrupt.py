"""Ctrl-C during a run: drops the unfinished epoch, never tears a log or a checkpoint."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Self


class InterruptGuard:
    """Decides where in the loop a Ctrl-C takes effect.

    Inside `abandonable` the first Ctrl-C raises KeyboardInterrupt at once. Outside it (while files are
    written) the first one is remembered, and raised on entering the next `abandonable`. The second one
    raises at once, wherever it comes. A Ctrl-C still remembered when the guard ends asks a loop to stop
    that is over, and is dropped.

    The guard replaces Python's own SIGINT handler for its duration, in the main thread only. A handler
    that the host program set (or a SIGINT it ignores) is left alone, and so is everything in other threads:
    there Ctrl-C does what it does without the guard.

    Examples
    --------
    >>> with InterruptGuard() as guard:
    ...     for epoch in range(3):
    ...         with guard.abandonable():
    ...             pass  # compute
    ...         # write
    """

    def __init__(self) -> None:
        self._installed = False
        self._interrupted = False
        self._may_abandon = False

    def __enter__(self) -> Self:
        self._interrupted = False
        in_main_thread = threading.current_thread() is threading.main_thread()
        if in_main_thread and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
            signal.signal(signal.SIGINT, self._on_interrupt)
            self._installed = True
        return self

    def __exit__(self, *_error: object) -> None:
        if self._installed:
            signal.signal(signal.SIGINT, signal.default_int_handler)
            self._installed = False

    @contextmanager
    def abandonable(self) -> Iterator[None]:
        """A block that may be left half done; entering it raises a remembered Ctrl-C."""
        self._may_abandon = True  # before the look at what is remembered, so that none falls between the two
        try:
            if self._interrupted:
                raise KeyboardInterrupt
            yield
        finally:
            self._may_abandon = False

    def _on_interrupt(self, _signal: int, _frame: FrameType | None) -> None:
        at_once = self._may_abandon or self._interrupted
        self._interrupted = True
        if at_once:
            raise KeyboardInterrupt
