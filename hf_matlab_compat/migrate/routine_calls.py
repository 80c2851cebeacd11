"""Functions of lists, strings, vectors and matrices that a routine of the run time stands for."""

from __future__ import annotations

import ast
from collections.abc import Mapping

from hf_matlab_compat.migrate import syntax
from hf_matlab_compat.migrate.arguments import Arguments, Outputs, Routine, Table, Translator
from hf_matlab_compat.migrate.syntax import refuse
from hf_matlab_compat.migrate.values import Kind, Value, call, expr, integer, item, method, slice_of

_FALSE = (syntax.Name("false"), syntax.Number("0"))
_TRUE = (syntax.Name("true"), syntax.Number("1"))
_SIGNS = "the signs of singular and eigenvectors are those of this machine's LAPACK, as in MATLAB"


def _function(arguments: Arguments, arity: int) -> Value:
    """Translate the function that comes first in a call: a handle, its name in a string, or a variable."""
    node = arguments.nodes[0]
    if isinstance(node, syntax.Text):
        node = syntax.Handle({"isclass": "isa"}.get(node.text, node.text))
    if isinstance(node, syntax.Handle) and arity == 2:
        applied = syntax.Apply(syntax.Name(node.name), (syntax.Name("a"), syntax.Name("b")))
        node = syntax.Lambda(("a", "b"), applied)
    value = arguments.context(node)
    if value.kind not in (Kind.HANDLE, Kind.UNKNOWN):
        refuse(f"calls {arguments.name} with {value.kind.value} in place of a function")
    return value


def _each(arguments: Arguments) -> Value:
    """Translate ``cellfun(@f, c)``, ``arrayfun(@f, x, 'UniformOutput', false)``."""
    nodes = arguments.nodes
    words = [place for place in range(1, len(nodes)) if arguments.literal(place) is not None]
    uniform = True
    if words:
        named = words == [len(nodes) - 2] and (arguments.literal(words[0]) or "").lower() == "uniformoutput"
        if not named or nodes[-1] not in (*_FALSE, *_TRUE):
            arguments.refuse_form()
        uniform = nodes[-1] in _TRUE
        nodes = nodes[:-2]
    over = [arguments.context(node) for node in nodes[1:]]
    wanted = (Kind.CELL, Kind.UNKNOWN, Kind.LOADED)
    if not over or (arguments.name == "cellfun" and any(value.kind not in wanted for value in over)):
        arguments.refuse_form()
    routine = f"ml.{arguments.name}" if uniform else f"ml.{arguments.name}_cells"
    made = call(routine, _function(arguments, len(over)), *(value.as_two_dimensional() for value in over))
    in_two = arguments.name == "arrayfun" or any(value.nd or value.kind is not Kind.CELL for value in over)
    return Value(made, Kind.LOADED) if uniform else Value(made, Kind.CELL, nd=in_two)


def _evaluated(arguments: Arguments) -> Value:
    """Translate ``feval(f, x)``: what is called is named or a function in a variable."""
    node, *rest = arguments.nodes
    if isinstance(node, syntax.Handle | syntax.Text):
        name = node.name if isinstance(node, syntax.Handle) else node.text
        return arguments.context(syntax.Apply(syntax.Name(name), tuple(rest)))
    value = arguments.context(node)
    if value.kind is not Kind.HANDLE:
        refuse("uses feval with something that is not known to be a function")
    return Value(call(value, *(arguments.context(each).as_two_dimensional() for each in rest)))


def _split(arguments: Arguments) -> Value:
    text, mark = arguments.expect(2)
    if text.kind is not Kind.STR or mark.kind is not Kind.STR:
        refuse("calls strsplit with something that is no string")
    return Value(method(text, "split", mark), Kind.CELL)


def _join(arguments: Arguments) -> Value:
    words, mark = arguments.expect(2)
    if words.kind is not Kind.CELL or mark.kind is not Kind.STR:
        refuse("calls strjoin with something else than a list and a string")
    return Value(method(mark, "join", words), Kind.STR)


def _is_a(arguments: Arguments) -> Value:
    value, word = arguments.expect(2)
    if arguments.literal(1) is None:
        refuse("asks for a class that is not written out")
    return Value(call("ml.isa", value, word), Kind.NUM, logical=True)


def _class(arguments: Arguments) -> Value:
    (value,) = arguments.expect(1)
    return Value(call("ml.class_of", value), Kind.STR)


def _of_texts(routine: Routine) -> Translator:
    def translator(arguments: Arguments) -> Value:
        if any(value.kind is not Kind.STR for value in arguments.values[:2]):
            refuse(f"calls {arguments.name} with something that is no string")
        return routine(arguments)

    return translator


def _strcat(arguments: Arguments) -> Value:
    values = arguments.values
    kinds = {value.kind for value in values}
    if not kinds <= {Kind.STR, Kind.UNKNOWN, Kind.CELL}:
        refuse("calls strcat with something that is no string")
    if any(value.kind is Kind.CELL and value.nd for value in values):
        refuse("joins strings in rows and columns of cells")
    kind = Kind.CELL if Kind.CELL in kinds else Kind.UNKNOWN if Kind.UNKNOWN in kinds else Kind.STR
    return Routine(kind).of("strcat", *values)


