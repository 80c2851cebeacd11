"""Ctrl-C, SIGTERM and SIGHUP during a run: the unfinished epoch is dropped, and no file is left half written.

One Ctrl-C ends a run and lets the program go on, so in a loop the next run starts. A second Ctrl-C within
`TWICE_WITHIN` seconds raises KeyboardInterrupt, wherever the program is by then.
"""

from __future__ import annotations

import math
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType, TracebackType
from typing import Any, Self

from hf_matlab_compat.state import Outcome

_PLAIN_HANDLERS: dict[int, Any] = {signal.SIGINT: signal.default_int_handler, signal.SIGTERM: signal.SIG_DFL}
_OUTCOMES: dict[int, Outcome] = {signal.SIGTERM: Outcome.TERMINATED}
if hasattr(signal, "SIGHUP"):  # not on Windows
    _PLAIN_HANDLERS[signal.SIGHUP] = signal.SIG_DFL
    _OUTCOMES[signal.SIGHUP] = Outcome.HUNG_UP

TWICE_WITHIN = 2.0
"""Seconds within which a second Ctrl-C leaves a loop of runs."""
HOW_TO_LEAVE = f"In a loop of runs, press Ctrl-C twice within {TWICE_WITHIN:g} seconds to leave the loop."


class _Presses:
    """When Ctrl-C was last pressed in a run of this process."""

    last = -math.inf
    may_be_in_a_loop = True


@contextmanager
def in_one_command() -> Iterator[None]:
    """Within this context the program is one command, and no line says how to leave a loop."""
    _Presses.may_be_in_a_loop = False
    try:
        yield
    finally:
        _Presses.may_be_in_a_loop = True


def say_how_to_leave_a_loop() -> None:
    """Print a line on standard error, if the run may be one of a loop."""
    if _Presses.may_be_in_a_loop and sys.stderr is not None:
        print(HOW_TO_LEAVE, file=sys.stderr, flush=True)


class InterruptGuard:
    """Decides where in the loop Ctrl-C takes effect; also SIGTERM and SIGHUP, which clusters send.

    Inside `abandonable` the first of these signals raises KeyboardInterrupt at once. Outside it (while files are
    written) the first signal is remembered and raised on entry to the next `abandonable`. A second signal raises at
    once anywhere: KeyboardInterrupt after Ctrl-C, SystemExit otherwise. A signal that is still remembered when the
    guard ends came after the last epoch and raises nothing; `received` holds it.

    The guard replaces Python's default handlers, in the main thread only. It leaves alone a handler that the host
    program set and a signal that it ignores (as under nohup). In other threads it does nothing.

    Attributes
    ----------
    received : int or None
        The first signal that came.
    leaving : bool
        True after a Ctrl-C that followed that of an earlier run within `TWICE_WITHIN` seconds: once the run has ended,
        the loop of runs is to be left.

    Examples
    --------
    >>> with InterruptGuard() as guard:
    ...     for epoch in range(3):
    ...         with guard.abandonable():
    ...             pass  # compute
    ...         # write
    """

    def __init__(self) -> None:
        self._installed: list[int] = []
        self.received: int | None = None
        self.leaving = False
        self._may_abandon = False

    def __enter__(self) -> Self:
        self.received, self.leaving = None, False
        if threading.current_thread() is threading.main_thread():
            for number, plain in _PLAIN_HANDLERS.items():
                if signal.getsignal(number) is plain:
                    signal.signal(number, self._on_signal)
                    self._installed.append(number)
        return self

    def __exit__(self, *_error: object) -> None:
        while self._installed:
            number = self._installed.pop()
            signal.signal(number, _PLAIN_HANDLERS[number])

    @property
    def outcome(self) -> Outcome:
        """The outcome of a run that a signal, or another KeyboardInterrupt, stopped."""
        return _OUTCOMES.get(self.received or 0, Outcome.INTERRUPTED)

    @property
    def terminated(self) -> bool:
        """True if the whole program was asked to end, not only the run."""
        return self.received in _OUTCOMES

    @contextmanager
    def abandonable(self) -> Iterator[None]:
        """Mark a block that may be left half done; on entry raise a remembered signal.

        Raises
        ------
        KeyboardInterrupt
            A signal came before.
        """
        self._may_abandon = True  # before the test of `received`, so that no signal is lost between the two
        try:
            if self.received is not None:
                raise KeyboardInterrupt
            yield
        finally:
            self._may_abandon = False

    def settle(self) -> None:
        """Take the last signals into account, after the last epoch; processes that share a run agree on them."""

    def _on_signal(self, number: int, _frame: FrameType | None) -> None:
        first, self.received = self.received is None, self.received or number
        if number == signal.SIGINT:
            before, _Presses.last = _Presses.last, time.monotonic()
            self.leaving = _Presses.last - before <= TWICE_WITHIN
            _show_no_traceback_of_ctrl_c()
        if self._may_abandon or (not first and number == signal.SIGINT):
            raise KeyboardInterrupt
        if not first:
            raise SystemExit(128 + number)


def _show_no_traceback_of_ctrl_c() -> None:
    """Have Python print one line for a KeyboardInterrupt that ends the program."""
    if isinstance(sys.excepthook, _OneLine):
        return
    sys.excepthook = _OneLine(sys.excepthook)


class _OneLine:
    """An exception hook; exceptions other than KeyboardInterrupt go to the hook that was there before."""

    def __init__(self, before: Any) -> None:
        self._before = before

    def __call__(self, kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        if not issubclass(kind, KeyboardInterrupt):
            self._before(kind, error, trace)
        elif sys.stderr is not None:
            print("Stopped by Ctrl-C.", file=sys.stderr)
