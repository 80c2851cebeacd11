"""The application: exit codes, and errors as one sentence."""

from __future__ import annotations

import codecs
import os
import re
import signal
import sys
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from importlib.metadata import version
from io import TextIOWrapper
from typing import Annotated, Any

from cyclopts import App, CycloptsError, Parameter, Token

from hf_matlab_compat.cli.mistakes import in_words, refuse_empty_lists
from hf_matlab_compat.errors import HessianFreeError, Terminated

ERROR = 2
"""Exit code after an error, which is told in a sentence."""

INTERRUPTED = 130
"""Exit code after Ctrl-C, as a shell has it."""

CLOSED_PIPE = 141
"""Exit code where the output was a pipe that was closed, as a shell has it."""


def _whole_numbers(kind: Any, tokens: Sequence[Token]) -> Any:
    """Not 2 for 2.5."""
    del kind
    for token in tokens:
        if not re.fullmatch(r"[+-]?[0-9]+", token.value.strip()):
            raise ValueError(f"expected a whole number, got {token.value}")
    return [int(token.value) for token in tokens]


def _whole(kind: Any, tokens: Sequence[Token]) -> int:
    return _whole_numbers(kind, tokens[:1])[0]


Whole = Annotated[int, Parameter(converter=_whole)]
MaybeWhole = Annotated[int | None, Parameter(converter=_whole)]
WholeNumbers = Annotated[list[int] | None, Parameter(consume_multiple=True, negative=(), converter=_whole_numbers)]

app = App(
    name="hf-compat",
    help="Hessian-free training of deep networks as James Martens' MATLAB trainer (nnet_train_2) does it.",
    version=lambda: version("hf_matlab_compat"),
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command line.

    Parameters
    ----------
    arguments : sequence of str, optional
        Those of the process by default.

    Returns
    -------
    int
        Exit code: that of the command, 2 after an error, 130 after Ctrl-C, 143 and 129 after SIGTERM and SIGHUP,
        141 where the output was a pipe that was closed.

    Raises
    ------
    SystemExit
        With 2, where the command line is no call of a command.
    """
    spell_what_cannot_be_written()
    words = [_at_home(word) for word in (sys.argv[1:] if arguments is None else arguments)]
    try:
        command, bound, *_ = app.parse_args(words, print_error=False, exit_on_error=False, verbose=False)
        refuse_empty_lists(words, bound.arguments)
    except CycloptsError as error:
        raise SystemExit(_complain(in_words(error), ERROR)) from None
    try:
        with _warnings_in_a_line():
            code = command(*bound.args, **bound.kwargs) or 0
        if sys.stdout:
            sys.stdout.flush()  # a pipe that was closed shows here at the latest, not when the interpreter ends
        return code
    except HessianFreeError as error:
        return _complain(str(error), ERROR)
    except KeyboardInterrupt:
        return _complain("Stopped by Ctrl-C.", INTERRUPTED)
    except Terminated as stop:
        code = int(stop.code or 0)
        return _complain(f"Stopped by {signal.Signals(code - 128).name}.", code)
    except MemoryError as error:
        return _complain(f"memory: expected more of it, got {error or 'none'}.", ERROR)
    except (OSError, SystemExit) as stop:  # of a closed pipe rich makes the second
        return _unwritable(stop)


@contextmanager
def _warnings_in_a_line() -> Iterator[None]:
    """Show warnings without the line of our code that gave them, which tells a user nothing."""

    def line(message: Warning | str, *_where: object) -> str:
        return f"warning: {message}\n"

    usual, warnings.formatwarning = warnings.formatwarning, line
    try:
        yield
    finally:
        warnings.formatwarning = usual


def _unwritable(stop: OSError | SystemExit) -> int:
    """The exit code after an error of the system: most often the output is a pipe that was closed, or a full disk."""
    error = stop if isinstance(stop, OSError) else stop.__context__
    if not isinstance(error, OSError):
        raise stop
    if error.filename is not None:
        return _complain(f"{error.filename}: {error.strerror}.", ERROR)
    with suppress(OSError, ValueError, AttributeError):
        # what is left of the output goes nowhere, or the interpreter would stumble over it again when it ends
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    if isinstance(error, BrokenPipeError):
        return CLOSED_PIPE  # the reader closed the pipe, as in `hf-compat names | head`
    return _complain(f"output: expected a place that can be written to, got '{error.strerror or error}'.", ERROR)


def _complain(sentence: str, code: int) -> int:
    with suppress(OSError, ValueError):
        if sys.stderr:
            print(sentence, file=sys.stderr)
    return code


def _at_home(word: str) -> str:
    """A shell leaves ``--out=~/runs`` as it is."""
    option, equals, value = word.partition("=") if word.startswith("--") else ("", "", word)
    return option + equals + os.path.expanduser(value)


_SPELLED = {
    **{"½": "1/2", "¾": "3/4", "²": "^2", "ʲ": "^j", "ℓ": "l", "·": "*", "≠": "/=", "‖": "||", "µ": "u"},
    **{"…": "...", "×": "x", "≤": "<=", "≥": ">=", "→": "->", "–": "-", "—": "-", "−": "-"},
}
"""Signs, and no letters: those of the user's file names are shown by their numbers, which are not mistaken."""


def spell_what_cannot_be_written() -> None:
    """Let standard output and error spell the characters that their encoding lacks; UTF-8 lacks half pairs only."""

    def spelled(error: UnicodeError) -> tuple[str, int]:
        assert isinstance(error, UnicodeEncodeError)  # no other handler is asked when text is written
        part = error.object[error.start : error.end]
        ascii_ = (_SPELLED.get(c) or c.encode("ascii", "backslashreplace").decode() for c in part)
        return "".join(ascii_), error.end

    codecs.register_error("spelled", spelled)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="spelled")
