"""The ledger of the original's quirks: what it does, and what `faithful=False` does instead."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Quirk:
    """A peculiarity of the published program.

    Attributes
    ----------
    number : int
        In the README's table.
    original : str
        What the published program does, and this package with ``faithful=True``.
    mended : str
        What ``faithful=False`` does; empty where there is nothing to mend.
    """

    number: int
    original: str
    mended: str


QUIRKS: tuple[Quirk, ...] = (
    Quirk(1, "A last CG iterate that lies on the recording grid is recorded twice.", "It is recorded once."),
    Quirk(
        2,
        "A bail-out at negative curvature on a recording step (5, 7, 9, 11, 15, …) loses the iterate; where nothing "
        "else was recorded the published program crashes. Here it never does: it then keeps the iterate it stands on.",
        "The iterate is always kept.",
    ),
    Quirk(
        3,
        '"Negative Curvature!" is printed when CG has converged exactly (pᵀAp = 0 with p = 0).',
        "It is not: CG stops without a word.",
    ),
    Quirk(
        4,
        "Sparse initialisation draws connections with replacement, so a unit may hear fewer than numconn.",
        "They are drawn without replacement.",
    ),
    Quirk(
        5,
        "After a fully rejected step, err is that of the last step length tried, not that of the parameters kept.",
        "It is that of the parameters kept.",
    ),
    Quirk(
        6,
        "With logistic outputs the log-likelihood of the gradient pass is summed over chunks in working precision, "
        "and the line search then compares in single precision.",
        "It is summed in double, as everywhere else.",
    ),
    Quirk(
        7,
        "The empirical Fisher matrix of linear outputs has half the scale that the gradient's scale says.",
        "It is built from the loss's own gradient.",
    ),
    Quirk(
        8,
        "rho divides the change on the target chunk by a prediction that mixes the gradient over all cases with the "
        "curvature on that chunk.",
        "Gradient, curvature and change are of the same cases.",
    ),
    Quirk(
        9,
        "A tanh output with rms = 0 has no data term: only the weight cost would be trained.",
        "(An error either way: nobody wants it.)",
    ),
    Quirk(
        10,
        "'hess' with a tanh layer, 'gn' with a softmax output and rms = 1, and 'empfish' with rms = 1 are refused: "
        "the formulas were never written.",
        "They are computed.",
    ),
)
"""All of them, in the order of the README's table."""
