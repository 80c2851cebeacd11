"""Calls: to functions of the script, to files beside it, to MATLAB's own."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import replace
from typing import NoReturn

from hf_matlab_compat.migrate import (
    array_calls,
    file_calls,
    numeric_calls,
    plot_calls,
    recurrent_call,
    routine_calls,
    strings,
    trainer_call,
)
from hf_matlab_compat.migrate.arguments import Arguments, Outputs, Translator
from hf_matlab_compat.migrate.context import Context, module_name, python_name
from hf_matlab_compat.migrate.syntax import MATLAB_FUNCTIONS, Apply, Colon, Node, Range, Untranslatable, refuse
from hf_matlab_compat.migrate.values import Kind, Value, expr, item, join, slice_of
from hf_matlab_compat.migrate.values import call as call_of

BUILTINS: Mapping[str, Translator] = {
    **array_calls.TABLE,
    **file_calls.TABLE,
    **plot_calls.TABLE,
    **numeric_calls.TABLE,
    **routine_calls.TABLE,
    **strings.TABLE,
}
"""MATLAB's functions, and who translates a call of each."""

_WITH_OUTPUTS: Mapping[str, Outputs] = {
    **array_calls.WITH_OUTPUTS,
    **numeric_calls.WITH_OUTPUTS,
    **routine_calls.WITH_OUTPUTS,
}

_ROUTINES = {
    "unpack": (Kind.CELL, 2),
    "unpackPARAMS": (Kind.CELL, 2),
    "calcActivations": (Kind.ARRAY, 2),
    "pack": (Kind.COLUMN, 1),
    "vec": (Kind.COLUMN, 1),
}
"""The trainer's familiar routines: kind and number of their outputs."""


_OUT_OF_REACH = {
    ("eval", "evalc", "evalin", "assignin"): "code that is put together while it runs is not guessed at",
    ("uicontrol", "uimenu", "guide", "inputdlg", "msgbox", "uigetfile", "waitbar", "input", "keyboard", "ginput"): (
        "dialogues with the user are out of reach"
    ),
    ("system", "unix", "dos", "mex", "cd"): "commands to the system are out of reach",
    ("uint8", "uint16", "uint32", "uint64", "int8", "int16", "int32", "int64"): (
        "an integer class that the script makes is not followed"
    ),
    ("rnn", "bptt", "gn_struct_v", "gauss_newton_v", "hess_v", "XH", "SMX"): (
        "if it is part of hf_opt, the public trainer of recurrent nets: only the call of hf_opt and its handles are "
        "translated, to train(problem=recurrent(...))"
    ),
    ("run", "source"): "another script's variables are not followed",
    ("timenet_train",): (
        "this trainer of nets for time series has an order of its own that is not known; call nnet_train, which takes "
        "every argument by its name, and leave intest and outtest away"
    ),
}
"""Why some functions are not translated."""


def call(name: str, nodes: tuple[Node, ...], context: Context) -> Value:
    """Translate ``name(nodes)`` with its first output."""
    arguments = Arguments(name, nodes, context)
    if name in context.shared.beside.trainers:
        return trainer_call.train_call(arguments)
    if name == recurrent_call.TRAINER and name not in context.shared.functions:
        return recurrent_call.recurrent_call(arguments)
    if name in context.shared.functions or name in context.shared.beside.functions:
        return _own(name, arguments, outputs=1)
    if name in _ROUTINES:
        made, kind, count = _routine(name, arguments)
        return Value(item(made, 0) if count > 1 else made, kind)
    translator = BUILTINS.get(name)
    if translator is None:
        _refuse_unknown(name)
    if name not in _TAKE_LISTS and any(_is_list_of_arguments(node) for node in nodes):
        refuse(f"calls {name} with the entries of a list")
    try:
        made = translator(arguments)
    except IndexError:
        refuse(f"calls {name} with too few arguments")
    return replace(made, logical=True) if _stays_logical(name, arguments) else made


def _is_list_of_arguments(node: Node) -> bool:
    """Return True for ``c{:}`` and ``c{1:3}``, which stand for several arguments."""
    return isinstance(node, Apply) and node.brace and any(isinstance(each, Colon | Range) for each in node.arguments)


_TAKE_LISTS = ("cat", "horzcat", "vertcat", "sprintf", "fprintf", "printf", "strcat", "fullfile", "isequal")
"""Functions of any number of arguments, which may be the entries of a list."""


