"""The application: it maps errors to one sentence and an exit code."""

from __future__ import annotations

import codecs
import os
import re
import signal
import sys
import time
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from importlib.metadata import version
from io import TextIOWrapper
from typing import Annotated, Any

from cyclopts import App, CycloptsError, Parameter, Token

from hf_matlab_compat.cli.mistakes import in_words, refuse_empty_lists
from hf_matlab_compat.errors import HessianFreeError, Terminated
from hf_matlab_compat.observers.interrupt import in_one_command
from hf_matlab_compat.ranks.ranks import is_first_rank, is_launched_first

ERROR = 2
"""Exit code after an error, which is printed as one sentence."""

INTERRUPTED = 130
"""Exit code after Ctrl-C, as in a shell."""

CLOSED_PIPE = 141
"""Exit code if the reader of the output closed its pipe, as in a shell."""


def _whole_numbers(kind: Any, tokens: Sequence[Token]) -> Any:
    # convert to integers and refuse 2.5, which cyclopts would round to 2
    del kind
    for token in tokens:
        if not re.fullmatch(r"[+-]?[0-9]+", token.value.strip()):
            raise ValueError(f"expected a whole number, got {token.value}")
    return [int(token.value) for token in tokens]


def _whole(kind: Any, tokens: Sequence[Token]) -> int:
    return _whole_numbers(kind, tokens[:1])[0]


def _seed(kind: Any, tokens: Sequence[Token]) -> int:
    value = _whole(kind, tokens)
    if not 0 <= value < 2**63:
        raise ValueError(f"expected a whole number {'of at least 0' if value < 0 else 'below 2^63'}, got {value}")
    return value


Whole = Annotated[int, Parameter(converter=_whole)]
Seed = Annotated[int, Parameter(converter=_seed)]
MaybeWhole = Annotated[int | None, Parameter(converter=_whole)]
WholeNumbers = Annotated[list[int] | None, Parameter(consume_multiple=True, negative=(), converter=_whole_numbers)]

_TIME_TO_PRINT = 0.5
"""Seconds that the other ranks leave to the first, which prints the sentence: their exit codes end the whole job."""

app = App(
    name="hf-compat",
    help="Hessian-free training of deep networks as James Martens' MATLAB trainer (nnet_train_2) does it.",
    version=lambda: version("hf_matlab_compat"),
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command line, by default that of the process.

    Returns
    -------
    int
        Exit code: that of the command, 2 after an error, 130 after Ctrl-C, 143 and 129 after SIGTERM and SIGHUP,
        141 if the reader of the output closed its pipe.

    Raises
    ------
    SystemExit
        With code 2 if the command line is invalid.
    """
    spell_what_cannot_be_written()
    words = [_at_home(word) for word in (sys.argv[1:] if arguments is None else arguments)]
    try:
        command, bound, *_ = app.parse_args(words, print_error=False, exit_on_error=False, verbose=False)
        refuse_empty_lists(words, bound.arguments)
    except CycloptsError as error:
        raise SystemExit(_complain(in_words(error), ERROR, is_launched_first())) from None
    try:
        with _warnings_in_a_line(), in_one_command():
            code = command(*bound.args, **bound.kwargs) or 0
        if sys.stdout:
            sys.stdout.flush()  # a closed pipe raises here, not at the end of the interpreter
        return code
    except HessianFreeError as error:
        return _complain(str(error), ERROR, isinstance(error, MemoryError) or None)
    except KeyboardInterrupt:
        return _complain("Stopped by Ctrl-C.", INTERRUPTED)
    except Terminated as stop:
        code = int(stop.code or 0)
        return _complain(f"Stopped by {signal.Signals(code - 128).name}.", code)
    except MemoryError as error:
        return _complain(f"memory: expected more free memory, got {error or 'none'}.", ERROR, shown=True)
    except (OSError, SystemExit) as stop:  # rich turns a closed pipe into SystemExit
        return _unwritable(stop)


@contextmanager
def _warnings_in_a_line() -> Iterator[None]:
    """Show warnings without the source line that raised them, which means nothing to a user."""

    def line(message: Warning | str, *_where: object) -> str:
        return f"warning: {message}\n"

    usual, warnings.formatwarning = warnings.formatwarning, line
    try:
        yield
    finally:
        warnings.formatwarning = usual


def _unwritable(stop: OSError | SystemExit) -> int:
    # return the exit code after a system error: most often a closed pipe or a full disk
    error = stop if isinstance(stop, OSError) else stop.__context__
    if not isinstance(error, OSError):
        raise stop
    if error.filename is not None:
        return _complain(f"{error.filename}: {error.strerror}.", ERROR, shown=True)
    with suppress(OSError, ValueError, AttributeError):
        # discard the rest of the output; otherwise the interpreter fails on it again at its end
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    if isinstance(error, BrokenPipeError):
        return CLOSED_PIPE  # the reader closed the pipe, as in `hf-compat names | head`
    return _complain(
        f"output: expected a place that can be written, got '{error.strerror or error}'.", ERROR, shown=True
    )


def _complain(sentence: str, code: int, shown: bool | None = None) -> int:
    """Print a sentence; of processes that share a run only the first does, unless `shown` says otherwise."""
    if not (is_first_rank() if shown is None else shown):
        time.sleep(_TIME_TO_PRINT)
        return code
    with suppress(OSError, ValueError):
        if sys.stderr:
            print(sentence, file=sys.stderr)
    return code


def _at_home(word: str) -> str:
    """Expand ``~`` in ``--out=~/runs``, which a shell does not."""
    option, equals, value = word.partition("=") if word.startswith("--") else ("", "", word)
    return option + equals + os.path.expanduser(value)


_SPELLED = {
    **{"½": "1/2", "¾": "3/4", "²": "^2", "ʲ": "^j", "ℓ": "l", "·": "*", "≠": "/=", "‖": "||", "µ": "u"},
    **{"…": "...", "×": "x", "≤": "<=", "≥": ">=", "→": "->", "–": "-", "—": "-", "−": "-"},
}
"""Signs only, no letters: letters of the user's file names are printed as escapes, which are unambiguous."""


def spell_what_cannot_be_written() -> None:
    """Let standard output and error spell the characters that their encoding lacks."""

    def spelled(error: UnicodeError) -> tuple[str, int]:
        assert isinstance(error, UnicodeEncodeError)  # writing text raises no other
        part = error.object[error.start : error.end]
        ascii_ = (_SPELLED.get(c) or c.encode("ascii", "backslashreplace").decode() for c in part)
        return "".join(ascii_), error.end

    codecs.register_error("spelled", spelled)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="spelled")
