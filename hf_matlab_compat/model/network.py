"""A feed-forward network without its parameters: sizes, units, loss and error measure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from hf_matlab_compat.backends.arrays import Array
from hf_matlab_compat.model.error_measures import ERROR_MEASURES
from hf_matlab_compat.model.losses import Loss, loss_for
from hf_matlab_compat.model.packing import Layer, num_parameters, unpack, unpack_with_biases
from hf_matlab_compat.model.units import Unit, unit_of


@dataclass(frozen=True)
class Network:
    """Layout of a feed-forward network with L layers.

    Attributes
    ----------
    sizes : tuple of int
        Units of every layer, inputs first: s_0 … s_L.
    units : tuple of Unit
        Kind of unit of layers 1 … L.
    loss : Loss
        Log-likelihood at the output.
    error_measure : callable
        (xp, y, t, room) → sum over cases of the reported figure.
    """

    sizes: tuple[int, ...]
    units: tuple[Unit, ...]
    loss: Loss
    error_measure: Callable[..., float]

    @cached_property
    def with_x(self) -> tuple[int, ...]:
        """Hidden layers whose unit needs its input x beside its output."""
        return tuple(i for i, unit in enumerate(self.units[:-1], start=1) if unit.keeps_x)

    @cached_property
    def num_parameters(self) -> int:
        """P."""
        return num_parameters(self.sizes)

    def layers(self, theta: Array) -> list[Layer]:
        """Return weights and biases as views into θ, or into a direction v."""
        return unpack(theta, self.sizes)

    def with_biases(self, theta: Array) -> list[Array]:
        """Return weights and biases as (s_{i-1} + 1, s_i) views [W_i b_i]ᵀ."""
        return unpack_with_biases(theta, self.sizes)


def build_network(sizes: Sequence[int], unit_types: Sequence[Any], loss: Any, error_measure: str) -> Network:
    """Return a network from names of units and loss, or the user's objects; names have been checked before.

    Parameters
    ----------
    sizes : sequence of int
        s_0 … s_L.
    unit_types : sequence of str or OwnFunction
        One for each of layers 1 … L.
    loss, error_measure : str
        As in `Options`.

    Raises
    ------
    OptionError
        An object lacks a method, or the output unit has no matching loss.
    """
    units = tuple(unit_of(choice) for choice in unit_types)
    return Network(
        sizes=tuple(int(size) for size in sizes),
        units=units,
        loss=loss_for(units[-1], loss),
        error_measure=ERROR_MEASURES[error_measure],
    )
