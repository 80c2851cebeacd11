"""The numbers recorded from the published program, which come with the package: no Octave is needed to ask them."""

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
from hf_matlab_compat.parity.engines.constants import Constant, published, read_constants
from hf_matlab_compat.parity.engines.printed import epoch_lines
from hf_matlab_compat.parity.recording import PRECISIONS, Case, EpochRecord, Recording, Stop

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


_FIGURES: Mapping[str, str] = {
    **{name: name for name in ("cg_steps", "chose_iters", "rho", "rate", "denom", "oldll_chunk", "ll_chunk_after")},
    **{"reductions": "nred", "lambda": "lambda_after", "ll": "ll_after", "err": "err_after"},
    **{name: name for name in ("test_ll", "test_err")},
}
_VECTORS = ("grad", "grad2", "gradchunk", "grad2chunk", "precon")
_NUMBERS = ("oldll", "ll", "err", "ll_chunk", "err_chunk")
_PRODUCTS = ("v", "Bv", "Bv_undamped")


class RecordedCase:
    """A case in one precision, as the published program ran it.

    Parameters
    ----------
    folder : Path
        Of the recorded numbers.
    name, precision : str
    """

    def __init__(self, folder: Path, name: str, precision: str) -> None:
        self._folder, self._name, self._precision = folder, name, precision
        self._unit = (folder / "units" / f"case_{name}.mat").exists()

    def kernels(self, epochs: int) -> list[EpochRecord]:
        """The recorded states up to an epoch, and the kernels at them."""
        return [self._probe(epoch, {}) for epoch in self._states() if epoch <= epochs]

    def lockstep(self, epochs: int) -> list[EpochRecord]:
        """The same with what came of each state."""
        wanted = [epoch for epoch in self._states() if epoch <= min(epochs, self._count())]
        return [self._probe(epoch, self._figures(epoch)) for epoch in wanted]

    def free(self, epochs: int) -> list[EpochRecord]:
        """Figures and log lines only; the parameters are those of the start."""
        states = self._states()
        count = min(epochs, self._count())
        if not count or not states:
            return []
        blank = self._beginning()
        return [
            replace(blank, epoch=k, figures=self._figures(k), log_lines=epoch_lines(self._log(), k))
            for k in range(1, count + 1)
        ]

    def stop(self, epochs: int) -> Stop | None:
        """Where the published program crashed in a run of so many epochs."""
        count, stopped = self._count(), self._trace.get("original_stops_with")
        if stopped is None or not stopped.size or epochs <= count:
            return None
        return Stop(epoch=count + 1, reason=str(stopped.item()), cause="nothing recorded")

    def why_not(self) -> str:
        """Where the published program crashed: with what."""
        stopped = self._trace.get("original_stops_with")
        return f": the published program stops with '{stopped.item()}'" if stopped is not None and stopped.size else ""

    def _beginning(self) -> EpochRecord:
        theta = np.asarray(builtin_case(self._name).arguments["paramsp"], self._dtype).ravel()
        lam = float(builtin_case(self._name).constants.get("initlambda", published("initlambda")))
        return EpochRecord(
            epoch=1,
            theta=theta,
            start=np.zeros_like(theta),
            lam=lam,
            kernels={},
            steps=[],
            iterates=[],
            figures={},
            theta_after=None,
            d_after=None,
        )

    @property
    def _dtype(self) -> type[np.floating[Any]]:
        return np.float32 if self._precision == "single" else np.float64

    def _states(self) -> list[int]:
        if self._unit:
            return [1]
        stem = f"probe_{self._name}_{self._precision}_epoch"
        return sorted(int(path.stem.removeprefix(stem)) for path in self._folder.glob(f"{stem}*.mat"))

    def _count(self) -> int:
        return int(np.size(self._trace.get("rho", ())))

    @cached_property
    def _trace(self) -> Mapping[str, Any]:
        if not self._unit:
            content = _mat(self._folder / f"trace_{self._name}_{self._precision}.mat")
            tests = {"test_ll": content["llrecord"][:, 1], "test_err": content["errrecord"][:, 1]}
            return {**content, **tests}
        content = _mat(self._folder / "units" / f"rec_{self._name}_{self._precision}.mat")
        return {name.removeprefix("trace_"): value for name, value in content.items()}

    def _log(self) -> str:
        if self._unit:
            text = self._trace.get("log", np.array([]))
            return str(text.item()) if text.size == 1 else ""
        path = self._folder / f"log_{self._name}_{self._precision}.txt"
        return path.read_bytes().decode("latin-1") if path.exists() else ""

    def _figures(self, epoch: int) -> dict[str, float]:
        there = {ours: self._trace[name] for ours, name in _FIGURES.items() if name in self._trace}
        return {name: float(values.ravel()[epoch - 1]) for name, values in there.items()}

    def _probe(self, epoch: int, figures: Mapping[str, float]) -> EpochRecord:
        recorded = self._recorded(epoch)
        steps = [int(step) for step in recorded["iterses"].ravel()]
        iterates = list(recorded["chs"].reshape(recorded["grad"].size, -1).T)
        kernels = {name: recorded[name].ravel() for name in _VECTORS} | {name: recorded[name] for name in _PRODUCTS}
        after = None
        if figures:
            chosen = iterates[steps.index(int(figures["chose_iters"]))]
            after = recorded["paramsp"].ravel() + self._dtype(figures["rate"]) * chosen
        return EpochRecord(
            epoch=epoch,
            theta=recorded["paramsp"].ravel(),
            start=recorded["ch0"].ravel(),
            lam=float(recorded["lambda"].item()),
            kernels=kernels | {name: float(recorded[name].item()) for name in _NUMBERS},
            steps=steps,
            iterates=iterates,
            figures=figures,
            theta_after=after,
            d_after=iterates[-1] if figures else None,
            log_lines=epoch_lines(self._log(), epoch) if figures else (),
        )

    def _recorded(self, epoch: int) -> Mapping[str, Any]:
        if self._unit:
            return {name.removeprefix("probe_"): v for name, v in self._trace.items() if name.startswith("probe_")}
        return _mat(self._folder / f"probe_{self._name}_{self._precision}_epoch{epoch}.mat")


def _mat(path: Path) -> dict[str, Any]:
    try:
        return load_mat(path)
    except CheckpointError as error:
        raise ParityError(f"{path.name}: expected recorded numbers, got none ({error}).") from error
