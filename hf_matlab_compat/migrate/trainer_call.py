"""The trainer's call, in MATLAB's 22 names or in the field's terms."""

from __future__ import annotations

from collections.abc import Iterator

from hf_matlab_compat.matlab.vocabulary import TO_MATLAB, TRAINER_ARGUMENTS, WORDS, to_matlab_value
from hf_matlab_compat.migrate import syntax
from hf_matlab_compat.migrate.arguments import Arguments
from hf_matlab_compat.migrate.call_forms import Given, given_by_name, given_by_signature, is_number
from hf_matlab_compat.migrate.context import Context, Untranslatable, python_name
from hf_matlab_compat.migrate.copies import Copy
from hf_matlab_compat.migrate.texts import quoted
from hf_matlab_compat.migrate.translation import NOT_EXPRESSED
from hf_matlab_compat.migrate.values import Kind, Value

_OPTIONAL = ("paramsp", "Win", "bin", "resumeFile", "intest", "outtest")
_START = ("paramsp", "Win", "bin", "resumeFile")


def train_call(arguments: Arguments) -> Value:
    """The call as an expression whose value is paramsp."""
    context = arguments.context
    copy = context.shared.trainers[arguments.name]
    if copy.refusal:
        raise Untranslatable(f"calls {arguments.name}: {copy.refusal}")
    if any(value.text.startswith("*") for value in arguments.values):
        raise Untranslatable(f"calls {arguments.name} with the entries of a list; write the arguments out")
    named = _named(arguments, copy)
    if copy.report is not None and copy.report.unexpressed:
        count = len(copy.report.unexpressed)
        lines = f"{count} lines" if count > 1 else "a line"
        context.warn(
            f"to verify: {arguments.name}.m has {lines} {NOT_EXPRESSED}; "
            f"'hf-compat migrate {arguments.name}.m' lists them"
        )
    if copy.options:
        context.notes.append(f"edits of {arguments.name}.m beside the script became options of the call")
    if context.shared.style == "modern":
        options = [f"{name}={_shown(value)}" for name, value in copy.options.items()]
        given = [*_modern(named, context), *options]
        seed = _seed(named, context)
        context.needs("from hf_matlab_compat import train")
        return Value(f'train({", ".join([*given, *seed])}, display="legacy").theta.reshape(-1, 1)', Kind.COLUMN)
    given = [f"{name}={_legacy(name, value)}" for name, (_node, value) in named.items()]
    given += [f"{TO_MATLAB[name]}={_shown(to_matlab_value(name, value))}" for name, value in copy.options.items()]
    seed = _seed(named, context)
    function = "nnet_train" if seed or copy.options else "nnet_train_2"
    context.needs(f"from hf_matlab_compat import {function}")
    return Value(f"{function}({', '.join([*given, *seed])})", Kind.COLUMN)


def _named(arguments: Arguments, copy: Copy) -> Given:
    """The call's arguments under the published names, without those that the copy assigns itself."""
    context = arguments.context
    said = {name for name, ours in TRAINER_ARGUMENTS.items() if ours in copy.options}
    signature = () if copy.report is None else copy.report.signature
    if signature and signature != tuple(TRAINER_ARGUMENTS):
        named = given_by_signature(arguments.name, signature, arguments.nodes, arguments.values, said)
    else:
        named, form = given_by_name(arguments.name, arguments.nodes, arguments.values)
        if len(arguments) != len(TRAINER_ARGUMENTS):
            context.notes.append(f"recognised as the call '{form}'")
    context.dropped += [node for name, (node, _value) in named.items() if name in said]
    return {name: value for name, value in named.items() if name not in said}


def _seed(named: Given, context: Context) -> list[str]:
    """The stream for the sparse initialisation, where one may be drawn and the script seeds."""
    starts = any(named[name][1].kind not in (Kind.EMPTY, Kind.UNKNOWN) for name in _START if name != "resumeFile")
    if starts:
        return []
    if context.shared.is_function_file:
        context.shared.uses_random = True
    return ["seed=random"] if context.shared.uses_random else []


def _legacy(name: str, value: Value) -> str:
    return "None" if value.kind is Kind.EMPTY and value.text == "np.zeros((0, 0))" else value.text


def _modern(named: Given, context: Context) -> Iterator[str]:
    for name, (node, value) in named.items():
        ours = TRAINER_ARGUMENTS[name]
        if name in _OPTIONAL and value.kind is Kind.EMPTY:
            _leave_out(node, context)
            continue
        if ours == "num_test_chunks" and named["intest"][1].kind is Kind.EMPTY:
            _leave_out(node, context)
            continue
        yield f"{ours}={_in_field_terms(ours, name, node, value, context)}"


def _leave_out(node: syntax.Node, context: Context) -> None:
    """A variable whose value the call does not need is not assigned where nothing else reads it."""
    if isinstance(node, syntax.Name):
        context.shared.inlined.add(python_name(node.name))


def _in_field_terms(ours: str, name: str, node: syntax.Node, value: Value, context: Context) -> str:
    if name in _OPTIONAL and (value.kind in (Kind.UNKNOWN, Kind.EMPTY) or _name_of(node) in context.growing):
        context.needs("ml")
        return f"ml.none_if_empty({value.text})"
    if ours in WORDS:
        return _word(ours, node, value, context)
    if is_number(name) and value.kind in (Kind.LOADED, Kind.UNKNOWN):
        context.needs("ml")
        return f"ml.scalar({value.text})"
    if ours == "hidden_sizes" and value.kind is Kind.NUM:
        return f"[{value.text}]"
    if ours == "hidden_sizes" and value.kind is not Kind.ROW:
        context.needs("np")
        return f"np.ravel({value.text})"
    return value.text


def _name_of(node: syntax.Node) -> str:
    return node.name if isinstance(node, syntax.Name) else ""


def _word(ours: str, node: syntax.Node, value: Value, context: Context) -> str:
    theirs = _constant(node, context)
    if theirs in WORDS[ours]:
        _leave_out(node, context)
        return _shown(WORDS[ours][theirs])
    context.needs("from hf_matlab_compat.matlab.vocabulary import WORDS")
    return f"WORDS[{quoted(ours)}][{value.text}]"


def _constant(node: syntax.Node, context: Context) -> object:
    """The literal a node stands for, through a variable that is only ever given that one."""
    if isinstance(node, syntax.Name):
        node = context.usage.constants.get(node.name, node)
    if isinstance(node, syntax.Text):
        return node.text
    return int(node.text) if isinstance(node, syntax.Number) and node.text.isdigit() else None


def _shown(word: object) -> str:
    return quoted(word) if isinstance(word, str) else repr(word)
