"""Rules of the code: nothing rebuilds or patches it, few modules open files, layers point down, the docs name all."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

from hf_matlab_compat.problem import Problem
from tools import module_map

ROOT = Path(__file__).resolve().parent.parent
PLACES = ("hf_matlab_compat", "tests", "benchmarks", "tools", "examples")

REBUILDS = {
    *("__code__", "__globals__", "__closure__", "co_code", "co_consts", "CodeType", "FunctionType", "LambdaType"),
    *("getsource", "getsourcelines", "findsource", "get_source", "source_to_code", "linecache", "NodeTransformer"),
}
"""Names that serve to take functions apart and to put them together otherwise."""

RUNS_TEXT = {
    "hf_matlab_compat/migrate/scripts.py": "looks whether a translated script compiles",
    "hf_matlab_compat/migrate/recorder.py": "runs a translated script, in a process of its own",
    "tests/migrate": "runs what the migrator wrote",
    "tests/test_cli_migration.py": "looks whether what the migrator wrote compiles",
    "tests/test_readme.py": "runs the README's call",
    "tests/test_examples.py": "runs what docs/extending.md, docs/units.md and docs/control.md show",
    "tests/test_interrupt.py": "runs a loop of docs/runs.md",
    "tests/test_cookbook.py": "runs the recipes of docs/cookbook.md",
}
"""Who may run or compile text, by file or folder, and what that text is: never the package's own source."""

STARTS_PROGRAMS = (
    "hf_matlab_compat/matlab/octave/",
    "hf_matlab_compat/parity/engines/provenance.py",
    "hf_matlab_compat/migrate/writer.py",
    "hf_matlab_compat/search/workers.py",
)
"""The door to Octave, who asks git for a commit, who calls ruff, and a search with its workers; nothing else does."""

READS_PYTHON = {
    "hf_matlab_compat/migrate/strings.py": "reads an f-string back before it takes it",
    "hf_matlab_compat/migrate/scripts.py": "looks whether the script compiles, and makes its lines of imports",
    "hf_matlab_compat/migrate/writer.py": "writes the script",
}
"""Who of the migrator turns Python text into trees or trees into text: everywhere else Python is trees only."""

NAMES_OCTAVE = {
    "hf_matlab_compat/matlab/octave/process.py": "starts it",
    "tests/matlab/octave/test_lying_octave.py": "writes a program of that name",
    "tests/test_tools.py": "looks how it is installed",
    "tests/test_architecture.py": "looks for it",
}
"""Files in which the program's name may stand as a whole string."""

METHOD = ("hf_matlab_compat.hessian_free", "hf_matlab_compat.method", "hf_matlab_compat.solvers")
"""Modules whose names nobody replaces: to look into the method or to change it, one wraps a rule."""


FILES = "hf_matlab_compat/matlab/files/"
DOORS = {
    FILES + "mat_formats.py": {"scipy.io"},
    FILES + "mat73.py": {"h5py"},
    FILES + "npz_file.py": {"zipfile"},
    FILES + "mapped_data.py": {"numpy.load", "numpy.memmap"},
    "hf_matlab_compat/result_file.py": {"zipfile"},  # only to tell an archive from a checkpoint
    "hf_matlab_compat/parity/recording.py": {"numpy.savez_compressed"},  # writes only
    "hf_matlab_compat/studies/data/packaged.py": {"numpy.load"},  # a file of another package
}
"""The modules that may read or write data files by a library; all others call `load_mat`, `write_mat` or `read_npz`."""

LIBRARIES = ("scipy.io", "h5py", "matio", "zipfile", "numpy.load", "numpy.memmap", "numpy.fromfile", "numpy.save")


@cache
def trees() -> dict[str, ast.Module]:
    """Every Python file of the repository, parsed."""
    paths = [path for place in PLACES for path in sorted((ROOT / place).rglob("*.py"))]
    return {path.relative_to(ROOT).as_posix(): ast.parse(path.read_text(encoding="utf-8")) for path in paths}


def rebuilding(tree: ast.Module) -> list[str]:
    """Where code is taken apart: by an attribute, a name, an import, or a name given to getattr and its like."""
    found: list[str] = []
    for node in ast.walk(tree):
        names: list[str] = []
        if isinstance(node, ast.Attribute):
            names = [node.attr]
        elif isinstance(node, ast.Name):
            names = [node.id]
        elif isinstance(node, ast.Import | ast.ImportFrom):
            names = [part for alias in node.names for part in alias.name.split(".")]
        elif isinstance(node, ast.Call) and len(node.args) > 1 and isinstance(node.args[1], ast.Constant):
            names = [str(node.args[1].value)]
        found += [f"{name} in line {getattr(node, 'lineno', 0)}" for name in names if name in REBUILDS]
    return found


