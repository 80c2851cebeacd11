"""
A deep autoencoder on pictures of 28 by 28 pixels
=================================================

The experiment of Martens (2010) in small: a deep autoencoder with a narrow code layer.
The pictures have the size of MNIST's; they are the 1,797 digits that this package ships,
enlarged from 8 by 8 pixels, so that nothing has to be downloaded.
"""

# %%
# Data
# ----
#
# A case is a column. Cases are permuted once, before training, because chunks take them
# in order.

import matplotlib.pyplot as plt
import numpy as np
from scipy.ndimage import zoom

from hf_matlab_compat import train
from hf_matlab_compat.demo.digits import shuffled_digits

training, held_out = shuffled_digits(train=1200, test=300, seed=0)


def enlarged(images):
    """(64, N) to (784, N), by cubic interpolation."""
    pictures = zoom(images.T.reshape(-1, 8, 8), (1, 3.5, 3.5), order=3)
    return np.asfortranarray(np.clip(pictures, 0, 1).reshape(-1, 784).T)


X, X_test = enlarged(training.images), enlarged(held_out.images)
print(f"{X.shape[1]} pictures of {X.shape[0]} pixels to train on, {X_test.shape[1]} held out")

# %%
# Train
# -----
#
# The network has two layers down to a linear code layer of six units, and two up again.
# Everything else is as published: Gauss-Newton curvature on one chunk of cases an epoch,
# adaptive damping, a sparse random initialisation.

hidden_sizes = [100, 50, 6, 50, 100]
unit_types = ["logistic", "logistic", "linear", "logistic", "logistic", "logistic"]
result = train(
    inputs=X,
    targets=X,
    test_inputs=X_test,
    test_targets=X_test,
    hidden_sizes=hidden_sizes,
    unit_types=unit_types,
    num_chunks=3,
    max_cg_steps=100,
    max_epochs=30,
    seed=0,
)
print(result)

# %%
# What happened
# -------------
#
# An epoch is one update of all parameters: a gradient over all cases, then conjugate
# gradients on a quadratic model of one chunk, then a step. ``history`` has every figure
# of the log. Lambda, the damping, falls while the model predicts the change well (rho
# near 1), and CG may then take more steps.

h = result.history
for k in (0, 5, 11, 17, 23, 29):
    print(
        f"epoch {h['epoch'][k]:2d}: {h['cg_steps'][k]:3d} CG steps, lambda {h['lam'][k]:8.4f}, "
        f"rho {h['rho'][k]:5.2f}, error {h['train_error'][k]:6.2f}, "
        f"held out {h['test_error'][k]:6.2f}"
    )

figure, (left, right) = plt.subplots(1, 2, figsize=(8, 3), layout="constrained")
left.semilogy(h["epoch"], h["train_error"], label="training")
left.semilogy(h["epoch"], h["test_error"], label="held out")
left.set(xlabel="epoch", ylabel="squared error a picture")
left.legend()
right.semilogy(h["epoch"], h["lam"], label="lambda")
right.semilogy(h["epoch"], h["cg_steps"], label="CG steps")
right.set(xlabel="epoch")
right.legend()
plt.show()

# %%
# Comparison with PCA
# -------------------
#
# The first six principal components are the best linear code of six numbers. The network
# has a code of the same size and is nonlinear.

mean = X.mean(axis=1, keepdims=True)
U = np.linalg.svd(X - mean, full_matrices=False)[0][:, :6]
by_pca = mean + U @ (U.T @ (X_test - mean))
by_network = result.predict(X_test)


def squared_error(guess):
    return ((guess - X_test) ** 2).sum(axis=0).mean()


for name, guess in (("network", by_network), ("PCA", by_pca)):
    print(f"squared error a held-out picture, {name}: {squared_error(guess):.2f}")
assert squared_error(by_network) < 0.8 * squared_error(by_pca)

columns = [np.flatnonzero(held_out.labels == digit)[0] for digit in range(10)]
rows = {"held out": X_test, "network, 6 numbers": by_network, "PCA, 6 components": by_pca}
figure, axes = plt.subplots(3, 10, figsize=(8, 2.9), layout="constrained")
for line, (title, images) in zip(axes, rows.items(), strict=True):
    line[0].set_title(title, loc="left", fontsize=9)
    for axis, column in zip(line, columns, strict=True):
        axis.imshow(images[:, column].reshape(28, 28), cmap="gray_r", vmin=0, vmax=1)
        axis.set_axis_off()
plt.show()
