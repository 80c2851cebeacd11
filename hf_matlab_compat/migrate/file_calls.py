"""Files: load into a struct, save, tables of numbers, binary files, and what only concerns MATLAB's session."""

from __future__ import annotations

import keyword
import re

from hf_matlab_compat.migrate import syntax, texts
from hf_matlab_compat.migrate.arguments import Arguments, Table, Translator
from hf_matlab_compat.migrate.build import call, compare
from hf_matlab_compat.migrate.build import name as variable
from hf_matlab_compat.migrate.context import Context, python_name
from hf_matlab_compat.migrate.load_files import file_arguments, is_table
from hf_matlab_compat.migrate.matlab_functions import NAMES
from hf_matlab_compat.migrate.syntax import Untranslatable
from hf_matlab_compat.migrate.values import Kind, Value, integer

_BYTES = {
    "uint8": "u1",
    "uchar": "u1",
    "unsigned char": "u1",
    "int8": "i1",
    "int16": "i2",
    "uint16": "u2",
    "int32": "i4",
    "int": "i4",
    "uint32": "u4",
    "float32": "f4",
    "single": "f4",
    "float": "f4",
    "double": "f8",
    "float64": "f8",
}
_ORDERS = {"ieee-be": ">", "b": ">", "ieee-le": "<", "l": "<", "n": "<", "native": "<"}


def with_suffix(name: Value) -> str:
    """A .mat file's name, with the suffix that MATLAB adds."""
    pieces = texts.pieces_of(name)
    if pieces is None:
        return f"ml.mat_file({name.text})"
    if re.search(r"\.\w{1,4}\Z", pieces[-1].text):
        return name.text
    return texts.joined([*pieces, texts.Piece(".mat")]).text


def load_table(arguments: Arguments) -> Value | None:
    """``load('x.txt')``, a table of numbers; None for other files."""
    name = arguments.literal(0)
    if name is None or not is_table(name):
        return None
    arguments.context.needs("np")
    return Value(f"np.loadtxt({texts.quoted(name)}, ndmin=2)", Kind.LOADED)


def _load(arguments: Arguments) -> Value:
    if not arguments.nodes:
        raise Untranslatable("loads without a name")
    arguments = Arguments("load", file_arguments(arguments.nodes), arguments.context)
    table = load_table(arguments)
    if table is not None:
        return table
    arguments.context.needs("ml")
    listed = [arguments.literal(place) for place in range(1, len(arguments))]
    if any(word is None or not word.isidentifier() for word in listed):
        raise Untranslatable("loads with options")
    names = f", [{', '.join(texts.quoted(str(word)) for word in listed)}]" if listed else ""
    return Value(f"ml.load_mat({with_suffix(arguments.values[0])}{names})", Kind.LOADED)


def _save(arguments: Arguments) -> Value:
    if not arguments.nodes:
        raise Untranslatable("saves the whole workspace")
    return save(arguments)


def save(arguments: Arguments) -> Value:
    """``save(name, 'a', 'b')``; options may stand before the name."""
    given, context = [arguments.literal(place) for place in range(len(arguments))], arguments.context
    start = next((place for place, word in enumerate(given) if word is None or not word.startswith("-")), 0)
    name, words = arguments.values[start], [*given[:start], *given[start + 1 :]]
    if any(word is None for word in words):
        raise Untranslatable("saves variables whose names are not written out")
    names = [word for word in words if word and not word.startswith("-")]
    if any(word in ("-append", "-ascii", "-struct") for word in words):
        raise Untranslatable("saves with -append, -ascii or -struct")
    if not names:
        raise Untranslatable("saves the whole workspace; name the variables")
    unknown = [each for each in names if each not in context.variables]
    if unknown:
        raise Untranslatable(f"saves {', '.join(unknown)}, which is not known here")
    context.needs("ml")
    given = [_saved_as(each, context.variables[each].text) for each in names]
    return Value(f"ml.save_mat({', '.join([with_suffix(name), *given])})")


def _saved_as(name: str, text: str) -> str:
    return f'**{{"{name}": {text}}}' if keyword.iskeyword(name) else f"{name}={text}"


def _table(value: Value) -> str:
    """What `savetxt` can write: it takes no single numbers."""
    if value.kind is Kind.NUM:
        return f"[{value.text}]"
    return f"np.atleast_2d({value.text})" if value.kind is Kind.UNKNOWN else value.as_two_dimensional().text


def _csvwrite(arguments: Arguments) -> Value:
    name, value = arguments.expect(2)
    arguments.context.needs("np")
    return Value(f'np.savetxt({name.text}, {_table(value)}, fmt="%.16g", delimiter=",")')


def _dlmwrite(arguments: Arguments) -> Value:
    name, value, *_ = arguments.expect(2, 3, 4)
    delimiter = '","'
    if len(arguments) == 3:
        delimiter = arguments.values[2].text
    elif len(arguments) == 4:
        if arguments.literal(2) != "delimiter":
            raise Untranslatable("calls dlmwrite in an unknown way")
        delimiter = texts.quoted("\t") if arguments.literal(3) == "\\t" else arguments.values[3].text
    arguments.context.needs("np")
    return Value(f'np.savetxt({name.text}, {_table(value)}, fmt="%.16g", delimiter={delimiter})')


