"""Runs of three kinds of recurrent nets for a process of its own, which can be killed and gone on with."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import scipy.io  # noqa: F401  (here, for all children at once, rather than in the first epoch of each)

from hf_matlab_compat import ctc, multiplicative, recurrent, train
from hf_matlab_compat.rnn.characters import Alphabet, Key, windows

EPOCHS = 60
RUNNING = "run_nnet_running.mat"


def characters() -> Any:
    text = "the cat sat on the mat, and the dog on the log. " * 9
    alphabet = Alphabet.of(text, 12)

    def fresh(epoch: int) -> Any:
        return windows(alphabet, alphabet.symbols(text), 24, Key(3, epoch), steps=9, burn_in=2)

    return multiplicative(resample=fresh, hidden_size=6, num_chunks=3)


def labels() -> Any:
    def fresh(epoch: int) -> Any:
        random = np.random.default_rng((7, epoch))
        strings = [random.integers(0, 3, U).tolist() for U in random.integers(0, 4, 24)]
        return [random.standard_normal((2, 2 * len(string) + 3)) for string in strings], strings

    return ctc(resample=fresh, hidden_sizes=[6], num_classes=4, num_chunks=3)


def stacked() -> Any:
    def fresh(epoch: int) -> Any:
        random = np.random.default_rng((5, epoch))
        X = random.standard_normal((2, 8, 24))
        return X, X.cumsum(axis=1)[:1], random.integers(4, 9, 24)

    return recurrent(resample=fresh, hidden_sizes=[6, 4], unit_types=["tanh", "tanh", "linear"], num_chunks=3)


KINDS = {"stacked": stacked, "characters": characters, "labels": labels}


def run(kind: str, directory: str) -> None:
    """Train in the directory, from its checkpoint where there is one, and leave the parameters in a file."""
    checkpoint = Path(directory, RUNNING)
    result = train(
        problem=KINDS[kind](),
        max_epochs=EPOCHS,
        seed=4,
        structural_damping=0.1,
        run_name=Path(directory, "run"),
        resume_from=checkpoint if checkpoint.exists() else None,
    )
    np.save(Path(directory, "final.npy"), result.theta)
