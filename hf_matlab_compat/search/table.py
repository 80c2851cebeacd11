"""The trials of a search: the best, a table, a CSV file and a picture."""

from __future__ import annotations

import csv
import io
import math
import os
import re
import textwrap
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from hf_matlab_compat.errors import DataError
from hf_matlab_compat.matlab.vocabulary import to_matlab_value
from hf_matlab_compat.plots.canvas import check_target, new_figure, save, tidy


@dataclass(frozen=True, kw_only=True)
class Trial:
    """One set of options and what became of it.

    Attributes
    ----------
    number : int
        Counted from 0.
    options : dict
        Those that the search set, as keywords of `train`.
    value : float
        The objective; least is best.
    epochs : int
        Epochs that it ran.
    killed : str
        Why it was ended early; empty for a run of full length.
    seconds : float
        Wall clock.
    errors, log_likelihoods : list of float
        Of the test cases, after every epoch.
    """

    number: int
    options: dict[str, Any]
    value: float
    epochs: int
    killed: str
    seconds: float
    errors: list[float] = field(default_factory=list)
    log_likelihoods: list[float] = field(default_factory=list)


@dataclass(frozen=True)
class Search:
    """A search: its trials in the order of their numbers, and what was asked for.

    Attributes
    ----------
    trials : list of Trial
        All finished and killed ones.
    asked : mapping
        Space, seed, objective, … in words.
    names : mapping of str to str
        MATLAB's names where the caller gave them, by those of `train`; tables show MATLAB's words for these.
    """

    trials: Sequence[Trial]
    asked: Mapping[str, Any]
    names: Mapping[str, str] = field(default_factory=dict)

    @property
    def best(self) -> Trial:
        """The full run with the least objective, the first of equals.

        Raises
        ------
        DataError
            Every run was killed.
        """
        full = [trial for trial in self.trials if not trial.killed and not math.isnan(trial.value)]
        if not full:
            raise DataError("trials", expected="a run of full length", got=f"{len(self.trials)} killed ones")
        return min(full, key=lambda trial: trial.value)

    def rows(self) -> list[dict[str, Any]]:
        """Return a row for each trial: number, objective, epochs, why it was killed, and its options."""
        return [
            {"trial": t.number, "value": t.value, "epochs": t.epochs, "killed": t.killed, **self._shown(t.options)}
            for t in self.trials
        ]

    def _shown(self, options: Mapping[str, Any]) -> dict[str, Any]:
        """Return options under the caller's names, with MATLAB's words under MATLAB's names; lists as texts."""
        layers = {"unit_types": "layertypes"} if "hidden_sizes" in self.names else {}
        names = {**self.names, **layers}
        found = {names.get(n, n): to_matlab_value(n, v) if n in names else v for n, v in options.items()}
        return {name: " ".join(map(str, v)) if isinstance(v, list | tuple) else v for name, v in found.items()}

    def csv(self) -> str:
        """Return the rows as CSV; the text depends on nothing but the search."""
        text, rows = io.StringIO(), self.rows()
        writer = csv.DictWriter(text, fieldnames=list(rows[0]) if rows else [], lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
        return text.getvalue()

    def summary(self) -> str:
        """Return the number of trials, of killed ones and of epochs."""
        trials, killed = len(self.trials), sum(bool(t.killed) for t in self.trials)
        epochs = sum(t.epochs for t in self.trials)
        return f"{trials} trial{'s' * (trials != 1)}, {killed} of them killed, {epochs} epochs"

    def table(self, most: int = 10) -> str:
        """Return the best trials as lines of text, best first, for a terminal of 80 columns; then why others died."""
        full = sorted((t for t in self.trials if not t.killed), key=lambda t: (math.isnan(t.value), t.value))
        killed = Counter(_reason(t.killed) for t in self.trials if t.killed)
        lines = [f"{self.summary()}; {self.asked['objective']}:"]
        for t in full[:most]:
            given = (f"{name}={_short(value)}".replace(" ", ",") for name, value in self._shown(t.options).items())
            head = f"  trial {t.number:<5}{t.value:<10.5g} "
            wrapped = textwrap.wrap(" ".join(given), 80 - len(head), break_long_words=False, break_on_hyphens=False)
            lines += [f"{head if k == 0 else '':{len(head)}}{line}" for k, line in enumerate(wrapped or [""])]
        if len(full) > most:
            lines.append(f"  and {len(full) - most} more")
        lines += [f"  killed {count}: {reason}" for reason, count in killed.most_common()]
        return "\n".join(lines)

    def plot(self, path: str | os.PathLike[str]) -> None:
        """Draw the best objective so far over the epochs spent, killed runs marked.

        Parameters
        ----------
        path : path
            A .png, .svg or .pdf file.
        """
        target, figure = check_target(path), new_figure(7, 4)
        axes = figure.subplots()
        spent, best, at, level, dead = 0, math.inf, [], [], []
        for trial in self.trials:
            spent += trial.epochs
            if trial.killed:
                dead.append((spent, trial.value))
            else:
                best = min(best, trial.value)
                axes.plot(spent, trial.value, "o", color="C0", alpha=0.5, markersize=4)
            at.append(spent)
            level.append(best)
        axes.step(at, level, where="post", color="C0", label="best so far")
        if dead:
            axes.plot(*zip(*dead, strict=True), "x", color="C3", markersize=5, label="killed")
        axes.set(xlabel="epochs spent", ylabel=str(self.asked["objective"]))
        axes.legend(frameon=False)
        tidy(axes)
        save(figure, target)


def _short(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _reason(killed: str) -> str:
    """Return why a run was killed, its own figures left out."""
    return re.sub(r"-?\d[\d.]*(e[+-]?\d+)?", "…", killed)
