"""A certificate: every comparison as a line with a figure, a bound, the bound's source and a verdict; plain values."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Annotated

import numpy as np
from numpy.typing import NDArray

from hf_matlab_compat.parity.recording import MODES, PRECISIONS, REFUSED
from hf_matlab_compat.parity.stages import ANOTHER_CHUNK, DECISION_STAGES, STAGE_WORDS, STAGES

NOT_FOUND = "not found: published value assumed"
"""The value of a constant that could not be found in the files."""
AMBIGUOUS = "ambiguous: "
"""Prefix of the reason why the value of a constant in force may be another one."""
NOT_MEASURED = "not measured"
"""In a certificate's provenance under 'envelope', where E was not measured; the reason follows in parentheses."""
NO_OCTAVE = "no Octave"
"""In a certificate's provenance where recorded numbers stand in, with the reason."""
STOPS = "the reference stops here: "
"""Prefix of the reason of a line where a reference stopped for a reason that is known of the published program."""
STOPS_UNEXPLAINED = "the reference stops here, which the published program is not known to do: "
"""Prefix of the same where the reason is not known, so that the rest of that run is missing."""
PUBLISHED = " (published "
"""In the value of an edited constant, before the published value."""
START_OF_CG, TARGET_CHUNK = "start of CG", "target chunk"
"""Places of quantities that are computed elsewhere than the stage that shows them."""
LACKS = "the reference lacks"
"""Prefix of the reason of a line whose quantity the reference does not produce."""
_NAMED = 5
"""Stages or runs named in a sentence."""
_LONGEST_VALUE = 24
_LOGGED = ("cg_steps", "chose_iters", "rho", "reductions", "rate")
"""Stages that a reference shows by its log alone."""
_COMPUTED_AT: Mapping[str, str] = {
    **{"ll": "ll", "test ll": "ll", "err": "err", "test err": "err"},
    **{"d,": "cg_iterates", "norm of d": "cg_iterates"},
}
"""Stages at which results of an epoch are computed, by the beginning of their detail."""

Run = tuple[str, str, str, str]
"""Case, precision, mode and backend."""


