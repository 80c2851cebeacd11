"""The learned rule for λ and M against fixed ones and the published loop, on fresh tasks and on other kinds of tasks.

Gaps are f - f* after a step, the mean over test tasks unless said otherwise. The best λ of a fixed rule is the one on a
grid with the smallest mean gap after the last step on these same test tasks, so it is chosen in hindsight.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from hf_matlab_compat.kinds import check, whole
from hf_matlab_compat.plots.canvas import check_target, new_figure, save, tidy
from hf_matlab_compat.problem import Cases, Gradient
from hf_matlab_compat.state import Score
from hf_matlab_compat.studies.learned_rule import CG_STEPS, STEPS, Fixed, Learned, Rule, Step, descend, meta_train
from hf_matlab_compat.studies.logistic_tasks import Kind, Tasks
from hf_matlab_compat.studies.tables import text_table
from hf_matlab_compat.training import train

Gaps = NDArray[Any]
TEST_SEED = 1_000_000
ROUNDING = 1e-14
KEPT = (100, 300, 600)
GRID = 10.0 ** np.arange(-6, 1.25, 0.25)
FIRST_LAMBDAS = (1.0, 1e-1, 1e-2, 1e-3, 1e-4)
Tell = Callable[[str], None]
Change = Callable[[Any, Any], tuple[Any, Any]]
HALVES: Mapping[str, Change] = {
    "its M, λ = 0": lambda lam, M: (0 * lam, M),
    "its λ, M = 1": lambda lam, M: (lam, np.ones_like(M)),
}
"""The trained rule with one of its two parts taken away."""


class Setting(NamedTuple):
    """A kind of tasks, and how long they are trained."""

    kind: Kind = Kind()
    steps: int = STEPS
    cg_steps: int = CG_STEPS


SEEN = Kind()
OTHERS: Mapping[str, Setting] = {
    "as trained": Setting(),
    "5 weights, 30 cases": Setting(Kind(5, 30)),
    "20 weights, 120 cases": Setting(Kind(20, 120)),
    "40 weights, 240 cases": Setting(Kind(40, 240)),
    "10 weights, 600 cases": Setting(Kind(10, 600)),
    "equal scales": Setting(replace(SEEN, low=0.0, high=0.0)),
    "scales 10^(-3, 2)": Setting(replace(SEEN, low=-3.0, high=2.0)),
    "ridge 1e-5": Setting(replace(SEEN, ridge=1e-5)),
    "ridge 1e-1": Setting(replace(SEEN, ridge=1e-1)),
    "16 steps": Setting(steps=16),
    "64 steps": Setting(steps=64),
    "1 CG step": Setting(cg_steps=1),
    "2 CG steps": Setting(cg_steps=2),
    "10 CG steps": Setting(cg_steps=10),
}


class Bench:
    """Test tasks of a setting with their least f."""

    def __init__(self, setting: Setting, count: int) -> None:
        self.setting, self._count = setting, count
        self.tasks = Tasks.draw([np.random.default_rng(TEST_SEED)], count, setting.kind)
        self.least = self.tasks.least()

    def gaps(self, rule: Any) -> Gaps:
        """Return f - f* of a new rule, (1, T, steps)."""
        with np.errstate(all="ignore"):  # a rule may diverge; its gaps are then large, infinite or NaN
            taken = descend(np, self.tasks, rule, self.setting.steps, self.setting.cg_steps)
        return np.stack([step.f[..., 0, 0] - self.least for step in taken], axis=-1)

    def learned(self, weights: NDArray[Any], change: Change = lambda lam, M: (lam, M)) -> Gaps:
        """Return the gaps of a learned rule for each seed, (S, T, steps); its λ and M may be changed."""

        def changed(rule: Rule) -> Rule:
            return lambda at: change(*rule(at))

        return np.concatenate([self.gaps(changed(Learned(np, each[None]))) for each in weights])

    def best_fixed(self, power: float) -> tuple[float, Gaps]:
        """Return λ with the smallest mean gap after the last step, and its gaps, (1, T, steps)."""
        found = {float(lam): self.gaps(Fixed(float(lam), power)) for lam in GRID}
        best = min(found, key=lambda lam: np.nan_to_num(found[lam][..., -1].mean(), nan=np.inf))
        return best, found[best]

    def published(self, max_cg_steps: int, tell: Tell) -> tuple[float, Gaps]:
        """Return the same of this package's loop by the first λ, which Levenberg and Marquardt's rule then adapts."""
        found = {}
        for lam in FIRST_LAMBDAS:
            tell(f"the published loop with at most {max_cg_steps} CG steps, first lambda {lam:g} ...")
            found[lam] = np.array([[self._trained(task, lam, max_cg_steps) for task in range(self._count)]])
        best = min(found, key=lambda lam: found[lam][..., -1].mean())
        return best, found[best]

    def _trained(self, task: int, lam: float, max_cg_steps: int) -> Gaps:
        problem = OneTask(self.tasks, task)
        given: dict[str, Any] = {"initial_lam": lam, "max_cg_steps": max_cg_steps, "precision": "double"}
        result = train(problem=problem, initial_theta=np.zeros(problem.num_parameters), max_epochs=STEPS, **given)
        return -np.asarray(result.history["train_log_likelihood"]) - self.least[0, task]


class OneTask:
    """One task as a `Problem` of this package."""

    num_chunks = 1

    def __init__(self, tasks: Tasks, number: int) -> None:
        one = slice(number, number + 1)
        self._tasks = Tasks(tasks.X[:, one], tasks.y[:, one], tasks.ridge)
        self.num_parameters = tasks.X.shape[-1]

    def score(self, theta: Any, on: Cases) -> Score:
        """See `Problem`; the error is the share of wrong labels."""
        p = 0.5 * (1 + np.tanh(self._tasks.X @ self._column(theta) / 2))
        at = self._tasks.at(np, self._column(theta))
        return Score(log_likelihood=-at.f.item(), error=float(np.mean((p > 0.5) != self._tasks.y)))

    def gradient(self, theta: Any, on: Cases) -> Gradient:
        """See `Problem`."""
        at = self._tasks.at(np, self._column(theta))
        return Gradient(-at.g.ravel(), -at.f.item(), full_squared=at.squares.ravel())

    def curvature(self, theta: Any, on: Cases, gradient: Gradient) -> _Curvature:
        """See `Problem`."""
        return _Curvature(self._tasks.product(self._tasks.at(np, self._column(theta)), 0.0), gradient.full_squared)

    @staticmethod
    def _column(theta: Any) -> Any:
        return theta.reshape(1, 1, -1, 1)


@dataclass(frozen=True)
class _Curvature:
    product: Callable[[Any], Any]
    squares: Any

    def __call__(self, v: Any) -> Any:
        return self.product(v.reshape(1, 1, -1, 1)).ravel()

    def diagonal(self, lam: float) -> Any:
        return self.squares + lam


@dataclass(frozen=True)
class Found:
    """The figures of the study.

    Attributes
    ----------
    fixed, learned, halves : dict of str to (S, T, steps) array
        Gaps of the rules that do not learn, in the order of the table; by number of meta-steps; and see `HALVES`.
    others : dict of str to five floats
        Kind of tasks to mean gap after the last step: plain CG, Martens' preconditioner, and the learned rule's
        median, least and largest over seeds.
    weights : (S, SIZE) array
        Of the trained rule.
    """

    fixed: dict[str, Gaps]
    learned: dict[str, Gaps]
    halves: dict[str, Gaps]
    others: dict[str, tuple[float, ...]]
    weights: NDArray[Any]

    def text(self) -> str:
        """Return four tables."""
        rows = {**self.fixed, **self.learned, **self.halves}
        by_step = {name: [_short(x) for x in _over_seeds(gaps)] for name, gaps in rows.items()}
        last = {name: _last(gaps) for name, gaps in rows.items()}
        others = {name: [_short(x) for x in each] for name, each in self.others.items()}
        rules = ["plain CG", "Martens", "learned", "from", "to"]
        return "\n\n".join([
            text_table("mean after", [f"step {k}" for k in range(1, STEPS + 1)], by_step, (16, *[8] * STEPS)),
            text_table(f"after step {STEPS}", ["median", "from", "to", "median task"], last, (24, *[14] * 4)),
            text_table("after the last step", rules, others, (24, *[11] * 5)),
            text_table("learned, first seed", *self._choices(), (24, *[14] * 3)),
        ])  # fmt: skip

    @property
    def martens(self) -> float:
        """Mean gap of Martens' preconditioner after the last step."""
        return float(self.fixed[next(name for name in self.fixed if "Martens" in name)][..., -1].mean())

    def reaches_its_marks(self) -> bool:
        """Return whether the median seed's gap is at most 1e-3 of its untrained gap and twice that of Martens."""
        ends = [np.median(gaps[..., -1].mean(axis=1)) for gaps in self.learned.values()]
        return bool(ends[-1] <= 1e-3 * ends[0] and ends[-1] <= 2 * self.martens)

    def plot(self, path: str | os.PathLike[str]) -> None:
        """Draw the gaps by step, and the learned M against mean squared gradients."""
        target, figure = check_target(path), new_figure(5, 7)
        upper, lower = figure.subplots(2, 1)
        steps = np.arange(1, STEPS + 1)
        for name, gaps in {**self.fixed, **self.learned}.items():
            (line,) = upper.plot(steps, _over_seeds(gaps), "--" if name in self.fixed else "-", label=name)
            ends = gaps.mean(axis=1)  # the band: all seeds
            upper.fill_between(steps, ends.min(axis=0), ends.max(axis=0), color=line.get_color(), alpha=0.15)
        upper.set(xlabel="step", ylabel="mean gap f - f*", yscale="log")
        upper.legend(frameon=False, fontsize=8)
        for k, step in self._shown().items():
            label = f"step {k}: power {_power(step.before.squares, step.M):.2f}"
            lower.plot(step.before.squares.ravel(), step.M.ravel(), ".", markersize=2, label=label)
        lower.set(
            xlabel="mean squared gradient of a weight", ylabel="learned M, first seed", xscale="log", yscale="log"
        )
        lower.legend(frameon=False, fontsize=8)
        for axes in (upper, lower):
            tidy(axes)
        save(figure, target)

    def _choices(self) -> tuple[list[str], dict[str, list[str]]]:
        shown = self._shown()
        rows = {
            "M's power of squares": [f"{_power(step.before.squares, step.M):.2f}" for step in shown.values()],
            "lambda, median task": [_short(float(np.median(step.lam))) for step in shown.values()],
        }
        return [f"step {k}" for k in shown], rows

    def _shown(self) -> dict[int, Step]:
        """Return some steps of the first seed's rule on test tasks, by number."""
        taken = descend(np, Bench(Setting(), 200).tasks, Learned(np, self.weights[:1]))
        return {k: taken[k - 1] for k in (1, 4, STEPS)}


