"""What a translation knows while it goes: variables, functions, options, and what it has to say."""

from __future__ import annotations

import ast
import builtins
import keyword
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType

from hf_matlab_compat.migrate import syntax
from hf_matlab_compat.migrate.build import call, expr
from hf_matlab_compat.migrate.build import name as name_node
from hf_matlab_compat.migrate.copies import UNEDITED, Copy
from hf_matlab_compat.migrate.inlining import BodyOf
from hf_matlab_compat.migrate.load_files import NamesIn
from hf_matlab_compat.migrate.load_plan import LoadPlan
from hf_matlab_compat.migrate.usage import Usage
from hf_matlab_compat.migrate.values import SHAPED, Kind, Value

UNSHARED = (Kind.NUM, Kind.STR, Kind.HANDLE, Kind.FILE, Kind.EMPTY)
"""Kinds that nobody can write to in part."""
_MAKERS_OF_INTEGERS = frozenset({"arange", "r_", "randperm", "randi", "flatnonzero", "sort", "unique"})
_MODULES = {"np", "ml", "plt", "math", "sys", "time", "random", "os", "warnings", "Path"}
_FUNCTIONS = {"num2str", "WORDS", "train", "nnet_train", "nnet_train_2", "check_calls"}
_TAKEN = _MODULES | _FUNCTIONS | {"l", "O", "I", "loaded", "tic"}


def python_name(name: str) -> str:
    """The variable's name in Python: its own, with an underscore behind it where Python has taken it.

    A name that ends in underscores itself gets another one, so that ``in`` and ``in_`` stay two.
    """
    own = name.rstrip("_") or name
    return name + "_" if keyword.iskeyword(own) or own in _TAKEN or hasattr(builtins, own) else name


_TEXT = """
PIL contourpy cupy cupyx cycler cyclopts dateutil fontTools h5py hf_matlab_compat kiwisolver llvmlite matplotlib mpi4py
mpl_toolkits numba numpy packaging pylab pyparsing rich scipy six threadpoolctl tree_sitter tree_sitter_matlab
"""
_PACKAGES = frozenset(_TEXT.split())
"""What a migrated script imports beside Python's own modules, itself or through what it imports."""


def module_name(stem: str) -> str:
    """The name of a migrated file, without suffix: the script's, with an underscore behind it where Python has it.

    A file ``copy.py`` would be imported by everything that asks for Python's own ``copy``.
    """
    own = stem.rstrip("_") or stem
    taken = keyword.iskeyword(own) or own in _PACKAGES or own in sys.stdlib_module_names
    return stem + "_" if taken else stem


def _may_be_whole(value: Value) -> bool:
    """Return whether a fresh array may have an integer type."""
    nodes = list(ast.walk(expr(value)))
    arrays = [node for node in nodes if isinstance(node, ast.Call) and ast.unparse(node.func) == "np.array"]
    return any(all(each.arg != "dtype" for each in node.keywords) for node in arrays) or any(
        (isinstance(node, ast.Attribute) and node.attr in _MAKERS_OF_INTEGERS)
        or (isinstance(node, ast.Name) and node.id == "ml")
        for node in nodes
    )


@dataclass(frozen=True)
class Beside:
    """What lies beside a script.

    Attributes
    ----------
    functions : mapping of str to int
        Functions in files of their own, and how many outputs each has.
    trainers : mapping of str to Copy
        Copies of the trainer, whose edits become options of the call.
    names_in : callable
        The variables of each .mat file of a name as the script gives it, which may hold ``*``; None for a file that is
        not at hand.
    scripts : frozenset of str
        Names of the scripts, which are called by them.
    body_of : callable
        The statements of one of them; None for any other file.
    makers : frozenset of str
        Functions in files of their own whose outputs may be functions.
    """

    functions: Mapping[str, int] = field(default_factory=dict)
    trainers: Mapping[str, Copy] = field(default_factory=lambda: UNEDITED)
    names_in: NamesIn = field(default=lambda _file: None)
    scripts: frozenset[str] = frozenset()
    body_of: BodyOf = field(default=lambda _name: None)
    makers: frozenset[str] = frozenset()


class Variables(dict[str, Value]):
    """What is known of each variable; remembers what was there before, so that a statement can be taken back."""

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
        """A point to go back to."""
        return len(self._before)

    def take_back(self, mark: int) -> None:
        """Undo what was changed since the mark."""
        while len(self._before) > mark:
            name, value = self._before.pop()
            if value is None:
                super().pop(name, None)
            else:
                super().__setitem__(name, value)


