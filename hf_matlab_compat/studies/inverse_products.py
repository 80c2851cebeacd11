"""Inverse curvature products by series and sampling, on logistic regression: what they cost and how far they are off.

Notation
--------
f = -ll, weight decay included;  f* : its least value;  H : Hessian of f;  c : scale, ¼ + weight decay, as |x| ≤ 1
(S₁, S₂) : LiSSA with S₁ chains of S₂ terms;  γ : share of the series of roulette that go on after each term
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hf_matlab_compat.backends.arrays import Vector
from hf_matlab_compat.kinds import check, whole
from hf_matlab_compat.methods.lissa import LiSSA, Parts
from hf_matlab_compat.methods.minibatch import GradientDescent
from hf_matlab_compat.plots.canvas import check_target, new_figure, save, tidy
from hf_matlab_compat.problem import Cases
from hf_matlab_compat.solvers.flexible_cg import FlexibleCG
from hf_matlab_compat.solvers.inverse_series import Roulette, neumann
from hf_matlab_compat.studies.logistic_regression import LogisticRegression, drawn_problem, least_value
from hf_matlab_compat.studies.tables import text_table
from hf_matlab_compat.training import train

STEPS = (1, 2, 3, 5, 8)
DEPTH, CHAINS = 100, (1, 10, 100, 1000)
GAMMAS = (0.97, 0.99)
DESCENT, STEEP = "GD, rate 1/c", "GD, rate 1/l"
"""Gradient descent with the rate that suits every case, and with that of the largest eigenvalue l of H at the start."""
FORMS = {"cumulative": True, "single term": False}
DRAWS = 20_000


NEWTON: Mapping[str, Any] = {
    "solver": FlexibleCG(tolerance=1e-12),
    "damping": "none",
    "preconditioner": "none",
    "line_search": "full_step",
}
"""Options of Hessian-free whose steps are those of Newton's method."""


def gaps(problem: LogisticRegression, start: Vector, steps: int, best: float, **method: Any) -> NDArray[np.float64]:
    """Return f - f* after each step of a method."""
    found = train(problem=problem, initial_theta=start, max_epochs=steps, precision="double", **method)
    return np.maximum(-found.history["train_log_likelihood"] - best, 0.0)


def single_chains(
    problem: LogisticRegression, start: Vector, count: int, depth: int, seed: int = 0
) -> NDArray[np.float64]:
    """Return the steps of this number of single chains of LiSSA, (count, d)."""
    on = Cases(draw=1)
    g = problem.gradient(start, on)
    parts = Parts(problem, start, on, g, 1, seed)
    drawn = parts.drawn(count * depth).reshape(count, depth)
    return np.array([parts.chain(of_chain, g.full, problem.scale) for of_chain in drawn])


