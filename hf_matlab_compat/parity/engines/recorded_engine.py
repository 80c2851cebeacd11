"""Numbers recorded from the published program, which come with the package and need no Octave."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from hf_matlab_compat.errors import CheckpointError, ParityError
from hf_matlab_compat.matlab.files.mat_formats import load_mat
from hf_matlab_compat.parity.cases import builtin_case, goldens, require_same
from hf_matlab_compat.parity.engines.constants import published
from hf_matlab_compat.parity.log_comparison import epoch_lines
from hf_matlab_compat.parity.recording import MODES, PRECISIONS, Case, EpochRecord, Recording, Stop

_ENVELOPE: Mapping[str, str] = {
    **{"ll_after": "log_likelihood", "err_after": "error", "test_ll": "test_log_likelihood", "ch_norm": "d_norm"},
    **{"ll_chunk": "log_likelihood_chunk", "oldll_chunk": "old_log_likelihood_chunk", "denom": "predicted_change"},
    **{"lambda_after": "lam", "chose_iters": "chosen_step", "paramsp": "theta", "ch": "d"},
}
"""Quantities of the recorded spread, and their names in an envelope."""
_FIGURES: Mapping[str, str] = {
    **{"cg_steps": "cg_steps", "chosen_step": "chose_iters", "rho": "rho", "rate": "rate", "predicted_change": "denom"},
    **{"old_log_likelihood_chunk": "oldll_chunk", "log_likelihood_chunk": "ll_chunk_after"},
    **{"reductions": "nred", "lam": "lambda_after", "log_likelihood": "ll_after", "error": "err_after"},
    **{"test_log_likelihood": "test_ll", "test_error": "test_err"},
}
"""Figures of an epoch, and their names in a recorded trace."""
_VECTORS = ("grad", "grad2", "gradchunk", "grad2chunk", "precon")
_NUMBERS = ("oldll", "ll", "err", "ll_chunk", "err_chunk")
_PRODUCTS = ("v", "Bv", "Bv_undamped")

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

    def record(self, case: Case, *, precision: str, mode: str, epochs: int = 8) -> Recording:
        """Look the run of a built-in case up; see `Engine`. In lockstep it has the epochs whose states were recorded.

        Raises
        ------
        ParityError
            Nothing was recorded of such a run.
        """
        require_same(case, builtin_case(case.name))
        for name, value, known in (("precision", precision, PRECISIONS), ("mode", mode, MODES)):
            if value not in known:
                raise ParityError(f"{name}: expected one of {', '.join(known)}, got {value!r}.")
        found = _RecordedCase(self._folder, case, precision)
        records = {"kernels": found.kernels, "lockstep": found.lockstep, "free": found.free}[mode](epochs)
        if not records:
            stops = f": the published program stops with '{found.crash}'" if found.crash else ""
            raise ParityError(f"{case.name}: nothing was recorded for {mode} in {precision}{stops}.")
        return Recording(
            case=case,
            precision=precision,
            mode=mode,
            epochs=records,
            provenance=_provenance(records, mode),
            stop=found.stop(epochs) if mode == "free" else None,
        )

    def with_envelope(self, recording: Recording) -> Recording:
        """Return the recording with E, as it was measured when the numbers were recorded."""
        spread = _read_spread(self._folder)
        run = f"{recording.case.name}/{recording.precision}"
        envelope: dict[tuple[int, str], float] = {}
        for record in recording.epochs:
            envelope |= _path_envelope(spread.get(f"probe/{run}/{record.epoch}", {}), record.epoch)
            if recording.mode == "lockstep":
                envelope |= _step_envelope(spread.get(f"lockstep/{run}/{record.epoch}", {}), record.epoch)
        if recording.mode == "free":
            for quantity, values in spread.get(f"free/{run}/0", {}).items():
                envelope |= {(k, _ENVELOPE.get(quantity, quantity)): E for k, E in enumerate(values, start=1)}
        told = {"ensemble": "looked up: runs of the published program when the numbers were recorded"}
        return replace(recording, envelope=envelope, provenance={**recording.provenance, **(told if envelope else {})})


def _provenance(records: Sequence[EpochRecord], mode: str) -> dict[str, str]:
    missing = ["forward", "d_norm", "checkpoint"]
    missing += ["theta", "d", "iterates"] if mode == "free" else []
    if mode != "kernels":
        missing += [name for name in ("test_log_likelihood", "test_error") if name not in records[0].figures]
        missing += [] if all(record.log_lines for record in records) else ["log"]
    return {
        "engine": "recorded",
        "reference": "the published program, recorded in Octave 7.3.0 (in double, with its casts to single taken out)",
        **{f"not shown: {name}": "not recorded" for name in missing},
    }


def _read_spread(folder: Path) -> dict[str, Any]:
    path = folder / "reference_spread.json"
    return json.loads(path.read_text(encoding="ascii")) if path.exists() else {}


def _path_envelope(values: Variables, epoch: int) -> dict[tuple[int, str], float]:
    names = {"iterates": "iterate", "model": "model"}
    return {
        (epoch, f"{ours} {step}"): E for theirs, ours in names.items() for step, E in values.get(theirs, {}).items()
    }


def _step_envelope(values: Variables, epoch: int) -> dict[tuple[int, str], float]:
    seen = values.get("cg_steps_seen", [1])
    found = {(epoch, _ENVELOPE.get(name, name)): E for name, E in values.items() if isinstance(E, float)}
    return {**found, (epoch, "cg_steps"): (max(seen) - min(seen)) / min(seen)} if values else {}


class _RecordedCase:
    """The files of a case in one precision, as the published program ran it."""

    def __init__(self, folder: Path, case: Case, precision: str) -> None:
        self._folder, self._case, self._precision = folder, case, precision
        self._dtype: Any = np.float32 if precision == "single" else np.float64
        self._unit = (folder / "units" / f"case_{case.name}.mat").exists()
        self._run = f"{case.name}_{precision}"

    def kernels(self, epochs: int) -> list[EpochRecord]:
        """Return the recorded states up to an epoch, and the kernels at them."""
        return [self._probe(epoch, {}) for epoch in self._states if epoch <= epochs]

    def lockstep(self, epochs: int) -> list[EpochRecord]:
        """Return the same with the figures and the result of each epoch."""
        wanted = [epoch for epoch in self._states if epoch <= min(epochs, self._count)]
        return [self._probe(epoch, self._figures(epoch)) for epoch in wanted]

    def free(self, epochs: int) -> list[EpochRecord]:
        """Return figures and log lines only; the parameters are those of the start."""
        if not self._states:
            return []
        theta = np.asarray(self._case.arguments["paramsp"], self._dtype).ravel()
        lam = float(self._case.constants.get("initlambda", published("initlambda")))
        blank = EpochRecord(theta=theta, start=np.zeros_like(theta), lam=lam)
        return [
            replace(blank, epoch=k, figures=self._figures(k), log_lines=epoch_lines(self._log, k))
            for k in range(1, min(epochs, self._count) + 1)
        ]

    def stop(self, epochs: int) -> Stop | None:
        """Return where the published program crashed in a run of this number of epochs."""
        if not self.crash or epochs <= self._count:
            return None
        return Stop(epoch=self._count + 1, reason=self.crash, cause="nothing recorded")

    @property
    def crash(self) -> str:
        """The error with which the published program crashed; empty where it did not."""
        stopped = self._trace.get("original_stops_with")
        return str(stopped.item()) if stopped is not None and stopped.size else ""

    @property
    def _states(self) -> list[int]:
        """Epochs whose states were recorded."""
        if self._unit:
            return [1]
        stem = f"probe_{self._run}_epoch"
        return sorted(int(path.stem.removeprefix(stem)) for path in self._folder.glob(f"{stem}*.mat"))

    @property
    def _count(self) -> int:
        """Number of epochs of the recorded run."""
        return int(np.size(self._trace.get("rho", ())))

    @cached_property
    def _trace(self) -> Variables:
        if not self._unit:
            content = _mat(self._folder / f"trace_{self._run}.mat")
            return {**content, "test_ll": content["llrecord"][:, 1], "test_err": content["errrecord"][:, 1]}
        content = _mat(self._folder / "units" / f"rec_{self._run}.mat")
        return {name.removeprefix("trace_"): value for name, value in content.items()}

    @cached_property
    def _log(self) -> str:
        if self._unit:
            text = self._trace.get("log", np.array([]))
            return str(text.item()) if text.size == 1 else ""
        path = self._folder / f"log_{self._run}.txt"
        return path.read_bytes().decode("latin-1") if path.exists() else ""

    def _figures(self, epoch: int) -> dict[str, float]:
        there = {ours: self._trace[name] for ours, name in _FIGURES.items() if name in self._trace}
        return {name: float(values.ravel()[epoch - 1]) for name, values in there.items()}

    def _probe(self, epoch: int, figures: Mapping[str, float]) -> EpochRecord:
        recorded = self._recorded(epoch)
        theta = recorded["paramsp"].ravel()
        steps = [int(step) for step in recorded["iterses"].ravel()]
        iterates = list(recorded["chs"].reshape(theta.size, -1).T)
        record = EpochRecord(
            epoch=epoch,
            theta=theta,
            start=recorded["ch0"].ravel(),
            lam=float(recorded["lambda"].item()),
            kernels={
                **{name: recorded[name].ravel() for name in _VECTORS},
                **{name: recorded[name] for name in _PRODUCTS},
                **{name: float(recorded[name].item()) for name in _NUMBERS},
            },
            steps=steps,
            iterates=iterates,
        )
        if not figures:
            return record
        after = theta + self._dtype(figures["rate"]) * iterates[steps.index(int(figures["chosen_step"]))]
        lines = epoch_lines(self._log, epoch)
        return replace(record, figures=figures, theta_after=after, d_after=iterates[-1], log_lines=lines)

    def _recorded(self, epoch: int) -> Variables:
        if self._unit:
            return {name.removeprefix("probe_"): v for name, v in self._trace.items() if name.startswith("probe_")}
        return _mat(self._folder / f"probe_{self._run}_epoch{epoch}.mat")


def _mat(path: Path) -> dict[str, Any]:
    try:
        return load_mat(path)
    except CheckpointError as error:
        raise ParityError(f"{path.name}: expected recorded numbers, got none ({error}).") from error
