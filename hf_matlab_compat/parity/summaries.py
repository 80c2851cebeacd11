"""Certificates in few lines: by stage and by run, and what was not run and why."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from hf_matlab_compat.parity.certificate import STAGES, Certificate, Line, Verdict
from hf_matlab_compat.parity.divergence import ratio


@dataclass(frozen=True)
class Summary:
    """Some lines of a certificate.

    Attributes
    ----------
    name : tuple of str
        What they share.
    counts : Counter of Verdict
    worst : Line or None
        That with the largest share of its bound, or the first that differs; None where nothing has a distance.
    """

    name: tuple[str, ...]
    counts: Counter[Verdict]
    worst: Line | None

    @property
    def verdict(self) -> Verdict:
        """DIFFERS if any line does; NOT_RUN if none was compared; TIE if there is one; else AGREES."""
        for verdict in (Verdict.DIFFERS, Verdict.TIE, Verdict.AGREES):
            if self.counts[verdict]:
                return verdict
        return Verdict.NOT_RUN


def by_stage(certificate: Certificate) -> list[Summary]:
    """One summary a stage, in the order in which a difference would arise."""
    lines = certificate.lines
    present = [stage for stage in STAGES if any(line.stage == stage for line in lines)]
    return [summary((stage,), [line for line in lines if line.stage == stage]) for stage in present]


def by_run(certificate: Certificate) -> list[Summary]:
    """One summary a case, precision, mode and backend."""
    groups: dict[tuple[str, ...], list[Line]] = {}
    for line in certificate.lines:
        groups.setdefault(line.run, []).append(line)
    return [summary(name, lines) for name, lines in groups.items()]


def not_run_reasons(certificate: Certificate) -> Counter[str]:
    """Why lines were not run, without the figures in it, and how many each."""
    return Counter(_rule(line.bound_source) for line in certificate.lines if line.verdict is Verdict.NOT_RUN)


def bound_sources(certificate: Certificate) -> Counter[str]:
    """Where bounds come from: the rule, without the figures in it."""
    compared = [line.bound_source for line in certificate.lines if line.verdict is not Verdict.NOT_RUN]
    return Counter(_rule(source) for source in compared)


def figure_cells(line: Line | None) -> list[str]:
    """Distance, bound and share of a line, as short texts; empty where there are none."""
    if line is None or line.distance is None or line.bound is None:
        return ["", "", ""]
    distance = f"{line.distance:.1e}" if line.distance else "0"
    if line.bound == 0:
        return [distance, "exact", ""]
    share = ratio(line)
    return [distance, f"{line.bound:.1e}", f"{share:.2f}" if share < 100 else f"{share:.0e}"]


def summary(name: tuple[str, ...], lines: Sequence[Line]) -> Summary:
    """Of some lines."""
    judged = [line for line in lines if not math.isnan(ratio(line))]
    worst = max(judged, key=lambda line: (line.verdict is Verdict.DIFFERS, ratio(line)), default=None)
    return Summary(name, Counter(line.verdict for line in lines), worst)


def _rule(source: str) -> str:
    head, _, tail = source.partition(", E=")
    return f"{head} {tail[tail.index('(') :]}" if "(" in tail else head
