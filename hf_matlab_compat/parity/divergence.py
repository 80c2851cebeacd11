"""The first divergence on one screen: where, by how much, how it grew, what it depends on, how to see it again."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from dataclasses import replace
from textwrap import wrap

from hf_matlab_compat.errors import ParityError
from hf_matlab_compat.parity.certificate import Certificate, Line, Verdict, place_stage
from hf_matlab_compat.parity.judge import judge
from hf_matlab_compat.parity.recording import Recording, read_recording_file, write_recording_file
from hf_matlab_compat.parity.stages import STAGES, dependency

_WIDTH = 79
_EPOCHS_SHOWN = 6
_MARKS = {Verdict.AGREES: "=", Verdict.TIE: "tie", Verdict.DIFFERS: "differs", Verdict.NOT_RUN: "-"}


def divergence_screen(certificate: Certificate, script: str = "") -> str:
    """Return the first divergence, as text of at most 79 columns; empty where nothing differs.

    `script`, from `keep_divergence`, reproduces it.
    """
    line = certificate.first_divergence
    if line is None:
        return ""
    title, *place = _where(line)
    doubt = wrap(certificate.doubt, _WIDTH, initial_indent="  ", subsequent_indent="  ", break_on_hyphens=False)
    rows = [
        title,
        *doubt,
        *place,
        *_values(line),
        "",
        *_growth(certificate.lines, line),
        "",
        *_dependencies(certificate, line),
    ]
    if script:
        rows += ["", "To see just this stage again, in Python:", *(f"    {row}" for row in script.splitlines())]
    return "\n".join(row.rstrip() for row in rows)


def keep_divergence(path: str | os.PathLike[str], certificate: Certificate, recordings: Sequence[Recording]) -> str:
    """Write the recording that reproduces the first divergence, and return two lines of Python that do it.

    Nothing is written, and the lines are empty, where nothing differs. The file is a .npz, replaced if it exists;
    `recordings` are those that the certificate was made from.

    Raises
    ------
    ParityError
        The file cannot be written.
    """
    line = certificate.first_divergence
    if line is None:
        return ""
    recording = next(r for r in recordings if (r.case.name, r.precision, r.mode) == _run(line))
    epochs = [record for record in recording.epochs if record.epoch <= line.epoch]
    whole = recording.mode == "free" or line.stage == "entry"  # a call begins with the first epoch
    needed = replace(recording, epochs=epochs if whole else epochs[-2:])
    about = {"stage": line.stage, "detail": line.detail, "epoch": line.epoch, "backend": line.backend}
    try:
        write_recording_file(path, needed, about)
    except OSError as error:
        raise ParityError(f"{os.fspath(path)}: expected to write it, got '{error.strerror}'.") from error
    return f"from hf_matlab_compat.parity.divergence import reproduce\nprint(reproduce({os.fspath(path)!r}))"


def reproduce(path: str | os.PathLike[str]) -> str:
    """Run one stage of one epoch again, from the recorded state, and return a text of its comparisons.

    Parameters
    ----------
    path : path
        A file of `keep_divergence`.

    Raises
    ------
    ParityError
        The file is no recording.
    """
    recording, about = read_recording_file(path)
    certificate = judge([recording], backend=about["backend"], stages=[about["stage"]])
    lines = [line for line in certificate.lines if line.epoch == about["epoch"]]
    title = f"{recording.case.name}, {recording.precision}, {recording.mode}, epoch {about['epoch']}: {about['stage']}"
    return "\n".join([title, *(row for line in lines for row in _values(line))])


def ratio(line: Line) -> float:
    """Return distance / bound: at most 1 where a line agrees; nan for what was not compared."""
    if line.distance is None or line.bound is None:
        return math.nan
    if line.distance == 0:
        return 0.0
    return line.distance / line.bound if line.bound else math.inf


def _run(line: Line) -> tuple[str, str, str]:
    return line.case, line.precision, line.mode


def _where(line: Line) -> list[str]:
    detail = f" ({line.detail})" if line.detail else ""
    return [
        "First divergence",
        f"  {line.case} · {line.precision} · {line.mode} · {line.backend}",
        *wrap(f"epoch {line.epoch}, stage {line.stage}{detail}", _WIDTH, initial_indent="  ", subsequent_indent="    "),
    ]


def _values(line: Line) -> list[str]:
    """Return both values, and how far apart they are."""
    rows = [f"  {line.detail or line.stage}: {line.verdict.value}"]
    rows += [f"    ours       {line.ours or 'nothing'}", f"    reference  {line.reference or 'nothing'}"]
    if line.distance is not None and line.bound is not None:
        rows.append(f"    distance   {line.distance:.3g}, bound {line.bound:.3g} ({line.bound_source})")
    else:
        rows.append(f"    {line.bound_source}")
    return [part for row in rows for part in _wrapped(row.strip(), row[: len(row) - len(row.lstrip())])]


def _wrapped(text: str, indent: str = "") -> list[str]:
    """Return rows of whole words."""
    more = indent and f"{indent}           "
    return wrap(
        text, _WIDTH, initial_indent=indent, subsequent_indent=more, break_long_words=False, break_on_hyphens=False
    )


def _growth(lines: Sequence[Line], at: Line) -> list[str]:
    """Return the largest share of the bound at each stage, epoch by epoch, up to the divergence."""
    same = [line for line in lines if _run(line) == _run(at) and line.epoch <= at.epoch]
    epochs = sorted({line.epoch for line in same})[-_EPOCHS_SHOWN:]
    rows = ["How it grew: distance / bound, the largest of each stage (above 1: differs)"]
    rows.append("  " + f"{'epoch':<12}" + "".join(f"{epoch:>10}" for epoch in epochs))
    for stage in STAGES[: STAGES.index(at.stage) + 1]:
        cells = [_cell([line for line in same if line.epoch == epoch and line.stage == stage]) for epoch in epochs]
        if any(cells):
            rows.append("  " + f"{stage:<12}" + "".join(f"{cell:>10}" for cell in cells))
    return rows


def _cell(lines: Sequence[Line]) -> str:
    if not lines:
        return ""
    verdicts = {line.verdict for line in lines}
    found = [ratio(line) for line in lines if not math.isnan(ratio(line))]
    largest = max(found, default=math.nan)
    if math.isfinite(largest) and largest > 0:
        return f"{largest:.1e}"
    order = (Verdict.DIFFERS, Verdict.TIE, Verdict.AGREES, Verdict.NOT_RUN)
    return _MARKS[next(verdict for verdict in order if verdict in verdicts)]


def _dependencies(certificate: Certificate, at: Line) -> list[str]:
    same = [line for line in certificate.lines if _run(line) == _run(at) and line.epoch == at.epoch]
    states = [
        f"{stage} {_state([line for line in same if line.stage == stage])}" for stage in dependency(at.stage, at.detail)
    ]
    text = f"{at.stage} takes in: {', '.join(states) or 'parameters and data alone'}."
    does = "logs" if place_stage(at) == "log" else "computes"
    place = f"The reference {does} it in {certificate.place}" if certificate.place else ""
    return [row for said in (text, place) for row in _wrapped(said)]


def _state(lines: Sequence[Line]) -> str:
    verdicts = {line.verdict for line in lines}
    if Verdict.DIFFERS in verdicts:
        return "(differs)"
    return "(agrees)" if verdicts & {Verdict.AGREES, Verdict.TIE} else "(not run)"
