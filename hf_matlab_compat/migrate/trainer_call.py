"""Calls of the trainer: their known forms, and each in MATLAB's 22 names or in the field's terms."""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import TypeAlias, cast

from hf_matlab_compat.legacy.dialects import FORMS, Dialect
from hf_matlab_compat.matlab.vocabulary import TO_MATLAB, TRAINER_ARGUMENTS, WORDS, to_matlab_value
from hf_matlab_compat.migrate import syntax
from hf_matlab_compat.migrate.arguments import Arguments
from hf_matlab_compat.migrate.beside import Copy
from hf_matlab_compat.migrate.context import Context, python_name
from hf_matlab_compat.migrate.syntax import refuse
from hf_matlab_compat.migrate.translation import NOT_EXPRESSED
from hf_matlab_compat.migrate.values import Kind, Part, Value, attribute, call, item, method, name
from hf_matlab_compat.migrate.values import expr as constant

_Named: TypeAlias = Mapping[str, tuple[syntax.Node, Value]]

_OPTIONAL = ("paramsp", "Win", "bin", "resumeFile", "intest", "outtest")
_START = ("paramsp", "Win", "bin")
_OPEN = frozenset({Kind.UNKNOWN, Kind.LOADED})
_ARRAYS = frozenset({Kind.ROW, Kind.COLUMN, Kind.ARRAY})
_NUMBER = frozenset({Kind.NUM})
_TEXT = frozenset({Kind.STR})
_CELLS = frozenset({Kind.CELL, Kind.EMPTY})
_KINDS: Mapping[str, frozenset[Kind]] = {
    **dict.fromkeys(("runName", "runDesc", "mattype", "errtype", "compMode"), _TEXT),
    "resumeFile": _TEXT | {Kind.EMPTY},
    **dict.fromkeys(("Win", "bin", "Nin"), _CELLS),
    "paramsp": _ARRAYS | {Kind.EMPTY},
    **dict.fromkeys(("indata", "outdata"), _ARRAYS),
    **dict.fromkeys(("intest", "outtest"), _ARRAYS | {Kind.EMPTY}),
    "layersizes": _ARRAYS | {Kind.NUM, Kind.EMPTY},
    "layertypes": frozenset({Kind.CELL}),
}
"""Kinds that an argument can have; an argument that is not named here is a number."""

_EMPTY = (syntax.Matrix(()), Value(call("np.zeros", (0, 0)), Kind.EMPTY))
_LEFT_OUT: _Named = {
    "runDesc": (syntax.Text("", False), Value(constant(""), Kind.STR)),
    "mattype": (syntax.Text("gn", False), Value(constant("gn"), Kind.STR)),
    "jacket": (syntax.Number("0"), Value(constant(0), Kind.NUM, integer=True)),
    "intest": _EMPTY,
    "outtest": _EMPTY,
    "numchunks_test": (syntax.Number("1"), Value(constant(1), Kind.NUM, integer=True)),
}
_CALL = "Call nnet_train, which takes every argument by its name."


def train_call(arguments: Arguments) -> Value:
    """Translate the call as an expression whose value is paramsp."""
    context = arguments.context
    copy = context.shared.beside.trainers[arguments.name]
    if copy.refusal:
        refuse(f"calls {arguments.name}: {copy.refusal}")
    if any(value.starred for value in arguments.values):
        refuse(f"calls {arguments.name} with the entries of a list; write the arguments out")
    named = _named(arguments, copy)
    _say_edits(arguments.name, copy, context)
    options = cast(Mapping[str, Part], copy.options)
    seed = _seed(named, context)
    if context.shared.style == "modern":
        given = dict(_in_field_terms(named, context))
        made = call("train", **given, **options, **seed, display="legacy")
        return Value(method(attribute(made, "theta"), "reshape", -1, 1), Kind.COLUMN)
    given = {key: None if _is_empty(value) else value for key, (_node, value) in named.items()}
    edits = {TO_MATLAB[key]: cast(Part, to_matlab_value(key, value)) for key, value in options.items()}
    function = "nnet_train" if seed or copy.options else "nnet_train_2"
    return Value(call(function, **given, **edits, **seed), Kind.COLUMN)


def _say_edits(name_: str, copy: Copy, context: Context) -> None:
    """Remark on the edits of a copy: those that became options, and those that no option expresses."""
    if copy.report is not None and copy.report.unexpressed:
        count = len(copy.report.unexpressed)
        lines = f"{count} lines" if count > 1 else "a line"
        context.warn(f"to verify: {name_}.m has {lines} {NOT_EXPRESSED}; 'hf-compat migrate {name_}.m' lists them")
    if copy.options:
        context.notes.append(f"edits of {name_}.m beside the script became options of the call")


def _is_empty(value: Value) -> bool:
    """Return True for ``[]``, written out or left out."""
    return value.kind is Kind.EMPTY and isinstance(value.node, ast.Call)


def _named(arguments: Arguments, copy: Copy) -> _Named:
    """Return the call's arguments by the published names, without those that the copy assigns itself."""
    context = arguments.context
    said = {name for name, ours in TRAINER_ARGUMENTS.items() if ours in copy.options}
    signature = () if copy.report is None else copy.report.signature
    if signature and signature != tuple(TRAINER_ARGUMENTS):
        named = _by_signature(arguments, signature, said)
    else:
        form = _form(arguments.name, arguments.values)
        given = dict(zip(form.names, _pairs(arguments), strict=True))
        named = {each: given[each] if each in given else _LEFT_OUT[each] for each in TRAINER_ARGUMENTS}
        if len(arguments) != len(TRAINER_ARGUMENTS):
            context.notes.append(f"recognised as the call '{form.name}'")
    context.dropped += [node for key, (node, _value) in named.items() if key in said]
    return {key: pair for key, pair in named.items() if key not in said}


