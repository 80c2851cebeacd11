"""Forward pass, derivative along a direction, and backward sweep of the multiplicative net on one block of sequences.

Notation
--------
x_t : inputs (D);  f_t : factors (F);  h_t : hidden units (H);  o_t : input of the output layer (O)
c_t = W_fx x_t, or tanh(W_fx x_t) + b_f;   r_t = W_fh h_{t-1};   f_t = c_t ∘ r_t
a_t = W_hf f_t + W_hx x_t + b_h;   h_t = tanh(a_t);   o_t = W_oh h_t + b_o;   s_t = 1 - h_t²
u_t = ∂ll/∂o_t, or H_L Ro_t in products;   ∘ elementwise;   R{·} : derivative along the direction V
p_t, φ_t, k_{t-1} : the same as u_t at a_t, f_t, h_{t-1}
Arrays over time are (T, n, units), so that a step is contiguous; (O, T·n) at the output. What needs no recursion is one
matrix product over the T·n rows of all steps.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from hf_matlab_compat.backends.arrays import Array, Vector
from hf_matlab_compat.rnn.inputs import Inputs
from hf_matlab_compat.rnn.squares import add_squared_sums
from hf_matlab_compat.rnn.workspace import Workspace, rows


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
        return sum(height * width for height, width in self.shapes)

    def blocks(self, packed: Vector) -> Blocks:
        """Return views of a packed vector, whose matrices stand column by column."""
        found: list[Array] = []
        start = 0
        for height, width in self.shapes:
            stop = start + height * width
            found.append(packed[start:stop].reshape(width, height).T)
            start = stop
        W_fx, b_f, *others = found
        return Blocks(W_fx, b_f if self.has_tanh_gain else None, *others)


class Errors(NamedTuple):
    """Results of a backward sweep.

    Attributes
    ----------
    u : (O, T·n) array
    p : (T, n, H) array
    c_hat : (T, n, F) array
        At W_fx x_t: φ_t ∘ r_t, and ∘ the slope of a tanh gain.
    b_hat : (T, n, F) array
        At b_f: φ_t ∘ r_t.
    r_hat : (T, n, F) array
        At r_t: φ_t ∘ c_t.
    k_0 : (n, H) array
        At h_0.
    """

    u: Array
    p: Array
    c_hat: Array
    b_hat: Array
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
    h : (T, n, H) array
    o : (O, T·n) array
    """

    def __init__(self, W: Blocks, x: Inputs, workspace: Workspace) -> None:
        self._W, self._x, self._xp = W, x, workspace.xp
        xp, steps = workspace.xp, (x.steps, x.sequences)
        F, H = W.W_fh.shape
        self._gain = x.times(W.W_fx, workspace.array("gain", *steps, F))
        self._gain_slope = None
        if W.b_f is not None:
            xp.tanh(self._gain, out=self._gain)
            self._gain_slope = _slope_of_tanh(xp, self._gain, workspace.array("gain slope", *steps, F))
            self._gain += W.b_f.T
        self._r, self._f = workspace.array("r", *steps, F), workspace.array("f", *steps, F)
        a = x.times(W.W_hx, workspace.array("a", *steps, H))
        a += W.b_h.T
        all_h = workspace.array("h", x.steps + 1, x.sequences, H)
        all_h[0] = W.h_0.T
        for t in range(x.steps):
            xp.matmul(all_h[t], W.W_fh.T, out=self._r[t])
            xp.multiply(self._gain[t], self._r[t], out=self._f[t])
            h = xp.matmul(self._f[t], W.W_hf.T, out=all_h[t + 1])
            h += a[t]
            xp.tanh(h, out=h)
        self.h, self._h_before = all_h[1:], all_h[:-1]
        self._slope = _slope_of_tanh(xp, self.h, a)
        self.o = workspace.array("o", len(W.W_oh), x.steps * x.sequences)
        xp.matmul(W.W_oh, rows(self.h).T, out=self.o)
        self.o += W.b_o

    def tangents(self, V: Blocks, workspace: Workspace) -> tuple[Array, Array]:
        """Return Rh, (T, n, H), and Ro, (O, T·n)."""
        W, xp = self._W, self._xp
        # Rf_t = [Rc_t ∘ r_t + c_t ∘ V_fh h_{t-1}] + c_t ∘ W_fh Rh_{t-1}; the bracket needs no recursion
        Rf = self._x.times(V.W_fx, workspace.array("Rf", *self._f.shape))
        if V.b_f is not None:
            Rf *= self._gain_slope
            Rf += V.b_f.T
        Rf *= self._r
        term = workspace.array("term", *self._f.shape)
        xp.matmul(rows(self._h_before), V.W_fh.T, out=rows(term))
        term *= self._gain
        Rf += term
        Rh = self._x.times(V.W_hx, workspace.array("Rh", *self.h.shape))
        Rh += V.b_h.T
        term = workspace.array("term", *self.h.shape)
        xp.matmul(rows(self._f), V.W_hf.T, out=rows(term))
        Rh += term
        self._recur(Rf, Rh, V)
        Ro = xp.matmul(V.W_oh, rows(self.h).T, out=workspace.array("Ro", *self.o.shape))
        Ro += xp.matmul(W.W_oh, rows(Rh).T, out=workspace.array("term", *self.o.shape))
        Ro += V.b_o
        return Rh, Ro

    def _recur(self, Rf: Array, Rh: Array, V: Blocks) -> None:
        """Complete Rh_t, which holds V_hx x_t + v_h + V_hf f_t, from the brackets Rf_t."""
        W, xp = self._W, self._xp
        factors, hidden = xp.empty_like(Rf[0]), xp.empty_like(Rh[0])
        before = hidden.copy()
        before[...] = V.h_0.T
        for t in range(len(Rh)):
            xp.matmul(before, W.W_fh.T, out=factors)
            factors *= self._gain[t]
            factors += Rf[t]
            before = Rh[t]
            before += xp.matmul(factors, W.W_hf.T, out=hidden)
            before *= self._slope[t]

    def back(self, u: Array, workspace: Workspace, extra: Array | None = None) -> Errors:
        """Run the backward sweep from u, (O, T·n); `extra`, (T, n, H), is added to p: structural damping's share."""
        W, xp = self._W, self._xp
        p = workspace.array("p", *self.h.shape)
        xp.matmul(u.T, W.W_oh, out=rows(p))
        phi, r_hat = workspace.array("phi", *self._f.shape), workspace.array("r hat", *self._f.shape)
        k = xp.zeros_like(p[0])
        for t in range(len(p) - 1, -1, -1):
            now = p[t]
            now += k
            now *= self._slope[t]
            if extra is not None:
                now += extra[t]
            xp.matmul(now, W.W_hf, out=phi[t])
            xp.multiply(phi[t], self._gain[t], out=r_hat[t])
            xp.matmul(r_hat[t], W.W_fh, out=k)
        phi *= self._r
        c_hat = phi if self._gain_slope is None else phi * self._gain_slope
        return Errors(u, p, c_hat, phi, r_hat, k)

    def add_to(self, sums: Blocks, e: Errors) -> None:
        """Add Σ over steps and sequences of the outer products of errors and what lies below them."""
        _add(sums.W_fx.T, self._x.outer(e.c_hat))
        _add(sums.W_fh.T, rows(self._h_before).T @ rows(e.r_hat))
        _add(sums.W_hf.T, rows(self._f).T @ rows(e.p))
        _add(sums.W_hx.T, self._x.outer(e.p))
        _add(sums.W_oh.T, rows(self.h).T @ e.u.T)
        _add(sums.b_o[:, 0], e.u.sum(axis=1))
        for block, one in ((sums.b_h, rows(e.p)), (sums.b_f, rows(e.b_hat)), (sums.h_0, e.k_0)):
            if block is not None:
                _add(block[:, 0], one.sum(axis=0))

    def add_squares_to(self, squares: Blocks, e: Errors) -> None:
        """Add Σ over sequences of the squares of what `add_to` adds for that sequence alone."""
        xp, x = self._xp, self._x.as_array()
        u = e.u.T.reshape(*e.p.shape[:2], -1)
        add_squared_sums(squares.W_fx.T, x, e.c_hat, xp)
        add_squared_sums(squares.W_fh.T, self._h_before, e.r_hat, xp)
        add_squared_sums(squares.W_hf.T, self._f, e.p, xp)
        add_squared_sums(squares.W_hx.T, x, e.p, xp)
        add_squared_sums(squares.W_oh.T, self.h, u, xp)
        for block, one in ((squares.b_h, e.p), (squares.b_f, e.b_hat), (squares.b_o, u), (squares.h_0, e.k_0[None])):
            if block is not None:
                _add(block[:, 0], (one.sum(axis=0) ** 2).sum(axis=0))


def _add(block: Array, more: Array) -> None:
    block += more  # a view of a packed vector


def _slope_of_tanh(xp: Any, y: Array, out: Array) -> Array:
    """Write 1 - y² to `out`."""
    xp.multiply(y, y, out=out)
    return xp.subtract(1, out, out=out)
