"""A restricted Boltzmann machine: its conditional distributions, and the statistics of contrastive divergence.

Notation
--------
v, h : states of the visible and hidden units, a case in each column;  W : weights;  a, b : visible and hidden biases
E(v, h) = -h'Wv - a'v - b'h, with + ½ v'v or + ½ h'h where these units are linear (Gaussian with variance 1)
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

Array = NDArray[Any]


@dataclass(frozen=True)
class BoltzmannMachine:
    """Weights and biases of a machine; `logistic` units are 0 or 1, `linear` ones Gaussian with variance 1.

    Attributes
    ----------
    W : (hidden, visible) array
    visible_bias : (visible, 1) array
    hidden_bias : (hidden, 1) array
    visible_unit, hidden_unit : {'logistic', 'linear'}
    """

    W: Array
    visible_bias: Array
    hidden_bias: Array
    visible_unit: str = "logistic"
    hidden_unit: str = "logistic"

    def hidden(self, v: Array) -> Array:
        """Return the mean of the hidden units given the visible ones, (hidden, N)."""
        return _mean(self.W @ v + self.hidden_bias, self.hidden_unit)

    def visible(self, h: Array) -> Array:
        """Return the mean of the visible units given the hidden ones, (visible, N)."""
        return _mean(self.W.T @ h + self.visible_bias, self.visible_unit)


class Statistics(NamedTuple):
    """Direction of a learning step, a mean over cases, and the reconstruction of the cases from their hidden states."""

    W: Array
    visible_bias: Array
    hidden_bias: Array
    reconstruction: Array


def contrast(machine: BoltzmannMachine, v: Array, random: np.random.Generator, steps: int = 1) -> Statistics:
    """Return ⟨hv'⟩, ⟨v⟩ and ⟨h⟩ of the cases, less those after `steps` steps of Gibbs sampling from them.

    As in the published program, hidden states are sampled, and the units at either end of the chain are means, which
    lessens the noise and leaves a bias (Hinton 2002, "Training products of experts by minimizing contrastive
    divergence"; Hinton and Salakhutdinov 2006, supporting online material).

    Parameters
    ----------
    machine : BoltzmannMachine
        Not changed.
    v : (visible, N) array
        Cases.
    random : Generator
        Draws the hidden states.
    steps : int
        k of CD-k.
    """
    h = start = machine.hidden(v)
    seen = v
    for left in reversed(range(steps)):
        seen = machine.visible(_sampled(h, machine.hidden_unit, random))
        seen = _sampled(seen, machine.visible_unit, random) if left else seen
        h = machine.hidden(seen)
    count = v.shape[1]
    visible_bias = (v - seen).mean(axis=1, keepdims=True)
    hidden_bias = (start - h).mean(axis=1, keepdims=True)
    return Statistics((start @ v.T - h @ seen.T) / count, visible_bias, hidden_bias, seen)


def _mean(x: Array, unit: str) -> Array:
    return expit(x) if unit == "logistic" else x


def _sampled(mean: Array, unit: str, random: np.random.Generator) -> Array:
    if unit == "logistic":
        return (random.random(mean.shape, dtype=mean.dtype) < mean).astype(mean.dtype)
    return mean + random.standard_normal(mean.shape, dtype=mean.dtype)
