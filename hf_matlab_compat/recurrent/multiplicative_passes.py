"""Forward pass, derivative along a direction, and backward sweep of the multiplicative net on one block of sequences.

Notation
--------
x_t : inputs (D);  f_t : factors (F);  h_t : hidden units (H);  o_t : input of the output layer (O)
c_t = W_fx x_t, or tanh(W_fx x_t) + b_f;   r_t = W_fh h_{t-1};   f_t = c_t ∘ r_t
a_t = W_hf f_t + W_hx x_t + b_h;   h_t = tanh(a_t);   o_t = W_oh h_t + b_o;   s_t = 1 - h_t²
u_t = ∂ll/∂o_t, or H_L Ro_t in products;   ∘ elementwise;   R{·} : derivative along the direction V
p_t, φ_t, k_{t-1} : the same as u_t at a_t, f_t, h_{t-1}
Arrays are (units, T, N). What needs no recursion is one matrix product over all T·N columns.
"""

from __future__ import annotations

from typing import NamedTuple

from hf_matlab_compat.backends.arrays import Array, Vector
from hf_matlab_compat.recurrent.inputs import Inputs, columns
from hf_matlab_compat.recurrent.workspace import Workspace


class Blocks(NamedTuple):
    """Parameters, a direction, or sums, as views of a packed vector in the order of packing.

    Attributes
    ----------
    W_fx : (F, D) array
    b_f : (F, 1) array or None
        None unless the gain is tanh.
    W_fh : (F, H) array
    W_hf : (H, F) array
    W_hx : (H, D) array
    b_h, h_0 : (H, 1) arrays
    W_oh : (O, H) array
    b_o : (O, 1) array
    """

    W_fx: Array
    b_f: Array | None
    W_fh: Array
    W_hf: Array
    W_hx: Array
    b_h: Array
    h_0: Array
    W_oh: Array
    b_o: Array


class Sizes(NamedTuple):
    """Numbers of units, and whether the gain of the factors is tanh(W_fx x) + b_f."""

    inputs: int
    factors: int
    hidden: int
    outputs: int
    has_tanh_gain: bool = False

    @property
    def shapes(self) -> list[tuple[int, int]]:
        """Shapes of the blocks, with 0 columns for one that does not exist."""
        D, F, H, O, has_bias = self  # noqa: E741
        return [(F, D), (F, int(has_bias)), (F, H), (H, F), (H, D), (H, 1), (H, 1), (O, H), (O, 1)]

    @property
    def num_parameters(self) -> int:
        """P."""
        return sum(rows * columns for rows, columns in self.shapes)

    def blocks(self, packed: Vector) -> Blocks:
        """Return views of a packed vector, whose matrices stand column by column."""
        found: list[Array] = []
        start = 0
        for rows, count in self.shapes:
            stop = start + rows * count
            found.append(packed[start:stop].reshape(count, rows).T)
            start = stop
        W_fx, b_f, *others = found
        return Blocks(W_fx, b_f if self.has_tanh_gain else None, *others)


class Errors(NamedTuple):
    """Results of a backward sweep.

    Attributes
    ----------
    u : (O, T, N) array
    p : (H, T, N) array
    c_hat : (F, T, N) array
        At c_t: φ_t ∘ r_t.
    r_hat : (F, T, N) array
        At r_t: φ_t ∘ c_t.
    k_0 : (H, N) array
        At h_0.
    """

    u: Array
    p: Array
    c_hat: Array
    r_hat: Array
    k_0: Array


