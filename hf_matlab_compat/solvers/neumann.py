"""The Neumann series as an inner solver: x ← x + (g - B x) / c, from the start of the epoch.

Notation
--------
r = g - B x : residual;  c : scale, see `inverse_series`; every step multiplies r by I - B/c
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from hf_matlab_compat.backends.arrays import Vector
from hf_matlab_compat.errors import speaking
from hf_matlab_compat.kinds import AT_LEAST_0, POSITIVE, check_settings, or_none, whole
from hf_matlab_compat.solvers.conjgrad import CGStop
from hf_matlab_compat.solvers.inverse_series import check_product, spectrum_ends
from hf_matlab_compat.solvers.lanczos import norm
from hf_matlab_compat.solvers.rules import Path, Preconditioning, Quadratic
from hf_matlab_compat.solvers.stopping import residual_tolerance
from hf_matlab_compat.state import Watch


@dataclass(frozen=True, kw_only=True)
class Neumann:
    """The series from the start, without a preconditioner.

    Attributes
    ----------
    max_steps : int
        Largest number of steps. An estimate of c costs ten products beside them, the first residual one.
    tolerance : float or None
        Stop when the residual is below this, relative to |g|; None for min(½, √|g|).
    scale : float or None
        c for all epochs. None estimates it in every epoch, since the curvature and its damping change, by ten Lanczos
        steps from the first residual, and raises it where a step meets a larger curvature.
    """

    max_steps: int = 250
    tolerance: float | None = None
    scale: float | None = None
    takes_preconditioner = False

    def __post_init__(self) -> None:
        check_settings(self, max_steps=whole(1), tolerance=or_none(AT_LEAST_0), scale=or_none(POSITIVE))

    def solve(self, model: Quadratic, start: Vector, M: Preconditioning, watch: Watch) -> Path:
        """See `InnerSolver.solve`.

        Raises
        ------
        OptionError
            The curvature is negative along a residual, or above twice the scale that was given.
        """
        x, r = start, model.g - model.B(start)
        wanted = residual_tolerance(norm(model.g), self.tolerance)
        c, most = (self.scale, 2.0) if self.scale else (_estimated(model, r), math.inf)
        stop, k = CGStop.MAX_STEPS, 0
        while stop is CGStop.MAX_STEPS and k < self.max_steps:
            k += 1
            watch("cg", k, self.max_steps)
            Br = model.B(r)
            with speaking({"B": "curvature"}):
                curvature = check_product(r, Br, c, most)
            c = c if self.scale else max(c, curvature)
            x, r = x + r / c, r - Br / c
            stop = CGStop.SMALL_RESIDUAL if norm(r) <= wanted else stop
        return Path([k], [x], stop, k)


def _estimated(model: Quadratic, r: Vector) -> float:
    """Return the estimate of the largest eigenvalue; 1 where none is positive, which the first step then refuses."""
    largest = spectrum_ends(model.B, r).largest
    return largest if largest > 0 else 1.0
