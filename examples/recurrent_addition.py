"""A recurrent net adds two marked numbers of a sequence: long-range memory, trained with structural damping."""

import numpy as np

from hf_matlab_compat import recurrent, train

random = np.random.default_rng(0)


def sequences(count, T=12):
    """Return inputs (2, T, count), numbers beside marks at two of them, and half the sum of the marked ones."""
    numbers, marks = random.random((T, count)), np.zeros((T, count))
    first, second = random.integers(0, T // 4, count), random.integers(T // 4, T // 2, count)
    marks[[first, second], np.arange(count)] = 1
    return np.stack([numbers, marks]), (numbers * marks).sum(axis=0, keepdims=True) / 2


def main(epochs=30):
    # targets (1, count) belong to the last steps: the net must remember both numbers until then
    problem = recurrent(*sequences(1000), hidden_sizes=[30], unit_types=["tanh", "linear"], num_chunks=4)
    fresh, sums = sequences(500)
    result = train(
        problem=problem,
        test_problem=problem.on(fresh, sums),
        seed=1,
        max_epochs=epochs,
        max_cg_steps=60,
        initial_lam=0.2,
        structural_damping=1 / 30,
    )
    wrong = np.abs(result.predict(fresh)[:, -1] - sums) > 0.04
    print(result)
    print(f"fresh sequences off by more than 0.04: {wrong.mean():.1%}")
    return result


if __name__ == "__main__":
    main()
