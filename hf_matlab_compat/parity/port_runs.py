"""Our side of a recording: its epochs by this package, started and guided as the recording's mode says."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from hf_matlab_compat.errors import HessianFreeError
from hf_matlab_compat.parity.log_comparison import total_before
from hf_matlab_compat.parity.port_case import PortCase
from hf_matlab_compat.parity.port_epoch import (
    PortEpoch,
    from_decayed_start,
    host_state,
    run_epoch,
    run_kernels,
)
from hf_matlab_compat.parity.reference_run import EpochRecord, Recording
from hf_matlab_compat.state import State


def port_epochs(case: PortCase, recording: Recording, noise: float = 0.0, seed: int = 0) -> Iterator[PortEpoch | str]:
    """This package's epochs beside the recording's; in place of one that could not be run, a sentence.

    Parameters
    ----------
    case : PortCase
        Of the recording, on any backend.
    recording : Recording
    noise, seed : float, int
        Relative noise on the parameters that a free run starts from.
    """
    if recording.mode == "free":
        yield from _free(case, recording, noise, seed)
        return
    before: EpochRecord | None = None
    for record in recording.epochs:
        yield port_epoch(case, recording, record, before)
        before = record


def port_epoch(case: PortCase, recording: Recording, record: EpochRecord, before: EpochRecord | None) -> Any:
    """One epoch from the reference's state; its kernels alone where the recording has no more."""
    try:
        started, state = starting(case, record, before)
        if recording.mode == "kernels":
            return run_kernels(started, state, _probes(record), with_cg=bool(record.steps))
        return run_epoch(started, state, _probes(record), _choice(record))
    except HessianFreeError as error:
        return f"this package stopped: {error}"


def starting(case: PortCase, record: EpochRecord, before: EpochRecord | None) -> tuple[PortCase, State]:
    """The state in which a recorded epoch began.

    After the epoch before it that is the last CG iterate, still to be decayed; without one, the recorded start of CG.
    """
    consecutive = before is not None and before.epoch + 1 == record.epoch and before.d_after is not None
    d = before.d_after if consecutive and before is not None else record.start
    undecayed = consecutive or not np.any(record.start)
    total = total_before(record.log_lines, record.figures.get("cg_steps") or 0)
    state = host_state(record.theta, np.asarray(d), record.lam, record.epoch, case)
    return (case if undecayed else from_decayed_start(case)), state.remembering(total_cg_steps=total)


def _free(case: PortCase, recording: Recording, noise: float, seed: int) -> Iterator[PortEpoch | str]:
    started, state = starting(case, recording.epochs[0], None)
    if noise:
        random = np.random.default_rng(seed).standard_normal(state.theta.shape)
        noisy = state.theta * (1 + noise * random)
        state = replace(state, theta=noisy.astype(state.theta.dtype))
    trouble = ""
    for record in recording.epochs:
        if not trouble:
            try:
                begins = record is recording.epochs[0] and bool(record.kernels)
                epoch = run_epoch(started, state, _probes(record) if begins else None, _choice(record))
                assert epoch.state is not None
                started, state = case, epoch.state
                yield epoch
                continue
            except HessianFreeError as error:
                trouble = f"this package stopped: {error}"
        yield trouble


def _probes(record: EpochRecord) -> Any:
    """Probe vectors, (P, k)."""
    v = record.kernels.get("v")
    v = np.zeros((len(record.theta), 0)) if v is None else np.asarray(v)
    return v.reshape(len(record.theta), -1)


def _choice(record: EpochRecord) -> int | None:
    choice = record.figures.get("chose_iters")
    return None if choice is None else int(choice)
