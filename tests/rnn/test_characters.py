"""Text as sequences: alphabet, windows, tables of counts, and text drawn from scores."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest

from hf_matlab_compat import multiplicative, recurrent
from hf_matlab_compat.errors import ArgumentError, DataError, OptionError
from hf_matlab_compat.rnn import characters
from hf_matlab_compat.rnn.characters import (
    JUDGED,
    OTHER,
    Alphabet,
    Key,
    TextReader,
    bits_per_character,
    drawn_text,
    ngram_bits,
    windows,
)
from hf_matlab_compat.rnn.workspace import Workspace

TEXT = "the cat sat on the mat. " * 20
ALPHABET = Alphabet.of(TEXT, 8)


def test_the_most_frequent_characters_come_first_and_the_others_are_one_symbol() -> None:
    assert Alphabet.of("bbaac", 2).characters == "ab"
    assert len(ALPHABET) == 9
    assert ALPHABET.text(ALPHABET.symbols("the cot")) == "the c" + OTHER + "t"
    columns = ALPHABET.one_hot(ALPHABET.symbols(TEXT))
    assert columns.shape == (9, len(TEXT))
    assert (columns.sum(axis=0) == 1).all()


def test_windows_are_pieces_of_the_text_shifted_by_one_and_a_function_of_their_key() -> None:
    symbols = ALPHABET.symbols(TEXT)
    made = windows(ALPHABET, symbols, 5, Key(3, epoch=2), steps=12, burn_in=4)
    known = ALPHABET.text(symbols)
    for n in range(5):
        read, asked = (ALPHABET.text(part[:, :, n].argmax(axis=0)) for part in (made.inputs, made.targets))
        assert read + asked[-1] in known
        assert read[1:] == asked[:-1]
    assert made.loss_weights.sum(axis=0).tolist() == [8] * 5
    assert (made.loss_weights[:4] == 0).all()
    again, more = (windows(ALPHABET, symbols, count, Key(3, epoch=2), steps=12, burn_in=4) for count in (5, 9))
    np.testing.assert_array_equal(made.inputs, again.inputs)
    np.testing.assert_array_equal(made.inputs, more.inputs[:, :, :5])
    for key in (Key(3, epoch=3), Key(4, epoch=2), Key(3, 2, JUDGED)):
        other = windows(ALPHABET, symbols, 5, key, steps=12, burn_in=4)
        assert not np.array_equal(made.inputs, other.inputs)


def test_windows_that_do_not_fit_are_refused() -> None:
    symbols = ALPHABET.symbols("the cat")
    with pytest.raises(DataError, match=r"^text: expected more than 7 characters, the length of a window, got 7"):
        windows(ALPHABET, symbols, 1, Key(0), steps=7, burn_in=0)
    with pytest.raises(OptionError, match=r"^burn_in: expected a whole number from 0 to 4, below steps, got 5"):
        windows(ALPHABET, symbols, 1, Key(0), steps=5, burn_in=5)
    long: Any = ALPHABET.symbols(TEXT)
    for given, sentence in (
        ({"symbols": TEXT}, "symbols: expected an array of whole numbers, got str. Alphabet.symbols(text) makes"),
        ({"key": Key(-1)}, "key: expected Key(seed, epoch), whole numbers of at least 0, got Key(seed=-1"),
        ({"count": 0}, "count: expected a whole number of at least 1, got 0."),
        ({"steps": 2.5}, "steps: expected a whole number of at least 1, got 2.5."),
    ):
        with pytest.raises(ArgumentError, match=f"^{re.escape(sentence)}"):
            windows(ALPHABET, **{"symbols": long, "count": 2, "key": Key(0), **given})
    with pytest.raises(DataError, match=r"^text: expected characters, got an empty text"):
        Alphabet.of("")


def test_tables_of_counts_have_the_bits_of_their_frequencies() -> None:
    train, test = np.array([0, 1, 0, 1, 0, 1, 0, 0]), np.array([0, 1, 0])
    assert ngram_bits(train, test, 2, 1) == pytest.approx(-np.log2([5 / 8, 3 / 8, 5 / 8]).mean())
    assert ngram_bits(train, test, 2, 2, 1.0) == pytest.approx(-np.log2([4 / 6, 4 / 5]).mean())
    assert bits_per_character(-np.log(2)) == pytest.approx(1)


def test_drawn_text_follows_the_scores_at_every_temperature() -> None:
    p = np.array([0.7, 0.2, 0.1])
    ab = Alphabet("ab")

    def advance(column: np.ndarray) -> np.ndarray:
        assert column.shape == (3,)
        return np.log(p)

    assert drawn_text(advance, ab, "a", 6, temperature=0) == "aaaaaa"
    for temperature in (1.0, 0.5):
        drawn = drawn_text(advance, ab, "ab", 4000, temperature=temperature, seed=1)
        wanted = p ** (1 / temperature) / (p ** (1 / temperature)).sum()
        shares = [drawn.count(each) / 4000 for each in "ab" + OTHER]
        np.testing.assert_allclose(shares, wanted, atol=0.03)
    assert drawn_text(advance, ab, "a", 50, seed=2) == drawn_text(advance, ab, "a", 50, seed=2)
    for given, name in (
        ({"temperature": -1.0}, "temperature"),
        ({"temperature": "hot"}, "temperature"),
        ({"start": ""}, "start"),
        ({"length": 2.5}, "length"),
        ({"seed": -1}, "seed"),
    ):
        with pytest.raises(OptionError, match=rf"^{name}: expected"):
            drawn_text(advance, **{"alphabet": ab, "start": "a", "length": 1, **given})


def test_what_was_drawn_is_read_before_the_next_is_drawn() -> None:
    ab, read = Alphabet("ab"), list[int]()

    def advance(column: np.ndarray) -> np.ndarray:
        read.append(int(column.argmax()))
        return np.eye(3)[1 - read[-1] % 2] * 100  # the other of the two

    assert drawn_text(advance, ab, "ab", 5) == "ababa"
    assert read == [0, 1, 0, 1, 0, 1, 0]


@pytest.mark.parametrize("net", ["multiplicative", "plain"])
def test_a_reader_has_the_scores_of_the_net_after_all_characters_that_it_remembers(
    net: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    symbols = ALPHABET.symbols("the cat sat")
    x = ALPHABET.one_hot(symbols)[:, :, None]
    if net == "plain":
        problem = recurrent(x, x, hidden_sizes=[6], unit_types=["tanh", "softmax"])
    else:
        problem = multiplicative(x, x, hidden_size=6)
    theta = problem.initial_theta(3)
    (block,) = problem.data.blocks(0, 1)
    at: Any = problem.model.at(theta, block, Workspace(problem.backend))
    wanted = at.x.copy()
    reader = TextReader(problem, theta)
    for t, symbol in enumerate(symbols):
        np.testing.assert_allclose(reader(ALPHABET.one_hot(symbol)), wanted[:, t], rtol=1e-13)
    monkeypatch.setattr(characters, "MEMORY", 3)
    forgetful, fresh = TextReader(problem, theta), TextReader(problem, theta)
    *_, last = (forgetful(ALPHABET.one_hot(symbol)) for symbol in symbols)
    *_, alone = (fresh(ALPHABET.one_hot(symbol)) for symbol in symbols[-3:])
    np.testing.assert_array_equal(last, alone)
    assert not np.allclose(last, wanted[:, -1])
    with pytest.raises(OptionError, match="alphabet: expected that of the net, which reads 9 symbols, got 4 symbols"):
        drawn_text(TextReader(problem, theta), Alphabet("the"), "the", 2)
    with pytest.raises(DataError, match=f"theta: expected {theta.size} numbers, as the net has parameters, got 2"):
        TextReader(problem, theta[:2])
