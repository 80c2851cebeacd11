"""Strings: literals, f-strings, formats, and functions on strings and those that print."""

from __future__ import annotations

import ast
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from hf_matlab_compat.migrate import syntax
from hf_matlab_compat.migrate.arguments import Arguments, Table
from hf_matlab_compat.migrate.syntax import refuse, unescaped
from hf_matlab_compat.migrate.values import (
    Kind,
    Part,
    Value,
    binary,
    call,
    compare,
    expr,
    method,
    name,
    number,
    same_tree,
    whole,
)

_LIST = re.compile(r"\s*\[\s*-?\d[\d.]*([\s,]+-?\d[\d.]*)*\s*\]\s*")
_IDENTIFIER = re.compile(r"\w[\w-]*(:[\w-]+)+")
_PADDED = re.compile(r"%[-+ ]*[1-9]|\s")
_DIRECTIVE = re.compile(r"%%|%([-+ 0#]*)(\*|\d+)?(?:\.(\*|\d+))?l?([diufeEgGsxXcob])")
_NEEDS_ESCAPE = re.compile(r"[\"'\\{}#]")


@dataclass(frozen=True)
class Piece:
    """Part of a string: plain text, or a node with the format that it is printed in."""

    text: str = ""
    node: ast.expr | None = None
    spec: str = ""
    is_string: bool = False


def literal(node: syntax.Text) -> Value:
    """Translate a string in the script."""
    return Value(expr(node.text), Kind.STR)


def formatted(pieces: Sequence[Piece]) -> Value:
    """Return a string put together from pieces: plain where it can be, else an f-string, else a sum."""
    only = pieces[0] if len(pieces) == 1 else Piece()
    if isinstance(only.node, ast.Name | ast.Constant) and not only.spec:
        return Value(call("str", only.node), Kind.STR)
    return joined(pieces)


def joined(pieces: Sequence[Piece]) -> Value:
    """Return a string as `formatted` does, with an f-string for a single value as well."""
    kept = _merged(pieces)
    if all(piece.node is None for piece in kept):
        return Value(expr("".join(piece.text for piece in kept)), Kind.STR)
    node = ast.JoinedStr([_in_f_string(piece) for piece in kept])
    if all(piece.node is None or fits_field(piece.node) for piece in kept) and _can_be_read(node):
        return Value(node, Kind.STR)
    first, *others = [expr(_in_sum(piece)) for piece in kept]
    for each in others:
        first = binary(first, "+", each)
    return Value(first, Kind.STR)


def _merged(pieces: Sequence[Piece]) -> list[Piece]:
    """Return pieces without empty ones, and with adjacent plain texts joined."""
    kept: list[Piece] = []
    for piece in pieces:
        if piece.node is None and kept and kept[-1].node is None:
            kept[-1] = Piece(kept[-1].text + piece.text)
        elif piece.node is not None or piece.text:
            kept.append(piece)
    return kept


def _in_f_string(piece: Piece) -> ast.expr:
    if piece.node is None:
        return ast.Constant(piece.text)
    spec = ast.JoinedStr([ast.Constant(piece.spec)]) if piece.spec else None
    return ast.FormattedValue(piece.node, -1, spec)


def fits_field(node: ast.expr) -> bool:
    """Return whether an expression can stand in a replacement field: Python 3.11 allows no backslash there."""
    nodes = list(ast.walk(node))
    if any(isinstance(each, ast.Lambda | ast.JoinedStr | ast.Dict) for each in nodes):
        return False
    strings = [each.value for each in nodes if isinstance(each, ast.Constant) and isinstance(each.value, str)]
    return all(text.isprintable() and not _NEEDS_ESCAPE.search(text) for text in strings)


def _can_be_read(node: ast.JoinedStr) -> bool:
    """Return True if Python writes an f-string on one line and reads it back unchanged, whatever quotes it holds."""
    text = ast.unparse(node)
    try:
        read = ast.parse(text, mode="eval").body
    except (SyntaxError, ValueError):
        return False
    return same_tree(read, node) and not text.startswith(("f'''", 'f"""'))


def _in_sum(piece: Piece) -> Part:
    if piece.node is None:
        return piece.text
    if piece.spec:
        return call("format", piece.node, piece.spec)
    return piece.node if piece.is_string else call("str", piece.node)


def concatenated(parts: Sequence[Value], nodes: Sequence[syntax.Node]) -> Value:
    """Translate ``['a' b 'c']``."""
    for part in parts:
        if part.kind not in (Kind.STR, Kind.UNKNOWN, Kind.LOADED, Kind.EMPTY):
            refuse(f"puts {part.kind.value} into a string without num2str")
    pieces: list[Piece] = []
    for part, node in zip(parts, nodes, strict=True):
        if isinstance(node, syntax.Text):
            pieces.append(Piece(node.text))
        elif part.kind is not Kind.EMPTY:
            pieces.extend(_as_pieces(part))
    return formatted(pieces)


def _as_pieces(value: Value) -> list[Piece]:
    """Return a value as pieces of a string."""
    known = pieces_of(value)
    if known is not None:
        return known
    match value.node:
        case ast.Call(ast.Name("str"), [ast.Name() as inner], []):
            return [Piece(node=inner)]
        case _:
            return [Piece(node=expr(value), is_string=value.kind is Kind.STR)]


