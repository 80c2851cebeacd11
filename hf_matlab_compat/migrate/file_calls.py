"""Files: load into a struct, save, tables of numbers, binary files, and what only concerns MATLAB's session."""

from __future__ import annotations

import ast
import keyword
import re

from hf_matlab_compat.migrate import strings, syntax
from hf_matlab_compat.migrate.arguments import Arguments, Table, Translator
from hf_matlab_compat.migrate.beside import file_arguments, is_table
from hf_matlab_compat.migrate.context import Context, python_name
from hf_matlab_compat.migrate.syntax import MATLAB_FUNCTIONS, refuse
from hf_matlab_compat.migrate.values import Kind, Part, Value, call, compare, expr, integer, method, number
from hf_matlab_compat.migrate.values import name as variable

_BYTES = {
    **dict.fromkeys(("uint8", "uchar", "unsigned char"), "u1"),
    "int8": "i1",
    "int16": "i2",
    "uint16": "u2",
    **dict.fromkeys(("int32", "int"), "i4"),
    "uint32": "u4",
    **dict.fromkeys(("float32", "single", "float"), "f4"),
    **dict.fromkeys(("double", "float64"), "f8"),
}
_ORDERS = {"ieee-be": ">", "b": ">", "ieee-le": "<", "l": "<", "n": "<", "native": "<"}
_INFINITE = (syntax.Name("inf"), syntax.Name("Inf"))


def with_suffix(name: Value) -> Value:
    """Return a .mat file's name, with the suffix that MATLAB adds."""
    pieces = strings.pieces_of(name)
    if pieces is None:
        return Value(call("ml.mat_file", name), Kind.STR)
    if re.search(r"\.\w{1,4}\Z", pieces[-1].text):
        return name
    return strings.joined([*pieces, strings.Piece(".mat")])


def load_table(arguments: Arguments) -> Value | None:
    """Translate ``load('x.txt')``, a table of numbers; return None for other files."""
    name = arguments.literal(0)
    if name is None or not is_table(name):
        return None
    return Value(call("np.loadtxt", name, ndmin=2), Kind.LOADED)


def _load(arguments: Arguments) -> Value:
    if not arguments.nodes:
        refuse("loads without a name")
    arguments = Arguments("load", file_arguments(arguments.nodes), arguments.context)
    table = load_table(arguments)
    if table is not None:
        return table
    listed = names_listed(arguments)
    names: list[Part] = [expr([*listed])] if listed else []
    return Value(call("ml.load_mat", with_suffix(arguments.values[0]), *names), Kind.LOADED)


def names_listed(arguments: Arguments) -> list[str]:
    """Return the variables that a ``load`` names after its file."""
    listed = [arguments.literal(place) or "" for place in range(1, len(arguments))]
    if not all(word.isidentifier() for word in listed):
        refuse("loads with options")
    return listed


def save(arguments: Arguments) -> Value:
    """Translate ``save(name, 'a', 'b')``; options may stand before the name."""
    if not arguments.nodes:
        refuse("saves the whole workspace")
    given, context = [arguments.literal(place) for place in range(len(arguments))], arguments.context
    start = next((place for place, word in enumerate(given) if word is None or not word.startswith("-")), 0)
    name, words = arguments.values[start], [*given[:start], *given[start + 1 :]]
    if any(word is None for word in words):
        refuse("saves variables whose names are not written out")
    names = [word for word in words if word and not word.startswith("-")]
    if any(word in ("-append", "-ascii", "-struct") for word in words):
        refuse("saves with -append, -ascii or -struct")
    if not names:
        refuse("saves the whole workspace; name the variables")
    unknown = [each for each in names if each not in context.variables]
    if unknown:
        refuse(f"saves {', '.join(unknown)}, which is not known here")
    saved = [_saved_as(each, expr(context.variables[each])) for each in names]
    return Value(ast.Call(variable("ml.save_mat"), [expr(with_suffix(name))], saved), effect=True)


def _saved_as(name: str, value: ast.expr) -> ast.keyword:
    """``name=value``, or ``**{"name": value}`` for a word that Python has taken."""
    taken = keyword.iskeyword(name)
    return ast.keyword(None, ast.Dict([expr(name)], [value])) if taken else ast.keyword(name, value)


def _write_table(name: Value, value: Value, delimiter: Part) -> Value:
    table: Part = value.as_two_dimensional()  # savetxt takes no single numbers
    if value.kind is Kind.NUM:
        table = [value]
    elif value.kind is Kind.UNKNOWN:
        table = call("np.atleast_2d", value)
    return Value(call("np.savetxt", name, table, fmt="%.16g", delimiter=delimiter), effect=True)


def _csvwrite(arguments: Arguments) -> Value:
    name, value = arguments.expect(2)
    return _write_table(name, value, ",")


def _dlmwrite(arguments: Arguments) -> Value:
    name, value, *rest = arguments.expect(2, 3, 4)
    if len(rest) == 2 and arguments.literal(2) != "delimiter":
        arguments.refuse_form()
    tab = len(rest) == 2 and arguments.literal(3) == "\\t"
    return _write_table(name, value, "\t" if tab else rest[-1] if rest else ",")


def _csvread(arguments: Arguments) -> Value:
    return Value(call("np.loadtxt", *arguments.expect(1), delimiter=",", ndmin=2), Kind.LOADED)


