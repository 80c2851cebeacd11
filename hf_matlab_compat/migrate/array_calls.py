"""Functions that make arrays, draw them, ask for their sizes, or rearrange them."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from dataclasses import replace

from hf_matlab_compat.migrate import syntax
from hf_matlab_compat.migrate.arguments import Arguments, Outputs, Routine, Table, Translator
from hf_matlab_compat.migrate.context import python_name
from hf_matlab_compat.migrate.operators import as_numbers
from hf_matlab_compat.migrate.syntax import refuse
from hf_matlab_compat.migrate.values import (
    SHAPED,
    Kind,
    Part,
    Value,
    attribute,
    binary,
    call,
    called,
    compare,
    expr,
    integer,
    is_count,
    item,
    method,
    number,
    starred,
    unary,
    uses,
    whole,
)

_STATES = ("state", "twister")
_OLD_STATES = ("seed", "v4", "v5uniform", "v5normal")
_UNSEEDED = "left out: without a seed the draws differ each time as it is"
_NOT_REPRODUCED = "seeds with rng, whose draws cannot all be reproduced; streams='matlab' knows its rand"
_NOT_WRITTEN = "permutes dimensions that are not written out"


def _shape(arguments: Arguments, count: int) -> tuple[ast.expr, Kind, bool]:
    """Return the shape that the first `count` arguments of ``zeros(…)`` ask for, its kind, and if it may be n-d."""
    if count == 1:
        if arguments.values[0].kind is Kind.NUM:
            return expr((arguments.whole(0), arguments.whole(0))), Kind.ARRAY, False
        return call("ml.shape", arguments.values[0]), Kind.ARRAY, True
    sizes = _without_ones([arguments.whole(place) for place in range(count)])
    count = len(sizes)
    if count == 2 and whole(sizes[0]) == 1:
        return sizes[1], Kind.ROW, False
    kind = Kind.COLUMN if count == 2 and whole(sizes[1]) == 1 else Kind.ARRAY
    if count > 2 and not is_count(sizes[-1]):
        return call("ml.shape", tuple(sizes)), kind, True
    return expr(tuple(sizes)), kind, count > 2


def _without_ones(sizes: Sequence[ast.expr]) -> list[ast.expr]:
    """Return sizes without those of 1 after the second."""
    kept = list(sizes)
    while len(kept) > 2 and whole(kept[-1]) == 1:
        kept.pop()
    return kept


def _filled(numpy: str, scalar: float) -> Translator:
    def translator(arguments: Arguments) -> Value:
        nodes = arguments.nodes
        dtype = arguments.literal(len(nodes) - 1) if nodes else None
        count = len(nodes) - (dtype is not None)
        if count == 0:
            return number(expr(scalar))
        if dtype not in (None, "single", "double"):
            refuse(f"makes an array of class {dtype}")
        shape, kind, nd = _shape(arguments, count)
        made = call(numpy, shape)
        return Value(call("ml.single", made) if dtype == "single" else made, kind, nd=nd)

    return translator


def _truths(word: bool) -> Translator:
    def translator(arguments: Arguments) -> Value:
        shape, kind, nd = _shape(arguments, len(arguments))
        return Value(call("np.full", shape, word), kind, logical=True, nd=nd)

    return translator


def _eye(arguments: Arguments) -> Value:
    arguments.expect(1, 2)
    return Value(call("np.eye", *arguments.wholes()), Kind.ARRAY)


def _size(arguments: Arguments) -> Value:
    value = arguments.expect(1, 2)[0]
    if len(arguments) == 1:
        known = value.kind in SHAPED and value.kind is not Kind.ROW
        shape = attribute(value, "shape") if known else call("ml.size", value.as_two_dimensional())
        return Value(call("np.array", shape), Kind.ROW, integer=True)
    axis = arguments.dimension(1) or 0
    if value.kind is Kind.ROW:
        return integer(call("len", value) if axis == 1 else expr(1))
    if value.kind in SHAPED and axis < 2:
        return integer(item(attribute(value, "shape"), axis))
    return integer(call("ml.size", value, axis + 1))


def _length(arguments: Arguments) -> Value:
    (value,) = arguments.expect(1)
    known = value.kind in (Kind.ROW, Kind.CELL, Kind.STR, Kind.COLUMN) and not value.nd
    return integer(call("len" if known else "ml.length", value))


def _numel(arguments: Arguments) -> Value:
    (value,) = arguments.expect(1)
    if value.kind in SHAPED:
        return integer(attribute(value, "size"))
    return integer(call("len" if value.kind in (Kind.CELL, Kind.STR) else "ml.numel", value))


def _isempty(arguments: Arguments) -> Value:
    (value,) = arguments.expect(1)
    made = call("ml.isempty", value)
    if value.kind in (Kind.CELL, Kind.STR):
        made = unary("not", value)
    elif value.kind in (Kind.ROW, Kind.COLUMN, Kind.ARRAY):
        made = compare(attribute(value, "size"), "==", 0)
    return Value(made, Kind.NUM, logical=True)


def _repmat(arguments: Arguments) -> Value:
    arguments.expect(2, 3, 4)
    value, counts = arguments.values[0], arguments.nodes[1:]
    if len(counts) == 1 and isinstance(counts[0], syntax.Matrix) and len(counts[0].rows) == 1:
        counts = counts[0].rows[0]
    sizes = Arguments("repmat", counts, arguments.context)
    like = sizes.sized_as(0) if len(counts) == 1 else None
    shape = _times(sizes) if like is None else _shape_of(like)
    if isinstance(arguments.nodes[0], syntax.CellLiteral) and not value.owner and value.kind is Kind.CELL:
        return _repeated_cells(value, sizes)
    if value.kind in (Kind.STR, Kind.CELL, Kind.STRUCT):
        refuse(f"repeats {value.kind.value}")
    if value.kind is Kind.NUM:
        entry = expr(float(whole(value) or 0)) if is_count(value) else binary(1.0, "*", value)
        return Value(call("np.full", shape, entry), Kind.ARRAY, nd=len(sizes) > 2)
    nd = len(sizes) > 2 or value.nd or like is not None
    return Value(call("ml.repmat" if nd else "np.tile", value, shape), Kind.ARRAY, logical=value.logical, nd=nd)


def _times(sizes: Arguments) -> ast.expr:
    counts = sizes.wholes()
    return expr((counts[0], counts[0]) if len(counts) == 1 else tuple(counts))


def _shape_of(value: Value) -> ast.expr:
    known = value.kind in (Kind.COLUMN, Kind.ARRAY, Kind.LOADED)
    return attribute(value, "shape") if known else call("ml.size", value.as_two_dimensional())


def _repeated_cells(value: Value, sizes: Arguments) -> Value:
    """Translate ``repmat({'logistic'}, 1, n)``."""
    counts = sizes.wholes()
    ones = [whole(each) == 1 for each in counts]
    if len(counts) != 2 or not any(ones) or value.nd or uses(value, "np", "ml"):
        refuse("repeats a cell array of several dimensions or of arrays")
    made = binary(value, "*", counts[1] if ones[0] else counts[0])
    return Value(made if ones[0] else call("ml.transposed", made), Kind.CELL, nd=not ones[0])


def _reshape(arguments: Arguments) -> Value:
    value, nodes = arguments.values[0], arguments.nodes[1:]
    if len(nodes) == 1:
        if not (isinstance(nodes[0], syntax.Matrix) and len(nodes[0].rows) == 1):
            return _reshaped(value, call("ml.shape", arguments.values[1]), Kind.ARRAY, nd=True)
        nodes = nodes[0].rows[0]
    sizes = Arguments("reshape", nodes, arguments.context)
    shape = _without_ones(
        [expr(-1) if node == syntax.Matrix(()) else sizes.whole(place) for place, node in enumerate(nodes)]
    )
    kind = Kind.COLUMN if len(shape) == 2 and whole(shape[1]) == 1 else Kind.ARRAY
    made = _reshaped(value, expr(tuple(shape)), kind, nd=len(shape) > 2)
    trimmed = len(shape) > 2 and not is_count(shape[-1])
    return replace(made, node=call("ml.trimmed", made)) if trimmed else made


def _reshaped(value: Value, shape: ast.expr, kind: Kind, *, nd: bool) -> Value:
    base = value if value.kind in SHAPED else call("np.asarray", value)
    return Value(method(base, "reshape", shape, order="F"), kind, logical=value.logical, nd=nd, owner=value.owner)


def _permute(arguments: Arguments) -> Value:
    value, _ = arguments.expect(2)
    given = arguments.nodes[1]
    if not (isinstance(given, syntax.Matrix) and len(given.rows) == 1):
        refuse(_NOT_WRITTEN)
    order = [int(node.text) for node in given.rows[0] if isinstance(node, syntax.Number) and node.text.isdigit()]
    if sorted(order) != list(range(1, len(given.rows[0]) + 1)):
        refuse(_NOT_WRITTEN)
    plain = len(order) == 2 and not value.nd and value.kind in SHAPED
    made = call(
        "np.transpose" if plain else "ml.permute", value.as_two_dimensional(), tuple(axis - 1 for axis in order)
    )
    return Value(made, Kind.ARRAY, nd=not plain and (len(order) > 2 or value.nd), owner=value.owner)


def _cat(arguments: Arguments) -> Value:
    return _joined(arguments.dimension(0) or 0, arguments.values[1:])


def _joined(axis: int, parts: list[Value]) -> Value:
    if axis < 2 and all(value.kind in (Kind.COLUMN, Kind.ARRAY) for value in parts):
        return Value(call("np.concatenate", [*parts], axis=axis), Kind.ARRAY)
    given = [value.as_two_dimensional() for value in parts]
    return Value(call("ml.cat", axis, *given), Kind.ARRAY, nd=axis > 1)


def _kron(arguments: Arguments) -> Value:
    values = [as_numbers(value) for value in arguments.numbers(2)]
    return Routine(Kind.ARRAY, function="np.kron").of("kron", *values)


def _linspace(arguments: Arguments) -> Value:
    first, last, *_ = arguments.numbers(2, 3)
    return Value(call("ml.linspace", first, last, *arguments.wholes(2)), Kind.ROW)


def _cells(arguments: Arguments) -> Value:
    arguments.expect(1, 2)
    if len(arguments) == 1 and arguments.values[0].kind is not Kind.NUM:
        return Value(call("ml.cells", starred(call("ml.shape", arguments.values[0]))), Kind.CELL, nd=True)
    rows, *columns = arguments.wholes()
    if whole(rows) != 1 or not columns:
        return Value(call("ml.cells", rows, *(columns or [rows])), Kind.CELL, nd=True)
    return Value(binary([None], "*", columns[0]), Kind.CELL)


def _struct(arguments: Arguments) -> Value:
    names = [arguments.literal(place) for place in range(0, len(arguments), 2)]
    if len(arguments) % 2 or any(each is None or not each.isidentifier() for each in names):
        refuse("makes a struct of fields that are not written out")
    given = arguments.values[1::2]
    if any(value.kind is Kind.CELL for value in given):
        refuse("makes an array of structs")
    fields: dict[str, Part] = {
        python_name(str(each)): value.as_two_dimensional() for each, value in zip(names, given, strict=True)
    }
    return Value(call("ml.Struct", **fields), Kind.STRUCT)


def _isfield(arguments: Arguments) -> Value:
    base, field = arguments.expect(2)
    if field.kind is Kind.CELL:
        refuse("asks for several fields at once")
    return Value(call("hasattr", base, call("ml.field", field)), Kind.NUM, logical=True)


def _sizes(arguments: Arguments, wanted: int) -> tuple[ast.expr, list[Value]]:
    """Translate ``[m, n] = size(x)``."""
    (value,) = arguments.expect(1)
    known = value.kind in (Kind.COLUMN, Kind.ARRAY, Kind.LOADED) and not value.nd and wanted == 2
    made = attribute(value, "shape") if known else call("ml.sizes", value.as_two_dimensional(), wanted)
    return made, [Value(kind=Kind.NUM, integer=True)] * wanted


def _draw(arguments: Arguments) -> Value:
    """Translate ``rand`` and ``randn``: a draw or a seed."""
    context, drawn = arguments.context, f"random.{arguments.name}"
    context.shared.uses_random = True
    word, last = arguments.literal(0), arguments.literal(len(arguments) - 1) if arguments.nodes else None
    if word is not None:
        return _seed(word, arguments)
    if last == "double":
        return _draw(Arguments(arguments.name, arguments.nodes[:-1], context))
    if last is not None:
        refuse(f"draws in single precision or in another way from {arguments.name}, which is another sequence")
    if not arguments.nodes:
        return number(method(call(drawn), "item"))
    like = arguments.sized_as(0)
    if like is None:
        shape, kind, nd = _shape(arguments, len(arguments))
        return Value(call(drawn, *_unpacked(shape)), kind, nd=nd)
    if like.kind in SHAPED:
        return Value(call(drawn, starred(attribute(like, "shape"))), like.kind, nd=like.nd)
    return Value(call(drawn, starred(call("ml.size", like))), Kind.ARRAY)


def _unpacked(shape: ast.expr) -> list[ast.expr]:
    """Return a shape as separate arguments."""
    if isinstance(shape, ast.Tuple):
        return shape.elts
    return [starred(shape) if called(shape) == "ml.shape" else shape]


def _seed(word: str, arguments: Arguments) -> Value:
    name_, context = arguments.name, arguments.context
    if word in _OLD_STATES or word not in _STATES:
        refuse(f"seeds {name_} with '{word}', a generator that cannot be reproduced")
    if len(arguments) != 2:
        refuse(f"asks for the state of {name_}")
    if any(part in (syntax.Name("clock"), syntax.Name("now")) for part in arguments.nodes[1].walk()):
        context.replaced_by(_UNSEEDED)
        return Value()
    if name_ == "rand" and word == "state" and context.shared.streams == "matlab":
        refuse("seeds MATLAB's rand with 'state', a generator that cannot be reproduced")
    return Value(call(f"random.seed_{name_}", arguments.whole(1)), effect=True)


def _rng(arguments: Arguments) -> Value:
    context = arguments.context
    context.shared.uses_random = True
    if arguments.literal(0) == "shuffle":
        context.replaced_by(_UNSEEDED)
        return Value()
    if context.shared.streams != "matlab" or arguments.literal(0) is not None or len(arguments) != 1:
        refuse(_NOT_REPRODUCED)
    context.notes.append("randn after rng cannot be reproduced and will say so; rand and randperm can")
    return Value(call("random.seed_rand", arguments.whole(0)), effect=True)


def _randperm(arguments: Arguments) -> Value:
    arguments.expect(1, 2)
    arguments.context.shared.uses_random = True
    return Value(call("random.randperm", *arguments.wholes()), Kind.ROW, integer=True)


def _randi(arguments: Arguments) -> Value:
    arguments.context.shared.uses_random = True
    if arguments.values[0].kind is not Kind.NUM:
        refuse("calls randi with a range")
    rest = Arguments("randi", arguments.nodes[1:], arguments.context)
    if not rest.nodes:
        return integer(method(call("random.randi", arguments.whole(0)), "item"))
    shape, kind, _nd = _shape(rest, len(rest))
    return Value(call("random.randi", arguments.whole(0), *_unpacked(shape)), kind, integer=True)


WITH_OUTPUTS: Mapping[str, Outputs] = {"size": _sizes}
"""Functions whose several outputs are understood."""

TABLE: Table = {
    "zeros": _filled("np.zeros", 0.0),
    "ones": _filled("np.ones", 1.0),
    "true": _truths(True),
    "false": _truths(False),
    "eye": _eye,
    "rand": _draw,
    "randn": _draw,
    "randperm": _randperm,
    "randi": _randi,
    "rng": _rng,
    "size": _size,
    "length": _length,
    "numel": _numel,
    "isempty": _isempty,
    "repmat": _repmat,
    "reshape": _reshape,
    "permute": _permute,
    "squeeze": Routine(Kind.LOADED, numbers=False),
    "cat": _cat,
    "horzcat": lambda arguments: _joined(1, arguments.values),
    "vertcat": lambda arguments: _joined(0, arguments.values),
    "kron": _kron,
    "fliplr": Routine(Kind.ARRAY, function="np.fliplr"),
    "flipud": Routine(Kind.ARRAY, function="np.flipud"),
    "linspace": _linspace,
    "cell": _cells,
    "struct": _struct,
    "isfield": _isfield,
}
