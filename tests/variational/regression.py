"""Bayesian linear regression with recorded exact figures: all that its posterior is known to be."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from scipy.io import loadmat

_GOLDEN = loadmat(Path(__file__).parents[1] / "goldens" / "methods" / "svi.mat", mat_dtype=True)
KNOWN: dict[str, Any] = {name: value.squeeze()[()] for name, value in _GOLDEN.items() if not name.startswith("__")}
X, y = KNOWN["X"], KNOWN["y"]
N, D = X.shape
NOISE, PRECISION = KNOWN["noise_var"], KNOWN["prior_precision"]
HESSIAN = -(X.T @ X / NOISE + PRECISION * np.eye(D))
CONSTANT = -0.5 * N * np.log(2 * np.pi * NOISE) - 0.5 * D * np.log(2 * np.pi / PRECISION)


def log_p(z):
    """The joint log density of data and weights; z is (D,) or, draws in columns, (D, S). autograd's arrays too."""
    residuals = (y - (X @ z).T) ** 2
    return CONSTANT - 0.5 * residuals.sum(axis=-1) / NOISE - 0.5 * PRECISION * (z * z).sum(axis=0)


def gradient(z):
    return X.T @ (y - (X @ z).T).T / NOISE - PRECISION * z


def product(z, v):
    return HESSIAN @ v


FUNCTIONS = {"gradient": gradient, "product": product}
COLUMNS = {**FUNCTIONS, "vectorised": True}


def exact_elbo(theta):
    """The ELBO of q = N(mean, diag e^s) without draws."""
    mean, s = np.split(theta, 2)
    entropy = 0.5 * s.sum() + 0.5 * D * (1 + np.log(2 * np.pi))
    return entropy + log_p(mean) + 0.5 * np.diag(HESSIAN) @ np.exp(s)


def gap(theta):
    """How far the exact ELBO is below that of the best normal approximation."""
    return KNOWN["best_elbo"] - exact_elbo(theta)
