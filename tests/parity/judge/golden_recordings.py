"""Recordings to judge: the recorded numbers, through their engine."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np

from hf_matlab_compat.parity.cases import builtin_case
from hf_matlab_compat.parity.certificate import Certificate
from hf_matlab_compat.parity.engines import RecordedEngine
from hf_matlab_compat.parity.judge import judge
from hf_matlab_compat.parity.recording import EpochRecord, Recording

KERNELS = ("forward", "ll", "err", "grad", "grad2", "gradchunk", "oldll", "precon", "Bv", "Bv_undamped")


@cache
def recorded(name: str, mode: str = "lockstep", precision: str = "double", epochs: int = 1) -> Recording:
    """What was recorded of a case, with its envelope."""
    engine = RecordedEngine()
    return engine.with_envelope(engine.record(builtin_case(name), precision=precision, mode=mode, epochs=epochs))


@cache
def later_state(name: str, mode: str = "lockstep", precision: str = "double") -> Recording:
    """The eighth epoch alone."""
    whole = recorded(name, mode, precision, 8)
    return replace(whole, epochs=[record for record in whole.epochs if record.epoch == 8])


@cache
def two_epochs(name: str) -> Recording:
    """Two epochs in lockstep, in double; of the second, only decisions and figures were recorded."""
    first, free = recorded(name), recorded(name, "free", "double", 2)
    record = first.epochs[0]
    assert record.theta_after is not None
    assert record.d_after is not None
    second = EpochRecord(
        epoch=2,
        theta=record.theta_after,
        start=np.float64(first.case.arguments["decay"]) * record.d_after,
        lam=record.figures["lam"],
        kernels=dict.fromkeys(KERNELS),
        steps=[],
        iterates=[],
        figures=free.epochs[1].figures,
        theta_after=None,
        d_after=None,
        log_lines=free.epochs[1].log_lines,
    )
    unknown = {f"not shown: {name}": "not recorded" for name in ("iterates", "theta", "d")}
    return replace(first, epochs=[record, second], provenance={**first.provenance, **unknown})


def judged(*recordings: Recording) -> Certificate:
    """The certificate of some recordings."""
    return judge(recordings)


def first_stage(*recordings: Recording) -> str:
    """Where they first differ; empty where they do not."""
    first = judged(*recordings).first_divergence
    return "" if first is None else first.stage
