"""Cases made on the spot, for what no recorded case has: chunks of several blocks, all chunks in a product, ties.

Networks are tiny and data is drawn by numpy, so that thousands of cases take a second; a reference has to run live.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import numpy as np

from hf_matlab_compat.objective.cases import CASES_PER_KEPT_BLOCK
from hf_matlab_compat.parity.cases import case_from_arguments
from hf_matlab_compat.parity.reference_run import Case

CASES_PER_CHUNK = CASES_PER_KEPT_BLOCK + 121
"""Two blocks, or three where only a likelihood is formed; none of them as long as another."""
_CHUNKS, _TESTED = 2, 50
_SIZES = (5, 4, 3)

_SETTINGS: Mapping[str, Mapping[str, Any]] = {
    "made_gn_blocks": {"mattype": "gn", "layertypes": ["logistic", "softmax"], "errtype": "class"},
    "made_hess_hy0_blocks": {"mattype": "hess", "layertypes": ["logistic", "logistic"], "hybridmode": 0},
    "made_empfish_hy0_blocks": {"mattype": "empfish", "layertypes": ["tanh", "logistic"], "hybridmode": 0},
}
MADE_CASES = tuple(_SETTINGS)
"""Names of the made cases."""


def made_case(name: str) -> Case:
    """A made case; in that with 'class', two outputs are alike before the first step, and largest in some cases.

    Parameters
    ----------
    name : str
        One of `MADE_CASES`.
    """
    random = np.random.default_rng(7)
    settings = {"errtype": "L2", "hybridmode": 1, **_SETTINGS[name]}
    targets = _one_of_k if settings["errtype"] == "class" else _smooth
    inputs, tested = (random.random((_SIZES[0], n)) for n in (_CHUNKS * CASES_PER_CHUNK, _TESTED))
    mixing = random.standard_normal((_SIZES[-1], _SIZES[0]))
    start = 0.5 * random.standard_normal(sum((a + 1) * b for a, b in pairwise(_SIZES)))
    if settings["errtype"] == "class":
        W = start[(_SIZES[0] + 1) * _SIZES[1] : -_SIZES[2]].reshape(_SIZES[2], _SIZES[1], order="F")
        W[1:], start[-_SIZES[2] :] = 0.0, 0.0
    arrays = {
        "indata": inputs,
        "outdata": targets(mixing, inputs),
        "intest": tested,
        "outtest": targets(mixing, tested),
    }
    given = {
        **{variable: array.astype(np.float32) for variable, array in arrays.items()},
        **{"paramsp": start.astype(np.float32), "layersizes": list(_SIZES[1:-1])},
        **{"numchunks": _CHUNKS, "numchunks_test": 1, "maxepoch": 3, "jacket": 0, "rms": 0},
        **{"weightcost": 2e-5, "decay": 0.95, **settings},
    }
    return case_from_arguments(name, given, {"initlambda": 1.0})


def _smooth(mixing: Any, inputs: Any) -> Any:
    return 1 / (1 + np.exp(-mixing @ (inputs - 0.5)))


def _one_of_k(mixing: Any, inputs: Any) -> Any:
    largest = (mixing @ (inputs - 0.5)).argmax(axis=0)
    return np.eye(len(mixing))[:, largest]
