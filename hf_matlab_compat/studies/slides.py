"""Small problems that show why curvature helps, and what it does not do: the pictures of talks on the method, computed.

Notation
--------
f is minimised;  g = ∇f;  H : Hessian;  G : Gauss-Newton matrix
valley : ½(κx² + y²), whose curvature along y is κ times smaller than along x
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from hf_matlab_compat.network_problem import feedforward
from hf_matlab_compat.plots.canvas import check_target, new_figure, save, tidy
from hf_matlab_compat.problem import Cases
from hf_matlab_compat.studies.data import classes

Point = NDArray[Any]
START, NEAR = np.array([-1.2, 1.0]), 1e-6
MOST_STEPS = 100_000


class Descent(NamedTuple):
    """A method on a function of two numbers.

    Attributes
    ----------
    name : str
    path : (steps + 1, 2) array
    to_f : int
        Steps until f < 1e-6.
    to_minimum : int
        Steps until the minimum is nearer than 1e-6; -1 if it is not within the path.
    """

    name: str
    path: NDArray[Any]
    to_f: int
    to_minimum: int


def rosenbrock(p: Point) -> float:
    """Return (1 - x)² + 100 (y - x²)²."""
    return float((1 - p[0]) ** 2 + 100 * (p[1] - p[0] ** 2) ** 2)


def gradient(p: Point) -> Point:
    """Return its gradient."""
    bend = p[1] - p[0] ** 2
    return np.array([-2 * (1 - p[0]) - 400 * p[0] * bend, 200 * bend])


def hessian(p: Point) -> NDArray[Any]:
    """Return its Hessian."""
    return np.array([[2 - 400 * (p[1] - 3 * p[0] ** 2), -400 * p[0]], [-400 * p[0], 200.0]])


def gauss_newton(p: Point) -> NDArray[Any]:
    """Return 2 JᵀJ of its two residuals, 1 - x and 10 (y - x²)."""
    J = np.array([[-1.0, 0.0], [-20 * p[0], 10.0]])
    return 2 * J.T @ J


class _Damped:
    """Newton steps with Levenberg-Marquardt's damping, λ up and down by 1.5; worse steps are not taken."""

    def __init__(self) -> None:
        self._lam = 1.0

    def __call__(self, p: Point) -> Point:
        H, g = hessian(p), gradient(p)
        lam = max(self._lam, 1e-3 - np.linalg.eigvalsh(H)[0])
        step = -np.linalg.solve(H + lam * np.eye(2), g)
        rho = (rosenbrock(p + step) - rosenbrock(p)) / float(g @ step + 0.5 * step @ H @ step)
        self._lam *= 1 / 1.5 if rho > 0.75 else 1.5 if rho < 0.25 else 1.0
        return p + step if rosenbrock(p + step) < rosenbrock(p) else p


class _Momentum:
    def __init__(self, rate: float, momentum: float) -> None:
        self._rate, self._momentum, self._v = rate, momentum, np.zeros(2)

    def __call__(self, p: Point) -> Point:
        self._v = self._momentum * self._v - self._rate * gradient(p)
        return p + self._v


def descents() -> list[Descent]:
    """Run each method on Rosenbrock's function from (-1.2, 1)."""
    steps: dict[str, Callable[[Point], Point]] = {
        "Newton": lambda p: p - np.linalg.solve(hessian(p), gradient(p)),
        "Gauss-Newton": lambda p: p - np.linalg.solve(gauss_newton(p), gradient(p)),
        "damped Newton": _Damped(),
        "momentum .99, rate 2e-4": _Momentum(2e-4, 0.99),
        "gradient descent, rate .002": lambda p: p - 0.002 * gradient(p),
        "gradient descent, rate .001": lambda p: p - 0.001 * gradient(p),
    }
    return [_descent(name, step) for name, step in steps.items()]


def _descent(name: str, step: Callable[[Point], Point]) -> Descent:
    path, to_f, to_minimum = [START], -1, -1
    for k in range(MOST_STEPS):
        p = path[-1]
        if to_f < 0 and rosenbrock(p) < NEAR:
            to_f = k
        if np.linalg.norm(p - 1) < NEAR:
            to_minimum = k
            break
        if to_f >= 0 and k > 5 * to_f + 50:
            break
        path.append(step(p))
    return Descent(name, np.array(path), to_f, to_minimum)


def steps_in_a_valley(condition: float) -> tuple[int, int, int]:
    """Return steps from (1, 1) to f < 1e-6: gradient descent at its best rate, conjugate gradients, Newton."""
    curvature, p, rate, count = np.array([condition, 1.0]), np.ones(2), 2 / (1 + condition), 0
    while 0.5 * float(curvature @ p**2) > NEAR:
        p = p - rate * curvature * p
        count += 1
    x, r, conjugate = np.ones(2), -curvature * np.ones(2), 0
    d = r.copy()
    while 0.5 * float(curvature @ x**2) > NEAR:
        alpha = float(r @ r) / float(curvature @ d**2)
        x, new = x + alpha * d, r - alpha * curvature * d
        d, r, conjugate = new + float(new @ new) / float(r @ r) * d, new, conjugate + 1
    return count, conjugate, 1


class Twins(NamedTuple):
    """Two hidden units whose weights differ by little, and the direction d in which they part.

    Attributes
    ----------
    distance : float
        ε.
    slope : float
        -gᵀd.
    of_G, of_H : float
        dᵀG d and dᵀH d.
    together : float
        sᵀH s, along the sum of the two units.
    """

    distance: float
    slope: float
    of_G: float
    of_H: float
    together: float


