"""A rule of your own: Steihaug's trust region, inner solver and damping in one object, beside scipy's trust-ncg."""

from enum import Enum
from types import SimpleNamespace

import numpy as np
from numpy.linalg import norm
from scipy.optimize import minimize, rosen, rosen_der, rosen_hess_prod

from hf_matlab_compat import train
from hf_matlab_compat.problem import Gradient
from hf_matlab_compat.solvers.rules import Path
from hf_matlab_compat.state import Score

Why = Enum("Why", {"EDGE": "edge of the trust region", "SMALL": "small residual"})


class Steihaug:
    """CG from 0 up to a radius, which takes the place of λ (Nocedal and Wright 2006, algorithms 4.1 and 7.2)."""

    initial_lam = 1.0

    def operator(self, G, lam):
        return G

    def adapt(self, lam, rho, p):
        return lam / 4 if not rho >= 0.25 else 2 * lam if rho > 0.75 and norm(p) > 0.999 * lam else lam

    def solve(self, model, start, M, watch):
        x, r, radius, step = 0 * start, -model.g, model.strength, 0
        d, small = -r, min(0.5, norm(r) ** 0.5) * norm(r)
        while norm(r) > small and step < 2 * len(x):
            step, Bd = step + 1, model.B(d)
            alpha = r @ r / (d @ Bd) if d @ Bd > 0 else np.inf
            if norm(x + alpha * d) >= radius:
                ends = np.roots([d @ d, 2 * (x @ d), x @ x - radius**2])  # t at which |x + t d| is the radius
                t = min(ends, key=lambda t: t * (r @ d) + t * t / 2 * (d @ Bd))
                return Path([step], [x + t * d], Why.EDGE, step)
            x, r, before = x + alpha * d, r + alpha * Bd, r @ r
            d = r @ r / before * d - r
        return Path([step or 1], [x], Why.SMALL, step)


def main(epochs: int = 30) -> list[np.ndarray]:
    """Minimise Rosenbrock's function of five numbers by both, and return our θ of every epoch."""
    thetas, start, rule = [], np.array([3.0, 5.0, 2.0, 4.0, 1.0]), Steihaug()
    problem = SimpleNamespace(num_parameters=5, num_chunks=1)
    problem.score = lambda theta, on: Score(log_likelihood=-rosen(theta), error=0.0)
    problem.gradient = lambda theta, on: thetas.append(theta) or Gradient(-rosen_der(theta), -rosen(theta))
    problem.curvature = lambda theta, on, gradient: lambda v: rosen_hess_prod(theta, v)
    rules = {"solver": rule, "damping": rule, "preconditioner": "none", "line_search": "full_step"}
    result = train(problem=problem, initial_theta=start, max_epochs=epochs, precision="double", **rules)
    theirs = minimize(rosen, start, (), "trust-ncg", rosen_der, None, rosen_hess_prod, options={"return_all": True})
    print("distance before each step:", *(f"{norm(a - b):.0e}" for a, b in zip(thetas, theirs.allvecs, strict=False)))
    print(f"minimum found: {rosen(result.theta):.2e}, by scipy {theirs.fun:.2e} ({result.outcome.value})")
    return thetas


if __name__ == "__main__":
    main()
