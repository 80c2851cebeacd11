"""The application: exit codes, and errors as one sentence."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.metadata import version

from cyclopts import App

from hf_matlab_compat.errors import HessianFreeError

INTERRUPTED = 130
"""Exit code after Ctrl-C, as a shell has it."""

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
        Exit code: that of the command, 2 after an error of the package, 130 after Ctrl-C.
    """
    command, bound, *_ = app.parse_args(sys.argv[1:] if arguments is None else list(arguments))
    try:
        return command(*bound.args, **bound.kwargs) or 0
    except HessianFreeError as error:
        print(error, file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("Stopped by Ctrl-C.", file=sys.stderr)
        return INTERRUPTED
