"""Rules by which a restricted Boltzmann machine learns from cases."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from hf_matlab_compat.errors import OptionError
from hf_matlab_compat.kinds import AT_LEAST_0, POSITIVE, SHARE, check_settings, whole
from hf_matlab_compat.pretraining.machine import BoltzmannMachine, contrast

Array = NDArray[Any]
Tell = Callable[[int, float], None]
"""Called after every epoch with its number and the mean squared error of the reconstructions, per case."""


class Rule(Protocol):
    """How a machine learns."""

    def __call__(
        self, machine: BoltzmannMachine, v: Array, random: np.random.Generator, tell: Tell
    ) -> BoltzmannMachine:
        """Return the machine after learning from cases `v`, (visible, N); change neither."""
        ...


@dataclass(frozen=True, kw_only=True)
class ContrastiveDivergence:
    """Contrastive divergence with momentum; the defaults are those of Hinton and Salakhutdinov's program of 2006.

    Attributes
    ----------
    epochs : int
        Passes over the cases.
    batch : int
        Cases of an update.
    rate, linear_rate : float
        Learning rate, and that of a machine with linear units, which diverges at larger ones.
    momentum, first_momentum : float
        Momentum, and that of the first five epochs.
    weight_cost : float
        Strength of weight decay, not on biases.
    steps : int
        k of CD-k.
    """

    epochs: int = 50
    batch: int = 100
    rate: float = 0.1
    linear_rate: float = 1e-3
    momentum: float = 0.9
    first_momentum: float = 0.5
    weight_cost: float = 2e-4
    steps: int = 1

    def __post_init__(self) -> None:
        check_settings(self, epochs=whole(1), batch=whole(1), steps=whole(1), rate=POSITIVE, linear_rate=POSITIVE)
        check_settings(self, momentum=SHARE, first_momentum=SHARE, weight_cost=AT_LEAST_0)

    def __call__(
        self, machine: BoltzmannMachine, v: Array, random: np.random.Generator, tell: Tell
    ) -> BoltzmannMachine:
        """See `Rule`.

        Raises
        ------
        OptionError
            The rate is too large: the weights or the reconstructions are not finite.
        """
        order = random.permutation(v.shape[1])  # once, as in the published program
        batches = [np.ascontiguousarray(v[:, order[k : k + self.batch]]) for k in range(0, len(order), self.batch)]
        parts = (machine.W, machine.visible_bias, machine.hidden_bias)
        velocity: tuple[Array, ...] = tuple(np.zeros_like(part) for part in parts)
        is_linear = "linear" in (machine.visible_unit, machine.hidden_unit)
        rate = self.linear_rate if is_linear else self.rate
        for epoch in range(1, self.epochs + 1):
            momentum, error = self.momentum if epoch > 5 else self.first_momentum, 0.0
            for cases in batches:
                with np.errstate(over="ignore", invalid="ignore"):
                    made = contrast(machine, cases, random, self.steps)
                error += float(((cases - made.reconstruction) ** 2).sum())
                ascent = (made.W - self.weight_cost * machine.W, made.visible_bias, made.hidden_bias)
                velocity = tuple(momentum * v + rate * d for v, d in zip(velocity, ascent, strict=True))
                W, a, b = (part + v for part, v in zip(parts, velocity, strict=True))
                parts, machine = (W, a, b), replace(machine, W=W, visible_bias=a, hidden_bias=b)
            if not np.isfinite(error):
                name = "linear_rate" if is_linear else "rate"
                raise OptionError(name, expected=f"a rate that does not diverge, as here in epoch {epoch}", got=rate)
            tell(epoch, error / v.shape[1])
        return machine


@dataclass(frozen=True, kw_only=True)
class PersistentDivergence:
    """Persistent contrastive divergence, by scikit-learn's BernoulliRBM, which has logistic units only.

    Attributes
    ----------
    epochs, batch, rate : int, int, float
        As of `ContrastiveDivergence`.
    linear : ContrastiveDivergence
        Of machines with linear units.
    """

    epochs: int = 50
    batch: int = 100
    rate: float = 0.1
    linear: ContrastiveDivergence = ContrastiveDivergence()

    def __post_init__(self) -> None:
        check_settings(self, epochs=whole(1), batch=whole(1), rate=POSITIVE)

    def __call__(
        self, machine: BoltzmannMachine, v: Array, random: np.random.Generator, tell: Tell
    ) -> BoltzmannMachine:
        """See `Rule`; the machine's own weights are not used, except those of a machine with linear units.

        Raises
        ------
        OptionError
            scikit-learn is not installed.
        """
        if "linear" in (machine.visible_unit, machine.hidden_unit):
            return self.linear(machine, v, random, tell)
        try:
            from sklearn.neural_network import BernoulliRBM
        except ImportError as error:
            advice = "Run pip install 'hf_matlab_compat[sklearn]'."
            raise OptionError("rule", expected="the package scikit-learn", got="none", advice=advice) from error
        learner = BernoulliRBM(
            len(machine.W),
            learning_rate=self.rate,
            batch_size=self.batch,
            n_iter=self.epochs,
            random_state=int(random.integers(2**31)),
        ).fit(v.T)
        W, a, b = learner.components_, learner.intercept_visible_[:, None], learner.intercept_hidden_[:, None]
        kind = machine.W.dtype
        learnt = BoltzmannMachine(W.astype(kind), a.astype(kind), b.astype(kind))
        tell(self.epochs, float(((v - learnt.visible(learnt.hidden(v))) ** 2).sum(axis=0).mean()))
        return learnt
