"""Studies of corruption, early stopping, ensembles, search, first-order methods and shared state, with their tables."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

from hf_matlab_compat.ensembles import Library, gate, select, stack
from hf_matlab_compat.ensembles.selection import LEAST_PROBABILITY
from hf_matlab_compat.errors import OptionError
from hf_matlab_compat.result import Result
from hf_matlab_compat.studies.comparison import compare
from hf_matlab_compat.studies.data import classes, split
from hf_matlab_compat.studies.sharing import sharing
from hf_matlab_compat.studies.tables import mean_and_deviation, text_table
from hf_matlab_compat.training import train

Row = Sequence[float]
Rows = Mapping[str, Row]
_NETWORKS = {"digits": [80, 40], "mnist5k": [100]}


def corruption(data: str, seed: int) -> Rows:
    """Return error in percent and negative log-likelihood of the test cases after 40 epochs, by kind of corruption."""
    counts = {"digits": (600, 1000), "mnist5k": (2000, 1000)}[data]
    cases = split(*classes(data, counts, seed))
    kinds: dict[str, dict[str, Any]] = {
        "none": {},
        "weight decay 1e-3": {"weight_decay": 1e-3},
        "input blankout 0.2": {"input_blankout": 0.2},
        "input blankout 0.5": {"input_blankout": 0.5},
        "input noise 0.3": {"input_noise": 0.3},
        "input dilation 0.5": {"input_dilation": 0.5},
        "hidden blankout 0.5": {"hidden_blankout": 0.5},
        "inputs 0.2, hidden 0.5": {"input_blankout": 0.2, "hidden_blankout": 0.5},
        "weight noise 0.02": {"weight_noise": 0.02},
    }
    return {
        name: _test_figures(_trained(**cases, **_classifier(_NETWORKS[data]), max_epochs=40, seed=seed, **own).records)
        for name, own in kinds.items()
    }


def stopping(data: str, seed: int) -> Rows:
    """Return error in percent, negative log-likelihood and epochs, by stopping rule; judged on cases of their own."""
    train_count, count, epochs = {"digits": (300, 600, 60), "mnist5k": (1000, 1500, 50)}[data]
    fit, validate, test = classes(data, (train_count, count, count), seed)
    network = {**_classifier([60, 30] if data == "digits" else [100]), "weight_decay": 1e-6, "initial_lam": 1.0}
    rules: dict[str, dict[str, Any]] = {
        "last epoch": {},
        "best by error, patience 5": {"patience": 5, "monitor": "error"},
        "best by error, patience 10": {"patience": 10, "monitor": "error"},
        "best by log-likelihood, patience 5": {"patience": 5},
        "best by log-likelihood, patience 10": {"patience": 10},
        "average 0.95 at the last epoch": {"average_decay": 0.95},
    }
    found = {}
    for name, rule in rules.items():
        result = _trained(**split(fit, validate), **network, max_epochs=epochs, seed=seed, **rule)
        kept = "best" if "patience" in rule else "average" if rule else ""
        made = (result.at(kept) if kept else result).predict(test["inputs"])
        found[name] = [*_judged(made, test["labels"]), float(result.state.epoch)]
    return found


def ensembles(data: str, seed: int) -> Rows:
    """Return error in percent and negative log-likelihood of single networks and of ensembles of 30 random ones."""
    counts = {"digits": (600, 400, 797), "mnist5k": (2500, 1000, 1500)}[data]
    fit, validate, test = classes(data, counts, seed)
    random = np.random.default_rng(seed)
    with tempfile.TemporaryDirectory() as folder:
        for k in range(30):
            depth = int(random.integers(1, 4))
            sizes = np.exp(random.uniform(np.log(10), np.log(80), depth)).astype(int).tolist()
            settings = {
                "weight_decay": float(np.exp(random.uniform(np.log(1e-7), np.log(1e-1)))),
                "num_connections": int(random.integers(2, 40)),
                "initial_lam": float(np.exp(random.uniform(np.log(1e-2), np.log(100)))),
                "max_epochs": int(random.integers(8, 19)),
            }
            given = _classifier(sizes, str(random.choice(["logistic", "tanh"])))
            run = Path(folder) / f"network{k}"
            given |= {"inputs": fit["inputs"], "targets": fit["targets"], "checkpoint_period": 99}
            _trained(**given, **settings, seed=k, run_name=run)
        library, tested = (Library.collect(folder, cases["inputs"]) for cases in (validate, test))
        targets, X = validate["targets"], test["inputs"]
        singles = [_judged(made.T, test["labels"]) for made in tested.predictions]
        best = int(np.argmin([(made.argmax(1) != validate["labels"]).mean() for made in library.predictions]))
        managers = {
            "greedy, on cross-entropy": select(library, targets),
            "greedy, on error": select(library, targets, on="error"),
            "greedy, 20 bags": select(library, targets, bags=20, seed=seed),
            "logistic regression": stack(library, targets),
            "gating by 15 neighbours": gate(library, targets, validate["inputs"]),
        }
        return {
            "mean of singles": np.mean(singles, axis=0).tolist(),
            "best single by validation": singles[best],
            "average of all": _judged(tested.predictions.mean(axis=0, dtype=float).T, test["labels"]),
            **{name: _judged(manager.predict(X), test["labels"]) for name, manager in managers.items()},
        }


def searching(data: str, seed: int) -> Rows:
    """Return validation and test error in percent and epochs spent, of the defaults and of the best of 55 trials."""
    from hf_matlab_compat.search import Choice, Integer, Layers, Log, search

    counts = {"digits": (300, 600, 897), "mnist5k": (1000, 1000, 1000)}[data]
    fit, validate, test = classes(data, counts, 0)
    case = {**split(fit, validate), **_classifier([30]), "max_epochs": 15}
    space = {
        "initial_lam": Log(1e-2, 1e3),
        "weight_decay": Log(1e-7, 1e-1),
        "rho_low": Log(0.05, 0.5),
        "num_connections": Integer(2, 40),
        "max_cg_steps": Integer(5, 250),
        "curvature": Choice("gauss_newton", "empirical_fisher"),
        "hidden_sizes": Layers((1, 2), (10, 120), ("logistic", "tanh")),
    }
    plain = _trained(**case, seed=0)
    found = {
        "defaults": [100 * plain.records.error[-1, 1], _judged(plain.predict(test["inputs"]), test["labels"])[0], 15]
    }
    for name, kill in (("CatCMA", None), ("CatCMA, kill rules", "mail")):
        with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(1) as pool:
            journal = Path(folder) / "run.journal"
            trials = search(case, space, trials=55, seed=seed, kill=kill, workers=pool, storage=journal)
            best = Library.collect([Path(folder) / f"run_trial{trials.best.number}_nnet_running.mat"], test["inputs"])
            error = _judged(best.predictions[0].T, test["labels"])[0]
        found[name] = [100 * trials.best.value, error, float(sum(trial.epochs for trial in trials.trials))]
    return found


def methods(data: str, seed: int, seconds: float = 8.0) -> Rows:
    """Return squared errors of training and test cases after equal CPU times, by method, for an autoencoder.

    Raises
    ------
    KeyboardInterrupt
        After Ctrl-C.
    """
    fit, test = classes(data, {"digits": (1500, 297), "mnist5k": (2000, 1000)}[data], seed)
    hidden = {"digits": [50, 25, 6, 25, 50], "mnist5k": [100, 50, 25, 50, 100]}[data]
    units = ["logistic"] * (len(hidden) + 1)
    units[len(hidden) // 2] = "linear"
    case = {
        **{"inputs": fit["inputs"], "targets": fit["inputs"], "test_inputs": test["inputs"]},
        **{"test_targets": test["inputs"], "hidden_sizes": hidden, "unit_types": units, "seed": seed},
    }
    batches = {"num_chunks": fit["inputs"].shape[1] // 100}
    own = {name: batches for name in ("gd", "momentum", "nag", "adam")}
    own |= {name: {"precision": "double"} for name in ("ncg", "lbfgs")}
    names = ["hf", "rprop", "nag", "adam", "lbfgs", "ncg", "momentum", "gd"]
    made = compare(case, names, seconds, **own)
    if made.interrupted:
        raise KeyboardInterrupt
    return {curve.method: curve.at("seconds", seconds) for curve in made.curves}


STUDIES: Mapping[str, tuple[Callable[[str, int], Rows], Sequence[str]]] = {
    "corruption": (corruption, ("test error %", "test -ll")),
    "stopping": (stopping, ("test error %", "test -ll", "epochs")),
    "ensembles": (ensembles, ("test error %", "test -ll")),
    "search": (searching, ("validation error %", "test error %", "epochs")),
    "methods": (methods, ("training error", "test error")),
    "sharing": (sharing, ("train ll", "test error %", "staleness", "written %")),
}
"""Studies by name, and what the columns of their tables are."""


def _trained(**given: Any) -> Result:
    result = train(**given)
    if result.interrupted:
        raise KeyboardInterrupt
    return result


def table(study: str, data: str, seeds: Sequence[int], watch: Callable[[str], None] = lambda text: None) -> str:
    """Run a study for several seeds and return its table: mean and standard deviation over the seeds.

    Parameters
    ----------
    study : str
        A name of `STUDIES`.
    data : {'digits', 'mnist5k'}
        On which data.
    seeds : sequence of int
        Each draws its own cases, weights and corruption.
    watch : callable
        Told which seed is done.

    Raises
    ------
    OptionError
        There is no seed.
    KeyboardInterrupt
        After Ctrl-C; an interrupted run would give a wrong figure.
    """
    if not seeds:
        raise OptionError("seeds", expected="a whole number of at least 1", got=0)
    run, columns = STUDIES[study]
    every: list[Rows] = []
    for seed in seeds:
        every.append(run(data, seed))
        watch(f"{study}, {data}: seed {seed} done")
    rows = {name: list(zip(*(found[name] for found in every), strict=True)) for name in every[0]}
    cells = {name: [mean_and_deviation(each) for each in figures] for name, figures in rows.items()}
    return text_table(f"{study}, {data}, {len(seeds)} seeds", columns, cells)


def _classifier(hidden: Sequence[int], unit: str = "logistic") -> dict[str, Any]:
    units = [unit] * len(hidden) + ["softmax"]
    return {"hidden_sizes": list(hidden), "unit_types": units, "error_measure": "misclassified", "num_threads": 1}


def _test_figures(records: Any) -> Row:
    return [100 * float(records.error[-1, 1]), -float(records.log_likelihood[-1, 1])]


def _judged(made: Any, labels: Any) -> Row:
    """Return the error in percent and the cross-entropy of class probabilities (classes, cases)."""
    true = np.maximum(made[labels, np.arange(len(labels))], LEAST_PROBABILITY)
    return [100 * float((made.argmax(axis=0) != labels).mean()), float(-np.log(true).mean())]
