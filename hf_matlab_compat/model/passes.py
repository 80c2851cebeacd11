"""Passes through a network for one block of cases: forward, along a direction, and backward.

Notation
--------
y_0 : (s_0, n) inputs;  x_i = W_i y_{i-1} + b_i;  y_i = f_i(x_i)
R_i : R{y_i}, the derivative along a direction v = (V_i, c_i); R_0 = 0 (Pearlmutter 1994, "Fast exact multiplication
by the Hessian")
e_i : vector at the input x_i of layer i that is carried backward (an error, or a curvature product)
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, cast

from hf_matlab_compat.backends.arrays import Array
from hf_matlab_compat.model.buffers import BlockBuffers, LayerArrays
from hf_matlab_compat.model.directions import Directions
from hf_matlab_compat.model.network import Network
from hf_matlab_compat.model.sums import ParameterSums
from hf_matlab_compat.model.units import Pointwise, Unit

Spare = Callable[[int, int, int], Array]
"""(which, size, n): a (size, n) scratch array, number 0, 1 or 2."""


@dataclass(frozen=True)
class Kept:
    """A forward pass that many curvature products use.

    Attributes
    ----------
    buffers : BlockBuffers
        With room for tangents.
    slopes : list of L+1 arrays (s_i, n)
        `Unit.slope` of every layer; None for the inputs, and for layers where the passes do not need it.
    """

    buffers: BlockBuffers
    slopes: list[Array | None]


@dataclass(frozen=True)
class KeptErrors:
    """Arrays that Hessian products need beside `Kept`; entry i - 1 belongs to layer i.

    Attributes
    ----------
    e : LayerArrays
        Gradient of the negative log-likelihood at the input of every layer.
    bends : LayerArrays
        d_i f''_i / f'_i of the hidden layers, where d_i = W_{i+1}ᵀ e_{i+1}; for units that keep x, d_i f''_i.
    """

    e: LayerArrays
    bends: LayerArrays


class Passes:
    """The passes as numpy operations on whole arrays.

    Parameters
    ----------
    network : Network
    xp : module
    """

    def __init__(self, network: Network, xp: Any) -> None:
        self._network, self._xp = network, xp

    def weights(self, theta: Array) -> Any:
        """Return θ in the form that `forward` and `gradient_back` take."""
        return self._network.with_biases(theta)

    def point(self, directions: Directions, v: Array) -> None:
        """Write a new direction v into `directions`."""
        directions.point(v)

    def forward(self, weights: Any, buffers: BlockBuffers) -> None:
        """Compute the outputs y of all hidden layers and the last layer's input x from y_0 in `buffers`."""
        xp = self._xp
        for i in range(1, len(self._network.units)):
            xp.matmul(weights[i - 1].T, buffers.y1[i - 1], out=buffers.inputs[i])
            self._activate(i, buffers)
        xp.matmul(weights[-1].T, buffers.y1[-1], out=buffers.x)

    def score(self, buffers: BlockBuffers, t: Array, room: Array, weights: Array | None = None) -> Any:
        """Compute y_L and return Σ ll over units and cases, a scalar.

        It overwrites `room`, and x if the gradient of the loss does not need x.
        """
        x, y, xp = buffers.x, buffers.y[-1], self._xp
        self._network.units[-1].activate(xp, x, out=y)
        return self._network.loss.log_likelihood(xp, x, y, t, room, weights)

    def gradient_back(
        self,
        weights: Any,
        buffers: BlockBuffers,
        e: Array,
        sums: Sequence[ParameterSums],
        spare: Spare,
        case_weights: Array | None = None,
    ) -> None:
        """Add Σ y eᵀ and Σ (y∘y)(e∘e)ᵀ of all layers to `sums`, from e_L. All buffers are overwritten.

        With `case_weights`, (1, n), both sums are weighted by case.
        """
        xp = self._xp
        for i in range(len(self._network.units), 1, -1):
            d = xp.matmul(weights[i - 1][:-1], e, out=spare(i % 2, *buffers.y[i - 1].shape))
            self._times_slope(i - 1, buffers, d, spare)
            self._take(i, buffers.y1[i - 1], e, sums, case_weights)
            e = d
        self._take(1, buffers.y1[0], e, sums, case_weights)

    def keep(self, theta: Array, buffers: BlockBuffers) -> Kept:
        """Run the forward pass from y_0 in `buffers`, y_L included, for later products along directions."""
        network, xp, y = self._network, self._xp, buffers.y
        self.forward(self.weights(theta), buffers)
        network.units[-1].activate(xp, buffers.x, out=y[-1])
        return Kept(buffers, [None, *(self._slope(i, buffers) for i in range(1, len(y)))])

    def _slope(self, i: int, buffers: BlockBuffers) -> Array | None:
        unit = self._network.units[i - 1]
        return unit.slope(self._xp, buffers.inputs[i], buffers.y[i], out=buffers.slopes.get(i))

    def keep_errors(self, theta: Array, kept: Kept, e_L: Array) -> KeptErrors:
        """Run the backward pass from e_L at θ. Call it before `tangents`, which overwrites x by R{x}."""
        network, xp = self._network, self._xp
        weights, n = network.with_biases(theta), kept.buffers.n
        e, bends = (LayerArrays(sizes, n, xp, theta.dtype) for sizes in (network.sizes[1:], network.sizes[1:-1]))
        e.layers[-1][...] = e_L
        for i in range(len(network.units) - 1, 0, -1):
            d = xp.dot(weights[i][:-1], e.layers[i], out=e.layers[i - 1])
            bends.layers[i - 1][...] = self._bend(i, kept.buffers, d)
        return KeptErrors(e, bends)

    def tangents(self, directions: Directions, kept: Kept) -> Array:
        """Compute R of the hidden layers in their buffers and return Jv = R{x_L} = W R + V y + c, (s_L, n)."""
        buffers, xp = kept.buffers, self._xp
        for i, unit in enumerate(self._network.units[:-1], start=1):
            Rx = xp.dot(directions.forward[i - 1].T, buffers.Ry1[i - 1], out=_moved(unit, buffers, i))
            self._times_kept_slope(i, kept, Rx, out=buffers.R[i])
        return xp.dot(directions.forward[-1].T, buffers.Ry1[-1], out=buffers.R[-1])

    def rank_one(self, e: Array, R: Array) -> Array:
        """Return e (e · R) of every case, in the memory of R; both (s_L, n)."""
        product = self._xp.multiply(R, e, out=R)
        return self._xp.multiply(e, product.sum(axis=0, keepdims=True), out=R)

    def back(self, directions: Directions, kept: Kept, e: Array, sums: ParameterSums) -> None:
        """Add Jᵀ e_L to `sums`; e of a hidden layer overwrites its tangents."""
        buffers, xp = kept.buffers, self._xp
        for i in range(len(self._network.units), 1, -1):
            sums.take(i, buffers.y1[i - 1], e)
            e = xp.dot(directions.W[i - 1], e, out=buffers.R[i - 1])  # R of this layer is not needed any more
            self._times_kept_slope(i - 1, kept, e, out=e)
        sums.take(1, buffers.y1[0], e)

    def hessian_back(
        self, directions: Directions, kept: Kept, errors: KeptErrors, Re: Array, sums: ParameterSums, spare: Spare
    ) -> None:
        """Add R{∂/∂θ} to `sums` from R{e_L}.

        R{e_i} = f'_i ∘ R{d_i} + d_i f''_i / f'_i ∘ R_i with R{d_i} = Vᵀ e + Wᵀ R{e}.
        """
        network, buffers, xp, e = self._network, kept.buffers, self._xp, errors.e.layers
        for i in range(len(network.units), 1, -1):
            # R{e_i y_{i-1}ᵀ} = R{e_i} y_{i-1}ᵀ + e_i R_{i-1}ᵀ, where R_0 = 0 and the input of a bias is constant
            R = buffers.R[i - 1]
            sums.take(i, buffers.y1[i - 1], Re)
            sums.also(i, R, e[i - 1])
            Rd = xp.dot(directions.W[i - 1], Re, out=spare(i % 2, *R.shape))
            Rd += xp.dot(directions.V[i - 1], e[i - 1], out=spare(2, *R.shape))
            self._times_kept_slope(i - 1, kept, Rd, out=Rd)
            Re = Rd
            moved = _moved(network.units[i - 2], buffers, i - 1)
            Re += xp.multiply(moved, errors.bends.layers[i - 2], out=moved)
        sums.take(1, buffers.y1[0], Re)

    def _bend(self, i: int, buffers: BlockBuffers, d: Array) -> Array:
        """Return the bend of hidden layer i, and replace d_i by e_i = f'_i ∘ d_i."""
        unit, x, y, xp = self._network.units[i - 1], buffers.inputs[i], buffers.y[i], self._xp
        bend = cast(Pointwise, unit).bend(xp, x, y, d)
        unit.jacobian_product(xp, unit.slope(xp, x, y), d, out=d)
        return bend

    def _take(self, i: int, below: Array, e: Array, sums: Sequence[ParameterSums], case_weights: Array | None) -> None:
        gradient, squared = sums
        gradient.take(i, below, e if case_weights is None else e * case_weights)
        # (y∘y)(e∘e)ᵀ sums the squares of each case's gradient y eᵀ without forming that gradient
        self._square(below, e)
        if case_weights is not None:
            e *= case_weights
        squared.take(i, below, e)

    def _square(self, below: Array, e: Array) -> None:
        """Square both in place."""
        below *= below
        e *= e

    def _activate(self, i: int, buffers: BlockBuffers) -> None:
        """Compute y of hidden layer i from its input."""
        self._network.units[i - 1].activate(self._xp, buffers.inputs[i], out=buffers.y[i])

    def _times_slope(self, i: int, buffers: BlockBuffers, d: Array, spare: Spare) -> None:
        """Compute J d of hidden layer i in place of d."""
        unit, x, y, xp = self._network.units[i - 1], buffers.inputs[i], buffers.y[i], self._xp
        unit.jacobian_product(xp, unit.slope(xp, x, y, out=spare(2, *y.shape)), d, out=d)

    def _times_kept_slope(self, i: int, kept: Kept, r: Array, out: Array) -> None:
        """Compute J r of hidden layer i from the kept slope; `out` may be r."""
        self._network.units[i - 1].jacobian_product(self._xp, kept.slopes[i], r, out=out)


def _moved(unit: Unit, buffers: BlockBuffers, i: int) -> Array:
    """Return the array that holds R{x_i}.

    R_i overwrites R{x_i}, unless the unit keeps x: then f'' is multiplied with R{x_i} later.
    """
    return buffers.inputs[i] if unit.keeps_x else buffers.R[i]
