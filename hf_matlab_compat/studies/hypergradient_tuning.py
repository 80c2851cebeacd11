"""Uses of hypergradients: weight decay tuned by their signs, and a learning rate for every step and layer.

Notation
--------
η_l : logarithm of layer l's weight decay;  α : learning rates (100, 2) by step and layer, adjusted as ln α by Adam
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from hf_matlab_compat.hypergradients import Descent, Hypergradients, hypergradients_of
from hf_matlab_compat.plots.canvas import check_target, new_figure, save, tidy
from hf_matlab_compat.studies.hypergradient_net import ETA, LAYERS, Pass, classifier, descent, held_out, start

Vector = NDArray[Any]
UPDATES, SIGN_STEP = 25, 0.2
FIRST_RATE, UPDATES_OF_RATES = 0.6, 40
CONSTANT_RATES = (0.6, 1.2, 2.4, 4.8)


class Tuning(NamedTuple):
    """Weight decay of two layers, tuned from one start.

    Attributes
    ----------
    seed : int
    exact, short : (26,) arrays
        Validation loss before each update and after the last, with exact hypergradients and those of the short cut.
    """

    seed: int
    exact: Vector
    short: Vector

    def row(self) -> str:
        """Return its figures as a line of the table."""
        each = "".join(f"{values.min():12.4f}{values[-1]:10.4f}" for values in (self.exact, self.short))
        return f"{self.seed:6}{self.exact[0]:10.4f}{each}"


HEAD_OF_TUNING = f"{'start':>6}{'untuned':>10}{'exact: best':>12}{'last':>10}{'short: best':>12}{'last':>10}"


def tune(steps: int, seeds: Sequence[int], tell: Callable[[str], None]) -> list[Tuning]:
    """Tune two logarithms of weight decay by 25 steps of ±0.2 against the signs of their hypergradients."""
    found = []
    for seed in seeds:
        tell(f"tuning weight decay from start {seed} ...")
        found.append(Tuning(seed, *(by_signs(steps, seed, by) for by in ("reversible", "shortcut"))))
    return found


def by_signs(steps: int, seed: int, by: str, updates: int = UPDATES) -> Vector:
    """Return the validation losses (updates + 1,) of tuning with one way of running back."""
    net, settings, eta, values = classifier(), descent(steps), ETA.copy(), []
    for _ in range(updates + 1):
        found = hypergradients_of(net, start(seed), eta, settings, by)
        values.append(found.value)
        eta = eta - SIGN_STEP * np.sign(found.d_eta)
    return np.array(values)


class Judged(NamedTuple):
    """A net after training.

    Attributes
    ----------
    validation, test : float
        Mean cross-entropy.
    test_error : float
        Share of wrong test cases.
    """

    validation: float
    test: float
    test_error: float

    def row(self, name: str) -> str:
        """Return its figures as a line of the table."""
        return f"{name:34}{self.validation:12.4f}{self.test:10.4f}{self.test_error:12.1%}"


HEAD_OF_RATES = f"{'':34}{'validation':>12}{'test':>10}{'test error':>12}"


@dataclass(frozen=True)
class Rates:
    """Learning rates found by hypergradients.

    Attributes
    ----------
    rates : (steps, 2) array
        By step and layer.
    values : (updates + 1,) array
        Validation loss.
    judged : dict
        `Judged` by name: constant learning rates, and those found.
    """

    rates: Vector
    values: Vector
    judged: dict[str, Judged]

    def table(self) -> str:
        """Return the figures of constant learning rates and of those found."""
        return "\n".join([HEAD_OF_RATES, *(each.row(name) for name, each in self.judged.items())])


def find_rates(updates: int, seed: int = 0, steps: int = 100) -> Rates:
    """Adjust the learning rates of all steps and layers by Adam on their logarithms, from .6 for all."""
    log_rates, values, mean, square = np.full((steps, 2), np.log(FIRST_RATE)), [], 0.0, 0.0
    for k in range(1, updates + 1):
        found = _trained(seed, np.exp(log_rates))
        values.append(found.value)
        slope = found.d_learning_rates * np.exp(log_rates)
        mean, square = 0.9 * mean + 0.1 * slope, 0.99 * square + 0.01 * slope**2
        log_rates = log_rates - 0.05 * (mean / (1 - 0.9**k)) / (np.sqrt(square / (1 - 0.99**k)) + 1e-8)
    judged = {f"learning rate {rate:g}": _judge(_trained(seed, np.full((steps, 2), rate))) for rate in CONSTANT_RATES}
    last = _trained(seed, np.exp(log_rates))
    judged[f"by step and layer, {updates} updates"] = _judge(last)
    return Rates(np.exp(log_rates), np.array([*values, last.value]), judged)


def _trained(seed: int, rates: Vector) -> Hypergradients:
    layers = np.split(start(seed), [LAYERS[0]])
    return hypergradients_of(classifier(), layers, ETA, Descent(rates, 0.9))


def _judge(found: Hypergradients) -> Judged:
    at = Pass.at(np.concatenate(found.x_final), held_out())
    wrong = at.p.argmax(axis=1) != at.cases.targets.argmax(axis=1)
    return Judged(found.value, at.value, float(wrong.mean()))


@dataclass(frozen=True)
class Found:
    """Results of tuning.

    Attributes
    ----------
    tunings : list of Tuning
    rates : Rates or None
    """

    tunings: list[Tuning]
    rates: Rates | None

    def text(self) -> str:
        """Return the tables."""
        tuned = "\n".join([HEAD_OF_TUNING, *(each.row() for each in self.tunings)]) if self.tunings else ""
        return "\n\n".join(part for part in (tuned, self.rates.table() if self.rates else "") if part)

    def plot(self, path: str | os.PathLike[str]) -> None:
        """Draw the learning rates found, how the validation loss fell, and the tuning of weight decay.

        Parameters
        ----------
        path : path
            A .png, .svg or .pdf file.
        """
        panels = ([_draw_rates, _draw_values] if self.rates else []) + ([_draw_tunings] if self.tunings else [])
        figure, target = new_figure(6, 2.8 * len(panels)), check_target(path)
        for draw, axes in zip(panels, figure.subplots(len(panels), 1, squeeze=False).ravel(), strict=True):
            draw(axes, self)
            tidy(axes)
        save(figure, target)


def _draw_rates(axes: Any, found: Found) -> None:
    if found.rates is None:
        return
    for layer, label in enumerate(("layer 1", "layer 2")):
        axes.plot(found.rates.rates[:, layer], label=label)
    axes.axhline(FIRST_RATE, color="0.6", linestyle=":", label="before")
    axes.set(xlabel="step of training", ylabel="learning rate", yscale="log", title="Learning rates found")
    axes.legend(frameon=False)


def _draw_values(axes: Any, found: Found) -> None:
    if found.rates is None:
        return
    axes.plot(found.rates.values)
    axes.set(xlabel="update of all learning rates", ylabel="validation loss")


def _draw_tunings(axes: Any, found: Found) -> None:
    for k, each in enumerate(found.tunings):
        axes.plot(each.exact, color="C0", label="exact" if k == 0 else None)
        axes.plot(each.short, color="C1", linestyle="--", label="short cut" if k == 0 else None)
    axes.set(xlabel="update of two weight decays", ylabel="validation loss", title="Weight decay tuned by signs")
    axes.legend(frameon=False)


def also(steps: int, seeds: Sequence[int], schedule: bool, tell: Callable[[str], None]) -> Found:
    """Tune weight decay from these starts, and find learning rates if asked to."""
    tunings = tune(steps, seeds, tell)
    if schedule:
        tell("learning rates of 100 steps and two layers ...")
    return Found(tunings, find_rates(UPDATES_OF_RATES) if schedule else None)