def _csvread(arguments: Arguments) -> Value:
    (name,) = arguments.expect(1)
    arguments.context.needs("np")
    return Value(f'np.loadtxt({name.text}, delimiter=",", ndmin=2)', Kind.LOADED)


def _fopen(arguments: Arguments) -> Value:
    arguments.expect(1, 2, 3)
    mode = arguments.literal(1) or "r"
    if not re.fullmatch(r"[rwa][+bt]{0,2}", mode):
        raise Untranslatable(f"opens a file in the mode {mode!r}")
    text = "t" in mode or (mode[0] in "aw" and "b" not in mode)
    python_mode = mode[0] + ("+" if "+" in mode else "") + ("" if text else "b")
    arguments.context.notes.append("raises an error where MATLAB returned -1")
    if len(arguments) == 3 and arguments.literal(2) not in _ORDERS:
        raise Untranslatable("opens a file with an unknown byte order")
    order = f', "{_ORDERS[arguments.literal(2) or ""]}"' if len(arguments) == 3 else ""
    arguments.context.needs("ml")
    return Value(f'ml.fopen({arguments.values[0].text}, "{python_mode}"{order})', Kind.FILE)


def _fclose(arguments: Arguments) -> Value:
    (file,) = arguments.expect(1)
    if file.kind is not Kind.FILE:
        raise Untranslatable("closes files that are not named")
    return Value(f"{file.text}.close()")


def _fread(arguments: Arguments) -> Value:
    if not 1 <= len(arguments) <= 5:
        raise Untranslatable("calls fread in an unknown way")
    file = arguments.values[0]
    precision = (arguments.literal(2) or "uint8").split("=>")[0].lstrip("*")
    order = arguments.literal(4) or ""
    known = precision in _BYTES and (not order or order in _ORDERS)
    if file.kind is not Kind.FILE or not known:
        raise Untranslatable("calls fread in an unknown way")
    arguments.context.needs("ml")
    dtype = f'"{_ORDERS[order] if order else ""}{_BYTES[precision]}"'
    one = len(arguments) > 1 and arguments.nodes[1] == syntax.Number("1")
    if one:
        whole = _BYTES[precision][0] in "iu"
        text = f"ml.fread({file.text}, {dtype}, 1).item()"
        return integer(f"int({text})") if whole else Value(text, Kind.NUM)
    return Value(f"ml.fread({file.text}, {dtype}{_count(arguments)})", _read_kind(arguments))


def _count(arguments: Arguments) -> str:
    if len(arguments) == 1 or arguments.nodes[1] in (syntax.Name("inf"), syntax.Name("Inf")):
        return ""
    value = arguments.values[1]
    return f", {value.text}" if value.kind is Kind.ROW else f", {arguments.whole(1)}"


def _read_kind(arguments: Arguments) -> Kind:
    return Kind.ARRAY if len(arguments) > 1 and arguments.values[1].kind is Kind.ROW else Kind.COLUMN


def _exist(arguments: Arguments) -> Value:
    name, context = arguments.literal(0), arguments.context
    kind = arguments.literal(1)
    if len(arguments) == 1 and name is not None:
        kind = "var" if _is_only_variable(name, context) else "file" if not name.isidentifier() else None
    if kind == "var" and name is not None:
        if context_has_parameter(context, name):
            return Value(compare(variable(python_name(name)), "is not", None), Kind.NUM, logical=True)
        scope = call("globals" if context.function is None else "locals")
        return Value(compare(python_name(name), "in", scope), Kind.NUM, logical=True)
    if kind in ("file", "dir"):
        context.needs("ml")
        return integer(f'ml.exist({arguments.values[0].text}, "{kind}")')
    raise Untranslatable("asks whether something exists without saying what kind of thing")


def _is_only_variable(name: str, context: Context) -> bool:
    """Whether a name is a variable of the script's, and of no function or file."""
    elsewhere = name in NAMES or name in context.shared.siblings or name in context.shared.functions
    return name in context.usage.assigned and not elsewhere


def context_has_parameter(context: Context, name: str) -> bool:
    """Whether `name` is a parameter of the function at hand."""
    return context.function is not None and name in context.function.parameters


def _mkdir(arguments: Arguments) -> Value:
    (name,) = arguments.expect(1)
    arguments.context.needs("from pathlib import Path")
    return Value(f"Path({name.text}).mkdir(parents=True, exist_ok=True)")


def _fullfile(arguments: Arguments) -> Value:
    arguments.context.needs("import os")
    return Value(f"os.path.join({', '.join(value.text for value in arguments.values)})", Kind.STR)


def session_only(remark: str) -> Translator:
    """Calls that concern MATLAB's own session."""

    def translator(arguments: Arguments) -> Value:
        arguments.context.replaced_by(remark)
        return Value("")

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
"""What has no counterpart, and need not have one."""

TABLE: Table = {
    **SESSION,
    "load": _load,
    "save": _save,
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
