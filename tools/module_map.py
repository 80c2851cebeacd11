"""Writes docs/modules.md from the modules' docstrings: `python tools/module_map.py` (`--check` only compares)."""

from __future__ import annotations

import ast
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "hf_matlab_compat"
PAGE = ROOT / "docs" / "modules.md"
OPENING = """# Modules

One line for each module of `hf_matlab_compat`, from the top layer to the lowest: a module imports only from
layers below its own. `python tools/module_map.py` writes this page from the docstrings.

To learn the code, read in this order: `hessian_free.py`, the outer loop as in the paper; `solvers/rules.py`, the rules
it is made of; `solvers/conjgrad.py`; `objective/gauss_newton.py`.

Beside the package there are `reference_matlab/` (our own MATLAB reference of the method, one routine a file, with a
place for your copy of the original), `tests/` (mirrors the package; `goldens/` holds numbers recorded from the
published program), `examples/` (one idea each), `benchmarks/`, `tools/` and `docs/`.
"""


def layers() -> list[str]:
    """Return the names of the top-level modules and folders in the order of the layer contract, the highest first."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]
    entries = next(each["layers"] for each in settings["contracts"] if each["type"] == "layers")
    return [name.strip() for entry in entries for name in entry.split("|")]


def summary(path: Path) -> str:
    """Return the first paragraph of a module's docstring on one line; empty without a docstring."""
    text = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
    return " ".join(text.split("\n\n")[0].split())


def page() -> str:
    """Return the whole page."""
    order = layers()
    alone = [PACKAGE / f"{name}.py" for name in order if (PACKAGE / f"{name}.py").exists()]
    lines = [OPENING, "## hf_matlab_compat/", "", summary(PACKAGE / "__init__.py"), "", *map(_line, alone)]
    for top in (PACKAGE / name for name in order if (PACKAGE / name).is_dir()):
        for folder in (top, *sorted(path for path in top.rglob("*") if (path / "__init__.py").exists())):
            modules = [path for path in sorted(folder.glob("*.py")) if path.name != "__init__.py"]
            heading = f"## {folder.relative_to(PACKAGE).as_posix()}/"
            lines += ["", heading, "", summary(folder / "__init__.py"), "", *map(_line, modules)]
    return "\n".join(lines) + "\n"


def _line(path: Path) -> str:
    return f"- `{path.relative_to(PACKAGE).as_posix()}`: {summary(path)}"


def main() -> int:
    """Write the page, or compare it with the modules."""
    if "--check" not in sys.argv[1:]:
        PAGE.write_text(page(), encoding="utf-8")
        return 0
    if PAGE.read_text(encoding="utf-8") == page():
        return 0
    print("docs/modules.md is out of date: run python tools/module_map.py")
    return 1


if __name__ == "__main__":
    sys.exit(main())
