"""A recurrent net at one θ on one block of sequences: forward pass, gradient through time, curvature products.

Notation
--------
Arrays over time are (T, n, …) in memory: all steps of all sequences are the T·n rows of one matrix, and the columns of
the output layer; Z_t = [x_t, h_{t-1}, 1]
e = m ∘ ∂ll/∂o;  u = -e, or H_L Jv;  S = f'(a);  q_t = W_oh' u_t + W_hh' p_{t+1};  p_t = S_t ∘ q_t
Ra_t = V' z_t + W_hh Rh_{t-1}, the change of a along v;  Rh_t = S_t ∘ Ra_t
w : second derivative, in a, of the distance of hidden states in structural damping
Sums over t and n are single products: Σ p_t z_t' (Martens & Sutskever 2011; backpropagation through time).
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from hf_matlab_compat.backends.arrays import Array, Vector
from hf_matlab_compat.rnn.hessian import KeptErrors, add_hessian_product
from hf_matlab_compat.rnn.outputs import OutputColumns
from hf_matlab_compat.rnn.recursions import Recursions, recursions_of
from hf_matlab_compat.rnn.sequences import SequenceBlock
from hf_matlab_compat.rnn.squares import add_squares
from hf_matlab_compat.rnn.workspace import Workspace, rows

if TYPE_CHECKING:
    from hf_matlab_compat.rnn.network import RecurrentNetwork

MATCHED = ("tanh", "logistic", "linear")
"""Units whose matching distance has w = f'; that of the others is the squared one, w = f'²."""


class LayerAtSequences:
    """One hidden layer at θ on a block.

    Attributes
    ----------
    Z : (T, n, K) array
        Rows [x_t, h_{t-1}, 1].
    a, h : (T, n, H) arrays
        The same array unless the unit keeps its input.
    below : int
        Number of inputs.

    Parameters
    ----------
    net : RecurrentNetwork
    i : int
        The layer, from 0.
    shape : tuple of int
        T and n.
    workspace : Workspace
    """

    def __init__(self, net: RecurrentNetwork, i: int, shape: tuple[int, int], workspace: Workspace) -> None:
        self.unit, self.below, self.size = net.units[i], net.sizes[i], net.sizes[i + 1]
        self.learned = net.initial_state == "learned"
        self._workspace, self._name, xp = workspace, f"layer {i}", workspace.xp
        self.xp = xp
        self.Z = workspace.array(f"{self._name} Z", *shape, net.hidden[i].rows)
        if net.biases:
            self.Z[:, :, -1] = 1
        self.a = workspace.array(f"{self._name} a", *shape, self.size)
        self.h = workspace.array(f"{self._name} h", *shape, self.size) if self.unit.keeps_x else self.a
        self.states = slice(self.below, self.below + self.size)
        w_is_slope = net.structural_unit == "matching" and self.unit.name in MATCHED
        self.w_is_slope = w_is_slope

    def forward(self, W: Array, init: Array | None, recursions: Recursions) -> None:
        """Compute all states from the inputs in Z."""
        self.Z[0, :, self.states] = init if self.learned else 0
        recursions.forward(self.unit, self.Z, W, None if self.learned else init, (self.a, self.h, self.states))

    @cached_property
    def S(self) -> Array | None:
        """f'(a), (T, n, H); None for linear units."""
        out = self._workspace.array(f"{self._name} S", *self.a.shape)
        found = self.unit.slope(self.xp, rows(self.a).T, rows(self.h).T, out=rows(out).T)
        return None if found is None else out

    def rows_of_Z(self) -> Array:
        """Return Z as (T·n, K)."""
        return rows(self.Z)


