"""A problem of your own: logistic regression with a dense curvature, trained with log and checkpoint, and resumed."""

from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from hf_matlab_compat import train
from hf_matlab_compat.demo.digits import shuffled_digits
from hf_matlab_compat.problem import Gradient
from hf_matlab_compat.result import Result
from hf_matlab_compat.state import Score


class LogisticRegression:
    """Columns of X are cases, t is 0 or 1. `on` says on which cases a figure is computed."""

    def __init__(self, X, t, num_chunks=4, decay=1e-4):
        self.X, self.t, self.decay = np.vstack([X, np.ones(t.size)]), t, decay
        self.num_parameters, self.num_chunks = len(self.X), num_chunks

    def cases(self, theta, on):
        mine = slice(None) if on.chunk is None else slice(on.chunk, None, self.num_chunks)
        return self.X[:, mine], self.t[mine], 1 / (1 + np.exp(-theta @ self.X[:, mine]))

    def score(self, theta, on):
        _, t, y = self.cases(theta, on)
        log_likelihood = np.log(np.where(t == 1, y, 1 - y)).mean() - self.decay / 2 * theta @ theta
        return Score(log_likelihood=log_likelihood, error=np.mean((y > 0.5) != t))

    def gradient(self, theta, on):
        parts = (self.cases(theta, each) for each in (on.all, on))
        full, chunk = (X @ (t - y) / t.size - self.decay * theta for X, t, y in parts)
        return Gradient(full, self.score(theta, on.all).log_likelihood, chunk)

    def curvature(self, theta, on, gradient):
        X, t, y = self.cases(theta, on)
        H = (X * (y * (1 - y))) @ X.T / t.size + self.decay * np.eye(len(X))
        return H.dot  # an object that has `diagonal` too can be preconditioned


def main(epochs: int = 12) -> Result:
    """Tell ones from other digits: trained in one call, and in two with a checkpoint between them."""
    digits, _ = shuffled_digits(train=1440, test=0, seed=3)
    problem = LogisticRegression(digits.images, digits.labels == 1)
    options = {"precision": "double", "preconditioner": "none", "initial_lam": 1}
    run = {"problem": problem, "initial_theta": np.zeros(65), **options}
    whole = train(**run, max_epochs=epochs)
    with TemporaryDirectory() as folder:
        train(**run, max_epochs=epochs // 2, run_name=f"{folder}/run")
        rest = train(**run, max_epochs=epochs, run_name=f"{folder}/run", resume_from=f"{folder}/run_nnet_running.mat")
        print(Path(folder, "run.txt").read_text().strip().splitlines()[-3])
    print("equal to the last bit" if np.array_equal(rest.theta, whole.theta) else "two calls differ from one")
    print(f"misread: {rest.history['train_error'][-1]:.1%}")
    return rest


if __name__ == "__main__":
    main()
