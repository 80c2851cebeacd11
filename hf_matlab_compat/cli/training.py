"""`hf-compat demo`, `train`, `names`, `quirks`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

from hf_matlab_compat.cli.app import INTERRUPTED, app


@app.command
def demo(
    *,
    out: Path = Path("demo_output"),
    epochs: int = 60,
    recorded: bool = False,
    record: Annotated[bool, Parameter(negative=())] = False,
) -> int:
    """Train a deep autoencoder on digits and compare its first epochs with the MATLAB reference.

    Exits with 0 only where every compared figure agrees.

    Parameters
    ----------
    out
        Folder for the log, the checkpoints, the picture and all figures.
    epochs
        Epochs of training.
    recorded
        Compare with the recording even where Octave is there.
    record
        Do none of this, but run the reference and its spread anew and record them (in a clone, with Octave).
    """
    from hf_matlab_compat.demo.demonstration import record_reference, run_demo

    return record_reference() if record else run_demo(out, epochs, recorded)


@app.command
def train(
    case: Path,
    *,
    maxepoch: int | None = None,
    precision: Literal["single", "double"] = "single",
    display: Literal["legacy", "rich", "none"] = "legacy",
    run_name: str | None = None,
    out: Path = Path(),
) -> int:
    """Train what a .mat file describes: the 22 arguments of nnet_train_2 under their own names.

    Writes the log and the checkpoints as MATLAB does, and the final parameters to <run name>_paramsp.mat.

    Parameters
    ----------
    case
        The file; indata, outdata, layersizes and layertypes are a must, the others have defaults.
    maxepoch
        Last epoch, instead of the file's.
    precision
        Working precision.
    display
        MATLAB's lines, a live view, or nothing.
    run_name
        Stem of the files, instead of the file's runName; the name of the case file where both are missing.
    out
        Folder for the files; made where it is missing.
    """
    from hf_matlab_compat.legacy.case_file import read_case, train_case
    from hf_matlab_compat.state import Outcome

    found = read_case(case)
    if found.ignored:
        print(f"{case}: no arguments of nnet_train_2, and ignored: {', '.join(found.ignored)}", file=sys.stderr)
    last = {} if maxepoch is None else {"maxepoch": maxepoch}
    result, path = train_case(found, out, run_name or "", display, precision=precision, **last)
    print(f"Final parameters: {path}")
    return INTERRUPTED if result.outcome is Outcome.INTERRUPTED else 0


@app.command
def names() -> int:
    """List the names: MATLAB's, this package's, and the default."""
    from hf_matlab_compat.legacy.ledgers import show_names

    return show_names()


@app.command
def quirks() -> int:
    """List the quirks of the original that are kept, and what faithful=False does instead."""
    from hf_matlab_compat.legacy.ledgers import show_quirks

    return show_quirks()
