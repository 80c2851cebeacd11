"""Exact Hessian products of a recurrent net on one block: the change of the backward pass along v.

Notation
--------
u, p : of the gradient of -ll at θ;  q_t(W) = W_oh' u_t + W_hh' p_{t+1}, from the layer above in place of the output
Ru = R{u} at the output;  Rp_t = S_t ∘ (q_t(V) + W_oh' Ru_t + W_hh' Rp_{t+1}) + f''(a_t) ∘ Ra_t ∘ q_t(W)
Hv : Σ Rp_t z_t' + p_t Rz_t' (Pearlmutter 1994, the R operator)
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from hf_matlab_compat.backends.arrays import Array, Vector
from hf_matlab_compat.model.units import Pointwise
from hf_matlab_compat.rnn.workspace import Workspace, rows

if TYPE_CHECKING:
    from hf_matlab_compat.rnn.passes import AtSequences


class KeptErrors:
    """The backward pass of the gradient of -ll at θ, kept for products.

    Attributes
    ----------
    u : (O, T·n) array
    p : list of (T, n, H) arrays
    bends : list of (T, n, H) arrays
        q f''/f', to be multiplied with Rh; for units that keep their input q f'', to be multiplied with Ra.

    Parameters
    ----------
    at : AtSequences
    workspace : Workspace
        Of its own.
    """

    def __init__(self, at: AtSequences, workspace: Workspace) -> None:
        self.u = -at.e
        self.p = at.back(self.u, at.theta.copy(), workspace)
        self.bends: list[Array] = []
        for i, layer in enumerate(at.layers):
            q, unit = self.along(at, at.theta, i), cast(Pointwise, layer.unit)
            bend = unit.bend(at.xp, rows(layer.a).T, rows(layer.h).T, rows(q).T)
            self.bends.append(bend.T.reshape(q.shape))

    def along(self, at: AtSequences, vector: Vector, i: int) -> Array:
        """Return q_t of hidden layer i, (T, n, H), through the weights of θ or of a direction."""
        net, layer = at.net, at.layers[i]
        if i + 1 < len(at.layers):
            q = rows(self.p[i + 1]) @ net.layer(vector, i + 1)[0][: layer.size].T
        else:
            q = self.u.T @ net.output_layer(vector)[: layer.size].T
        q = q.reshape(self.p[i].shape)
        if len(q) > 1:
            q[:-1] += (rows(self.p[i][1:]) @ net.layer(vector, i)[0][layer.states].T).reshape(q[:-1].shape)
        return q


def add_hessian_product(at: AtSequences, v: Vector, out: Vector, structural: float, workspace: Workspace) -> None:
    """Add (H + structural · S) v to `out`."""
    net, xp, errors = at.net, at.xp, at.errors
    moved = {i: xp.empty_like(layer.a) for i, layer in enumerate(at.layers) if layer.unit.keeps_x}
    tangents, Ro = at.tangent(v, workspace, moved)
    R = net.units[-1].jacobian_product(xp, at.slope, Ro.copy())
    Ru = net.loss.hessian_product(xp, at.at_output, R, Ro)
    if at.weights is not None:
        Ru = Ru * at.weights
    net.output_layer(out)[: net.sizes[-2]] += rows(tangents[-1]).T @ errors.u.T
    inside = [errors.along(at, v, i) for i in range(len(at.layers))]
    more = [errors.bends[i] * moved.get(i, R) for i, R in enumerate(tangents)]
    for i in range(len(at.layers)):
        _add_moved_inputs(at, i, (v, out), tangents)
    damped = at.structural(tangents, structural, workspace)
    if damped is not None:
        more = [bent + part for bent, part in zip(more, damped, strict=True)]
    at.back(Ru, out, workspace, more, inside)


def _add_moved_inputs(at: AtSequences, i: int, vectors: tuple[Vector, Vector], tangents: list[Array]) -> None:
    """Add Σ p_t Rz_t' of hidden layer i, and the change of the initial state's gradient through V_hh."""
    v, out = vectors
    layer, p = at.layers[i], at.errors.p[i]
    (V, v_init), (total, init) = at.net.layer(v, i), at.net.layer(out, i)
    if i:
        total[: layer.below] += rows(tangents[i - 1]).T @ rows(p)
    if len(p) > 1:
        total[layer.states] += rows(tangents[i][:-1]).T @ rows(p[1:])
    if layer.learned and init is not None and v_init is not None:
        first = p[0].sum(axis=0, keepdims=True)
        total[layer.states] += v_init.T @ first
        init += first @ V[layer.states].T
