"""Every method of the family on the same data and starts: what each reaches for the same work.

The unit of work is a pass: a gradient or a curvature product on all training cases, or four likelihoods
(`studies.counting`). Errors are those of the training cases, where the methods differ as optimisers, and of test cases.
"""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from hf_matlab_compat.errors import NonFiniteError, OptionError
from hf_matlab_compat.methods.lissa import LiSSA
from hf_matlab_compat.observers.observer import Observer, Run, Stop
from hf_matlab_compat.options import Options
from hf_matlab_compat.plots.canvas import check_target, new_figure, save, tidy
from hf_matlab_compat.state import Report, State
from hf_matlab_compat.studies.counting import Counted, train_counted
from hf_matlab_compat.studies.data import classes, curves, faces, split
from hf_matlab_compat.studies.journal import Journal
from hf_matlab_compat.studies.tables import median_and_range, text_table
from hf_matlab_compat.subject import NetworkData, network_subject

_PLAIN = {"preconditioner": "none"}
_REGION = {"damping": "trust_region", "line_search": "full_step", **_PLAIN}
_BATCHES = {"num_chunks": 10}

METHODS: Mapping[str, Mapping[str, Any]] = {
    "hessian_free": {},
    "no preconditioner": _PLAIN,
    "jacobi": {"preconditioner": "jacobi"},
    "equilibration": {"preconditioner": "equilibration"},
    "L-BFGS pairs": {"preconditioner": "lbfgs", "solver": "truncated_newton"},
    "truncated_newton": {"solver": "truncated_newton", **_PLAIN},
    "minres": {"solver": "minres", **_PLAIN},
    "steihaug": {"solver": "steihaug", **_REGION},
    "newton_lanczos": {"solver": "newton_lanczos", **_REGION},
    "krylov_subspace": {"method": "krylov_subspace"},
    "saddle_free": {"method": "saddle_free"},
    "lbfgs": {"method": "lbfgs"},
    "ncg": {"method": "ncg"},
    "rprop": {"method": "rprop"},
    "nag": {"method": "nag", "momentum_period": 10, "learning_rate": 0.02, **_BATCHES},
    "momentum": {"method": "momentum", "learning_rate": 0.02, **_BATCHES},
    "adam": {"method": "adam", **_BATCHES},
    "esgd": {"method": "esgd", **_BATCHES},
    "stochastic_hf": {"method": "stochastic_hf", **_BATCHES},
    "growing_hf": {"method": "growing_hf"},
    "averaged_hf": {"method": "averaged_hf", **_BATCHES},
    "lissa": {"method": LiSSA(cases=50, depth=20)},
    "gd": {"method": "gd", "learning_rate": 0.05},
}
"""The contenders, with the options that make them. Rates were not tuned for each data set."""


def _autoencoder(code: int, *sizes: int) -> dict[str, Any]:
    hidden = [*sizes, code, *reversed(sizes)]
    units = ["logistic"] * len(sizes) + ["linear"] + ["logistic"] * (len(sizes) + 1)
    return {"hidden_sizes": hidden, "unit_types": units, "error_measure": "squared"}


def _classifier(*sizes: int) -> dict[str, Any]:
    units = [*["logistic"] * len(sizes), "softmax"]
    return {"hidden_sizes": list(sizes), "unit_types": units, "error_measure": "misclassified"}


def _digits(seed: int) -> dict[str, Any]:
    sets = classes("digits", (1000, 500), seed)
    images = [{"inputs": each["inputs"], "targets": each["inputs"]} for each in sets]
    return {**split(*images), **_autoencoder(6, 30, 12)}


def _mnist5k(seed: int) -> dict[str, Any]:
    return {**split(*classes("mnist5k", (1000, 1000), seed)), **_classifier(60, 30)}


def _curves(seed: int) -> dict[str, Any]:
    return {**curves(1000, 500).pooled().as_autoencoder(), **_autoencoder(6, 60, 30, 15)}


def _faces(seed: int) -> dict[str, Any]:
    layers = _autoencoder(20, 60)
    return {**faces(800, 400).as_autoencoder(), **layers, "unit_types": [*layers["unit_types"][:-1], "linear"]}


