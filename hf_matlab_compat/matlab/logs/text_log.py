"""Write a run's text log as MATLAB does, word for word: header, epochs and last line, without line ends."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import numpy as np

from hf_matlab_compat.matlab.logs.lines import (
    BANNER,
    CONSTANTS_END,
    CONSTANTS_RULE,
    CONSTANTS_TITLE,
    DESCRIPTION,
    EPOCH_LINES,
    METHOD_LINES,
    RESUMING,
    START_TIME,
    TOTAL_TIME,
    time_stamp,
)
from hf_matlab_compat.matlab.logs.num2str import num2str
from hf_matlab_compat.matlab.vocabulary import TO_FIELD_TERMS, to_matlab_value
from hf_matlab_compat.model.units import name_of
from hf_matlab_compat.options import Options
from hf_matlab_compat.state import Report, State

NEGATIVE_CURVATURE = ("Negative Curvature!", "Bailing...")
"""Lines that MATLAB's CG shows on the screen, not in the log, when it gives up."""

CONSTANTS = (
    *("rms", "weightcost", "hybridmode", "autodamp", "initlambda", "drop", "boost", "numchunks"),
    *("mattype", "errtype", "decay"),
)
"""The constants of the log's header, in MATLAB's words and order; layersizes comes before them."""

_OF_A_NETWORK = ("rms", "weightcost", "mattype", "errtype")
_OF_HESSIAN_FREE = ("hybridmode", "autodamp", "initlambda", "drop", "boost", "mattype", "decay")

_IF_SET = (
    *("learningrate", "momentum", "momentumperiod", "blankout", "dropout", "innoise", "indilate", "weightnoise"),
    *("perturbshare", "perturbsize", "perturbform", "corruptseed", "sumlanes"),
    *("structural_damping", "reduction_ratio"),
)
"""Constants that MATLAB does not have; they follow where they differ from their defaults."""

_CONTROL = re.compile("[\x00-\x08\x0a-\x1f\x7f-\x9f\u2028\u2029]+")  # the tab may stay
_DEFAULTS = Options()
_NUMBER = (int, float, np.integer, np.floating)


def header_lines(
    description: str, resume_from: str, sizes: Sequence[int], options: Options, started: datetime
) -> list[str]:
    """Return the lines before the first epoch.

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
    told = [f"{START_TIME}{time_stamp(started)}", f"{DESCRIPTION}{on_one_line(description)}"]
    told += [f"{RESUMING}{on_one_line(resume_from)}"] if resume_from else []
    constants = [CONSTANTS_TITLE, CONSTANTS_RULE, "", *_what_is_trained(sizes, options), ""]
    return ["", "", BANNER, "", *(line for each in told for line in (each, "")), *constants, CONSTANTS_END, ""]


def on_one_line(text: str) -> str:
    """Return the text with a space for line ends and control characters, so that no description forges lines."""
    return _CONTROL.sub(" ", text)


def epoch_lines(report: Report, options: Options) -> list[str]:
    """Return the lines of one epoch and the empty line after it, without the lines whose figures are not known."""
    reported = ((name, report.figures.get(name)) for line in METHOD_LINES for name in line.figures)
    figures: dict[str, Any] = {name: value for name, value in reported if isinstance(value, _NUMBER)}
    if "cg_steps" in report.figures:
        figures |= {"max_cg_steps": options.max_cg_steps, "min_cg_steps": options.min_cg_steps}
    figures |= {"epoch": report.epoch, **scores_by_name(report)}
    if report.test is not None:
        figures["error_difference"] = report.test.error - report.train.error
    return [*(line.written(figures) for line in EPOCH_LINES if all(name in figures for name in line.figures)), ""]


def scores_by_name(report: Report) -> dict[str, float]:
    """Return the scores of an epoch under the names that they have in a log; without test data only the first two."""
    scores = {"": report.train} if report.test is None else {"": report.train, "test_": report.test}
    return {
        f"{cases}{name}": getattr(score, name)
        for cases, score in scores.items()
        for name in ("log_likelihood", "error")
    }


def closing_lines(state: State) -> list[str]:
    """Return the log's last line: the seconds of all epochs, also those before a resume."""
    return [TOTAL_TIME.written({"total_time": float(np.sum(state.records.seconds))})]


_ON_SAMPLES = ("stochastic_hf", "growing_hf", "averaged_hf")
"""Methods that run Hessian-free on samples of the cases, with its options."""


def _what_is_trained(sizes: Sequence[int], options: Options) -> list[str]:
    """Return the lines of the constants that mean something to the problem and method."""
    of_a_network = len(sizes) > 1
    other_method = options.method not in ("hessian_free", "hf")
    reads_its_options = not other_method or options.method in _ON_SAMPLES or hasattr(options.method, "inner")
    idle = {*(() if of_a_network else _OF_A_NETWORK), *(() if reads_its_options else _OF_HESSIAN_FREE)}
    return [
        *([f"method: {on_one_line(_name_of_method(options))}"] if other_method else ()),
        f"layersizes: {num2str(sizes)}" if of_a_network else f"parameters: {num2str(sizes)}",
        *(f"{name}: {_constant(name, options)}" for name in CONSTANTS if name not in idle),
        *(f"{name}: {_constant(name, options)}" for name in _IF_SET if _is_set(name, options)),
    ]


def _is_set(name: str, options: Options) -> bool:
    field = TO_FIELD_TERMS.get(name, name)
    return getattr(options, field) != getattr(_DEFAULTS, field)


def _name_of_method(options: Options) -> str:
    return options.method if isinstance(options.method, str) else type(options.method).__name__


def _constant(name: str, options: Options) -> str:
    field = TO_FIELD_TERMS.get(name, name)
    value: Any = options.boost if name == "boost" else to_matlab_value(field, getattr(options, field))
    if name == "autodamp" and not isinstance(value, int):
        value = 1  # a damping of the caller's own adapts itself
    if name == "rms" and not isinstance(value, int):
        value = on_one_line(name_of(value))  # a loss of the caller's own
    return value if isinstance(value, str) else num2str(value)
