"""Files beside a script: data that it loads and saves, other scripts and functions, and copies of the trainer."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fnmatch import fnmatch
from pathlib import Path

from hf_matlab_compat.errors import CheckpointError, MigrationError
from hf_matlab_compat.matlab.files.checkpoint_variables import VARIABLES
from hf_matlab_compat.matlab.files.regular_file import read_file
from hf_matlab_compat.matlab.vocabulary import TRAINER_ARGUMENTS
from hf_matlab_compat.migrate import syntax
from hf_matlab_compat.migrate.syntax import Node, Statement
from hf_matlab_compat.migrate.trainer import TrainerReport, read_trainer

SOLVER = "conjgrad_1"
PUBLISHED = "nnet_train_2"
_HEADER = re.compile(r"\s*function\b[^\n=]*=\s*(\w+)\s*\(([^)]*)\)?")
_SOLVES = re.compile(r"\b(conjgrad\w*)\s*\(")
_WORDS = frozenset(
    {
        "autodamp",
        "initlambda",
        "lambdarecord",
        "llrecord",
        "errrecord",
        "totalpasses",
        "maskp",
        "computeGV",
        "computeLL",
    }
)
_MOST_BYTES = 500_000
_FEWEST_ARGUMENTS = 10
_FEWEST_WORDS = 5
_CHECKPOINTS = ("_nnet_running", "_nnet_epoch")
_OPTIONS = ("-mat", "-ascii")
ABSENT = "a file named while the script runs"
NamesIn = Callable[[str], Sequence[frozenset[str]] | None]
"""Returns the variables of each .mat file of a name, which may hold ``*``; None if they are not known."""
BodyOf = Callable[[str], tuple[Statement, ...] | None]
"""Returns the statements of a script beside the present one; None if there is no script of that name."""


@dataclass(frozen=True)
class Copy:
    """A trainer that scripts call.

    Attributes
    ----------
    options : mapping
        Keywords of `train` that express its differences from the published file.
    refusal : str
        Why it is not this package's algorithm; empty if it is.
    report : TrainerReport or None
        None if there is no readable file.
    """

    options: Mapping[str, object] = field(default_factory=dict)
    refusal: str = ""
    report: TrainerReport | None = None


UNEDITED: Mapping[str, Copy] = {PUBLISHED: Copy()}
"""The published trainer, which is known without a file beside the script."""


@dataclass(frozen=True)
class Beside:
    """Files beside a script.

    Attributes
    ----------
    functions : mapping of str to int
        Functions in files of their own, and the number of outputs of each.
    trainers : mapping of str to Copy
        Copies of the trainer, whose edits become options of the call.
    names_in : callable
        Lists the variables of each .mat file of a name, which may hold ``*``; None if there is no file.
    scripts : frozenset of str
        Names of the scripts.
    body_of : callable
        Returns the statements of a script; None for any other file.
    makers : frozenset of str
        Those of `functions` whose outputs may be functions.
    """

    functions: Mapping[str, int] = field(default_factory=dict)
    trainers: Mapping[str, Copy] = field(default_factory=lambda: UNEDITED)
    names_in: NamesIn = field(default=lambda _file: None)
    scripts: frozenset[str] = frozenset()
    body_of: BodyOf = field(default=lambda _name: None)
    makers: frozenset[str] = frozenset()


def is_part_of_trainer(path: Path) -> bool:
    """Return whether a .m file is the trainer or its solver, under any name.

    A function of another name is a copy of the trainer if it has the trainer's arguments, or its variables and
    functions, and calls a solver.
    """
    if path.stem in (PUBLISHED, SOLVER):
        return True
    code = _code(path)
    found = _HEADER.match(code)
    if found is None or found[1].startswith("nnet_train"):
        return found is not None
    arguments = set(re.findall(r"\w+", found[2])) & set(TRAINER_ARGUMENTS)
    words = set(re.findall(r"\w+", code)) & _WORDS
    alike = len(arguments) >= _FEWEST_ARGUMENTS or len(words) >= _FEWEST_WORDS
    return alike and not found[1].startswith("conjgrad") and bool(_solvers_in(code, found[1]))


def _solvers_in(code: str, own: str = "") -> list[str]:
    """Return the functions named conjgrad… that a text calls or defines."""
    return [name for name in dict.fromkeys(_SOLVES.findall(code)) if name != own]


def trainers_beside(folder: Path) -> dict[str, Copy]:
    """Return the copies of the trainer in a folder by name, always with the published one."""
    found = dict(UNEDITED)
    for path in sorted(folder.glob("*.m")):
        if path.stem != SOLVER and is_part_of_trainer(path):
            found[path.stem] = read_copy(path)
    return found


def files_of(path: Path) -> list[Path]:
    """Return the file of a copy and that of the solver beside it."""
    called = _solvers_in(_code(path))
    beside = (path.with_name(f"{name}.m") for name in dict.fromkeys([SOLVER, *called]))
    return [path, *[solver for solver in beside if solver.is_file() and solver != path][:1]]


def read_copy(path: Path) -> Copy:
    """Read a copy of the trainer and the options that its edits imply."""
    try:
        report = read_trainer(*files_of(path))
    except MigrationError as error:
        return Copy(refusal=str(error))
    return Copy(report.options, report=report)


def _code(path: Path) -> str:
    """Return the text of a file without comments and empty lines; empty if it cannot be read."""
    try:
        text = read_file(path)[:_MOST_BYTES].decode("latin-1").replace("\r", "\n")
    except CheckpointError:
        return ""
    lines = (line.partition("%")[0] for line in text.split("\n"))
    return "\n".join(line for line in lines if line.strip())


def is_table(name: str) -> bool:
    """Return whether MATLAB would read this file as text."""
    suffix = re.search(r"\.(\w+)\Z", name)
    return suffix is not None and suffix[1] != "mat"


def is_workspace_load(node: Node) -> bool:
    """Return whether an expression on its own loads a file into the workspace."""
    return isinstance(node, syntax.Apply) and node.base == syntax.Name("load") and bool(node.arguments)


@dataclass(frozen=True)
class Load:
    """A file that is loaded into the workspace.

    Attributes
    ----------
    place : int
        Index of the statement in the body.
    file : str
        Name, with ``*`` for parts that are computed at run time.
    listed : frozenset of str
        Variables that the statement names.
    surely, perhaps : frozenset of str
        Variables that every file of this name holds, and those that only some hold.
    unknown : str
        Name of the file in a remark if its variables are not known, otherwise empty.
    """

    place: int
    file: str
    listed: frozenset[str] = frozenset()
    surely: frozenset[str] = frozenset()
    perhaps: frozenset[str] = frozenset()
    unknown: str = ""


def file_arguments(nodes: Sequence[Node]) -> tuple[Node, ...]:
    """Return the arguments of ``load`` without options; the first is the name of the file."""
    return tuple(each for each in nodes if not (isinstance(each, syntax.Text) and each.text in _OPTIONS))


def _file_statements(statements: Iterable[Statement], word: str) -> Iterator[tuple[int, tuple[Node, ...]]]:
    """Yield place and arguments of every statement ``load …`` or ``save …``."""
    for place, statement in enumerate(statements):
        if isinstance(statement, syntax.Command) and statement.words[0] == word and len(statement.words) > 1:
            yield place, file_arguments(tuple(map(syntax.Text, statement.words[1:])))
        elif isinstance(statement, syntax.Evaluate) and isinstance(statement.value, syntax.Apply):
            call = statement.value
            if call.base == syntax.Name(word) and call.arguments:
                yield place, file_arguments(call.arguments)


def loads_of(statements: Sequence[Statement], constants: Mapping[str, Node], names_in: NamesIn) -> list[Load]:
    """Return the loads of a body, with the variables that their files are known to hold.

    Parameters
    ----------
    statements : sequence of Statement
        All statements of the body in the order of the text.
    constants : mapping
        Variables with one literal value.
    names_in : callable
        Lists the variables of each file of a name.
    """
    saved = list(_saves(statements))
    loads = [
        Load(place, file_name(nodes[0], constants), frozenset(e.text for e in nodes[1:] if isinstance(e, syntax.Text)))
        for place, nodes in _file_statements(statements, "load")
        if nodes
    ]
    return [_with_names(each, _held_by(each, saved, names_in(each.file))) for each in loads]


def file_name(node: Node, constants: Mapping[str, Node]) -> str:
    """Return the name of a file that an expression gives, with ``*`` for computed parts."""
    match node:
        case syntax.Text(text):
            return text
        case syntax.Name(name) if name in constants:
            return file_name(constants[name], {})
        case syntax.Paren(inner):
            return file_name(inner, constants)
        case syntax.Matrix(rows=(row,)):
            return "".join(file_name(each, constants) for each in row)
        case syntax.Apply(syntax.Name("sprintf"), (syntax.Text(text), *_)):
            return re.sub(r"%[-+ 0#]*\d*(\.\d+)?[a-zA-Z]", "*", text)
        case syntax.Apply(syntax.Name("strcat"), parts):
            return "".join(file_name(each, constants) for each in parts)
        case syntax.Apply(syntax.Name("fullfile"), parts):
            return "/".join(file_name(each, constants) for each in parts)
        case _:
            return "*"


def added_folders(body: Iterable[Node]) -> Iterator[tuple[str, bool]]:
    """Yield the folders that ``addpath`` names, relative to the script's, and whether inner folders are meant too."""
    for node in (node for statement in body for node in statement.walk()):
        if isinstance(node, syntax.Command) and node.words[0] == "addpath":
            yield from ((_from_here(word), False) for word in node.words[1:])
        elif isinstance(node, syntax.Apply) and node.base == syntax.Name("addpath"):
            for given in node.arguments:
                is_deep = isinstance(given, syntax.Apply) and given.base == syntax.Name("genpath")
                inner = given.arguments[:1] if isinstance(given, syntax.Apply) and is_deep else (given,)
                yield from ((_from_here(file_name(each, {})), is_deep) for each in inner)


