"""A recurrent net with the loss of connectionist temporal classification: labels of sequences that are not aligned."""

import numpy as np

from hf_matlab_compat import ctc, train
from hf_matlab_compat.result import Result
from hf_matlab_compat.rnn.ctc import read_labels

TONES = np.array([[1, 0, 0], [0, 1, 0], [1, 1, 0], [0, 0, 1]])


def make_sequences(count: int, seed: int):
    """Return noisy frames and their labels: each label sounds for 2 to 4 frames, with 1 or 2 of silence after it."""
    random, frames, labels = np.random.default_rng(seed), [], []
    for _ in range(count):
        string = random.integers(0, len(TONES), random.integers(1, 5))
        heard = [np.repeat([TONES[k], 0 * TONES[k]], [random.integers(2, 5), random.integers(1, 3)], 0) for k in string]
        clean = np.vstack(heard).T
        frames.append(clean + 0.3 * random.standard_normal(clean.shape))
        labels.append(string.tolist())
    return frames, labels


def main(epochs: int = 25) -> Result:
    """Train on 100 sequences, look at the label error on 100 others, and read some of them."""
    problem = ctc(*make_sequences(100, seed=0), hidden_sizes=[15], num_classes=len(TONES) + 1, num_chunks=2)
    fresh = problem.on(*make_sequences(100, seed=1))
    result = train(problem=problem, test_problem=fresh, max_epochs=epochs, max_cg_steps=40, precision="double", seed=0)
    print(f"label error on fresh sequences: {result.history['test_error'][-1]:.1%}")
    read, said = read_labels(fresh, result.theta), make_sequences(100, seed=1)[1]
    for n in range(5):
        print(f"read {read[n]}, said {said[n]}")
    return result


if __name__ == "__main__":
    main()
