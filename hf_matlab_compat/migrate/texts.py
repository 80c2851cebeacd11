"""Strings: quoting, f-strings, and what sprintf and num2str become."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from hf_matlab_compat.migrate import syntax
from hf_matlab_compat.migrate.context import Context, Untranslatable
from hf_matlab_compat.migrate.values import Binding, Kind, Value

_DIRECTIVE = re.compile(r"%%|%([-+ 0#]*)(\*|\d+)?(?:\.(\*|\d+))?l?([diufeEgGsxXcob])")
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "\\": "\\", "a": "\a", "b": "\b", "f": "\f", '"': '"', "'": "'"}


@dataclass(frozen=True)
class Piece:
    """Part of a string: plain text, or a replacement field of an f-string without its braces."""

    text: str
    is_field: bool = False


def quoted(text: str) -> str:
    """A Python string literal as ruff would write it."""
    mark = "'" if text.count('"') > text.count("'") else '"'
    return f"{mark}{_escaped(text, mark)}{mark}"


def _escaped(text: str, mark: str) -> str:
    return "".join(
        "\\" + character if character == mark else character if character in "\"'" else repr(character)[1:-1]
        for character in text
    )


def literal(node: syntax.Text) -> Value:
    """A string in the script."""
    return Value(quoted(unescaped(node.text) if node.double else node.text), Kind.STR)


def unescaped(text: str) -> str:
    """Backslash sequences of a format as the characters they mean."""
    return re.sub(r"\\(.)", lambda found: _ESCAPES.get(found[1], found[0]), text, flags=re.DOTALL)


def formatted(pieces: Sequence[Piece]) -> Value:
    """A string put together from pieces: plain where it can be, else an f-string."""
    if not any(piece.is_field for piece in pieces):
        return Value(quoted("".join(piece.text for piece in pieces)), Kind.STR)
    if len(pieces) == 1 and re.fullmatch(r"\w+", pieces[0].text):
        return Value(f"str({pieces[0].text})", Kind.STR)
    body = "".join("{" + piece.text + "}" if piece.is_field else _plain(piece.text) for piece in pieces)
    return Value(f'f"{body}"', Kind.STR)


def concatenated(parts: Sequence[Value], nodes: Sequence[syntax.Node]) -> Value:
    """``['a' b 'c']``."""
    for part in parts:
        if part.kind not in (Kind.STR, Kind.UNKNOWN, Kind.LOADED, Kind.EMPTY):
            raise Untranslatable(f"puts {part.kind.value} into a string without num2str")
    pieces: list[Piece] = []
    for part, node in zip(parts, nodes, strict=True):
        if isinstance(node, syntax.Text):
            pieces.append(Piece(unescaped(node.text) if node.double else node.text))
        elif part.kind is not Kind.EMPTY:
            pieces.extend(as_pieces(part))
    return formatted(pieces)


def as_pieces(value: Value) -> list[Piece]:
    """A value inside an f-string."""
    text = value.text
    if text.startswith('f"') and "\\" not in text and text.count('"') == 2:
        return [*_fields_of(text[2:-1])]
    if re.fullmatch(r"str\(\w+\)", text):
        return [Piece(text[4:-1], True)]
    if '"' in text:
        text = text.replace('"', "'")
    if "\\" in text or text.startswith("{") or "lambda" in text:
        raise Untranslatable("puts an expression into a string that an f-string cannot hold")
    return [Piece(text, True)]


def number_as_text(value: Value, context: Context) -> Value:
    """``num2str(value)``."""
    if value.kind is Kind.STR:
        return value
    if value.kind is Kind.NUM and value.integer:
        return formatted([Piece(value.text, True)]) if not value.text.isdigit() else Value(quoted(value.text), Kind.STR)
    context.needs("from hf_matlab_compat.matlab.num2str import num2str")
    return Value(f"num2str({value.text})", Kind.STR)


def printed(template: Value, node: syntax.Node, arguments: Sequence[Value], context: Context) -> Value:
    """``sprintf(template, arguments)``."""
    if not isinstance(node, syntax.Text):
        return _at_run_time(template, arguments, context)
    if re.search(r"%[-+ 0#]*\d*\.?\*", node.text):
        raise Untranslatable("prints with a width that is computed")
    pieces = _pieces(unescaped(node.text), arguments)
    if pieces is not None:
        return formatted(pieces)
    return _at_run_time(literal(node), arguments, context)


def _at_run_time(template: Value, arguments: Sequence[Value], context: Context) -> Value:
    context.needs("ml")
    return Value(f"ml.sprintf({', '.join([template.text, *(value.text for value in arguments)])})", Kind.STR)


def _pieces(template: str, arguments: Sequence[Value]) -> list[Piece] | None:
    """The f-string for a template, or None where only run time can tell."""
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
    return None if rest else [piece for piece in pieces if piece.text]


def _field(found: re.Match[str], value: Value) -> Piece | None:
    flags, width, precision, kind = found[1], found[2], found[3], found[4]
    if "*" in (width, precision) or '"' in value.text or "\\" in value.text or "#" in flags:
        return None
    if kind == "s" and value.kind is Kind.STR and not precision and "-" not in flags:
        return Piece(value.text + (f":>{width}" if width else ""), True)
    if kind in "di" and value.kind is Kind.NUM and value.integer and not precision and "-" not in flags:
        spec = f"{flags}{width or ''}"
        return Piece(_field_text(value) + (f":{spec}d" if spec else ""), True)
    if kind in "feEgG" and value.kind is Kind.NUM and not value.integer and "-" not in flags:
        spec = f"{flags}{width or ''}" + (f".{precision}" if precision else "")
        return Piece(f"{_field_text(value)}:{spec}{kind}", True)
    return None


def _field_text(value: Value) -> str:
    return value.at(Binding.COMPARE)


def _plain(text: str) -> str:
    return _escaped(text, '"').replace("{", "{{").replace("}", "}}")


def _fields_of(body: str) -> list[Piece]:
    """The pieces of an f-string this module wrote, so that strings in strings become one."""
    pieces: list[Piece] = []
    for found in re.finditer(r"\{\{|\}\}|\{([^{}]*)\}|([^{}]+)", body):
        if found[1] is not None:
            pieces.append(Piece(found[1], True))
        else:
            pieces.append(Piece(found[2] or found[0][0]))
    return pieces
