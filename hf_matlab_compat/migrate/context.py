"""State of a translation: variables, functions, options, and remarks for the report; and names in Python."""

from __future__ import annotations

import ast
import builtins
import keyword
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType

from hf_matlab_compat.migrate import syntax
from hf_matlab_compat.migrate.beside import Beside
from hf_matlab_compat.migrate.load_plan import LoadPlan
from hf_matlab_compat.migrate.usage import Usage
from hf_matlab_compat.migrate.values import SHAPED, Kind, Value, call, called, expr
from hf_matlab_compat.migrate.values import name as name_node

UNSHARED = (Kind.NUM, Kind.STR, Kind.HANDLE, Kind.FILE, Kind.EMPTY)
"""Kinds whose values cannot be changed in part."""
_MAKERS_OF_INTEGERS = frozenset({"arange", "r_", "randperm", "randi", "flatnonzero", "sort", "unique"})
_MODULES = {"np", "ml", "plt", "math", "sys", "time", "random", "os", "warnings", "Path"}
_FUNCTIONS = {"num2str", "WORDS", "train", "recurrent", "nnet_train", "nnet_train_2", "check_calls"}
_TAKEN = _MODULES | _FUNCTIONS | {"l", "O", "I", "loaded", "tic"}


def python_name(name: str) -> str:
    """Return the Python name of a variable: its own, with an underscore appended if Python reserves it.

    A reserved name that already ends in underscores gets one more, so that ``in`` and ``in_`` stay different.
    """
    own = name.rstrip("_") or name
    return name + "_" if keyword.iskeyword(own) or own in _TAKEN or hasattr(builtins, own) else name


_TEXT = """
PIL contourpy cupy cupyx cycler cyclopts dateutil fontTools h5py hf_matlab_compat kiwisolver llvmlite matplotlib mpi4py
mpl_toolkits numba numpy packaging pylab pyparsing rich scipy six threadpoolctl tree_sitter tree_sitter_matlab
"""
_PACKAGES = frozenset(_TEXT.split())
"""Packages that a migrated script imports, directly or indirectly."""


def module_name(stem: str) -> str:
    """Return the name of a migrated file without suffix: the script's, with an underscore if a module has it.

    A file ``copy.py`` would be imported in place of Python's own ``copy``.
    """
    own = stem.rstrip("_") or stem
    taken = keyword.iskeyword(own) or own in _PACKAGES or own in sys.stdlib_module_names
    return stem + "_" if taken else stem


def _may_be_whole(value: Value) -> bool:
    """Return whether a fresh array may have an integer type."""
    nodes = list(ast.walk(expr(value)))
    arrays = [node for node in nodes if isinstance(node, ast.Call) and called(node) == "np.array"]
    return any(all(each.arg != "dtype" for each in node.keywords) for node in arrays) or any(
        (isinstance(node, ast.Attribute) and node.attr in _MAKERS_OF_INTEGERS)
        or (isinstance(node, ast.Name) and node.id == "ml")
        for node in nodes
    )


class Variables(dict[str, Value]):
    """Facts about each variable, with a history, so that the effects of a statement can be undone."""

    def __init__(self, known: Mapping[str, Value] = MappingProxyType({})) -> None:
        super().__init__(known)
        self._before: list[tuple[str, Value | None]] = []

    def __setitem__(self, name: str, value: Value) -> None:
        self._before.append((name, self.get(name)))
        super().__setitem__(name, value)

    def __delitem__(self, name: str) -> None:
        self._before.append((name, self.get(name)))
        super().__delitem__(name)

    def mark(self) -> int:
        """Return a point for `take_back`."""
        return len(self._before)

    def take_back(self, mark: int) -> None:
        """Undo the changes since the mark."""
        while len(self._before) > mark:
            name, value = self._before.pop()
            if value is None:
                super().pop(name, None)
            else:
                super().__setitem__(name, value)


@dataclass
class Shared:
    """State that all functions of a file share.

    Attributes
    ----------
    style, streams : str
        As for `translate`.
    functions : mapping
        Functions of this file, by name.
    beside : Beside
        Files beside the script.
    imports : set of str
        Lines that import functions of other files.
    called : dict of str to str
        Functions in files beside this one that are called, and the import line of each.
    inlined : set of str
        Variables that a call of the trainer replaces by a literal or leaves out.
    parameter_kinds, output_kinds : dict
        Facts about arguments and results of the functions of this file.
    is_function_file : bool
        Whether the file holds functions only; its caller may have seeded the random state.
    uses_random : bool
        Whether the script draws from the random state.
    fields_with_functions : frozenset of str
        Fields that may hold functions, with ``{}`` if cells and results of functions may too.
    """

    style: str
    streams: str
    functions: Mapping[str, syntax.Function]
    beside: Beside = field(default_factory=Beside)
    is_function_file: bool = False
    imports: set[str] = field(default_factory=set)
    called: dict[str, str] = field(default_factory=dict)
    inlined: set[str] = field(default_factory=set)
    parameter_kinds: dict[tuple[str, str], Value] = field(default_factory=dict)
    output_kinds: dict[tuple[str, int], Value] = field(default_factory=dict)
    uses_random: bool = False
    fields_with_functions: frozenset[str] = frozenset()


