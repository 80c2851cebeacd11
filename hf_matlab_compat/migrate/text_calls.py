"""Functions on strings, and those that print."""

from __future__ import annotations

import ast
import re
from functools import partial

from hf_matlab_compat.migrate import syntax, texts
from hf_matlab_compat.migrate.arguments import Arguments, Table
from hf_matlab_compat.migrate.build import Part, binary, call, compare, expr, method, name
from hf_matlab_compat.migrate.syntax import Untranslatable, refuse
from hf_matlab_compat.migrate.values import Kind, Value, number

_LIST = re.compile(r"\s*\[\s*-?\d[\d.]*([\s,]+-?\d[\d.]*)*\s*\]\s*")
_IDENTIFIER = re.compile(r"\w[\w-]*(:[\w-]+)+")
_PADDED = re.compile(r"%[-+ ]*[1-9]|\s")


def _num2str(arguments: Arguments) -> Value:
    value = arguments.expect(1, 2)[0]
    if len(arguments) == 1:
        return texts.number_as_text(value)
    if arguments.literal(1) is None:
        refuse("calls num2str with a number of digits")
    text = texts.printed(arguments.values[1], arguments.nodes[1], [value])
    padded = _PADDED.search(arguments.literal(1) or "")
    return Value(method(text, "strip"), Kind.STR) if padded else text


def _printed(arguments: Arguments, start: int = 0) -> Value:
    """A format and what it prints, from an argument on."""
    return texts.printed(arguments.values[start], arguments.nodes[start], arguments.values[start + 1 :])


def _sprintf(arguments: Arguments) -> Value:
    if not arguments.nodes:
        refuse("calls sprintf without a format")
    return _printed(arguments)


def _fprintf(arguments: Arguments) -> Value:
    nodes, values = arguments.nodes, arguments.values
    to_file = bool(values) and values[0].kind is Kind.FILE
    to_stream = len(nodes) > 1 and nodes[0] in (syntax.Number("1"), syntax.Number("2"))
    start = int(to_file or to_stream)
    if len(values) <= start or values[start].kind not in (Kind.STR, Kind.UNKNOWN):
        refuse("calls fprintf without a format")
    text = _printed(arguments, start)
    if to_file:
        return Value(method(values[0], "write", text), effect=True)
    to_errors = to_stream and nodes[:1] == (syntax.Number("2"),)
    return _print(text, {"file": name("sys.stderr")} if to_errors else {})


def _print(value: Value, file: dict[str, Part]) -> Value:
    *before, last = texts.pieces_of(value) or [texts.Piece()]
    if not last.text.endswith("\n"):
        return Value(call("print", value, end="", **file), effect=True)
    line = [*before, texts.Piece(last.text[:-1])]
    shown = [] if line == [texts.Piece()] else [texts.joined(line)]
    return Value(call("print", *shown, **file), effect=True)


def _disp(arguments: Arguments) -> Value:
    return Value(call("print", *arguments.expect(1)), effect=True)


def _same(arguments: Arguments, *, fold: bool) -> Value:
    """Translate ``strcmp`` and ``strcmpi``."""
    left, right = arguments.expect(2)
    lists = Kind.CELL in (left.kind, right.kind)
    if lists or _may_be_list(arguments):
        options = {"fold": True} if fold else {}
        made = call("ml.strcmp", left, right, **options)
        return Value(made, Kind.LOADED if lists else Kind.UNKNOWN, logical=True)
    sides = [method(value, "lower") if fold else value for value in (left, right)]
    return Value(compare(sides[0], "==", sides[1]), Kind.NUM, logical=True)


def _may_be_list(arguments: Arguments) -> bool:
    """Whether one side is a variable of which nothing is known: it may hold a list as well as a string."""
    pairs = zip(arguments.nodes, arguments.values, strict=True)
    return any(value.kind in (Kind.UNKNOWN, Kind.LOADED) and isinstance(node, syntax.Name) for node, value in pairs)


def _method(arguments: Arguments, *, of: str) -> Value:
    (value,) = arguments.expect(1)
    if value.kind is not Kind.CELL:
        return Value(method(value, of), Kind.STR)
    over = ast.comprehension(ast.Name("each", ast.Store()), expr(value), [], 0)
    made = ast.ListComp(method(name("each"), of), [over])
    return Value(call("ml.in_shape_of", value, made) if value.nd else made, Kind.CELL, nd=value.nd)


