"""Text as sequences of symbols: an alphabet, windows of a text, and text drawn from a model."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hf_matlab_compat.answers import is_number, shown
from hf_matlab_compat.backends.backend import get_backend
from hf_matlab_compat.errors import DataError, OptionError
from hf_matlab_compat.model.corruption import words
from hf_matlab_compat.rnn.given import checked_theta
from hf_matlab_compat.rnn.problem import SequenceProblem
from hf_matlab_compat.rnn.sequence_model import TrainedModel
from hf_matlab_compat.rnn.sequences import SequenceBlock
from hf_matlab_compat.rnn.workspace import Workspace

Symbols = NDArray[np.intp]
MEMORY = 200
"""Characters that a model reads to draw the next one."""

TRAINING, JUDGED = 211, 212
"""Purposes of a draw: pieces to train on, and to judge on."""

OTHER = "\N{REPLACEMENT CHARACTER}"
"""Stands for every character that is not in the alphabet."""


@dataclass(frozen=True)
class Alphabet:
    """Characters and their numbers.

    Attributes
    ----------
    characters : str
        Each once; its place is its number. All other characters share the number after the last.
    """

    characters: str

    @classmethod
    def of(cls, text: str, most: int = 48) -> Alphabet:
        """Return the `most` frequent characters of a text, the most frequent first, ties in the order of codes.

        Raises
        ------
        DataError
            The text is empty, or no text.
        OptionError
            `most` is no whole number of at least 1.
        """
        _check_whole(1, most=most)
        if not isinstance(text, str) or not text:
            raise DataError("text", expected="characters", got="an empty text" if text == "" else type(text).__name__)
        counts = Counter(text)
        return cls("".join(sorted(counts, key=lambda each: (-counts[each], each))[:most]))

    def __len__(self) -> int:
        return len(self.characters) + 1

    def symbols(self, text: str) -> Symbols:
        """Return the numbers of the characters of a text, (len(text),)."""
        number = {each: k for k, each in enumerate(self.characters)}
        return np.array([number.get(each, len(self.characters)) for each in text], dtype=np.intp)

    def text(self, symbols: Any) -> str:
        """Return the text of numbers; `OTHER` for what is not in the alphabet."""
        return "".join((self.characters + OTHER)[k] for k in symbols)

    def one_hot(self, symbols: Any) -> NDArray[np.float32]:
        """Return columns with a 1 at each number: len(self) rows, then the shape of `symbols`."""
        number = np.arange(len(self)).reshape(-1, *[1] * np.ndim(symbols))
        return (number == symbols).astype(np.float32)


class Key(NamedTuple):
    """The key of a draw.

    Attributes
    ----------
    seed : int
    epoch : int
        0 for pieces that stay the same.
    purpose : int
        `TRAINING` or `JUDGED`.
    """

    seed: int
    epoch: int = 0
    purpose: int = TRAINING


class Windows(NamedTuple):
    """Pieces of a text as sequences: every symbol is the target of a step and the input of the next.

    Attributes
    ----------
    inputs, targets : (A, T, N) arrays
        One-hot columns.
    lengths : (N,) array of int
        T, for each piece.
    loss_weights : (T, N) array
        0 at the first steps, where the hidden state does not yet know the text before; 1 at the others.
    """

    inputs: NDArray[np.float32]
    targets: NDArray[np.float32]
    lengths: NDArray[np.int64]
    loss_weights: NDArray[np.float32]


def windows(
    alphabet: Alphabet, symbols: Symbols, count: int, key: Key, *, steps: int = 60, burn_in: int = 10
) -> Windows:
    """Draw pieces of a text.

    Parameters
    ----------
    alphabet : Alphabet
        Its characters are the features.
    symbols : (L,) array of int
        The text.
    count : int
        N.
    key : Key
        The same key draws the same pieces.
    steps : int
        T.
    burn_in : int
        Steps without loss at the start of each piece.

    Raises
    ------
    DataError
        The text is too short, or no array of symbols.
    OptionError
        `burn_in` leaves no step, or another number does not fit.
    """
    _check_whole(1, steps=steps, count=count)
    _check_whole(0, burn_in=burn_in)
    if not isinstance(key, Key) or not all(isinstance(each, int | np.integer) and each >= 0 for each in key):
        raise OptionError("key", expected="Key(seed, epoch), whole numbers of at least 0", got=repr(key))
    if not isinstance(symbols, np.ndarray) or symbols.dtype.kind not in "iu":
        advice = "Alphabet.symbols(text) makes them of a text."
        raise DataError("symbols", expected="an array of whole numbers", got=type(symbols).__name__, advice=advice)
    if burn_in >= steps:
        raise OptionError("burn_in", expected=f"a whole number from 0 to {steps - 1}, below {{steps}}", got=burn_in)
    if len(symbols) <= steps:
        raise DataError("text", expected=f"more than {steps} characters, the length of a window", got=len(symbols))
    raw = words((key.seed, key.purpose), 0, count, key.epoch)
    starts = (raw % np.uint64(len(symbols) - steps)).astype(np.intp)
    pieces = symbols[starts + np.arange(steps + 1)[:, None]]
    weights = np.ones((steps, count), dtype=np.float32)
    weights[:burn_in] = 0
    return Windows(alphabet.one_hot(pieces[:-1]), alphabet.one_hot(pieces[1:]), np.full(count, steps), weights)


def _check_whole(least: int, **given: Any) -> None:
    for name, value in given.items():
        if not isinstance(value, int | np.integer) or isinstance(value, bool) or value < least:
            raise OptionError(name, expected=f"a whole number of at least {least}", got=shown(value))


def bits_per_character(log_likelihood: float) -> float:
    """Return -log₂ of the probability of a character, for the mean log-likelihood of a step."""
    return -log_likelihood / math.log(2)


def ngram_bits(train: Symbols, test: Symbols, size: int, order: int, added: float = 0.0) -> float:
    """Return the bits per character of a table of counts.

    Parameters
    ----------
    train, test : (L,) arrays of int
        Texts; counts are those of `train`, and the characters of `test` after the first few are predicted.
    size : int
        Number of symbols.
    order : int
        1 for single characters, 2 for a character given the one before, 3 given two.
    added : float
        Added to every count.
    """
    counts = np.full((size,) * order, added)
    np.add.at(counts, tuple(train[k : len(train) - order + 1 + k] for k in range(order)), 1)
    p = counts / counts.sum(axis=-1, keepdims=True)
    return float(-np.log2(p[tuple(test[k : len(test) - order + 1 + k] for k in range(order))]).mean())


def drawn_text(
    advance: Callable[[Any], Any],
    alphabet: Alphabet,
    start: str,
    length: int,
    *,
    temperature: float = 1.0,
    seed: int = 0,
) -> str:
    """Draw a text from a model, character by character.

    Parameters
    ----------
    advance : callable
        Takes the one-hot column (A,) of a character and returns the scores (A,) of the next, the input of the softmax;
        it remembers the characters before: a `TextReader`.
    alphabet : Alphabet
        The characters, in the order of the scores.
    start : str
        Read before anything is drawn; at least one character.
    length : int
        Characters to draw.
    temperature : float
        Divides the scores: below 1 the text is more probable and less varied, 0 takes the most probable character.
    seed : int
        Of the draws.

    Returns
    -------
    str
        The characters drawn, without `start`.

    Raises
    ------
    OptionError
        `start` is empty, or a number does not fit.
    """
    if not isinstance(start, str) or not start:
        got = repr(start) if start else "an empty text"
        raise OptionError("start", expected="at least one character to begin with", got=got)
    if not is_number(temperature) or not 0 <= temperature < math.inf:
        raise OptionError("temperature", expected="a finite number of at least 0", got=shown(temperature))
    _check_whole(0, length=length, seed=seed)
    random, drawn = np.random.default_rng(seed), list[int]()
    *before, last = alphabet.symbols(start)
    for symbol in before:
        advance(alphabet.one_hot(symbol))
    scores = advance(alphabet.one_hot(last))
    for _ in range(length):
        # the largest of scores / temperature + Gumbel noise has the probabilities of the softmax
        drawn.append(int(np.argmax(scores + temperature * random.gumbel(size=len(alphabet)))))
        scores = advance(alphabet.one_hot(drawn[-1]))
    return alphabet.text(drawn)


class TextReader:
    """Scores of the next character by a net, for `drawn_text`: it reads the last `MEMORY` characters from its start.

    Parameters
    ----------
    net : SequenceProblem or TrainedModel
        Of `recurrent` or `multiplicative`, with an output for every character of the alphabet; or the `sequences` of a
        result, also of one from a file.
    theta : (P,) array_like
        Its trained parameters.

    Raises
    ------
    DataError
        θ does not fit.
    """

    def __init__(self, net: SequenceProblem | TrainedModel, theta: ArrayLike) -> None:
        of_problem = isinstance(net, SequenceProblem)
        self._model: Any = net.model if of_problem else net.net
        self._workspace = Workspace(net.backend if of_problem else get_backend("numpy", "double"))
        self._theta = self._workspace.backend.asarray(checked_theta(theta, self._model.num_parameters))
        self._read: list[Any] = []

    def __call__(self, column: Any) -> Any:
        """Return the scores (A,) after one more character, a one-hot column (A,).

        Raises
        ------
        OptionError
            The column is one of another alphabet than that of the net.
        """
        symbols = self._model.sizes[0]
        if len(column) != symbols:
            expected = f"that of the net, which reads {symbols} symbols"
            raise OptionError("alphabet", expected=expected, got=f"{len(column)} symbols")
        self._read = [*self._read[1 - MEMORY :], column]
        x = np.stack(self._read, axis=1)[:, :, None]
        at: Any = self._model.at(self._theta, SequenceBlock(x, x, np.array([x.shape[1]])), self._workspace)
        return self._workspace.backend.to_host(at.x)[:, -1]