PROBLEMS: Mapping[str, Callable[[int], dict[str, Any]]] = {
    "digits": _digits,
    "curves": _curves,
    "faces": _faces,
    "mnist5k": _mnist5k,
}
"""Name → (seed → keywords of `train`): autoencoders of digits, strokes and faces, and a classifier of MNIST. The seed
draws the cases of digits and MNIST; of all, it is that of the weights."""
SHARED: Mapping[str, Any] = {"weight_decay": 2e-5, "initial_lam": 1.0, "num_threads": 1, "precision": "single"}


@dataclass
class FamilyCourse:
    """One run; entry k belongs to epoch k + 1.

    Attributes
    ----------
    seconds, passes, products : list of float
        CPU time, work, and curvature products so far.
    f, train, test : list of float
        Negative log-likelihood of the training cases; errors.
    failed : str
    """

    seconds: list[float] = field(default_factory=list)
    passes: list[float] = field(default_factory=list)
    products: list[float] = field(default_factory=list)
    f: list[float] = field(default_factory=list)
    train: list[float] = field(default_factory=list)
    test: list[float] = field(default_factory=list)
    failed: str = ""

    def at(self, figure: str, passes: float) -> float:
        """Return a figure after the last epoch within this many passes; nan before any."""
        done = int(np.searchsorted(self.passes, passes, side="right"))
        return getattr(self, figure)[done - 1] if done else math.nan

    def passes_to(self, f: float) -> float:
        """Return the passes after which f was reached; infinity if it never was."""
        return next((p for p, value in zip(self.passes, self.f, strict=True) if value <= f), math.inf)


class _Recorder(Observer):
    def __init__(self, course: FamilyCourse, counted: Counted, most: float) -> None:
        self._course, self._counted, self._most = course, counted, most

    def begin(self, run: Run, state: State) -> None:
        self._started = time.process_time()

    def epoch(self, report: Report, state: State) -> Stop | None:
        course, counted = self._course, self._counted
        course.seconds.append(time.process_time() - self._started)
        course.passes.append(counted.passes)
        course.products.append(counted.products)
        course.f.append(-report.train.log_likelihood)
        course.train.append(report.train.error)
        course.test.append(report.test.error if report.test else math.nan)
        return Stop("its passes are used up") if counted.passes >= self._most else None


def run_course(name: str, data: str, seed: int, passes: float) -> FamilyCourse:
    """Train one contender on one data set from the start of a seed.

    Raises
    ------
    OptionError
        A name is unknown.
    KeyboardInterrupt
        After Ctrl-C.
    """
    given = {**PROBLEMS[data](seed), **SHARED, **METHODS[name], "seed": seed, "max_epochs": 10**9}
    parts = {each: given.pop(each) for each in (*NetworkData._fields[:6],)}
    settings = Options.from_keywords(**given)
    subject = network_subject(NetworkData(**parts), (None, None, None), None, settings, settings)
    counted, course = Counted(subject.problem), FamilyCourse()
    try:
        result = train_counted(counted, subject, settings, _Recorder(course, counted, passes))
    except NonFiniteError:
        course.failed = f"not finite in epoch {len(course.f) + 1}"
        return course
    if result.interrupted:
        raise KeyboardInterrupt
    return course


