"""Hypergradients: learning rate, momentum and weight decay of each layer, tuned through 30 steps of training."""

import autograd.numpy as anp
import numpy as np

from hf_matlab_compat.hypergradients import Descent, hypergradients

random = np.random.default_rng(0)
inputs = random.uniform(-3, 3, (120, 1))
targets = np.sin(inputs) + 0.3 * random.standard_normal((120, 1))
TRAINING, VALIDATION = slice(0, 20), slice(20, 120)  # few cases for 61 parameters
START = [
    {"W": random.standard_normal((1, 20)), "b": random.standard_normal(20)},
    {"W": 0.2 * random.standard_normal((20, 1)), "b": np.zeros(1)},
]


def mean_error(layers, cases):
    """Return the mean squared error of a net with one hidden layer."""
    hidden = anp.tanh(anp.dot(inputs[cases], layers[0]["W"]) + layers[0]["b"])
    return anp.mean((anp.dot(hidden, layers[1]["W"]) + layers[1]["b"] - targets[cases]) ** 2)


def loss(layers, log_decay, t):
    """Return the training loss, with a weight decay for each layer."""
    sizes = [anp.sum(layer["W"] ** 2) + anp.sum(layer["b"] ** 2) for layer in layers]
    return mean_error(layers, TRAINING) + anp.dot(anp.exp(log_decay), anp.array(sizes))


def validation(layers, log_decay):
    """Return the error on other cases."""
    return mean_error(layers, VALIDATION)


def main(epochs: int = 20):
    """Move six settings against the signs of their hypergradients, and tell what became of them."""
    log_decay, log_rates = np.log([3e-2, 3e-2]), np.log([[0.3, 0.3]])  # a row for all steps, a column a layer
    logits = np.log([[9.0, 9.0]])  # of the momenta, 0.9
    values, step = [], 0.3
    for update in range(epochs + 1):
        rates, momenta = np.exp(log_rates), 1 / (1 + np.exp(-logits))
        found = hypergradients(loss, validation, START, log_decay, Descent(rates, momenta, steps=30))
        values.append(found.value)
        if update < epochs:  # signs are the same for a setting and for its logarithm or logit
            log_decay = log_decay - step * np.sign(found.d_eta)
            log_rates = log_rates - step * np.sign(found.d_learning_rates)
            logits = logits - step * np.sign(found.d_momenta)
            step *= 0.9
    print(f"validation loss {values[0]:.3f}, after {epochs} updates {values[-1]:.3f}")
    tuned = {"weight decay": np.exp(log_decay), "learning rate": rates[0], "momentum": momenta[0]}
    for name, (first, second) in tuned.items():
        print(f"{name:14}{first:9.4f}{second:9.4f}")
    return values


if __name__ == "__main__":
    main()
