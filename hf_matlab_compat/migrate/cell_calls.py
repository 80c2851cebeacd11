"""Functions that are given functions or cells: feval, cellfun, arrayfun, cell2mat, strsplit and their like."""

from __future__ import annotations

from hf_matlab_compat.migrate import syntax
from hf_matlab_compat.migrate.arguments import Arguments, Outputs, Table, Translator
from hf_matlab_compat.migrate.syntax import Untranslatable
from hf_matlab_compat.migrate.values import Kind, Value

_FALSE = (syntax.Name("false"), syntax.Number("0"))
_TRUE = (syntax.Name("true"), syntax.Number("1"))


def _function(arguments: Arguments, arity: int) -> str:
    """The function that a call is given first: a handle, its name in a string, or a variable."""
    node = arguments.nodes[0]
    if isinstance(node, syntax.Text):
        node = syntax.Handle({"isclass": "isa"}.get(node.text, node.text))
    if isinstance(node, syntax.Handle) and arity == 2:
        call = syntax.Apply(syntax.Name(node.name), (syntax.Name("a"), syntax.Name("b")))
        node = syntax.Lambda(("a", "b"), call)
    value = arguments.context(node)
    if value.kind not in (Kind.HANDLE, Kind.UNKNOWN):
        raise Untranslatable(f"calls {arguments.name} with {value.kind.value} in place of a function")
    return value.text


def _each(arguments: Arguments) -> Value:
    """``cellfun(@f, c)``, ``arrayfun(@f, x, 'UniformOutput', false)``."""
    nodes = arguments.nodes
    words = [k for k in range(1, len(nodes)) if arguments.literal(k) is not None]
    uniform = True
    if words:
        named = words == [len(nodes) - 2] and (arguments.literal(words[0]) or "").lower() == "uniformoutput"
        if not named or nodes[-1] not in (*_FALSE, *_TRUE):
            raise Untranslatable(f"calls {arguments.name} in an unknown way")
        uniform = nodes[-1] in _TRUE
        nodes = nodes[:-2]
    over = [arguments.context(node) for node in nodes[1:]]
    wanted = (Kind.CELL, Kind.UNKNOWN, Kind.LOADED)
    if not over or (arguments.name == "cellfun" and any(value.kind not in wanted for value in over)):
        raise Untranslatable(f"calls {arguments.name} in an unknown way")
    arguments.context.needs("ml")
    given = [_function(arguments, len(over)), *(value.as_two_dimensional().text for value in over)]
    if any("np." in text for text in given):
        arguments.context.needs("np")
    name = arguments.name if uniform else f"{arguments.name}_cells"
    in_two = arguments.name == "arrayfun" or any(value.nd or value.kind is not Kind.CELL for value in over)
    text = f"ml.{name}({', '.join(given)})"
    return Value(text, Kind.LOADED) if uniform else Value(text, Kind.CELL, nd=in_two)


def _evaluated(arguments: Arguments) -> Value:
    """``feval(f, x)``: what is called is named or a function in a variable."""
    node, *rest = arguments.nodes
    if isinstance(node, syntax.Handle | syntax.Text):
        name = node.name if isinstance(node, syntax.Handle) else node.text
        return arguments.context(syntax.Apply(syntax.Name(name), tuple(rest)))
    value = arguments.context(node)
    if value.kind is not Kind.HANDLE:
        raise Untranslatable("uses feval with something that is not known to be a function")
    given = ", ".join(arguments.context(each).as_two_dimensional().text for each in rest)
    return Value(f"{value.text}({given})")


def _of_list(name: str, kind: Kind) -> Translator:
    def translator(arguments: Arguments) -> Value:
        arguments.context.needs("ml")
        given = ", ".join(value.as_two_dimensional().text for value in arguments.expect(1))
        return Value(f"ml.{name}({given})", kind, nd=kind is Kind.CELL)

    return translator


def _split(arguments: Arguments) -> Value:
    text, mark = arguments.expect(2)
    if text.kind is not Kind.STR or mark.kind is not Kind.STR:
        raise Untranslatable("calls strsplit with something that is no string")
    return Value(f"{text.text}.split({mark.text})", Kind.CELL)


def _join(arguments: Arguments) -> Value:
    words, mark = arguments.expect(2)
    if words.kind is not Kind.CELL or mark.kind is not Kind.STR:
        raise Untranslatable("calls strjoin with something else than a list and a string")
    return Value(f"{mark.text}.join({words.text})", Kind.STR)