def _stays_logical(name: str, arguments: Arguments) -> bool:
    """Return True if a function only rearranges truth values."""
    if name in ("cat", "horzcat", "vertcat"):
        return all(value.logical for value in (arguments.values[1:] if name == "cat" else arguments.values))
    return name in _REARRANGE and arguments.values[0].logical


_REARRANGE = ("sort", "unique", "fliplr", "flipud", "circshift", "diag", "squeeze", "permute")


def unknown(name: str) -> Untranslatable:
    """Return the error for a name that is no variable and no known function."""
    for names, reason in _OUT_OF_REACH.items():
        if name in names:
            return Untranslatable(f"uses {name}: {reason}")
    if name in MATLAB_FUNCTIONS:
        return Untranslatable(f"uses {name}, a function of MATLAB's that is not translated", name)
    return Untranslatable(f"{name} is not known here: it is neither a variable nor a function at hand", name)


def _refuse_unknown(name: str) -> NoReturn:
    raise unknown(name)


def call_with_outputs(
    name: str, nodes: tuple[Node, ...], context: Context, wanted: int
) -> tuple[ast.expr, list[Value]]:
    """Translate ``[a, b] = name(nodes)``: return a tuple of `wanted` values, and what is known of each."""
    arguments = Arguments(name, nodes, context)
    if name in context.shared.functions or name in context.shared.beside.functions:
        made = _own(name, arguments, outputs=wanted)
        known = context.shared.output_kinds
        return expr(made), [known.get((name, place), Value()) for place in range(wanted)]
    if name in _ROUTINES:
        node, kind, count = _routine(name, arguments)
        if count != wanted:
            refuse(f"asks {name} for {wanted} outputs instead of {count}")
        return node, [Value(kind=kind)] * wanted
    if name in _WITH_OUTPUTS:
        try:
            return _WITH_OUTPUTS[name](arguments, wanted)
        except IndexError:
            refuse(f"calls {name} with too few arguments")
    if name not in BUILTINS and name not in context.shared.beside.trainers:
        _refuse_unknown(name)
    return refuse(f"asks {name} for {wanted} outputs")


def outputs_of(name: str, context: Context) -> int:
    """Return the number of outputs of a function of the script, or of a file beside it."""
    function = context.shared.functions.get(name)
    return len(function.outputs) if function is not None else context.shared.beside.functions[name]


def _own(name: str, arguments: Arguments, outputs: int) -> Value:
    context = arguments.context
    count = outputs_of(name, context)
    python = python_name(name)
    given = [value.as_two_dimensional() for value in arguments.values]
    if name not in context.shared.functions:
        context.shared.called[name] = f"from {module_name(name)} import {python}"
        context.needs(context.shared.called[name])
        given = [replace(value, node=call_of("ml.stack", value)) if value.nd else value for value in given]
    _remember(name, given, context)
    made = call_of(python, *given)
    if count > outputs:
        made = item(made, 0 if outputs == 1 else slice_of(None, outputs))
    elif outputs > max(count, 1):
        refuse(f"asks {name} for {outputs} outputs; it has {count}")
    known = context.shared.output_kinds.get((name, 0), Value())
    applied = known.kind is Kind.UNKNOWN and name in context.shared.beside.makers
    return replace(known, node=made, applied=applied, effect=count == 0)


def _remember(name: str, given: list[Value], context: Context) -> None:
    function = context.shared.functions.get(name)
    if function is None:
        return
    for place, parameter in enumerate(function.parameters):
        value = given[place] if place < len(given) else Value()  # left out: it may be anything
        key = (name, parameter)
        known = context.shared.parameter_kinds.get(key)
        context.shared.parameter_kinds[key] = value if known is None else join(known, value)


def _routine(name: str, arguments: Arguments) -> tuple[ast.expr, Kind, int]:
    kind, count = _ROUTINES[name]
    arguments.context.needs(f"from hf_matlab_compat.legacy import {name}")
    given = list(arguments.values)
    if name == "calcActivations":
        given[0] = given[0].as_two_dimensional()
    return call_of(name, *given), kind, count


def is_function(name: str, context: Context) -> bool:
    """Return True if a lone name is a call."""
    shared = context.shared
    return name in BUILTINS or name in shared.functions or name in shared.beside.functions or name in _ROUTINES
