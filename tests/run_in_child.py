"""A run for a process of its own, that can be killed and gone on with."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import scipy.io  # noqa: F401  (here, for all children at once, rather than in the first epoch of each)

from hf_matlab_compat import nnet_train, nnet_train_2

EPOCHS = 100


def run(directory: str, precision: str, go_on: bool) -> None:
    """Train in the directory, from the start or from its checkpoint, and leave the parameters returned in a file."""
    name = str(Path(directory) / "run")
    arguments = _arguments(name, f"{name}_nnet_running.mat" if go_on else [])
    if precision == "single":
        final = nnet_train_2(**arguments)
    else:
        final = nnet_train(**arguments, precision=precision, display="none")
    np.save(f"{directory}/final.npy", final)


def _arguments(name: str, resume_file: Any) -> dict[str, Any]:
    random = np.random.default_rng(3)
    data = random.random((20, 90))
    return {
        "runName": name,
        "runDesc": "killed",
        "paramsp": 0.4 * random.standard_normal((20 * 8 + 8 + 8 * 20 + 20, 1)),
        "Win": [],
        "bin": [],
        "resumeFile": resume_file,
        "maxepoch": EPOCHS,
        "indata": data,
        "outdata": data,
        "numchunks": 3,
        "intest": data[:, :9],
        "outtest": data[:, :9],
        "numchunks_test": 1,
        "layersizes": [8],
        "layertypes": ["logistic", "logistic"],
        "mattype": "gn",
        "rms": 0,
        "errtype": "L2",
        "hybridmode": 1,
        "weightcost": 2e-5,
        "decay": 0.95,
        "jacket": 0,
    }
