"""Connectionist temporal classification: label strings summed over all their alignments with the frames of a sequence.

Notation
--------
y_t = softmax(o_t) : probabilities of K classes at frame t;  l : labels of a sequence, U of them, none of them the blank
l' = blank, l_1, blank, …, l_U, blank : the states s = 0 … 2U of an alignment
α_t(s), β_t(s) : forward and backward sums, as logarithms; β leaves out y_t, so that nothing is divided
p(l|x) = Σ_s α_t(s) β_t(s) at every t;  γ_t[k] = Σ over s with l'_s = k of α_t(s) β_t(s) / p(l|x)
(Graves, Fernández, Gomez & Schmidhuber 2006, "Connectionist temporal classification")
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[Any]


@dataclass(frozen=True)
class LabelStrings:
    """The labels of some sequences, as the states of their alignments.

    Attributes
    ----------
    labels : (U, N) array of int
        The label strings as columns, -1 after the end of each; U is the length of the longest.
    blank : int
        The class that stands for no label.
    """

    labels: Numbers
    blank: int

    @classmethod
    def of(cls, strings: Sequence[Any], blank: int) -> LabelStrings:
        """Return label strings from one sequence of labels for each sequence of frames."""
        labels = np.full((max((len(each) for each in strings), default=0), len(strings)), -1, dtype=np.intp)
        for n, each in enumerate(strings):
            labels[: len(each), n] = each
        return cls(labels, blank)

    def __getitem__(self, sequences: slice) -> LabelStrings:
        """Return the labels of some of the sequences."""
        return LabelStrings(self.labels[:, sequences], self.blank)

    def __len__(self) -> int:
        return int(self.labels.shape[1])

    @property
    def counts(self) -> Numbers:
        """U of every sequence, (N,)."""
        return (self.labels >= 0).sum(axis=0)

    @property
    def frames_needed(self) -> Numbers:
        """The fewest frames an alignment has, (N,): one for each label and one for the blank between equal ones."""
        repeats = (self.labels[1:] == self.labels[:-1]) & (self.labels[1:] >= 0)
        return self.counts + repeats.sum(axis=0)

    @property
    def states(self) -> Numbers:
        """The string l' of every sequence, (2U+1, N); the blank after its end."""
        found = np.full((2 * len(self.labels) + 1, len(self)), self.blank, dtype=np.intp)
        found[1::2] = np.where(self.labels < 0, self.blank, self.labels)
        return found


class Alignments(NamedTuple):
    """Likelihood of the labels, and posteriors of the frames.

    Attributes
    ----------
    log_p : (N,) array
        log p(l|x) of every sequence.
    posteriors : (K, T, N) array
        γ; 0 after the end of a sequence.
    """

    log_p: Numbers
    posteriors: Numbers


def align(log_y: Numbers, lengths: Numbers, strings: LabelStrings) -> Alignments:
    """Return log p(l|x) and γ, in double precision.

    Parameters
    ----------
    log_y : (K, T, N) array
        Logarithms of the probabilities of the classes.
    lengths : (N,) array of int
        Frames of each sequence, at least `strings.frames_needed`.
    strings : LabelStrings
        The labels of each sequence.

    Returns
    -------
    Alignments
    """
    states = strings.states
    lattice = _Lattice(states, 2 * strings.counts + 1)
    # log y_t[l'_s], (T, S, N); -inf in the states after the end of a string
    emitted = np.take_along_axis(np.asarray(log_y, dtype=float), states[:, None], axis=0).transpose(1, 0, 2)
    emitted = np.where(lattice.exists, emitted, -np.inf)
    alpha, last = lattice.forward(emitted), lengths - 1
    beta = lattice.backward(emitted, last)
    log_p = np.logaddexp.reduce(alpha[last, :, np.arange(len(strings))] + lattice.ends.T, axis=1)
    shares = np.exp(alpha + beta - log_p)
    posteriors = np.zeros(log_y.shape)
    every = np.arange(len(strings))
    for s, classes in enumerate(states):
        posteriors[classes, :, every] += shares[:, s].T
    return Alignments(log_p, posteriors)


