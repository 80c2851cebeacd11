"""The space of a search: which options vary, and between what."""

from __future__ import annotations

import math
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from hf_matlab_compat.answers import is_number
from hf_matlab_compat.errors import OptionError, quoted, speaking
from hf_matlab_compat.kinds import Kind
from hf_matlab_compat.legacy.arguments import SPOKEN, to_field_terms
from hf_matlab_compat.matlab.vocabulary import TO_FIELD_TERMS
from hf_matlab_compat.model.units import UNITS
from hf_matlab_compat.options import Options


@dataclass(frozen=True)
class Real:
    """A real number between two bounds.

    Attributes
    ----------
    low, high : float
        The bounds, both included.
    """

    low: float
    high: float

    def __post_init__(self) -> None:
        _in_order(self)


@dataclass(frozen=True)
class Log:
    """A positive real number between two bounds, searched by its logarithm.

    Attributes
    ----------
    low, high : float
        The bounds, both included and above 0.
    """

    low: float
    high: float

    def __post_init__(self) -> None:
        _in_order(self, above=0)


@dataclass(frozen=True)
class Integer:
    """A whole number between two bounds.

    Attributes
    ----------
    low, high : int
        The bounds, both included.
    """

    low: int
    high: int

    def __post_init__(self) -> None:
        _in_order(self)
        if int(self.low) != self.low or int(self.high) != self.high:
            raise OptionError("space", expected="whole numbers in Integer", got=f"{self.low} and {self.high}")


class Choice:
    """One of several values.

    Parameters
    ----------
    *values : str, float, int, bool or None
        At least two different ones.

    Raises
    ------
    OptionError
        There are fewer than two, or one occurs twice.
    """

    def __init__(self, *values: Any) -> None:
        if len(values) < 2 or len({repr(value) for value in values}) < len(values):
            raise OptionError("space", expected="at least two different values in Choice", got=quoted(list(values)))
        self.values = values

    def __repr__(self) -> str:
        return f"Choice{self.values!r}"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Choice) and self.values == other.values

    def __hash__(self) -> int:
        return hash(self.values)


@dataclass(frozen=True)
class Layers:
    """The number and the sizes of the hidden layers, for the option `hidden_sizes`.

    Attributes
    ----------
    depth : (int, int)
        Least and largest number of hidden layers.
    width : (int, int)
        Least and largest number of units of a layer, searched by its logarithm.
    units : sequence of str
        Types that all hidden layers may have.
    """

    depth: tuple[int, int]
    width: tuple[int, int]
    units: Sequence[str] = ("logistic",)

    def __post_init__(self) -> None:
        for name, least in (("depth", 0), ("width", 1)):
            pair = getattr(self, name)
            if not (_whole_pair(pair) and least <= pair[0] <= pair[1]):
                expected = f"two whole numbers of at least {least}, the lower first, as the {name} of Layers"
                raise OptionError("space", expected=expected, got=quoted(pair))
        unknown = [each for each in self.units if each not in UNITS]
        if unknown or not self.units or isinstance(self.units, str):
            expected = "a list of " + ", ".join(map(repr, UNITS)) + " as the units of Layers"
            raise OptionError("space", expected=expected, got=quoted(self.units))

    def parts(self) -> dict[str, Dimension]:
        """Return the dimensions that the layers are searched by."""
        low, high = self.depth
        narrow, wide = self.width
        width = {f"width_{i}": Log(narrow, wide) for i in range(1, high + 1)} if narrow < wide else {}
        sizes: dict[str, Dimension] = {**width}
        depth: dict[str, Dimension] = {"depth": Integer(low, high)} if low != high else {}
        units: dict[str, Dimension] = {"units": Choice(*self.units)} if len(self.units) > 1 else {}
        return {**depth, **sizes, **units}

    def options(self, found: Mapping[str, Any], unit_types: Sequence[str]) -> dict[str, Any]:
        """Return `hidden_sizes` and `unit_types` from the values of the parts; the type of the output stays."""
        count = int(found.get("depth", self.depth[1]))
        kind = found.get("units", self.units[0])
        sizes = [round(found.get(f"width_{i}", self.width[0])) for i in range(1, count + 1)]
        return {"hidden_sizes": sizes, "unit_types": [kind] * count + [unit_types[-1]]}


Dimension = Real | Log | Integer | Choice
Space = Mapping[str, Dimension | Layers]


def checked_space(space: Any) -> dict[str, Dimension | Layers]:
    """Return the space under the names of `train`; MATLAB's names and, under these, MATLAB's words are translated.

    Parameters
    ----------
    space : mapping
        Options of `train`, or of `nnet_train` under MATLAB's names, to what they vary between.

    Raises
    ------
    OptionError
        A name is no option, what it varies between is none of the classes of this module, or the option does not take
        one of the values.
    """
    if not isinstance(space, Mapping) or not space:
        raise OptionError("space", expected="options and what they vary between", got=quoted(space))
    found: dict[str, Dimension | Layers] = {}
    for given, dimension in space.items():
        name = TO_FIELD_TERMS.get(given, given)
        if name in found:
            raise OptionError("space", expected=f"{name} once", got="it under MATLAB's name too")
        found[name] = _checked(given, name, dimension)
    return found


