"""Strings: literals, f-strings, and what sprintf and num2str become."""

from __future__ import annotations

import ast
import re
from collections.abc import Sequence
from dataclasses import dataclass

from hf_matlab_compat.migrate import syntax
from hf_matlab_compat.migrate.build import Part, binary, call, expr, same_tree, whole
from hf_matlab_compat.migrate.syntax import refuse, unescaped
from hf_matlab_compat.migrate.values import Kind, Value

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
    """Pieces without empty ones and without plain text next to plain text."""
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
    """Whether Python writes an f-string on one line and reads it back as the same one, whatever quotes it holds."""
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
    """A value inside an f-string."""
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
    """The pieces of a template, or None where only run time can tell."""
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
