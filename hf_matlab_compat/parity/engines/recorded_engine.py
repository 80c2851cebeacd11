"""The numbers recorded from the published program, which come with the package: no Octave is needed to ask them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from hf_matlab_compat.errors import ParityError
from hf_matlab_compat.parity.cases import builtin_case, goldens, require_same
from hf_matlab_compat.parity.engines.constants import Constant, published, read_constants
from hf_matlab_compat.parity.engines.job import PRECISIONS
from hf_matlab_compat.parity.engines.recorded_case import RecordedCase
from hf_matlab_compat.parity.reference_run import Case, EpochRecord, Recording

_ENVELOPE: Mapping[str, str] = {
    **{"ll_after": "ll", "err_after": "err", "ll_chunk": "ll_chunk_after", "paramsp": "theta", "ch": "d"},
}
_NOT_RECORDED = "not recorded"

Variables = Mapping[str, Any]


class RecordedEngine:
    """Looks recorded runs up.

    Parameters
    ----------
    folder : path-like, optional
        Of the recorded numbers; those that come with the package by default.
    """

    name = "recorded"

    def __init__(self, folder: str | Path | None = None) -> None:
        self._folder = goldens() if folder is None else Path(folder)

    @property
    def constants(self) -> Mapping[str, Constant]:
        """The published ones, with which the runs were recorded."""
        place = "recorded from the published file"
        return {name: Constant(name, published(name), place) for name in read_constants({})}

    def record(self, case: Case, *, precision: str, mode: str, epochs: int = 8) -> Recording:
        """Look the run of a built-in case up; see `Engine`. In lockstep, the epochs whose states were recorded."""
        require_same(case, builtin_case(case.name))
        if precision not in PRECISIONS:
            raise ParityError(f"precision: expected one of {', '.join(PRECISIONS)}, got {precision!r}.")
        found = RecordedCase(self._folder, case.name, precision)
        makers = {"kernels": found.kernels, "lockstep": found.lockstep, "free": found.free}
        if mode not in makers:
            raise ParityError(f"mode: expected one of {', '.join(makers)}, got {mode!r}.")
        records = makers[mode](epochs)
        if not records:
            raise ParityError(f"{case.name}: nothing was recorded for {mode} in {precision}{found.why_not()}.")
        return Recording(
            case=case,
            precision=precision,
            mode=mode,
            epochs=records,
            envelope={},
            checkpoint=None,
            provenance=_provenance(records, mode),
            stop=found.stop(epochs) if mode == "free" else None,
        )

    def with_envelope(self, recording: Recording) -> Recording:
        """The same recording with E, as it was measured for it."""
        spread = _read_spread(self._folder)
        name, precision = recording.case.name, recording.precision
        envelope: dict[tuple[int, str], float] = {}
        for record in recording.epochs:
            envelope |= _path_envelope(spread.get(f"probe/{name}/{precision}/{record.epoch}", {}), record.epoch)
            if recording.mode == "lockstep":
                envelope |= _step_envelope(spread.get(f"lockstep/{name}/{precision}/{record.epoch}", {}), record.epoch)
        if recording.mode == "free":
            for quantity, values in spread.get(f"free/{name}/{precision}/0", {}).items():
                envelope |= {(k, _ENVELOPE.get(quantity, quantity)): E for k, E in enumerate(values, start=1)}
        told = {"ensemble": "looked up: runs of the published program when the numbers were recorded"}
        return replace(recording, envelope=envelope, provenance={**recording.provenance, **(told if envelope else {})})


def _provenance(records: Sequence[EpochRecord], mode: str) -> dict[str, str]:
    missing = ["forward", "ch_norm", "checkpoint"]
    if mode == "free":
        missing += ["theta", "d", "iterates"]
    elif mode == "lockstep":
        missing += [name for name in ("test_ll", "test_err") if name not in records[0].figures]
    if mode == "free":
        missing += [name for name in ("test_ll", "test_err") if name not in records[0].figures]
    if mode != "kernels" and not all(record.log_lines for record in records):
        missing.append("log")
    return {
        "engine": "recorded",
        "reference": "the published program, recorded in Octave 7.3.0 (in double, with its casts to single taken out)",
        **{f"not shown: {name}": _NOT_RECORDED for name in missing},
    }


def _read_spread(folder: Path) -> dict[str, Any]:
    for place in (folder / "reference_spread.json", folder.parent / "parity" / "reference_spread.json"):
        if place.exists():
            return json.loads(place.read_text(encoding="ascii"))
    return {}


def _path_envelope(values: Variables, epoch: int) -> dict[tuple[int, str], float]:
    names = {"iterates": "iterate", "model": "model"}
    return {
        (epoch, f"{ours} {step}"): E for theirs, ours in names.items() for step, E in values.get(theirs, {}).items()
    }


def _step_envelope(values: Variables, epoch: int) -> dict[tuple[int, str], float]:
    seen = values.get("cg_steps_seen", [1])
    found = {(epoch, _ENVELOPE.get(name, name)): E for name, E in values.items() if isinstance(E, float)}
    return {**found, (epoch, "cg_steps"): (max(seen) - min(seen)) / min(seen)} if values else {}
