"""Pictures like those of FACES: few faces, turned, shifted, mirrored and of other contrast, in many copies each."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hf_matlab_compat.errors import OptionError
from hf_matlab_compat.studies.data.packaged import face_pictures
from hf_matlab_compat.studies.data.pictures import Pictures

TRAIN_SEED, TEST_SEED = 1, 2
_TRAIN_FACES = 80
_DEGREES, _SHIFT = 30, 4
"""Range of the angle, and of the shift in pixels along each side."""


def faces(train: int = 2000, test: int = 500) -> Pictures:
    """Return pictures of 25×25 pixels, each with mean 0, all with the standard deviation of the training pixels.

    The training pictures are made of 80 faces and the test pictures of 20 others, so a network for them has linear
    outputs.

    Parameters
    ----------
    train, test : int
        How many pictures.

    Raises
    ------
    OptionError
        A number is below 1, or scikit-image is not installed.
    """
    for name, count in (("train", train), ("test", test)):
        if count < 1:
            raise OptionError(name, expected="a whole number of at least 1", got=count)
    whole = face_pictures()
    fit = _varied(whole[:_TRAIN_FACES], train, TRAIN_SEED)
    held_out = _varied(whole[_TRAIN_FACES:], test, TEST_SEED)
    return Pictures(fit / fit.std(), held_out / fit.std())


def _varied(whole: NDArray[np.float64], count: int, seed: int) -> NDArray[np.float64]:
    draws = np.random.RandomState(seed).random_sample((count, 6))
    return np.array([_variant(whole, *draw) for draw in draws]).T


def _variant(whole: NDArray[np.float64], which: float, mirror: float, *draws: float) -> NDArray[np.float64]:
    from scipy.ndimage import rotate, shift

    turn, down, right, contrast = draws
    face = whole[int(which * len(whole))]
    face = face[:, ::-1] if mirror < 0.5 else face
    face = rotate(face, _DEGREES * (turn - 0.5), reshape=False, order=1, mode="nearest")
    face = shift(face, (_SHIFT * (down - 0.5), _SHIFT * (right - 0.5)), order=1, mode="nearest")
    return ((face - face.mean()) * (0.7 + 0.6 * contrast)).ravel()
