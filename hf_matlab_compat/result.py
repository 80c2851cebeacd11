"""What a training run hands back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hf_matlab_compat.backends.backend import Backend
from hf_matlab_compat.hessian_free import FIGURES
from hf_matlab_compat.model.network import Network
from hf_matlab_compat.state import Outcome, Records, Report, State


@dataclass(frozen=True, kw_only=True)
class Result:
    """A trained network and how it got there.

    Attributes
    ----------
    theta : (P,) float64 array
        Packed parameters: column-major weights, then biases, layer by layer.
    weights : list of (s_i, s_{i-1}) arrays
        W of layers 1 … L; none for a problem that is no network of this package.
    biases : list of (s_i,) arrays
        b of layers 1 … L; likewise.
    history : dict of str to arrays
        One array for each figure of `Report` ('epoch', 'train_log_likelihood', 'rho', …), over the epochs of this
        call. Test figures are nan without test data.
    records : Records
        Log-likelihood, error, λ and seconds of all epochs, those before a resume included.
    outcome : Outcome
        Why the run ended; its value is a sentence.
    state : State
        All that a later run needs to go on from here; pass it as ``resume_from``.
    interrupted : bool
        Whether Ctrl-C was pressed during the run, be it too late to break anything off.
    reason : str
        Which observer stopped the run, and why; empty where none did.
    best : State or None
        The state that an observer last asked to keep (`observers.observer.KEEP`).
    network : Network or None
        Layout of the network, where one of this package was trained.
    """

    theta: NDArray[np.float64]
    weights: list[NDArray[np.float64]]
    biases: list[NDArray[np.float64]]
    history: dict[str, NDArray[Any]]
    records: Records
    outcome: Outcome
    state: State
    interrupted: bool = False
    reason: str = ""
    best: State | None = None
    network: Network | None = None


def make_result(
    network: Network | None, backend: Backend, state: State, reports: Sequence[Report], outcome: Outcome
) -> Result:
    """The result of a run that ended in `state` after these epochs."""
    theta = np.array(backend.to_host(state.theta), dtype=np.float64)
    layers = network.layers(theta) if network else []
    return Result(
        theta=theta,
        weights=[layer.W.copy() for layer in layers],
        biases=[layer.b.ravel().copy() for layer in layers],
        history=_columns(reports),
        records=state.records,
        outcome=outcome,
        state=state,
        network=network,
    )


def _columns(reports: Sequence[Report]) -> dict[str, NDArray[Any]]:
    names = dict.fromkeys(name for report in reports for name in report.figures) if reports else FIGURES
    columns = {name: _column([report.figures.get(name, np.nan) for report in reports]) for name in names}
    columns |= {name: np.array([getattr(report, name) for report in reports]) for name in ("epoch", "seconds")}
    for which in ("train", "test"):
        scores = [getattr(report, which) for report in reports]
        for figure in ("log_likelihood", "error"):
            columns[f"{which}_{figure}"] = np.array([getattr(s, figure) if s else np.nan for s in scores])
    return columns


def _column(values: Sequence[Any]) -> NDArray[Any]:
    """One figure over the epochs; an array of objects where it is no number or text."""
    plain = [value.value if isinstance(value, Enum) else value for value in values]
    if all(np.ndim(value) == 0 for value in plain):
        return np.array(plain)
    column = np.empty(len(plain), dtype=object)
    for k, value in enumerate(plain):
        column[k] = value
    return column
