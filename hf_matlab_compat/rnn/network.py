"""A recurrent net without its parameters: sizes, units, loss, start of a sequence, and the places of its blocks in θ.

Notation
--------
a_t = W_hx x_t + W_hh h_{t-1} + b_h,  h_t = f(a_t),  o_t = W_oh h_t + b_o,  y_t = g(o_t)
θ = [vec W_hx; vec W_hh; b_h; init] of every hidden layer, bottom up, then [vec W_oh; b_o]; vec is column-major
The input of a higher hidden layer is the output of the layer below at the same step.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise
from typing import Any, ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray

from hf_matlab_compat.backends.arrays import Array, Vector
from hf_matlab_compat.model.error_measures import ERROR_MEASURES
from hf_matlab_compat.model.losses import Loss, loss_for
from hf_matlab_compat.model.units import Pointwise, Unit, unit_of
from hf_matlab_compat.rnn.initialisation import Initialisation
from hf_matlab_compat.rnn.passes import AtSequences
from hf_matlab_compat.rnn.sequences import SequenceBlock
from hf_matlab_compat.rnn.workspace import Workspace


class Places(NamedTuple):
    """Where the parameters of a hidden layer are in θ.

    Attributes
    ----------
    weights : slice
        Of [W_hx W_hh b_h]ᵀ, row-major with `rows` rows.
    rows : int
        s_below + H, and 1 more if there are biases.
    init : slice or None
        Of the initial state or bias.
    """

    weights: slice
    rows: int
    init: slice | None


@dataclass(frozen=True, kw_only=True)
class RecurrentNetwork:
    """Layout of a recurrent net, one or more recurrent hidden layers and an output layer; a `SequenceModel`.

    Attributes
    ----------
    sizes : tuple of int
        Inputs, hidden layers, outputs.
    units : tuple of Unit
        Of the hidden layers and of the output.
    loss : Loss
        Log-likelihood at the output of one step.
    error_measure : callable
        (xp, y, t, room) → sum over steps of the reported figure.
    initial_state : {'learned', 'bias', 'zero'}
        The start of a sequence: h_0 is a parameter; a bias takes the place of W_hh h_0; h_0 = 0.
    biases : bool
        Whether there are b_h and b_o.
    curvature : {'gauss_newton', 'hessian', 'empirical_fisher'}
    structural_unit : {'matching', 'squared'}
        Distance of hidden states in structural damping: that which matches the unit, or the squared distance.
    draws : Initialisation
        How initial parameters are drawn.
    """

    sizes: tuple[int, ...]
    units: tuple[Unit, ...]
    loss: Loss
    error_measure: Callable[..., float]
    initial_state: str = "learned"
    biases: bool = True
    curvature: str = "gauss_newton"
    structural_unit: str = "matching"
    draws: Initialisation = field(default_factory=Initialisation)
    kind: ClassVar[str] = "recurrent"
    settings: ClassVar[tuple[str, ...]] = ("initial_state", "biases", "curvature", "structural_unit")
    """See `sequence_model.StepNet`."""

    @cached_property
    def hidden(self) -> tuple[Places, ...]:
        """Places of the hidden layers."""
        found: list[Places] = []
        start = 0
        for below, here in pairwise(self.sizes[:-1]):
            rows = below + here + self.biases
            stop = start + rows * here
            init = None if self.initial_state == "zero" else slice(stop, stop + here)
            found.append(Places(slice(start, stop), rows, init))
            start = stop + (0 if init is None else here)
        return tuple(found)

    @cached_property
    def output(self) -> slice:
        """Place of [W_oh b_o]ᵀ."""
        last = self.hidden[-1]
        start = (last.init or last.weights).stop
        return slice(start, start + (self.sizes[-2] + self.biases) * self.sizes[-1])

    @property
    def num_parameters(self) -> int:
        """P."""
        return self.output.stop

    def layer(self, theta: Array, i: int) -> tuple[Array, Array | None]:
        """Return [W_hx W_hh b_h]ᵀ, (rows, H), and the initial vector of hidden layer i, from 0, as views into θ."""
        place = self.hidden[i]
        init = None if place.init is None else theta[place.init].reshape(1, -1)
        return theta[place.weights].reshape(place.rows, -1), init

    def output_layer(self, theta: Array) -> Array:
        """Return [W_oh b_o]ᵀ, (H + 1, O), as a view into θ."""
        return theta[self.output].reshape(-1, self.sizes[-1])

    def weights(self, theta: NDArray[Any]) -> dict[str, NDArray[Any]]:
        """Return the blocks of θ by name: W_hx (H, D), W_hh, b_h, h_0 or b_init, W_oh, b_o.

        Those of the second hidden layer and up have its number, as in 'W_hh_2'.
        """
        found: dict[str, NDArray[Any]] = {}
        for i, (below, here) in enumerate(pairwise(self.sizes[:-1])):
            W, init = self.layer(theta, i)
            parts = {"W_hx": W[:below].T, "W_hh": W[below : below + here].T, "b_h": W[below + here :].ravel()}
            if init is not None:
                parts["h_0" if self.initial_state == "learned" else "b_init"] = init.ravel()
            found |= {name + (f"_{i + 1}" if i else ""): part for name, part in parts.items()}
        W, H = self.output_layer(theta), self.sizes[-2]
        found |= {"W_oh": W[:H].T, "b_o": W[H:].ravel()}
        return {name: part.copy() for name, part in found.items() if part.size}

    def initial_theta(self, seed: Any = None) -> NDArray[np.float64]:
        """See `SequenceModel.initial_theta`."""
        return self.draws.draw(self, seed)

    def decay_mask(self) -> NDArray[np.float64]:
        """See `SequenceModel.decay_mask`."""
        mask = np.zeros(self.num_parameters)
        for i, (below, here) in enumerate(pairwise(self.sizes[:-1])):
            self.layer(mask, i)[0][: below + here] = 1
        self.output_layer(mask)[: self.sizes[-2]] = 1
        return mask

    def at(self, theta: Vector, block: SequenceBlock, workspace: Workspace) -> AtSequences:
        """See `SequenceModel.at`."""
        return AtSequences(self, theta, block, workspace)


def build_recurrent(
    sizes: Sequence[int], unit_types: Sequence[Any], loss: Any, error_measure: str, **settings: Any
) -> RecurrentNetwork:
    """Return a recurrent net from names of units and loss, or the user's objects; names have been checked before.

    Raises
    ------
    OptionError
        An object lacks a method, or the output unit has no matching loss.
    """
    units = tuple(unit_of(choice) for choice in unit_types)
    assert all(isinstance(unit, Pointwise) for unit in units[:-1])  # softmax was refused
    return RecurrentNetwork(
        sizes=tuple(map(int, sizes)),
        units=units,
        loss=loss_for(units[-1], loss),
        error_measure=ERROR_MEASURES[error_measure],
        **settings,
    )