def _is_a(arguments: Arguments) -> Value:
    value, _ = arguments.expect(2)
    word = arguments.literal(1)
    if word is None:
        raise Untranslatable("asks for a class that is not written out")
    arguments.context.needs("ml")
    return Value(f"ml.isa({value.text}, {arguments.values[1].text})", Kind.NUM, logical=True)


def _asked(name: str) -> Translator:
    def translator(arguments: Arguments) -> Value:
        (value,) = arguments.expect(1)
        arguments.context.needs("ml")
        if "np." in value.as_two_dimensional().text:
            arguments.context.needs("np")
        return Value(f"ml.{name}({value.as_two_dimensional().text})", Kind.NUM, logical=True)

    return translator


def _class(arguments: Arguments) -> Value:
    (value,) = arguments.expect(1)
    arguments.context.needs("ml")
    return Value(f"ml.class_of({value.text})", Kind.STR)


def _of_arrays(name: str, kind: Kind, *counts: int) -> Translator:
    def translator(arguments: Arguments) -> Value:
        values = arguments.expect(*counts)
        arguments.refuse_texts()
        given = [value.as_two_dimensional().text for value in values]
        arguments.context.needs("ml")
        if any("np." in text for text in given):
            arguments.context.needs("np")
        return Value(f"ml.{name}({', '.join(given)})", kind)

    return translator


_SIGNS = "the signs of singular and eigenvectors are those of this machine's LAPACK, as in MATLAB"


def _factors(name: str, *counts: int) -> Outputs:
    def translator(arguments: Arguments, wanted: int) -> tuple[str, list[Value]]:
        if wanted not in counts or not 1 <= len(arguments) <= 2:
            raise Untranslatable(f"asks {name} for {wanted} outputs")
        economy = "" if len(arguments) == 1 else _economy(arguments)
        value = arguments.context(arguments.nodes[0])
        arguments.context.needs("ml")
        arguments.context.notes.append(_SIGNS)
        rest = "[:2]" if name == "svd" and wanted == 2 else ""
        text = f"ml.{name}_factors({value.as_two_dimensional().text}{economy}){rest}"
        return text, [Value("", Kind.ARRAY)] * wanted

    return translator


def _economy(arguments: Arguments) -> str:
    if arguments.name != "svd" or not (arguments.literal(1) == "econ" or arguments.nodes[1] == syntax.Number("0")):
        raise Untranslatable(f"calls {arguments.name} in an unknown way")
    return ', "econ"' if arguments.literal(1) == "econ" else ', "0"'


def _dimensions(arguments: Arguments, wanted: int) -> tuple[str, list[Value]]:
    """``[i, j] = ind2sub(size, k)``."""
    shape, places = arguments.expect(2)
    arguments.context.needs("ml")
    text = f"ml.ind2sub({shape.text}, {places.as_two_dimensional().text}, {wanted})"
    return text, [Value("", Kind.LOADED)] * wanted


WITH_OUTPUTS = {"svd": _factors("svd", 2, 3), "eig": _factors("eig", 2), "ind2sub": _dimensions}
"""Functions whose several outputs are understood."""

TABLE: Table = {
    "cellfun": _each,
    "arrayfun": _each,
    "feval": _evaluated,
    "cell2mat": _of_list("cell2mat", Kind.LOADED),
    "num2cell": _of_list("num2cell", Kind.CELL),
    "strsplit": _split,
    "strjoin": _join,
    "isa": _is_a,
    "class": _class,
    **{name: _asked(name) for name in ("isnumeric", "isreal", "isstruct", "islogical", "iscellstr", "isvector")},
    **{name: _asked(name) for name in ("isscalar", "isrow", "iscolumn")},
    "svd": _of_arrays("svd", Kind.COLUMN, 1),
    "eig": _of_arrays("eig", Kind.COLUMN, 1),
    "pinv": _of_arrays("pinv", Kind.ARRAY, 1),
    "det": _of_arrays("det", Kind.NUM, 1),
    "rank": _of_arrays("rank", Kind.NUM, 1),
    "triu": _of_arrays("triu", Kind.ARRAY, 1, 2),
    "tril": _of_arrays("tril", Kind.ARRAY, 1, 2),
    "real": _of_arrays("real", Kind.LOADED, 1),
    "imag": _of_arrays("imag", Kind.LOADED, 1),
    "union": _of_arrays("union", Kind.LOADED, 2),
    "intersect": _of_arrays("intersect", Kind.LOADED, 2),
    "factorial": _of_arrays("factorial", Kind.NUM, 1),
    "trace": _of_arrays("trace", Kind.NUM, 1),
    "mldivide": _of_arrays("mldivide", Kind.LOADED, 2),
}