class MultiplicativePasses:
    """The forward pass at θ, kept for the sweeps that follow.

    Parameters
    ----------
    W : Blocks
        θ.
    x : Inputs
    workspace : Workspace
        Holds the forward pass; those of the sweeps are other ones, or the same one if the pass is used only once.

    Attributes
    ----------
    h : (H, T, N) array
        h_1 … h_T.
    o : (O, T, N) array
    """

    def __init__(self, W: Blocks, x: Inputs, workspace: Workspace) -> None:
        self._W, self._x, self._xp = W, x, workspace.xp
        xp, T, N = workspace.xp, x.steps, x.sequences
        F, H = W.W_fh.shape
        self._gain = x.times(W.W_fx, workspace.array("gain", F, T, N))
        self._gain_slope = None
        if W.b_f is not None:
            xp.tanh(self._gain, out=self._gain)
            self._gain_slope = _one_minus_square(xp, self._gain, workspace.array("gain slope", F, T, N))
            self._gain += W.b_f[:, :, None]
        self._r, self._f = workspace.array("r", F, T, N), workspace.array("f", F, T, N)
        a = x.times(W.W_hx, workspace.array("a", H, T, N))
        a += W.b_h[:, :, None]
        self._all_h = workspace.array("h", H, T + 1, N)
        self._all_h[:, 0] = W.h_0
        for t in range(T):
            r, f, h = self._r[:, t], self._f[:, t], self._all_h[:, t + 1]
            r[...] = W.W_fh @ self._all_h[:, t]
            xp.multiply(self._gain[:, t], r, out=f)
            xp.add(W.W_hf @ f, a[:, t], out=h)
            xp.tanh(h, out=h)
        self.h, self._h_before = self._all_h[:, 1:], self._all_h[:, :-1]
        self._slope = _one_minus_square(xp, self.h, a)
        self.o = workspace.array("o", len(W.W_oh), T, N)
        xp.matmul(W.W_oh, columns(self.h), out=columns(self.o))
        self.o += W.b_o[:, :, None]

    def tangents(self, V: Blocks, workspace: Workspace) -> tuple[Array, Array]:
        """Return Rh, (H, T, N), and Ro, (O, T, N)."""
        W, xp = self._W, self._xp
        # Rf_t = [Rc_t ∘ r_t + c_t ∘ V_fh h_{t-1}] + c_t ∘ W_fh Rh_{t-1}; the bracket needs no recursion
        Rf = self._x.times(V.W_fx, workspace.array("Rf", *self._f.shape))
        if V.b_f is not None:
            Rf *= self._gain_slope
            Rf += V.b_f[:, :, None]
        Rf *= self._r
        term = workspace.array("term", *self._f.shape)
        xp.matmul(V.W_fh, columns(self._h_before), out=columns(term))
        term *= self._gain
        Rf += term
        Rh = self._x.times(V.W_hx, workspace.array("Rh", *self.h.shape))
        Rh += V.b_h[:, :, None]
        term = workspace.array("term", *self.h.shape)
        xp.matmul(V.W_hf, columns(self._f), out=columns(term))
        Rh += term
        before = xp.broadcast_to(V.h_0, Rh[:, 0].shape)
        for t in range(self._x.steps):
            step = W.W_fh @ before
            step *= self._gain[:, t]
            step += Rf[:, t]
            before = Rh[:, t]
            before += W.W_hf @ step
            before *= self._slope[:, t]
        Ro, term = workspace.array("Ro", *self.o.shape), workspace.array("term", *self.o.shape)
        xp.matmul(V.W_oh, columns(self.h), out=columns(Ro))
        Ro += xp.matmul(W.W_oh, columns(Rh), out=columns(term)).reshape(Ro.shape)
        Ro += V.b_o[:, :, None]
        return Rh, Ro

    def back(self, u: Array, workspace: Workspace, extra: Array | None = None) -> Errors:
        """Run the backward sweep from u, (O, T, N); `extra`, (H, T, N), is added to p: structural damping's share."""
        W, xp = self._W, self._xp
        p = workspace.array("p", *self.h.shape)
        xp.matmul(W.W_oh.T, columns(u), out=columns(p))
        phi, r_hat = workspace.array("c hat", *self._f.shape), workspace.array("r hat", *self._f.shape)
        k = xp.zeros_like(p[:, 0])
        for t in reversed(range(self._x.steps)):
            now = p[:, t]
            now += k
            now *= self._slope[:, t]
            if extra is not None:
                now += extra[:, t]
            phi[:, t] = W.W_hf.T @ now
            xp.multiply(phi[:, t], self._gain[:, t], out=r_hat[:, t])
            k = W.W_fh.T @ r_hat[:, t]
        phi *= self._r
        return Errors(u, p, phi, r_hat, k)

    def add_to(self, sums: Blocks, e: Errors) -> None:
        """Add Σ over steps and sequences of the outer products of errors and what lies below them."""
        p, r_hat, u = columns(e.p), columns(e.r_hat), columns(e.u)
        _add(sums.W_fx, self._x.outer(self._at_input_of_gain(e)))
        _add(sums.W_fh, r_hat @ columns(self._h_before).T)
        _add(sums.W_hf, p @ columns(self._f).T)
        _add(sums.W_hx, self._x.outer(e.p))
        _add(sums.b_h, p.sum(axis=1, keepdims=True))
        _add(sums.h_0, e.k_0.sum(axis=1, keepdims=True))
        _add(sums.W_oh, u @ columns(self.h).T)
        _add(sums.b_o, u.sum(axis=1, keepdims=True))
        if sums.b_f is not None:
            _add(sums.b_f, columns(e.c_hat).sum(axis=1, keepdims=True))

    def add_squares_to(self, squares: Blocks, e: Errors) -> None:
        """Add Σ over sequences of the squares of what `add_to` adds for that sequence alone."""
        x = self._x.as_array().astype(e.p.dtype, copy=False)
        for block, left, right in (
            (squares.W_fx, self._at_input_of_gain(e), x),
            (squares.W_fh, e.r_hat, self._h_before),
            (squares.W_hf, e.p, self._f),
            (squares.W_hx, e.p, x),
            (squares.W_oh, e.u, self.h),
        ):
            each = left.transpose(2, 0, 1) @ right.transpose(2, 1, 0)
            _add(block, (each**2).sum(axis=0))
        for block, one in ((squares.b_h, e.p), (squares.b_f, e.c_hat), (squares.b_o, e.u)):
            if block is not None:
                _add(block, (one.sum(axis=1) ** 2).sum(axis=1, keepdims=True))
        _add(squares.h_0, (e.k_0**2).sum(axis=1, keepdims=True))

    def _at_input_of_gain(self, e: Errors) -> Array:
        return e.c_hat if self._gain_slope is None else e.c_hat * self._gain_slope


def _add(block: Array, more: Array) -> None:
    block += more  # views of a packed vector


def _one_minus_square(xp: object, y: Array, out: Array) -> Array:
    """Write 1 - y² to `out`, the slope of tanh."""
    xp.multiply(y, y, out=out)  # type: ignore[attr-defined]
    xp.subtract(1, out, out=out)  # type: ignore[attr-defined]
    return out
