"""Settings of a run on a long-range task, with defaults for each task."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from hf_matlab_compat.errors import OptionError, quoted
from hf_matlab_compat.studies.sequence_tasks import task


@dataclass(frozen=True, kw_only=True)
class Setting:
    """All that a run depends on, beside its seed and the strength of structural damping.

    Attributes
    ----------
    task : str
        A name of `sequence_tasks.TASKS`.
    length : int
        T.
    shorter : tuple of int
        Lengths that the net learns first, each until the criterion is met there, from the parameters that it has.
    hidden : int
        Number of tanh units of a hidden layer.
    layers : int
        Number of hidden layers, each recurrent.
    data : {'fresh', 'fixed'}
        New sequences in every epoch, or the same for the whole run.
    sequences, chunks : int
        Of an epoch; the curvature is that of one chunk.
    epochs : int
        The run ends there if the criterion is not met; those of shorter sequences count.
    initial_lam : float
    cg_steps : int
        Most CG steps of an epoch.
    precision : {'single', 'double'}
    spectral_radius : float or None
        Of the initial recurrent weights; None leaves them as drawn, near 1.05.
    backend : {'numpy', 'numba'}
    """

    task: str
    length: int = 30
    shorter: tuple[int, ...] = ()
    hidden: int = 50
    layers: int = 1
    data: str = "fresh"
    sequences: int = 1000
    chunks: int = 4
    epochs: int = 120
    initial_lam: float = 0.1
    cg_steps: int = 100
    precision: str = "single"
    spectral_radius: float | None = None
    backend: str = "numpy"


FIXED: Mapping[str, Any] = {"sequences": 4000, "chunks": 16}
"""Sizes of a fixed data set, where none are given."""

DEFAULTS: Mapping[str, Mapping[str, Any]] = {
    "addition": {"initial_lam": 0.2},  # its loss is Σ(d - y)², twice that for which 0.1 was published
    "multiplication": {"initial_lam": 0.2},
    "xor": {"length": 15, "epochs": 200, "structural_damping": 1 / 3},
    "temporal_order": {},
    "temporal_order_3": {},
    "random_permutation": {"sequences": 500, "epochs": 300},
    "memory_5": {
        **{"data": "fixed", "sequences": 32, "chunks": 1, "epochs": 200, "cg_steps": 300, "precision": "double"},
        "structural_damping": 30.0,  # with a target at every step S is a mean over steps, not a sum
    },
    "memory_20": {
        **{"length": 20, "sequences": 500, "epochs": 200, "cg_steps": 300, "precision": "double"},
        "structural_damping": 30.0,
    },
}
"""Settings that differ by task; `structural_damping`, μ, is 1/30 elsewhere (Martens & Sutskever 2011)."""


def setting_of(name: str, **given: Any) -> Setting:
    """Return the settings of a task, with those that are given and not None in place of its defaults.

    Raises
    ------
    OptionError
        A value does not fit.
    """
    task(name)
    asked = {key: value for key, value in given.items() if value is not None}
    usual = dict(DEFAULTS[name])
    if name == "memory_5" and asked.get("data", "fixed") != "fixed":
        raise OptionError("data", expected="'fixed', since there are 32 strings", got=quoted(asked["data"]))
    if name != "memory_5" and asked.get("data") == "fixed":
        usual |= FIXED
    usual.pop("structural_damping", None)
    made = Setting(task=name, **{**usual, **asked})
    _check(made)
    return made


def _check(made: Setting) -> None:
    if made.data not in ("fresh", "fixed"):
        raise OptionError("data", expected="'fresh' or 'fixed'", got=quoted(made.data))
    for each in ("hidden", "layers", "sequences", "chunks", "epochs", "cg_steps"):
        if getattr(made, each) < 1:
            raise OptionError(each, expected="a whole number of at least 1", got=getattr(made, each))
    if made.sequences % made.chunks:
        raise OptionError("chunks", expected=f"a number that divides {made.sequences} sequences", got=made.chunks)
    for each in ("initial_lam", "spectral_radius"):
        value = getattr(made, each)
        if value is not None and not 0 < value < math.inf:
            raise OptionError(each, expected="a finite number above 0", got=value)
    for length in (made.length, *made.shorter):
        task(made.task).sequences(length, 1, 0)  # refuses a length that is too short


def usual_damping(name: str) -> float:
    """Return μ where none is given."""
    return DEFAULTS[name].get("structural_damping", 1 / 30)
