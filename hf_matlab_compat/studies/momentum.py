"""The study of momentum: Nesterov's and classical momentum with several largest momenta, after Sutskever et al. 2013.

Their networks, data and 750,000 updates do not fit a desk. This is their table on pooled strokes like CURVES, in 5,000
updates: the schedule of the momentum is faster by as much, since otherwise no run would get beyond 0.97.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from typing import Any, NamedTuple

import numpy as np

from hf_matlab_compat.errors import OptionError
from hf_matlab_compat.plots.canvas import check_target, new_figure, save, tidy
from hf_matlab_compat.studies.data import curves
from hf_matlab_compat.studies.errors_by_epoch import Errors, Tell, train_noting
from hf_matlab_compat.studies.journal import Journal
from hf_matlab_compat.studies.tables import text_table

MOMENTA = (0.0, 0.9, 0.99, 0.995, 0.999)
METHODS = {"nag": "NAG", "momentum": "CM"}
HIDDEN = (60, 30, 15, 6, 15, 30, 60)
_UNITS = ("logistic", "logistic", "logistic", "linear", "logistic", "logistic", "logistic", "logistic")
_CASES, _BATCH, _LOW = 2000, 200, 0.9
_DENSE_RATE, _DENSE_SCALE = 0.02, 0.01
PUBLISHED = """Published (Sutskever et al. 2013), training error on other data and in 750,000 updates,
not to be compared in size:
         CURVES  no momentum 0.48, best CM 0.10, best NAG 0.074, Hessian-free 0.058
         MNIST   no momentum 2.1,  best CM 0.77, best NAG 0.73,  Hessian-free 0.69
         FACES   no momentum 36.4, best CM 8.3,  best NAG 7.7,   Hessian-free 7.5"""


class Setting(NamedTuple):
    """Settings of a run.

    Attributes
    ----------
    updates : int
        Of every run. The last tenth has a momentum of at most 0.9; the schedule steps up 200 times.
    rates : sequence of float
        Of which the one with the least last error is shown.
    """

    updates: int = 5000
    rates: Sequence[float] = (0.05, 0.02, 0.005)

    @property
    def epochs(self) -> int:
        """Of every run."""
        return self.updates * _BATCH // _CASES

    @property
    def before(self) -> int:
        """Epochs before the momentum is lowered."""
        return self.epochs - self.epochs // 10


@dataclass(frozen=True)
class Cell:
    """Runs over seeds with one method, momentum and rate.

    Attributes
    ----------
    rate : float
    runs : list of Errors
    """

    rate: float
    runs: Sequence[Errors]

    def mean(self, epoch: int) -> float:
        """Return the mean training error after an epoch; infinite if a run failed."""
        return float(np.mean([run.after(epoch) for run in self.runs]))


@dataclass(frozen=True)
class MomentumStudy:
    """All runs.

    Attributes
    ----------
    setting : Setting
    seeds : list of int
    cells : mapping
        (method, momentum) → the cell of the best rate; ('dense', 0.99) starts from dense small weights.
    mean_picture : float
        Error of the best constant prediction.
    """

    setting: Setting
    seeds: Sequence[int]
    cells: Mapping[tuple[str, float], Cell]
    mean_picture: float

    def error(self, method: str, momentum: float, finished: bool = True) -> float:
        """Return the mean error over seeds, after the last update or before the momentum is lowered."""
        return self.cells[method, momentum].mean(self.setting.epochs if finished else self.setting.before)

    def criteria(self) -> list[tuple[str, bool]]:
        """Return what has to hold, in words with figures, and whether it does."""
        plain, some, much = (
            self.error("nag", 0.0),
            self.error("nag", 0.9),
            min(self.error("nag", 0.99), self.error("nag", 0.995)),
        )
        higher = [
            key for key in self.cells if key[0] != "dense" and not self.error(*key) < self.error(*key, finished=False)
        ]
        dense, flat = self.error("dense", 0.99), self.mean_picture
        return [
            (f"NAG 0.9 is at most 2/3 of no momentum: {some:.4g}, {plain:.4g}", some <= plain * 2 / 3),
            (f"NAG 0.99 or 0.995 is at most 2/3 of NAG 0.9: {much:.4g}, {some:.4g}", much <= some * 2 / 3),
            (f"the lower momentum at the end lowers every error; not so: {higher or 'none'}", not higher),
            (
                f"from dense weights NAG 0.99 stays within 1 % of the mean picture's {flat:.4g}: {dense:.4g}",
                abs(dense / flat - 1) < 0.01,
            ),
        ]

    @property
    def is_met(self) -> bool:
        """True if all criteria hold."""
        return all(held for _, held in self.criteria())

    def table(self) -> str:
        """Return errors before → after the momentum is lowered, with the rate, by method and largest momentum."""
        rows = {
            said: [self._told(name if momentum else "nag", momentum) for momentum in MOMENTA]
            for name, said in METHODS.items()
        }
        columns = [f"{momentum:g}" for momentum in MOMENTA]
        title = f"{len(self.seeds)} seed{'s' * (len(self.seeds) > 1)}"
        table = text_table(title, columns, rows, (8, *(31 for _ in columns)))
        what = "training error before → after the last tenth with momentum at most 0.9, standard deviation (rate)"
        return f"{what}\n{table}\nmean picture {self.mean_picture:.4g}\n{PUBLISHED}"

    def verdict(self) -> str:
        """Return a line for each criterion."""
        return "\n".join(f"{'met    ' if held else 'NOT MET'}  {words}" for words, held in self.criteria())

    def figures(self) -> dict[str, Any]:
        """Return all figures, for a JSON file."""
        cells = [
            {
                "method": method,
                "momentum": momentum,
                "rate": cell.rate,
                "before": [_number(run.after(self.setting.before)) for run in cell.runs],
                "after": [_number(run.after(self.setting.epochs)) for run in cell.runs],
                "seconds": [run.seconds for run in cell.runs],
            }
            for (method, momentum), cell in self.cells.items()
        ]
        held = [{"criterion": words, "met": met} for words, met in self.criteria()]
        return {
            "updates": self.setting.updates,
            "rates": list(self.setting.rates),
            "seeds": list(self.seeds),
            "mean_picture": self.mean_picture,
            "cells": cells,
            "criteria": held,
        }

    def plot(self, path: str | os.PathLike[str]) -> None:
        """Draw the errors of the first seed over updates, by method.

        Parameters
        ----------
        path : path
            A .png, .svg or .pdf file.
        """
        target, figure = check_target(path), new_figure(11, 4)
        for axes, (method, said) in zip(figure.subplots(1, 2, sharey=True), METHODS.items(), strict=True):
            for k, momentum in enumerate(MOMENTA):
                errors = self.cells[method if momentum else "nag", momentum].runs[0].train
                updates = np.arange(1, len(errors) + 1) * (_CASES // _BATCH)
                axes.plot(updates, errors, color=f"C{k}", label=f"{momentum:g}")
            axes.axhline(self.mean_picture, color="0.6", linestyle=":", label="mean picture")
            axes.axvline(self.setting.before * _CASES // _BATCH, color="0.8")
            axes.set(xlabel="updates", title=said, yscale="log")
            tidy(axes)
        figure.axes[0].set_ylabel("training error")
        figure.axes[1].legend(frameon=False, title="largest momentum", loc="center left", bbox_to_anchor=(1, 0.5))
        save(figure, target)

    def _told(self, method: str, momentum: float) -> str:
        cell = self.cells[method, momentum]
        before, after = self.error(method, momentum, finished=False), self.error(method, momentum)
        if math.isinf(after):
            return f"diverged ({cell.rate:g})"
        last = [run.after(self.setting.epochs) for run in cell.runs]
        spread = f" ± {np.std(last, ddof=1):.2g}" if len(last) > 1 else ""
        return f"{before:.3g} → {after:.3g}{spread} ({cell.rate:g})"


def study(
    setting: Setting,
    seeds: Sequence[int],
    journal: str | os.PathLike[str] | None = None,
    talk: tuple[Tell, Tell] = (lambda text: None, lambda text: None),
) -> MomentumStudy:
    """Run all methods, momenta and rates for every seed.

    Parameters
    ----------
    setting : Setting
        Updates and rates.
    seeds : sequence of int
        Of the initial weights.
    journal : path, optional
        Finished runs are kept there, and are not run again.
    talk : tuple of callables
        Called with a line after every run, and with a line after every epoch.

    Raises
    ------
    OptionError
        There is no seed or rate, or too few updates.
    ArgumentError
        The journal cannot be read or written.
    KeyboardInterrupt
        After Ctrl-C; the journal has the finished runs.
    """
    if not seeds:
        raise OptionError("seeds", expected="a whole number of at least 1", got=0)
    if not setting.rates:
        raise OptionError("rates", expected="at least one learning rate", got="none")
    if setting.updates < 200 or setting.updates % 200:
        raise OptionError("updates", expected="a multiple of 200", got=setting.updates)
    kept, (tell, watch) = Journal(journal), talk

    def errors_of(method: str, momentum: float, rate: float, seed: int) -> Errors:
        asked = {"study": "momentum", "updates": setting.updates, "method": method, "momentum": momentum}
        asked |= {"rate": rate, "seed": seed}
        name = f"{METHODS.get(method, 'NAG, dense start')} {momentum:g}, rate {rate:g}, seed {seed}"
        found, known = kept.run(asked, lambda: asdict(_run(asked, lambda line: watch(f"{name}: {line}"))))
        errors = Errors(**found)
        tell(f"{name}: error {errors.after(setting.epochs):.4g}{', from the journal' if known else ''}")
        return errors

    def best(method: str, momentum: float, rates: Sequence[float]) -> Cell:
        cells = [Cell(rate, [errors_of(method, momentum, rate, seed) for seed in seeds]) for rate in rates]
        return min(cells, key=lambda cell: cell.mean(setting.epochs))

    cells = {
        (method, momentum): best(method, momentum, setting.rates)
        for method in METHODS
        for momentum in MOMENTA
        if momentum or method == "nag"  # without momentum the two are the same
    }
    cells["dense", 0.99] = best("dense", 0.99, [_DENSE_RATE])
    pictures = _pictures()
    mean_picture = float(((pictures - pictures.mean(axis=1, keepdims=True)) ** 2).sum(axis=0).mean())
    return MomentumStudy(setting, seeds, cells, mean_picture)


@cache
def _pictures() -> Any:
    return curves(_CASES, 1).pooled().train.astype(np.float32)


def _run(asked: Mapping[str, Any], tell: Callable[[str], None]) -> Errors:
    setting, pictures = Setting(asked["updates"]), _pictures()
    given: dict[str, Any] = {
        **{"inputs": pictures, "targets": pictures, "hidden_sizes": list(HIDDEN), "unit_types": list(_UNITS)},
        "method": "momentum" if asked["method"] == "momentum" else "nag",
        "learning_rate": asked["rate"],
        "momentum_period": setting.updates // 200,
        "num_chunks": _CASES // _BATCH,
        "seed": asked["seed"],
    }
    start = _dense_start(len(pictures), asked["seed"]) if asked["method"] == "dense" else {}
    errors = Errors()
    first = train_noting(errors, tell, **given, **start, momentum=asked["momentum"], max_epochs=setting.before)
    if first is not None:
        lower = min(asked["momentum"], _LOW)
        train_noting(errors, tell, **given, resume_from=first, momentum=lower, max_epochs=setting.epochs)
    return errors


def _dense_start(pixels: int, seed: int) -> dict[str, Any]:
    random, sizes = np.random.default_rng(seed), [pixels, *HIDDEN, pixels]
    shapes = list(zip(sizes[1:], sizes, strict=False))
    weights = [_DENSE_SCALE * random.standard_normal(shape) for shape in shapes]
    return {"initial_weights": weights, "initial_biases": [np.zeros((rows, 1)) for rows, _ in shapes]}


def _number(error: float) -> float | None:
    return error if math.isfinite(error) else None
