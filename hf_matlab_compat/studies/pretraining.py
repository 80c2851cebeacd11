"""The study of pre-training: an autoencoder from a sparse start and from a stack of Boltzmann machines, two-way."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

import numpy as np

from hf_matlab_compat.errors import OptionError, quoted
from hf_matlab_compat.plots.canvas import check_target, new_figure, save, tidy
from hf_matlab_compat.pretraining import ContrastiveDivergence, PersistentDivergence, pretrain
from hf_matlab_compat.studies.data import classes, curves
from hf_matlab_compat.studies.errors_by_epoch import Errors, Tell, train_noting
from hf_matlab_compat.studies.journal import Journal
from hf_matlab_compat.studies.tables import mean_and_deviation, text_table

DATA = {
    "digits": (1500, 297, (50, 25, 6, 25, 50)),
    "mnist5k": (2000, 1000, (100, 50, 25, 50, 100)),
    "curves": (2000, 1000, (100, 50, 25, 6, 25, 50, 100)),
}
"""Cases to train and to test on, and hidden layers, the middle one linear."""
STARTS = {"sparse": "not pre-trained, sparse start", "pretrained": "pre-trained"}
_RULES = {"contrastive": ContrastiveDivergence, "persistent": PersistentDivergence}
_JUDGED = 10


class Setting(NamedTuple):
    """Settings of a run.

    Attributes
    ----------
    data : {'digits', 'mnist5k', 'curves'}
    method : str
        Of `train`.
    epochs : int
        Of fine-tuning, at least 10.
    initial_lam : float or None
        The first λ of Hessian-free.
    rule : {'contrastive', 'persistent'}
        How the machines learn.
    machine_epochs : int
        Of each machine.
    """

    data: str = "digits"
    method: str = "hf"
    epochs: int = 30
    initial_lam: float | None = None
    rule: str = "contrastive"
    machine_epochs: int = 50


@dataclass(frozen=True)
class PretrainingStudy:
    """Runs from both starts; entry k of each list belongs to seed k.

    Attributes
    ----------
    setting : Setting
    seeds : sequence of int
    runs : mapping
        Start → runs.
    seconds : list of float
        CPU time of each pre-training.
    """

    setting: Setting
    seeds: Sequence[int]
    runs: Mapping[str, Sequence[Errors]]
    seconds: Sequence[float]

    @property
    def ahead(self) -> int:
        """Seeds whose pre-trained network has the smaller training error after ten epochs."""
        pairs = zip(self.runs["pretrained"], self.runs["sparse"], strict=True)
        return sum(one.after(_JUDGED) < other.after(_JUDGED) for one, other in pairs)

    @property
    def is_met(self) -> bool:
        """True if pre-training is ahead after ten epochs for every seed."""
        return self.ahead == len(self.seeds)

    def table(self) -> str:
        """Return training errors after some epochs, the last test error and CPU time, mean ± standard deviation."""
        last = self.setting.epochs
        epochs = sorted({1, _JUDGED, last})
        rows: dict[str, Sequence[str]] = {}
        for start, said in STARTS.items():
            runs = self.runs[start]
            cells = [mean_and_deviation([run.after(epoch) for run in runs]) for epoch in epochs]
            tested = [run.test[-1] if len(run.test) >= last else math.inf for run in runs]
            spent = [run.seconds for run in runs]
            if start == "pretrained":
                spent = [run + machines for run, machines in zip(spent, self.seconds, strict=True)]
            rows[said] = [*cells, mean_and_deviation(tested), mean_and_deviation(spent)]
        columns = [*(f"epoch {epoch}" for epoch in epochs), f"test, epoch {last}", "CPU s"]
        title = f"{self.setting.data}, {self.setting.method}, {len(self.seeds)} seeds"
        return text_table(title, columns, rows, (36, *(18 for _ in columns)))

    def verdict(self) -> str:
        """Return the criterion and for how many seeds it holds."""
        what = f"The pre-trained network has the smaller training error after epoch {_JUDGED}"
        return f"{what}: {self.ahead} of {len(self.seeds)} seeds."

    def figures(self) -> dict[str, Any]:
        """Return all figures, for a JSON file."""
        runs = {start: [asdict(run) for run in runs] for start, runs in self.runs.items()}
        told = {"runs": runs, "pretraining_seconds": list(self.seconds), "ahead": self.ahead, "met": self.is_met}
        return {"setting": self.setting._asdict(), "seeds": list(self.seeds), **told}

    def plot(self, path: str | os.PathLike[str]) -> None:
        """Draw training and test errors of all seeds over epochs.

        Parameters
        ----------
        path : path
            A .png, .svg or .pdf file.
        """
        target, figure = check_target(path), new_figure(7, 4)
        axes = figure.subplots()
        for k, (start, said) in enumerate(STARTS.items()):
            for number, run in enumerate(self.runs[start]):
                epochs = np.arange(1, len(run.train) + 1)
                axes.plot(epochs, run.train, color=f"C{k}", linestyle=":")
                axes.plot(epochs, run.test, color=f"C{k}", label=None if number else said)
        axes.set(xlabel="epoch", ylabel="squared error: test —, training ···", yscale="log", title=self.setting.data)
        axes.legend(frameon=False)
        tidy(axes)
        save(figure, target)


def study(
    setting: Setting,
    seeds: Sequence[int],
    journal: str | os.PathLike[str] | None = None,
    talk: tuple[Tell, Tell] = (lambda text: None, lambda text: None),
) -> PretrainingStudy:
    """Train from both starts for every seed, which draws cases, weights and the states of the machines.

    Parameters
    ----------
    setting : Setting
        Data, network and options.
    seeds : sequence of int
        Each for both starts.
    journal : path, optional
        Finished runs are kept there, and are not run again.
    talk : tuple of callables
        Called with a line after every run, and with lines during one.

    Raises
    ------
    OptionError
        There is no seed, a word is none of those known, or there are too few epochs.
    ArgumentError
        The journal cannot be read or written.
    KeyboardInterrupt
        After Ctrl-C; the journal has the finished runs.
    """
    _check(setting, seeds)
    kept, (tell, watch) = Journal(journal), talk
    runs: dict[str, list[Errors]] = {start: [] for start in STARTS}
    seconds: list[float] = []

    def add(start: str, seed: int) -> None:
        name = f"{STARTS[start]}, seed {seed}"
        asked = {"study": "pretraining", **setting._asdict(), "start": start, "seed": seed}
        made, known = kept.run(asked, lambda: _run(setting, start, seed, lambda line: watch(f"{name}: {line}")))
        errors = Errors(**made["errors"])
        runs[start].append(errors)
        if start == "pretrained":
            seconds.append(made["seconds"])
        tell(f"{name}: error {errors.after(setting.epochs):.4g}{', from the journal' if known else ''}")

    for seed in seeds:
        for start in STARTS:
            add(start, seed)
    return PretrainingStudy(setting, seeds, runs, seconds)


def _check(setting: Setting, seeds: Sequence[int]) -> None:
    if not seeds:
        raise OptionError("seeds", expected="a whole number of at least 1", got=0)
    if setting.epochs < _JUDGED:
        raise OptionError("epochs", expected=f"at least {_JUDGED}, after which the runs are judged", got=setting.epochs)
    for name, known in (("data", DATA), ("rule", _RULES)):
        value = getattr(setting, name)
        if value not in known:
            raise OptionError(name, expected="one of " + ", ".join(map(repr, known)), got=quoted(value))


def _run(setting: Setting, start: str, seed: int, tell: Tell) -> dict[str, Any]:
    train_count, test_count, hidden = DATA[setting.data]
    if setting.data == "curves":
        pictures = curves(train_count, test_count)
        fit, held_out = pictures.train.astype(np.float32), pictures.test.astype(np.float32)
    else:
        fit, held_out = (each["inputs"] for each in classes(setting.data, (train_count, test_count), seed))
    units = ["logistic"] * (len(hidden) + 1)
    units[len(hidden) // 2] = "linear"
    given: dict[str, Any] = {"hidden_sizes": list(hidden), "unit_types": units, "seed": seed, "method": setting.method}
    if setting.initial_lam is not None:
        given["initial_lam"] = setting.initial_lam
    if setting.method not in ("hf", "hessian_free"):
        given["num_chunks"] = train_count // 100
    errors, seconds = Errors(), 0.0
    if start == "pretrained":
        began, rule = time.process_time(), _RULES[setting.rule](epochs=setting.machine_epochs)
        weights, biases = pretrain(fit, hidden, units, seed=seed, rule=rule, watch=tell)
        given |= {"initial_weights": weights, "initial_biases": biases}
        seconds = time.process_time() - began
    tested = {"test_inputs": held_out, "test_targets": held_out}
    train_noting(errors, tell, inputs=fit, targets=fit, **tested, **given, max_epochs=setting.epochs)
    return {"errors": asdict(errors), "seconds": seconds}
