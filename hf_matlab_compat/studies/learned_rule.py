"""A rule for damping and preconditioner that is learned by differentiating the steps that it controls.

Notation
--------
S seeds, T tasks, d weights; arrays are (S or 1, T, …), so that one operation serves all seeds and tasks
w : (…, d, 1);  f, g, H : value, gradient and Hessian of each task;  a step adds p to w, which a few steps of CG from 0
with the diagonal M as preconditioner find for gᵀp + ½ pᵀ(H + λI)p
h : state of a gated recurrent unit (GRU) with 4 units, one unit for λ, and one for M that serves each weight alone
anp : numpy, or autograd.numpy where the steps are differentiated   (Chen 2018, with the nets of a toy)
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from hf_matlab_compat.errors import OptionError
from hf_matlab_compat.studies.logistic_tasks import Array, Kind, Point, Tasks, dot

UNITS, INPUTS = 4, 3  # the third input is the constant 1
SHAPES = ((INPUTS + UNITS, 2 * UNITS), (INPUTS + UNITS, UNITS), (UNITS, 1), (1, 1))  # gates, candidate, o, b
SIZE = 2 * sum(rows * columns for rows, columns in SHAPES)
START = 0.1  # standard deviation of the first weights of the rule
STEPS, CG_STEPS, TASKS = 8, 3, 16
RATE, LARGEST_GRADIENT = 0.01, 1.0
TINY = 1e-30  # keeps logarithms of squares finite


def cg(anp: Any, B: Callable[[Array], Array], g: Array, M: Array, steps: int) -> Array:
    """Return p after `steps` steps of preconditioned CG on B p = -g from 0 (Nocedal & Wright, algorithm 5.3).

    Parameters
    ----------
    anp : module
        numpy or autograd.numpy.
    B : callable
        v → B v, positive definite.
    g, M : (…, d, 1) arrays
        The gradient, and the diagonal of the preconditioner.
    steps : int
        At least 1.
    """
    x, r = 0.0, -g
    y = r / M
    p, ry = y, dot(anp, r, y)
    for k in range(steps):
        Bp = B(p)
        alpha = ry / (dot(anp, p, Bp) + TINY)
        x = x + alpha * p
        if k + 1 < steps:
            r = r - alpha * Bp
            y, before = r / M, ry
            ry = dot(anp, r, y)
            p = y + ry / (before + TINY) * p
    return x


class Rule(Protocol):
    """A rule that chooses the damping and the preconditioner of a step."""

    def __call__(self, at: Point) -> tuple[Array, Array]:
        """Return λ (…, 1, 1) and M (…, d, 1); called once a step, in order."""
        ...


@dataclass(frozen=True)
class Fixed:
    """λ that stays, and M = (mean squared gradient + λ)^power: 0.75 is Martens' preconditioner, 0 is none."""

    lam: float
    power: float

    def __call__(self, at: Point) -> tuple[Array, Array]:
        """See `Rule`."""
        return np.full_like(at.f, self.lam), (at.squares + self.lam) ** self.power


class Learned:
    """The learned rule at its start: λ = exp(5 oᵀh + b - 5), and Mⱼ = exp(5 oᵀhⱼ + b) with one GRU for all j.

    Parameters
    ----------
    anp : module
        numpy or autograd.numpy.
    weights : (S, SIZE) array
        Of both GRUs, a row for each seed.
    """

    def __init__(self, anp: Any, weights: Array) -> None:
        self._xp = anp
        parts, start = [], 0
        for rows, columns in SHAPES * 2:
            stop = start + rows * columns
            parts.append(anp.reshape(weights[:, start:stop], (-1, 1, rows, columns)))
            start = stop
        self._damping, self._diagonal = parts[: len(SHAPES)], parts[len(SHAPES) :]
        self._h, self._hs = 0.0, 0.0

    def __call__(self, at: Point) -> tuple[Array, Array]:
        """See `Rule`."""
        log = self._xp.log
        norm, own = log(dot(self._xp, at.g, at.g) + TINY) / 2, log(at.g * at.g + TINY) / 2
        self._h, lam = self._advance(self._damping, (norm / 3, log(at.f) / 3), self._h)
        self._hs, M = self._advance(self._diagonal, (own / 5, log(at.squares + TINY) / 5), self._hs)
        return self._xp.exp(lam - 5), self._xp.exp(M)

    def _advance(self, net: list[Array], inputs: tuple[Array, Array], h: Array) -> tuple[Array, Array]:
        """Return the next state (…, 4) of a GRU, and 5 oᵀh + b (…, 1)."""
        anp, (gates, candidate, o, b) = self._xp, net
        one = np.ones(np.shape(inputs[0]))
        if isinstance(h, float):
            h = np.zeros((*one.shape[:-1], UNITS))
        both = 0.5 * (1 + anp.tanh(anp.concatenate([*inputs, one, h], axis=-1) @ gates / 2))
        update, reset = both[..., :UNITS], both[..., UNITS:]
        new = anp.tanh(anp.concatenate([*inputs, one, reset * h], axis=-1) @ candidate)
        h = h + update * (new - h)
        return h, 5 * (h @ o) + b