def running_text(tree: ast.Module) -> list[str]:
    """Where text becomes running code."""
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    named = [(ast.unparse(call.func), call.lineno) for call in calls]
    modules = ("runpy", "builtins", "__builtins__")
    return [
        f"{name} in line {line}"
        for name, line in named
        if name in ("exec", "eval", "compile") or name.split(".")[0] in modules
    ]


def patching(tree: ast.Module) -> list[str]:
    """Where a name in a module of the method is replaced."""
    known: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            known |= {alias.asname or alias.name: f"{node.module}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.Import):
            known |= {alias.asname or alias.name: alias.name for alias in node.names}
    found: list[str] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and node.args and _last(node.func) in ("setattr", "instead", "changed", "patch"):
            target = ast.unparse(node.args[0]).strip("'\"")
        elif isinstance(node, ast.Assign | ast.AugAssign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            target = next((ast.unparse(each.value) for each in targets if isinstance(each, ast.Attribute)), "")
        else:
            continue
        first = target.split(".")[0]
        whole = known.get(first, first) + target.removeprefix(first)
        if any(whole == module or whole.startswith(f"{module}.") for module in METHOD):
            found.append(f"{whole} in line {node.lineno}")
    return found


def opening(tree: ast.Module) -> set[str]:
    """The libraries and functions for data files that a module uses."""
    names = {"np": "numpy"}
    used: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            used |= {alias.name for alias in node.names}
            names |= {alias.asname or alias.name: alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            used |= {f"{node.module}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.Attribute):
            first, _, rest = ast.unparse(node).partition(".")
            used |= {f"{names[first]}.{rest}"} if first in names else set()
    found = {(library, name) for name in used for library in LIBRARIES if name.startswith(library)}
    return {name if library.startswith("numpy.") else library for library, name in found} - {"numpy.loadtxt"}


def _last(function: ast.expr) -> str:
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")


def test_nothing_takes_functions_apart() -> None:
    assert len(trees()) > 400
    assert {file: found for file, tree in trees().items() if (found := rebuilding(tree))} == {}


def test_text_is_run_only_where_it_is_no_source_of_the_package() -> None:
    runs = {file: found for file, tree in trees().items() if (found := running_text(tree))}
    allowed = {file: next((place for place in RUNS_TEXT if file.startswith(place)), None) for file in runs}
    assert {file: runs[file] for file, place in allowed.items() if place is None} == {}
    assert set(allowed.values()) == set(RUNS_TEXT), "remove from RUNS_TEXT what runs no text any more"


def test_no_name_of_the_method_is_replaced() -> None:
    assert {file: found for file, tree in trees().items() if (found := patching(tree))} == {}


def test_data_files_are_opened_by_few_modules() -> None:
    package = {file: tree for file, tree in trees().items() if file.startswith("hf_matlab_compat/")}
    assert {file: found for file, tree in package.items() if (found := opening(tree))} == DOORS


def starting_programs(tree: ast.Module) -> list[str]:
    """Return where a module that starts programs is imported or used."""
    known = ("subprocess", "pexpect", "oct2py", "pty", "multiprocessing")
    nodes = list(ast.walk(tree))
    imported = [alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names]
    imported += [str(node.module) for node in nodes if isinstance(node, ast.ImportFrom)]
    called = [ast.unparse(node.func) for node in nodes if isinstance(node, ast.Call)]
    by_os = ("os.system", "os.popen", "os.spawn", "os.exec", "os.posix_spawn", "os.fork")
    return [name for name in imported if name.split(".")[0] in known] + [
        name for name in called if name.startswith(by_os)
    ]


def reading_python(tree: ast.Module) -> list[str]:
    """Return uses of what turns Python text into syntax trees, or trees into text."""
    words = ("parse", "unparse", "literal_eval", "get_source_segment")
    used = (n for n in ast.walk(tree) if isinstance(n, ast.Attribute) and n.attr in words)
    return [f"line {n.lineno}" for n in used if isinstance(n.value, ast.Name) and n.value.id == "ast"]


def naming_octave(tree: ast.Module) -> list[str]:
    """Return the strings that are the name of the Octave program."""
    return [f"line {n.lineno}" for n in ast.walk(tree) if isinstance(n, ast.Constant) and n.value == "octave-cli"]


def test_octave_is_started_through_one_door() -> None:
    package = {file: tree for file, tree in trees().items() if file.startswith("hf_matlab_compat/")}
    others = {file: tree for file, tree in package.items() if not file.startswith(STARTS_PROGRAMS)}
    assert {file: found for file, tree in others.items() if (found := starting_programs(tree))} == {}
    named = {file: found for file, tree in trees().items() if (found := naming_octave(tree))}
    assert set(named) == set(NAMES_OCTAVE), named


def test_the_migrator_decides_on_trees_and_never_on_python_text() -> None:
    package = {file: tree for file, tree in trees().items() if file.startswith("hf_matlab_compat/migrate/")}
    found = {file: lines for file, tree in package.items() if (lines := reading_python(tree))}
    assert set(found) == set(READS_PYTHON), found


@pytest.mark.parametrize(
    ("check", "source"),
    [
        (rebuilding, "run.__code__ = run.__code__.replace(co_names=())"),
        (rebuilding, "from types import FunctionType as F"),
        (rebuilding, "getattr(epoch, '__globals__')['conjgrad'] = other"),
        (rebuilding, "import inspect\ntext = inspect.getsource(epoch)"),
        (running_text, "exec(path.read_text().replace('lam', 'mu'), names)"),
        (running_text, "import builtins\nbuiltins.exec(text)"),
        (starting_programs, "import subprocess as s\ns.run(command)"),
        (starting_programs, "os.system('octave-cli --eval 1')"),
        (reading_python, "made = ast.parse(f'np.sum({text})')"),
        (reading_python, "if ast.unparse(node).startswith('np.'): pass"),
        (naming_octave, "run(['octave-cli', '--eval', code])"),
        (naming_octave, "shutil.which('octave-cli')"),
        (rebuilding, "class Edit(ast.NodeTransformer): pass"),
        (opening, "from scipy.io import loadmat"),
        (opening, "import scipy.io as sio\nsio.loadmat(path)"),
        (opening, "def read():\n    import h5py"),
        (opening, "from scipy import io"),
        (opening, "import numpy\nnumpy.load(path)"),
        (patching, "from hf_matlab_compat.solvers import damping\nmonkeypatch.setattr(damping, 'damp', other)"),
        (patching, "import hf_matlab_compat.hessian_free as loop\nloop._figures = other"),
        (patching, "monkeypatch.setattr('hf_matlab_compat.solvers.conjgrad.conjgrad', other)"),
        (patching, "from hf_matlab_compat.hessian_free import HessianFree\nHessianFree.epoch = other"),
    ],
)
def test_what_is_forbidden_is_found(check, source: str) -> None:
    assert list(check(ast.parse(source))) != []


def test_layers_point_down_and_every_module_is_in_one() -> None:
    pytest.importorskip("importlinter")
    run = "from importlinter.cli import lint_imports_command; lint_imports_command()"
    paths = {**os.environ, "PYTHONPATH": str(ROOT)}
    call = [sys.executable, "-c", run, "--no-cache"]
    done = subprocess.run(call, cwd=ROOT, env=paths, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
    assert "0 broken" in done.stdout
    top = {path.stem for path in (ROOT / "hf_matlab_compat").glob("*.py")} - {"__init__"}
    folders = {path.parent.name for path in (ROOT / "hf_matlab_compat").glob("*/__init__.py")}
    assert top | folders == set(module_map.layers())


def test_every_module_is_in_the_docs_with_its_docstring() -> None:
    package = sorted((ROOT / "hf_matlab_compat").rglob("*.py"))
    assert [path for path in package if not module_map.summary(path).endswith((".", "?", "::"))] == []
    text = module_map.PAGE.read_text(encoding="utf-8")
    assert text == module_map.page(), "run python tools/module_map.py"
    names = [path.relative_to(module_map.PACKAGE).as_posix() for path in package if path.name != "__init__.py"]
    assert [name for name in names if f"- `{name}`: " not in text] == []
    assert sum(line.startswith("- `") for line in text.splitlines()) == len(names)


def test_every_protocol_that_users_write_is_in_the_docs() -> None:
    text = (ROOT / "docs" / "extending.md").read_text(encoding="utf-8")
    rules = trees()["hf_matlab_compat/solvers/rules.py"]
    protocols = {
        node.name
        for node in rules.body
        if isinstance(node, ast.ClassDef) and any(ast.unparse(base) == "Protocol" for base in node.bases)
    }
    assert len(protocols) == 6
    assert {name for name in {*protocols, "Problem", "Curvature", "Method", "Observer"} if name not in text} == set()
    assert {name for name in dir(Problem) if not name.startswith("_") and f"`{name}" not in text} == set()
