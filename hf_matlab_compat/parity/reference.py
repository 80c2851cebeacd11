"""Epochs of the MATLAB reference, run in Octave in double precision."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.io import loadmat, savemat

from hf_matlab_compat.matlab.vocabulary import TRAINER_ARGUMENTS
from hf_matlab_compat.parity.epoch import Epoch
from hf_matlab_compat.parity.octave import octave_available, run_octave
from hf_matlab_compat.state import State

REFERENCE = Path(__file__).parents[2] / "reference_matlab"
"""Where a clone of the repository has it; an installed package has none."""

TRACE_NAMES: Mapping[str, str] = {
    "cg_steps": "cg_steps",
    "reductions": "reductions",
    "lam": "lambda_after",
    "chosen_step": "chose_iters",
    "predicted_change": "denom",
    "rho": "rho",
    "train_log_likelihood": "ll_after",
    "train_error": "err_after",
}
"""Figures as the reference's trace calls them."""


def reference_available() -> str | None:
    """Why the reference cannot be run here, or None where it can."""
    if not (REFERENCE / "nnet_train_2.m").exists():
        return "reference_matlab comes with a clone of the repository, not with the installed package"
    return octave_available()


def reference_epochs(arguments: Mapping[str, Any], start: State, count: int) -> list[Epoch]:
    """So many epochs of the reference, one after the other.

    Parameters
    ----------
    arguments : mapping
        The 22 arguments under MATLAB's names; those that name files, and where to start, are put in here.
    start : State
        θ and d as numpy vectors.
    count : int

    Raises
    ------
    ParityError
        Octave is missing or ran into an error.
    """
    with TemporaryDirectory(prefix="hf_reference_") as folder:
        _write_checkpoint(Path(folder) / "start.mat", start)
        given = {**arguments, "runName": "run", "runDesc": "", "resumeFile": "start.mat", "jacket": 0}
        given |= {"maxepoch": start.epoch + count, "layersizes": np.asarray(arguments["layersizes"])}
        call = [given.get(name) for name in TRAINER_ARGUMENTS]
        options = {"precision": "double"}
        _, trace = run_octave("nnet_train_2", [*call, options], nargout=2, path=[REFERENCE], workdir=folder)
        records = loadmat(Path(folder) / "run_nnet_running.mat")
    return _epochs(arguments, start, trace, records)


def reference_gradient(arguments: Mapping[str, Any], start: State) -> NDArray[np.float64]:
    """The reference's gradient at a state, (P,)."""
    sizes = [len(arguments["indata"]), *arguments["layersizes"], len(arguments["outdata"])]
    net = {name: arguments[name] for name in ("layertypes", "rms", "errtype", "weightcost")}
    net |= {"layersizes": np.array([sizes]), "maskp": np.ones_like(start.theta)}
    data = [np.asarray(arguments[name], np.float64) for name in ("indata", "outdata")]
    chunk = start.epoch % int(arguments["numchunks"]) + 1
    call = [start.theta, *data, arguments["numchunks"], net, chunk]
    return run_octave("computeGradient", call, path=[REFERENCE])[0].ravel()


def _epochs(arguments: Mapping[str, Any], start: State, trace: Mapping[str, Any], records: Any) -> list[Epoch]:
    done: list[Epoch] = []
    for k in range(trace["rho"].size):
        figures = {ours: float(trace[theirs].flat[k]) for ours, theirs in TRACE_NAMES.items()}
        figures["test_log_likelihood"] = float(records["llrecord"][start.epoch, 1])
        figures["test_error"] = float(records["errrecord"][start.epoch, 1])
        epoch = Epoch(
            start=start,
            gradient=reference_gradient(arguments, start),
            theta=trace["paramsp"][:, k].copy(),
            d=trace["ch"][:, k].copy(),
            figures=figures,
        )
        done.append(epoch)
        start = epoch.end()
    return done


def _write_checkpoint(path: Path, state: State) -> None:
    """As the trainer's own, in doubles: what the reference reads without a loss."""
    k = state.epoch
    vectors = {"paramsp": np.asarray(state.theta, np.float64), "ch": np.asarray(state.d, np.float64)}
    scalars = {"epoch": float(k), "lambda": float(state.lam), "totalpasses": float(state.total_cg_steps)}
    records = {name: np.zeros((k, 2)) for name in ("llrecord", "errrecord")}
    records |= {name: np.zeros((k, 1)) for name in ("lambdarecord", "times")}
    savemat(path, {**vectors, **scalars, **records}, oned_as="column")
