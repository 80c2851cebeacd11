"""A small run, in the words of either call: 6 inputs, 4 hidden units, 3 outputs, 12 cases in 2 chunks."""

from __future__ import annotations

from typing import Any

import numpy as np

_RANDOM = np.random.default_rng(7)
SIZES = [6, 4, 3]
PSIZE = 6 * 4 + 4 + 4 * 3 + 3
INPUTS = _RANDOM.random((6, 12))
TARGETS = _RANDOM.random((3, 12))
ONE_HOT = np.eye(3)[_RANDOM.integers(0, 3, 12)].T
THETA = 0.5 * _RANDOM.standard_normal((PSIZE, 1))


def legacy_arguments(**changes: Any) -> dict[str, Any]:
    """The 22 arguments of `nnet_train_2`, in order."""
    arguments: dict[str, Any] = {
        "runName": "",
        "runDesc": "small",
        "paramsp": THETA,
        "Win": [],
        "bin": [],
        "resumeFile": [],
        "maxepoch": 2,
        "indata": INPUTS,
        "outdata": TARGETS,
        "numchunks": 2,
        "intest": INPUTS[:, :4],
        "outtest": TARGETS[:, :4],
        "numchunks_test": 1,
        "layersizes": [4],
        "layertypes": ["logistic", "logistic"],
        "mattype": "gn",
        "rms": 0,
        "errtype": "L2",
        "hybridmode": 1,
        "weightcost": 2e-5,
        "decay": 0.95,
        "jacket": 0,
    }
    return {**arguments, **changes}


def field_arguments(**changes: Any) -> dict[str, Any]:
    """The same run for `train`."""
    arguments: dict[str, Any] = {
        "inputs": INPUTS,
        "targets": TARGETS,
        "test_inputs": INPUTS[:, :4],
        "test_targets": TARGETS[:, :4],
        "hidden_sizes": [4],
        "unit_types": ["logistic", "logistic"],
        "initial_theta": THETA,
        "num_chunks": 2,
        "max_epochs": 2,
    }
    return {**arguments, **changes}