@dataclass
class Shared:
    """What all functions of a file share.

    Attributes
    ----------
    style : {'legacy', 'modern'}
    streams : {'octave', 'matlab'}
    functions : mapping
        Functions of this file, by name.
    siblings : mapping
        Names of functions in files beside this one, to the number of their outputs.
    trainers : mapping
        Names of the trainer's copies, and what is known of each.
    imports : set of str
        Import lines the Python script needs.
    called : dict of str to str
        Functions in files beside this one that are called, and the import line of each.
    inlined : set of str
        Variables in whose place a call of the trainer has a word of its own, or nothing.
    parameter_kinds, output_kinds : dict
        What is known of arguments and results of functions of this file.
    is_function_file : bool
        Whether the file holds functions only; who calls them may have seeded the random state.
    names_in : callable
        As in `Beside`.
    scripts : frozenset of str
        As in `Beside`.
    fields_with_functions : frozenset of str
        Fields that may hold functions; ``{}`` among them where cells and results of functions may.
    makers : frozenset of str
        As in `Beside`.
    """

    style: str
    streams: str
    functions: Mapping[str, syntax.Function]
    siblings: Mapping[str, int]
    trainers: Mapping[str, Copy] = field(default_factory=lambda: UNEDITED)
    is_function_file: bool = False
    imports: set[str] = field(default_factory=set)
    called: dict[str, str] = field(default_factory=dict)
    inlined: set[str] = field(default_factory=set)
    parameter_kinds: dict[tuple[str, str], Value] = field(default_factory=dict)
    output_kinds: dict[tuple[str, int], Value] = field(default_factory=dict)
    uses_random: bool = False
    names_in: NamesIn = field(default=lambda _file: None)
    scripts: frozenset[str] = frozenset()
    fields_with_functions: frozenset[str] = frozenset()
    makers: frozenset[str] = frozenset()


@dataclass
class Context:
    """One script body or one function body, while it is translated.

    Attributes
    ----------
    shared : Shared
    usage : Usage
        How the body uses its variables.
    function : syntax.Function or None
        None for the script itself.
    value : callable
        Translates an expression; set by `expressions`, so that its parts need not import it.
    variables : dict
        What is known of each variable defined so far.
    two_dimensional : set of str
        Variables that must not hold a ROW, since they hold other things too.
    assigned : dict
        Kinds of what each variable was ever given.
    growing : set of str
        Variables that start without room.
    exceptions : set of str
        Variables that hold what a ``try`` caught.
    missing : dict
        Variables to create before the statement, with their first values.
    notes : list of str
        Remarks on the statement, for the report.
    warnings : list of str
        Those among them that stand above the statement in the Python script too.
    dropped : list of syntax.Node
        Parts of the statement that Python has no counterpart for, as a remark says.
    plan : LoadPlan
        What the body's loads bind.
    optional : frozenset of str
        Parameters that a call may leave out.
    made : set of str
        Variables that may be missing before the statement, and were created in this body.
    cleared : set of str
        Variables that were cleared, so that a function of their name is one again.
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
    depth: int = 0
    loops: int = 0

    def __call__(self, node: syntax.Node) -> Value:
        """The Python of an expression."""
        return self.value(node, self)

    def needs(self, line: str) -> None:
        """Remember a line that imports a function of another file; `IMPORTS` follow from the names a script uses."""
        self.shared.imports.add(line)

    def define(self, name: str, value: Value) -> None:
        """Remember what a variable holds from here on."""
        known = replace(value, node=name_node(python_name(name)), owner="", effect=False)
        self.variables[name] = known
        self.cleared.discard(name)
        self.assigned.setdefault(name, set()).add(value.kind)

    def fresh(self, value: Value, name: str) -> Value:
        """`value` as it may be kept in `name`: of its own and ready for fractions where parts are assigned later."""
        written = self.usage.written
        shared = value.owner and (name in written or bool(written & set(value.owner.split())))
        whole = name in written and value.kind in SHAPED and _may_be_whole(value)
        if not (shared or whole) or value.kind in UNSHARED:
            return value
        return replace(value, node=call("ml.copied", value), owner="", integer=False)

    def target(self, name: str) -> str:
        """The Python name to assign to: with an underscore before it where a function never uses it."""
        kept = self.function is None or name in self.usage.read or name in self.function.outputs
        return python_name(name) if kept else f"_{name}"

    def warn(self, remark: str) -> None:
        """A remark for the report and for the reader of the Python script."""
        self.notes.append(remark)
        self.warnings.append(remark)

    def replaced_by(self, remark: str) -> None:
        """The statement has no Python counterpart, but something takes its place."""
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
    **{name: f"from hf_matlab_compat import {name}" for name in ("train", "nnet_train", "nnet_train_2")},
}
"""Names that no variable of a script has in Python, and the line that imports each."""