class AtSequences(OutputColumns["RecurrentNetwork"]):
    """A recurrent net at θ on a block; an `AtBlock`.

    Parameters
    ----------
    net : RecurrentNetwork
    theta : (P,) vector
    block : SequenceBlock
    workspace : Workspace
        Keeps the forward pass.
    """

    def __init__(self, net: RecurrentNetwork, theta: Vector, block: SequenceBlock, workspace: Workspace) -> None:
        self.net, self.theta, self.block, self.xp = net, theta, block, workspace.xp
        self._workspace = workspace
        self._recursions = recursions_of(workspace.backend)
        self.shape = block.num_steps, len(block)
        self.layers = [LayerAtSequences(net, i, self.shape, workspace) for i in range(len(net.units) - 1)]
        self._forward()

    # --- forward

    def _forward(self) -> None:
        net, workspace = self.net, self._workspace
        workspace.fill(
            self.layers[0].Z[:, :, : net.sizes[0]], self.block.existing(self.block.inputs).transpose(1, 2, 0)
        )
        for i, layer in enumerate(self.layers):
            if i:
                layer.Z[:, :, : layer.below] = self.layers[i - 1].h
            layer.forward(*net.layer(self.theta, i), self._recursions)
        self.Y = workspace.array("Y", *self.shape, net.sizes[-2] + net.biases)
        self.Y[:, :, : net.sizes[-2]] = self.layers[-1].h
        if net.biases:
            self.Y[:, :, -1] = 1
        columns = self.shape[0] * self.shape[1]
        self.x = workspace.array("x", net.sizes[-1], columns)
        self.xp.matmul(net.output_layer(self.theta).T, rows(self.Y).T, out=self.x)
        self.y = net.units[-1].activate(self.xp, self.x, out=workspace.array("y", *self.x.shape))

    @property
    def states(self) -> list[Array]:
        """See `StepNet`."""
        return [layer.h for layer in self.layers]

    # --- gradient

    def add_gradient(self, out: Vector, workspace: Workspace) -> None:
        """See `AtBlock.add_gradient`."""
        self.back(self.e, out, workspace)

    def add_gradient_and_squares(self, out: Vector, squares: Vector, workspace: Workspace) -> None:
        """See `AtBlock.add_gradient_and_squares`."""
        p = self.back(self.e, out, workspace)
        add_squares(self, p, squares)

    def back(
        self,
        u: Array,
        out: Vector,
        workspace: Workspace,
        more: list[Array] | None = None,
        inside: list[Array] | None = None,
    ) -> list[Array]:
        """Add Jᵀ u to `out`, u (O, T·n); return p of every layer.

        Of every layer, `more` is added to p and `inside` to q, (T, n, H) each.
        """
        net, xp = self.net, self.xp
        self._add_product_of(rows(self.Y), u.T, net.output_layer(out), workspace)
        W_oh = net.output_layer(self.theta)[: net.sizes[-2]]
        above, found = (u.T, W_oh.T), list[Array]()
        for i in range(len(self.layers) - 1, -1, -1):
            layer, (W, _) = self.layers[i], net.layer(self.theta, i)
            p = workspace.array(f"p {i}", *self.shape, layer.size)
            xp.matmul(*above, out=rows(p))
            if inside is not None:
                p += inside[i]
            self._recursions.back(p, W[layer.states], layer.S, None if more is None else more[i])
            self._take(i, p, out, workspace)
            above = (rows(p), W[: layer.below].T)
            found.insert(0, p)
        return found

    def _take(self, i: int, p: Array, out: Vector, workspace: Workspace) -> None:
        """Add Σ z_t p_t' and the sum of the initial vector of a layer to `out`."""
        layer, (W, _), (total, init) = self.layers[i], self.net.layer(self.theta, i), self.net.layer(out, i)
        self._add_product_of(layer.rows_of_Z(), rows(p), total, workspace)
        if init is not None:
            first = p[0].sum(axis=0, keepdims=True)
            init += first @ W[layer.states].T if layer.learned else first

    def _add_product_of(self, below: Array, above: Array, out: Array, workspace: Workspace) -> None:
        """Add belowᵀ above, a sum over the rows of both, to `out`."""
        out += self.xp.matmul(below.T, above, out=workspace.array("sum", *out.shape))

    # --- curvature

    def add_product(self, v: Vector, out: Vector, structural: float, workspace: Workspace) -> None:
        """See `AtBlock.add_product`."""
        if self.net.curvature == "hessian":
            add_hessian_product(self, v, out, structural, workspace)
            return
        tangents, Jv = self.tangent(v, workspace)
        u = self.curved(Jv) if self.net.curvature == "gauss_newton" else self._fisher(Jv)
        self.back(u, out, workspace, self.structural(tangents, structural, workspace))

    def tangent(
        self, v: Vector, workspace: Workspace, kept: dict[int, Array] | None = None
    ) -> tuple[list[Array], Array]:
        """Return Rh of every layer, (T, n, H), and Jv = Ro, (O, T·n); `kept` receives Ra of the layers it names."""
        net, xp, found = self.net, self.xp, list[Array]()
        for i, layer in enumerate(self.layers):
            (V, v_init), (W, _) = net.layer(v, i), net.layer(self.theta, i)
            R = workspace.array(f"R {i}", *self.shape, layer.size)
            xp.matmul(layer.rows_of_Z(), V, out=rows(R))
            if i:
                room = workspace.array("p 0", *self.shape, layer.size)
                R += xp.matmul(rows(found[-1]), W[: layer.below], out=rows(room)).reshape(R.shape)
            W_hhT = W[layer.states]
            first = v_init if v_init is None or not layer.learned else v_init @ W_hhT
            self._recursions.tangent(R, W_hhT, first, layer.S, None if kept is None else kept.get(i))
            found.append(R)
        V_o, W_oh = net.output_layer(v), net.output_layer(self.theta)[: net.sizes[-2]]
        Jv = xp.matmul(V_o.T, rows(self.Y).T, out=workspace.array("Jv", *self.x.shape))
        Jv += xp.matmul(W_oh.T, rows(found[-1]).T, out=workspace.array("room", *Jv.shape))
        return found, Jv

    def structural(self, tangents: list[Array], strength: float, workspace: Workspace) -> list[Array] | None:
        """Return strength · e ∘ w ∘ Ra of every layer, in the memory of its Rh; None without structural damping."""
        if not strength:
            return None
        for layer, R in zip(self.layers, tangents, strict=True):
            R *= strength
            if self.exists is not None:
                R *= self.exists
            if not layer.w_is_slope and layer.S is not None:
                R *= layer.S
        return tangents

    @cached_property
    def errors(self) -> KeptErrors:
        """The backward pass at θ, for Hessian products."""
        return KeptErrors(self, Workspace(self._workspace.backend))

    def _fisher(self, Jv: Array) -> Array:
        """Return e_tn c_n with c_n = Σ_t e_tn' Jv_tn, the product of a whole sequence's gradient with v."""
        product = self.xp.multiply(Jv, self.e, out=Jv)
        c = product.sum(axis=0).reshape(self.shape).sum(axis=0)
        return (self.e.reshape(-1, *self.shape) * c).reshape(Jv.shape)
