"""A task for connectionist temporal classification: strings of labels that are heard in two parts, with noise.

A label is a pair (a, b) of bits, 2a + b. It is heard as 1-3 frames of channel a, 1-3 frames of channel 2 + b, and 1-3
silent frames; normal noise is added to everything. A label is known only when b is heard, so a must be remembered.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

NUM_LABELS, NUM_CHANNELS, NOISE = 4, 4, 0.2
TRAINING, JUDGED = 221, 222
"""Purposes of a draw: strings to train on, and to judge on."""


class Heard(NamedTuple):
    """Strings and how they are heard.

    Attributes
    ----------
    frames : list of (4, T_n) arrays
    labels : list of lists of int
        2 to 4 labels each.
    """

    frames: list[NDArray[Any]]
    labels: list[list[int]]


def heard_strings(count: int, seed: int, purpose: int = TRAINING) -> Heard:
    """Draw strings; the same arguments draw the same ones."""
    random = np.random.default_rng((seed, purpose))
    frames, strings = list[NDArray[Any]](), list[list[int]]()
    for _ in range(count):
        labels = random.integers(0, NUM_LABELS, random.integers(2, 5)).tolist()
        # the channel of every frame; -1 for silence
        channels = [part for label in labels for part in (label // 2, 2 + label % 2, -1)]
        heard = np.repeat(channels, random.integers(1, 4, len(channels)))
        clean = np.arange(NUM_CHANNELS)[:, None] == heard
        frames.append(clean + NOISE * random.standard_normal(clean.shape))
        strings.append(labels)
    return Heard(frames, strings)