class Step(NamedTuple):
    """One step: the λ and M it took, the figures before it, and f after it."""

    lam: Array
    M: Array
    before: Point
    f: Array


def descend(anp: Any, tasks: Tasks, rule: Rule, steps: int = STEPS, cg_steps: int = CG_STEPS) -> list[Step]:
    """Minimise f of every task from w = 0, without a line search.

    Parameters
    ----------
    anp : module
        numpy or autograd.numpy.
    tasks : Tasks
        The batch.
    rule : Rule
        A new one.
    steps, cg_steps : int
        Steps, and CG steps within each.
    """
    w: Array = np.zeros((*tasks.X.shape[:2], tasks.X.shape[-1], 1))
    at, taken = tasks.at(anp, w), []
    for _ in range(steps):
        lam, M = rule(at)
        w = w + cg(anp, tasks.product(at, lam), at.g, M, cg_steps)
        after = tasks.at(anp, w)
        taken.append(Step(lam, M, at, after.f))
        at = after
    return taken


def meta_loss(anp: Any, weights: Array, tasks: Tasks) -> Array:
    """Return the mean of ln f over steps and tasks, summed over seeds, so that each seed has its own gradient."""
    taken = descend(anp, tasks, Learned(anp, weights))
    return sum(anp.sum(anp.log(step.f)) for step in taken) / (len(taken) * tasks.X.shape[1])


def first_weights(seeds: Sequence[int]) -> NDArray[Any]:
    """Return random weights of the rule, (S, SIZE); both b are 0."""
    weights = np.array([START * np.random.default_rng([seed, 0]).standard_normal(SIZE) for seed in seeds])
    weights[:, [SIZE // 2 - 1, SIZE - 1]] = 0
    return weights


def meta_train(
    seeds: Sequence[int],
    steps: int,
    keep: Collection[int],
    tell: Callable[[str], None],
) -> dict[int, NDArray[Any]]:
    """Train the rule by Adam on fresh tasks, through all outer and CG steps in reverse mode.

    Parameters
    ----------
    seeds : sequence of int
        A seed's result does not depend on the others.
    steps : int
        Meta-steps.
    keep : collection of int
        Meta-steps after which the weights are kept.
    tell : callable
        Called with a line of progress.

    Returns
    -------
    dict of int to (S, SIZE) array
        Number of meta-steps to weights.

    Raises
    ------
    OptionError
        autograd is not installed.
    """
    anp, value_and_grad = _autograd()
    objective = value_and_grad(lambda weights, tasks: meta_loss(anp, weights, tasks))
    weights, streams = first_weights(seeds), [np.random.default_rng([seed, 1]) for seed in seeds]
    mean, square, kept = np.zeros_like(weights), np.zeros_like(weights), {}
    for k in range(steps + 1):
        if k in keep:
            kept[k] = weights
        if k == steps:
            break
        value, gradient = objective(weights, Tasks.draw(streams, TASKS, Kind()))
        norms = np.linalg.norm(gradient, axis=1, keepdims=True)
        gradient = gradient * np.minimum(1, LARGEST_GRADIENT / np.maximum(norms, TINY))
        mean, square = 0.9 * mean + 0.1 * gradient, 0.999 * square + 0.001 * gradient**2
        ahead = mean / (1 - 0.9 ** (k + 1)) / (np.sqrt(square / (1 - 0.999 ** (k + 1))) + 1e-8)
        weights = weights - RATE * ahead
        if k % 50 == 0:
            tell(f"meta-step {k}: mean ln f {value / len(seeds):.4f}")
    return kept


def _autograd() -> tuple[Any, Any]:
    try:
        import autograd.numpy
        from autograd import value_and_grad
    except ImportError as error:
        advice = "Run pip install 'hf_matlab_compat[autodiff]'."
        raise OptionError("learned_damping", expected="autograd", got="a Python without it", advice=advice) from error
    return autograd.numpy, value_and_grad
