"""Train in every combination that a JSON file asks for, each in a folder of its own.

mpiexec -n 3 python -m mpi4py tests/ranks/many_runs.py SPECS.json OUT

SPECS.json holds a list of dictionaries: options of `train`, a "name", and the number of cases.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from hf_matlab_compat import autodiff_problem, feedforward, recurrent, train
from hf_matlab_compat.autodiff import cases as nested_cases_module
from hf_matlab_compat.objective import cases
from hf_matlab_compat.rnn import sequences as sequences_module


def run(spec: dict[str, Any], out: Path, replace: Callable[..., None] = setattr) -> None:
    """Train one combination; small problems are cut up and shared as large ones are."""
    for name, value in {"WORTH_SHARING": 0, "CASES_PER_BLOCK": 7, "CASES_PER_KEPT_BLOCK": 9}.items():
        replace(cases, name, value)
    for name, value in {"WORTH_SHARING": 0, "SEQUENCES_PER_BLOCK": 7}.items():
        replace(sequences_module, name, value)
    for name, value in {"WORTH_SHARING": 0, "CASES_PER_BLOCK": 7}.items():
        replace(nested_cases_module, name, value)
    spec = dict(spec)
    name, num_cases = spec.pop("name"), spec.pop("num_cases", 96)
    inputs = np.random.default_rng(3).random((6, num_cases))
    given = {"max_epochs": 2, "max_cg_steps": 12, "seed": 0, "checkpoint_period": 1}
    if spec.pop("autodiff", False):
        given |= {"problem": differentiated(inputs), "max_cg_steps": 8}
    elif spec.pop("network_problem", False):
        given["problem"] = feedforward(inputs, inputs, hidden_sizes=[5], unit_types=["tanh", "logistic"], num_chunks=2)
    elif spec.pop("sequences", False):
        given |= {"problem": sequences(inputs), "structural_damping": 0.1, "max_cg_steps": 8}
    else:
        layers = {"hidden_sizes": [5, 3, 5], "unit_types": ["logistic", "linear", "logistic", "logistic"]}
        given |= {"inputs": inputs, "targets": inputs.copy(), **layers, "weight_decay": 1e-3}
    folder = out / name
    folder.mkdir(parents=True, exist_ok=True)
    train(**{**given, **spec}, run_name=folder / "run")


def sequences(numbers: Any) -> Any:
    """A recurrent net on 48 short sequences."""
    X = numbers[:, :96].reshape(3, 4, 48)
    return recurrent(X, X[:1], hidden_sizes=[5], unit_types=["tanh", "linear"], num_chunks=2)


def differentiated(X: Any) -> Any:
    """A network of one layer, differentiated by autograd."""
    import autograd.numpy as anp

    start = {"W": np.full((6, 6), 0.1) + np.eye(6), "b": np.zeros((6, 1))}
    return autodiff_problem(
        lambda p, x: anp.tanh(p["W"] @ x + p["b"]),
        lambda y, t: anp.sum((y - t) ** 2),
        X,
        X,
        initial=start,
        num_chunks=2,
    )


def plant_an_allreduce() -> None:
    """Add the ranks' sums in whatever order MPI likes: the fault that the order of additions prevents."""
    from hf_matlab_compat.ranks.ranked_sum import RankedSum

    def added(self: Any, lanes: int, nodes: Any, parts: Any, scale: float, finish: Any) -> list[Any]:
        totals = []
        for sums in parts:
            own = sum(sums[1:], start=sums[0]) if sums else self._new_vector() * 0
            total = np.empty_like(own)
            self._ranks.comm.Allreduce(own, total)
            totals.append(total * own.dtype.type(scale))
        for piece in self._pieces if finish is not None else ():
            finish([total[piece] for total in totals], piece)
        return totals

    RankedSum._added = added


if __name__ == "__main__":
    if os.environ.get("HF_TEST_PLANT") == "allreduce":
        plant_an_allreduce()
    for each in json.loads(Path(sys.argv[1]).read_text()):
        run(each, Path(sys.argv[2]))
