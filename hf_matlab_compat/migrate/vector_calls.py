"""Functions of vectors, lists and strings that a routine of the run time stands for."""

from __future__ import annotations

from collections.abc import Mapping

from hf_matlab_compat.migrate.arguments import Arguments, Outputs, Table, Translator
from hf_matlab_compat.migrate.syntax import Untranslatable
from hf_matlab_compat.migrate.values import Kind, Value, integer


def _at_run_time(kind: Kind, *counts: int, name: str = "", logical: bool = False) -> Translator:
    """The routine of this name, on numbers."""

    def translator(arguments: Arguments) -> Value:
        values = arguments.expect(*counts)
        arguments.refuse_texts()
        return _made(name or arguments.name, values, kind, arguments, logical=logical)

    return translator


def _made(name: str, values: list[Value], kind: Kind, arguments: Arguments, *, logical: bool = False) -> Value:
    arguments.context.needs("ml")
    given = [value.as_two_dimensional() for value in values]
    if any("np." in value.text for value in given):
        arguments.context.needs("np")
    return Value(f"ml.{name}({', '.join(value.text for value in given)})", kind, logical=logical)


def _of_texts(kind: Kind, *counts: int, logical: bool = False) -> Translator:
    def translator(arguments: Arguments) -> Value:
        values = arguments.expect(*counts)
        if any(value.kind is not Kind.STR for value in values[:2]):
            raise Untranslatable(f"calls {arguments.name} with something that is no string")
        return _made(arguments.name, values, kind, arguments, logical=logical)

    return translator


def _strcat(arguments: Arguments) -> Value:
    if any(value.kind not in (Kind.STR, Kind.UNKNOWN, Kind.CELL) for value in arguments.values):
        raise Untranslatable("calls strcat with something that is no string")
    kinds = {value.kind for value in arguments.values}
    if any(value.kind is Kind.CELL and value.nd for value in arguments.values):
        raise Untranslatable("joins strings in rows and columns of cells")
    kind = Kind.CELL if Kind.CELL in kinds else Kind.UNKNOWN if Kind.UNKNOWN in kinds else Kind.STR
    return _made("strcat", arguments.values, kind, arguments)


def _isequal(arguments: Arguments) -> Value:
    if len(arguments) < 2:
        raise Untranslatable("calls isequal with too few arguments")
    return _made("isequal", arguments.values, Kind.NUM, arguments, logical=True)


def _count_of_dimensions(arguments: Arguments) -> Value:
    (value,) = arguments.expect(1)
    arguments.context.needs("ml")
    return integer(f"len(ml.size({value.as_two_dimensional().text}))")


def _count_of_nonzeros(arguments: Arguments) -> Value:
    (value,) = arguments.expect(1)
    arguments.refuse_texts()
    arguments.context.needs("np")
    return integer(f"int(np.count_nonzero({value.text}))")


def _inverse(arguments: Arguments) -> Value:
    (value,) = arguments.expect(1)
    if value.kind is not Kind.ARRAY:
        raise Untranslatable(f"inverts {value.kind.value}")
    arguments.context.needs("np")
    return Value(f"np.linalg.inv({value.text})", Kind.ARRAY)


def _median(arguments: Arguments) -> Value:
    values = arguments.expect(1, 2)
    arguments.refuse_texts()
    return _along("median", values[:1], arguments.dimension(1), Kind.UNKNOWN, arguments)


def _dot(arguments: Arguments) -> Value:
    values = arguments.expect(2, 3)
    arguments.refuse_texts()
    axis = arguments.dimension(2)
    if axis is None and all(value.kind is Kind.ROW for value in values):
        arguments.context.needs("np")
        return Value(f"np.dot({values[0].text}, {values[1].text})", Kind.NUM)
    vectors = axis is None and all(value.kind in (Kind.ROW, Kind.COLUMN, Kind.NUM) for value in values)
    return _along("dot", values[:2], axis, Kind.NUM if vectors else Kind.UNKNOWN, arguments)


def _circshift(arguments: Arguments) -> Value:
    values = arguments.expect(2, 3)
    arguments.refuse_texts()
    kind = values[0].kind if values[0].kind in (Kind.COLUMN, Kind.ARRAY) else Kind.LOADED
    return _along("circshift", values[:2], arguments.dimension(2), kind, arguments)


def _along(name: str, values: list[Value], axis: int | None, kind: Kind, arguments: Arguments) -> Value:
    given = [*values] if axis is None else [*values, integer(str(axis))]
    return _made(name, given, kind, arguments)


def _found(arguments: Arguments, wanted: int) -> tuple[str, list[Value]]:
    """``[i, j] = find(x)``."""
    values = arguments.expect(1)
    if wanted != 2:
        raise Untranslatable(f"asks find for {wanted} outputs")
    return _made("find_in_two", values, Kind.LOADED, arguments).text, [Value("", Kind.LOADED)] * 2


def _dealt(arguments: Arguments, wanted: int) -> tuple[str, list[Value]]:
    """``[a, b] = deal(1, 2)``, ``[a, b] = deal(0)``."""
    values = arguments.values if len(arguments) == wanted else arguments.expect(1) * wanted
    if len(arguments) != wanted and values[0].kind not in (Kind.NUM, Kind.STR):
        raise Untranslatable(f"deals {values[0].kind.value} several times")
    if any(value.owner for value in values):
        raise Untranslatable("deals variables")
    return ", ".join(value.text for value in values), values


WITH_OUTPUTS: Mapping[str, Outputs] = {"find": _found, "deal": _dealt}
"""Functions whose several outputs are understood."""

TABLE: Table = {
    "diff": _at_run_time(Kind.LOADED, 1),
    "diag": _at_run_time(Kind.LOADED, 1),
    "median": _median,
    "dot": _dot,
    "circshift": _circshift,
    "setdiff": _at_run_time(Kind.LOADED, 2),
    "sub2ind": _at_run_time(Kind.UNKNOWN, 2, 3, 4),
    "mat2str": _at_run_time(Kind.STR, 1),
    "strcat": _strcat,
    "strncmp": _of_texts(Kind.NUM, 3, logical=True),
    "strfind": _of_texts(Kind.LOADED, 2),
    "isequal": _isequal,
    "ndims": _count_of_dimensions,
    "nnz": _count_of_nonzeros,
    "inv": _inverse,
}
