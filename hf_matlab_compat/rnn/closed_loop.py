"""A recurrent network and a plant in a closed loop: forward pass, gradient, Gauss-Newton and structural products.

Notation
--------
z_t = [shown part of the goal; seen part of s_t];   c_t = [z_t; h_{t-1}];   W_i = [W_hx W_hh]
a_t = W_i c_t + b_h;   h_t = tanh(a_t);   u_t = W_oh h_t + b_o;   s_{t+1} = F(s_t, u_t),   t = 0 … T-1, h_{-1} = h_0
-ll of a case = ½ α Σ_t |u_t|² + ½ |w ∘ (s_T - s*)|²;   f'(a) = 1 - h²
R·: directional derivative along v;   l_t, p_t, ū_t: derivatives of -ll by s_t, a_t, u_t
Each state goes back into the network, so all derivatives run through network and plant. Second derivatives of the
plant do not enter Gauss-Newton. Packing: θ = [vec W_hx; vec W_hh; b_h; h_0; vec W_oh; b_o], vec by columns.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from hf_matlab_compat.backends.arrays import Array, Vector
from hf_matlab_compat.matlab.random.streams import stream_from_seed
from hf_matlab_compat.rnn.plants import Plant, jacobian_of
from hf_matlab_compat.rnn.sequences import SequenceBlock
from hf_matlab_compat.rnn.workspace import Workspace


class Weights(NamedTuple):
    """Views of a packed vector: `of_input` is W_i (H, D + H), `output` W_oh (n_u, H); the others are columns."""

    of_input: Array
    b_h: Array
    h_0: Array
    output: Array
    b_o: Array


@dataclass(frozen=True, kw_only=True)
class Controller:
    """A recurrent network that steers a plant for `steps` steps.

    Attributes
    ----------
    plant : Plant
    hidden_size : int
        H, tanh units.
    steps : int
        T.
    shown_goal : (k,) array of int
        Components of the goal that the network sees; the error is the distance of the last state from them.
    shown_state : (m,) array of int
        Components of the state that the network sees.
    end_weights : (n_s,) array
        w.
    effort : float
        α.
    """

    plant: Plant
    hidden_size: int
    steps: int
    shown_goal: NDArray[np.intp]
    shown_state: NDArray[np.intp]
    end_weights: NDArray[np.float64]
    effort: float

    @property
    def input_size(self) -> int:
        """D, the components of the goal and of the state that the network sees."""
        return len(self.shown_goal) + len(self.shown_state)

    @property
    def num_parameters(self) -> int:
        """P."""
        H, n_u = self.hidden_size, self.plant.control_size
        return H * (self.input_size + H) + 2 * H + n_u * (H + 1)

    def initial_theta(self, seed: Any) -> NDArray[np.float64]:
        """Return random parameters: variances ¼ of W_hx, ¼/H of W_hh and 0.01/H of W_oh, 0 for all others."""
        stream, H = stream_from_seed(seed), self.hidden_size
        theta = np.zeros(self.num_parameters)
        parts = self.unpacked(theta)
        D = self.input_size
        parts.of_input[:, :D] = 0.5 * stream.randn(H, D)
        parts.of_input[:, D:] = np.sqrt(0.25 / H) * stream.randn(H, H)
        parts.output[...] = np.sqrt(0.01 / H) * stream.randn(*parts.output.shape)
        return theta

    def unpacked(self, theta: Vector) -> Weights:
        """Return views of a packed vector."""
        H, n_u = self.hidden_size, self.plant.control_size
        edges = np.cumsum([H * (self.input_size + H), H, H, n_u * H, n_u])
        W_i, b_h, h_0, W_oh, b_o = np.split(theta, edges[:-1])
        # W_hx and W_hh lie beside each other by columns, so both are one matrix
        return Weights(
            W_i.reshape(-1, H).T, b_h.reshape(-1, 1), h_0.reshape(-1, 1), W_oh.reshape(H, n_u).T, b_o.reshape(-1, 1)
        )

    def decay_mask(self) -> NDArray[np.float64]:
        """See `SequenceModel.decay_mask`."""
        mask = np.zeros(self.num_parameters)
        parts = self.unpacked(mask)
        parts.of_input[...] = parts.output[...] = 1
        return mask

    def at(self, theta: Vector, block: SequenceBlock, workspace: Workspace) -> LoopAtTheta:
        """See `SequenceModel.at`: the inputs are the starts, the same at each step, the targets the goals."""
        return self.loop(theta, block.inputs[:, 0].astype(theta.dtype), block.targets.astype(theta.dtype))

    def loop(self, theta: Vector, starts: Array, goals: Array) -> LoopAtTheta:
        """Run the loop from `starts` (n_s, n) towards `goals` (n_s, n) at θ."""
        return LoopAtTheta(self, theta, starts, goals)


class LoopAtTheta:
    """The loop for some cases at θ; sums over these cases, not divided.

    Attributes
    ----------
    states : (n_s, T+1, n) array
    controls : (n_u, T, n) array
    log_likelihood : float
    error : float
        Sum of distances of the last state from the shown part of the goal.
    """

    def __init__(self, controller: Controller, theta: Vector, starts: Array, goals: Array) -> None:
        self._of, self._weights = controller, controller.unpacked(theta)
        T, n, kind = controller.steps, starts.shape[1], theta.dtype
        shown, D, H = len(controller.shown_goal), controller.input_size, controller.hidden_size
        # columns c_t for t = 0 … T; the last holds h_{T-1} only
        self._c = np.zeros((D + H, T + 1, n), kind)
        self._c[:shown] = goals[controller.shown_goal, None]
        self._c[D:, 0] = self._weights.h_0
        self.states = np.empty((len(starts), T + 1, n), kind)
        self.controls = np.empty((controller.plant.control_size, T, n), kind)
        self.states[:, 0] = starts
        W_i, b_h, _, W_oh, b_o = self._weights
        for t in range(T):
            self._c[shown:D, t] = self.states[controller.shown_state, t]
            self._c[D:, t + 1] = h = np.tanh(W_i @ self._c[:, t] + b_h)
            self.controls[:, t] = W_oh @ h + b_o
            self.states[:, t + 1] = controller.plant.step(self.states[:, t], self.controls[:, t])
        miss = self.states[:, T] - goals
        w = controller.end_weights.astype(kind)[:, None]
        self._end = w * w * miss  # w² ∘ (s_T - s*)
        cost = controller.effort * float(np.vdot(self.controls, self.controls)) + float(np.vdot(self._end, miss))
        self.log_likelihood = -0.5 * cost
        self.error = float(np.sqrt((miss[controller.shown_goal] ** 2).sum(axis=0)).sum())

    @property
    def seen(self) -> Array:
        """z_t, (D, T, n): the shown part of the goal, then that of the state."""
        return self._c[: self._of.input_size, :-1]

    @property
    def hidden(self) -> Array:
        """h_t, (H, T, n)."""
        return self._c[self._of.input_size :, 1:]

    @cached_property
    def _fixed(self) -> _Fixed:
        """Arrays that all derivatives at θ share; formed when the first of them is asked for."""
        of, (n_s, _, n) = self._of, self.states.shape
        T, D, H = of.steps, of.input_size, of.hidden_size
        before, controls = self.states[:, :T].reshape(n_s, T * n), self.controls.reshape(-1, T * n)
        by_state, by_control = jacobian_of(of.plant, before, controls)
        slopes = np.concatenate([by_state, by_control], axis=1).reshape(n_s, -1, T, n)
        columns = self._c.reshape(D + H, (T + 1) * n)
        hidden = columns[D:, n:]
        return _Fixed(
            inputs=columns[:, :-n],
            hidden=hidden,
            slope=(1 - hidden * hidden).reshape(H, T, n),
            plant=np.ascontiguousarray(slopes.transpose(2, 0, 1, 3), dtype=hidden.dtype),
            feedback=np.ascontiguousarray(self._weights.of_input[:, len(of.shown_goal) :]),
        )

    def add_gradient(self, out: Vector, workspace: Workspace | None = None) -> None:
        """See `AtBlock.add_gradient`."""
        p, of_control = self._backward(self._of.effort * self.controls, self._end)
        self._add_outer(p, of_control, out, -1)

    def add_gradient_and_squares(self, out: Vector, squares: Vector, workspace: Workspace | None = None) -> None:
        """See `AtBlock.add_gradient_and_squares`."""
        p, of_control = self._backward(self._of.effort * self.controls, self._end)
        self._add_outer(p, of_control, out, -1)
        fixed, parts = self._fixed, self._of.unpacked(squares)
        H, T, n = p.shape
        for part, left, right in ((parts.of_input, p, fixed.inputs), (parts.output, of_control, fixed.hidden)):
            each = np.matmul(left.transpose(2, 0, 1), right.reshape(-1, T, n).transpose(2, 1, 0))
            part += (each * each).sum(axis=0)
        by_h_0 = self._weights.of_input[:, -H:].T @ p[:, 0]
        for part, each in ((parts.b_h, p.sum(axis=1)), (parts.h_0, by_h_0), (parts.b_o, of_control.sum(axis=1))):
            part += (each * each).sum(axis=1, keepdims=True)

    def add_product(self, v: Vector, out: Vector, structural: float, workspace: Workspace | None = None) -> None:
        """See `AtBlock.add_product`."""
        Ra, Ru, Rs_T = self._forward_derivative(self._of.unpacked(v))
        w = self._of.end_weights.astype(v.dtype)[:, None]
        Ru *= self._of.effort
        p, of_control = self._backward(Ru, w * w * Rs_T, structural, Ra)
        self._add_outer(p, of_control, out, 1)

    def _forward_derivative(self, V: Weights) -> tuple[Array, Array, Array]:
        """Return Ra (H, T, n), Ru (n_u, T, n) and Rs_T (n_s, n)."""
        fixed, of = self._fixed, self._of
        H, T, n = fixed.slope.shape
        # the terms without recursion, for all t at once
        Ra = (V.of_input @ fixed.inputs + V.b_h).reshape(H, T, n)
        Ru = (V.output @ fixed.hidden + V.b_o).reshape(-1, T, n)
        W_oh = self._weights.output
        n_s, seen = len(self.states), len(of.shown_state)
        su = np.zeros((n_s + len(Ru), n), Ra.dtype)  # [Rs_t; Ru_t]
        sh = np.empty((seen + H, n), Ra.dtype)  # [seen part of Rs_t; Rh_{t-1}]
        sh[seen:] = V.h_0
        for t in range(T):
            sh[:seen] = su[of.shown_state]
            Ra[:, t] += fixed.feedback @ sh
            np.multiply(fixed.slope[:, t], Ra[:, t], out=sh[seen:])
            Ru[:, t] += W_oh @ sh[seen:]
            su[n_s:] = Ru[:, t]
            su[:n_s] = np.einsum("ijn,jn->in", fixed.plant[t], su)
        return Ra, Ru, su[:n_s]

    def _backward(
        self, by_control: Array, by_end: Array, structural: float = 0.0, Ra: Array | None = None
    ) -> tuple[Array, Array]:
        """Return p (H, T, n) and ū (n_u, T, n); `by_control` is e_t and is overwritten by ū, `by_end` is l_T."""
        fixed, of = self._fixed, self._of
        n_s, seen = len(self.states), len(of.shown_state)
        p = np.empty_like(fixed.slope)
        W_oh_T, feedback_T = self._weights.output.T, fixed.feedback.T
        l, from_later = by_end.copy(), 0.0  # noqa: E741  # l_{t+1}, and W_hh' p_{t+1}
        for t in reversed(range(of.steps)):
            by_plant = np.einsum("ijn,in->jn", fixed.plant[t], l)  # [F_s' l; F_u' l]
            by_control[:, t] += by_plant[n_s:]
            q = W_oh_T @ by_control[:, t]
            q += from_later
            if structural and Ra is not None:
                q += structural * Ra[:, t]  # the second derivative of the distance of h is f'(a)
            np.multiply(fixed.slope[:, t], q, out=p[:, t])
            back = feedback_T @ p[:, t]
            l = by_plant[:n_s]  # noqa: E741
            l[of.shown_state] += back[:seen]
            from_later = back[seen:]
        return p, by_control

    def _add_outer(self, p: Array, of_control: Array, out: Vector, sign: float) -> None:
        """Add sign · the derivatives by the parameters, given those by a_t and by u_t."""
        fixed, parts = self._fixed, self._of.unpacked(out)
        H, T, n = p.shape
        first = self._weights.of_input[:, -H:].T @ p[:, 0].sum(axis=1, keepdims=True)
        p_all, u_all = p.reshape(H, T * n), of_control.reshape(-1, T * n)
        for part, by in (
            (parts.of_input, p_all @ fixed.inputs.T),
            (parts.b_h, p_all.sum(axis=1, keepdims=True)),
            (parts.h_0, first),
            (parts.output, u_all @ fixed.hidden.T),
            (parts.b_o, u_all.sum(axis=1, keepdims=True)),
        ):
            part += by if sign == 1 else sign * by


class _Fixed(NamedTuple):
    """Arrays that derivatives at one θ share.

    inputs (D+H, T·n): c_t; hidden (H, T·n): h_t; slope (H, T, n): 1 - h²; plant (T, n_s, n_s+n_u, n): [F_s F_u];
    feedback (H, m+H): the columns of W_i for what comes back, states and hidden units.
    """

    inputs: Array
    hidden: Array
    slope: Array
    plant: Array
    feedback: Array
