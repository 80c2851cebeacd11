"""The study of variational inference on a small network: ELBO over work, and the spread of its predictions.

The network has 1-12-1 units on 40 cases of sin 2x with a gap between them. Hamiltonian Monte Carlo (Neal 2011) on the
same posterior shows what an approximation with independent coordinates leaves out.
"""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hf_matlab_compat.network_problem import NetworkProblem, feedforward
from hf_matlab_compat.observers.observer import Observer, Stop
from hf_matlab_compat.plots.canvas import check_target, new_figure, save, tidy
from hf_matlab_compat.problem import Cases
from hf_matlab_compat.studies.counting import Counted
from hf_matlab_compat.studies.tables import median_and_range, text_table
from hf_matlab_compat.training import train
from hf_matlab_compat.variational import VariationalProblem, variational_problem

Array = NDArray[Any]

_HIDDEN, _NOISE, _N = 12, 0.1, 40
_SCALE = _N / (2 * _NOISE**2)
_CONSTANT = -0.5 * _N * math.log(2 * math.pi * _NOISE**2)
IN_GAP, AT_DATA = 0.0, 1.5
"""Inputs at which spreads are compared."""

ROUTES: Mapping[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "Hessian-free, 20 fixed": ({"draws": 20}, {"max_cg_steps": 30}),
    "Hessian-free, 200 fixed": ({"draws": 200}, {"max_cg_steps": 30}),
    "Hessian-free, 50 fresh": ({"draws": 50, "fresh": True}, {"max_cg_steps": 30}),
    "Adam, 4 fresh": ({"draws": 4, "fresh": True, "updates": 100}, {"method": "adam", "learning_rate": 0.01}),
}
"""Settings of the problem and of `train`."""