class Verdict(Enum):
    """The result of a comparison; the value is what the user sees."""

    AGREES = "agrees"
    TIE = "agrees (tie)"
    DIFFERS = "differs"
    NOT_RUN = "not run"


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
    precision: Annotated[str, PRECISIONS]
    mode: Annotated[str, MODES]
    backend: str
    epoch: int
    stage: Annotated[str, STAGES]
    detail: str = ""
    ours: str = ""
    reference: str = ""
    distance: float | None = None
    bound: float | None = None
    bound_source: str = ""
    verdict: Verdict = Verdict.NOT_RUN

    @property
    def run(self) -> Run:
        """The run to which it belongs."""
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
    precision: Annotated[str, PRECISIONS]
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
        Constants read from the reference and applied to this package: name to 'value (file:line)'.
    provenance : mapping of str to str
    not_exercised : list of str
        Settings and events that none of the runs had, so that nothing here was compared in them.
    seen : mapping of str to str
        Epochs, values and decisions that the runs of the reference had.
    place : str
        Where the reference's files compute the first difference: 'file:line: statement', as far as it is known.
    """

    lines: Sequence[Line]
    traces: Sequence[Traces] = ()
    constants: Mapping[str, str] = field(default_factory=dict)
    provenance: Mapping[str, str] = field(default_factory=dict)
    not_exercised: Sequence[str] = ()
    seen: Mapping[str, str] = field(default_factory=dict)
    place: str = ""

    @property
    def verdict(self) -> Verdict:
        """The verdict on all runs.

        DIFFERS if any line does. NOT_RUN if nothing of a run was compared, or its end is missing without a known
        reason, or no decision of any run was compared. Else AGREES.
        """
        if any(line.verdict is Verdict.DIFFERS for line in self.lines):
            return Verdict.DIFFERS
        refused = self.refused_precisions
        missing = [run for run in self.runs_not_compared if run[1] not in refused]
        none = len(self.runs_not_compared) == len({line.run for line in self.lines})
        nothing = missing or none or self._decisions is Verdict.NOT_RUN or self.runs_cut_off
        return Verdict.NOT_RUN if nothing else Verdict.AGREES

    @property
    def _decisions(self) -> Verdict | None:
        """AGREES where a line of `DECISION_STAGES` was compared, NOT_RUN where none of them was, None without any."""
        verdicts = {line.verdict for line in self.lines if line.stage in DECISION_STAGES and line.mode != "kernels"}
        if not verdicts:
            return None
        return Verdict.AGREES if verdicts - {Verdict.NOT_RUN} else Verdict.NOT_RUN

    @property
    def runs_not_compared(self) -> list[Run]:
        """The runs of which no line was compared."""
        compared = {line.run for line in self.lines if line.verdict is not Verdict.NOT_RUN}
        return [run for run in dict.fromkeys(line.run for line in self.lines) if run not in compared]

    @property
    def refused_precisions(self) -> list[str]:
        """Precisions that the reference cannot be run in: the verdict is of the other one alone."""
        return list(dict.fromkeys(line.precision for line in self.lines if REFUSED in line.bound_source))

    @property
    def runs_cut_off(self) -> list[Run]:
        """The runs whose reference stopped without a known reason."""
        cut_off = [line.run for line in self.lines if line.bound_source.startswith(STOPS_UNEXPLAINED)]
        return list(dict.fromkeys(cut_off))

    @property
    def unseen(self) -> str:
        """The settings and events that none of the runs had, in words."""
        return ", ".join(self.not_exercised) or "nothing of what is looked for; docs/parity.md has what no run shows"

    @property
    def edited_constants(self) -> list[str]:
        """Names of constants whose value in the reference is not the published one."""
        return [name for name, value in self.constants.items() if PUBLISHED in value]

    @property
    def constants_not_read(self) -> list[str]:
        """Names of constants of the reference that its files do not tell for certain."""
        return [name for name, value in self.constants.items() if NOT_FOUND in value or AMBIGUOUS in value]

    @property
    def verdict_in_words(self) -> str:
        """The verdict, what it leaves out, and how many constants of the reference are edited or not read."""
        undecided = self.verdict is Verdict.AGREES and self._decisions is None
        said = [self.verdict.value + " in kernels alone, no decision was compared" * undecided]
        if (refused := self.refused_precisions) and self.verdict is not Verdict.NOT_RUN:
            judged = {line.precision for line in self.lines if line.verdict is not Verdict.NOT_RUN}
            said[0] += f" in {' and '.join(sorted(judged))} precision alone, {refused[0]} {REFUSED}"
        if count := len(self.edited_constants):
            said.append(f"with {count} edited constant{'s' * (count > 1)}")
        if count := len(self.constants_not_read):
            said.append(f"{count} constant{'s' * (count > 1)} not read")
        return ", ".join(said)

    @property
    def sentence(self) -> str:
        """The verdict, the reason for it, and what was not run."""
        return f"{self.verdict_in_words}{self._recorded}{self._because}{self._not_run}"

    @property
    def _because(self) -> str:
        if self.verdict is Verdict.AGREES:
            return ": every compared quantity is within its bound"
        if self.verdict is Verdict.DIFFERS:
            return (f": {self.doubt}; " if self.doubt else ": ") + self._difference
        if self.runs_cut_off and not self.runs_not_compared:
            return f": the reference stopped in {'; '.join(' '.join(run) for run in self.runs_cut_off)}"
        if self.lines and not self.runs_not_compared:
            return f": no decision was compared ({', '.join(DECISION_STAGES)})"
        runs = self.runs_not_compared
        reasons = (line.bound_source.rstrip(".") for line in self.lines if runs and line.run == runs[0])
        reason = next((f" ({reason})" for reason in reasons if reason), "")
        named = "; ".join(" ".join(run) for run in runs[:_NAMED]) or "anything"
        more = f" and {len(runs) - _NAMED} more runs" if len(runs) > _NAMED else ""
        return f": nothing was compared of {named}{more}{reason}"

    @property
    def _difference(self) -> str:
        """The first difference, and the line of the reference's files in which it is computed."""
        assert self.first_divergence is not None  # something differs
        place = ":".join(self.place.split(":")[:2])
        more = sum(line.verdict is Verdict.DIFFERS for line in self.lines) - 1
        others = f"; {more} more comparison{'s' * (more > 1)} differ{'s' * (more == 1)}" if more else ""
        done = "logged" if place_stage(self.first_divergence) == "log" else "computed"
        return difference_in_words(self.first_divergence) + (f" ({done} in {place})" if place else "") + others

    @property
    def _not_run(self) -> str:
        stages = [line.stage for line in self.lines if line.verdict is Verdict.NOT_RUN]
        named = [stage for stage in STAGES if stage in stages]
        more = f", and {len(named) - _NAMED} more stages" if len(named) > _NAMED + 1 else ""
        named = named[:_NAMED] if more else named
        return f"; {len(stages)} not run ({', '.join(named)}{more})" if stages else ""

    @property
    def _recorded(self) -> str:
        """The number of recorded epochs where they stand in for a run of the reference."""
        if self.provenance.get("engine") != "recorded" or not self.lines:
            return ""
        epochs: dict[Run, set[int]] = {}
        for line in self.lines:
            if line.stage not in ("entry", "checkpoint"):
                epochs.setdefault(line.run, set()).add(line.epoch)
        most = max(map(len, epochs.values()), default=0)
        missing = "; no Octave here" * (NO_OCTAVE in self.provenance)
        return f" (recorded numbers, {most} epoch{'s' * (most != 1)}{missing})"

    @property
    def doubt(self) -> str:
        """A warning that a difference may be rounding, where E was not measured; empty otherwise."""
        told = self.provenance.get("envelope", "")
        if self.verdict is not Verdict.DIFFERS or not told.startswith(NOT_MEASURED):
            return ""
        reason = told.removeprefix(NOT_MEASURED).strip()
        options = {"--no-envelope": "run without that option", "--run-code": "run with --run-code"}
        do = next((advice for option, advice in options.items() if option in reason), "measure it")
        return f"rounding was not measured {reason}: {do} before you believe this"

    @property
    def first_divergence(self) -> Line | None:
        """The differing line that comes first: by epoch, then by stage."""
        differing = [line for line in self.lines if line.verdict is Verdict.DIFFERS]
        return min(differing, key=lambda line: (line.epoch, STAGES.index(line.stage)), default=None)


