"""Compares one call over all epochs with a chain of calls, each resumed from the checkpoint of the one before.

Every epoch of a lockstep run is a fresh call, resumed from the state that the one before left. What a trainer keeps
to itself from one epoch to the next (a momentum, a running average, a count of its loops) is in none of these calls,
and in all that its users make. Where nothing of that kind is kept, both are the same program on the same numbers: they
end in the same, to the last bit.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from hf_matlab_compat.errors import ParityError
from hf_matlab_compat.parity.engines.job import Job
from hf_matlab_compat.parity.engines.printed import epoch_lines
from hf_matlab_compat.parity.engines.results import comparable_lines, read_figures, read_variables
from hf_matlab_compat.parity.engines.returned import require_whole
from hf_matlab_compat.parity.reference_run import ASKED_OF_CG, Continuity, EpochRecord, Stop, distance


def read_continuity(job: Job, chain: Sequence[EpochRecord], results: Path) -> Continuity | None:
    """What the one call of a job has other than its chain; None where it was not made.

    Raises
    ------
    ParityError
        Its file cannot be read.
    """
    path = results / "whole.mat"
    if job.mode != "lockstep" or not path.exists():
        return None
    whole, last = read_variables(path), chain[-1]
    require_whole(whole, job.case.arguments["paramsp"].size)
    ended = int(np.asarray(whole["epoch"]).item())
    lam = (float(last.figures["lambda"]), float(np.ravel(whole["lambdarecord"])[ended - 1]))
    theta = distance(np.asarray(whole["paramsp"], job.dtype), last.theta_after)
    d = distance(whole["last"], last.d_after)
    apart = [record.epoch for record in chain if not _same_epoch(job, record, whole, chain[0].epoch)]
    ends_apart = theta > 0 or d > 0 or lam[0] != lam[1]
    return Continuity(
        epochs=ended - chain[0].epoch + 1,
        theta=theta,
        d=d,
        lam=lam,
        first_apart=apart[0] if apart else (last.epoch if ends_apart else None),
    )


def continuity_and_stop(
    job: Job, chain: Sequence[EpochRecord], results: Path, stop: Stop | None
) -> tuple[Continuity | None, Stop | None]:
    """`read_continuity`; where its file is malformed, that is how the run ended, if it did not stop before.

    None as well where the one call went on and the chain did not.
    """
    try:
        found = read_continuity(job, chain, results)
        went_on = found is not None and stop is not None and found.epochs != len(chain)
        return (None if went_on else found), stop
    except ParityError as error:
        return None, stop or Stop(epoch=chain[-1].epoch + 1, reason=str(error))


def _same_epoch(job: Job, record: EpochRecord, whole: Mapping[str, Any], first: int) -> bool:
    """Whether both printed the same, in every digit, and recorded the same."""
    at = record.epoch - first
    if at >= len(whole["numbers"]) or record.epoch > len(whole["llrecord"]):
        return False  # the one call ended earlier
    lines = epoch_lines(whole["log"], record.epoch)
    printed = {**whole, "words": whole["words"][at], "numbers": whole["numbers"][at]}
    figures = read_figures(printed, lines, record.epoch)
    names = (figures.keys() | record.figures.keys()) - {*ASKED_OF_CG}
    return comparable_lines(job, lines) == list(record.log_lines) and all(
        distance(figures.get(name, ()), record.figures.get(name, ())) == 0 for name in names
    )