def network_problem() -> NetworkProblem:
    """Return the network on its 40 cases, without weight decay."""
    random = np.random.default_rng(0)
    x = np.concatenate([random.uniform(-2, -0.7, _N // 2), random.uniform(0.7, 2, _N // 2)])[None]
    y = np.sin(2 * x) + _NOISE * random.standard_normal(x.shape)
    return feedforward(x, y, hidden_sizes=[_HIDDEN], unit_types=["tanh", "linear"], faithful=False)


def outputs(Z: Array, x: Array) -> Array:
    """Return the outputs of the network for parameters Z, (K, P), at inputs (n,), as (K, n)."""
    W, b, V, c = np.split(Z, [_HIDDEN, 2 * _HIDDEN, 3 * _HIDDEN], axis=1)
    hidden = np.tanh(W[:, :, None] * x + b[:, :, None])
    return np.einsum("kh,khn->kn", V, hidden) + c


def hamiltonian(net: NetworkProblem, seed: int, passes: float, steps: int = 40) -> Array:
    """Return draws from the exact posterior, (K, P); the first third of the work sets the step length."""
    random, log_step, count = np.random.default_rng(seed), math.log(0.004), int(passes) // steps

    def at(z: Array) -> tuple[float, Array]:
        g = net.gradient(z, Cases())
        return _SCALE * float(g.log_likelihood) - 0.5 * float(z @ z), _SCALE * g.full - z

    z = random.standard_normal(net.num_parameters)
    (value, slope), kept = at(z), []
    for k in range(count):
        p = random.standard_normal(z.size)
        step = math.exp(log_step) * random.uniform(0.8, 1.2)
        new, before, new_value, new_slope = z, value - 0.5 * float(p @ p), value, slope
        for _ in range(steps):  # leapfrog
            p = p + 0.5 * step * new_slope
            new = new + step * p
            new_value, new_slope = at(new)
            p = p + 0.5 * step * new_slope
        change = new_value - 0.5 * float(p @ p) - before
        if math.log(random.random()) < change:
            z, value, slope = new, new_value, new_slope
        if k < count // 3:
            log_step += 0.05 * (math.exp(min(change, 0.0)) - 0.8)
        else:
            kept.append(z)
    return np.array(kept)


@dataclass(frozen=True)
class Course:
    """A run: what it reached, and how.

    Attributes
    ----------
    passes : list of float
        Passes through the network after each noted epoch.
    elbos : list of float
        On fresh draws, at the same epochs.
    own : float
        The last ELBO on the run's own draws.
    error : float
        Standard error of the last of `elbos`.
    seconds : float
        CPU seconds, without those of the estimates.
    draws : (K, P) array
        From the q that was found.
    """

    passes: Sequence[float]
    elbos: Sequence[float]
    own: float
    error: float
    seconds: float
    draws: Array


class _Noting(Observer):
    """Notes θ at passes that grow by a tenth, and ends the run when the work is done."""

    def __init__(self, counted: Counted, most: float) -> None:
        self._counted, self._most = counted, most
        self.noted: list[tuple[float, Array]] = []

    def epoch(self, report: Any, state: Any) -> Stop | None:
        """Note θ, or end the run."""
        passes = self._counted.passes
        if not self.noted or passes > 1.1 * self.noted[-1][0] or passes >= self._most:
            self.noted.append((passes, np.array(state.theta)))
        return Stop("the work is done") if passes >= self._most else None


def course(route: str, seed: int, passes: float) -> Course:
    """Run one route for an amount of work, in passes through the network."""
    net = network_problem()
    start = np.random.default_rng(seed).standard_normal(net.num_parameters)
    given, options = ROUTES[route]

    def of(model: Any) -> VariationalProblem:
        return variational_problem(model, prior_sd=1.0, scale=_SCALE, initial_mean=start, seed=seed, **given)

    counted = Counted(net)
    noting, began = _Noting(counted, passes), time.process_time()
    result = train(problem=of(counted), observers=[noting], max_epochs=10**6, num_threads=1, **options)
    seconds = time.process_time() - began
    judged = [of(net).posterior(theta, draws=400, seed=1) for _, theta in noting.noted]
    own = float(result.history["train_log_likelihood"][-1]) + _CONSTANT
    elbos = [each.elbo + _CONSTANT for each in judged]
    work = [done for done, _ in noting.noted]
    return Course(work, elbos, own, judged[-1].standard_error, seconds, judged[-1].draws(500))


@dataclass(frozen=True)
class NetStudy:
    """Runs of all routes over seeds, and draws from the exact posterior by Monte Carlo.

    Attributes
    ----------
    courses : mapping
        Route → runs.
    exact : list of (K, P) arrays
        One for each chain.
    passes : float
        Work of each run and chain.
    """

    courses: Mapping[str, Sequence[Course]]
    exact: Sequence[Array]
    passes: float

    def table(self) -> str:
        """Return what each route reached, and the spread of its predictions."""
        rows = {
            name: [
                f"{np.median([run.own for run in runs]):.1f}",
                median_and_range([run.elbos[-1] for run in runs], ".1f"),
                f"{np.median([run.seconds for run in runs]):.1f}",
                *_spreads([run.draws for run in runs]),
            ]
            for name, runs in self.courses.items()
        }
        rows["Hamiltonian Monte Carlo"] = ["-", "-", "-", *_spreads(self.exact)]
        columns = ["own ELBO", "ELBO on fresh draws", "CPU s", "gap", "data"]
        count = len(next(iter(self.courses.values())))
        runs = f"{count} seed{'s' * (count > 1)}"
        title = f"Net 1-{_HIDDEN}-1, {runs}, {self.passes:.0f} passes each; standard deviation of the output in"
        title += f"\nthe gap of the data (x = {IN_GAP:g}) and at data (x = {AT_DATA:g})"
        return f"{title}\n{text_table('', columns, rows, (24, 10, 27, 7, 6, 6))}"

    def plot(self, path: str | os.PathLike[str]) -> None:
        """Draw ELBO over work, and predictions with their spread beside those of the exact posterior.

        Parameters
        ----------
        path : path
            A .png, .svg or .pdf file.
        """
        target, figure = check_target(path), new_figure(7, 8)
        upper, lower = figure.subplots(2, 1)
        best = max(run.elbos[-1] for runs in self.courses.values() for run in runs)
        lowest = best - 170
        for k, (name, runs) in enumerate(self.courses.items()):
            last = float(np.median([run.elbos[-1] for run in runs]))
            title = name if last > lowest else f"{name} (ends at {last:.0f})"
            for run in runs:
                label = title if run is runs[0] else None
                upper.plot(run.passes, run.elbos, color=f"C{k}", linewidth=1.2, label=label)
        upper.set(xscale="log", ylim=(lowest, best + 10), xlabel="passes through the network")
        upper.set(ylabel="ELBO on fresh draws", title="Lower bound on the log evidence, over work")
        upper.legend(frameon=False, fontsize=9, loc="upper left")
        x, net = np.linspace(-2.5, 2.5, 201), network_problem()
        runs = self.courses["Hessian-free, 200 fixed"]
        pairs = (("exact posterior (Monte Carlo)", self.exact[0], "0.5"), ("normal approximation", runs[0].draws, "C1"))
        for label, Z, colour in pairs:
            made = outputs(Z, x)
            mean, sd = made.mean(axis=0), made.std(axis=0)
            lower.fill_between(x, mean - 2 * sd, mean + 2 * sd, color=colour, alpha=0.3, linewidth=0)
            lower.plot(x, mean, color=colour, label=label)
        lower.plot(net.cases.inputs[0], net.cases.targets[0], "k.", label="data")
        lower.set(xlabel="x", ylabel="output", title="Mean of the output ± 2 standard deviations", ylim=(-2.2, 2.2))
        lower.legend(frameon=False, fontsize=9, loc="upper center")
        for axes in (upper, lower):
            tidy(axes)
        save(figure, target)


def _spreads(draws: Sequence[Array]) -> list[str]:
    """Return the standard deviation of the output in the gap and at the data, medians over runs."""
    made = [outputs(Z, np.array([IN_GAP, AT_DATA])).std(axis=0) for Z in draws]
    return [f"{value:.2f}" for value in np.median(made, axis=0)]


def study(seeds: Sequence[int], passes: float, tell: Callable[[str], None]) -> NetStudy:
    """Run all routes for every seed, and as many chains of Hamiltonian Monte Carlo, each for the same work."""
    courses: dict[str, list[Course]] = {}
    for name in ROUTES:
        for seed in seeds:
            tell(f"{name}, seed {seed} ...")
            courses.setdefault(name, []).append(course(name, seed, passes))
    exact = []
    for seed in seeds:
        tell(f"Hamiltonian Monte Carlo, seed {seed} ...")
        exact.append(hamiltonian(network_problem(), seed, passes))
    return NetStudy(courses, exact, passes)
