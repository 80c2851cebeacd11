"""The recorded numbers of tests/goldens as recordings, for a judge that has no engine at hand."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

import numpy as np

from hf_matlab_compat.parity.reference_run import Case, EpochRecord, Recording
from tests.cases import GOLDENS, MAIN, arguments, probe, recorded_iterates, trace
from tests.parity.golden_bounds import spread

FIGURES = {
    "cg_steps": "cg_steps",
    "chose_iters": "chose_iters",
    "rho": "rho",
    "reductions": "nred",
    "rate": "rate",
    "lambda": "lambda_after",
    "ll": "ll_after",
    "err": "err_after",
    "test_ll": "test_ll",
    "denom": "denom",
    "oldll_chunk": "oldll_chunk",
    "ll_chunk_after": "ll_chunk_after",
}
"""Figures as recordings and as traces call them."""
ENVELOPE = {"ll_after": "ll", "err_after": "err", "ll_chunk": "ll_chunk_after", "paramsp": "theta", "ch": "d"}
NOT_SHOWN = ("forward", "ch_norm", "test_ll", "test_err", "checkpoint", "log", "theta", "d", "iterates", "chose_iters")
KERNELS = ("grad", "grad2", "gradchunk", "grad2chunk", "precon", "oldll", "ll", "err", "ll_chunk", "err_chunk")
ALL_KERNELS = ("forward", *KERNELS, "Bv", "Bv_undamped")


@cache
def kernels_of(name: str, precision: str, epoch: int = 1) -> Recording:
    """The kernels at a recorded state, and the CG path from it."""
    return _recording(name, precision, "kernels", [_record(name, precision, epoch, {})], epoch)


@cache
def lockstep_of(name: str, precision: str, epoch: int = 1) -> Recording:
    """The epoch from a recorded state."""
    return _recording(name, precision, "lockstep", [_record(name, precision, epoch, figures(name, precision, epoch))], epoch)


@cache
def two_epochs_of(name: str, precision: str = "double") -> Recording:
    """Two epochs in lockstep; of the second, only decisions and figures were recorded."""
    first = _record(name, precision, 1, figures(name, precision, 1))
    blank = {kernel: None for kernel in ALL_KERNELS}
    second = EpochRecord(
        epoch=2,
        theta=first.theta_after,
        start=_decay(name) * first.d_after,
        lam=first.figures["lambda"],
        kernels=blank,
        steps=[],
        iterates=[],
        figures=figures(name, precision, 2),
        theta_after=None,
        d_after=None,
    )
    return _recording(name, precision, "lockstep", [first, second], 1)


@cache
def free_of(name: str, precision: str = "double") -> Recording:
    """A whole run from its start; figures only."""
    first = _record(name, precision, 1, figures(name, precision, 1))
    epochs = [
        EpochRecord(
            epoch=k,
            theta=first.theta,
            start=first.start,
            lam=first.lam,
            kernels={},
            steps=[],
            iterates=[],
            figures=figures(name, precision, k),
            theta_after=None,
            d_after=None,
        )
        for k in range(1, trace(name, precision)["rho"].size + 1)
    ]
    return _recording(name, precision, "free", epochs, 0)


def figures(name: str, precision: str, epoch: int) -> dict[str, float]:
    """The recorded figures of an epoch."""
    recorded = trace(name, precision)
    return {ours: float(recorded[theirs][epoch - 1]) for ours, theirs in FIGURES.items() if theirs in recorded}


def _record(name: str, precision: str, epoch: int, with_figures: Mapping[str, float]) -> EpochRecord:
    recorded = probe(name, precision, epoch)
    iterates, steps = recorded_iterates(recorded), [int(step) for step in recorded["iterses"]]
    after, d = None, None
    if with_figures:
        chosen = iterates[steps.index(int(with_figures["chose_iters"]))]
        after, d = recorded["paramsp"] + with_figures["rate"] * chosen, iterates[-1]
        after = after.astype(recorded["paramsp"].dtype)
    columns = {key: recorded[key].reshape(-1, 1) for key in ("v", "Bv", "Bv_undamped")}
    return EpochRecord(
        epoch=epoch,
        theta=recorded["paramsp"],
        start=recorded["ch0"],
        lam=recorded["lambda"].item(),
        kernels={**{key: recorded[key] for key in KERNELS}, **columns},
        steps=steps,
        iterates=iterates,
        figures=with_figures,
        theta_after=after,
        d_after=d,
    )


def _recording(name: str, precision: str, mode: str, epochs: list[EpochRecord], at: int) -> Recording:
    m = arguments(name)
    given = {key: value for key, value in m.items() if not key.startswith("__") and key != "start_lambda"}
    constants = {"initlambda": m["start_lambda"].item()} if "start_lambda" in m else {}
    return Recording(
        case=Case(name=name, arguments=given, constants=constants),
        precision=precision,
        mode=mode,
        epochs=epochs,
        envelope=_envelope(name, precision, mode, at),
        checkpoint=None,
        provenance={
            "engine": "recorded",
            "goldens": GOLDENS.name,
            **{f"not shown: {quantity}": "not recorded" for quantity in NOT_SHOWN},
        },
    )


def _envelope(name: str, precision: str, mode: str, epoch: int) -> dict[tuple[int, str], float]:
    found: dict[tuple[int, str], float] = {}
    probed = spread().get(f"probe/{name}/{precision}/{epoch}", {})
    for kind, key in (("iterates", "iterate"), ("model", "model")):
        found |= {(epoch, f"{key} {step}"): E for step, E in probed.get(kind, {}).items()}
    if mode == "lockstep" and name in MAIN:
        found |= _named(spread()[f"lockstep/{name}/{precision}/{epoch}"], epoch)
    whole = spread().get(f"free/{name}/{precision}/0", {}) if mode == "free" else {}
    for quantity, values in whole.items():
        found |= {(k, ENVELOPE.get(quantity, quantity)): E for k, E in enumerate(values, start=1)}
    return found


def _named(values: Mapping[str, Any], epoch: int) -> dict[tuple[int, str], float]:
    seen = values.get("cg_steps_seen", [1])
    steps = (max(seen) - min(seen)) / min(seen)
    figures = {(epoch, ENVELOPE.get(key, key)): E for key, E in values.items() if isinstance(E, float)}
    return {**figures, (epoch, "cg_steps"): float(steps)}


def _decay(name: str) -> Any:
    return np.float64(arguments(name)["decay"].item())
