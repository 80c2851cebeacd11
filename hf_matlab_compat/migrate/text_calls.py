"""Functions on strings, and those that print."""

from __future__ import annotations

import re

from hf_matlab_compat.migrate import syntax, texts
from hf_matlab_compat.migrate.arguments import Arguments, Table, Translator
from hf_matlab_compat.migrate.syntax import Untranslatable
from hf_matlab_compat.migrate.values import Binding, Kind, Value, number

_LIST = re.compile(r"\s*\[\s*-?\d[\d.]*([\s,]+-?\d[\d.]*)*\s*\]\s*")


def _num2str(arguments: Arguments) -> Value:
    arguments.expect(1, 2)
    if len(arguments) == 2:
        if arguments.literal(1) is None:
            raise Untranslatable("calls num2str with a number of digits")
        text = texts.printed(arguments.values[1], arguments.nodes[1], arguments.values[:1])
        padded = re.search(r"%[-+ ]*[1-9]|\s", arguments.literal(1) or "")
        return Value(f"{text.at(Binding.ATOM)}.strip()", Kind.STR) if padded else text
    return texts.number_as_text(arguments.values[0])


def _sprintf(arguments: Arguments) -> Value:
    if not arguments.nodes:
        raise Untranslatable("calls sprintf without a format")
    return texts.printed(arguments.values[0], arguments.nodes[0], arguments.values[1:])


def _fprintf(arguments: Arguments) -> Value:
    nodes, values = list(arguments.nodes), arguments.values
    where = ""
    if values and values[0].kind is Kind.FILE:
        where, nodes, values = values[0].text, nodes[1:], values[1:]
    elif nodes and nodes[0] in (syntax.Number("1"), syntax.Number("2")) and len(nodes) > 1:
        if nodes[0] == syntax.Number("2"):
            arguments.context.needs("sys")
            where = "sys.stderr"
        nodes, values = nodes[1:], values[1:]
    if not values or values[0].kind not in (Kind.STR, Kind.UNKNOWN):
        raise Untranslatable("calls fprintf without a format")
    return Value(_print(texts.printed(values[0], nodes[0], values[1:]), where))


def _print(value: Value, where: str) -> str:
    if where and where != "sys.stderr":
        return f"{where}.write({value.text})"
    file = [f"file={where}"] if where else []
    *before, last = texts.pieces_of(value) or [texts.Piece()]
    if not last.text.endswith("\n"):
        given = [value.text, 'end=""', *file]
        return f"print({', '.join(given)})"
    line = [*before, texts.Piece(last.text[:-1])]
    shown = [] if line == [texts.Piece("")] else [texts.joined(line).text]
    return f"print({', '.join([*shown, *file])})"


def _disp(arguments: Arguments) -> Value:
    (value,) = arguments.expect(1)
    return Value(f"print({value.text})")


def _same(fold: str) -> Translator:
    def translator(arguments: Arguments) -> Value:
        left, right = arguments.expect(2)
        if Kind.CELL in (left.kind, right.kind) or _may_be_list(arguments):
            arguments.context.needs("ml")
            option = ", fold=True" if fold else ""
            kind = Kind.LOADED if Kind.CELL in (left.kind, right.kind) else Kind.UNKNOWN
            return Value(f"ml.strcmp({left.text}, {right.text}{option})", kind, logical=True)
        sides = [f"{value.at(Binding.ATOM)}{fold}" for value in (left, right)]
        return Value(f"{sides[0]} == {sides[1]}", Kind.NUM, logical=True)

    return translator


def _may_be_list(arguments: Arguments) -> bool:
    """Whether one side is a variable of which nothing is known: it may hold a list as well as a string."""
    pairs = zip(arguments.nodes, arguments.values, strict=True)
    return any(value.kind in (Kind.UNKNOWN, Kind.LOADED) and isinstance(node, syntax.Name) for node, value in pairs)


def _method(name: str) -> Translator:
    def translator(arguments: Arguments) -> Value:
        (value,) = arguments.expect(1)
        if value.kind is Kind.CELL and value.nd:
            arguments.context.needs("ml")
            made = f"ml.in_shape_of({value.text}, [each.{name}() for each in {value.text}])"
            return Value(made, Kind.CELL, nd=True)
        if value.kind is Kind.CELL:
            return Value(f"[each.{name}() for each in {value.text}]", Kind.CELL)
        return Value(f"{value.at(Binding.ATOM)}.{name}()", Kind.STR)

    return translator


