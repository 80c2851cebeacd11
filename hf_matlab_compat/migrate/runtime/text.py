"""Strings: comparison, search, joining and formats."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import Any

import numpy as np

from hf_matlab_compat.errors import MigrationError
from hf_matlab_compat.matlab.logs.num2str import num2str
from hf_matlab_compat.migrate.runtime.arrays import Array, hcat, size, two_dimensional
from hf_matlab_compat.migrate.runtime.cells import beside
from hf_matlab_compat.migrate.syntax import unescaped

_DIRECTIVE = re.compile(r"%%|%([-+ 0#]*)(\d+)?(?:\.(\d+))?l?([diufeEgGsxXc])")


def joined(*parts: Any) -> Any:
    """Return ``[a 'text' b]`` of strings, of numbers, or of cells, to which each string adds one.

    Raises
    ------
    MigrationError
        Numbers stand beside strings.
    """
    if not any(isinstance(part, str | list) for part in parts):
        return hcat(*parts)
    if any(isinstance(part, list) and part for part in parts):
        return beside(*parts)
    for part in parts:
        if not isinstance(part, str) and part is not None and np.size(part):
            raise MigrationError(
                f"joined: expected strings or cells, got {part!r}. num2str makes a string of a number."
            )
    return "".join(part for part in parts if isinstance(part, str))


def strrep(text: str, old: str, new: str) -> str:
    """Return ``strrep``; an empty `old` replaces nothing."""
    return text.replace(old, new) if old else text


def sprintf(template: str, *arguments: Any, escapes: bool = True) -> str:
    """Return ``sprintf``: the template is repeated until the arguments are used up.

    Without `escapes`, backslashes in the template mean themselves, as after double quotes.
    """
    template, values = unescaped(template) if escapes else template, _flattened(arguments)
    directives = [found for found in _DIRECTIVE.finditer(template) if found[0] != "%%"]
    if not directives:
        return template.replace("%%", "%")
    if not arguments:
        return template[: directives[0].start()].replace("%%", "%")
    out: list[str] = []
    while True:
        text, used_up = _once(template, values)
        out.append(text)
        if used_up or not values:
            return "".join(out)


def _flattened(arguments: Sequence[Any]) -> list[Any]:
    values: list[Any] = []
    for argument in arguments:
        if isinstance(argument, str):
            values.append(argument)
        elif np.iscomplexobj(argument):
            raise MigrationError(
                "sprintf: expected real numbers, got complex ones. MATLAB prints their real parts alone and Octave "
                "both parts: say real(x) or imag(x)."
            )
        else:
            values.extend(np.ravel(argument, order="F").tolist())
    return values


def _once(template: str, values: list[Any]) -> tuple[str, bool]:
    """Format the template once, up to the first directive without a value, and say whether the values are used up."""
    out: list[str] = []
    place = 0
    started_with_values = bool(values)
    for found in _DIRECTIVE.finditer(template):
        out.append(template[place : found.start()])
        place = found.end()
        if found[0] == "%%":
            out.append("%")
        elif values:
            out.append(_formatted(found, _next(values, found[4])))
        elif started_with_values:
            return "".join(out), True
    return "".join([*out, template[place:]]), not values


def _next(values: list[Any], kind: str) -> Any:
    """Return the next value; a string in place of a number gives its characters' codes."""
    value = values.pop(0)
    if isinstance(value, str) and kind not in "sc":
        values[:0] = [value[1:]] if value[1:] else []
        return ord(value[0]) if value else ""
    return value


def _formatted(found: re.Match[str], value: Any) -> str:
    flags, width, precision, kind = found[1], found[2] or "", found[3], found[4]
    point = f".{precision}" if precision is not None else ""
    if isinstance(value, str):
        return f"%{flags.replace('0', '')}{width}{point if kind == 's' else ''}s" % value
    if not math.isfinite(value):
        return f"%{flags.replace('0', '')}{width}s" % num2str(value)
    whole = float(value).is_integer()
    if kind in "sc":
        return f"%{flags.replace('0', '')}{width}s" % (chr(int(value)) if whole else num2str(value))
    if kind in "diuxX" and whole:
        return f"%{flags}{width}{'d' if kind in 'diu' else kind}" % int(value)
    # MATLAB prints a number that is not whole with %f or %e instead
    return f"%{flags}{width}{point}{kind if kind in 'feEgG' else 'f' if point else 'g'}" % value


def strcat(*parts: Any) -> Any:
    """Return ``strcat``: without blanks at the end of strings; a list if one of the parts is."""
    if not any(isinstance(part, list) for part in parts):
        return "".join(part.rstrip(" \t\n\v\f\0") for part in parts)
    count = max(len(part) for part in parts if isinstance(part, list))
    columns = [part * count if isinstance(part, list) and len(part) == 1 else part for part in parts]
    return ["".join(each[k] if isinstance(each, list) else each for each in columns) for k in range(count)]


def strcmp(one: Any, other: Any, *, fold: bool = False) -> Any:
    """Return ``strcmp`` of strings and lists: a truth value, or one per entry; with `fold` ``strcmpi``.

    Raises
    ------
    MigrationError
        The lists differ in length.
    """
    if not isinstance(one, list) and not isinstance(other, list):
        return _alike(one, other, fold)
    lists = [each if isinstance(each, list) else [each] for each in (one, other)]
    count = max(map(len, lists)) if all(lists) else 0
    if any(len(each) not in (1, count) for each in lists if each):
        raise MigrationError(f"strcmp: expected lists of one length, got {len(lists[0])} and {len(lists[1])} entries.")
    pairs = zip(*(each * count if len(each) == 1 else each for each in lists), strict=True)
    like = max(lists, key=len)
    return np.array([_alike(a, b, fold) for a, b in pairs], dtype=bool).reshape(size(like), order="F")


def _alike(one: Any, other: Any, fold: bool) -> bool:
    both = isinstance(one, str) and isinstance(other, str)
    return both and (one.lower() == other.lower() if fold else one == other)


def strncmp(one: Any, other: Any, count: int) -> bool:
    """Return ``strncmp``: whether both have at least `count` characters and the first `count` agree."""
    both = isinstance(one, str) and isinstance(other, str) and min(len(one), len(other)) >= count
    return both and one[:count] == other[:count]


def strfind(text: str, part: str) -> Array:
    """Return ``strfind``: the positions, from 1, at which `part` starts; ``[]`` if there are none."""
    found = [k + 1.0 for k in range(len(text) - len(part) + 1) if part and text.startswith(part, k)]
    return np.array([found]) if found else np.zeros((1 if text else 0, 0))


def str2double(text: Any) -> float:
    """Return ``str2double``: NaN for anything but the text of a number."""
    try:
        return float(text) if isinstance(text, str) else float("nan")
    except ValueError:
        return float("nan")


def mat2str(x: Any) -> str:
    """Return ``mat2str(x)``."""
    array = two_dimensional(x)
    rows = [
        " ".join(f"{float(entry):.15g}".replace("nan", "NaN").replace("inf", "Inf") for entry in row) for row in array
    ]
    return rows[0] if array.size == 1 else f"[{';'.join(rows)}]"
