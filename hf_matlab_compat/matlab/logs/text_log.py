"""The lines of MATLAB's text log, word for word: plain values in, lines without their ends out."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

import numpy as np

from hf_matlab_compat.matlab.logs.num2str import num2str
from hf_matlab_compat.matlab.vocabulary import TO_FIELD_TERMS, to_matlab_value
from hf_matlab_compat.model.units import name_of
from hf_matlab_compat.options import Options
from hf_matlab_compat.state import Report, Score, State

BANNER = "==================== New Run ===================="
CONSTANTS_TITLE = "Initial constant values:"
CONSTANTS_RULE = "-" * 24
CONSTANTS_END = "=" * 49
NEGATIVE_CURVATURE = ("Negative Curvature!", "Bailing...")
"""What MATLAB's conjugate gradients show on the screen, not in the log, when they give up."""

CONSTANTS = (
    "rms",
    "weightcost",
    "hybridmode",
    "autodamp",
    "initlambda",
    "drop",
    "boost",
    "numchunks",
    "mattype",
    "errtype",
    "decay",
)
"""The constants of the log's header, in MATLAB's words and order; layersizes comes before them."""

_OF_A_NETWORK = ("rms", "weightcost", "mattype", "errtype")
_OF_HESSIAN_FREE = ("hybridmode", "autodamp", "initlambda", "drop", "boost", "mattype", "decay")

_CONTROL = re.compile("[\x00-\x08\x0a-\x1f\x7f-\x9f\u2028\u2029]+")  # the tab may stay
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


_NUMBER = (int, float, np.integer, np.floating)
_OF_FIGURES: Sequence[tuple[Sequence[str], Callable[[Report], str]]] = (
    (
        ("cg_steps", "total_cg_steps"),
        lambda r: f"CG steps used: {num2str(r.cg_steps)}, total is: {num2str(r.total_cg_steps)}",
    ),
    (("d_norm",), lambda r: f"ch magnitude : {num2str(r.d_norm)}"),
    (("chosen_step",), lambda r: f"Chose iters : {num2str(r.chosen_step)}"),
    (("rho",), lambda r: f"rho = {num2str(r.rho)}"),
    (
        ("reductions", "rate"),
        lambda r: f"Number of reductions : {num2str(r.reductions)}, chosen rate: {num2str(r.rate)}",
    ),
    (("lam",), lambda r: f"New lambda: {num2str(r.lam)}"),
)
"""The log's lines of what Hessian-free reports, each by the figures that it tells."""


def header_lines(
    description: str, resume_from: str, sizes: Sequence[int], options: Options, started: datetime
) -> list[str]:
    """What the log says before the first epoch.

    Parameters
    ----------
    description : str
        Free text about the run.
    resume_from : str
        The checkpoint it goes on from, or an empty string.
    sizes : sequence of int
        Units of every layer, inputs first.
    options : Options
        All settings; those that MATLAB prints are printed.
    started : datetime
        When the run began.

    Returns
    -------
    list of str
        Lines, without line ends.
    """
    lines = [
        "",
        "",
        BANNER,
        "",
        f"Start time: {time_stamp(started)}",
        "",
        f"Description: {on_one_line(description)}",
        "",
    ]
    if resume_from:
        lines += [f"Resuming from file: {on_one_line(resume_from)}", ""]
    lines += [CONSTANTS_TITLE, CONSTANTS_RULE, ""]
    lines += _what_is_trained(sizes, options)
    return [*lines, "", CONSTANTS_END, ""]


def on_one_line(text: str) -> str:
    """The text with a space for line ends and other control characters: no description can forge lines of a log."""
    return _CONTROL.sub(" ", text)


def epoch_lines(report: Report, options: Options) -> list[str]:
    """What the log says of one epoch, the empty line after it included; without test data two lines less.

    Lines of figures that the method does not report are left out.
    """
    lines = [f"maxiters = {num2str(options.max_cg_steps)}; miniters = {num2str(options.min_cg_steps)}"]
    told = [line for names, line in _OF_FIGURES if all(isinstance(report.figures.get(n), _NUMBER) for n in names)]
    lines = [*(lines if "cg_steps" in report.figures else ()), *(line(report) for line in told)]
    lines.append(f"epoch: {num2str(report.epoch)}, {_score(report.train)}")
    if report.test is not None:
        difference = report.test.error - report.train.error
        lines += [f"TEST {_score(report.test)}", f"Error rate difference (test - train): {num2str(difference)}"]
    return [*lines, ""]


def closing_lines(state: State) -> list[str]:
    """The log's last line: seconds of all epochs, those before a resume too."""
    return [f"Total time: {num2str(float(np.sum(state.records.seconds)))}"]


def time_stamp(moment: datetime) -> str:
    """The moment as ``dd-mmm-yyyy HH:MM:SS``, months in English whatever the locale."""
    return f"{moment.day:02d}-{_MONTHS[moment.month - 1]}-{moment.year:04d} {moment:%H:%M:%S}"


def read_time_stamp(text: str) -> datetime:
    """The moment that `time_stamp` wrote; ValueError for anything else."""
    day, month, rest = text.strip().split("-", 2)
    year, clock = rest.split(" ")
    hour, minute, second = map(int, clock.split(":"))
    try:
        return datetime(int(year), _MONTHS.index(month) + 1, int(day), hour, minute, second)
    except OverflowError as error:
        raise ValueError(f"expected a moment of the calendar, got {text.strip()!r}") from error


def _what_is_trained(sizes: Sequence[int], options: Options) -> list[str]:
    """The header's constants; of a problem or method of the caller's own, those that mean something to it."""
    of_a_network = len(sizes) > 1
    own_method = not isinstance(options.method, str)
    idle = {*(() if of_a_network else _OF_A_NETWORK), *(_OF_HESSIAN_FREE if own_method else ())}
    return [
        *([f"method: {on_one_line(type(options.method).__name__)}"] if own_method else ()),
        f"layersizes: {num2str(sizes)}" if of_a_network else f"parameters: {num2str(sizes)}",
        *(f"{name}: {_constant(name, options)}" for name in CONSTANTS if name not in idle),
    ]


def _constant(name: str, options: Options) -> str:
    field = TO_FIELD_TERMS[name]
    value: Any = options.boost if name == "boost" else to_matlab_value(field, getattr(options, field))
    if name == "autodamp" and not isinstance(value, int):
        value = 1  # a damping of the caller's own adapts itself
    if name == "rms" and not isinstance(value, int):
        value = on_one_line(name_of(value))  # a loss of the caller's own
    return value if isinstance(value, str) else num2str(value)


def _score(score: Score) -> str:
    return f"Log likelihood: {num2str(score.log_likelihood)}, error rate: {num2str(score.error)}"
