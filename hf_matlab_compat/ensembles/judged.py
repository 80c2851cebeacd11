"""An ensemble selected on one half of a case's test cases and judged on the other."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hf_matlab_compat.ensembles.library import Library
from hf_matlab_compat.ensembles.selection import LEAST_PROBABILITY, Ensemble, select
from hf_matlab_compat.errors import DataError
from hf_matlab_compat.legacy.arguments import to_field_terms
from hf_matlab_compat.legacy.case_file import read_case


def judged_ensemble(
    source: str | os.PathLike[str], case: str | os.PathLike[str], *, on: str = "cross_entropy", bags: int = 1
) -> tuple[Ensemble, str]:
    """Select an ensemble and compare it with single networks on cases that nothing was selected by.

    Parameters
    ----------
    source : path
        As `Library.collect` takes it.
    case : path
        A case file with test cases; every second one selects.
    on, bags
        As `select` takes them.

    Returns
    -------
    ensemble : Ensemble
        What was selected.
    table : str
        Error and, for class probabilities, cross-entropy of the best single network and of the ensemble.

    Raises
    ------
    DataError
        The case has no test cases, or the source no networks for them.
    """
    given = to_field_terms(read_case(Path(case)).arguments)
    if given.get("test_inputs") is None:
        raise DataError("case", expected="test cases, to select and to judge on", got=f"none in {case}")
    inputs, targets = np.asarray(given["test_inputs"]), np.asarray(given["test_targets"])
    by, on_others = slice(0, None, 2), slice(1, None, 2)
    library = Library.collect(source, inputs[:, by])
    ensemble = select(library, targets[:, by], on=on, bags=bags)
    best = select(library, targets[:, by], on=on, start=1, steps=1)
    single = best.networks[int(best.weights.argmax())]
    inputs, targets = inputs[:, on_others], targets[:, on_others]
    rows = {
        "best single network": single.predict(inputs),
        f"ensemble of {len(ensemble.weights)} networks": ensemble.predict(inputs),
    }
    lines = [f"{len(library)} networks, selected on {library.predictions.shape[1]} test cases, judged on the others:"]
    lines += [f"  {name:28}{_figures(made, targets)}" for name, made in rows.items()]
    return ensemble, "\n".join(
        [*lines, *(f"  {w:.3f} {n}" for w, n in zip(ensemble.weights, ensemble.names, strict=True))]
    )


def _figures(made: NDArray[np.float64], targets: NDArray[np.float64]) -> str:
    classes = set(np.unique(targets)) <= {0, 1} and bool((targets.sum(axis=0) == 1).all())
    if not classes:
        return f"squared error {((made - targets) ** 2).sum(axis=0).mean():.6g}"
    wrong = float((made.argmax(axis=0) != targets.argmax(axis=0)).mean())
    entropy = -np.log(np.maximum((made * targets).sum(axis=0), LEAST_PROBABILITY)).mean()
    return f"misclassified {100 * wrong:.2f} %, cross-entropy {entropy:.4f}"
