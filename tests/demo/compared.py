"""The demo's case, what was recorded of it, and this package beside that."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Any

from hf_matlab_compat.demo.agreement import NAME
from hf_matlab_compat.demo.autoencoder import TEST_CASES, TRAIN_CASES, autoencoder_arguments
from hf_matlab_compat.demo.digits import shuffled_digits
from hf_matlab_compat.demo.shipped_recording import read_shipped
from hf_matlab_compat.parity.cases import case_from_arguments
from hf_matlab_compat.parity.certificate import Certificate, Line, Verdict
from hf_matlab_compat.parity.judge import judge
from hf_matlab_compat.parity.recording import Case, Recording


@cache
def arguments() -> dict[str, Any]:
    return autoencoder_arguments(*shuffled_digits(TRAIN_CASES, TEST_CASES))


def case(**changed: Any) -> Case:
    return case_from_arguments(NAME, {**arguments(), **changed})


@cache
def recording() -> Recording:
    return read_shipped(case())


def two_epochs() -> Recording:
    """The first two of the recording."""
    return replace(recording(), epochs=recording().epochs[:2])


@cache
def agreeing() -> Certificate:
    """Of two epochs."""
    return judge([two_epochs()])


def with_line(certificate: Certificate, epoch: int, stage: str, **fields: Any) -> Certificate:
    """The same, where one line says something else."""
    at = next(i for i, line in enumerate(certificate.lines) if (line.epoch, line.stage) == (epoch, stage))
    lines: list[Line] = list(certificate.lines)
    lines[at] = replace(lines[at], **fields)
    return replace(certificate, lines=lines)


def with_difference() -> Certificate:
    """One in rho, in the second epoch."""
    return with_line(agreeing(), 2, "rho", distance=3e-3, bound=1e-14, verdict=Verdict.DIFFERS)


def with_tie() -> Certificate:
    """One in the iterate chosen, in the first epoch; no figure there is nearer to its bound, whatever the BLAS."""
    fields = {"ours": "9", "distance": 8e-16, "bound": 8.9e-16, "verdict": Verdict.TIE}
    return with_line(agreeing(), 1, "chose_iters", **fields)