def pieces_of(value: Value) -> list[Piece] | None:
    """Return the pieces of a literal or of an f-string; None for any other value."""
    match value.node:
        case ast.Constant(str() as text):
            return [Piece(str(text))]
        case ast.JoinedStr(parts):
            return [_piece(part) for part in parts]
        case _:
            return None


def _piece(part: ast.expr) -> Piece:
    match part:
        case ast.FormattedValue(value=node, format_spec=ast.JoinedStr([ast.Constant(spec)])):
            return Piece(node=node, spec=str(spec))
        case ast.FormattedValue(value=node):
            return Piece(node=node)
        case ast.Constant(text):
            return Piece(str(text))
        case _:
            raise TypeError(part)


def number_as_text(value: Value) -> Value:
    """Translate ``num2str(value)``."""
    if value.kind is Kind.STR:
        return value
    if value.kind is Kind.NUM and value.integer:
        known = whole(value)
        return (
            Value(expr(str(known)), Kind.STR)
            if known is not None and known >= 0
            else formatted([Piece(node=expr(value))])
        )
    return Value(call("num2str", value), Kind.STR)


def printed(template: Value, node: syntax.Node, arguments: Sequence[Value]) -> Value:
    """Translate ``sprintf(template, arguments)``."""
    if not isinstance(node, syntax.Text):
        return Value(call("ml.sprintf", template, *arguments), Kind.STR)
    if re.search(r"%[-+ 0#]*\d*\.?\*", node.text):
        refuse("prints with a width that is computed")
    pieces = _pieces(node.text if node.double else unescaped(node.text), arguments)
    if pieces is not None:
        return formatted(pieces)
    options = {"escapes": False} if node.double and "\\" in node.text else {}
    return Value(call("ml.sprintf", literal(node), *arguments, **options), Kind.STR)


def _pieces(template: str, arguments: Sequence[Value]) -> list[Piece] | None:
    """Return the pieces of a template; None if they depend on values at run time."""
    rest = list(arguments)
    pieces: list[Piece] = []
    position = 0
    for found in _DIRECTIVE.finditer(template):
        pieces.append(Piece(template[position : found.start()]))
        position = found.end()
        if found[0] == "%%":
            pieces.append(Piece("%"))
            continue
        piece = _field(found, rest.pop(0)) if rest else None
        if piece is None:
            return None
        pieces.append(piece)
    pieces.append(Piece(template[position:]))
    return None if rest else pieces


def _field(found: re.Match[str], value: Value) -> Piece | None:
    flags, width, precision, kind = found[1], found[2], found[3], found[4]
    match value.node:
        case ast.Constant(str() as text) if found[0] == "%s":
            return Piece(str(text))
        case ast.expr() as node if fits_field(node):
            pass
        case _:
            return None
    if "*" in (width, precision) or "#" in flags or "-" in flags:
        return None
    if kind == "s" and value.kind is Kind.STR and not precision:
        return Piece(node=node, spec=f">{width}" if width else "", is_string=True)
    if kind in "di" and value.kind is Kind.NUM and value.integer and not precision:
        spec = f"{flags}{width or ''}"
        return Piece(node=node, spec=f"{spec}d" if spec else "")
    if kind in "feEgG" and value.kind is Kind.NUM and not value.integer:
        spec = f"{flags}{width or ''}" + (f".{precision}" if precision else "")
        return Piece(node=node, spec=spec + kind)
    return None


def _num2str(arguments: Arguments) -> Value:
    value = arguments.expect(1, 2)[0]
    if len(arguments) == 1:
        return number_as_text(value)
    if arguments.literal(1) is None:
        refuse("calls num2str with a number of digits")
    text = printed(arguments.values[1], arguments.nodes[1], [value])
    padded = _PADDED.search(arguments.literal(1) or "")
    return Value(method(text, "strip"), Kind.STR) if padded else text


def _printed(arguments: Arguments, start: int = 0) -> Value:
    """Translate a format and its values, from argument `start` on."""
    return printed(arguments.values[start], arguments.nodes[start], arguments.values[start + 1 :])


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
    *before, last = pieces_of(value) or [Piece()]
    if not last.text.endswith("\n"):
        return Value(call("print", value, end="", **file), effect=True)
    line = [*before, Piece(last.text[:-1])]
    shown = [] if line == [Piece()] else [joined(line)]
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
    """Return True if one side is a variable of unknown kind: it may hold a list as well as a string."""
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
        refuse(f"reads the number {text!r}")


def _str2double(arguments: Arguments) -> Value:
    return number(call("ml.str2double", *arguments.expect(1)))


def _int2str(arguments: Arguments) -> Value:
    (value,) = arguments.expect(1)
    if value.kind is Kind.NUM and value.integer:
        return number_as_text(value)
    return Value(call("str", call("ml.round_half_away", value)), Kind.STR)


def _message(arguments: Arguments) -> Value:
    """Translate the text of an error or a warning, without the identifier that may come first."""
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
