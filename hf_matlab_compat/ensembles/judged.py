"""An ensemble selected on one half of a case's test cases and judged on the other."""

from __future__ import annotations

import os
from collections.abc import Sized
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hf_matlab_compat.ensembles.library import Library, is_journal
from hf_matlab_compat.ensembles.selection import LEAST_PROBABILITY, Ensemble, select
from hf_matlab_compat.errors import DataError
from hf_matlab_compat.legacy.arguments import to_field_terms
from hf_matlab_compat.legacy.case_file import read_case


def judged_ensemble(
    source: str | os.PathLike[str],
    case: str | os.PathLike[str],
    *,
    judge: str | os.PathLike[str] | None = None,
    on: str = "cross_entropy",
    bags: int = 1,
) -> tuple[Ensemble, str]:
    """Select an ensemble and compare it with single networks on cases that did not select it.

    Parameters
    ----------
    source : path
        As `Library.collect` takes it. Layers of files without a sidecar are those of the case.
    case : path
        A case file, whose test cases select.
    judge : path, optional
        A file with test cases to judge on. Without it every second test case of the case selects, and the others
        judge.
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
        A file has no test cases, or the source no networks for them.
    """
    selecting, judging = _test_cases(case), None if judge is None else _test_cases(judge, "judge")
    if judging is None:
        judging = [each[:, 1::2] for each in selecting]
        selecting = [each[:, ::2] for each in selecting]
    layers = layers_of(case)
    del layers["num_inputs"]
    library = Library.collect(source, selecting[0], **layers)
    ensemble = select(library, selecting[1], on=on, bags=bags)
    best = select(library, selecting[1], on=on, start=1, steps=1)
    single = best.networks[int(best.weights.argmax())]
    rows = {
        "best single network": single.predict(judging[0]),
        f"ensemble of {_networks(ensemble.weights)}": ensemble.predict(judging[0]),
    }
    whose = "the others" if judge is None else f"{judging[0].shape[1]} of {os.fspath(judge)}"
    lines = [f"{_networks(library)}, selected on {library.predictions.shape[1]} test cases, judged on {whose}:"]
    lines += [f"  {name:28}{_figures(made, judging[1])}" for name, made in rows.items()]
    lines += [f"  {w:.3f} {n}" for w, n in zip(ensemble.weights, ensemble.names, strict=True)]
    if judge is None and is_journal(source):
        lines.append("The search compared its trials by all of these cases: report figures of others.")
    return ensemble, "\n".join(lines)


def layers_of(case: str | os.PathLike[str]) -> dict[str, Any]:
    """Return `hidden_sizes`, `unit_types` and `num_inputs` of a case file, as `load_network` takes them."""
    given = to_field_terms(read_case(Path(case)).arguments)
    layers = {name: given[name] for name in ("hidden_sizes", "unit_types")}
    return {**layers, "num_inputs": np.asarray(given["inputs"]).shape[0]}


def _test_cases(case: str | os.PathLike[str], name: str = "case") -> list[NDArray[Any]]:
    given = to_field_terms(read_case(Path(case)).arguments)
    found = [given.get(each) for each in ("test_inputs", "test_targets")]
    if any(each is None for each in found):
        raise DataError(name, expected="test cases, to select and to judge on", got=f"none in {os.fspath(case)}")
    return [np.asarray(each) for each in found]


def _networks(some: Sized) -> str:
    return f"{len(some)} network{'s' * (len(some) != 1)}"


def _figures(made: NDArray[np.float64], targets: NDArray[np.float64]) -> str:
    classes = set(np.unique(targets)) <= {0, 1} and bool((targets.sum(axis=0) == 1).all())
    if not classes:
        return f"squared error {((made - targets) ** 2).sum(axis=0).mean():.6g}"
    wrong = float((made.argmax(axis=0) != targets.argmax(axis=0)).mean())
    entropy = -np.log(np.maximum((made * targets).sum(axis=0), LEAST_PROBABILITY)).mean()
    return f"misclassified {100 * wrong:.2f} %, cross-entropy {entropy:.4f}"
