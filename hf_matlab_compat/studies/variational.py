"""The study of variational inference on linear regression, whose best approximation is known exactly.

Notation
--------
y = X w + noise;  w ~ N(0, I);  Λ, m : precision and mean of the exact posterior of w
The best q with independent coordinates has mean m and variances 1 / Λ_jj, and its ELBO is below the log evidence by
½ (Σ ln Λ_jj - ln |Λ|).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hf_matlab_compat.studies.tables import median_and_range, text_table
from hf_matlab_compat.training import train
from hf_matlab_compat.variational import VariationalProblem, variational_problem

Array = NDArray[Any]

_NOISE = 0.25
"""Variance of the noise."""


NEAR = 0.01
"""A gap that counts as reached."""


@dataclass(frozen=True)
class Regression:
    """Bayesian linear regression with its exact posterior.

    Attributes
    ----------
    X : (N, D) array
    y : (N,) array
    """

    X: Array
    y: Array

    @classmethod
    def drawn(cls, seed: int = 0, N: int = 60, D: int = 5) -> Regression:
        """Return one with correlated inputs."""
        random = np.random.default_rng(seed)
        X = random.standard_normal((N, D)) @ (np.eye(D) + 0.3 * random.standard_normal((D, D)))
        return cls(X, X @ random.standard_normal(D) + np.sqrt(_NOISE) * random.standard_normal(N))

    @property
    def precision(self) -> Array:
        """Λ."""
        return self.X.T @ self.X / _NOISE + np.eye(self.X.shape[1])

    @property
    def mean(self) -> Array:
        """m."""
        return np.linalg.solve(self.precision, self.X.T @ self.y / _NOISE)

    @property
    def log_evidence(self) -> float:
        """The log density of y."""
        D = self.X.shape[1]
        spread = 0.5 * D * np.log(2 * np.pi) - 0.5 * np.linalg.slogdet(self.precision)[1]
        return float(self.log_p(self.mean[:, None])[0] + spread)

    @property
    def best_elbo(self) -> float:
        """The largest ELBO."""
        precision = self.precision
        return float(self.log_evidence - 0.5 * (np.log(np.diag(precision)).sum() - np.linalg.slogdet(precision)[1]))

    def log_p(self, z: Array) -> Array:
        """Return the joint log density of y and the weights z, (D, S), as (S,)."""
        N, D = self.X.shape
        constant = -0.5 * N * np.log(2 * np.pi * _NOISE) - 0.5 * D * np.log(2 * np.pi)
        residuals = self.y[:, None] - self.X @ z
        return constant - 0.5 * (residuals**2).sum(axis=0) / _NOISE - 0.5 * (z**2).sum(axis=0)

    def problem(self, **settings: Any) -> VariationalProblem:
        """Return the variational problem; the settings are those of `variational_problem`."""
        X, y, precision = self.X, self.y, self.precision
        return variational_problem(
            self.log_p,
            X.shape[1],
            gradient=lambda z: X.T @ (y[:, None] - X @ z) / _NOISE - z,
            product=lambda z, v: -precision @ v,
            vectorised=True,
            **settings,
        )

    def gap(self, theta: Array) -> float:
        """Return how far the exact ELBO of q is below the best."""
        mean, s = np.split(theta, 2)
        entropy = 0.5 * s.sum() + 0.5 * s.size * (1 + np.log(2 * np.pi))
        spread = 0.5 * np.diag(self.precision) @ np.exp(s)
        return float(self.best_elbo - (entropy + self.log_p(mean[:, None])[0] - spread))


@dataclass(frozen=True)
class Fit:
    """A run with one seed of the draws.

    Attributes
    ----------
    gap : float
        To the best ELBO.
    of_mean : float
        Largest error of a coordinate of the mean.
    steps : int
        Hessian-free: epochs until its own ELBO is within 1e-6 of its last; Adam: updates.
    seconds : float
        CPU seconds of the whole run.
    """

    gap: float
    of_mean: float
    steps: int
    seconds: float


_EPOCHS, _UPDATES = 16, 100
_RATE = 0.01
_WIDE = {"initial_sd": 1.0}
_ADAM: dict[str, Any] = {"draws": 4, "fresh": True, "updates": _UPDATES}
_ROUTES: tuple[tuple[str, int, dict[str, Any]], ...] = (
    *((f"Hessian-free, {S} fixed", 0, {"draws": S}) for S in (10, 100, 1000)),
    *((f"Hessian-free, {S} matched", 0, {"draws": S, "matched": True}) for S in (10, 100)),
    *((f"Adam, 4 fresh, {updates} updates", updates, _ADAM) for updates in (500, 1000, 2000)),
    ("Hessian-free, 1000, wide", 0, {"draws": 1000, **_WIDE}),
    ("Adam, 2000 updates, wide", 2000, {**_ADAM, **_WIDE}),
)
"""Name, updates of Adam or 0 for Hessian-free, and settings of the problem."""


def fits(regression: Regression, seeds: Sequence[int], tell: Callable[[str], None]) -> dict[str, list[Fit]]:
    """Return a run for each seed, by route."""
    found: dict[str, list[Fit]] = {}
    for name, updates, settings in _ROUTES:
        tell(f"{name} ...")
        problems = [regression.problem(**settings, seed=seed) for seed in seeds]
        adam = {"method": "adam", "learning_rate": _RATE} if updates else {}
        found[name] = [_fit(regression, each, updates // _UPDATES or _EPOCHS, **adam) for each in problems]
    return found


def _fit(regression: Regression, problem: VariationalProblem, epochs: int, **options: Any) -> Fit:
    began = time.process_time()
    result = train(problem=problem, max_epochs=epochs, num_threads=1, **options)
    seconds = time.process_time() - began
    reached = np.asarray(result.history["train_log_likelihood"])
    steps = epochs * _UPDATES if options else int(np.argmax(reached > reached[-1] - 1e-6)) + 1
    of_mean = float(np.abs(np.split(result.theta, 2)[0] - regression.mean).max())
    return Fit(regression.gap(result.theta), of_mean, steps, seconds)


def table(regression: Regression, found: dict[str, list[Fit]]) -> str:
    """Return the runs as a table."""
    rows = {
        name: [
            median_and_range([abs(round(run.gap, 9)) for run in runs], ".3f"),
            f"{sum(run.gap < NEAR for run in runs)}/{len(runs)}",
            f"{np.median([run.of_mean for run in runs]):.0e}",
            f"{np.median([run.steps for run in runs]):.0f}",
            f"{np.median([run.seconds for run in runs]):.2f}",
        ]
        for name, runs in found.items()
    }
    count = len(next(iter(found.values())))
    evidence, best = regression.log_evidence, regression.best_elbo
    title = f"Linear regression: log evidence {evidence:.4f}, best ELBO {best:.4f}, {count} seed{'s' * (count > 1)}"
    columns = ["gap to the best ELBO", f"< {NEAR:g}", "mean", "steps", "CPU s"]
    return f"{title}\n{text_table('', columns, rows, (27, 24, 8, 7, 7, 7))}"


def is_met(found: dict[str, list[Fit]]) -> bool:
    """Return whether a thousand fixed draws give the exact mean and, for the median seed, an ELBO near the best."""
    runs = found["Hessian-free, 1000 fixed"]
    return max(run.of_mean for run in runs) < 1e-9 and float(np.median([run.gap for run in runs])) < NEAR
