"""The report on a migration: for people (Markdown) and for programs (JSON)."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict

from hf_matlab_compat.migrate.copies import UNEDITED, Copy
from hf_matlab_compat.migrate.trainer.findings import Unexpressed
from hf_matlab_compat.migrate.translation import Fate, Translation


def as_markdown(
    translations: Sequence[Translation],
    failures: Sequence[tuple[str, str]] = (),
    copies: Mapping[str, Copy] = UNEDITED,
) -> str:
    """A page that accounts for every line.

    Parameters
    ----------
    translations : sequence of Translation
    failures : sequence of (str, str)
        Files that could not be translated at all, and why.
    copies : mapping of str to Copy
        The trainer's files, by name.
    """
    parts = ["# Migration report", "", "| script | lines | translated | comments | replaced | TODO | runs as is |"]
    parts.append("|---|---|---|---|---|---|---|")
    parts += [_row(each) for each in translations]
    parts += [f"| {name}.m | not translated: {_cell(reason)} | | | | | no |" for name, reason in failures]
    for name, copy in copies.items():
        parts += _of_copy(name, copy)
    for each in translations:
        parts += ["", f"## {each.name}.m", "", *_inner_scripts(each), *_lines(each)]
    unknown = unknown_functions(translations)
    parts += ["", "## Functions that are not known here", "", *(f"- {each}" for each in unknown)] if unknown else []
    return "\n".join(parts) + "\n"


def as_json(
    translations: Sequence[Translation],
    failures: Sequence[tuple[str, str]] = (),
    copies: Mapping[str, Copy] = UNEDITED,
) -> str:
    """The same, for programs."""
    scripts = [
        {
            "name": each.name,
            "runs": each.runs,
            "state": each.state,
            "todos": [asdict(one) for one in each.todos],
            "unfinished": list(each.unfinished),
            "parts": list(each.parts),
            "lines": [
                {"line": line.number, "text": line.text, "fate": line.fate.value, "remark": line.remark}
                for line in each.lines
            ],
        }
        for each in translations
    ]
    failed = [{"name": name, "reason": reason} for name, reason in failures]
    trainers = [{"name": name, "options": dict(copy.options), "refusal": copy.refusal} for name, copy in copies.items()]
    return json.dumps({"scripts": scripts, "failed": failed, "trainers": trainers}, indent=1, ensure_ascii=False) + "\n"


def unknown_functions(translations: Sequence[Translation]) -> list[str]:
    """Functions for want of which statements are left to do, and the scripts that use each."""
    users: dict[str, dict[str, None]] = {}
    for each in translations:
        for one in each.todos:
            if one.unknown:
                users.setdefault(one.unknown, {})[f"{each.name}.m"] = None
    return [f"{name} ({', '.join(scripts)})" for name, scripts in sorted(users.items())]


def counts(translation: Translation) -> dict[Fate, int]:
    """How many lines met each fate."""
    found = Counter(line.fate for line in translation.lines)
    return {fate: found[fate] for fate in Fate}


def _of_copy(name: str, copy: Copy) -> list[str]:
    """What a trainer's file says, for the report."""
    if copy.report is None:
        return ["", f"## {name}.m, the trainer", "", copy.refusal] if copy.refusal else []
    options = ", ".join(f"`{key}={value!r}`" for key, value in copy.report.legacy_options.items())
    rows = ["", f"## {name}.m, the trainer", "", f"Options of `nnet_train` that it implies: {options or 'none'}.", ""]
    said = "  \n".join(f"{words[0].upper()}{words[1:]}." for words in copy.report.in_words())
    return [*rows, said, "", *(f"- {line_of(one)}" for one in copy.report.unexpressed)]


def line_of(one: Unexpressed) -> str:
    """A line of the trainer that no option can express."""
    return f"line {one.line}: {one.text.strip()}  ({one.why})"


def _row(translation: Translation) -> str:
    found = counts(translation)
    figures = [found[fate] for fate in (Fate.TRANSLATED, Fate.COMMENT, Fate.REPLACED, Fate.TODO)]
    runs = {"complete": "yes"}.get(translation.state, translation.state if translation.runs else "no")
    return f"| {translation.name}.m | {len(translation.lines)} | {' | '.join(map(str, figures))} | {runs} |"


def _inner_scripts(translation: Translation) -> list[str]:
    names = ", ".join(f"{name}.m" for name in translation.parts)
    return [f"It calls {names}; their statements stand in place of the calls.", ""] if names else []


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