def difference_in_words(line: Line) -> str:
    """Return in one clause which quantity of a line differs, by how much, and where."""
    what = STAGE_WORDS[line.stage] + f" ({line.detail})" * bool(line.detail)
    where = f"in epoch {line.epoch} of {line.case}, {line.precision}"
    if line.distance is not None and line.bound and math.isfinite(line.distance):
        return f"{what} is {line.distance:.1e} apart {where}, where {line.bound:.1e} is allowed"
    values = (line.ours, line.reference)
    if all(value and len(value) <= _LONGEST_VALUE and not value.startswith("norm ") for value in values):
        return f"{what} is {line.ours} here and {line.reference} there, {where}"
    reason = f": {line.bound_source}" if line.bound_source not in ("", "exact") else ""
    return f"{what} differs {where}{reason}"


def place_stage(line: Line) -> str:
    """Return the stage at which a line's quantity is computed: of figures after the step, that of the same kernel."""
    if ANOTHER_CHUNK in line.detail:
        return TARGET_CHUNK
    if line.stage == "cg_iterates" and line.detail.startswith("start"):
        return START_OF_CG
    if line.stage in _LOGGED and line.bound_source.startswith(LACKS):
        return "log"
    if line.stage != "params":
        return line.stage
    return next((stage for head, stage in _COMPUTED_AT.items() if line.detail.startswith(head)), line.stage)
