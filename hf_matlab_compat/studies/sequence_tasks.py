"""Eight long-range tasks on sequences (Hochreiter & Schmidhuber 1997; Martens & Sutskever 2011) and their criteria.

A set of sequences is a pure function of (task, length, seed, purpose, epoch), and sequence n of a set is the same
however many are drawn. Raw 64-bit words of numpy's Philox are used, since numpy may change its distributions.

Notation
--------
T : the length asked for;  T' : the length of one sequence;  t = 1 … T' : step;  i < j (< k) : marked steps
u : uniform numbers in [0, 1), one row for each sequence
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from hf_matlab_compat.errors import OptionError, quoted
from hf_matlab_compat.model.corruption import words

TRAINING, WATCHED, JUDGED = 201, 202, 203
"""Purposes of a draw: sequences to train on, to look at during training, and to judge the trained network on."""

SHORTEST = 10
"""Least length; below it some windows of marked steps are empty."""

TOLERANCE = 0.04
"""Largest absolute error of a real output that counts as right."""

Uniforms = NDArray[np.float64]
Integers = NDArray[np.int64]


class Sequences(NamedTuple):
    """N sequences, padded with zeros to T steps; float32.

    Attributes
    ----------
    inputs : (D, T, N) array
    targets : (O, T, N) array
        Zero where no loss is.
    lengths : (N,) int array
    loss_weights : (T, N) array
        1 at the steps that have a target, else 0.
    """

    inputs: NDArray[np.float32]
    targets: NDArray[np.float32]
    lengths: Integers
    loss_weights: NDArray[np.float32]


@dataclass(frozen=True)
class Task:
    """A task: how sequences are made, and when a sequence counts as wrong.

    Attributes
    ----------
    name : str
    output_unit : {'linear', 'logistic', 'softmax'}
    draws : callable
        T → uniform numbers that a sequence takes.
    make : callable
        (T, uniforms (N, draws)) → `Sequences`.
    judged : {'last', 'all'}
        A sequence is wrong if its output at the last step that has a target is, or if any is.
    """

    name: str
    output_unit: str
    draws: Callable[[int], int]
    make: Callable[[int, Uniforms], Sequences]
    judged: str = "last"

    def sequences(self, length: int, count: int, seed: int, *, purpose: int = TRAINING, epoch: int = 0) -> Sequences:
        """Draw sequences.

        Parameters
        ----------
        length : int
            T, at least 10; sequences may be longer by what the task adds.
        count : int
            N; the task memory_5 has 32 sequences, whatever is asked for.
        seed, purpose, epoch : int
            The key of the draw.

        Raises
        ------
        OptionError
            The length is below 10, or the count below 1.
        """
        for name, value, least in (("length", length, SHORTEST), ("count", count, 1)):
            if value < least:
                raise OptionError(name, expected=f"a whole number of at least {least}", got=value)
        return self.make(length, _uniforms((seed, purpose), count, self.draws(length), epoch))

    def wrong(self, outputs: NDArray[Any], data: Sequences) -> NDArray[np.bool_]:
        """Return which sequences are wrong, (N,).

        Parameters
        ----------
        outputs : (O, T, N) array
            Outputs of the network: real numbers, or probabilities.
        data : Sequences
            What it was asked.
        """
        misses = _MISSES[self.output_unit](outputs, data.targets)  # (T, N)
        asked = data.loss_weights > 0
        if self.judged == "all":
            return np.any(misses & asked, axis=0)
        last = asked.shape[0] - 1 - np.argmax(asked[::-1], axis=0)
        return misses[last, np.arange(len(last))]


def task(name: str) -> Task:
    """Return a task by its name.

    Raises
    ------
    OptionError
        There is no such task.
    """
    if name not in TASKS:
        raise OptionError("task", expected="one of " + ", ".join(map(repr, TASKS)), got=quoted(name))
    return TASKS[name]


_MISSES: dict[str, Callable[[NDArray[Any], NDArray[Any]], NDArray[np.bool_]]] = {
    "linear": lambda y, d: np.abs(y[0] - d[0]) > TOLERANCE,
    "logistic": lambda y, d: (y[0] > 0.5) != (d[0] > 0.5),
    "softmax": lambda y, d: y.argmax(axis=0) != d.argmax(axis=0),
}
"""Outputs and targets (O, T, N) → where they disagree, (T, N)."""


def _uniforms(key: tuple[int, int], count: int, size: int, epoch: int) -> Uniforms:
    """Return (count, size) uniform numbers; row n does not depend on `count`."""
    stride = 4 * -(-size // 4)
    raw = words(key, 0, count * stride, epoch).reshape(count, stride)[:, :size]
    return (raw >> np.uint64(11)).astype(np.float64) * 2.0**-53


def _whole(u: Uniforms, least: Any, most: Any) -> Integers:
    """Return whole numbers from `least` to `most`, both included, where u is uniform."""
    return least + np.floor(u * (np.asarray(most) - least + 1)).astype(np.int64)


def _with_one_target(inputs: NDArray[np.float32], values: NDArray[Any], lengths: Integers) -> Sequences:
    """Return sequences with one target each, `values` (O, N), at their last step."""
    _, steps, count = inputs.shape
    targets = np.zeros((len(values), steps, count), np.float32)
    mask = np.zeros((steps, count), np.float32)
    targets[:, lengths - 1, np.arange(count)] = values
    mask[lengths - 1, np.arange(count)] = 1
    return Sequences(inputs, targets, lengths, mask)


def _one_hot(symbols: Integers, size: int) -> NDArray[np.float32]:
    """Return symbols 1 … size, (N, T), as (size, T, N); the symbol 0 stands for a zero column."""
    return (symbols.T[None] == np.arange(1, size + 1)[:, None, None]).astype(np.float32)


def _pairs(length: int, u: Uniforms, of: Callable[[Any], Any], target: Callable[[Any, Any], Any]) -> Sequences:
    """Return sequences whose target combines two values of the first row, those that the second row marks.

    T' ~ U{T … ⌊1.1 T⌋}, i ~ U{1 … ⌊T'/10⌋}, j ~ U{⌊T'/10⌋ + 1 … ⌊T'/2⌋}.
    """
    longest, n = 11 * length // 10, np.arange(len(u))
    lengths = _whole(u[:, 0], length, longest)
    i = _whole(u[:, 1], 1, lengths // 10)
    j = _whole(u[:, 2], lengths // 10 + 1, lengths // 2)
    values = of(u[:, 3:]).astype(np.float32) * (np.arange(1, longest + 1) <= lengths[:, None])
    inputs = np.zeros((2, longest, len(n)), np.float32)
    inputs[0] = values.T
    inputs[1, i - 1, n] = inputs[1, j - 1, n] = 1
    first, second = (values[n, at - 1].astype(np.float64) for at in (i, j))
    return _with_one_target(inputs, target(first, second)[None], lengths)


def _temporal_order(windows: tuple[tuple[int, int], ...]) -> Callable[[int, Uniforms], Sequences]:
    """Return the maker of sequences with one special symbol (1 or 2) in each window, in tenths of T."""

    def make(length: int, u: Uniforms) -> Sequences:
        count, bits = len(u), len(windows)
        symbols = _whole(u[:, 2 * bits :], 3, 6)
        classes = np.zeros(count, np.int64)
        for k, (first, last) in enumerate(windows):
            special = _whole(u[:, k], 1, 2)
            at = _whole(u[:, bits + k], first * length // 10, last * length // 10)
            symbols[np.arange(count), at - 1] = special
            classes = 2 * classes + special - 1
        values = np.eye(2**bits, dtype=np.float32)[:, classes]
        return _with_one_target(_one_hot(symbols, 6), values, np.full(count, length))

    return make


def _random_permutation(length: int, u: Uniforms) -> Sequences:
    """Return sequences to be predicted symbol by symbol; the first symbol, 1 or 2, comes again at the end."""
    symbols = _whole(u, 3, 100)
    symbols[:, 0] = symbols[:, -1] = _whole(u[:, 0], 1, 2)
    targets = _one_hot(np.roll(symbols, -1, axis=1), 100)
    targets[:, -1] = 0
    mask = np.ones((length, len(u)), np.float32)
    mask[-1] = 0
    return Sequences(_one_hot(symbols, 100), targets, np.full(len(u), length), mask)


def _recalled(data: Integers, length: int, size: int) -> Sequences:
    """Return sequences that show `data` (N, m), symbols 1 … size, and ask for it m steps before the end.

    Symbol size + 1 is the blank, and size + 2 the trigger in step T + m.
    """
    count, m = data.shape
    symbols = np.full((count, length + 2 * m), size + 1)
    symbols[:, :m] = data
    symbols[:, length + m - 1] = size + 2
    answers = np.full_like(symbols, size + 1)
    answers[:, length + m :] = data
    steps = symbols.shape[1]
    mask = np.ones((steps, count), np.float32)
    return Sequences(_one_hot(symbols, size + 2), _one_hot(answers, size + 1), np.full(count, steps), mask)


def _memory_5(length: int, u: Uniforms) -> Sequences:
    """Return all 32 strings of 5 bits, whatever was drawn."""
    del u
    return _recalled(1 + (np.arange(32)[:, None] >> np.arange(5)) % 2, length, 2)


def _memory_20(length: int, u: Uniforms) -> Sequences:
    return _recalled(_whole(u, 1, 5), length, 5)


def _pair(name: str, unit: str, of: Callable[[Any], Any], target: Callable[[Any, Any], Any]) -> Task:
    return Task(name, unit, lambda T: 3 + 11 * T // 10, lambda T, u: _pairs(T, u, of, target))


TASKS: dict[str, Task] = {
    each.name: each
    for each in (
        _pair("addition", "linear", lambda u: u, lambda a, b: (a + b) / 2),
        _pair("multiplication", "linear", lambda u: u, lambda a, b: a * b),
        _pair("xor", "logistic", lambda u: u >= 0.5, lambda a, b: a != b),
        Task("temporal_order", "softmax", lambda T: T + 4, _temporal_order(((1, 2), (5, 6)))),
        Task("temporal_order_3", "softmax", lambda T: T + 6, _temporal_order(((1, 2), (3, 4), (6, 7)))),
        Task("random_permutation", "softmax", lambda T: T, _random_permutation),
        Task("memory_5", "softmax", lambda T: 1, _memory_5, judged="all"),
        Task("memory_20", "softmax", lambda T: 10, _memory_20, judged="all"),
    )
}
"""All tasks by name."""
