"""The application: exit codes, and errors as one sentence."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from importlib.metadata import version

from cyclopts import App

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
    """
    command, bound, *_ = app.parse_args(sys.argv[1:] if arguments is None else list(arguments))
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