def study(meta_steps: int, seeds: int, test_tasks: int, tell: Tell) -> Found:
    """Train the rule from `seeds` starts, and measure it beside the others on `test_tasks` tasks of each kind.

    Raises
    ------
    OptionError
        One of the three is below 1, or autograd is not installed.
    """
    check(whole(1), meta_steps=meta_steps, seeds=seeds, test_tasks=test_tasks)
    keep = sorted({0, meta_steps, *(k for k in KEPT if k < meta_steps)})
    weights = meta_train(range(seeds), meta_steps, keep, tell)
    bench = Bench(Setting(), test_tasks)
    fixed = {}
    for name, power in {"plain": 0.0, "Martens": 0.75}.items():
        lam, gaps = bench.best_fixed(power)
        fixed[f"{name} λ {_short(lam)}"] = gaps
    for most in (CG_STEPS, 250):
        lam, gaps = bench.published(most, tell)
        fixed[f"HF-{most} λ {_short(lam)}"] = gaps
    learned = {f"learned {k}" if k else "untrained": bench.learned(weights[k]) for k in keep}
    halves = {name: bench.learned(weights[meta_steps], change) for name, change in HALVES.items()}
    others = {}
    for name, setting in OTHERS.items():
        tell(f"{name} ...")
        others[name] = _beside(Bench(setting, test_tasks), weights[meta_steps])
    return Found(fixed, learned, halves, others, weights[meta_steps])


