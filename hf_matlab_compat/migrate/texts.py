"""Strings: literals, f-strings, and what sprintf and num2str become."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from hf_matlab_compat.migrate import syntax
from hf_matlab_compat.migrate.context import Context, Untranslatable
from hf_matlab_compat.migrate.literals import SPEC, content, fits_field, part_content, sealed, sealed_part, unescaped
from hf_matlab_compat.migrate.values import Binding, Kind, Value

_DIRECTIVE = re.compile(r"%%|%([-+ 0#]*)(\*|\d+)?(?:\.(\*|\d+))?l?([diufeEgGsxXcob])")
_OF_F_STRING = re.compile("(\ue002[0-9a-f]*\ue003)|\\{([^{}\ue004]*)(?:\ue004([^{}\ue004]*))?\\}")


@dataclass(frozen=True)
class Piece:
    """Part of a string: plain text, or a value with the format that it is printed in."""

    text: str = ""
    value: Value | None = None
    spec: str = ""


quoted = sealed
"""A Python string literal."""


def literal(node: syntax.Text) -> Value:
    """A string in the script."""
    return Value(sealed(node.text), Kind.STR)


def formatted(pieces: Sequence[Piece]) -> Value:
    """A string put together from pieces: plain where it can be, else an f-string, else a sum."""
    only = pieces[0] if len(pieces) == 1 else Piece()
    if only.value is not None and not only.spec and re.fullmatch(r"\w+", only.value.text):
        return Value(f"str({only.value.text})", Kind.STR)
    return joined(pieces)


def joined(pieces: Sequence[Piece]) -> Value:
    """As `formatted`, with an f-string for a single value as well."""
    kept = [piece for piece in pieces if piece.text or piece.value is not None]
    if all(piece.value is None for piece in kept):
        return Value(sealed("".join(piece.text for piece in kept)), Kind.STR)
    fields = [piece.value.text for piece in kept if piece.value is not None]
    if all(map(fits_field, fields)):
        return Value(f'f"{"".join(map(_in_f_string, kept))}"', Kind.STR)
    return Value(" + ".join(map(_in_sum, kept)), Kind.STR, Binding.ADD if len(kept) > 1 else Binding.ATOM)


def _in_f_string(piece: Piece) -> str:
    if piece.value is None:
        return sealed_part(piece.text)
    text = piece.value.text.replace('"', "'")  # no string of the script stands here: they are sealed
    return f"{{{text}{SPEC if piece.spec else ''}{piece.spec}}}"


def _in_sum(piece: Piece) -> str:
    if piece.value is None:
        return sealed(piece.text)
    if piece.spec:
        return f'format({piece.value.text}, "{piece.spec}")'
    return piece.value.at(Binding.ADD) if piece.value.kind is Kind.STR else f"str({piece.value.text})"


def concatenated(parts: Sequence[Value], nodes: Sequence[syntax.Node]) -> Value:
    """``['a' b 'c']``."""
    for part in parts:
        if part.kind not in (Kind.STR, Kind.UNKNOWN, Kind.LOADED, Kind.EMPTY):
            raise Untranslatable(f"puts {part.kind.value} into a string without num2str")
    pieces: list[Piece] = []
    for part, node in zip(parts, nodes, strict=True):
        if isinstance(node, syntax.Text):
            pieces.append(Piece(node.text))
        elif part.kind is not Kind.EMPTY:
            pieces.extend(as_pieces(part))
    return formatted(pieces)


def as_pieces(value: Value) -> list[Piece]:
    """A value inside an f-string."""
    known = pieces_of(value)
    if known is not None:
        return known
    if re.fullmatch(r"str\(\w+\)", value.text):
        return [Piece(value=Value(value.text[4:-1]))]
    return [Piece(value=value)]


def pieces_of(value: Value) -> list[Piece] | None:
    """The pieces of a literal or of an f-string; None for any other value."""
    plain = content(value.text)
    if plain is not None:
        return [Piece(plain)]
    if not value.text.startswith('f"') or not value.text.endswith('"'):
        return None
    pieces = [_piece(found) for found in _OF_F_STRING.finditer(value.text)]
    return pieces if joined(pieces).text == value.text else None


def _piece(found: re.Match[str]) -> Piece:
    part, text, spec = found.groups()
    if part is not None:
        return Piece(part_content(part) or "")
    return Piece(value=Value(text.replace("'", '"')), spec=spec or "")


def number_as_text(value: Value, context: Context) -> Value:
    """``num2str(value)``."""
    if value.kind is Kind.STR:
        return value
    if value.kind is Kind.NUM and value.integer:
        return Value(sealed(value.text), Kind.STR) if value.text.isdigit() else formatted([Piece(value=value)])
    context.needs("from hf_matlab_compat.matlab.logs.num2str import num2str")
    return Value(f"num2str({value.text})", Kind.STR)


def printed(template: Value, node: syntax.Node, arguments: Sequence[Value], context: Context) -> Value:
    """``sprintf(template, arguments)``."""
    if not isinstance(node, syntax.Text):
        return _at_run_time(template, arguments, context)
    if re.search(r"%[-+ 0#]*\d*\.?\*", node.text):
        raise Untranslatable("prints with a width that is computed")
    pieces = _pieces(node.text if node.double else unescaped(node.text), arguments)
    if pieces is not None:
        return formatted(pieces)
    options = ("escapes=False",) if node.double and "\\" in node.text else ()
    return _at_run_time(literal(node), arguments, context, *options)


def _at_run_time(template: Value, arguments: Sequence[Value], context: Context, *options: str) -> Value:
    context.needs("ml")
    given = [template.text, *(value.text for value in arguments), *options]
    return Value(f"ml.sprintf({', '.join(given)})", Kind.STR)


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
    return None if rest else pieces


def _field(found: re.Match[str], value: Value) -> Piece | None:
    flags, width, precision, kind = found[1], found[2], found[3], found[4]
    plain = content(value.text)
    if found[0] == "%s" and plain is not None:
        return Piece(plain)
    if "*" in (width, precision) or not fits_field(value.text) or "#" in flags or "-" in flags:
        return None
    if kind == "s" and value.kind is Kind.STR and not precision:
        return Piece(value=value, spec=f">{width}" if width else "")
    compared = replace(value, text=value.at(Binding.COMPARE), binding=max(value.binding, Binding.COMPARE))
    if kind in "di" and value.kind is Kind.NUM and value.integer and not precision:
        spec = f"{flags}{width or ''}"
        return Piece(value=compared, spec=f"{spec}d" if spec else "")
    if kind in "feEgG" and value.kind is Kind.NUM and not value.integer:
        spec = f"{flags}{width or ''}" + (f".{precision}" if precision else "")
        return Piece(value=compared, spec=spec + kind)
    return None
