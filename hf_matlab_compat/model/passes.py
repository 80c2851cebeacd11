"""Passes through a network for one block of cases: forward, R-forward, backward, products.

Notation
--------
y_0 : (s_0, n) inputs;  x_i = W_i y_{i-1} + b_i;  y_i = f_i(x_i)
v = (V_i, c_i) : a direction in parameter space, packed like θ
Rx_i, R_i : R{x_i}, R{y_i}, the derivatives along v (R_0 = 0)
e_i : something at the input x_i of layer i that is carried backward (an error, a curvature vector)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from hf_matlab_compat.backends.backend import Array
from hf_matlab_compat.model.network import Network
from hf_matlab_compat.model.packing import Layer, pack


@dataclass(frozen=True)
class Activations:
    """Outputs of a forward pass.

    Attributes
    ----------
    y : list of L+1 arrays (s_i, n)
        Outputs of every layer; y[0] are the inputs.
    x : (s_L, n) array
        Input of the output layer.
    """

    y: list[Array]
    x: Array


@dataclass(frozen=True)
class Tangents:
    """Outputs of an R-forward pass.

    Attributes
    ----------
    R : list of L+1 arrays (s_i, n) or None
        R{y_i}; R[0] is None because the inputs do not move.
    Rx : (s_L, n) array
        R{x_L}.
    """

    R: list[Any]
    Rx: Array


def forward(network: Network, layers: Sequence[Layer], y0: Array, xp: Any) -> Activations:
    """y_i = f_i(W_i y_{i-1} + b_i) for all layers."""
    y = [y0]
    x = y0
    for layer, unit in zip(layers, network.units, strict=True):
        x = layer.W @ y[-1]
        x += layer.b
        y.append(unit.activate(xp, x))
    return Activations(y, x)


def r_forward(network: Network, layers: Sequence[Layer], v: Sequence[Layer], y: Sequence[Array], xp: Any) -> Tangents:
    """v → Jv, layer by layer: Rx_i = W_i R_{i-1} + V_i y_{i-1} + c_i, R_i = J_{f_i} Rx_i."""
    R: list[Any] = [None]
    Rx: Array = y[0]
    for i, (layer, direction, unit) in enumerate(zip(layers, v, network.units, strict=True)):
        Rx = direction.W @ y[i]
        Rx += direction.b
        if i > 0:
            Rx += layer.W @ R[i]
        R.append(unit.jacobian_product(xp, y[i + 1], Rx))
    return Tangents(R, Rx)


def backward(network: Network, layers: Sequence[Layer], y: Sequence[Array], e: Array, xp: Any) -> list[Array]:
    """[e_1 … e_L] from e_L: e_i = J_{f_i} W_{i+1}ᵀ e_{i+1}."""
    errors = [e]
    for i in range(len(layers) - 1, 0, -1):
        errors.insert(0, network.units[i - 1].jacobian_product(xp, y[i], layers[i].W.T @ errors[0]))
    return errors


@dataclass(frozen=True)
class BackwardInputs:
    """What `r_backward` differentiates: outputs y, errors e (of layers 1 … L) and tangents R."""

    y: Sequence[Array]
    e: Sequence[Array]
    R: Sequence[Any]


def r_backward(
    network: Network, layers: Sequence[Layer], v: Sequence[Layer], passes: BackwardInputs, Re: Array, xp: Any
) -> list[Array]:
    """[Re_1 … Re_L] from Re_L, the derivative of `backward` along v.

    Rd_{i} = V_{i+1}ᵀ e_{i+1} + W_{i+1}ᵀ Re_{i+1};  Re_i = J Rd_i + (∂J · Rx_i) d_i, with d_i = W_{i+1}ᵀ e_{i+1}.
    """
    y, e, R = passes.y, passes.e, passes.R
    carried = [Re]
    for i in range(len(layers) - 1, 0, -1):
        unit = network.units[i - 1]
        d = layers[i].W.T @ e[i]
        Rd = v[i].W.T @ e[i] + layers[i].W.T @ carried[0]
        carried.insert(0, unit.jacobian_product(xp, y[i], Rd) + unit.curvature_product(xp, y[i], d, R[i]))
    return carried


def parameter_sums(e: Sequence[Array], y: Sequence[Array], xp: Any) -> Array:
    """Σ_cases of e_i y_{i-1}ᵀ and e_i for all layers, packed: (P,)."""
    # (y eᵀ)ᵀ instead of e yᵀ: its memory already has the order in which W is packed
    return pack(
        xp, [Layer((below @ e_i.T).T, e_i.sum(axis=1, keepdims=True)) for e_i, below in zip(e, y, strict=False)]
    )
