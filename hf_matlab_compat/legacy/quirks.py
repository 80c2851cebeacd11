"""The quirks of the MATLAB program, and what `faithful=False` does instead."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Quirk:
    """A quirk of the published MATLAB program.

    Attributes
    ----------
    number : int
        In the table of the documentation.
    original : str
        What MATLAB does, and this package with ``faithful=True``.
    mended : str
        What ``faithful=False`` does; empty if there is nothing to correct.
    """

    number: int
    original: str
    mended: str


QUIRKS: tuple[Quirk, ...] = (
    Quirk(1, "A last CG iterate that lies on the recording grid is recorded twice.", "It is recorded once."),
    Quirk(
        2,
        "If CG meets negative curvature at a recording step (5, 7, 9, 11, 15, …), the iterate is lost; if no other was "
        "recorded, MATLAB crashes. This package keeps the current iterate in that case.",
        "The iterate is always kept.",
    ),
    Quirk(
        3,
        '"Negative Curvature!" is printed when CG has converged exactly (pᵀAp = 0 with p = 0).',
        "It is not printed.",
    ),
    Quirk(
        4,
        "Sparse initialisation draws connections with replacement, so a unit may have fewer than numconn.",
        "They are drawn without replacement.",
    ),
    Quirk(
        5,
        "After a fully rejected step, err belongs to the last step length tried, not to the parameters kept.",
        "It belongs to the parameters kept.",
    ),
    Quirk(
        6,
        "With logistic outputs the log-likelihood of the gradient pass is summed over chunks in working precision, "
        "and the line search then compares in single precision.",
        "It is summed in double, as everywhere else.",
    ),
    Quirk(
        7,
        "The empirical Fisher matrix of linear outputs has half the scale of the gradient.",
        "It is built from the gradient of the loss.",
    ),
    Quirk(
        8,
        "rho divides the change on the target chunk by a prediction that mixes the gradient over all cases with the "
        "curvature on that chunk.",
        "Gradient, curvature and change use the same cases.",
    ),
    Quirk(
        9,
        "A tanh output with rms = 0 has no data term: only the weight cost would be trained.",
        "(An error in both cases.)",
    ),
    Quirk(
        10,
        "'hess' with a tanh layer, 'gn' with a softmax output and rms = 1, and 'empfish' with rms = 1 are refused: "
        "the formulas are missing.",
        "They are computed.",
    ),
)
"""All quirks, in the order of the table."""
