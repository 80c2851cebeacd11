"""How far apart two runs of one epoch are, quantity by quantity."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from hf_matlab_compat.parity.recording import EpochRecord, distance

DECISIONS = ("cg_steps", "reductions", "rate", "lambda", "chose_iters")
BY_COLUMN = ("Bv", "Bv_undamped")
_FROM_CG = ("ch_norm",)
_SKIPPED = ("v", "model")


def distances(member: EpochRecord, plain: EpochRecord) -> dict[str, float]:
    """Distances by name, of what both have; after another choice, only what does not depend on it."""
    apart = dict(_kernels(member, plain))
    apart |= dict(_iterates(member, plain))
    apart |= dict(_figures(member, plain))
    return apart


def _kernels(member: EpochRecord, plain: EpochRecord) -> Iterator[tuple[str, float]]:
    for name, value in plain.kernels.items():
        other = member.kernels.get(name)
        if other is None or name in _SKIPPED:
            continue
        if name in BY_COLUMN:
            yield name, max(distance(a, b) for a, b in zip(other.T, value.T, strict=True))
        elif name == "forward":
            yield name, max(distance(a, b) for a, b in zip(other, value, strict=True))
        else:
            yield name, distance(other, value)


def _iterates(member: EpochRecord, plain: EpochRecord) -> Iterator[tuple[str, float]]:
    """By step number; the last one may stand there twice."""
    theirs = _by_step(member)
    for step, (iterate, value) in _by_step(plain).items():
        if step in theirs:
            yield f"iterate {step}", distance(theirs[step][0], iterate)
            yield f"model {step}", distance(theirs[step][1], value)


def _by_step(record: EpochRecord) -> dict[int, tuple[Any, float]]:
    model = np.ravel(record.kernels.get("model", np.full(len(record.steps), np.nan)))
    return {step: (record.iterates[at], model[at]) for at, step in enumerate(record.steps)}


def _figures(member: EpochRecord, plain: EpochRecord) -> Iterator[tuple[str, float]]:
    ours, theirs = member.figures, plain.figures
    for name in DECISIONS:
        if name in ours and name in theirs:
            yield name, distance(ours[name], theirs[name])
    if not theirs and plain.steps and member.steps:  # kernels alone: CG is all that was run
        yield "cg_steps", distance(member.steps[-1], plain.steps[-1])
    if member.d_after is not None and plain.d_after is not None and ours.get("cg_steps") == theirs.get("cg_steps"):
        yield "d", distance(member.d_after, plain.d_after)
        yield from ((name, distance(ours[name], theirs[name])) for name in _FROM_CG if name in ours and name in theirs)
    if ours.get("chose_iters") != theirs.get("chose_iters") or ours.get("reductions") != theirs.get("reductions"):
        return
    left_out = (*DECISIONS, *_FROM_CG)
    for name in (name for name in theirs if name in ours and name not in left_out):
        yield name, distance(ours[name], theirs[name])
    if member.theta_after is not None and plain.theta_after is not None:
        yield "theta", _in_steps(member, plain)


def _in_steps(member: EpochRecord, plain: EpochRecord) -> float:
    """‖Δθ‖ in units of the step."""
    ours, theirs, start = (np.asarray(v, np.float64) for v in (member.theta_after, plain.theta_after, plain.theta))
    step = np.linalg.norm(theirs - start)
    return float(np.linalg.norm(ours - theirs) / step) if step else distance(ours, theirs)
