"""Functions that make arrays, ask for their sizes, or rearrange them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from hf_matlab_compat.migrate import syntax
from hf_matlab_compat.migrate.arguments import Arguments, Outputs, Table, Translator, method
from hf_matlab_compat.migrate.context import python_name
from hf_matlab_compat.migrate.operators import as_numbers
from hf_matlab_compat.migrate.syntax import Untranslatable
from hf_matlab_compat.migrate.values import SHAPED, Binding, Kind, Value, integer


def made_of_shape(arguments: Arguments, count: int) -> tuple[str, Kind, bool]:
    """The shape asked for by the first `count` arguments of ``zeros(…)``: its text, its kind, whether it is n-d."""
    if count == 1:
        value = arguments.values[0]
        if value.kind is Kind.NUM:
            size = arguments.whole(0)
            return f"({size}, {size})", Kind.ARRAY, False
        arguments.context.needs("ml")
        return f"ml.shape({value.text})", Kind.ARRAY, True
    sizes = [arguments.whole(place) for place in range(count)]
    while len(sizes) > 2 and sizes[-1] == "1":
        sizes.pop()
    count = len(sizes)
    if count == 2 and sizes[0] == "1":
        return sizes[1], Kind.ROW, False
    kind = Kind.COLUMN if count == 2 and sizes[1] == "1" else Kind.ARRAY
    if count > 2 and not sizes[-1].isdigit():
        arguments.context.needs("ml")
        return f"ml.shape(({', '.join(sizes)}))", kind, True
    return f"({', '.join(sizes)})", kind, count > 2


def _filled(name: str, scalar: str) -> Translator:
    def translator(arguments: Arguments) -> Value:
        nodes = arguments.nodes
        dtype = arguments.literal(len(nodes) - 1) if nodes else None
        count = len(nodes) - (dtype is not None)
        if count == 0:
            return Value(scalar, Kind.NUM)
        if dtype not in (None, "single", "double"):
            raise Untranslatable(f"makes an array of class {dtype}")
        shape, kind, nd = made_of_shape(arguments, count)
        arguments.context.needs("np")
        text = f"np.{name}({shape})"
        if dtype == "single":
            arguments.context.needs("ml")
            text = f"ml.single({text})"
        return Value(text, kind, nd=nd)

    return translator


def _truths(word: str) -> Translator:
    def translator(arguments: Arguments) -> Value:
        shape, kind, nd = made_of_shape(arguments, len(arguments))
        arguments.context.needs("np")
        return Value(f"np.full({shape}, {word})", kind, logical=True, nd=nd)

    return translator


def _eye(arguments: Arguments) -> Value:
    arguments.expect(1, 2)
    arguments.context.needs("np")
    return Value(f"np.eye({', '.join(arguments.whole(place) for place in range(len(arguments)))})", Kind.ARRAY)


def _size(arguments: Arguments) -> Value:
    value = arguments.expect(1, 2)[0]
    if len(arguments) == 1:
        arguments.context.needs("np")
        if value.kind in SHAPED and value.kind is not Kind.ROW:
            return Value(f"np.array({value.at(Binding.ATOM)}.shape)", Kind.ROW, integer=True)
        arguments.context.needs("ml")
        return Value(f"np.array(ml.size({value.as_two_dimensional().text}))", Kind.ROW, integer=True)
    axis = arguments.dimension(1) or 0
    return _size_along(value, axis, arguments)


def _size_along(value: Value, axis: int, arguments: Arguments) -> Value:
    if value.kind is Kind.ROW:
        return integer(f"len({value.text})" if axis == 1 else "1")
    if value.kind in SHAPED and axis < 2:
        return integer(method(value, f"shape[{axis}]"))
    arguments.context.needs("ml")
    return integer(f"ml.size({value.text}, {axis + 1})")


def _length(arguments: Arguments) -> Value:
    (value,) = arguments.expect(1)
    if value.kind in (Kind.ROW, Kind.CELL, Kind.STR, Kind.COLUMN) and not value.nd:
        return integer(f"len({value.text})")
    arguments.context.needs("ml")
    return integer(f"ml.length({value.text})")


def _numel(arguments: Arguments) -> Value:
    (value,) = arguments.expect(1)
    if value.kind in (Kind.CELL, Kind.STR):
        return integer(f"len({value.text})")
    if value.kind in SHAPED:
        return integer(method(value, "size"))
    arguments.context.needs("ml")
    return integer(f"ml.numel({value.text})")


def _isempty(arguments: Arguments) -> Value:
    (value,) = arguments.expect(1)
    if value.kind in (Kind.CELL, Kind.STR):
        return Value(f"not {value.at(Binding.NOT)}", Kind.NUM, logical=True)
    if value.kind in (Kind.ROW, Kind.COLUMN, Kind.ARRAY):
        return Value(f"{value.at(Binding.ATOM)}.size == 0", Kind.NUM, logical=True)
    arguments.context.needs("ml")
    return Value(f"ml.isempty({value.text})", Kind.NUM, logical=True)


def _repmat(arguments: Arguments) -> Value:
    arguments.expect(2, 3, 4)
    value = arguments.values[0]
    arguments.context.needs("np")
    counts = arguments.nodes[1:]
    if len(counts) == 1 and isinstance(counts[0], syntax.Matrix) and len(counts[0].rows) == 1:
        counts = counts[0].rows[0]
    sizes = Arguments("repmat", counts, arguments.context)
    like = _like_size(counts[0], arguments) if len(counts) == 1 else None
    if like is not None:
        shape = like
    elif len(sizes) == 1:
        shape = f"({sizes.whole(0)}, {sizes.whole(0)})"
    else:
        shape = f"({', '.join(sizes.whole(place) for place in range(len(sizes)))})"
    if isinstance(arguments.nodes[0], syntax.CellLiteral) and not value.owner and value.kind is Kind.CELL:
        return _repeated_cells(value, sizes)
    if value.kind in (Kind.STR, Kind.CELL, Kind.STRUCT):
        raise Untranslatable(f"repeats {value.kind.value}")
    if value.kind is Kind.NUM:
        number = f"{value.text}.0" if value.text.isdigit() else f"1.0 * {value.at(Binding.UNARY)}"
        return Value(f"np.full({shape}, {number})", Kind.ARRAY, nd=len(sizes) > 2)
    if len(sizes) > 2 or value.nd or like is not None:
        arguments.context.needs("ml")
        return Value(f"ml.repmat({value.text}, {shape})", Kind.ARRAY, logical=value.logical, nd=True)
    return Value(f"np.tile({value.text}, {shape})", Kind.ARRAY, logical=value.logical)


def _repeated_cells(value: Value, sizes: Arguments) -> Value:
    """``repmat({'logistic'}, 1, n)``."""
    counts = [sizes.whole(place) for place in range(len(sizes))]
    if len(counts) != 2 or "1" not in counts or "np." in value.text or "ml." in value.text:
        raise Untranslatable("repeats a cell array of several dimensions or of arrays")
    count = integer(counts[1] if counts[0] == "1" else counts[0])
    text = count.text if count.text.isalnum() else f"({count.text})"
    made = Value(f"{value.at(Binding.MULTIPLY)} * {text}", Kind.CELL)
    if counts[0] == "1" and not value.nd:
        return made
    if value.nd:
        raise Untranslatable("repeats a cell array of several dimensions or of arrays")
    sizes.context.needs("ml")
    return Value(f"ml.transposed({made.text})", Kind.CELL, nd=True)


def _like_size(node: syntax.Node, arguments: Arguments) -> str | None:
    """For ``size(x)``: the shape of x."""
    if not isinstance(node, syntax.Apply) or node.base != syntax.Name("size") or len(node.arguments) != 1:
        return None
    value = arguments.context(node.arguments[0])
    if value.kind in (Kind.COLUMN, Kind.ARRAY, Kind.LOADED):
        return method(value, "shape")
    arguments.context.needs("ml")
    return f"ml.size({value.as_two_dimensional().text})"


def _reshape(arguments: Arguments) -> Value:
    value = arguments.values[0]
    if len(arguments) == 2:
        given = arguments.nodes[1]
        if not (isinstance(given, syntax.Matrix) and len(given.rows) == 1):
            arguments.context.needs("ml")
            text = method(value, f'reshape(ml.shape({arguments.values[1].text}), order="F")')
            return _reshaped(value, text, Kind.ARRAY, True, arguments)
        nodes = given.rows[0]
    else:
        nodes = arguments.nodes[1:]
    sizes = Arguments("reshape", nodes, arguments.context)
    shape = ["-1" if node == syntax.Matrix(()) else sizes.whole(place) for place, node in enumerate(nodes)]
    while len(shape) > 2 and shape[-1] == "1":
        shape.pop()
    kind = Kind.COLUMN if len(shape) == 2 and shape[1] == "1" else Kind.ARRAY
    text = f'reshape(({", ".join(shape)}), order="F")'
    made = _reshaped(value, method(value, text), kind, len(shape) > 2, arguments)
    if len(shape) < 3 or shape[-1].isdigit():
        return made
    arguments.context.needs("ml")
    return replace(made, node=f"ml.trimmed({made.text})")


def _reshaped(value: Value, text: str, kind: Kind, nd: bool, arguments: Arguments) -> Value:
    if value.kind not in SHAPED:
        arguments.context.needs("np")
        text = f"np.asarray({value.text})" + text[len(value.at(Binding.ATOM)) :]
    return Value(text, kind, logical=value.logical, nd=nd, owner=value.owner)


def _permute(arguments: Arguments) -> Value:
    value, _ = arguments.expect(2)
    given = arguments.nodes[1]
    if not (isinstance(given, syntax.Matrix) and len(given.rows) == 1):
        raise Untranslatable("permutes dimensions that are not written out")
    order = [node.text for node in given.rows[0] if isinstance(node, syntax.Number) and node.text.isdigit()]
    if sorted(order) != [str(k + 1) for k in range(len(given.rows[0]))]:
        raise Untranslatable("permutes dimensions that are not written out")
    axes = ", ".join(str(int(k) - 1) for k in order)
    if len(order) > 2 or value.nd or value.kind not in SHAPED:
        arguments.context.needs("ml")
        text = f"ml.permute({value.as_two_dimensional().text}, ({axes}))"
        return Value(text, Kind.ARRAY, nd=len(order) > 2 or value.nd, owner=value.owner)
    arguments.context.needs("np")
    value = value.as_two_dimensional()
    return Value(f"np.transpose({value.text}, ({axes}))", Kind.ARRAY, nd=len(order) > 2, owner=value.owner)


def _cat(arguments: Arguments) -> Value:
    axis = arguments.dimension(0) or 0
    parts = arguments.values[1:]
    solid = all(value.kind in (Kind.COLUMN, Kind.ARRAY) for value in parts)
    if solid and axis < 2:
        arguments.context.needs("np")
        return Value(f"np.concatenate([{', '.join(value.text for value in parts)}], axis={axis})", Kind.ARRAY)
    arguments.context.needs("ml")
    given = ", ".join(value.as_two_dimensional().text for value in parts)
    return Value(f"ml.cat({axis}, {given})", Kind.ARRAY, nd=axis > 1)


def _stack(axis: int) -> Translator:
    def translator(arguments: Arguments) -> Value:
        return _cat(Arguments("cat", (syntax.Number(str(axis + 1)), *arguments.nodes), arguments.context))

    return translator


def _of_numpy(name: str, count: int) -> Translator:
    def translator(arguments: Arguments) -> Value:
        values = arguments.expect(count)
        arguments.refuse_texts()
        arguments.context.needs("np")
        given = [(as_numbers(value) if count > 1 else value).as_two_dimensional().text for value in values]
        return Value(f"np.{name}({', '.join(given)})", Kind.ARRAY)

    return translator


def _squeeze(arguments: Arguments) -> Value:
    (value,) = arguments.expect(1)
    arguments.context.needs("ml")
    return Value(f"ml.squeeze({value.text})", Kind.LOADED)


def _linspace(arguments: Arguments) -> Value:
    first, last, *_ = arguments.expect(2, 3)
    arguments.refuse_texts()
    arguments.context.needs("ml")
    count = f", {arguments.whole(2)}" if len(arguments) == 3 else ""
    return Value(f"ml.linspace({first.text}, {last.text}{count})", Kind.ROW)


def _cells(arguments: Arguments) -> Value:
    arguments.expect(1, 2)
    if len(arguments) == 1 and arguments.values[0].kind is not Kind.NUM:
        arguments.context.needs("ml")
        return Value(f"ml.cells(*ml.shape({arguments.values[0].text}))", Kind.CELL, nd=True)
    sizes = [arguments.whole(place) for place in range(len(arguments))]
    size = sizes[-1]
    if sizes[0] != "1" or len(sizes) == 1:
        arguments.context.needs("ml")
        return Value(f"ml.cells({sizes[0]}, {size})", Kind.CELL, nd=True)
    return Value(f"[None] * {size if size.isalnum() else f'({size})'}", Kind.CELL)


def _struct(arguments: Arguments) -> Value:
    arguments.context.needs("ml")
    names = [arguments.literal(place) for place in range(0, len(arguments), 2)]
    if len(arguments) % 2 or any(name is None or not name.isidentifier() for name in names):
        raise Untranslatable("makes a struct of fields that are not written out")
    if any(value.kind is Kind.CELL for value in arguments.values[1::2]):
        raise Untranslatable("makes an array of structs")
    given = [value.as_two_dimensional().text for value in arguments.values[1::2]]
    fields = [f"{python_name(str(name))}={text}" for name, text in zip(names, given, strict=True)]
    return Value(f"ml.Struct({', '.join(fields)})", Kind.STRUCT)


def _isfield(arguments: Arguments) -> Value:
    base, name = arguments.expect(2)
    if name.kind is Kind.CELL:
        raise Untranslatable("asks for several fields at once")
    arguments.context.needs("ml")
    return Value(f"hasattr({base.text}, ml.field({name.text}))", Kind.NUM, logical=True)


def _sizes(arguments: Arguments, wanted: int) -> tuple[str, list[Value]]:
    (value,) = arguments.expect(1)
    known = [integer("")] * wanted
    if value.kind in (Kind.COLUMN, Kind.ARRAY, Kind.LOADED) and not value.nd and wanted == 2:
        return method(value, "shape"), known
    arguments.context.needs("ml")
    return f"ml.sizes({value.as_two_dimensional().text}, {wanted})", known


WITH_OUTPUTS: Mapping[str, Outputs] = {"size": _sizes}
"""Functions whose several outputs are understood."""

TABLE: Table = {
    "zeros": _filled("zeros", "0.0"),
    "ones": _filled("ones", "1.0"),
    "true": _truths("True"),
    "false": _truths("False"),
    "eye": _eye,
    "size": _size,
    "length": _length,
    "numel": _numel,
    "isempty": _isempty,
    "repmat": _repmat,
    "reshape": _reshape,
    "permute": _permute,
    "squeeze": _squeeze,
    "cat": _cat,
    "horzcat": _stack(1),
    "vertcat": _stack(0),
    "kron": _of_numpy("kron", 2),
    "fliplr": _of_numpy("fliplr", 1),
    "flipud": _of_numpy("flipud", 1),
    "linspace": _linspace,
    "cell": _cells,
    "struct": _struct,
    "isfield": _isfield,
}
