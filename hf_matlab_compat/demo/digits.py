"""The demo's pictures: handwritten digits of the UCI repository, 8×8 pixels.

E. Alpaydin, C. Kaynak, Optical Recognition of Handwritten Digits, UCI Machine Learning Repository (1998),
https://doi.org/10.24432/C50P49, CC BY 4.0.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hf_matlab_compat.errors import DataError
from hf_matlab_compat.matlab.files.mat_formats import load_mat
from hf_matlab_compat.matlab.random.streams import OctaveStream

_PLACES = (Path(__file__).parent / "digits.mat", Path(__file__).parents[2] / "examples" / "data" / "digits.mat")
"""Places of the file: in an installed package, in a clone."""


@dataclass(frozen=True)
class Digits:
    """Pictures in columns, from 0 (white) to 1 (black), and their labels.

    Attributes
    ----------
    images : (64, N) float32 array
    labels : (N,) int64 array
        0 … 9.
    """

    images: NDArray[np.float32]
    labels: NDArray[np.int64]

    def one_hot(self) -> NDArray[np.float32]:
        """Return one-of-k targets, (10, N): a one in the row of each label."""
        return np.eye(10, dtype=np.float32)[:, self.labels]

    def __getitem__(self, columns: Any) -> Digits:
        return Digits(np.asfortranarray(self.images[:, columns]), self.labels[columns])


def load_digits() -> Digits:
    """Return all 1,797 digits, in their original order.

    Raises
    ------
    DataError
        The file is missing.
    """
    path = next((place for place in _PLACES if place.exists()), None)
    if path is None:
        raise DataError("digits", expected=str(_PLACES[0]), got="no such file", advice="Install the package again.")
    content = load_mat(path)
    return Digits(content["images"], content["labels"].ravel().astype(np.int64))


def shuffled_digits(train: int, test: int, seed: int = 0) -> tuple[Digits, Digits]:
    """Return digits for training and for testing, in the order of Octave's ``randperm`` after this seed."""
    digits = load_digits()
    order = OctaveStream(seed).randperm(digits.labels.size) - 1
    return digits[order[:train]], digits[order[train : train + test]]