def _replaced(arguments: Arguments) -> Value:
    text, old, new = arguments.expect(3)
    made = method(text, "replace", old, new) if arguments.literal(1) else call("ml.strrep", text, old, new)
    return Value(made, Kind.STR)


def _str2num(arguments: Arguments) -> Value:
    (value,) = arguments.expect(1)
    text = arguments.literal(0) or ""
    if not _LIST.fullmatch(text):
        return number(call("float", value))
    numbers: list[Part] = [_read_number(each) for each in text.strip().strip("[]").replace(",", " ").split()]
    return Value(call("np.array", numbers, dtype=name("float")), Kind.ROW)


def _read_number(text: str) -> float:
    try:
        return int(text) if text.lstrip("-").isdigit() else float(text)
    except ValueError:
        raise Untranslatable(f"reads the number {text!r}") from None


def _str2double(arguments: Arguments) -> Value:
    return number(call("ml.str2double", *arguments.expect(1)))


def _int2str(arguments: Arguments) -> Value:
    (value,) = arguments.expect(1)
    if value.kind is Kind.NUM and value.integer:
        return texts.number_as_text(value)
    return Value(call("str", call("ml.round_half_away", value)), Kind.STR)


def _message(arguments: Arguments) -> Value:
    """The text of an error or a warning, without the identifier that may stand before it."""
    identified = len(arguments) > 1 and _IDENTIFIER.fullmatch(arguments.literal(0) or "")
    return _printed(arguments, 1 if identified else 0)


def _error(arguments: Arguments) -> Value:
    if not arguments.nodes:
        refuse("calls error without a message")
    return Value(ast.Raise(call("RuntimeError", _message(arguments)), None), effect=True)


def _warning(arguments: Arguments) -> Value:
    if arguments.literal(0) in ("off", "on"):
        arguments.context.replaced_by("left out: it concerns MATLAB's own warnings")
        return Value()
    return Value(call("warnings.warn", _message(arguments), stacklevel=1), effect=True)


def _assert(arguments: Arguments) -> Value:
    if not arguments.nodes:
        refuse("calls assert without a condition")
    condition = arguments.values[0]
    test = expr(condition) if condition.kind is Kind.NUM else call("ml.holds", condition)
    message = None if len(arguments) == 1 else expr(_printed(arguments, 1))
    return Value(ast.Assert(test, message), effect=True)


def _is_of(arguments: Arguments, *, type_: str) -> Value:
    return Value(call("isinstance", *arguments.expect(1), name(type_)), Kind.NUM, logical=True)


def _tic(_arguments: Arguments) -> Value:
    return Value(ast.Assign([ast.Name("tic", ast.Store())], call("time.perf_counter"), lineno=0), effect=True)


def _toc(_arguments: Arguments) -> Value:
    return number(binary(call("time.perf_counter"), "-", name("tic")))


def _datestr(arguments: Arguments) -> Value:
    if len(arguments) > 1 or any(node not in (syntax.Name("now"), syntax.Name("clock")) for node in arguments.nodes):
        refuse("formats a date")
    return Value(call("time.strftime", "%d-%b-%Y %H:%M:%S"), Kind.STR)


TABLE: Table = {
    "num2str": _num2str,
    "int2str": _int2str,
    "sprintf": _sprintf,
    **dict.fromkeys(("fprintf", "printf"), _fprintf),
    **dict.fromkeys(("disp", "display"), _disp),
    "strcmp": partial(_same, fold=False),
    "strcmpi": partial(_same, fold=True),
    "lower": partial(_method, of="lower"),
    "upper": partial(_method, of="upper"),
    "strtrim": partial(_method, of="strip"),
    "strrep": _replaced,
    "str2num": _str2num,
    "str2double": _str2double,
    "error": _error,
    "warning": _warning,
    "assert": _assert,
    "ischar": partial(_is_of, type_="str"),
    "iscell": partial(_is_of, type_="list"),
    "tic": _tic,
    "toc": _toc,
    "datestr": _datestr,
}
