"""Principal component analysis: the best linear code of the same size, as a baseline."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class PCA:
    """The leading components of some pictures.

    Attributes
    ----------
    mean : (D, 1) array
    components : (D, k) array
        Orthonormal columns.
    """

    mean: NDArray[Any]
    components: NDArray[Any]

    @classmethod
    def of(cls, images: NDArray[Any], k: int) -> PCA:
        """Return the first `k` components of pictures in columns."""
        mean = images.mean(axis=1, keepdims=True)
        return cls(mean, np.linalg.svd(images - mean, full_matrices=False)[0][:, :k])

    def reconstruct(self, images: NDArray[Any]) -> NDArray[Any]:
        """Return the reconstructions of pictures from their k components."""
        return self.mean + self.components @ (self.components.T @ (images - self.mean))


def squared_error(reconstructed: NDArray[Any], images: NDArray[Any]) -> float:
    """Return the squared error of a picture, summed over its pixels, mean over pictures: the trainer's 'L2'."""
    return float(((reconstructed - images) ** 2).sum() / images.shape[1])
