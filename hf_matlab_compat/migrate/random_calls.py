"""Random draws and seeds: all through one `random`, which draws as Octave or MATLAB does."""

from __future__ import annotations

from hf_matlab_compat.migrate import syntax
from hf_matlab_compat.migrate.arguments import Arguments, Table, Translator
from hf_matlab_compat.migrate.shape_calls import made_of_shape
from hf_matlab_compat.migrate.syntax import Untranslatable
from hf_matlab_compat.migrate.values import Binding, Kind, Value, number

_STATES = ("state", "twister")
_OLD = ("seed", "v4", "v5uniform", "v5normal")


def _draw(name: str) -> Translator:
    def translator(arguments: Arguments) -> Value:
        context = arguments.context
        context.shared.uses_random = True
        word = arguments.literal(0)
        if word is not None:
            return _seed(name, word, arguments)
        if arguments.literal(len(arguments) - 1) == "double":
            return translator(Arguments(name, arguments.nodes[:-1], context))
        if arguments.literal(len(arguments) - 1) is not None:
            raise Untranslatable(f"draws in single precision or in another way from {name}, which is another sequence")
        if not arguments.nodes:
            return number(f"random.{name}().item()")
        like = arguments.nodes[0]
        if isinstance(like, syntax.Apply) and like.base == syntax.Name("size") and len(like.arguments) == 1:
            return _like(name, like.arguments[0], arguments)
        shape, kind, nd = made_of_shape(arguments, len(arguments))
        if shape.startswith("ml.shape("):
            return Value(f"random.{name}(*{shape})", kind, nd=nd)
        return Value(f"random.{name}({_stripped(shape)})", kind, nd=nd)

    return translator


def _stripped(shape: str) -> str:
    return shape[1:-1] if shape.startswith("(") else shape


def _like(name: str, node: syntax.Node, arguments: Arguments) -> Value:
    value = arguments.context(node)
    if value.kind in (Kind.ROW, Kind.COLUMN, Kind.ARRAY, Kind.LOADED):
        return Value(f"random.{name}(*{value.at(Binding.ATOM)}.shape)", value.kind, nd=value.nd)
    arguments.context.needs("ml")
    return Value(f"random.{name}(*ml.size({value.text}))", Kind.ARRAY)


def _seed(name: str, word: str, arguments: Arguments) -> Value:
    if word in _OLD or word not in _STATES:
        raise Untranslatable(f"seeds {name} with '{word}', a generator that cannot be reproduced")
    if len(arguments) != 2:
        raise Untranslatable(f"asks for the state of {name}")
    if _from_clock(arguments.nodes[1]):
        arguments.context.replaced_by("left out: without a seed the draws differ each time as it is")
        return Value("")
    if name == "rand" and word == "state" and arguments.context.shared.streams == "matlab":
        raise Untranslatable("seeds MATLAB's rand with 'state', a generator that cannot be reproduced")
    return Value(f"random.seed_{name}({arguments.whole(1)})")


def _from_clock(node: syntax.Node) -> bool:
    return any(part in (syntax.Name("clock"), syntax.Name("now")) for part in node.walk())


def _rng(arguments: Arguments) -> Value:
    arguments.context.shared.uses_random = True
    if arguments.literal(0) == "shuffle":
        arguments.context.replaced_by("left out: without a seed the draws differ each time as it is")
        return Value("")
    if arguments.context.shared.streams != "matlab" or arguments.literal(0) is not None or len(arguments) != 1:
        raise Untranslatable("seeds with rng, whose draws cannot all be reproduced; streams='matlab' knows its rand")
    arguments.context.notes.append("randn after rng cannot be reproduced and will say so; rand and randperm can")
    return Value(f"random.seed_rand({arguments.whole(0)})")


def _randperm(arguments: Arguments) -> Value:
    arguments.expect(1, 2)
    arguments.context.shared.uses_random = True
    given = ", ".join(arguments.whole(place) for place in range(len(arguments)))
    return Value(f"random.randperm({given})", Kind.ROW, integer=True)


def _randi(arguments: Arguments) -> Value:
    arguments.context.shared.uses_random = True
    if arguments.values[0].kind is not Kind.NUM:
        raise Untranslatable("calls randi with a range")
    rest = Arguments("randi", arguments.nodes[1:], arguments.context)
    if not rest.nodes:
        return Value(f"random.randi({arguments.whole(0)}).item()", Kind.NUM, integer=True)
    shape, kind, _nd = made_of_shape(rest, len(rest))
    return Value(f"random.randi({arguments.whole(0)}, {_stripped(shape)})", kind, integer=True)


TABLE: Table = {
    "rand": _draw("rand"),
    "randn": _draw("randn"),
    "randperm": _randperm,
    "randi": _randi,
    "rng": _rng,
}
