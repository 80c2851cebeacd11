"""Conversion of MATLAB's arguments to those of `train`: empties, 1×1 arrays, cells, words."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from hf_matlab_compat.errors import DataError, OptionError, quoted
from hf_matlab_compat.matlab.vocabulary import CONSTANTS, TO_FIELD_TERMS, TO_MATLAB, TOOLBOX, WORDS
from hf_matlab_compat.model.units import ORIGINAL, UNITS
from hf_matlab_compat.preflight.layout import unit_instead

SPOKEN: Mapping[str, str] = {
    **TO_MATLAB,
    **{
        f"{name}={ours!r}": f"{TO_MATLAB[name]}={theirs!r}"
        for name, words in WORDS.items()
        for theirs, ours in words.items()
    },
}
"""Names of arguments, and of values with a word in MATLAB, in messages to a caller of the MATLAB face."""

SPOKEN_TO_22_ARGUMENTS: Mapping[str, str] = {
    **SPOKEN,
    **{ours: f"nnet_train's {theirs}" for theirs, ours in CONSTANTS.items() if theirs not in TOOLBOX},
}
"""The same for a caller of `nnet_train_2`, which takes none of the constants."""

_OPTIONAL = ("initial_theta", "initial_weights", "initial_biases", "resume_from", "test_inputs", "test_targets")
_CELLS = ("initial_weights", "initial_biases")
_ARRAYS = ("inputs", "targets", "test_inputs", "test_targets", "initial_theta")
_TEXTS = ("run_name", "description", "resume_from")


def to_field_terms(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Return keywords of `train` from arguments under MATLAB's names.

    Parameters
    ----------
    arguments : mapping
        MATLAB's names to the caller's values. None, ``[]`` and empty arrays all mean MATLAB's ``[]``.

    Raises
    ------
    OptionError, DataError
        An argument cannot be converted; in the field's terms, which `errors.speaking` translates.
    """
    translated: dict[str, Any] = {}
    for theirs, value in arguments.items():
        name = TO_FIELD_TERMS[theirs]
        translated[name] = _translate(name, value)
    if translated.get("test_inputs") is None and translated.get("test_targets") is None:
        translated["num_test_chunks"] = 1  # without test data MATLAB's [] is fine
    return translated


def refuse_new_units(units: Any, faithful: bool) -> None:
    """Refuse units that the MATLAB program lacks; ``faithful=False`` allows them.

    Raises
    ------
    OptionError
        There is such a unit.
    """
    new = [unit for unit in units if unit not in ORIGINAL] if isinstance(units, list) else []
    if faithful and new and isinstance(new[0], str):
        mended = "The MATLAB program has no such unit; {faithful}=False trains it, as does train."
        raise OptionError(
            "unit_types",
            expected="names from " + ", ".join(map(repr, ORIGINAL)),
            got=repr(new[0]),
            advice=mended if new[0] in UNITS else unit_instead(new[0], ORIGINAL),
        )


def is_empty(value: Any) -> bool:
    """Return whether `value` is MATLAB's ``[]``: None, an empty list or string, or an array without elements."""
    if value is None:
        return True
    if isinstance(value, np.ndarray):
        return value.size == 0
    return isinstance(value, list | tuple | str) and len(value) == 0


def cells(value: Any) -> list[Any]:
    """Return the contents of a MATLAB cell array: a list, a tuple, or an object array of scipy; [] for None."""
    if isinstance(value, np.ndarray):
        return list(value.ravel(order="F")) if value.dtype == object else [str(v) for v in value.ravel(order="F")]
    return [] if value is None else list(value)


def texts(value: Any) -> list[str]:
    """Return the contents of a MATLAB cell array of character rows."""
    return [str(scalar(text)) for text in cells(value)]


def _translate(name: str, value: Any) -> Any:
    if name in _OPTIONAL and is_empty(value):
        return None
    if name in WORDS:
        return _word(name, value)
    if name in _TEXTS:
        return _text(value)
    if name == "unit_types":
        return texts(value) if _is_cell(value) else value
    if name == "hidden_sizes":
        return [] if is_empty(value) else value if isinstance(value, str) else np.ravel(value).tolist()
    if name in _CELLS:
        return _cell(name, value)
    return value if name in _ARRAYS or name == "seed" else scalar(value)


def scalar(value: Any) -> Any:
    """Return the number or text in a 1×1 array (MATLAB's scalars in files) or in a numpy scalar."""
    if isinstance(value, np.ndarray | np.generic) and value.size == 1:
        return value.item()
    return value


def _text(value: Any) -> Any:
    return "" if is_empty(value) else scalar(value)


def _is_cell(value: Any) -> bool:
    return value is None or isinstance(value, list | tuple | np.ndarray)


def _cell(name: str, value: Any) -> list[Any]:
    if not _is_cell(value) or (isinstance(value, np.ndarray) and value.dtype != object):
        what = f"a single array of shape {value.shape}" if isinstance(value, np.ndarray) else repr(value)
        raise DataError(name, expected="a list with one array for each layer", got=what)
    return cells(value)


def _word(name: str, value: Any) -> Any:
    given = scalar(value)
    words = WORDS[name]
    if isinstance(given, bool | int | float | str | np.generic) and given in words:
        return words[given]
    said = given.lower() if isinstance(given, str) else None
    near = [theirs for theirs, ours in words.items() if said in (str(theirs).lower(), ours)]
    raise OptionError(
        name,
        expected="one of " + ", ".join(repr(word) for word in words),
        got=quoted(given),
        advice=f"Did you mean {near[0]!r}?" if near else "",
    )


def rounded_up(count: Any) -> Any:
    """Round a bound on CG steps up, as MATLAB does; later checks refuse what is no number."""
    given = scalar(count)
    return math.ceil(given) if isinstance(given, float) and math.isfinite(given) else given
