"""The demo's network: a small version of the published deep autoencoder, 64-50-25-6-25-50-64."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from hf_matlab_compat.demo.digits import Digits
from hf_matlab_compat.legacy.arguments import to_field_terms
from hf_matlab_compat.matlab.random.streams import OctaveStream
from hf_matlab_compat.model.sparse_init import sparse_init
from hf_matlab_compat.options import Options
from hf_matlab_compat.result import Result
from hf_matlab_compat.training import train

HIDDEN = (50, 25, 6, 25, 50)
UNITS = ("logistic", "logistic", "linear", "logistic", "logistic", "logistic")
TRAIN_CASES, TEST_CASES, CHUNKS = 1440, 357, 4
EPOCHS = 60


def autoencoder_arguments(training: Digits, held_out: Digits) -> dict[str, Any]:
    """Return the 22 arguments of `nnet_train_2`, under MATLAB's names."""
    pixels = len(training.images)
    start = sparse_init([pixels, *HIDDEN, pixels], UNITS, OctaveStream(1), Options())
    return {
        "runName": "",
        "runDesc": "autoencoder on 8x8 digits",
        "paramsp": np.asarray(start, np.float32),
        "Win": None,
        "bin": None,
        "resumeFile": None,
        "maxepoch": EPOCHS,
        "indata": training.images,
        "outdata": training.images,
        "numchunks": CHUNKS,
        "intest": held_out.images,
        "outtest": held_out.images,
        "numchunks_test": 1,
        "layersizes": list(HIDDEN),
        "layertypes": list(UNITS),
        "mattype": "gn",
        "rms": 0,
        "errtype": "L2",
        "hybridmode": 1,
        "weightcost": 2e-5,
        "decay": 0.95,
        "jacket": 0,
    }


def train_autoencoder(arguments: Mapping[str, Any], run_name: str, epochs: int, display: str) -> Result:
    """Train it as MATLAB would, in single precision."""
    given = {**arguments, "runName": run_name, "maxepoch": epochs}
    return train(**to_field_terms(given), display=display)
