"""The constants of a trainer, read from its source: the one reader for parity and for the migrator.

A constant is read where the algorithm uses it (the threshold in ``rho < 0.25``, the factor in ``lambda*boost``); where
that place is not found, by the names that hold it. The answer is a value, or ambiguous with its lines, or not found.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from hf_matlab_compat.matlab.source.program import Program
from hf_matlab_compat.matlab.source.uses import RULES
from hf_matlab_compat.matlab.source.values import EMPTY, UNKNOWN, Values, exactly, only

NAMES: Mapping[str, tuple[str, ...]] = {
    **{name: (name,) for name in ("initlambda", "drop", "boost", "autodamp", "rho_low", "rho_high")},
    **{name: (name,) for name in ("maxiters", "miniters", "tolerance", "gapratio", "mingap", "inext", "imult")},
    "precon_exponent": ("preconditioner_exponent", "precon_exponent"),
    "linesearch_c": ("linesearch_c",),
    "linesearch_factor": ("linesearch_factor",),
    "linesearch_max": ("linesearch_max_reductions", "linesearch_max"),
    "checkpoint_every": ("checkpoint_period", "checkpoint_every"),
    "numconn": ("numconn",),
    "initcoeff": ("initcoeff",),
    "decay_biases": ("mask_biases",),
}
"""The constants as `nnet_train` calls them, and the variables or fields that hold them in people's files."""


@dataclass(frozen=True)
class Reading:
    """The answer about one constant.

    Attributes
    ----------
    found : tuple of (value, int)
        The values that the constant can have, and the line that gives each. Empty: not found. One: the value. Several,
        or `UNKNOWN` among them: ambiguous.
    """

    found: tuple[tuple[Any, int], ...] = ()

    @property
    def value(self) -> Any:
        """The value; `UNKNOWN` if it is ambiguous or not found."""
        return only(frozenset(self.found))

    @property
    def ambiguous(self) -> bool:
        """True if the lines found do not decide on one value."""
        return bool(self.found) and self.value is UNKNOWN

    @property
    def line(self) -> int:
        """The last of its lines."""
        return max((line for _, line in self.found), default=0)

    def in_words(self, place: Callable[[int], str]) -> str:
        """Return an ambiguous reading as ``100 in line 5 or 250 in line 7``.

        Parameters
        ----------
        place : callable
            Turns a line into words.
        """
        known = [f"{_shown(value)} in {place(line)}" for value, line in self.found if value is not UNKNOWN]
        unread = [place(line) for value, line in self.found if value is UNKNOWN]
        return " or ".join([*known, *(f"a value that cannot be read in {where}" for where in dict.fromkeys(unread))])


def _shown(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else "[]" if value == EMPTY else str(value)


def read_constants(program: Program) -> dict[str, Reading]:
    """Read all constants of `NAMES`."""
    return {name: _read(program, name) for name in NAMES}


def reading_of(found: Values) -> Reading:
    """Return what a set of values says."""
    if found and only(found) is not UNKNOWN:
        return Reading(((only(found), max(line for _, line in found)),))
    return Reading(tuple(sorted(found, key=lambda pair: (pair[1], str(pair[0])))))


def _read(program: Program, name: str) -> Reading:
    used = RULES[name](program) if name in RULES else frozenset[Any]()
    found = used or program.by_name(NAMES[name])
    spoiled = [line for line in program.broken_lines if _assigns(program.lines[line - 1], NAMES[name])]
    found |= exactly(UNKNOWN, spoiled[-1]) if spoiled else frozenset()
    empty = name in ("boost", "precon_exponent")  # [] has a meaning for these
    return reading_of(
        frozenset((v if isinstance(v, float) or (empty and v == EMPTY) else UNKNOWN, line) for v, line in found)
    )


def _assigns(line: str, names: Iterable[str]) -> bool:
    code = "".join(line.partition("%")[0].split())
    return any(f"{name}=" in code for name in names)
