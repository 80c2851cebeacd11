"""Methods beside each other on the same network, data and start: figures at equal time and at equal passes."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from hf_matlab_compat.errors import NonFiniteError, OptionError
from hf_matlab_compat.observers.observer import Observer, Run, Stop
from hf_matlab_compat.options import Options
from hf_matlab_compat.plots.canvas import check_target, new_figure, save, tidy
from hf_matlab_compat.preflight.weights import Weights
from hf_matlab_compat.registry import METHODS, method_of
from hf_matlab_compat.state import Report, State
from hf_matlab_compat.studies.counting import Counted, train_counted
from hf_matlab_compat.subject import NetworkData, Subject, network_subject

_DATA = ("inputs", "targets", "test_inputs", "test_targets", "hidden_sizes", "unit_types", "corrupt", "resample")
_START = ("initial_theta", "initial_weights", "initial_biases")


@dataclass
class Curve:
    """One method's course; entry k belongs to epoch k + 1.

    Attributes
    ----------
    method : str
        Its name.
    seconds : list of float
        CPU time of the process since the start.
    passes : list of float
        Gradient passes over all training cases (`studies.counting`).
    train, test : list of float
        Errors.
    failed : str
        Why the run ended before its time; empty if it did not.
    """

    method: str
    seconds: list[float] = field(default_factory=list)
    passes: list[float] = field(default_factory=list)
    train: list[float] = field(default_factory=list)
    test: list[float] = field(default_factory=list)
    failed: str = ""

    def at(self, axis: str, most: float) -> tuple[float, float]:
        """Return train and test error of the last epoch within `most` of 'seconds' or 'passes'; nan before any."""
        done = int(np.searchsorted(getattr(self, axis), most, side="right"))
        return (self.train[done - 1], self.test[done - 1]) if done else (math.nan, math.nan)


@dataclass(frozen=True)
class Comparison:
    """Curves of several methods.

    Attributes
    ----------
    curves : list of Curve
        In the order asked for.
    seconds : float
        CPU time that each method had.
    error : str
        What the errors are, in words.
    interrupted : bool
        True after Ctrl-C; the last curve is then shorter than the others, and further methods did not run.
    """

    curves: Sequence[Curve]
    seconds: float
    error: str
    interrupted: bool = False

    def table(self) -> str:
        """Return errors at equal time and at equal passes, as lines of at most 80 columns."""
        passes = min((curve.passes[-1] for curve in self.curves if curve.passes and not curve.failed), default=0)
        lines = [
            f"{self.error}, training / test cases",
            f"{'method':12}{'epochs':>8}{'passes':>10}   {f'at {self.seconds:g} s CPU':24}at {passes:.0f} passes",
        ]
        for curve in self.curves:
            at_time, at_passes = curve.at("seconds", self.seconds), curve.at("passes", passes)
            spent = curve.passes[-1] if curve.passes else 0
            told = curve.failed or f"{_pair(at_time):24}{_pair(at_passes)}"
            lines.append(f"{curve.method:12}{len(curve.train):8}{spent:10.0f}   {told}")
        return "\n".join(lines)

    def plot(self, path: str | os.PathLike[str]) -> None:
        """Draw the errors over CPU time and over passes.

        Parameters
        ----------
        path : path
            A .png, .svg or .pdf file.
        """
        target, figure = check_target(path), new_figure(10, 4)
        for axes, axis, label in zip(
            figure.subplots(1, 2, sharey=True), ("seconds", "passes"), ("CPU seconds", "gradient passes"), strict=True
        ):
            for k, curve in enumerate(self.curves):
                axes.plot(getattr(curve, axis), curve.test, color=f"C{k}", label=curve.method)
                axes.plot(getattr(curve, axis), curve.train, color=f"C{k}", linestyle=":")
            axes.set(xlabel=label, yscale="log")
            tidy(axes)
        figure.axes[0].set_ylabel(f"{self.error}: test —, training ···")
        figure.axes[1].legend(frameon=False)
        save(figure, target)


class _Recorder(Observer):
    """Notes what was reached when, and stops after a CPU time."""

    def __init__(self, curve: Curve, counted: Counted, seconds: float) -> None:
        self._curve, self._counted, self._seconds = curve, counted, seconds

    def begin(self, run: Run, state: State) -> None:
        self._started = time.process_time()

    def epoch(self, report: Report, state: State) -> Stop | None:
        used = time.process_time() - self._started
        self._curve.seconds.append(used)
        self._curve.passes.append(self._counted.passes)
        self._curve.train.append(report.train.error)
        self._curve.test.append(report.test.error if report.test else math.nan)
        return Stop("its time is up") if used >= self._seconds else None


def compare(
    case: Mapping[str, Any], methods: Sequence[str], seconds: float, **of_method: Mapping[str, Any]
) -> Comparison:
    """Train the same network by several methods, each for the same CPU time and from the same start.

    Parameters
    ----------
    case : mapping
        Keywords of `train`: data, network, initial parameters, and options that all methods share.
    methods : sequence of str
        Names of `train`'s option `method`.
    seconds : float
        CPU time of each; a method goes on to the end of the epoch in which it is used up.
    **of_method
        Options of single methods: ``nag={"num_chunks": 15}``.

    Returns
    -------
    Comparison
        Their curves. A method whose figures become NaN or infinite is named so; after Ctrl-C the methods that are
        left do not run.

    Raises
    ------
    OptionError
        A method, `seconds`, or options of single methods do not fit; or as `train`. Nothing was trained.
    DataError
        As `train`.
    """
    wrong = [name for name in methods if isinstance(name, str) and name not in METHODS]
    if isinstance(methods, str) or not methods or wrong:
        got = repr(wrong[0]) if wrong and not isinstance(methods, str) else repr(methods)
        raise OptionError("methods", expected="a list of names among " + ", ".join(map(repr, METHODS)), got=got)
    if not 0 < seconds < math.inf:
        raise OptionError("seconds", expected="a finite number above 0", got=seconds)
    for name in of_method:
        if name not in methods:
            raise OptionError(name, expected=f"options of {', '.join(methods)}", got=f"some of {name}")
    prepared = [_prepared(case, name, of_method.get(name, {})) for name in methods]
    curves: list[Curve] = []
    interrupted = False
    for name, (subject, settings) in zip(methods, prepared, strict=True):
        curve, interrupted = _course(name, subject, settings, seconds)
        curves.append(curve)
        if interrupted:
            break
    misclassified = case.get("error_measure") == "misclassified"
    return Comparison(curves, seconds, "share misclassified" if misclassified else "squared error", interrupted)


def _prepared(case: Mapping[str, Any], name: str, own: Mapping[str, Any]) -> tuple[Subject, Options]:
    given = {"seed": 0, "num_threads": 1, **case, **own}
    data = {each: given.pop(each, None) for each in _DATA}
    start = tuple(given.pop(each, None) for each in _START)
    weights = Weights(*(given.pop(each, None) for each in ("case_weights", "class_weights")))
    settings = Options.from_keywords(**{**given, "method": name, "max_epochs": 10**9})
    subject = network_subject(NetworkData(**data, weights=weights), start, None, settings, settings)
    if subject.held_out is None:
        raise OptionError("test_inputs", expected="held-out cases, on which methods are compared", got="none")
    method_of(settings, subject.backend)  # refuses options that the method does not have
    return subject, settings


def _course(name: str, subject: Subject, settings: Options, seconds: float) -> tuple[Curve, bool]:
    counted, curve = Counted(subject.problem), Curve(name)
    try:
        result = train_counted(counted, subject, settings, _Recorder(curve, counted, seconds))
    except NonFiniteError:
        curve.failed = f"not finite in epoch {len(curve.train) + 1}"
        return curve, False
    return curve, result.interrupted


def _pair(errors: tuple[float, float]) -> str:
    return " / ".join("-" if math.isnan(error) else f"{error:.4g}" for error in errors)
