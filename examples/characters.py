"""A multiplicative recurrent net reads a text character by character, and writes some of its own."""

import numpy as np

from hf_matlab_compat import multiplicative, train
from hf_matlab_compat.result import Result
from hf_matlab_compat.rnn.characters import (
    JUDGED,
    Alphabet,
    Key,
    TextReader,
    bits_per_character,
    drawn_text,
    windows,
)

WORDS = ["the cat", "the dog", "a bird", "sat", "ran", "sang", "on the mat", "in the fog", "by the sea"]


def make_text(sentences: int, seed: int) -> str:
    """Return sentences of three parts each."""
    parts = np.random.default_rng(seed).integers([0, 3, 6], [3, 6, 9], (sentences, 3))
    return " ".join(" ".join(WORDS[k] for k in sentence) + "." for sentence in parts)


def main(epochs: int = 20) -> Result:
    """Train on fresh pieces of the text in every epoch; judge on a text of the same kind."""
    text, other = make_text(300, seed=0), make_text(60, seed=1)
    alphabet = Alphabet.of(text, 30)
    symbols = alphabet.symbols(text)

    def fresh(epoch: int):
        return windows(alphabet, symbols, 60, Key(0, epoch), steps=30, burn_in=5)

    judged = windows(alphabet, alphabet.symbols(other), 40, Key(0, purpose=JUDGED), steps=30, burn_in=5)
    problem = multiplicative(resample=fresh, hidden_size=20, num_chunks=2)
    result = train(
        problem=problem,
        test_problem=problem.on(*judged),
        structural_damping=0.1,
        initial_lam=1.0,
        max_cg_steps=30,
        max_epochs=epochs,
        precision="double",
        seed=0,
    )
    bits = bits_per_character(result.history["test_log_likelihood"][-1])
    print(f"{bits:.2f} bits per character; three choices of three in every sentence are {chosen_bits(other):.2f}")
    print(drawn_text(TextReader(problem, result.theta), alphabet, "the ", 80, temperature=0.5))
    return result


def chosen_bits(text: str) -> float:
    """Return the bits of the choices, per character: no net can do better."""
    return text.count(".") * 3 * np.log2(3) / len(text)


if __name__ == "__main__":
    main()
