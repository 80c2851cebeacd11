"""Structs, strings and formats, and files as MATLAB's functions read and write them."""

from __future__ import annotations

import copy
import math
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hf_matlab_compat.errors import CheckpointError, MigrationError
from hf_matlab_compat.matlab.files.mat_formats import load_mat as read_mat
from hf_matlab_compat.matlab.files.mat_formats import write_mat
from hf_matlab_compat.matlab.files.mat_values import Skipped, full_array
from hf_matlab_compat.matlab.logs.num2str import num2str
from hf_matlab_compat.migrate.context import python_name
from hf_matlab_compat.migrate.runtime.arrays import Array, hcat, size, two_dimensional
from hf_matlab_compat.migrate.runtime.cells import beside, laid_out
from hf_matlab_compat.migrate.runtime.classes import IntegerArray, IntegerNumber, Text, of_its_class
from hf_matlab_compat.migrate.syntax import unescaped

_DIRECTIVE = re.compile(r"%%|%([-+ 0#]*)(\d+)?(?:\.(\d+))?l?([diufeEgGsxXc])")


class Struct(SimpleNamespace):
    """A struct, with its fields as attributes."""

    __slots__ = ("_file", "_held", "_lost")

    def __getattr__(self, name: str) -> Any:
        """Refuse a field that does not exist, naming the file from which the struct was read.

        Raises
        ------
        AttributeError
            No field has this name.
        MigrationError
            The file holds a value of this name that Python cannot represent.
        """
        if name.startswith("_"):
            raise AttributeError(name)
        if name in getattr(self, "_lost", ()):
            raise MigrationError(
                f"{self._file}: expected {name} to be an array, a cell or a struct, {self._lost[name]}"
            )
        there = ", ".join(vars(self)) or "none"
        is_file = getattr(self, "_file", "struct") != "struct"
        of = f"{self._file}: expected the variable" if is_file else "struct: expected the field"
        raise AttributeError(f"{of} {name}, got {there}.")


def field(name: str) -> str:
    """Return the Python name of a field: its own, unless Python reserves it."""
    return python_name(name)


def inner(outer: Struct, name: str) -> Any:
    """Return the field `name` of a struct; a missing one becomes a new struct."""
    if not hasattr(outer, name):
        setattr(outer, name, Struct())
    return getattr(outer, name)


def inner_cells(outer: Struct, name: str) -> list[Any]:
    """Return the field `name` of a struct; a missing or empty one becomes a new list.

    Raises
    ------
    MigrationError
        The field holds anything but cells.
    """
    found = getattr(outer, name, None)
    if not isinstance(found, list):
        if found is not None and np.size(found):
            raise MigrationError(f"{name}: expected a cell array, got {type(found).__name__}.")
        found = []
        setattr(outer, name, found)
    return found


def load_mat(path: str, names: Sequence[str] = (), *, onto: Struct | None = None, own: str = "") -> Struct:
    """Return the variables of a .mat file as fields; arrays keep MATLAB's shapes.

    Parameters
    ----------
    path : str
        With or without suffix.
    names : sequence of str, optional
        The only variables to read.
    onto : Struct, optional
        Variables of earlier files; those of this file replace them.
    own : str, optional
        Names, separated by spaces, of the script's own variables that MATLAB would replace.

    Raises
    ------
    MigrationError
        The file does not exist, cannot be read, or holds one of `own`.
    """
    file = Path(mat_file(path))
    if not file.exists():
        raise MigrationError(f"load: expected the file {file}, got none. Run the script where its data lies.")
    content = _read(file)
    fields = dict(vars(onto)) if onto is not None else {}
    wanted = [name for name in content if not name.startswith("__") and (not names or name in names)]
    found, lost = _values({name: content[name] for name in wanted})
    held = frozenset(found.keys() | lost.keys())
    clash = sorted(held & set(own.split()))
    if clash:
        raise MigrationError(
            f"load: expected {file} to hold none of the script's own variables, got {', '.join(clash)}, which MATLAB "
            "would replace. Migrate the script again with the file beside it."
        )
    made = Struct(**{name: value for name, value in (fields | found).items() if name not in lost})
    made._file, made._held, made._lost = file.name, held, lost
    return made


def just_loaded(loaded: Struct, name: str) -> bool:
    """Return whether the file that was loaded last held a variable."""
    return name in loaded._held