@dataclass
class Context:
    """State of the translation of one body, of the script or of a function.

    Attributes
    ----------
    shared : Shared
        State of the whole file.
    usage : Usage
        Facts about the variables of the body.
    function : syntax.Function or None
        The function; None for the script itself.
    value : callable
        Translates an expression; given by `scripts`, so that the modules of expressions need not import each other.
    variables : dict
        Facts about each variable defined so far.
    two_dimensional : set of str
        Variables that must not hold a ROW, as they also hold other kinds.
    assigned : dict
        All kinds that were assigned to each variable.
    growing : set of str
        Variables that start empty and grow.
    exceptions : set of str
        Variables that hold a caught exception.
    missing : dict
        Variables to create before the statement, and their first values.
    notes : list of str
        Remarks on the statement for the report.
    warnings : list of str
        Those of `notes` that are also comments in the Python script.
    dropped : list of syntax.Node
        Parts of the statement without a counterpart in Python, as a remark says.
    replaced : bool
        Whether the statement has no counterpart in Python.
    end_of : list of callable
        Return the value of ``end`` for each index around the present expression.
    plan : LoadPlan
        The names that the loads of the body bind.
    optional : frozenset of str
        Parameters that a call may leave out.
    made : set of str
        Variables that may have been missing and were created in this body.
    cleared : set of str
        Variables that were cleared, so that a function of their name is visible again.
    handles : mapping
        Variables with one assignment, of a function, and that function.
    read_by_trainer : frozenset of str
        Those of `handles` that only calls of the public trainer of recurrent nets read.
    depth, loops : int
        Numbers of compound statements and of loops around the present statement.
    """

    shared: Shared
    usage: Usage
    function: syntax.Function | None = None
    value: Callable[[syntax.Node, Context], Value] = field(default=None)  # type: ignore[assignment]
    variables: dict[str, Value] = field(default_factory=Variables)
    two_dimensional: set[str] = field(default_factory=set)
    assigned: dict[str, set[Kind]] = field(default_factory=dict)
    growing: set[str] = field(default_factory=set)
    exceptions: set[str] = field(default_factory=set)
    missing: dict[str, ast.expr] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    dropped: list[syntax.Node] = field(default_factory=list)
    replaced: bool = False
    end_of: list[Callable[[], Value]] = field(default_factory=list)
    plan: LoadPlan = field(default_factory=LoadPlan)
    optional: frozenset[str] = frozenset()
    made: set[str] = field(default_factory=set)
    cleared: set[str] = field(default_factory=set)
    handles: Mapping[str, syntax.Node] = field(default_factory=dict)
    read_by_trainer: frozenset[str] = frozenset()
    depth: int = 0
    loops: int = 0

    def __call__(self, node: syntax.Node) -> Value:
        """Translate an expression."""
        return self.value(node, self)

    def needs(self, line: str) -> None:
        """Note a line that imports a function of another file; `IMPORTS` follow from the names that a script uses."""
        self.shared.imports.add(line)

    def define(self, name: str, value: Value) -> None:
        """Note the facts about a variable from here on."""
        known = replace(value, node=name_node(python_name(name)), owner="", effect=False)
        self.variables[name] = known
        self.cleared.discard(name)
        self.assigned.setdefault(name, set()).add(value.kind)

    def fresh(self, value: Value, name: str) -> Value:
        """Return `value` for a variable: copied if parts of it, or of an array that it shares, are assigned later."""
        written = self.usage.written
        shared = value.owner and (name in written or bool(written & set(value.owner.split())))
        whole = name in written and value.kind in SHAPED and _may_be_whole(value)
        if not (shared or whole) or value.kind in UNSHARED:
            return value
        return replace(value, node=call("ml.copied", value), owner="", integer=False)

    def target(self, name: str) -> str:
        """Return the Python name to assign to, with a leading underscore if a function never uses it."""
        kept = self.function is None or name in self.usage.read or name in self.function.outputs
        return python_name(name) if kept else f"_{name}"

    def warn(self, remark: str) -> None:
        """Add a remark for the report and for the reader of the Python script."""
        self.notes.append(remark)
        self.warnings.append(remark)

    def replaced_by(self, remark: str) -> None:
        """Note that the statement has no Python counterpart, and why none is needed."""
        self.replaced = True
        self.notes.append(remark)


IMPORTS: Mapping[str, str] = {
    "np": "import numpy as np",
    "ml": "from hf_matlab_compat.migrate import runtime as ml",
    "plt": "import matplotlib.pyplot as plt",
    **{name: f"import {name}" for name in ("math", "os", "sys", "time", "warnings")},
    "Path": "from pathlib import Path",
    "num2str": "from hf_matlab_compat.matlab.logs.num2str import num2str",
    "WORDS": "from hf_matlab_compat.matlab.vocabulary import WORDS",
    **{name: f"from hf_matlab_compat import {name}" for name in ("train", "recurrent", "nnet_train", "nnet_train_2")},
}
"""Reserved names of the Python script, and the line that imports each."""