def _pairs(arguments: Arguments) -> list[tuple[syntax.Node, Value]]:
    return list(zip(arguments.nodes, arguments.values, strict=True))


def _by_signature(arguments: Arguments, signature: Sequence[str], said: Collection[str]) -> _Named:
    """Return the 22 arguments of a call of a copy that has other arguments (`signature`), or in another order.

    Those in `said` are set by the copy itself.
    """
    name_ = arguments.name
    if len(arguments) > len(signature):
        refuse(f"calls {name_} with {len(arguments)} arguments; it has {len(signature)}")
    given = dict(zip(signature, _pairs(arguments), strict=False))
    extra = [each for each in given if each not in TRAINER_ARGUMENTS]
    if extra:
        refuse(f"calls {name_} with {', '.join(extra)}, for which there is no argument here. {_CALL}")
    missing = [each for each in TRAINER_ARGUMENTS if each not in given and each not in {*_LEFT_OUT, *said}]
    if missing:
        refuse(f"calls {name_} without {', '.join(missing)}. {_CALL}")
    return {
        each: given[each] if each in given else _LEFT_OUT[each]
        for each in TRAINER_ARGUMENTS
        if each in given or each not in said
    }


def _form(name_: str, values: Sequence[Value]) -> Dialect:
    count = len(values)
    if count == len(TRAINER_ARGUMENTS) and values[0].kind is not Kind.NUM:
        return FORMS[0]
    fitting = [form for form in FORMS if _fits(form, values)]
    if not fitting and count == 23 and values[-2].kind is Kind.STR:
        fitting = [form for form in FORMS if form.name == "KFAC"]
    if len(fitting) == 1 and not fitting[0].refusal:
        return fitting[0]
    return refuse(f"calls {name_} with {count} arguments instead of 22: {_refusal(count, fitting)}")


def _refusal(count: int, fitting: Sequence[Dialect]) -> str:
    if len(fitting) == 1:
        return f"the form '{fitting[0].name}'. {fitting[0].refusal}"
    if fitting:
        return f"it can be the form {' or '.join(form.name for form in fitting)}. {_CALL}"
    early = "an early form of the trainer, whose order is not known" if count == 10 else "no known form of the trainer"
    return f"{early}. {_CALL}"


def _fits(form: Dialect, values: Sequence[Value]) -> bool:
    return len(form.names) == len(values) and all(
        value.kind in _OPEN or value.kind in _KINDS.get(key, _NUMBER)
        for key, value in zip(form.names, values, strict=True)
    )


def _seed(named: _Named, context: Context) -> dict[str, Part]:
    """Return the stream for a sparse initialisation, if one may be drawn and the script seeds."""
    if any(named[key][1].kind not in (Kind.EMPTY, Kind.UNKNOWN) for key in _START):
        return {}
    if context.shared.is_function_file:
        context.shared.uses_random = True
    return {"seed": name("random")} if context.shared.uses_random else {}


def _in_field_terms(named: _Named, context: Context) -> Iterator[tuple[str, Part]]:
    for key, (node, value) in named.items():
        ours = TRAINER_ARGUMENTS[key]
        untested = ours == "num_test_chunks" and named["intest"][1].kind is Kind.EMPTY
        if untested or (key in _OPTIONAL and value.kind is Kind.EMPTY):
            _leave_out(node, context)
        elif ours in WORDS:
            yield ours, _word(ours, node, value, context)
        else:
            yield ours, _argument(key, node, value, context)


def _leave_out(node: syntax.Node, context: Context) -> None:
    """Note that the call does not need a variable: its assignment goes if nothing else reads it."""
    if isinstance(node, syntax.Name):
        context.shared.inlined.add(python_name(node.name))


def _argument(key: str, node: syntax.Node, value: Value, context: Context) -> Part:
    grows = isinstance(node, syntax.Name) and node.name in context.growing
    if key in _OPTIONAL and (value.kind in (Kind.UNKNOWN, Kind.EMPTY) or grows):
        return call("ml.none_if_empty", value)
    if key not in _KINDS and value.kind in _OPEN:
        return call("ml.scalar", value)
    if key == "layersizes" and value.kind is not Kind.ROW:
        return [value] if value.kind is Kind.NUM else call("np.ravel", value)
    return value


def _word(ours: str, node: syntax.Node, value: Value, context: Context) -> Part:
    theirs = _constant(node, context)
    if theirs in WORDS[ours]:
        _leave_out(node, context)
        return cast(str, WORDS[ours][theirs])
    return item(item(name("WORDS"), ours), value)


def _constant(node: syntax.Node, context: Context) -> object:
    """Return the literal that a node is, or that a variable is always given."""
    if isinstance(node, syntax.Name):
        node = context.usage.constants.get(node.name, node)
    if isinstance(node, syntax.Text):
        return node.text
    return int(node.text) if isinstance(node, syntax.Number) and node.text.isdigit() else None
