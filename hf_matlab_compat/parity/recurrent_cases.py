"""Recurrent cases to compare on: sequences made on the spot, under MATLAB's names beside those of the 22 arguments."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from hf_matlab_compat.parity.recording import Case

_D, _H, _O, _T, _N, _CHUNKS = 3, 6, 2, 9, 24, 2

_SETTINGS: Mapping[str, Mapping[str, Any]] = {
    "rnn_tanh_linear": {
        **{"layertypes": ["tanh", "linear"], "initial_state": "learned", "errtype": "L2"},
        **{"mu": 0.1, "weightcost": 2e-5, "loss": "last step"},
    },
    "rnn_logistic_softmax": {
        **{"layertypes": ["logistic", "softmax"], "initial_state": "bias", "errtype": "class"},
        **{"mu": 3.0, "weightcost": 0.0, "loss": "weighted", "precon_exponent": 0.75},
    },
    "rnn_tanh_logistic": {
        **{"layertypes": ["tanh", "logistic"], "initial_state": "zero", "errtype": "L2"},
        **{"mu": 0.0, "weightcost": 1e-3, "loss": "every step"},
    },
}
RECURRENT_CASES = tuple(_SETTINGS)
"""All output units and starts of a sequence; structural damping in two of them, a preconditioner in one."""


def is_recurrent(case: Case) -> bool:
    """Return whether a case is of a recurrent net, whose arguments have lengths."""
    return "lengths" in case.arguments


def recurrent_case(name: str) -> Case:
    """Return one of `RECURRENT_CASES`, 24 sequences of 4 to 9 steps in two chunks.

    Beside the 22 arguments it has `lengths`, `loss_mask`, `initial_state` and `mu`; indata and outdata are features x
    time x sequences.
    """
    random = np.random.default_rng(11)
    settings = dict(_SETTINGS[name])
    loss, exponent = settings.pop("loss"), settings.pop("precon_exponent", None)
    inputs = random.standard_normal((_D, _T, _N))
    lengths = random.integers(4, _T + 1, _N)
    exists = np.arange(_T)[:, None] < lengths
    loss_mask = {
        "last step": (np.arange(_T)[:, None] == lengths - 1) * 1.0,
        "weighted": exists * random.integers(0, 3, (_T, _N)) / 2.0,
        "every step": exists * 1.0,
    }[loss]
    size = _H * _D + _H * _H + _H + _O * _H + _O + (_H if settings["initial_state"] != "zero" else 0)
    given = {
        **{"runName": "", "runDesc": "", "Win": None, "bin": None, "resumeFile": None, "maxepoch": 5, "jacket": 0},
        **{"indata": inputs.astype(np.float32), "outdata": _targets(inputs, settings["layertypes"][-1])},
        **{"intest": np.zeros((_D, 0), np.float32), "outtest": np.zeros((_O, 0), np.float32)},
        **{"paramsp": (0.4 * random.standard_normal((size, 1))).astype(np.float32), "layersizes": [_H]},
        **{"numchunks": _CHUNKS, "numchunks_test": 1, "mattype": "gn", "rms": 0, "hybridmode": 1, "decay": 0.95},
        **{"lengths": lengths.astype(float), "loss_mask": loss_mask, **settings},
    }
    constants = {"initlambda": 0.2, "maxiters": 20, "precon_exponent": exponent}
    return Case(name=name, arguments=given, constants=constants)


def _targets(inputs: Any, output: str) -> Any:
    """Return what a sum over the last steps of the inputs gives, (O, T, N)."""
    summed = np.cumsum(inputs, axis=1)[:_O] / 2
    if output == "softmax":
        first = summed[:1] > 0
        return np.concatenate([first, ~first]).astype(np.float32)
    return (summed if output == "linear" else 1 / (1 + np.exp(-summed))).astype(np.float32)
