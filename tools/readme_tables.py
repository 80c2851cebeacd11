"""Writes the tables of docs/ from the code they describe: `python tools/readme_tables.py` (`--check` only looks)."""

from __future__ import annotations

import dataclasses
import re
import sys
from collections.abc import Iterable
from pathlib import Path

from hf_matlab_compat.legacy.quirks import QUIRKS
from hf_matlab_compat.matlab.vocabulary import TO_MATLAB, TRAINER_ARGUMENTS
from hf_matlab_compat.options import Options

ROOT = Path(__file__).resolve().parent.parent


def quirks() -> list[str]:
    """Return the ledger of the original's quirks."""
    rows = [f"| {q.number} | {q.original} | {q.mended} |" for q in QUIRKS]
    return ["| | the original, and `faithful=True` | `faithful=False` |", "|---|---|---|", *rows]


def differences() -> list[str]:
    """Return the lines tagged `# MATLAB:`, and the files they are in."""
    found: dict[str, str] = {}
    for path in sorted((ROOT / "hf_matlab_compat").rglob("*.py")):
        for text in re.findall(r"# MATLAB: (.+)", path.read_text(encoding="utf-8")):
            found.setdefault(text.strip(), path.relative_to(ROOT).as_posix())
    rows = [f"| {text} | `{path}` |" for text, path in found.items()]
    return ["| difference | where |", "|---|---|", *rows]


def options() -> list[str]:
    """Return every option under both names, with its default, what it does, the values it takes, and its source."""
    rows: list[str] = []
    for field in dataclasses.fields(Options):
        takes, source = field.metadata["kind"].expected, field.metadata["source"]
        text = " ".join([field.metadata["text"], takes and f"Takes {takes}.", source and f"({source})"]).strip()
        default = f"{field.default:.6g}" if isinstance(field.default, float) else repr(field.default)
        rows.append(f"| `{field.name}`{_matlab_name(field.name)} | `{default}` | {text} |")
    return ["| name | default | what it does |", "|---|---|---|", *rows]


def _matlab_name(name: str) -> str:
    theirs = TO_MATLAB.get(name)
    if theirs is None:
        return ""
    return f"<br>**`{theirs}`**" if theirs in TRAINER_ARGUMENTS else f"<br>`{theirs}`"


TABLES = {"quirks": quirks, "differences": differences, "options": options}
PAGES = {"docs/quirks.md": ("quirks", "differences"), "docs/options.md": ("options",)}
"""The pages and the tables on each."""


def rewritten(page: str, tables: Iterable[str]) -> str:
    """Return the page with each of these tables, between its markers, written again."""
    for name in tables:
        begin, end = f"<!-- {name} -->", f"<!-- end of {name} -->"
        before, rest = page.split(begin, 1)
        after = rest.split(end, 1)[1]
        page = "\n".join([before + begin, *TABLES[name](), end]) + after
    return page


def main() -> int:
    """Rewrite the pages, or say which of them need it."""
    status = 0
    for name, tables in PAGES.items():
        old = (ROOT / name).read_text(encoding="utf-8")
        new = rewritten(old, tables)
        if "--check" not in sys.argv[1:]:
            (ROOT / name).write_text(new, encoding="utf-8")
        elif new != old:
            print(f"{name} is not what the code says: run python tools/readme_tables.py")
            status = 1
    return status


if __name__ == "__main__":
    sys.exit(main())
