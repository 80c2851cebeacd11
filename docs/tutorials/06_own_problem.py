"""
A problem of your own
=====================

`train` minimises anything that can give a log-likelihood, its gradient and products with
a positive semidefinite curvature. Here it fills in missing pixels: pictures of digits are
approximated by a matrix of low rank, fitted to the half of the pixels that are known.
Nothing about networks is used.
"""

# %%
# Data
# ----
#
# 1,000 digits of 8 by 8 pixels. Half of all pixels, drawn at random, are hidden from the
# fit and kept to judge it.

import matplotlib.pyplot as plt
import numpy as np

from hf_matlab_compat import train
from hf_matlab_compat.demo.digits import shuffled_digits
from hf_matlab_compat.problem import Gradient
from hf_matlab_compat.state import Score

digits, _ = shuffled_digits(train=1000, test=0, seed=0)
X = digits.images
known = np.random.default_rng(1).random(X.shape) < 0.5
print(f"{X.shape[0]} pixels of {X.shape[1]} digits; {known.mean():.1%} are known")

# %%
# The problem
# -----------
#
# X is approximated by m + U V, with a column m of means, U of 64 by r and V of r by 1000.
# The log-likelihood is -½ the squared error on the known pixels of a digit, less a small
# prior, averaged over digits. Its curvature is Gauss-Newton: with J the Jacobian of m + U
# V, the product is Jᵀ(mask · J v) and the prior's share. Two functions are enough, J v
# and Jᵀ w, and both follow from the product rule.


class LowRank:
    """m + U V for the known entries of X; theta holds m, U and V one after the other."""

    num_chunks = 1

    def __init__(self, X, known, rank, decay):
        self.X, self.known, self.decay = X, known, decay
        rows, cases = X.shape
        self.shapes = [(rows, 1), (rows, rank), (rank, cases)]
        self.num_parameters = sum(a * b for a, b in self.shapes)

    def parts(self, theta):
        ends = np.cumsum([a * b for a, b in self.shapes])[:-1]
        return [
            part.reshape(shape)
            for part, shape in zip(np.split(theta, ends), self.shapes, strict=True)
        ]

    def approximation(self, theta):
        m, U, V = self.parts(theta)
        return m + U @ V

    def transposed(self, theta, W):  # Jᵀ w
        _, U, V = self.parts(theta)
        return np.concatenate([W.sum(axis=1), (W @ V.T).ravel(), (U.T @ W).ravel()])

    def score(self, theta, on):
        residual = self.known * (self.X - self.approximation(theta))
        prior = 0.5 * self.decay * theta @ theta
        error = np.sqrt((residual**2).sum() / self.known.sum())
        return Score(
            log_likelihood=(-0.5 * (residual**2).sum() - prior) / self.X.shape[1],
            error=error,
        )

    def gradient(self, theta, on):
        residual = self.known * (self.X - self.approximation(theta))
        slope = (self.transposed(theta, residual) - self.decay * theta) / self.X.shape[1]
        return Gradient(slope, self.score(theta, on).log_likelihood)

    def curvature(self, theta, on, gradient):
        _, U, V = self.parts(theta)

        def product(v):
            dm, dU, dV = self.parts(v)
            Jv = self.known * (dm + dU @ V + U @ dV)
            return (self.transposed(theta, Jv) + self.decay * v) / self.X.shape[1]

        return product


problem = LowRank(X, known, rank=16, decay=2)
start = 0.1 * np.random.default_rng(2).standard_normal(problem.num_parameters)

# %%
# Check the derivatives first
# ---------------------------
#
# Training with a wrong gradient may still make some progress. Central differences along
# one direction find most mistakes.

on = None  # this problem has one chunk and ignores which cases are asked for
v = np.random.default_rng(3).standard_normal(start.size)
h = 1e-5
slope = (
    problem.score(start + h * v, on).log_likelihood
    - problem.score(start - h * v, on).log_likelihood
) / (2 * h)
print(f"gradient · v = {problem.gradient(start, on).full @ v:.8f}, by differences {slope:.8f}")
assert np.isclose(problem.gradient(start, on).full @ v, slope, rtol=1e-6)

Jv = (problem.approximation(start + h * v) - problem.approximation(start - h * v)) / (2 * h)
dense = ((known * Jv) ** 2).sum() / 1000 + problem.decay * v @ v / 1000
print(f"v · B v = {v @ problem.curvature(start, on, None)(v):.8f}, by differences {dense:.8f}")
assert np.isclose(v @ problem.curvature(start, on, None)(v), dense, rtol=1e-6)

# %%
# Train
# -----
#
# A curvature without a diagonal cannot be preconditioned, so `preconditioner="none"`. The
# rest, damping, the choice of the CG iterate and the line search, is the published
# method.

result = train(
    problem=problem,
    initial_theta=start,
    preconditioner="none",
    precision="double",
    initial_lam=0.1,
    max_epochs=25,
)
h = result.history
for k in range(0, 25, 4):
    print(
        f"epoch {h['epoch'][k]:2d}: {h['cg_steps'][k]:3d} CG steps, "
        f"rho {h['rho'][k]:6.3f}, error on known pixels {h['train_error'][k]:.4f}"
    )

# %%
# The result
# ----------
#
# The error on the hidden pixels shows how good the result is. For comparison, each hidden
# pixel is replaced by the mean of its known values.


def hidden_error(guess):
    return np.sqrt(((guess - X)[~known] ** 2).mean())


filled = problem.approximation(result.theta)
means = (X * known).sum(axis=1, keepdims=True) / known.sum(axis=1, keepdims=True)
by_mean = hidden_error(np.broadcast_to(means, X.shape))
print(f"root mean squared error on hidden pixels: {hidden_error(filled):.3f}")
print(f"with the mean of each pixel: {by_mean:.3f}")
assert hidden_error(filled) < 0.8 * by_mean

rows = {
    "known pixels": np.where(known, X, 0.5),
    "filled in": np.where(known, X, filled),
    "true": X,
}
figure, axes = plt.subplots(3, 12, figsize=(8, 2.4), layout="constrained")
for line, (title, images) in zip(axes, rows.items(), strict=True):
    line[0].set_title(title, loc="left", fontsize=9)
    for axis, image in zip(line, images[:, :12].T, strict=True):
        axis.imshow(image.reshape(8, 8), cmap="gray_r", vmin=0, vmax=1)
        axis.set_axis_off()
plt.show()

# %%
# Where to go from here: `train(..., run_name="run")` writes the log and the checkpoints
# of any other run, and `resume_from=` continues from them to the last bit. The page on
# extending shows own rules, methods and observers.
