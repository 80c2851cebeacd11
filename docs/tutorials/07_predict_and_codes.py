"""
Predict and extract codes
=========================

A trained network is a function. This page trains an autoencoder with two code units,
draws the plane of codes, runs the decoder by itself, searches by code, and keeps all of
it in a file.
"""

# %%
# Train
# -----

import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

from hf_matlab_compat import load, train
from hf_matlab_compat.demo.digits import shuffled_digits

training, held_out = shuffled_digits(train=1500, test=297, seed=4)
result = train(
    inputs=training.images,
    targets=training.images,
    hidden_sizes=[60, 30, 2, 30, 60],
    unit_types=["tanh", "tanh", "linear", "tanh", "tanh", "logistic"],
    num_chunks=3,
    max_epochs=60,
    seed=0,
)
print(result)

# %%
# Outputs of any layer
# --------------------
#
# ``predict`` gives the last layer's outputs, ``outputs`` every layer's. The narrowest
# hidden layer has the name ``"code"``; layers have numbers too, and 0 is the inputs. The
# cases may be new ones.

layers = result.outputs(held_out.images)
print("layers:", [len(y) for y in layers])
codes = layers["code"]
print("codes of", held_out.labels[:4], "\n", codes[:, :4].round(2))
assert np.array_equal(layers[-1], result.predict(held_out.images))
assert np.array_equal(result.outputs(held_out.images, "code"), codes)

# %%
# The plane of codes
# ------------------
#
# The network was trained without labels; they only give the colours here.

figure, axis = plt.subplots(figsize=(6.4, 5), layout="constrained")
points = axis.scatter(*codes, c=held_out.labels, cmap="tab10", s=14)
for digit in range(10):
    axis.annotate(
        str(digit),
        np.median(codes[:, held_out.labels == digit], axis=1),
        fontsize=14,
        weight="bold",
    )
axis.set(xlabel="code unit 1", ylabel="code unit 2")
plt.show()

# %%
# The decoder by itself
# ---------------------
#
# ``weights`` and ``biases`` are lists of arrays, W of shape (outputs, inputs). Applied
# from the code layer on, they turn any point of the plane into a picture.


def decoded(code):
    y = code
    for W, b in zip(result.weights[3:5], result.biases[3:5], strict=True):
        y = np.tanh(W @ y + b[:, None])
    W, b = result.weights[5], result.biases[5]
    return 1 / (1 + np.exp(-(W @ y + b[:, None])))


np.testing.assert_allclose(decoded(codes), result.predict(held_out.images), atol=1e-12)

low, high = np.percentile(codes, [4, 96], axis=1)
across, down = np.linspace(low[0], high[0], 12), np.linspace(high[1], low[1], 8)
grid = np.array([[x, y] for y in down for x in across]).T
pictures = decoded(grid).T.reshape(8, 12, 8, 8).transpose(0, 2, 1, 3).reshape(64, 96)
figure, axis = plt.subplots(figsize=(6.4, 4.2), layout="constrained")
axis.imshow(pictures, cmap="gray_r", extent=(low[0], high[0], low[1], high[1]), aspect="auto")
axis.set(
    xlabel="code unit 1",
    ylabel="code unit 2",
    title="what the decoder makes of the plane",
)
plt.show()

# %%
# Search by code
# --------------
#
# Digits with similar codes look alike, so the label of the nearest training digit, by
# code, is a guess of the label of a held-out digit. Random guessing would be right in a
# tenth of the cases.


def share_right(train_codes, test_codes):
    distance = ((test_codes[:, :, None] - train_codes[:, None, :]) ** 2).sum(axis=0)
    return np.mean(training.labels[distance.argmin(axis=1)] == held_out.labels)


mean = training.images.mean(axis=1, keepdims=True)
U = np.linalg.svd(training.images - mean, full_matrices=False)[0][:, :2]
by_code = share_right(result.outputs(training.images, "code"), codes)
by_pca = share_right(U.T @ (training.images - mean), U.T @ (held_out.images - mean))
print(f"nearest neighbour right, by two code units: {by_code:.1%}")
print(f"nearest neighbour right, by two principal components: {by_pca:.1%}")
assert by_code > by_pca + 0.1

# %%
# Save and load
# -------------
#
# One file holds sizes, units, parameters, options and history; nothing is pickled. A
# loaded result can predict, and training can continue from it.

path = Path(tempfile.mkdtemp()) / "digits.npz"
result.save(path)
again = load(path)
same = np.array_equal(again.predict(held_out.images), result.predict(held_out.images))
print(f"{path.stat().st_size / 1024:.0f} KiB; the same outputs: {same}")
assert same

# %%
# Checkpoints of a run with ``run_name=``, those of ``nnet_train_2`` among them, load in
# the same way while their sidecar lies beside them:
# ``load("run_nnet_running.mat").predict(X)``. The page :doc:`/runs` has more.
