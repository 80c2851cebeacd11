"""
A classifier
============

A softmax network that reads digits, from labels of which every tenth is wrong: targets
and error measure, overfitting and two remedies for it, weights for classes, and a look at
the mistakes.
"""

# %%
# Data
# ----
#
# Targets of a softmax output are one-of-k: a column for each case, with a one in the row
# of its class. Real labels have mistakes, so a tenth of the training labels is replaced
# by random ones. The held-out labels are right.

import matplotlib.pyplot as plt
import numpy as np

from hf_matlab_compat import train
from hf_matlab_compat.demo.digits import shuffled_digits

training, held_out = shuffled_digits(train=1200, test=597, seed=1)
random = np.random.default_rng(0)
labels = training.labels.copy()
drawn = random.random(labels.size) < 0.1
labels[drawn] = random.integers(0, 10, drawn.sum())

X, T = training.images, np.eye(10)[:, labels]
X_test, T_test = held_out.images, held_out.one_hot()
print(
    f"inputs {X.shape}, targets {T.shape}, labels wrong: {np.mean(labels != training.labels):.1%}"
)

# %%
# Train
# -----
#
# ``loss="matching"``, the default, is the log-likelihood of the given class, which
# belongs to softmax. ``error_measure="misclassified"`` reports the share of mistakes. It
# is reported only, not optimised.

network = {
    "hidden_sizes": [40, 20],
    "unit_types": ["tanh", "tanh", "softmax"],
    "num_chunks": 4,
    "seed": 0,
}
data = {
    "inputs": X,
    "targets": T,
    "test_inputs": X_test,
    "test_targets": T_test,
    "error_measure": "misclassified",
}
plain = train(**data, **network, max_epochs=60)
h = plain.history
for k in (0, 9, 19, 24, 39, 59):
    print(
        f"epoch {h['epoch'][k]:2d}: {h['cg_steps'][k]:3d} CG steps, "
        f"misread {h['train_error'][k]:6.1%}; "
        f"held out {h['test_error'][k]:6.1%}, log-likelihood {h['test_log_likelihood'][k]:6.3f}"
    )

# %%
# The method also fits the wrong labels: from epoch 25 on the network overfits, and more
# and more held-out digits are misread.
#
# Remedy 1: weight decay
# ----------------------

decayed = {}
for weight_decay in (2e-5, 1e-3, 1e-2):
    decayed[weight_decay] = train(**data, **network, max_epochs=60, weight_decay=weight_decay)
    error = decayed[weight_decay].score(X_test, T_test).error
    print(f"weight decay {weight_decay:7g}: {error:.1%} of the held-out digits misread")
assert decayed[1e-2].score(X_test, T_test).error < 0.06

# %%
# Remedy 2: stop early
# --------------------
#
# An observer is told of every epoch. It may keep a state, as ``result.best``, and end the
# run. Here a fifth of the training digits, with their wrong labels, decides when to stop,
# so that the held-out digits are not used.

from hf_matlab_compat.observers.observer import KEEP, Observer, Stop


class Patience(Observer):
    """Keep the best state, and stop after five epochs without a better one."""

    def begin(self, run, state):
        self.best, self.at = -np.inf, 0

    def epoch(self, report, state):
        if report.test.log_likelihood > self.best:
            self.best, self.at = report.test.log_likelihood, report.epoch
            return KEEP
        return Stop(f"the best was epoch {self.at}") if report.epoch - self.at >= 5 else None


fit, judge = slice(0, 960), slice(960, 1200)
split = {
    "inputs": X[:, fit],
    "targets": T[:, fit],
    "test_inputs": X[:, judge],
    "test_targets": T[:, judge],
    "error_measure": "misclassified",
}
stopped = train(**split, **network, max_epochs=60, observers=[Patience()])
print(f"{stopped.outcome.value} ({stopped.reason})")

# resume_from a state whose last epoch is done gives the network of that state
best = train(**split, **network, resume_from=stopped.best, max_epochs=stopped.best.epoch)
print(f"held-out digits misread: {best.score(X_test, T_test).error:.1%}")
assert best.score(X_test, T_test).error < plain.score(X_test, T_test).error

figure, axis = plt.subplots(figsize=(7, 3), layout="constrained")
axis.plot(h["epoch"], h["test_error"], label="weight decay 2e-05")
axis.plot(h["epoch"], decayed[1e-2].history["test_error"], label="weight decay 0.01")
axis.plot(stopped.best.epoch, best.score(X_test, T_test).error, "o", label="stopped early")
axis.set(xlabel="epoch", ylabel="held-out digits misread", ylim=(0, 0.2))
axis.legend()
plt.show()

# %%
# What it gets wrong
# ------------------

chosen = decayed[1e-2]
read_as = chosen.predict(X_test).argmax(axis=0)
confusion = np.zeros((10, 10), int)
np.add.at(confusion, (held_out.labels, read_as), 1)
wrong = np.flatnonzero(read_as != held_out.labels)
print(f"{wrong.size} of {read_as.size} misread")

figure, axes = plt.subplots(1, 2, figsize=(8, 3.2), layout="constrained", width_ratios=[1, 1.4])
axes[0].imshow(np.where(np.eye(10, dtype=bool), 0, confusion), cmap="Reds")
axes[0].set(
    xlabel="read as", ylabel="digit", xticks=range(10), yticks=range(10), title="mistakes"
)
strip = np.hstack([np.pad(X_test[:, i].reshape(8, 8), 1) for i in wrong[:6]])
axes[1].imshow(strip, cmap="gray_r")
axes[1].set_title(
    "    ".join(f"{held_out.labels[i]} as {read_as[i]}" for i in wrong[:6]), fontsize=9
)
axes[1].set_axis_off()
plt.show()

# %%
# When one class matters more
# ---------------------------
#
# ``class_weights`` says how often a case of each class counts. Here an 8 counts five
# times. Weights with a mean of 1 keep the scale of the likelihood, so that
# ``weight_decay`` keeps its meaning.

weights = np.ones(10)
weights[8] = 5
careful = train(
    **data,
    **network,
    max_epochs=60,
    weight_decay=1e-2,
    class_weights=weights / weights.mean(),
)
eights = held_out.labels == 8
for name, trained in (("equal weights", chosen), ("an 8 counts five times", careful)):
    read = trained.predict(X_test).argmax(axis=0)
    missed, taken = (eights & (read != 8)).sum(), (~eights & (read == 8)).sum()
    print(f"{name}: {missed} of {eights.sum()} eights missed, {taken} others read as 8")