def _beside(bench: Bench, weights: NDArray[Any]) -> tuple[float, ...]:
    learned = bench.learned(weights)[..., -1].mean(axis=1)
    fixed = (float(bench.best_fixed(power)[1][..., -1].mean()) for power in (0.0, 0.75))
    return (*fixed, float(np.median(learned)), float(learned.min()), float(learned.max()))


def _over_seeds(gaps: Gaps) -> NDArray[Any]:
    return np.median(gaps.mean(axis=1), axis=0)


def _last(gaps: Gaps) -> list[str]:
    ends = gaps[..., -1].mean(axis=1)
    return [_short(x) for x in (np.median(ends), ends.min(), ends.max(), np.median(gaps[..., -1]))]


def _power(squares: NDArray[Any], M: NDArray[Any]) -> float:
    """Return the exponent of M as a power of the squares, by least squares."""
    return float(np.polyfit(np.log(squares.ravel()), np.log(M.ravel()), 1)[0])


def _short(x: float) -> str:
    """Return a number with two digits, 4.1e-2; below 1e-14 it is rounding."""
    if x < ROUNDING:
        return "<1e-14"
    mantissa, _, exponent = f"{x:.1e}".partition("e")
    return f"{mantissa}e{int(exponent)}" if exponent else mantissa
