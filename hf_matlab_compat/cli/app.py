"""The application: exit codes, and errors as one sentence."""

from __future__ import annotations

import codecs
import os
import sys
from collections.abc import Sequence
from importlib.metadata import version

from cyclopts import App, CycloptsError

from hf_matlab_compat.cli.mistakes import in_words
from hf_matlab_compat.errors import HessianFreeError

INTERRUPTED = 130
"""Exit code after Ctrl-C, as a shell has it."""

CLOSED_PIPE = 141
"""Exit code where the output was a pipe that was closed, as a shell has it."""

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
        Exit code: that of the command, 2 after an error of the package, 130 after Ctrl-C, 141 where the
        output was a pipe that was closed.

    Raises
    ------
    SystemExit
        With 2, where the command line is no call of a command.
    """
    spell_what_cannot_be_written()
    words = map(_at_home, sys.argv[1:] if arguments is None else arguments)
    try:
        command, bound, *_ = app.parse_args(list(words), print_error=False, exit_on_error=False, verbose=False)
    except CycloptsError as error:
        print(in_words(error), file=sys.stderr)
        raise SystemExit(2) from None
    try:
        code = command(*bound.args, **bound.kwargs) or 0
        sys.stdout.flush()  # a pipe that was closed shows here at the latest, not when the interpreter ends
        return code
    except HessianFreeError as error:
        print(error, file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("Stopped by Ctrl-C.", file=sys.stderr)
        return INTERRUPTED
    except (BrokenPipeError, SystemExit) as stop:  # rich makes the second of the first
        if not isinstance(stop, BrokenPipeError) and not isinstance(stop.__context__, BrokenPipeError):
            raise
        # whoever read our output has seen enough, as in `hf-compat names | head`; what is left of it goes nowhere
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return CLOSED_PIPE


def _at_home(word: str) -> str:
    """A shell leaves ``--out=~/runs`` as it is."""
    option, equals, value = word.partition("=") if word.startswith("--") else ("", "", word)
    return option + equals + os.path.expanduser(value)


_SPELLED = {
    **{"½": "1/2", "²": "^2", "ʲ": "^j", "ℓ": "l", "·": "*", "≠": "/=", "‖": "||"},
    **{"…": "...", "×": "x", "≤": "<=", "≥": ">=", "→": "->", "–": "-", "—": "-", "−": "-"},
}
"""Signs, and no letters: those of the user's file names are shown by their numbers, which are not mistaken."""


def spell_what_cannot_be_written() -> None:
    """Let standard output and error spell the characters that their encoding lacks, where it is not UTF-8."""

    def spelled(error: UnicodeError) -> tuple[str, int]:
        assert isinstance(error, UnicodeEncodeError)  # no other handler is asked when text is written
        part = error.object[error.start : error.end]
        ascii_ = (_SPELLED.get(c) or c.encode("ascii", "backslashreplace").decode() for c in part)
        return "".join(ascii_), error.end

    codecs.register_error("spelled", spelled)
    for stream in (sys.stdout, sys.stderr):
        encoding = codecs.lookup(getattr(stream, "encoding", None) or "utf-8").name
        if not encoding.startswith("utf") and hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="spelled")  # type: ignore[union-attr]
