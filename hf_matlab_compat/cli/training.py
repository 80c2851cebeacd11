"""`hf-compat demo`, `train`, `names`, `options`, `quirks`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any, Literal

from cyclopts import Parameter

from hf_matlab_compat.cli.app import INTERRUPTED, MaybeWhole, Whole, WholeNumbers, app
from hf_matlab_compat.errors import OptionError


@app.command
def demo(
    *,
    out: Path = Path("demo_output"),
    epochs: Whole = 60,
    recorded: bool = False,
    record: Annotated[bool, Parameter(negative=())] = False,
) -> int:
    """Train a deep autoencoder on digits and compare its first epochs with the MATLAB reference.

    The exit code is 0 only if every compared figure agrees.

    Parameters
    ----------
    out
        Folder for the log, the checkpoints, the picture and all figures.
    epochs
        Number of epochs.
    recorded
        Compare with the recording even if Octave is installed.
    record
        Only run the reference again, measure its rounding spread and record both (in a clone, with Octave).
    """
    from hf_matlab_compat.demo.demonstration import record_reference, run_demo

    return record_reference() if record else run_demo(out, epochs, recorded)


@app.command
def train(
    case: Path,
    *,
    maxepoch: MaybeWhole = None,
    backend: Literal["numpy", "numba", "cupy"] | None = None,
    precision: Literal["single", "double"] = "single",
    seed: WholeNumbers = None,
    streams: Literal["numpy", "octave", "matlab"] = "numpy",
    set_: Annotated[list[str] | None, Parameter("--set", consume_multiple=True, negative=())] = None,
    display: Literal["legacy", "rich", "none"] = "legacy",
    ranks: Literal["none", "mpi"] = "none",
    run_name: str | None = None,
    out: Path = Path(),
) -> int:
    """Train a run file: a .mat file with the 22 arguments of nnet_train_2 under their own names.

    It writes the log and the checkpoints as MATLAB does, and the final parameters to RUN_NAME_paramsp.mat.

    Parameters
    ----------
    case
        The file. It must have indata, outdata, layersizes and layertypes; the others have defaults.
    maxepoch
        Last epoch, in place of the file's.
    backend
        Where to compute, in place of the file's jacket: numpy or numba (compiled passes) on the CPU, cupy on the GPU.
    precision
        Working precision.
    seed
        Seed of the random initialisation, if the file has no parameters: one number, or for MATLAB's or Octave's
        streams two: that of rand('twister', ...) and that of randn('state', ...).
    streams
        The random number generator of the seed.
    set_
        Constants inside the trainer, as NAME=VALUE: maxiters=100 trim_cases=True. hf-compat names lists them.
    display
        MATLAB's lines, a live view, or nothing.
    ranks
        mpi: the processes that mpiexec started share the run, with the same results as one process.
    run_name
        Stem of the files, in place of the file's runName; by default the name of the run file.
    out
        Folder for the files; made if missing.
    """
    from hf_matlab_compat.legacy.case_file import constants_from, read_case, train_case
    from hf_matlab_compat.matlab.vocabulary import to_matlab_value
    from hf_matlab_compat.ranks.ranks import ranks_named
    from hf_matlab_compat.state import Outcome

    together = ranks_named(ranks)
    constants = {**constants_from(set_ or ()), "precision": precision, "seed": _seed(seed or [], streams)}
    constants["ranks"] = ranks
    with together.preflight():
        found = read_case(case)
    if found.ignored and together.is_first:
        print(f"{case}: ignored, since nnet_train_2 has no such arguments: {', '.join(found.ignored)}", file=sys.stderr)
    instead = {"maxepoch": maxepoch, "jacket": None if backend is None else to_matlab_value("backend", backend)}
    constants |= {name: value for name, value in instead.items() if value is not None}
    result, path = train_case(found, out, run_name or "", display, **constants)
    together.on_first(lambda: print(f"Final parameters: {path}", flush=True))
    return INTERRUPTED if result.outcome is Outcome.INTERRUPTED else 0


def _seed(seeds: list[int], streams: str) -> Any:
    most = 1 if streams == "numpy" else 2
    if len(seeds) > most:
        expected = f"at most {most} with --streams {streams}"
        raise OptionError("--seed", expected=expected, got=" ".join(map(str, seeds)))
    if streams == "numpy":
        return seeds[0] if seeds else None
    if not seeds:
        raise OptionError("--seed", expected=f"a seed for {streams}'s streams", got="none")
    return (streams, *seeds)


@app.command
def names() -> int:
    """List every argument and option: MATLAB's name, this package's name, description and default."""
    from hf_matlab_compat.legacy.ledgers import show_names

    return show_names()


@app.command
def options() -> int:
    """List every option: default, description, values taken, MATLAB's name and source."""
    from hf_matlab_compat.legacy.ledgers import show_options

    return show_options()


@app.command
def quirks() -> int:
    """List the quirks of the MATLAB program that are kept, and what faithful=False does instead."""
    from hf_matlab_compat.legacy.ledgers import show_quirks

    return show_quirks()