def _isequal(arguments: Arguments) -> Value:
    if len(arguments) < 2:
        refuse("calls isequal with too few arguments")
    return Routine(Kind.NUM, logical=True).of("isequal", *arguments.values)


def _count_of_dimensions(arguments: Arguments) -> Value:
    (value,) = arguments.expect(1)
    return integer(call("len", call("ml.size", value.as_two_dimensional())))


def _count_of_nonzeros(arguments: Arguments) -> Value:
    (value,) = arguments.numbers(1)
    return integer(call("int", call("np.count_nonzero", value)))


def _inverse(arguments: Arguments) -> Value:
    (value,) = arguments.expect(1)
    if value.kind is not Kind.ARRAY:
        refuse(f"inverts {value.kind.value}")
    return Value(call("np.linalg.inv", value), Kind.ARRAY)


def _factors(*counts: int) -> Outputs:
    """``[U, S, V] = svd(x)``, ``[V, D] = eig(x)``."""

    def translator(arguments: Arguments, wanted: int) -> tuple[ast.expr, list[Value]]:
        name = arguments.name
        if wanted not in counts or not 1 <= len(arguments) <= 2:
            refuse(f"asks {name} for {wanted} outputs")
        economy = [] if len(arguments) == 1 else [_economy(arguments)]
        arguments.context.notes.append(_SIGNS)
        value = arguments.context(arguments.nodes[0])
        made = call(f"ml.{name}_factors", value.as_two_dimensional(), *economy)
        made = item(made, slice_of(None, 2)) if name == "svd" and wanted == 2 else made
        return made, [Value(kind=Kind.ARRAY)] * wanted

    return translator


def _economy(arguments: Arguments) -> str:
    word = arguments.literal(1)
    if arguments.name != "svd" or not (word == "econ" or arguments.nodes[1] == syntax.Number("0")):
        arguments.refuse_form()
    return word or "0"


def _dimensions(arguments: Arguments, wanted: int) -> tuple[ast.expr, list[Value]]:
    """Translate ``[i, j] = ind2sub(size, k)``."""
    shape, places = arguments.expect(2)
    made = call("ml.ind2sub", shape, places.as_two_dimensional(), wanted)
    return made, [Value(kind=Kind.LOADED)] * wanted


def _dealt(arguments: Arguments, wanted: int) -> tuple[ast.expr, list[Value]]:
    """Translate ``[a, b] = deal(1, 2)``, ``[a, b] = deal(0)``."""
    values = arguments.values if len(arguments) == wanted else arguments.expect(1) * wanted
    if len(arguments) != wanted and values[0].kind not in (Kind.NUM, Kind.STR):
        refuse(f"deals {values[0].kind.value} several times")
    if any(value.owner for value in values):
        refuse("deals variables")
    return expr(tuple(values)), values


WITH_OUTPUTS: Mapping[str, Outputs] = {
    "svd": _factors(2, 3),
    "eig": _factors(2),
    "ind2sub": _dimensions,
    "deal": _dealt,
}
"""Functions whose several outputs are understood."""

_ASKED = ("isnumeric", "isreal", "isstruct", "islogical", "iscellstr", "isvector", "isscalar", "isrow", "iscolumn")

TABLE: Table = {
    **dict.fromkeys(("cellfun", "arrayfun"), _each),
    "feval": _evaluated,
    "cell2mat": Routine(Kind.LOADED, numbers=False),
    "num2cell": Routine(Kind.CELL, nd=True, numbers=False),
    "strsplit": _split,
    "strjoin": _join,
    "isa": _is_a,
    "class": _class,
    **dict.fromkeys(_ASKED, Routine(Kind.NUM, logical=True, numbers=False)),
    **dict.fromkeys(("svd", "eig"), Routine(Kind.COLUMN)),
    "pinv": Routine(Kind.ARRAY),
    **dict.fromkeys(("det", "rank", "factorial"), Routine(Kind.NUM)),
    **dict.fromkeys(("triu", "tril"), Routine(Kind.ARRAY, (1, 2))),
    **dict.fromkeys(("real", "imag", "diff", "diag"), Routine(Kind.LOADED)),
    **dict.fromkeys(("union", "intersect", "setdiff", "mldivide"), Routine(Kind.LOADED, 2)),
    "sub2ind": Routine(Kind.UNKNOWN, (2, 3, 4)),
    "mat2str": Routine(Kind.STR),
    "strcat": _strcat,
    "strncmp": _of_texts(Routine(Kind.NUM, 3, logical=True, numbers=False)),
    "strfind": _of_texts(Routine(Kind.LOADED, 2, numbers=False)),
    "isequal": _isequal,
    "ndims": _count_of_dimensions,
    "nnz": _count_of_nonzeros,
    "inv": _inverse,
}
