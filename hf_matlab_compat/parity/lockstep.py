"""Lockstep: each epoch of ours from the state in which the reference began it, figure by figure beside the reference's.

Rounding grows from epoch to epoch until two free runs have nothing in common, so only epochs that start
alike can show whether two programs do the same.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from hf_matlab_compat.parity.bounds import distance, figure_bound, tie_bound
from hf_matlab_compat.parity.epoch import DECISIONS, FIGURES, VECTORS, Epoch
from hf_matlab_compat.parity.port import epoch_choosing, log_likelihood_after, port_epoch, with_end_of

Spread = Mapping[str, Sequence[float]]
"""E of every figure and vector, one a compared epoch."""


@dataclass(frozen=True)
class Agreement:
    """One figure of one epoch in both programs.

    Attributes
    ----------
    epoch : int
    figure : str
    theirs, ours : float
        Their values; for a vector, their norms.
    distance : float
        Relative difference; inf where one side has no value.
    bound : float
        What `distance` may be.
    """

    epoch: int
    figure: str
    theirs: float
    ours: float
    distance: float
    bound: float

    @property
    def agrees(self) -> bool:
        """Whether the distance is within the bound."""
        return self.distance <= self.bound

    @property
    def ratio(self) -> float:
        """Distance over bound: at most 1 where it agrees."""
        if self.distance == 0:
            return 0.0
        return self.distance / self.bound if self.bound else np.inf


def lockstep(
    arguments: Mapping[str, Any], reference: Sequence[Epoch], spread: Spread, **options: Any
) -> Iterator[list[Agreement]]:
    """Run every epoch of the reference again with this package, from the reference's state, and compare.

    Parameters
    ----------
    arguments : mapping
        The 22 arguments under MATLAB's names.
    reference : sequence of Epoch
    spread : mapping
        E of every figure, epoch by epoch.
    **options
        Fields of `Options` that the 22 arguments do not set.

    Yields
    ------
    list of Agreement
        Of one epoch: the gradient, decisions, vectors and figures.
    """
    for k, theirs in enumerate(reference):
        E = {figure: float(values[k]) for figure, values in spread.items()}
        ours = port_epoch(arguments, theirs.start, **options)
        choice = _choice(arguments, theirs, ours, E, options)
        if choice.agrees and choice.theirs != choice.ours:  # a tie: go on from the reference's choice
            chosen = epoch_choosing(arguments, theirs.start, int(choice.theirs), **options)
            ours = with_end_of(chosen, ours)
        yield [*_figures(theirs, ours, E), choice]


def _figures(theirs: Epoch, ours: Epoch, E: Mapping[str, float]) -> Iterator[Agreement]:
    for name in VECTORS:
        a, b = getattr(theirs, name), getattr(ours, name)
        norms = float(np.linalg.norm(a)), float(np.linalg.norm(b))
        yield Agreement(theirs.number, name, *norms, distance(b, a), figure_bound(name, E[name]))
    for name in (*DECISIONS, *FIGURES):
        values = theirs.figures[name], ours.figures[name]
        yield Agreement(theirs.number, name, *values, distance(values[1], values[0]), figure_bound(name, E[name]))


def _choice(
    arguments: Mapping[str, Any], theirs: Epoch, ours: Epoch, E: Mapping[str, float], options: Mapping[str, Any]
) -> Agreement:
    """The chosen iterate may differ where the log-likelihoods of both candidates are a tie."""
    steps = int(theirs.figures["chosen_step"]), int(ours.figures["chosen_step"])
    apart = 0.0
    if steps[0] != steps[1]:
        a, b = (log_likelihood_after(arguments, theirs.start, step, **options) for step in steps)
        apart = distance(b, a)
    return Agreement(theirs.number, "chosen_step", *steps, apart, tie_bound(E["train_log_likelihood"]))