def _replaced(arguments: Arguments) -> Value:
    text, old, new = arguments.expect(3)
    if arguments.literal(1):
        return Value(f"{text.at(Binding.ATOM)}.replace({old.text}, {new.text})", Kind.STR)
    arguments.context.needs("ml")
    return Value(f"ml.strrep({text.text}, {old.text}, {new.text})", Kind.STR)


def _str2num(arguments: Arguments) -> Value:
    (value,) = arguments.expect(1)
    text = arguments.literal(0) or ""
    if _LIST.fullmatch(text):
        arguments.context.needs("np")
        numbers = [_read_number(each) for each in text.strip().strip("[]").replace(",", " ").split()]
        return Value(f"np.array([{', '.join(numbers)}], dtype=float)", Kind.ROW)
    return number(f"float({value.text})")


def _read_number(text: str) -> str:
    try:
        return str(int(text)) if text.lstrip("-").isdigit() else repr(float(text))
    except ValueError:
        raise Untranslatable(f"reads the number {text!r}") from None


def _str2double(arguments: Arguments) -> Value:
    (value,) = arguments.expect(1)
    arguments.context.needs("ml")
    return number(f"ml.str2double({value.text})")


def _int2str(arguments: Arguments) -> Value:
    (value,) = arguments.expect(1)
    if value.kind is Kind.NUM and value.integer:
        return texts.number_as_text(value)
    arguments.context.needs("ml")
    return Value(f"str(ml.round_half_away({value.text}))", Kind.STR)


def _error(arguments: Arguments) -> Value:
    if not arguments.nodes:
        raise Untranslatable("calls error without a message")
    text = _message(arguments)
    return Value(f"raise RuntimeError({text.text})")


def _message(arguments: Arguments) -> Value:
    """The text of an error or a warning, without the identifier that may stand before it."""
    start = 1 if len(arguments) > 1 and re.fullmatch(r"\w[\w-]*(:[\w-]+)+", arguments.literal(0) or "") else 0
    rest = arguments.values[start + 1 :]
    return texts.printed(arguments.values[start], arguments.nodes[start], rest)


def _warning(arguments: Arguments) -> Value:
    if arguments.literal(0) in ("off", "on"):
        arguments.context.replaced_by("left out: it concerns MATLAB's own warnings")
        return Value("")
    text = _message(arguments)
    arguments.context.needs("import warnings")
    return Value(f"warnings.warn({text.text}, stacklevel=1)")


def _assert(arguments: Arguments) -> Value:
    if not arguments.nodes:
        raise Untranslatable("calls assert without a condition")
    condition = arguments.values[0]
    if condition.kind is not Kind.NUM:
        arguments.context.needs("ml")
        condition = Value(f"ml.holds({condition.text})", Kind.NUM)
    if len(arguments) == 1:
        return Value(f"assert {condition.text}")
    message = texts.printed(arguments.values[1], arguments.nodes[1], arguments.values[2:])
    return Value(f"assert {condition.text}, {message.text}")


def _is_kind(python: str) -> Translator:
    def translator(arguments: Arguments) -> Value:
        (value,) = arguments.expect(1)
        return Value(f"isinstance({value.text}, {python})", Kind.NUM, logical=True)

    return translator


def _tic(arguments: Arguments) -> Value:
    arguments.context.needs("time")
    return Value("tic = time.perf_counter()")


def _toc(arguments: Arguments) -> Value:
    arguments.context.needs("time")
    return Value("time.perf_counter() - tic", Kind.NUM)


def _datestr(arguments: Arguments) -> Value:
    if arguments.nodes and arguments.nodes[0] not in (syntax.Name("now"), syntax.Name("clock")):
        raise Untranslatable("formats a date")
    if len(arguments) > 1:
        raise Untranslatable("formats a date")
    arguments.context.needs("time")
    return Value('time.strftime("%d-%b-%Y %H:%M:%S")', Kind.STR)


TABLE: Table = {
    "num2str": _num2str,
    "int2str": _int2str,
    "sprintf": _sprintf,
    "fprintf": _fprintf,
    "printf": _fprintf,
    "disp": _disp,
    "display": _disp,
    "strcmp": _same(""),
    "strcmpi": _same(".lower()"),
    "lower": _method("lower"),
    "upper": _method("upper"),
    "strtrim": _method("strip"),
    "strrep": _replaced,
    "str2num": _str2num,
    "str2double": _str2double,
    "error": _error,
    "warning": _warning,
    "assert": _assert,
    "ischar": _is_kind("str"),
    "iscell": _is_kind("list"),
    "tic": _tic,
    "toc": _toc,
    "datestr": _datestr,
}