class _Lattice:
    """Which states follow each other, for strings of different length.

    Parameters
    ----------
    states : (S, N) array of int
        l' of every sequence.
    counts : (N,) array of int
        How many of its states exist.
    """

    def __init__(self, states: Numbers, counts: Numbers) -> None:
        number = np.arange(len(states))[:, None]
        self.exists = number < counts
        self.ends = _log(self.exists & (number >= counts - 2))
        skips = np.zeros(states.shape, dtype=bool)
        # a label may follow another label at once; blanks are the even states
        skips[3::2] = states[3::2] != states[1:-2:2]
        self.skips = _log(skips & self.exists)

    def forward(self, emitted: Numbers) -> Numbers:
        """Return α, (T, S, N)."""
        alpha = np.full_like(emitted, -np.inf)
        alpha[0, :2] = emitted[0, :2]
        for t in range(1, len(emitted)):
            before, now = alpha[t - 1], alpha[t]
            now[...] = before
            np.logaddexp(now[1:], before[:-1], out=now[1:])
            np.logaddexp(now[2:], before[:-2] + self.skips[2:], out=now[2:])
            now += emitted[t]
        return alpha

    def backward(self, emitted: Numbers, last: Numbers) -> Numbers:
        """Return β, (T, S, N); `last`, (N,), is the last frame of each sequence, and β is -inf after it."""
        beta = np.full_like(emitted, -np.inf)
        for t in reversed(range(len(emitted))):
            now = beta[t]
            if t + 1 < len(emitted):
                after = beta[t + 1] + emitted[t + 1]
                now[...] = after
                np.logaddexp(now[:-1], after[1:], out=now[:-1])
                np.logaddexp(now[:-2], after[2:] + self.skips[2:], out=now[:-2])
            np.copyto(now, self.ends, where=last == t)
        return beta


def _log(holds: Numbers) -> Numbers:
    """Return 0 where it holds and -inf elsewhere."""
    return np.where(holds, 0.0, -np.inf)


def best_path(scores: Numbers, lengths: Numbers, blank: int) -> LabelStrings:
    """Return the labels of the most probable class of every frame, repeats collapsed and blanks dropped.

    Parameters
    ----------
    scores : (K, T, N) array
        Probabilities of the classes, or anything in their order.
    lengths : (N,) array of int
        Frames of each sequence.
    blank : int
        The class that stands for no label.
    """
    best = scores.argmax(axis=0)
    starts = np.ones(best.shape, dtype=bool)
    starts[1:] = best[1:] != best[:-1]
    starts &= (best != blank) & (np.arange(len(best))[:, None] < lengths)
    t, n = starts.nonzero()
    counts = starts.sum(axis=0)
    labels = np.full((int(counts.max(initial=0)), best.shape[1]), -1, dtype=np.intp)
    labels[starts.cumsum(axis=0)[t, n] - 1, n] = best[t, n]
    return LabelStrings(labels, blank)


def edit_distances(found: LabelStrings, true: LabelStrings) -> Numbers:
    """Return the fewest insertions, deletions and changes of a label that make each string of one the other's, (N,)."""
    steps = np.arange(len(found.labels) + 1)[:, None]
    every, rows = np.arange(len(true)), [np.broadcast_to(steps, (len(steps), len(true)))]
    for i, label in enumerate(true.labels):
        before = rows[-1]
        cost = before + 1
        cost[0] = i + 1
        np.minimum(cost[1:], before[:-1] + (found.labels != label), out=cost[1:])
        # an insertion after the k-th label costs one step each: min over k ≤ j of cost[k] + j - k
        rows.append(np.minimum.accumulate(cost - steps, axis=0) + steps)
    return np.stack(rows)[true.counts, found.counts, every]