def twin_units(distances: Sequence[float] = (0.1, 0.01, 0.001), seed: int = 0) -> list[Twins]:
    """Return the slope and both curvatures between two nearly identical units of a 16-8-16 autoencoder."""
    (cases,) = classes("digits", (400,), seed)
    pooled = cases["inputs"].reshape(4, 2, 4, 2, -1).mean(axis=(1, 3)).reshape(16, -1).astype(float)
    net: dict[str, Any] = {"hidden_sizes": [8], "unit_types": ["logistic", "logistic"], "faithful": False}
    G, H = (feedforward(pooled, pooled, **net, curvature=kind) for kind in ("gauss_newton", "hessian"))
    rng = np.random.default_rng(seed)
    base, difference = 0.5 * rng.standard_normal(G.num_parameters), 0.1 * rng.standard_normal(17)
    first, second = ([*range(unit, 128, 8), 128 + unit] for unit in (0, 1))  # incoming weights, column-major, and bias
    outgoing = [136 + unit * 16 + np.arange(16) for unit in (0, 1)]
    base[outgoing[1]] = base[outgoing[0]]
    found: list[Twins] = []
    for distance in distances:
        theta = base.copy()
        theta[second] = theta[first] + distance * difference
        d, s = np.zeros((2, len(theta)))
        direction = difference / np.linalg.norm(difference)
        d[first], d[second] = -direction / np.sqrt(2), direction / np.sqrt(2)
        s[first], s[second] = direction / np.sqrt(2), direction / np.sqrt(2)
        found.append(_between(G, H, theta, (d, s), distance))
    return found


def _between(G: Any, H: Any, theta: Point, directions: tuple[Point, Point], distance: float) -> Twins:
    d, s = directions
    g = G.gradient(theta, Cases())
    of_G, of_H = G.curvature(theta, Cases(), g), H.curvature(theta, Cases(), g)
    return Twins(distance, float(g.full @ d), float(d @ of_G(d)), float(d @ of_H(d)), float(s @ of_H(s)))


@dataclass(frozen=True)
class Slides:
    """All computed figures."""

    descents: Sequence[Descent]
    valleys: Sequence[tuple[float, tuple[int, int, int]]]
    twins: Sequence[Twins]

    def text(self) -> str:
        """Return the figures as tables of at most 80 columns."""
        lines = ["Rosenbrock's function from (-1.2, 1): steps to", f"{'':32}{'f < 1e-6':>12}{'minimum to 1e-6':>18}"]
        for each in self.descents:
            far = str(each.to_minimum) if each.to_minimum >= 0 else "-"
            lines.append(f"{each.name:32}{each.to_f:12}{far:>18}")
        lines += ["", "Valley of condition number kappa from (1, 1): steps to f < 1e-6"]
        lines += [f"{'kappa':>8}{'gradient descent, best rate':>30}{'conjugate gradients':>22}{'Newton':>9}"]
        lines += [f"{kappa:8.0e}{gd:30}{cg:22}{newton:9}" for kappa, (gd, cg, newton) in self.valleys]
        lines += ["", "Two hidden units at distance eps, along the direction d in which they part"]
        lines += [f"{'eps':>8}{'slope':>13}{'d G d':>13}{'d H d':>13}{'step of G':>13}{'along the sum':>16}"]
        for t in self.twins:
            step = abs(t.slope) / t.of_G
            lines.append(f"{t.distance:8g}{t.slope:13.2e}{t.of_G:13.2e}{t.of_H:13.2e}{step:13.3g}{t.together:16.4f}")
        return "\n".join(lines)

    def plot(self, path: str | os.PathLike[str]) -> None:
        """Draw the paths on Rosenbrock's function, and the curvatures between nearly identical units.

        Parameters
        ----------
        path : path
            A .png, .svg or .pdf file.
        """
        target, figure = check_target(path), new_figure(7, 9)
        upper, lower = figure.subplots(2, 1, height_ratios=[3, 2])
        x, y = np.meshgrid(np.linspace(-1.6, 1.6, 200), np.linspace(-0.7, 1.8, 200))
        levels = np.geomspace(0.1, 1000, 9)
        upper.contour(x, y, (1 - x) ** 2 + 100 * (y - x**2) ** 2, levels=levels, colors="0.8", linewidths=0.8)
        for each in self.descents[:-1]:
            upper.plot(*each.path[:2000].T, label=f"{each.name}: {each.to_f} steps", linewidth=1.2)
        upper.plot(1, 1, "k*")
        upper.set(xlim=(-1.6, 1.6), ylim=(-0.7, 1.8), title="Rosenbrock's function: steps to f < 1e-6")
        upper.legend(frameon=False, fontsize=8, loc="lower left")
        distance = [t.distance for t in self.twins]
        for label, values in {
            "slope": [abs(t.slope) for t in self.twins],
            "curvature of G": [t.of_G for t in self.twins],
            "|curvature of H|": [abs(t.of_H) for t in self.twins],
        }.items():
            lower.plot(distance, values, "o-", label=label)
        lower.set(xscale="log", yscale="log", xlabel="distance of two hidden units", title="Along their difference")
        lower.legend(frameon=False)
        tidy(lower)
        save(figure, target)


def study(seed: int = 0) -> Slides:
    """Compute all figures."""
    valleys = [(kappa, steps_in_a_valley(kappa)) for kappa in (1e2, 1e4)]
    return Slides(descents(), valleys, twin_units(seed=seed))
