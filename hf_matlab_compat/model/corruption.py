"""Corruption of inputs, hidden units and weights: what an epoch draws is a function of seed, epoch and case alone.

Notation
--------
x̃ = m ∘ ((1 + s u) ∘ x + a z) / (1 - q) : corrupted inputs; u uniform in [-1, 1], z normal, m keeps with 1 - q
c_i = m / (1 - q_i) : factor on the outputs of hidden layer i, and on its slopes
Only raw 64-bit words of numpy's Philox are used, since numpy may change its distributions between versions.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

DILATION, ADDITIVE, INPUT_MASK, HIDDEN_MASK, PERTURBATION, WEIGHT_NOISE = 1, 2, 3, 10, 50, 99
DIAGONAL = 100
"""Purposes: the second word of the key. `DIAGONAL` is of a preconditioner; that of the mask of hidden layer i is
HIDDEN_MASK + i."""


@dataclass(frozen=True, kw_only=True)
class Corruption:
    """Kinds and amounts of corruption.

    Attributes
    ----------
    seed : int
        First word of the key of all draws.
    input_blankout : float
        q, the share of inputs that become 0; the others are divided by 1 - q.
    hidden_blankout : tuple of float
        q_i of each hidden layer.
    input_noise : float
        a, the standard deviation of additive normal noise.
    input_dilation : float
        s, the largest relative change of an input.
    weight_noise : float
        Standard deviation of what is added to θ.
    perturbed_weights, perturbation : float
        Share of the weights that curvature products see changed by a factor 1 ± `perturbation`.
    perturb_form : {'symmetric', 'legacy'}
        The same weights both ways for a whole epoch, or, in the backward half only, others in every product.
    """

    seed: int = 0
    input_blankout: float = 0.0
    hidden_blankout: tuple[float, ...] = ()
    input_noise: float = 0.0
    input_dilation: float = 0.0
    weight_noise: float = 0.0
    perturbed_weights: float = 0.0
    perturbation: float = 0.01
    perturb_form: str = "symmetric"

    @property
    def of_inputs(self) -> bool:
        """True if inputs are changed."""
        return bool(self.input_blankout or self.input_noise or self.input_dilation)

    @property
    def is_on(self) -> bool:
        """True if anything is changed."""
        return self.of_inputs or any(self.hidden_blankout) or bool(self.weight_noise or self.perturbed_weights)

    @property
    def needs_own_passes(self) -> bool:
        """True if passes differ from those of the clean network, beyond the inputs and the weights that they get."""
        return any(self.hidden_blankout) or (bool(self.perturbed_weights) and self.perturb_form == "legacy")

    def inputs(self, x: NDArray[Any], first: int, epoch: int) -> NDArray[Any]:
        """Return corrupted inputs of neighbouring cases.

        Parameters
        ----------
        x : (s_0, n) array
            Clean inputs, which stay as they are.
        first : int
            Number of the first case among all training cases, from 0.
        epoch : int
            Finished epochs before this one.
        """
        size, n = x.shape
        made = x
        if self.input_dilation:
            made = made * (1 + self.input_dilation * (2 * _uniforms(self._key(DILATION), first, n, size, epoch) - 1))
        if self.input_noise:
            made = made + self.input_noise * _normals(self._key(ADDITIVE), first, n, size, epoch)
        if self.input_blankout:
            made = made * _factors(self._key(INPUT_MASK), self.input_blankout, (first, n, size), epoch)
        return made.astype(x.dtype, copy=False)

    def factors(self, i: int, size: int, first: int, n: int, epoch: int) -> NDArray[np.float32] | None:
        """Return c of hidden layer i, (size, n); None where nothing is blanked out."""
        share = self.hidden_blankout[i - 1] if self.hidden_blankout else 0.0
        return _factors(self._key(HIDDEN_MASK + i), share, (first, n, size), epoch) if share else None

    def noise_of_weights(self, count: int, epoch: int) -> NDArray[np.float32]:
        """Return what is added to θ in an epoch, (P,)."""
        noise = _normals(self._key(WEIGHT_NOISE), 0, 1, count, epoch)[:, 0]
        return np.float32(self.weight_noise) * noise

    def factors_of_weights(self, count: int, epoch: int, product: int = 0) -> NDArray[np.float32]:
        """Return factors on θ in curvature products, (P,): 1, 1 + δ or 1 - δ."""
        u = _uniforms(self._key(PERTURBATION), product, 1, count, epoch)[:, 0]
        half = self.perturbed_weights / 2
        return np.float32(1) + np.float32(self.perturbation) * ((u < half).astype(np.float32) - (u > 1 - half))

    def _key(self, purpose: int) -> tuple[int, int]:
        return self.seed, purpose


def words(key: tuple[int, int], first: int, count: int, epoch: int) -> NDArray[np.uint64]:
    """Return `count` words of the stream of a key in an epoch, from word `first` on, a multiple of 4."""
    counter = np.array([first // 4, 0, 0, epoch], dtype=np.uint64)
    return np.random.Philox(key=np.array(key, dtype=np.uint64), counter=counter).random_raw(count)


def signs(purpose: int, cases: tuple[int, int, int], epoch: int) -> NDArray[np.float32]:
    """Return random signs, (size, n), for `cases`: number of the first case, n, size."""
    return (_numbers((0, purpose), cases, epoch, 16) & 1).astype(np.float32) * 2 - 1


def _numbers(key: tuple[int, int], cases: tuple[int, int, int], epoch: int, bits: int) -> NDArray[Any]:
    """Return (size, n) whole numbers of `bits` bits; a case has a stride of its own, so any cut gives the same."""
    first, n, size = cases
    per_word = 64 // bits
    stride = 4 * -(-size // (4 * per_word))
    raw = words(key, first * stride, n * stride, epoch).astype("<u8", copy=False)
    return raw.view(f"<u{bits // 8}").reshape(n, stride * per_word)[:, :size].T


def _factors(key: tuple[int, int], share: float, cases: tuple[int, int, int], epoch: int) -> NDArray[np.float32]:
    """Return 0 for a share of the numbers and 1 / (1 - share) for the others."""
    kept = _numbers(key, cases, epoch, 16) >= round(share * 65536)
    return kept.astype(np.float32) * factor_of_kept(share)


def factor_of_kept(share: float) -> np.float32:
    """Return 1 / (1 - share), the factor on what is not blanked out, as masks hold it."""
    return np.float32(1 / (1 - share))


def _uniforms(key: tuple[int, int], first: int, n: int, size: int, epoch: int) -> NDArray[np.float32]:
    """Return uniform numbers between 0 and 1, (size, n)."""
    w = _numbers(key, (first, n, size), epoch, 32)
    return ((w + 0.5) * 2.0**-32).astype(np.float32)


def _normals(key: tuple[int, int], first: int, n: int, size: int, epoch: int) -> NDArray[np.float32]:
    """Return normal numbers, (size, n), by Box and Muller: two for each two uniform ones."""
    even = size + size % 2
    u = _uniforms(key, first, n, even, epoch)
    radius = np.sqrt(np.float32(-2) * np.log(np.maximum(u[::2], np.float32(2.0**-33))))
    angle = np.float32(2 * np.pi) * u[1::2]
    made = np.empty((even, n), np.float32)
    made[::2], made[1::2] = radius * np.cos(angle), radius * np.sin(angle)
    return made[:size]
