"""Files in MATLAB's terms: .mat, binary, formatted text."""

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
from hf_matlab_compat.migrate.literals import unescaped
from hf_matlab_compat.migrate.runtime_arrays import hcat, size
from hf_matlab_compat.migrate.runtime_cell_arrays import beside, laid_out
from hf_matlab_compat.migrate.runtime_classes import IntegerArray, IntegerNumber, Text, of_its_class

_DIRECTIVE = re.compile(r"%%|%([-+ 0#]*)(\d+)?(?:\.(\d+))?l?([diufeEgGsxXc])")


class Struct(SimpleNamespace):
    """A struct: fields as attributes."""

    __slots__ = ("_file", "_held", "_lost")

    def __getattr__(self, name: str) -> Any:
        """Refuse a field that is not there, in words that name the file that the struct was read from."""
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
    """What a field of a struct is called in Python: its own name, unless Python has taken it."""
    return python_name(name)


def inner(outer: Struct, name: str) -> Any:
    """The field `name` of a struct, a new struct where there is none."""
    if not hasattr(outer, name):
        setattr(outer, name, Struct())
    return getattr(outer, name)


def inner_cells(outer: Struct, name: str) -> list[Any]:
    """The field `name` of a struct, a new list where there is none or ``[]``."""
    found = getattr(outer, name, None)
    if not isinstance(found, list):
        if found is not None and np.size(found):
            raise MigrationError(f"{name}: expected a cell array, got {type(found).__name__}.")
        found = []
        setattr(outer, name, found)
    return found


def load_mat(path: str, names: Sequence[str] = (), *, onto: Struct | None = None, own: str = "") -> Struct:
    """The variables of a .mat file as fields, arrays with MATLAB's shapes.

    Parameters
    ----------
    path : str
        With or without suffix.
    names : sequence of str, optional
        The only variables to take.
    onto : Struct, optional
        What earlier files held; this one's variables take the place of theirs.
    own : str, optional
        Variables to which the script gives values of its own, which MATLAB would replace, with spaces between.

    Raises
    ------
    MigrationError
        There is no such file, it cannot be read, or it holds one of `own`.
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
    """Whether the file that was loaded last held a variable."""
    return name in loaded._held


def _read(file: Path) -> dict[str, Any]:
    """Every variable of a file of MATLAB's or Octave's."""
    try:
        return dict(read_mat(file))
    except CheckpointError as error:
        raise MigrationError(f"load: {file}: {error}") from error


def exist(path: str, kind: str) -> int:
    """``exist(path, 'file')`` or ``'dir'``: 2 for a file, 7 for a folder, 0 for nothing."""
    where = Path(path)
    if where.is_dir():
        return 7
    return 2 if kind == "file" and where.exists() else 0


def mat_file(path: str) -> str:
    """The path with MATLAB's suffix, where it has none."""
    return path if re.search(r"\.\w{1,4}\Z", str(path)) else f"{path}.mat"


def _values(content: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, str]]:
    """Variables or fields by their Python names, and those that have no value here, with what they are."""
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
    """``save(path, …)``: shapes and classes as MATLAB's script would have saved them."""
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
    """An open file and its byte order."""

    def __init__(self, name: str, mode: str, order: str) -> None:
        self._file: Any = Path(name).open(mode)  # noqa: SIM115  closed by the script, as in MATLAB
        self.order = order

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)


def fopen(name: str, mode: str, order: str = "<") -> OpenFile:
    """``fopen(name, mode, order)``; raises FileNotFoundError where MATLAB returns -1."""
    return OpenFile(name, mode, order)


def fread(file: OpenFile, dtype: str, count: Any = -1) -> NDArray[np.float64]:
    """``fread``: doubles in a column, or filled column by column where `count` is (rows, columns).

    Parameters
    ----------
    file : OpenFile
    dtype : str
        numpy's name of the numbers in the file.
    count : int or (2,) array
        How many; to the end of the file by default.
    """
    wanted = np.ravel(count)
    total = -1 if wanted[-1] < 0 or np.isinf(wanted).any() else int(np.prod(wanted))
    kind = np.dtype(dtype if dtype[0] in "<>" else file.order + dtype)
    raw = file.read(-1 if total < 0 else total * kind.itemsize)
    values = np.frombuffer(raw[: len(raw) // kind.itemsize * kind.itemsize], kind).astype(float)
    return values.reshape(int(wanted[0]), -1, order="F") if wanted.size == 2 else values.reshape(-1, 1)


def joined(*parts: Any) -> Any:
    """``[a 'text' b]`` of strings, of cells among which strings are entries of their own, or of numbers."""
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
    """``strrep``: nothing is replaced where there is nothing to find."""
    return text.replace(old, new) if old else text


def sprintf(template: str, *arguments: Any, escapes: bool = True) -> str:
    """``sprintf``: the template again and again until the arguments are used up.

    In a template from double quotes no `escapes` are left.
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
    """One pass over the template; it stops at the first directive for which no value is left."""
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
    """The next value; a string where a number is wanted counts as its characters' codes."""
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
