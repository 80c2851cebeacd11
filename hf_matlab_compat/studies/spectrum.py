"""The eigenvalues of a network's Hessian before and after training, by the Lanczos process and exactly.

Notation
--------
H : Hessian of f = -ll, weight decay included, (P, P), never formed by the estimate
v : random signs;  T = S diag(t) Sᵀ after k steps from v;  density ≈ mean over v of Σ S₁ᵢ² δ(t - tᵢ)
(stochastic Lanczos quadrature: Ubaru, Chen & Saad 2017; the shape of the spectrum: Sagun, Bottou & LeCun 2016)
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from hf_matlab_compat.network_problem import NetworkProblem, feedforward
from hf_matlab_compat.plots.canvas import check_target, new_figure, save, tidy
from hf_matlab_compat.problem import Cases, Product
from hf_matlab_compat.solvers.lanczos import Lanczos
from hf_matlab_compat.studies.data import classes
from hf_matlab_compat.training import train

WEIGHT_DECAY = 1e-4
UNITS = ["tanh", "softmax"]


class Density(NamedTuple):
    """Eigenvalues with their shares, as an estimate.

    Attributes
    ----------
    nodes, weights : (m,) arrays
        In ascending order of the nodes; the weights add up to 1.
    """

    nodes: NDArray[Any]
    weights: NDArray[Any]

    def share_below(self, value: float) -> float:
        """Return the share of the eigenvalues below a value."""
        return float(self.weights[self.nodes < value].sum())


def spectral_density(B: Product, P: int, vectors: int = 10, steps: int = 30, seed: int = 0) -> Density:
    """Return an estimate of the distribution of the eigenvalues of B, for `vectors` · `steps` products.

    Parameters
    ----------
    B : callable
        v → B v, symmetric.
    P : int
        Length of v.
    vectors : int
        Number of random vectors.
    steps : int
        Lanczos steps from each.
    seed : int
        Of the random vectors.
    """
    rng = np.random.default_rng(seed)
    nodes, weights = [], []
    for _ in range(vectors):
        space = Lanczos(B, rng.choice([-1.0, 1.0], P))
        while len(space.Q) < steps and not space.is_exhausted:
            space.extend()
        t, S = space.eigen()
        nodes.append(t)
        weights.append(S[0] ** 2 / vectors)
    order = np.argsort(np.concatenate(nodes))
    return Density(np.concatenate(nodes)[order], np.concatenate(weights)[order])


@dataclass(frozen=True)
class Spectrum:
    """The spectrum at one θ.

    Attributes
    ----------
    when : str
    f : float
        Negative log-likelihood, weight decay included.
    exact : (P,) array
        Eigenvalues of the dense Hessian, ascending.
    density : Density
    """

    when: str
    f: float
    exact: NDArray[Any]
    density: Density

    def row(self) -> str:
        """Return its figures as a line of the table."""
        t = self.exact
        largest = t[-1]
        near = np.mean(abs(t) < 0.01 * largest)
        gap = max(abs(self.density.share_below(x) - np.mean(t < x)) for x in np.linspace(t[0], t[-1], 200))
        negative, large = int((t < 0).sum()), int((t > 0.1 * largest).sum())
        sizes = f"{self.when:16}{self.f:9.4f}{t[0]:10.4f}{largest:10.4f}"
        return f"{sizes}{negative:10}{large:8}{near:8.0%}{gap:9.3f}"


HEAD = f"{'':16}{'f':>9}{'least':>10}{'largest':>10}{'negative':>10}{'> 10 %':>8}{'near 0':>8}{'gap':>9}"


def problem_of(inputs: Any, targets: Any, hidden: int = 10) -> NetworkProblem:
    """Return a classifier with one hidden layer, whose curvature is its Hessian, in double precision."""
    net: dict[str, Any] = {"hidden_sizes": [hidden], "unit_types": UNITS, "error_measure": "misclassified"}
    return feedforward(inputs, targets, **net, curvature="hessian", weight_decay=WEIGHT_DECAY, faithful=False)


def spectrum_at(problem: NetworkProblem, theta: NDArray[Any], when: str, seed: int = 0) -> Spectrum:
    """Return the spectrum of the Hessian at θ."""
    H = problem.curvature(theta, Cases(), None)
    dense = np.array([H(e) for e in np.eye(len(theta))])
    density = spectral_density(H, len(theta), seed=seed)
    f = -problem.score(theta, Cases()).log_likelihood
    return Spectrum(when, f, np.linalg.eigvalsh((dense + dense.T) / 2), density)


def study(epochs: int, seed: int, tell: Callable[[str], None]) -> list[Spectrum]:
    """Train a small classifier of digits pooled to 4×4 pixels, and return its spectra before and after."""
    (cases,) = classes("digits", (400,), seed)
    pooled = cases["inputs"].reshape(4, 2, 4, 2, -1).mean(axis=(1, 3)).reshape(16, -1).astype(float)
    targets = cases["targets"].astype(float)
    problem = problem_of(pooled, targets)
    start = np.random.default_rng(seed).standard_normal(problem.num_parameters)
    tell("the spectrum before training ...")
    before = spectrum_at(problem, start, "before", seed)
    tell(f"training for {epochs} epochs ...")
    layers: dict[str, Any] = {"hidden_sizes": [10], "unit_types": UNITS, "initial_theta": start}
    given: dict[str, Any] = {"weight_decay": WEIGHT_DECAY, "precision": "double", "num_threads": 1, "initial_lam": 1.0}
    result = train(inputs=pooled, targets=targets, **layers, **given, max_epochs=epochs)
    return [before, spectrum_at(problem, result.theta, f"after {epochs}", seed)]


def plot(spectra: list[Spectrum], path: str | os.PathLike[str]) -> None:
    """Draw the estimated densities over the exact eigenvalues.

    Parameters
    ----------
    spectra : list of Spectrum
        Drawn one below the other.
    path : path
        A .png, .svg or .pdf file.
    """
    target, figure = check_target(path), new_figure(7, 6)
    for axes, each in zip(figure.subplots(len(spectra), 1), spectra, strict=True):
        width = 0.01 * (each.exact[-1] - each.exact[0])
        x = np.linspace(each.exact[0] - 5 * width, each.exact[-1] + 5 * width, 1000)
        bumps = np.exp(-0.5 * ((x[:, None] - each.density.nodes) / width) ** 2) / (width * np.sqrt(2 * np.pi))
        density = bumps @ each.density.weights
        axes.plot(x, density, label="estimate from 300 products")
        axes.plot(each.exact, np.full(len(each.exact), 1e-3), "|", color="0.4", label="exact eigenvalues")
        axes.set(title=f"{each.when} epochs: f = {each.f:.3g}" if "after" in each.when else f"before: f = {each.f:.3g}")
        axes.set(xlabel="eigenvalue of the Hessian", ylabel="density", yscale="log", ylim=(5e-4, 20 * density.max()))
        axes.legend(frameon=False)
        tidy(axes)
    save(figure, target)
