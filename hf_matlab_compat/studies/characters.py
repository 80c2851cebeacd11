"""The study of characters: a multiplicative or a plain recurrent net learns a text, in bits per character.

The text is that of Python's own help topics, 465,048 characters in Python 3.11; other versions have another text, which
is told. The marks are the bits of tables of one and two characters before, counted on the training part.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from hf_matlab_compat.errors import OptionError, quoted
from hf_matlab_compat.rnn import multiplicative, recurrent
from hf_matlab_compat.rnn.characters import (
    JUDGED,
    Alphabet,
    Key,
    Symbols,
    TextReader,
    bits_per_character,
    drawn_text,
    ngram_bits,
    windows,
)
from hf_matlab_compat.rnn.problem import SequenceProblem
from hf_matlab_compat.studies.courses import Tell, silent
from hf_matlab_compat.studies.marks import (
    Figure,
    Mark,
    MarkedCourse,
    MarkedStudy,
    marks_within,
    run_course,
    runs_of_seeds,
)

KNOWN_COUNT, KNOWN_HASH = 465_048, "ed16de2942322e23"
"""Characters of the text in Python 3.11, and the start of its SHA-256."""
TRAINING_SHARE, WINDOWS, JUDGED_WINDOWS, CHUNKS = 0.9, 400, 300, 4
BITS = Figure("bits per character", lambda score: bits_per_character(score.log_likelihood))
START_OF_SAMPLE = "the "


@dataclass(frozen=True, kw_only=True)
class Setting:
    """All that a run depends on, beside its seed.

    Attributes
    ----------
    net : {'multiplicative', 'plain'}
    hidden : int
        Hidden units; as many factors.
    epochs : int
    structural_damping : float
    cg_steps : int
        Most CG steps of an epoch.
    precision : {'single', 'double'}
    temperature : float
        Of the text that the trained net writes.
    """

    net: str = "multiplicative"
    hidden: int = 64
    epochs: int = 40
    structural_damping: float = 0.1
    cg_steps: int = 50
    precision: str = "double"
    temperature: float = 0.7


@dataclass(frozen=True)
class Text:
    """A text as symbols, in a part to train on and a part to judge on."""

    alphabet: Alphabet
    training: Symbols
    judged: Symbols
    is_known: bool

    @classmethod
    def of(cls, text: str) -> Text:
        """Split a text; its 48 most frequent characters are the alphabet."""
        alphabet = Alphabet.of(text)
        symbols = alphabet.symbols(text)
        cut = int(TRAINING_SHARE * len(symbols))
        is_known = hashlib.sha256(text.encode()).hexdigest().startswith(KNOWN_HASH)
        return cls(alphabet, symbols[:cut], symbols[cut:], is_known)

    @classmethod
    def of_python(cls) -> Text:
        """Return the text of Python's help topics."""
        from pydoc_data.topics import topics

        return cls.of("\n".join(topics[name] for name in sorted(topics)).lower())

    def sentence(self) -> str:
        """Return whether the text is that of the marks."""
        count = len(self.training) + len(self.judged)
        if self.is_known:
            return f"Text: {count:,} characters of Python's help topics, as in Python 3.11."
        return (
            f"Text: {count:,} characters of Python's help topics, not the {KNOWN_COUNT:,} of Python 3.11: figures do "
            "not compare with those of the documentation."
        )

    def marks(self) -> list[Mark]:
        """Return the bits to be reached: those of tables of counts, and what a prototype needed half the time for."""
        size = len(self.alphabet)
        bigram, trigram = (ngram_bits(self.training, self.judged, size, *each) for each in ((2, 0.1), (3, 0.02)))
        return [
            Mark(10, bigram, "a table of pairs of characters"),
            Mark(20, 2.65, "a prototype reached 2.50"),
            Mark(40, trigram, "a table of triples of characters"),
        ]


def problems(setting: Setting, text: Text, seed: int) -> tuple[SequenceProblem, SequenceProblem]:
    """Return the problem to train, with fresh windows in every epoch, and the one to judge on, which stays the same.

    Raises
    ------
    OptionError
        There is no such net, or a size does not fit.
    """

    def fresh(epoch: int) -> Any:
        return windows(text.alphabet, text.training, WINDOWS, Key(seed, epoch))

    judged = windows(text.alphabet, text.judged, JUDGED_WINDOWS, Key(0, purpose=JUDGED))
    if setting.net == "multiplicative":
        problem = multiplicative(resample=fresh, num_chunks=CHUNKS, hidden_size=setting.hidden)
        return problem, problem.on(*judged)
    if setting.net != "plain":
        raise OptionError("net", expected="'multiplicative' or 'plain'", got=quoted(setting.net))
    problem = recurrent(
        resample=fresh,
        num_chunks=CHUNKS,
        hidden_sizes=[setting.hidden],
        unit_types=["tanh", "softmax"],
        input_scale=0.5,
        error_measure="misclassified",
    )
    return problem, problem.on(*judged)


def run(setting: Setting, text: Text, seed: int, tell: Tell = silent) -> MarkedCourse:
    """Train one net and have it write.

    Parameters
    ----------
    setting : Setting
        The net and how it is trained.
    text : Text
        What it learns.
    seed : int
        Of the initial weights and of the windows.
    tell : callable
        Called with a line after every epoch.
    """
    problem, judged = problems(setting, text, seed)
    course, theta = run_course(
        seed,
        BITS,
        tell,
        problem=problem,
        test_problem=judged,
        structural_damping=setting.structural_damping,
        preconditioner="none",
        initial_lam=1.0,
        max_cg_steps=setting.cg_steps,
        max_epochs=setting.epochs,
        precision=setting.precision,
    )
    if theta is not None:
        reader = TextReader(problem, theta)
        written = drawn_text(reader, text.alphabet, START_OF_SAMPLE, 200, temperature=setting.temperature, seed=seed)
        course.shown = START_OF_SAMPLE + written
    return course


def study(
    setting: Setting,
    seeds: Sequence[int],
    *,
    journal: str | os.PathLike[str] | None = None,
    talk: tuple[Tell, Tell] = (lambda line: None, lambda line: None),
    text: Text | None = None,
) -> MarkedStudy:
    """Train a net for every seed; see `courses.courses_of`. The text is by default that of Python's help topics."""
    given = Text.of_python() if text is None else text
    marks = marks_within(given.marks(), setting.epochs)
    problems(setting, given, 0)  # refuses wrong sizes before anything is told
    talk[0](given.sentence())
    settings = {"study": "characters", "text": given.is_known, **asdict(setting)}
    courses = runs_of_seeds(settings, seeds, lambda seed, tell: run(setting, given, seed, tell), journal, talk)
    return MarkedStudy(f"characters, {setting.net} net of {setting.hidden} hidden units", BITS, marks, courses)