def _fopen(arguments: Arguments) -> Value:
    name = arguments.expect(1, 2, 3)[0]
    mode = arguments.literal(1) or "r"
    if not re.fullmatch(r"[rwa][+bt]{0,2}", mode):
        refuse(f"opens a file in the mode {mode!r}")
    text = "t" in mode or (mode[0] in "aw" and "b" not in mode)
    python_mode = mode[0] + ("+" if "+" in mode else "") + ("" if text else "b")
    arguments.context.notes.append("raises an error where MATLAB returned -1")
    if len(arguments) == 3 and arguments.literal(2) not in _ORDERS:
        refuse("opens a file with an unknown byte order")
    order = [_ORDERS[arguments.literal(2) or ""]] if len(arguments) == 3 else []
    return Value(call("ml.fopen", name, python_mode, *order), Kind.FILE)


def _fclose(arguments: Arguments) -> Value:
    (file,) = arguments.expect(1)
    if file.kind is not Kind.FILE:
        refuse("closes files that are not named")
    return Value(method(file, "close"), effect=True)


def _fread(arguments: Arguments) -> Value:
    if not 1 <= len(arguments) <= 5:
        arguments.refuse_form()
    file = arguments.values[0]
    precision = (arguments.literal(2) or "uint8").split("=>")[0].lstrip("*")
    order = arguments.literal(4) or ""
    if file.kind is not Kind.FILE or precision not in _BYTES or (order and order not in _ORDERS):
        arguments.refuse_form()
    dtype = (_ORDERS[order] if order else "") + _BYTES[precision]
    if len(arguments) > 1 and arguments.nodes[1] == syntax.Number("1"):
        one = method(call("ml.fread", file, dtype, 1), "item")
        return integer(call("int", one)) if _BYTES[precision][0] in "iu" else number(one)
    shaped = len(arguments) > 1 and arguments.values[1].kind is Kind.ROW
    return Value(call("ml.fread", file, dtype, *_count(arguments)), Kind.ARRAY if shaped else Kind.COLUMN)


def _count(arguments: Arguments) -> list[Part]:
    if len(arguments) == 1 or arguments.nodes[1] in _INFINITE:
        return []
    value = arguments.values[1]
    return [value if value.kind is Kind.ROW else arguments.whole(1)]


def _exist(arguments: Arguments) -> Value:
    name, context = arguments.literal(0), arguments.context
    kind = arguments.literal(1)
    if len(arguments) == 1 and name is not None:
        kind = "var" if _is_only_variable(name, context) else "file" if not name.isidentifier() else None
    if kind == "var" and name is not None:
        if context.function is not None and name in context.function.parameters:
            return Value(compare(variable(python_name(name)), "is not", None), Kind.NUM, logical=True)
        scope = call("globals" if context.function is None else "locals")
        return Value(compare(python_name(name), "in", scope), Kind.NUM, logical=True)
    if kind in ("file", "dir"):
        return integer(call("ml.exist", arguments.values[0], kind))
    return refuse("asks whether something exists without saying what kind of thing")


def _is_only_variable(name: str, context: Context) -> bool:
    """Return True if a name is a variable of the script, and of no function or file."""
    elsewhere = name in MATLAB_FUNCTIONS or name in context.shared.beside.functions or name in context.shared.functions
    return name in context.usage.assigned and not elsewhere


def _mkdir(arguments: Arguments) -> Value:
    made = method(call("Path", *arguments.expect(1)), "mkdir", parents=True, exist_ok=True)
    return Value(made, effect=True)


def _fullfile(arguments: Arguments) -> Value:
    return Value(call("os.path.join", *arguments.values), Kind.STR)


def session_only(remark: str) -> Translator:
    """Return a translator of calls that concern MATLAB's own session."""

    def translator(arguments: Arguments) -> Value:
        arguments.context.replaced_by(remark)
        return Value()

    return translator


_PATH = "left out: Python finds its modules by itself"
_DEVICE = "replaced by the trainer's argument jacket, which decides where it computes"
_SESSION = "left out: it concerns MATLAB's session"

SESSION: Table = {
    **dict.fromkeys(("addpath", "rmpath", "genpath"), session_only(_PATH)),
    **dict.fromkeys(("gpuDevice", "ginfo", "gselect", "gactivate", "gsync", "ginit", "gpuinit"), session_only(_DEVICE)),
    **dict.fromkeys(
        ("clc", "more", "format", "dbstop", "beep", "matlabpool", "maxNumCompThreads", "diary", "pack_memory"),
        session_only(_SESSION),
    ),
    **dict.fromkeys(("clear", "clearvars", "clearall"), session_only("left out: a Python script starts empty")),
    "pause": session_only("left out: nothing waits here"),
    "page_screen_output": session_only(_SESSION),
    "fflush": session_only(_SESSION),
}
"""Calls that have no counterpart, and need none."""

TABLE: Table = {
    **SESSION,
    "load": _load,
    "save": save,
    "csvwrite": _csvwrite,
    "dlmwrite": _dlmwrite,
    "csvread": _csvread,
    "dlmread": _csvread,
    "fopen": _fopen,
    "fclose": _fclose,
    "fread": _fread,
    "exist": _exist,
    "mkdir": _mkdir,
    "fullfile": _fullfile,
}
