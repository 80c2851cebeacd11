"""The report on a migration: for people (Markdown) and for programs (JSON)."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence

from hf_matlab_compat.migrate.translation import Fate, Translation


def as_markdown(translations: Sequence[Translation], failures: Sequence[tuple[str, str]] = ()) -> str:
    """A page that accounts for every line.

    Parameters
    ----------
    translations : sequence of Translation
    failures : sequence of (str, str)
        Files that could not be translated at all, and why.
    """
    parts = ["# Migration report", "", "| script | lines | translated | comments | replaced | TODO | runs as is |"]
    parts.append("|---|---|---|---|---|---|---|")
    parts += [_row(each) for each in translations]
    parts += [f"| {name}.m | not translated: {_cell(reason)} | | | | | no |" for name, reason in failures]
    for each in translations:
        parts += ["", f"## {each.name}.m", "", *_lines(each)]
    return "\n".join(parts) + "\n"


def as_json(translations: Sequence[Translation], failures: Sequence[tuple[str, str]] = ()) -> str:
    """The same, for programs."""
    scripts = [
        {
            "name": each.name,
            "runs": each.runs,
            "lines": [
                {"line": line.number, "text": line.text, "fate": line.fate.value, "remark": line.remark}
                for line in each.lines
            ],
        }
        for each in translations
    ]
    failed = [{"name": name, "reason": reason} for name, reason in failures]
    return json.dumps({"scripts": scripts, "failed": failed}, indent=1, ensure_ascii=False) + "\n"


def counts(translation: Translation) -> dict[Fate, int]:
    """How many lines met each fate."""
    found = Counter(line.fate for line in translation.lines)
    return {fate: found[fate] for fate in Fate}


def _row(translation: Translation) -> str:
    found = counts(translation)
    figures = [found[fate] for fate in (Fate.TRANSLATED, Fate.COMMENT, Fate.REPLACED, Fate.TODO)]
    runs = "yes" if translation.runs else "no"
    return f"| {translation.name}.m | {len(translation.lines)} | {' | '.join(map(str, figures))} | {runs} |"


def _lines(translation: Translation) -> list[str]:
    rows = ["| line | MATLAB | what became of it |", "|---|---|---|"]
    for line in translation.lines:
        said = f"{line.fate.value}: {line.remark}" if line.remark else line.fate.value
        rows.append(f"| {line.number} | {_code(line.text)} | {_cell(said)} |")
    return rows


def _code(text: str) -> str:
    stripped = text.strip().replace("`", "'")
    return f"`{_cell(stripped)}`" if stripped else ""


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
