"""Models of sequences by their definition alone, written step by step in autograd's numpy from the documentation.

Arrays are (features, time, sequences); a state is (units, sequences). Blocks of θ are packed by columns.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import autograd.numpy as anp
import numpy as np
from autograd import make_ggnvp
from numpy.typing import NDArray

from tests.autodiff.definitions import UNITS, at_the_input, loss_of
from tests.autodiff.models import blocks_of

Vector = NDArray[Any]


def distance(unit: str, kind: str) -> Callable[[Any, Any], Any]:
    """(a, a_0) → the distance of hidden states that structural damping penalises, as a function of pre-activations."""
    f = UNITS[unit]
    if kind == "matching" and unit in ("tanh", "logistic"):
        # cross-entropy of the logistic function of 2a or a: (1 + tanh a) / 2 is the logistic function of 2a
        scale = 2 if unit == "tanh" else 1
        return lambda a, a_0: anp.sum(anp.logaddexp(0.0, scale * a) - scale * a / (1 + anp.exp(-scale * a_0)), axis=0)
    return lambda a, a_0: anp.sum((f(a) - f(a_0)) ** 2, axis=0) / 2


@dataclass(frozen=True)
class Recurrent:
    """a_t = W_hx x_t + W_hh h_{t-1} + b_h, h_t = f(a_t), o_t = W_oh h_t + b_o; layers one upon the other."""

    sizes: Sequence[int]
    units: Sequence[str]
    loss: str
    initial_state: str = "learned"
    biases: bool = True

    def shapes(self) -> list[tuple[int, int]]:
        found: list[tuple[int, int]] = []
        for below, here in zip(self.sizes[:-2], self.sizes[1:-1], strict=True):
            found += [(here, below), (here, here), (here, int(self.biases)), (here, int(self.initial_state != "zero"))]
        return [*found, (self.sizes[-1], self.sizes[-2]), (self.sizes[-1], int(self.biases))]

    def mask(self, decay_biases: bool) -> Vector:
        is_weight = [True, True, False, False] * (len(self.sizes) - 2) + [True, False]
        pairs = zip(self.shapes(), is_weight, strict=True)
        return np.concatenate([np.full(r * c, float(weight or decay_biases)) for (r, c), weight in pairs])

    def run(self, theta: Any, X: Vector) -> tuple[list[list[Any]], list[Any]]:
        """Pre-activations of every hidden layer at every step, and o of every step."""
        *hidden, W_oh, b_o = blocks_of(theta, self.shapes())
        n = X.shape[2]
        below = [X[:, t] for t in range(X.shape[1])]
        activations = []
        for i, unit in enumerate(self.units[:-1]):
            W_hx, W_hh, b_h, init = hidden[4 * i : 4 * i + 4]
            h = init if self.initial_state == "learned" else None
            mine, states = [], []
            for x in below:
                a = anp.dot(W_hx, x) + anp.dot(b_h, anp.ones((b_h.shape[1], n)))
                if h is not None:
                    a = a + anp.dot(W_hh, h)
                elif self.initial_state == "bias":
                    a = a + init
                h = UNITS[unit](a)
                mine.append(a)
                states.append(h)
            activations.append(mine)
            below = states
        o = [anp.dot(W_oh, h) + anp.dot(b_o, anp.ones((b_o.shape[1], n))) for h in below]
        return activations, o

    def output(self, theta: Any, X: Vector) -> Any:
        """The outputs that enter the loss, at every step, (T, O, n)."""
        o = self.run(theta, X)[1]
        return anp.array(o if at_the_input(self.units[-1], self.loss) else [UNITS[self.units[-1]](each) for each in o])

    def losses(self, outputs: Any, Y: Vector, m: Vector) -> Any:
        """Σ_t m_t l_t of every sequence, (n,)."""
        loss = loss_of(self.units[-1], self.loss)
        return sum(loss(outputs[t], Y[:, t]) * m[t] for t in range(Y.shape[1]))

    def predicted(self, theta: Vector, X: Vector) -> Vector:
        return np.stack([UNITS[self.units[-1]](o) for o in self.run(theta, X)[1]], axis=1)

    def structural_product(self, theta: Vector, v: Vector, X: Vector, exists: Vector, kind: str) -> Vector:
        """S v, a sum over sequences and the steps that exist: the Gauss-Newton matrix of the distance of the states."""
        fixed = self.run(theta, X)[0]
        T = X.shape[1]

        def states(at: Any) -> Any:
            return anp.concatenate([anp.array(layer).ravel() for layer in self.run(at, X)[0]])

        def penalty(flat: Any) -> Any:
            total, start = 0.0, 0
            for layer, unit in zip(fixed, self.units[:-1], strict=True):
                shape = layer[0].shape
                size = shape[0] * shape[1]
                for t in range(T):
                    a = anp.reshape(flat[start : start + size], shape)
                    total = total + anp.sum(exists[t] * distance(unit, kind)(a, layer[t]))
                    start += size
            return total

        return make_ggnvp(states, penalty)(theta)(v)


@dataclass(frozen=True)
class Multiplicative:
    """h_t = tanh(W_hf (c_t ∘ W_fh h_{t-1}) + W_hx x_t + b_h) with c_t = W_fx x_t or tanh(W_fx x_t) + b_f."""

    inputs: int
    factors: int
    hidden: int
    outputs: int
    unit: str
    loss: str
    tanh_gain: bool

    def shapes(self) -> list[tuple[int, int]]:
        D, F, H, O = self.inputs, self.factors, self.hidden, self.outputs  # noqa: E741
        return [(F, D), (F, int(self.tanh_gain)), (F, H), (H, F), (H, D), (H, 1), (H, 1), (O, H), (O, 1)]

    def mask(self, decay_biases: bool) -> Vector:
        is_weight = [True, False, True, True, True, False, False, True, False]
        pairs = zip(self.shapes(), is_weight, strict=True)
        return np.concatenate([np.full(r * c, float(weight or decay_biases)) for (r, c), weight in pairs])

    def run(self, theta: Any, X: Vector) -> tuple[list[Any], list[Any]]:
        """a and o of every step."""
        W_fx, b_f, W_fh, W_hf, W_hx, b_h, h, W_oh, b_o = blocks_of(theta, self.shapes())
        h = h + anp.zeros((self.hidden, X.shape[2]))
        activations, o = [], []
        for t in range(X.shape[1]):
            c = anp.dot(W_fx, X[:, t])
            if self.tanh_gain:
                c = anp.tanh(c) + b_f
            a = anp.dot(W_hf, c * anp.dot(W_fh, h)) + anp.dot(W_hx, X[:, t]) + b_h
            h = anp.tanh(a)
            activations.append(a)
            o.append(anp.dot(W_oh, h) + b_o)
        return activations, o

    def output(self, theta: Any, X: Vector) -> Any:
        o = self.run(theta, X)[1]
        return anp.array(o if at_the_input(self.unit, self.loss) else [UNITS[self.unit](each) for each in o])

    def losses(self, outputs: Any, Y: Vector, m: Vector) -> Any:
        loss = loss_of(self.unit, self.loss)
        return sum(loss(outputs[t], Y[:, t]) * m[t] for t in range(Y.shape[1]))

    def predicted(self, theta: Vector, X: Vector) -> Vector:
        return np.stack([UNITS[self.unit](o) for o in self.run(theta, X)[1]], axis=1)

    def structural_product(self, theta: Vector, v: Vector, X: Vector, exists: Vector) -> Vector:
        fixed = anp.array(self.run(theta, X)[0])

        def penalty(a: Any) -> Any:
            far = distance("tanh", "matching")
            return sum(anp.sum(exists[t] * far(a[t], fixed[t])) for t in range(len(fixed)))

        return make_ggnvp(lambda at: anp.array(self.run(at, X)[0]), penalty)(theta)(v)


def label_loss(o: Any, labels: Sequence[int], blank: int) -> Any:
    """-log p(labels | o) of one sequence of (T, K) inputs of a softmax: a sum over all alignments, step by step.

    Only states that can be reached at a step are carried, so that no logarithm of 0 occurs.
    """
    states = [blank]
    for label in labels:
        states += [label, blank]
    log_y = o - log_sum_exp([o[:, k : k + 1] for k in range(o.shape[1])])
    alpha: dict[int, Any] = {s: log_y[0, states[s]] for s in range(min(2, len(states)))}
    for t in range(1, len(o)):
        reached: dict[int, Any] = {}
        for s in range(len(states)):
            skips = s >= 2 and states[s] != blank and states[s] != states[s - 2]
            terms = [alpha[k] for k in (s, s - 1, *([s - 2] if skips else [])) if k in alpha]
            if terms:
                reached[s] = log_sum_exp(terms) + log_y[t, states[s]]
        alpha = reached
    return -log_sum_exp([alpha[s] for s in (len(states) - 1, len(states) - 2) if s in alpha])


def log_sum_exp(terms: Sequence[Any]) -> Any:
    total = terms[0]
    for term in terms[1:]:
        total = anp.logaddexp(total, term)
    return total


@dataclass(frozen=True)
class Steered:
    """A tanh net in a loop with a plant: z = [shown goal; seen state], u = W_oh h + b_o, s' = step(s, u)."""

    step: Callable[[Any, Any], Sequence[Any]]
    state: int
    controls: int
    hidden: int
    steps: int
    shown: Sequence[int]
    seen: Sequence[int]
    end_weights: Vector
    effort: float

    def shapes(self) -> list[tuple[int, int]]:
        D, H = len(self.shown) + len(self.seen), self.hidden
        return [(H, D), (H, H), (H, 1), (H, 1), (self.controls, H), (self.controls, 1)]

    def run(self, theta: Any, starts: Vector, goals: Vector) -> tuple[Any, Any, Any]:
        """a (T, H, n), u (T, n_u, n), and the last state (n_s, n)."""
        W_hx, W_hh, b_h, h, W_oh, b_o = blocks_of(theta, self.shapes())
        h = h + anp.zeros((self.hidden, starts.shape[1]))
        s, activations, controls = starts, [], []
        for _ in range(self.steps):
            z = anp.concatenate([goals[list(self.shown)], s[list(self.seen)]])
            a = anp.dot(W_hx, z) + anp.dot(W_hh, h) + b_h
            h = anp.tanh(a)
            u = anp.dot(W_oh, h) + b_o
            s = anp.array(self.step(s, u))
            activations.append(a)
            controls.append(u)
        return anp.array(activations), anp.array(controls), s

    def output(self, theta: Any, starts: Vector, goals: Vector) -> Any:
        """The residuals √α u and w ∘ (s_T - s*) of every case, side by side, (·, n)."""
        _, u, s = self.run(theta, starts, goals)
        of_controls = anp.reshape(u, (-1, u.shape[2])) * np.sqrt(self.effort)
        return anp.concatenate([of_controls, self.end_weights[:, None] * (s - goals)])

    def structural_product(self, theta: Vector, v: Vector, starts: Vector, goals: Vector) -> Vector:
        fixed = self.run(theta, starts, goals)[0]

        def penalty(a: Any) -> Any:
            return sum(anp.sum(distance("tanh", "matching")(a[t], fixed[t])) for t in range(self.steps))

        return make_ggnvp(lambda at: self.run(at, starts, goals)[0], penalty)(theta)(v)