def sampling_errors(steps: NDArray[np.float64], mean: Vector) -> dict[int, float]:
    """Return the relative error of the mean of S₁ chains, root mean square over all such means, for each S₁."""

    def error(S1: int) -> float:
        means = steps[: len(steps) // S1 * S1].reshape(-1, S1, len(mean)).mean(axis=1)
        return float(np.sqrt(((means - mean) ** 2).sum(axis=1).mean() / (mean @ mean)))

    return {S1: error(S1) for S1 in CHAINS if len(steps) >= S1}


def deviation(H: NDArray[np.float64], v: Vector, scale: float, rule: Roulette) -> float:
    """Return the standard deviation of one series of roulette, relative to |H⁻¹ v|."""
    t, S = np.linalg.eigh(H)
    solved = S.T @ v / t
    variances = np.array([rule.relative_variance(1 - each / scale) for each in t])
    return float(np.sqrt(variances @ solved**2 / (solved @ solved)))


@dataclass(frozen=True)
class InverseProducts:
    """The figures of the study.

    Attributes
    ----------
    gaps : mapping of str to (seeds, steps) array
        f - f* of every method, after each step.
    passes : mapping of str to float
        Cost of a step: gradients and products on all cases.
    gradient_steps : mapping of str to int
        Steps of gradient descent to f - f* < 1e-12, where they suffice.
    errors : mapping of int to float
        S₁ to the relative error of one step.
    deviations : mapping of str to list of float
        Form of roulette to the standard deviation of one draw, for each of `GAMMAS`.
    means : mapping of str to list of (draws of the mean,) arrays
        Form to relative errors of means of `DRAWS` draws, for each of `GAMMAS`.
    limit : float
        (1 - λ_min / c)².
    curves : mapping of str to (array, array)
        Form to values of γ between the limit and 1, and the deviation at each.
    """

    gaps: Mapping[str, NDArray[np.float64]]
    passes: Mapping[str, float]
    gradient_steps: Mapping[str, int]
    errors: Mapping[int, float]
    deviations: Mapping[str, Sequence[float]]
    means: Mapping[str, Sequence[NDArray[np.float64]]]
    limit: float
    curves: Mapping[str, tuple[NDArray[np.float64], NDArray[np.float64]]]

    def text(self) -> str:
        """Return the tables; 80 columns."""
        return "\n\n".join([self._of_gaps(), self._of_errors(), self._of_roulette()])

    def _of_gaps(self) -> str:
        rows: dict[str, list[str]] = {}
        for name, found in self.gaps.items():
            at = found[:, [step - 1 for step in STEPS]]
            kinds = {"least": at.min(axis=0), "median": np.median(at, axis=0), "largest": at.max(axis=0)}
            if len(at) == 1:
                kinds = {"": at[0]}
            cost = f"{self.passes[name]:.3g}"
            rows |= {f"{name:16} {kind}": [cost, *(f"{x:.0e}" for x in values)] for kind, values in kinds.items()}
        seeds = max(map(len, self.gaps.values()))
        heads = ("passes", *map(str, STEPS))
        title = f"f - f* after step, {seeds} seed{'s' * (seeds > 1)}"
        table = text_table(title, heads, rows, (29, 7, *(8 for _ in STEPS)))
        reached = "; ".join(f"{name}: {count}" for name, count in self.gradient_steps.items())
        passes = "Passes: gradients and products on all cases in a step."
        return f"{table}\n{passes}\nSteps to f - f* < 1e-12: {reached or 'more than 500'}."

    def _of_errors(self) -> str:
        first = self.errors[1]
        rows = {
            "relative error of one step": [f"{x:.3g}" for x in self.errors.values()],
            "times sqrt(S1), to that of S1 = 1": [f"{x * S1**0.5 / first:.2f}" for S1, x in self.errors.items()],
        }
        return text_table(
            f"LiSSA, S2 = {DEPTH}, S1 =", [str(S1) for S1 in self.errors], rows, (36, *(9 for _ in self.errors))
        )

    def _of_roulette(self) -> str:
        rows = {
            f"{form}, gamma {gamma}": [
                f"{self.deviations[form][k]:.3g}",
                f"{np.median(self.means[form][k]):.2%}",
                f"{self.means[form][k].max():.2%}",
            ]
            for form in self.deviations
            for k, gamma in enumerate(GAMMAS)
        }
        heads = ("sd of a draw", "error: median", "largest")
        head = f"Roulette: means of {DRAWS:,}"
        table = text_table(head, heads, rows, (36, 14, 16, 10))
        gamma, cumulative = self.curves["cumulative"]
        last = gamma[self.curves["single term"][1] < cumulative].max(initial=self.limit)
        finite = f"The variance is finite for gamma above {self.limit:.4f}, that of a single term"
        return f"{table}\n{finite}\nthe smaller one up to {last:.3f}."

    def plot(self, path: str | os.PathLike[str]) -> None:
        """Draw gaps over steps, the error over S₁ and the deviations over γ.

        Parameters
        ----------
        path : path
            A .png, .svg or .pdf file.
        """
        target, figure = check_target(path), new_figure(5, 10)
        upper, middle, lower = figure.subplots(3, 1)
        for k, (name, found) in enumerate(self.gaps.items()):
            shown, work = np.maximum(found, 1e-16), self.passes[name] * np.arange(1, found.shape[1] + 1)
            upper.plot(work, np.median(shown, axis=0), ".-", color=f"C{k}", label=name)
            upper.fill_between(work, shown.min(axis=0), shown.max(axis=0), color=f"C{k}", alpha=0.15, linewidth=0)
        upper.set(xlabel="passes over the cases", ylabel="f - f*", yscale="log", xlim=(0, 50), ylim=(1e-17, 1e5))
        upper.set(title="Newton steps, exact and sampled")
        S1 = np.array(list(self.errors))
        middle.loglog(S1, list(self.errors.values()), "o", label="measured")
        middle.loglog(S1, self.errors[1] / S1**0.5, color="0.5", label="that of one chain / √S₁")
        middle.set(xlabel="chains S₁", ylabel="relative error", title=f"One step, S₂ = {DEPTH}")
        for form, (gamma, sd) in self.curves.items():
            lower.semilogy(gamma, sd, label=form)
        lower.axvline(self.limit, color="0.5", linestyle=":", label="finite variance from here")
        lower.set(xlabel="γ", ylabel="relative standard deviation", title="Roulette, one draw")
        upper.legend(frameon=False, loc="upper center", ncols=2, fontsize="small")
        for axes in (middle, lower):
            axes.legend(frameon=False)
        for axes in (upper, middle, lower):
            tidy(axes)
        save(figure, target)


def study(seeds: int, chains: int, seed: int, tell: Callable[[str], None]) -> InverseProducts:
    """Run everything on one problem.

    Parameters
    ----------
    seeds : int
        Seeds of LiSSA and of the means of roulette.
    chains : int
        Number of chains for the errors of a step.
    seed : int
        Of the problem.
    tell : callable
        Told of progress.

    Raises
    ------
    OptionError
        There are no seeds, or no chains.
    """
    check(whole(1), seeds=seeds, chains=chains)
    problem, start = drawn_problem(seed)
    best, c, steps = least_value(problem, start), problem.scale, max(STEPS)
    g, H = problem.gradient(start, Cases()).full, problem.hessian(start)
    found = {"Newton": gaps(problem, start, steps, best, **NEWTON)[None]}
    passes = {"Newton": 1.0 + len(start), DESCENT: 1.0, STEEP: 1.0}
    for S1 in (1, 10):
        name = f"LiSSA ({S1}, {LiSSA.depth})"
        tell(f"{name}, {seeds} seeds ...")
        methods = [LiSSA(chains=S1, scale=c, seed=k, line_search=None) for k in range(seeds)]
        found[name] = np.array([gaps(problem, start, steps, best, method=each) for each in methods])
        passes[name] = 1 + S1 * LiSSA.depth / problem.num_cases
    for name, rate in ((DESCENT, 1 / c), (STEEP, float(1 / np.linalg.eigvalsh(H)[-1]))):
        found[name] = gaps(problem, start, 500, best, method=GradientDescent(rate=rate))[None]
    first = {name: np.flatnonzero(found[name][0] < 1e-12) for name in (DESCENT, STEEP)}
    tell(f"{chains} chains of {DEPTH} terms ...")
    single = single_chains(problem, start, chains, DEPTH)
    errors = sampling_errors(single, neumann(lambda v: H @ v, g, DEPTH, c))
    tell("roulette ...")
    limit = float((1 - np.linalg.eigvalsh(H)[0] / c) ** 2)
    between = np.linspace(limit, 1, 200)[5:-1]
    rules = {form: [Roulette(gamma=gamma, cumulative=kind) for gamma in GAMMAS] for form, kind in FORMS.items()}
    sd = {form: [deviation(H, g, c, rule) for rule in each] for form, each in rules.items()}
    means = {form: [roulette_errors(H, g, c, rule, seeds) for rule in each] for form, each in rules.items()}
    curves = {
        form: (between, np.array([deviation(H, g, c, Roulette(gamma=x, cumulative=kind)) for x in between]))
        for form, kind in FORMS.items()
    }
    reached = {name: int(at[0]) + 1 for name, at in first.items() if len(at)}
    return InverseProducts(found, passes, reached, errors, sd, means, limit, curves)


def roulette_errors(H: NDArray[np.float64], v: Vector, scale: float, rule: Roulette, seeds: int) -> NDArray[np.float64]:
    """Return relative errors of means of `DRAWS` series, one for each seed."""
    exact = np.linalg.solve(H, v)
    known = replace(rule, scale=scale, least=float(np.linalg.eigvalsh(H)[0]))
    found = [known(lambda x: H @ x, v, DRAWS, seed) - exact for seed in range(seeds)]
    return np.linalg.norm(found, axis=1) / np.linalg.norm(exact)
