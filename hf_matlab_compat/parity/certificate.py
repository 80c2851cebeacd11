"""A certificate: every comparison as a line with a figure, a bound, the bound's source and a verdict. Plain values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum

import numpy as np
from numpy.typing import NDArray


class Verdict(Enum):
    """What a comparison says; the value is what the user sees."""

    AGREES = "agrees"
    TIE = "agrees (tie)"
    DIFFERS = "differs"
    NOT_RUN = "not run"


PUBLISHED = " (published "
"""Stands behind a constant that is not the published one, before the published value."""

STAGES = (
    "forward",
    "ll",
    "err",
    "grad",
    "grad2",
    "Bv",
    "Bv_undamped",
    "precon",
    "cg_iterates",
    "cg_steps",
    "chose_iters",
    "rho",
    "reductions",
    "rate",
    "lambda",
    "params",
    "log",
    "checkpoint",
    "entry",
)
"""In the order in which a difference would arise."""


@dataclass(frozen=True, kw_only=True)
class Line:
    """One comparison.

    Attributes
    ----------
    case, precision, mode, backend : str
    epoch : int
    stage : str
        One of `STAGES`.
    detail : str
        Layer, iterate, probe vector or figure, where a stage has several.
    ours, reference : str
        Both values, or their norms, at full precision.
    distance, bound : float or None
        None for exact comparisons and for what was not run.
    bound_source : str
        'measured E', 'floor', 'exact', 'tie rule', …; or why it was not run.
    verdict : Verdict
    """

    case: str
    precision: str
    mode: str
    backend: str
    epoch: int
    stage: str
    detail: str = ""
    ours: str = ""
    reference: str = ""
    distance: float | None = None
    bound: float | None = None
    bound_source: str = ""
    verdict: Verdict = Verdict.NOT_RUN

    @property
    def run(self) -> tuple[str, str, str, str]:
        """Which run it belongs to: case, precision, mode and backend."""
        return self.case, self.precision, self.mode, self.backend


@dataclass(frozen=True, kw_only=True)
class Traces:
    """Figures of both sides over the epochs of one case, for a plot.

    Attributes
    ----------
    case, precision : str
    ours, reference : mapping of 'll', 'rho', 'lambda' to (k,) arrays
    envelope : mapping of the same names to (k,) arrays
        Half-width, absolute.
    """

    case: str
    precision: str
    ours: Mapping[str, NDArray[np.float64]]
    reference: Mapping[str, NDArray[np.float64]]
    envelope: Mapping[str, NDArray[np.float64]]


@dataclass(frozen=True, kw_only=True)
class Certificate:
    """All comparisons of a parity run.

    Attributes
    ----------
    lines : list of Line
    traces : list of Traces
    constants : mapping of str to str
        Constants read off the reference and applied to the port: name to 'value (file:line)'.
    provenance : mapping of str to str
    not_exercised : list of str
        What none of the runs went through, so that nothing here speaks for it.
    """

    lines: Sequence[Line]
    traces: Sequence[Traces] = ()
    constants: Mapping[str, str] = field(default_factory=dict)
    provenance: Mapping[str, str] = field(default_factory=dict)
    not_exercised: Sequence[str] = ()

    @property
    def verdict(self) -> Verdict:
        """DIFFERS if any line differs; NOT_RUN if of a run nothing was compared, or there is none; else AGREES."""
        if any(line.verdict is Verdict.DIFFERS for line in self.lines):
            return Verdict.DIFFERS
        return Verdict.NOT_RUN if self.runs_not_compared or not self.lines else Verdict.AGREES

    @property
    def runs_not_compared(self) -> list[tuple[str, str, str, str]]:
        """Case, precision, mode and backend of the runs of which no line was compared."""
        compared = {line.run for line in self.lines if line.verdict is not Verdict.NOT_RUN}
        return [run for run in dict.fromkeys(line.run for line in self.lines) if run not in compared]

    @property
    def edited_constants(self) -> list[str]:
        """Constants that the reference has otherwise than the published program."""
        return [name for name, value in self.constants.items() if PUBLISHED in value]

    @property
    def verdict_in_words(self) -> str:
        """The verdict, and how many constants of the reference are edited."""
        count = len(self.edited_constants)
        edited = f", with {count} edited constant{'s' * (count > 1)}" if count else ""
        return self.verdict.value + edited

    @property
    def first_divergence(self) -> Line | None:
        """The differing line that comes first: by epoch, then by stage."""
        differing = [line for line in self.lines if line.verdict is Verdict.DIFFERS]
        return min(differing, key=lambda line: (line.epoch, STAGES.index(line.stage)), default=None)
