"""Parts that all ways of running training back share: the training, a step back, and the recursion over steps.

Notation
--------
forward : v ← γ v - (1 - γ) g(x);  x ← x + α v          (dx, dv, dη : derivatives of the validation loss)
back    : dα = dxᵀ v;  then x and v of before the step;  dv += α dx;  dγ = dvᵀ(v + g);
          dx -= (1-γ) H dv;  dη -= (1-γ) (∂g/∂η)ᵀ dv;  dv ← γ dv        (Maclaurin, Duvenaud & Adams 2015)
dα takes v of after the step, dγ takes v of before it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np

from hf_matlab_compat.errors import OptionError
from hf_matlab_compat.hypergradients.derivatives import Derivatives, Products, Vector
from hf_matlab_compat.hypergradients.descent import Schedule


@dataclass(frozen=True)
class Training:
    """A training run that has not been run.

    Attributes
    ----------
    derivatives : Derivatives
    schedule : Schedule
    start : (P,) array
    eta : (E,) array
    """

    derivatives: Derivatives
    schedule: Schedule
    start: Vector
    eta: Vector

    def gradient(self, x: Vector, t: int) -> Vector:
        """Return g of step t.

        Raises
        ------
        OptionError
            It is not finite.
        """
        return self._checked(self.derivatives.gradient(x, self.eta, t), t)

    def linearized(self, x: Vector, t: int) -> tuple[Vector, Products]:
        """Return g of step t and the products with its derivatives."""
        g, products = self.derivatives.linearized(x, self.eta, t)
        return self._checked(g, t), products

    def _checked(self, g: Vector, t: int) -> Vector:
        check_shapes("gradient", (g, self.start))
        g = np.asarray(g, np.float64)
        if not np.isfinite(g).all():
            raise OptionError(
                "loss",
                expected="a finite gradient",
                got=f"{g[~np.isfinite(g)][0]} at step {t} of {self.schedule.num_steps}",
                advice="Take smaller learning rates, or look for a point where the loss has no derivative.",
            )
        return g

    def step(self, x: Vector, v: Vector, t: int) -> tuple[Vector, Vector]:
        """Return x and v after step t, in floating point."""
        decay = self.schedule.decay(t)
        v = decay * v - (1 - decay) * self.gradient(x, t)
        return x + self.schedule.rate(t) * v, v


class Back(NamedTuple):
    """A step, seen from its end.

    Attributes
    ----------
    t : int
        Counted from 0.
    velocities : pair of (P,) arrays, or None
        v of after the step and v of before it; None on a path that training did not take.
    gradient : (P,) array
        At x of before the step.
    products : callable
        w → (H w, (∂g/∂η)ᵀ w), at the same x.
    """

    t: int
    velocities: tuple[Vector, Vector] | None
    gradient: Vector
    products: Products


class Trail(Protocol):
    """The trail of a run: enough to go through its steps again from the last to the first.

    Attributes
    ----------
    x_final : (P,) array
    kept_bytes : int
        Size of what was kept, at its largest.
    schedule : Schedule
        Of the steps back: as many as `back` yields.
    """

    x_final: Vector
    kept_bytes: int
    schedule: Schedule

    def back(self) -> Iterator[Back]:
        """Yield the steps, the last first. May be called once."""
        ...


class Way(Protocol):
    """How training is run so that it can be gone through from its end."""

    def run(self, training: Training) -> Trail:
        """Train, and return the trail."""
        ...


class Adjoint:
    """Derivatives of the validation loss, carried from the end of training to its start.

    Parameters
    ----------
    schedule : Schedule
    dx, deta : (P,) and (E,) arrays
        Derivatives at the end of training.

    Attributes
    ----------
    dx : (P,) array
        By x of before the last step that was added: in the end, of the start.
    deta : (E,) array
    drates, dmomenta : (N, G or 1) arrays, or None
        None where v is not known.
    """

    def __init__(self, schedule: Schedule, dx: Vector, deta: Vector) -> None:
        self._schedule, self.dx, self.deta = schedule, np.array(dx, np.float64), np.array(deta, np.float64)
        self._dv = np.zeros_like(self.dx)
        self.drates: Vector | None
        self.dmomenta: Vector | None
        self.drates, self.dmomenta = schedule.zeros()

    def add(self, step: Back) -> None:
        """Go back by a step.

        Raises
        ------
        OptionError
            The derivatives are not finite any more.
        """
        t, schedule = step.t, self._schedule
        decay = schedule.decay(t)
        self._dv += schedule.rate(t) * self.dx
        if step.velocities is None:
            self.drates = self.dmomenta = None
        elif self.drates is not None and self.dmomenta is not None:
            after, before = step.velocities
            self.drates[t] = schedule.add_up(self.dx * after, self.drates.shape[1])
            self.dmomenta[t] = schedule.add_up(self._dv * (before + step.gradient), self.dmomenta.shape[1])
        Hdv, mixed = step.products((1 - decay) * self._dv)
        check_shapes("products", (Hdv, self.dx), (mixed, self.deta))
        self.dx -= Hdv
        self.deta -= mixed
        self._dv *= decay
        for each in (self.dx, self.deta):
            if not np.isfinite(each).all():
                raise OptionError(
                    "loss",
                    expected="finite products with its second derivatives",
                    got=f"{each[~np.isfinite(each)][0]} on the way back, at step {t} of {schedule.num_steps}",
                    advice="Take smaller learning rates, or look for a point where the gradient has no derivative.",
                )


def check_shapes(name: str, *pairs: tuple[Vector, Vector]) -> None:
    """Refuse a vector that a function of the user returned in another shape than wanted.

    Parameters
    ----------
    name : str
        Of the function.
    *pairs : pairs of arrays
        What it returned, and what has the wanted shape.

    Raises
    ------
    OptionError
        One has another shape.
    """
    for found, wanted in pairs:
        if np.shape(found) != wanted.shape:
            raise OptionError(name, expected=f"a vector of shape {wanted.shape}", got=f"shape {np.shape(found)}")


def run_back(trail: Trail, dx: Vector, deta: Vector) -> Adjoint:
    """Return the derivatives of the validation loss by all that training was told.

    Parameters
    ----------
    trail : Trail
        Its steps are gone through.
    dx, deta : (P,) and (E,) arrays
        Derivatives of the validation loss at the end of training.
    """
    found = Adjoint(trail.schedule, dx, deta)
    for step in trail.back():
        found.add(step)
        del step  # its vectors are free before the next step's are made
    return found