def _from_here(name: str) -> str:
    """Return a folder's name without a prefix for the script's own folder: ``pwd``, ``.``, ``mfilename``."""
    parts = [part for part in re.split(r"[/\\]", name) if part not in ("", ".", "*")]
    return "" if ".." in parts or name.startswith("/") else "/".join(parts)


def _held_by(
    load: Load, saved: Iterable[tuple[int, str, frozenset[str]]], beside: Sequence[frozenset[str]] | None
) -> Sequence[frozenset[str]] | None:
    own = [(place, names) for place, file, names in saved if _may_be_one(_stem(load.file), _stem(file))]
    if any(not names for _, names in own) or (beside is None and all(place > load.place for place, _ in own)):
        return beside if not own else None
    return [*(beside or ()), *(names for _, names in own)]


def _may_be_one(one: str, other: str) -> bool:
    return fnmatch(one, other) or fnmatch(other, one)


def _saves(statements: Iterable[Statement]) -> Iterator[tuple[int, str, frozenset[str]]]:
    """Yield place, file and names of every ``save``; no names if they are not literal."""
    for place, nodes in _file_statements(statements, "save"):
        words = [each.text if isinstance(each, syntax.Text) else "-" for each in nodes[1:]]
        plain = bool(nodes) and all(word.isidentifier() or re.fullmatch(r"-v[\d.]+", word) for word in words)
        names = frozenset(word for word in words if word.isidentifier()) if plain else frozenset[str]()
        yield place, file_name(nodes[0], {}) if nodes else "*", names


def _with_names(load: Load, held: Sequence[frozenset[str]] | None) -> Load:
    if is_table(load.file):
        held = [frozenset([_stem(load.file).split("/")[-1]])]
    elif not held and any(mark in load.file for mark in _CHECKPOINTS):
        held = [frozenset(VARIABLES)]
    if load.listed:
        held = [load.listed & names for names in held or [load.listed]]
    if not held:
        return replace(load, unknown=_with_suffix(load.file) if load.file.strip("*") else ABSENT)
    surely, every = frozenset[str].intersection(*held), frozenset[str]().union(*held)
    return replace(load, surely=surely, perhaps=every - surely)


def _with_suffix(file: str) -> str:
    return file if "." in file.replace("\\", "/").split("/")[-1] else f"{file}.mat"


def _stem(file: str) -> str:
    return file.replace("\\", "/").removesuffix(".mat").rsplit(".", 1)[0]
