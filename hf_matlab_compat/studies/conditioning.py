"""The damped curvature under preconditioners: condition numbers, and steps of conjugate gradients.

Notation
--------
B = G + λI, dense;  M : diagonal of a preconditioner;  κ : condition number of M^-½ B M^-½
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from hf_matlab_compat.network_problem import feedforward
from hf_matlab_compat.problem import Cases
from hf_matlab_compat.solvers.conjgrad import ConjugateGradients, conjgrad
from hf_matlab_compat.studies.data import classes
from hf_matlab_compat.studies.tables import text_table
from hf_matlab_compat.training import train

LAM = 1e-4
DRAWS = 100
"""Random vectors of the estimates, so that what is compared is the preconditioner and not its noise."""


class Net(NamedTuple):
    """A small net on pooled digits.

    Attributes
    ----------
    hidden : list of int
    units : list of str
    scaled : bool
        Inputs get scales from 10^-1.5 to 10^1.5, as unscaled data have.
    reconstructs : bool
        The targets are the inputs.
    """

    hidden: list[int]
    units: list[str]
    scaled: bool = False
    reconstructs: bool = False


NETS: Mapping[str, Net] = {
    "autoencoder 16-10-4-10-16": Net([10, 4, 10], ["logistic", "linear", "logistic", "logistic"], reconstructs=True),
    "classifier 16-12-8-10": Net([12, 8], ["logistic", "logistic", "softmax"]),
    "the same, unscaled inputs": Net([12, 8], ["tanh", "tanh", "softmax"], scaled=True),
}


class Conditioning(NamedTuple):
    """Figures of one preconditioner.

    Attributes
    ----------
    kappa : float
    steps : int
        Of conjugate gradients with the published stopping rule.
    """

    kappa: float
    steps: int


def conditioning(net: Net, seed: int, epochs: int = 30) -> dict[str, Conditioning]:
    """Return the figures of each preconditioner after training, from the start of a seed."""
    (cases,) = classes("digits", (400,), seed)
    pooled = cases["inputs"].reshape(4, 2, 4, 2, -1).mean(axis=(1, 3)).reshape(16, -1).astype(float)
    scales = 10 ** np.random.default_rng(seed).uniform(-1.5, 1.5, (16, 1)) if net.scaled else 1.0
    inputs = pooled * scales
    targets = pooled if net.reconstructs else cases["targets"].astype(float)
    layers: dict[str, Any] = {"hidden_sizes": net.hidden, "unit_types": net.units, "weight_decay": 2e-5}
    problem = feedforward(inputs, targets, **layers)
    result = train(problem=problem, seed=seed, precision="double", num_threads=1, max_epochs=epochs, initial_lam=1.0)
    g = problem.gradient(result.theta, Cases())
    G = problem.curvature(result.theta, Cases(), g)
    B = np.array([G(e) for e in np.eye(len(result.theta))]) + LAM * np.eye(len(result.theta))
    signs = np.random.default_rng(seed).choice([-1.0, 1.0], (DRAWS, len(B)))
    jacobi = np.mean([G.unbiased_diagonal(LAM, draw) for draw in range(1, DRAWS + 1)], axis=0)
    diagonals: dict[str, NDArray[Any] | None] = {
        "none": None,
        "martens": G.diagonal(LAM) ** 0.75,
        "jacobi .75": jacobi**0.75,
        "jacobi 1": jacobi,
        "equil.": np.sqrt(((signs @ B) ** 2).mean(axis=0)),
    }
    return {name: _of(B, g.full, M) for name, M in diagonals.items()}


def _of(B: NDArray[Any], g: NDArray[Any], M: NDArray[Any] | None) -> Conditioning:
    root = np.ones(len(B)) if M is None else np.sqrt(M)
    t = np.linalg.eigvalsh(B / np.outer(root, root))
    path = conjgrad(lambda v: B @ v, g, g * 0, M, ConjugateGradients(max_cg_steps=1000))
    return Conditioning(float(t[-1] / t[0]), path.last_step)


def study(seeds: int, tell: Callable[[str], None]) -> dict[str, list[dict[str, Conditioning]]]:
    """Return, for each net, the figures of every seed."""
    found: dict[str, list[dict[str, Conditioning]]] = {}
    for name, net in NETS.items():
        tell(f"{name} ...")
        found[name] = [conditioning(net, seed) for seed in range(seeds)]
    return found


def table(found: Mapping[str, list[dict[str, Conditioning]]]) -> str:
    """Return medians over the seeds: condition number, steps."""
    names = list(next(iter(found.values()))[0])
    rows = {net: [_cell([seed[name] for seed in of]) for name in names] for net, of in found.items()}
    return text_table("kappa, CG steps", names, rows, (25, *(11 for _ in names)))


def _cell(of: Sequence[Conditioning]) -> str:
    kappa, steps = (float(np.median(figures)) for figures in zip(*of, strict=True))
    return f"{kappa:.0e}, {steps:.0f}".replace("e+0", "e")


def unscaled_pays(found: Mapping[str, list[dict[str, Conditioning]]]) -> bool:
    """Return whether on unscaled inputs κ falls to an eighth and the steps by a quarter, for every seed."""
    of = found["the same, unscaled inputs"]
    return all(
        seed["martens"].kappa <= seed["none"].kappa / 8 and seed["martens"].steps <= 0.75 * seed["none"].steps
        for seed in of
    )
