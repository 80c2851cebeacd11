"""Pictures to train and to test on, as autoencoders and classifiers take them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hf_matlab_compat.errors import DataError


@dataclass(frozen=True)
class Pictures:
    """Pictures in columns, pixels row by row.

    Attributes
    ----------
    train, test : (pixels, cases) array
    train_labels, test_labels : (cases,) int array or None
    """

    train: NDArray[Any]
    test: NDArray[Any]
    train_labels: NDArray[Any] | None = None
    test_labels: NDArray[Any] | None = None

    def as_autoencoder(self) -> dict[str, NDArray[Any]]:
        """Return keywords of `train`: the targets are the inputs."""
        return {"inputs": self.train, "targets": self.train, "test_inputs": self.test, "test_targets": self.test}

    def as_classifier(self) -> dict[str, NDArray[Any]]:
        """Return keywords of `train`: the targets are one-of-k.

        Raises
        ------
        DataError
            The pictures have no labels.
        """
        if self.train_labels is None or self.test_labels is None:
            raise DataError("targets", expected="labels of the pictures", got="pictures without labels")
        kinds = np.eye(int(max(self.train_labels.max(), self.test_labels.max())) + 1, dtype=self.train.dtype)
        targets, tested = kinds[:, self.train_labels], kinds[:, self.test_labels]
        return {"inputs": self.train, "targets": targets, "test_inputs": self.test, "test_targets": tested}

    def pooled(self, by: int = 2) -> Pictures:
        """Return the pictures with the mean of each `by`×`by` pixels as one pixel.

        Raises
        ------
        DataError
            The pictures are not square, or their side is no multiple of `by`.
        """
        return replace(self, train=_pooled(self.train, by), test=_pooled(self.test, by))


def _pooled(pictures: NDArray[Any], by: int) -> NDArray[Any]:
    side = round(len(pictures) ** 0.5)
    if side * side != len(pictures) or by < 1 or side % by:
        raise DataError("by", expected=f"a divisor of the side of pictures of {len(pictures)} pixels", got=by)
    blocks = pictures.reshape(side // by, by, side // by, by, -1)
    return blocks.mean(axis=(1, 3)).reshape((side // by) ** 2, -1)
