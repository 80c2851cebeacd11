"""The constants of a user's trainer beside the published ones, as the one reader of MATLAB source finds them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from hf_matlab_compat.errors import MigrationError
from hf_matlab_compat.matlab.source import constants as reader
from hf_matlab_compat.matlab.source.grammar import is_installed
from hf_matlab_compat.matlab.source.program import Program
from hf_matlab_compat.matlab.source.values import EMPTY
from hf_matlab_compat.parity.certificate import AMBIGUOUS, NOT_FOUND, PUBLISHED

_FIRST = ("nnet_train_2.m", "conjgrad_1.m")
_ASSUMED = "published value assumed"

NOT_INSTALLED = f"{NOT_FOUND}; reading constants needs pip install 'hf_matlab_compat[migrate]'"
"""Stands behind every constant where tree-sitter is missing."""


@dataclass(frozen=True)
class Constant:
    """A constant of the reference.

    Attributes
    ----------
    name : str
        As `nnet_train`'s keyword.
    value : float, bool or None
        The value in force; the published one if it was not found or is ambiguous.
    place : str
        ``file:line``, or why there is none.
    """

    name: str
    value: Any
    place: str

    def __str__(self) -> str:
        return f"{_shown(self.value)} ({self.place})"


_PUBLISHED: Mapping[str, Any] = {
    **{"initlambda": 45, "drop": 2 / 3, "boost": 1 / (2 / 3), "autodamp": 1, "rho_low": 0.25, "rho_high": 0.75},
    **{"maxiters": 250, "miniters": 1, "tolerance": 5e-4, "gapratio": 0.1, "mingap": 10, "inext": 5, "imult": 1.3},
    **{"precon_exponent": 0.75, "linesearch_c": 1e-2, "linesearch_factor": 0.8, "linesearch_max": 60},
    **{"numconn": 15, "initcoeff": 1, "decay_biases": True, "checkpoint_every": 10},
}
"""Not taken from this package's defaults: a wrong default there would pass for the published one."""


def published(name: str) -> Any:
    """Return the published value."""
    return _PUBLISHED[name]


def published_constants(place: str = NOT_FOUND) -> dict[str, Constant]:
    """Return all constants with their published values, all with the same word about their place."""
    return {name: Constant(name, published(name), place) for name in _PUBLISHED}


def in_words(constants: Mapping[str, Constant]) -> dict[str, str]:
    """Return value and place of each constant, with the published value where it is another one."""
    edited = differing(constants)
    return {
        name: f"{_shown(c.value)}{PUBLISHED}{_shown(published(name))}) ({c.place})" if name in edited else str(c)
        for name, c in constants.items()
    }


def differing(constants: Mapping[str, Constant]) -> dict[str, Any]:
    """Return the constants that are not the published ones, as keywords of `nnet_train`."""
    changed = {key: c.value for key, c in constants.items() if c.value != published(key)}
    if "boost" in constants and constants["boost"].value == 1 / constants["drop"].value:
        changed.pop("boost", None)  # nnet_train's default is 1/drop, too
    elif "drop" in changed:
        changed["boost"] = constants["boost"].value
    return changed


def read_constants(sources: Mapping[str, str]) -> dict[str, Constant]:
    """Read all constants of a reference.

    Parameters
    ----------
    sources : mapping of file name to its text
        Files that the trainer does not mention are left aside.
    """
    return dict(_read(tuple(_mentioned(sources).items())))


@lru_cache(maxsize=64)
def _read(sources: tuple[tuple[str, str], ...]) -> Mapping[str, Constant]:
    if not is_installed():
        return published_constants(NOT_INSTALLED)
    try:
        program = Program([text for _, text in sources])
    except MigrationError as error:
        return published_constants(f"{NOT_FOUND} ({error})")

    def place(line: int) -> str:
        file, within = program.place(line)
        return f"{sources[file][0]}:{within}"

    found = published_constants()
    for name, reading in reader.read_constants(program).items():
        if reading.ambiguous:
            found[name] = Constant(name, published(name), f"{AMBIGUOUS}{reading.in_words(place)}: {_ASSUMED}")
        elif reading.found:
            found[name] = Constant(name, _plain(name, reading.value), place(reading.line))
    if found["boost"].place == NOT_FOUND and found["drop"].place != NOT_FOUND:
        found["boost"] = Constant("boost", 1 / found["drop"].value, "1/drop")
    return found


def _mentioned(sources: Mapping[str, str]) -> dict[str, str]:
    """Return the trainer's and the solver's file, and those whose names stand in them, in that order."""
    found = {name: sources[name] for name in _FIRST if name in sources}
    waiting = list(found.values())
    while waiting:
        words = set(re.findall(r"\w+", waiting.pop()))
        for name, text in sources.items():
            if name not in found and name.rpartition("/")[2].removesuffix(".m") in words:
                found[name] = text
                waiting.append(text)
    return found


def _plain(name: str, value: Any) -> Any:
    if name == "decay_biases":
        return bool(value)
    whole = isinstance(value, float) and value.is_integer()
    return None if value == EMPTY else int(value) if whole else value


def _shown(value: Any) -> str:
    return "none" if value is None else f"{value:g}"