def _read(file: Path) -> dict[str, Any]:
    try:
        return dict(read_mat(file))
    except CheckpointError as error:
        raise MigrationError(f"load: {file}: {error}") from error


def exist(path: str, kind: str) -> int:
    """Return ``exist(path, 'file')`` or ``'dir'``: 2 for a file, 7 for a folder, otherwise 0."""
    where = Path(path)
    if where.is_dir():
        return 7
    return 2 if kind == "file" and where.exists() else 0


def mat_file(path: str) -> str:
    """Return the path, with MATLAB's suffix if it has none."""
    return path if re.search(r"\.\w{1,4}\Z", str(path)) else f"{path}.mat"


def _values(content: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, str]]:
    """Return variables or fields by their Python names, and a phrase for each that has no value in Python."""
    found, lost = dict[str, Any](), dict[str, str]()
    for name, value in content.items():
        try:
            found[python_name(name)] = _value(value)
        except (MigrationError, CheckpointError) as error:
            lost[python_name(name)] = str(error)
    return found, lost


def _value(value: Any) -> Any:
    if isinstance(value, Skipped):
        raise MigrationError("got a function or an object of a class that only MATLAB has.")
    array = np.asarray(full_array(value))
    has_no_fields = array.dtype.kind == "O" and array.size > 0 and all(entry is None for entry in array.flat)
    if array.dtype.names or has_no_fields:
        if array.size != 1:
            raise MigrationError("got an array of structs.")
        found, lost = _values({name: array[name].item() for name in array.dtype.names or ()})
        made = Struct(**found)
        made._file, made._lost = "struct", lost
        return made
    if array.dtype.kind == "O":
        return laid_out([_value(entry) for entry in array.ravel(order="F")], np.atleast_2d(array).shape)
    if array.dtype.kind == "U":
        return Text("".join(array.ravel())) if array.size <= 1 else [Text(row) for row in array.ravel()]
    return of_its_class(array)


def save_mat(path: str, **variables: Any) -> None:
    """Save variables with the shapes and classes that MATLAB's ``save(path, …)`` would write."""
    write_mat(mat_file(path), {name: _savable(value) for name, value in variables.items()}, long_field_names=True)


def _savable(value: Any) -> Any:
    if isinstance(value, Struct):
        return {name: _savable(field) for name, field in vars(value).items()}
    if isinstance(value, list | tuple):
        cell = np.empty(len(value), dtype=object)
        for place, entry in enumerate(value):
            cell[place] = _savable(entry)
        return cell.reshape(size(value), order="F")
    if value is None:
        return np.zeros((0, 0))
    if isinstance(value, str):
        return str(value)
    array = np.atleast_2d(copy.copy(np.asarray(value)))
    if isinstance(value, IntegerArray | IntegerNumber):
        return array.astype(value.dtype)
    return array.astype(float) if array.dtype.kind in "iu" else array


class OpenFile:
    """An open file and its byte order; its other attributes are the file's."""

    def __init__(self, name: str, mode: str, order: str) -> None:
        self._file: Any = Path(name).open(mode)  # noqa: SIM115  closed by the script, as in MATLAB
        self.order = order

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)


def fopen(name: str, mode: str, order: str = "<") -> OpenFile:
    """Open a file: ``fopen(name, mode, order)``, but a missing file raises FileNotFoundError instead of giving -1."""
    return OpenFile(name, mode, order)


def fread(file: OpenFile, dtype: str, count: Any = -1) -> NDArray[np.float64]:
    """Read numbers as ``fread`` does: doubles in a column, or in an array filled column by column.

    Parameters
    ----------
    file : OpenFile
        Read from its current position.
    dtype : str
        numpy's name for the type of the numbers in the file.
    count : int or (2,) array
        How many numbers, or rows and columns; to the end of the file by default.
    """
    wanted = np.ravel(count)
    total = -1 if wanted[-1] < 0 or np.isinf(wanted).any() else int(np.prod(wanted))
    kind = np.dtype(dtype if dtype[0] in "<>" else file.order + dtype)
    raw = file.read(-1 if total < 0 else total * kind.itemsize)
    values = np.frombuffer(raw[: len(raw) // kind.itemsize * kind.itemsize], kind).astype(float)
    return values.reshape(int(wanted[0]), -1, order="F") if wanted.size == 2 else values.reshape(-1, 1)


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