_KINDS: Mapping[str, Kind] = {each.name: each.metadata["kind"] for each in fields(Options) if each.name != "seed"}


def _checked(given: str, name: str, dimension: Any) -> Dimension | Layers:
    if name not in {*_KINDS, "hidden_sizes"}:
        raise OptionError("space", expected="names of options", got=quoted(given), advice="See hf-compat names.")
    if (name == "hidden_sizes") != isinstance(dimension, Layers):
        raise OptionError("space", expected="Layers for hidden_sizes, and for it alone", got=f"{given}: {dimension}")
    if isinstance(dimension, Layers):
        return dimension
    if not isinstance(dimension, Real | Log | Integer | Choice):
        expected = f"Real, Log, Integer, Choice or Layers for {given}"
        raise OptionError("space", expected=expected, got=quoted(dimension))
    if given != name and isinstance(dimension, Choice):
        with speaking(SPOKEN):
            dimension = Choice(*(to_field_terms({given: value})[name] for value in dimension.values))
    _check_values(given, dimension, _KINDS[name])
    return dimension


def _check_values(given: str, dimension: Dimension, kind: Kind) -> None:
    # before anything runs
    if isinstance(dimension, Choice):
        values = dimension.values
    else:
        values = dimension.low, dimension.high, *(() if isinstance(dimension, Integer) else (_between(dimension),))
    for place, value in enumerate(values):
        try:
            fits = kind.fits(value)
        except (TypeError, ValueError, OverflowError):
            fits = False
        if not fits:
            advice = "Use Integer." if place == 2 and not isinstance(dimension, Choice) else ""
            raise OptionError(f"space, {given}", expected=kind.expected, got=quoted(value), advice=advice)


def _between(dimension: Real | Log) -> float:
    """Return a number between the bounds that is no whole one."""
    return dimension.low + (dimension.high - dimension.low) / math.pi


def names_in(space: Mapping[str, Any]) -> dict[str, str]:
    """Return the names that the caller gave, by those of `train`, where they differ."""
    return {TO_FIELD_TERMS[given]: given for given in space if TO_FIELD_TERMS.get(given, given) != given}


def dimensions(space: Space) -> dict[str, Dimension]:
    """Return the dimensions of a space, those of its layers one by one."""
    found: dict[str, Dimension] = {}
    for name, dimension in space.items():
        found |= dimension.parts() if isinstance(dimension, Layers) else {name: dimension}
    return found


def read_space(path: Path) -> dict[str, Any]:
    """Read a space from a TOML file: ``weight_decay = {log = [1e-7, 1e-1]}`` and so on, a line an option.

    Parameters
    ----------
    path : Path
        Each option is a table with one key: ``real``, ``log`` or ``integer`` with two bounds, ``choice`` with a list
        of values, or ``layers`` with a table of ``depth``, ``width`` and ``units``.

    Returns
    -------
    dict
        Under the names of the file, for `search`.

    Raises
    ------
    OptionError
        The file cannot be read, or a line is none of these.
    """
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise OptionError("space", expected="a TOML file", got=f"{path} ({error})") from error
    kinds = {"real": Real, "log": Log, "integer": Integer, "choice": Choice}
    found: dict[str, Any] = {}
    for name, told in content.items():
        kind, value = next(iter(told.items())) if isinstance(told, dict) and len(told) == 1 else ("", None)
        try:
            found[name] = Layers(**_pairs(value)) if kind == "layers" else kinds[kind](*value)  # type: ignore[index]
        except (TypeError, KeyError) as error:
            expected = "{real = [low, high]}, log, integer, {choice = [...]} or {layers = {depth = ..., width = ...}}"
            raise OptionError(
                f"space, {name}", expected=expected.replace("{", "{{").replace("}", "}}"), got=quoted(told)
            ) from error
    checked_space(found)
    return found


def _pairs(value: Any) -> dict[str, Any]:
    return {name: tuple(each) for name, each in value.items()}


def _whole_pair(pair: Any) -> bool:
    return isinstance(pair, Sequence) and [type(each) for each in pair] == [int, int]


def _in_order(dimension: Real | Log | Integer, above: float = -math.inf) -> None:
    low, high = dimension.low, dimension.high
    numbers = all(is_number(each) for each in (low, high))
    if not (numbers and above < low < high < math.inf):
        least = " above 0" if above == 0 else ""
        what = f"two finite bounds{least}, the lower first"
        raise OptionError(
            "space", expected=f"{what}, in {type(dimension).__name__}", got=f"{quoted(low)} and {quoted(high)}"
        )
