"""The bounds of the golden tests, each with its reason.

Distances are ‖port - recorded‖ / ‖recorded‖. E is the largest such distance among perturbed runs of the reference that
differ by rounding alone; `reference_spread.json` holds it, as measured by `measure_reference_spread`.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

UNIT_ROUNDOFF = {"single": 2.0**-24, "double": 2.0**-53}

GRADIENT = {"single": 4e-6, "double": 5e-15}
"""Without an ensemble. A SIMD `tanh` beside a scalar one alone moves a gradient by 5e-15."""

KERNEL = {"single": 2e-6, "double": 5e-15}
"""Without an ensemble: squared gradients, products, likelihoods, errors, preconditioners."""

ENSEMBLE = {
    ("k_logistic_rms0_empfish_hy1_lam1", "double", "Bv_undamped"): (
        "the mean gradient times this v is a sum that cancels to 1/278 of its terms, and the product contains it"
    ),
    ("ae_tanh_linear", "double", "grad"): "another tanh alone moves it by 5e-15, and 4.8e-15 was seen",
    ("ae_tanh_linear", "double", "gradchunk"): "the same",
    ("s_ae_tiny_lambda", "single", "grad2chunk"): (
        "the recorded one is 3.8e-6 from the same sum in double; kernels of OpenBLAS are 2e-7 to 3.3e-6 from it"
    ),
}
"""Quantities whose own rounding reaches the bounds above: 4·max(E, 4u), E from an ensemble of the port, and why."""

ENSEMBLE_FACTOR = 4
"""On max(E, 4u), for one kernel of one run: an ensemble of 16 finds the extremes only roughly."""

TRAJECTORY_FACTOR = 10
"""On E, for whatever has gone through CG: its spread is bimodal, and few members underestimate it."""

MODEL = {"single": 1e-6, "double": 1e-12}
"""Value of the quadratic model at a CG iterate: CG moves along flat directions, which the model does not feel."""

TIE = {"single": 4e-6, "double": 8 * UNIT_ROUNDOFF["double"]}
"""Two iterates whose log-likelihoods, evaluated in double, differ by less are a tie; either may be chosen."""

RHO_FLOOR = 1e3
"""In units of u: rho is a difference of two likelihoods, which cancel, over the model's change."""

FLOOR = 4
"""In units of u: below this, distances are those of adding in another order."""

UNDECIDED = {
    "s_ae_tiny_lambda": "250 CG steps without damping to speak of: runs of the reference part by themselves",
    "k_softmax_rms0_gn_hy1_lamtiny": "the same, with E past 1e-5 in the second epoch",
}
"""Cases in which free running decides nothing."""

DECIDED_EPOCHS = {"ae_tanh_linear": 3}
"""Epochs of a free run that still decide something: then E reaches 4e-4 in any implementation."""


@cache
def spread() -> dict[str, Any]:
    """E of iterates, of lockstep and of free runs, by ``kind/case/precision/epoch``."""
    return json.loads((Path(__file__).parents[1] / "goldens" / "reference_spread.json").read_text(encoding="ascii"))


def kernel_bound(quantity: str, precision: str) -> float:
    """Of a kernel, without an ensemble."""
    return (GRADIENT if quantity in ("grad", "gradchunk") else KERNEL)[precision]


def ensemble_bound(E: float, precision: str) -> float:
    """Of a kernel with an ensemble."""
    return ENSEMBLE_FACTOR * max(E, FLOOR * UNIT_ROUNDOFF[precision])


def iterate_bound(E: float, step: int, precision: str) -> float:
    """Of a CG iterate: early ones are kernels still, later ones have been amplified."""
    factor = ENSEMBLE_FACTOR if step <= 5 else TRAJECTORY_FACTOR
    return factor * max(E, FLOOR * UNIT_ROUNDOFF[precision])


def model_bound(E: float, step: int, precision: str) -> float:
    """Of the quadratic model at a CG iterate."""
    return max(MODEL[precision], TRAJECTORY_FACTOR * E)


def figure_bound(figure: str, E: float, precision: str) -> float:
    """Of a figure of an epoch."""
    floor = RHO_FLOOR if figure == "rho" else FLOOR
    return max(TRAJECTORY_FACTOR * E, floor * UNIT_ROUNDOFF[precision])


def distance(ours: Any, recorded: Any) -> float:
    """‖ours - recorded‖ / ‖recorded‖; 0 for equal values, NaN and infinities included."""
    a, b = (np.asarray(value, np.float64).ravel() for value in (ours, recorded))
    assert a.shape == b.shape
    if np.array_equal(a, b, equal_nan=True):
        return 0.0
    with np.errstate(all="ignore"):
        ratio = float(np.linalg.norm(a - b) / np.linalg.norm(b))
    return ratio if np.isfinite(ratio) else np.inf


def tie_bound(E: float, precision: str) -> float:
    """Of the relative difference between the log-likelihoods of two iterates."""
    return max(4 * E, TIE[precision])