@dataclass(frozen=True)
class Family:
    """Courses of all contenders over seeds.

    Attributes
    ----------
    data : str
    passes : float
        The work that each had.
    courses : mapping of str to list of FamilyCourse
    """

    data: str
    passes: float
    courses: Mapping[str, Sequence[FamilyCourse]]

    def table(self) -> str:
        """Return figures at equal work, and the work to reach what the published method reaches; 80 columns."""
        rows = {name: self._row(name) for name in self.courses}
        heads = (f"f at {self.passes:g} passes", "test error", "CPU s", "share")
        return text_table(self.data, heads, rows, (18, 23, 22, 7, 9))

    def _row(self, name: str) -> list[str]:
        of = self.courses[name]
        failed = sum(bool(course.failed) for course in of)
        if failed:
            return [f"{failed} of {len(of)} not finite", "", "", ""]
        f, test = ([course.at(figure, self.passes) for course in of] for figure in ("f", "test"))
        seconds = float(np.median([course.at("seconds", self.passes) for course in of]))
        return [median_and_range(f, ".3g"), median_and_range(test, ".3g"), f"{seconds:.1f}", self._share(name)]

    def _share(self, name: str) -> str:
        """Return the passes to the final f of the published method, as a share of its passes, over the seeds."""
        pairs = zip(self.courses["hessian_free"], self.courses[name], strict=True)
        shares = [other.passes_to(own.at("f", self.passes)) / self.passes for own, other in pairs]
        reached = [share for share in shares if math.isfinite(share)]
        return f"{np.median(shares):.2f}" if len(reached) > len(shares) / 2 else f"{len(reached)} of {len(shares)}"

    def plot(self, path: str | os.PathLike[str]) -> None:
        """Draw f over passes, CPU seconds and epochs: the median over the seeds, with the range shaded.

        Parameters
        ----------
        path : path
            A .png, .svg or .pdf file.
        """
        target, figure = check_target(path), new_figure(13, 5)
        panels = figure.subplots(1, 3, sharey=True)
        for k, (name, courses) in enumerate(self.courses.items()):
            if any(course.failed for course in courses):
                continue
            style: dict[str, Any] = {
                "color": f"C{k % 10}",
                "linestyle": ("-", "--", ":", "-.")[k // 10 % 4],
                "label": name,
            }
            for axes, axis in zip(panels, ("passes", "seconds", "epochs"), strict=True):
                x, low, middle, high = _spread(courses, axis)
                axes.plot(x, middle, **style)
                axes.fill_between(x, low, high, color=style["color"], alpha=0.1, linewidth=0)
        for axes, label in zip(panels, ("passes", "CPU seconds", "epochs"), strict=True):
            axes.set(xlabel=label, yscale="log", xscale="log")
            tidy(axes)
        panels[0].set_ylabel("f of the training cases, median and range")
        panels[2].legend(frameon=False, fontsize=7, loc="center left", bbox_to_anchor=(1, 0.5))
        save(figure, target)


def _spread(courses: Sequence[FamilyCourse], axis: str) -> tuple[Any, ...]:
    """Return points of an axis, and there the least, median and largest f over the seeds."""
    given = [range(1, len(each.f) + 1) if axis == "epochs" else getattr(each, axis) for each in courses]
    x = np.geomspace(max(some[0] for some in given), min(some[-1] for some in given), 60)
    f = np.array(
        [
            np.array(each.f)[np.searchsorted(some, x * (1 + 1e-9), side="right") - 1]
            for each, some in zip(courses, given, strict=True)
        ]
    )
    return x, f.min(axis=0), np.median(f, axis=0), f.max(axis=0)


def study(
    data: str,
    names: Sequence[str],
    seeds: Sequence[int],
    passes: float,
    journal: str | os.PathLike[str] | None,
    tell: Callable[[str], None],
) -> Family:
    """Run every contender for every seed, or take its course from the journal.

    Raises
    ------
    OptionError
        A name is unknown.
    ArgumentError
        The journal cannot be read or written.
    """
    for kind, name, known in [("data", data, PROBLEMS), *(("methods", each, METHODS) for each in names)]:
        if name not in known:
            raise OptionError(kind, expected="one of " + ", ".join(known), got=repr(name))
    kept, courses = Journal(journal), dict[str, list[FamilyCourse]]()
    for name in dict.fromkeys(["hessian_free", *names]):
        for seed in seeds:
            settings = {"study": "compare", "method": name, "data": data, "seed": seed, "passes": passes}
            known = kept.found(settings)
            course = FamilyCourse(**known) if known else run_course(name, data, seed, passes)
            if not known:
                kept.add(settings, asdict(course))
            courses.setdefault(name, []).append(course)
            tell(f"{data}, {name}, seed {seed}: f {course.at('f', passes):.4g} {course.failed}".rstrip())
    return Family(data, passes, courses)
