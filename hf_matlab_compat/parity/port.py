"""The same epochs by this package, in double precision."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from hf_matlab_compat.legacy.arguments import to_field_terms
from hf_matlab_compat.legacy.routines import computeGradient, computeLL
from hf_matlab_compat.parity.epoch import DECISIONS, FIGURES, Epoch
from hf_matlab_compat.state import Outcome, State
from hf_matlab_compat.training import train

_SETTING = ("layersizes", "layertypes", "mattype", "rms", "errtype", "hybridmode", "weightcost")


def port_epoch(arguments: Mapping[str, Any], start: State, **options: Any) -> Epoch:
    """The epoch that follows `start`.

    Parameters
    ----------
    arguments : mapping
        The 22 arguments under MATLAB's names; those that name files, and where to start, do not count.
    start : State
    **options
        Fields of `Options` that the 22 arguments do not set.

    Raises
    ------
    KeyboardInterrupt
        Ctrl-C.
    """
    given = {**arguments, "runName": "", "resumeFile": None, "maxepoch": start.epoch + 1, "paramsp": None}
    keywords = {**to_field_terms(given), "precision": "double", **options, "resume_from": start}
    result = train(**keywords)
    if result.outcome is Outcome.INTERRUPTED:
        raise KeyboardInterrupt
    names = (*DECISIONS, "chosen_step", *FIGURES)
    return Epoch(
        start=start,
        gradient=_gradient(arguments, start),
        theta=np.asarray(result.state.theta),
        d=np.asarray(result.state.d),
        figures={name: float(result.history[name][0]) for name in names},
    )


def epoch_choosing(arguments: Mapping[str, Any], start: State, step: int, **options: Any) -> Epoch:
    """The same epoch, but backtracking chooses the iterate of CG step `step`.

    CG is cut off there and its last iterate is taken, so `d` is that iterate and not the one of a whole path.
    """
    cut = {"max_cg_steps": step, "min_cg_steps": min(step, int(options.get("min_cg_steps", 1)))}
    return port_epoch(arguments, start, **{**options, **cut, "backtracking_cases": "none"})


def log_likelihood_after(arguments: Mapping[str, Any], start: State, step: int, **options: Any) -> float:
    """Over all training cases, at the full step to the iterate of CG step `step`."""
    iterate = epoch_choosing(arguments, start, step, **options).d
    setting = {name: arguments[name] for name in _SETTING}
    data = (arguments["indata"], arguments["outdata"], int(arguments["numchunks"]))
    return computeLL(start.theta + iterate, *data, precision="double", **setting)[0]


def with_end_of(epoch: Epoch, path: Epoch) -> Epoch:
    """`epoch` with the CG decisions of another one's whole path."""
    return replace(epoch, d=path.d, figures={**epoch.figures, "cg_steps": path.figures["cg_steps"]})


def _gradient(arguments: Mapping[str, Any], start: State) -> Any:
    setting = {name: arguments[name] for name in _SETTING}
    chunks = int(arguments["numchunks"])
    chunk = start.epoch % chunks + 1
    data = (arguments["indata"], arguments["outdata"], chunks)
    return computeGradient(start.theta, *data, chunk, precision="double", **setting).grad.ravel()
