"""Print figures about the package's size and shape: `python tools/code_figures.py [FOLDER ...]`."""

from __future__ import annotations

import ast
import io
import re
import statistics
import sys
import tokenize
from collections import Counter
from pathlib import Path

PACKAGE = Path(__file__).resolve().parent.parent / "hf_matlab_compat"


def figures(folder: Path) -> dict[str, str]:
    """Return the figures of all Python files below a folder, by name."""
    texts = {path: path.read_text(encoding="utf-8") for path in sorted(folder.rglob("*.py"))}
    lengths = {path: text.count("\n") for path, text in texts.items()}
    total, longest = sum(lengths.values()), max(lengths, key=lambda path: lengths[path])
    functions = [node for text in texts.values() for node in ast.walk(ast.parse(text)) if isinstance(node, _FUNCTION)]
    names = Counter(name for text in texts.values() for name in re.findall(r"\b_[a-z]\w*", text))
    private = [node.name for node in functions if re.match("_[a-z]", node.name)]
    comments = sum(_comments(text) for text in texts.values())
    return {
        "files": f"{len(texts):,}",
        "lines": f"{total:,}",
        "median module": f"{statistics.median(lengths.values()):.0f} lines",
        "longest module": f"{lengths[longest]} lines ({longest.relative_to(folder)})",
        "functions per 100 lines": f"{100 * len(functions) / total:.1f}",
        "private helpers used once": f"{sum(names[name] == 2 for name in private)} of {len(private)}",
        "comments per 1,000 lines": f"{1000 * comments / total:.0f}",
    }


def _comments(text: str) -> int:
    tokens = tokenize.generate_tokens(io.StringIO(text).readline)
    return sum(token.type == tokenize.COMMENT for token in tokens)


_FUNCTION = (ast.FunctionDef, ast.AsyncFunctionDef)

if __name__ == "__main__":
    for place in map(Path, sys.argv[1:] or [PACKAGE]):
        print(place.name, *(f"  {name:28}{value}" for name, value in figures(place).items()), sep="\n")
