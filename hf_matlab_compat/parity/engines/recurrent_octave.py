"""Recurrent cases, run in Octave by `reference_matlab/rnn` or an edited copy of it; E of its rounding."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from itertools import zip_longest
from pathlib import Path
from typing import Any

import numpy as np

from hf_matlab_compat.errors import ParityError
from hf_matlab_compat.matlab.octave.session import OctaveSession
from hf_matlab_compat.parity.cases import rounded
from hf_matlab_compat.parity.engines.envelope import Member, ensemble, envelope_of
from hf_matlab_compat.parity.engines.job import OVERRIDES, probe_vectors
from hf_matlab_compat.parity.engines.order import Order
from hf_matlab_compat.parity.engines.provenance import octave_provenance
from hf_matlab_compat.parity.engines.reference import OURS, SHIMS, Reference
from hf_matlab_compat.parity.recording import PLACE, Case, EpochRecord, Recording

FOLDER, EPOCH = "rnn", "rnn_epoch.m"
_FIGURES: Mapping[str, str] = {
    **{"cg_steps": "cg_steps", "chosen_step": "chose_iters", "d_norm": "ch_norm", "predicted_change": "denom"},
    **{"rho": "rho", "reductions": "reductions", "rate": "rate", "lam": "lambda_after"},
    **{"log_likelihood": "ll_after", "error": "err_after"},
    **{"old_log_likelihood_chunk": "oldll_chunk", "log_likelihood_chunk": "ll_chunk"},
}
"""Figures of an epoch, and their names in the reference."""
_VECTORS = ("grad", "grad2", "gradchunk", "precon")
_NUMBERS = ("ll", "err", "oldll", "ll_chunk", "err_chunk")
_PRODUCTS = ("Bv", "Bv_undamped")
_PLACES: Mapping[str, str] = {
    **{"forward": "rnn_forward.m", "ll": "rnn_LL.m", "err": "rnn_loss.m", "grad": "rnn_gradient.m"},
    **{"grad2": "rnn_gradient.m", "Bv": "rnn_GV.m", "Bv_undamped": "rnn_GV.m", "precon": "rnn_preconditioner.m"},
    **dict.fromkeys(("rho", "rate", "reductions", "chose_iters", "lambda", "params", "cg_steps"), EPOCH),
    "cg_iterates": EPOCH,
}
_NOT_SHOWN = "a recurrent reference writes no log and no checkpoint"


def has_recurrent(reference: Reference) -> bool:
    """Return whether a reference has a trainer of recurrent nets."""
    return (reference.folder / FOLDER / EPOCH).is_file()


def record_recurrent(
    reference: Reference, case: Case, *, precision: str, mode: str, epochs: int, timeout: float
) -> Recording:
    """Run a recurrent case; as `Engine.record`.

    Raises
    ------
    ParityError
        The reference has no folder rnn, or ran into an error.
    """
    if not has_recurrent(reference):
        raise ParityError(
            f"{reference.folder}: expected {FOLDER}/{EPOCH} for a recurrent case, got no such file. "
            "Give a copy of reference_matlab, or leave --reference out."
        )
    job = _job(case, precision, epochs)
    with _session(reference, timeout) as octave:
        records = _records(octave.call("hf_rnn_record", job), job, mode)
    hidden = {"log": _NOT_SHOWN, "checkpoint": _NOT_SHOWN}
    if case.constants.get("precon_exponent") is None:
        hidden["precon"] = "this case has no preconditioner"
    return Recording(
        case=case,
        precision=precision,
        mode=mode,
        epochs=records,
        provenance={
            **octave_provenance(reference, timeout),
            "data": "as given",
            **{f"sha256 {path.name}": _sha256(path) for path in sorted((reference.folder / FOLDER).glob("*.m"))},
            **{f"{PLACE}{stage}": _place(reference.folder, file) for stage, file in _PLACES.items()},
            **{f"not shown: {name}": why for name, why in hidden.items()},
        },
    )


def recurrent_envelope(
    reference: Reference,
    recording: Recording,
    *,
    members: int,
    timeout: float,
    watch: Callable[[int, int], None] = lambda done, of: None,
) -> dict[tuple[int, str], float]:
    """Measure E of a recurrent recording, by runs with other orders of sequences and units; see `measure_envelope`."""

    def run(asked: Sequence[Member]) -> Iterator[Sequence[EpochRecord]]:
        with ExitStack() as opened:
            sessions: dict[str, OctaveSession] = {}
            for member in asked:
                key = repr(member.environment)
                if key not in sessions:
                    sessions[key] = opened.enter_context(_session(reference, timeout, member.environment))
                yield _of_member(sessions[key], recording, member)

    return envelope_of(recording, ensemble(recording, members), run, watch)


def _of_member(octave: OctaveSession, recording: Recording, member: Member) -> list[EpochRecord]:
    order = sequence_order(recording.case, member.seed if not member.again else 0, renumbered=member.renumbered)
    case = rounded(recording.case) if member.precise else recording.case
    moved = Case(name=case.name, arguments=reordered(case.arguments, order), constants=case.constants)
    precision = "double" if member.precise else recording.precision
    job = _job(moved, precision, len(recording.epochs))
    job["probes"] = job["probes"][order.parameters]
    if recording.mode != "free":
        job["states"] = [
            {
                "paramsp": record.theta[order.parameters].astype(np.float64),
                "start": record.start[order.parameters].astype(np.float64),
                "lambda": float(record.lam),
                "epoch": float(record.epoch),
            }
            for record in recording.epochs
        ]
    elif member.noise:
        random = np.random.default_rng(member.seed).standard_normal(job["paramsp"].shape)
        job["paramsp"] = job["paramsp"] * (1 + member.noise * random)
    records = _records(octave.call("hf_rnn_record", job), job, recording.mode)
    return [order.undo(record) for record in records]


def sequence_order(case: Case, seed: int, *, renumbered: bool = False) -> Order:
    """Return another order of the sequences of every chunk, and of the units of every layer; seed 0 is the order."""
    given = case.arguments
    D, T, N = given["indata"].shape
    H, outs, C = int(given["layersizes"][0]), len(given["outdata"]), int(given["numchunks"])
    units = [np.arange(size) for size in (D, H, outs)]
    sequences = np.arange(N)
    if seed:
        random = np.random.default_rng([seed, 2])
        sequences = np.concatenate([random.permutation(chunk) for chunk in np.split(sequences, C)])
        units = [random.permutation(size) for size in (D, H, outs)] if renumbered else units
    inputs, hidden, outputs = units
    numbers = np.arange(given["paramsp"].size)
    sizes = [D * H, H * H, H, H * (given["initial_state"] != "zero"), H * outs, outs]
    hx, hh, bh, init, oh, bo = np.split(numbers, np.cumsum(sizes)[:-1])
    blocks = [
        *(hx.reshape(D, H)[np.ix_(inputs, hidden)], hh.reshape(H, H)[np.ix_(hidden, hidden)], bh[hidden]),
        *(init[hidden] if init.size else init, oh.reshape(H, outs)[np.ix_(hidden, outputs)], bo[outputs]),
    ]
    at_every_step = [(np.arange(T)[:, None] * len(of) + of).ravel() for of in units]
    parameters = np.concatenate([np.ravel(block) for block in blocks])
    return Order(at_every_step, sequences, np.arange(0), parameters, C)


def reordered(arguments: Mapping[str, Any], order: Order) -> dict[str, Any]:
    """Return the arguments of a recurrent case in another order."""
    rows = {name: order.units[at][: len(arguments[name])] for name, at in (("indata", 0), ("outdata", -1))}
    moved = {name: arguments[name][of][:, :, order.train] for name, of in rows.items()}
    return {
        **arguments,
        **moved,
        "lengths": arguments["lengths"][order.train],
        "loss_mask": arguments["loss_mask"][:, order.train],
        "paramsp": arguments["paramsp"][order.parameters],
    }


def _job(case: Case, precision: str, epochs: int) -> dict[str, Any]:
    given, constants = case.arguments, dict(case.constants)
    hidden, output = given["layertypes"]
    sizes = np.array([[len(given["indata"]), given["layersizes"][0], len(given["outdata"])]], float)
    return {
        **{"sizes": sizes, "hidden": hidden, "output": output, "initial_state": given["initial_state"]},
        "options": {name: given[name] for name in ("errtype", "weightcost", "mu")},
        "constants": {"precision": precision, **{OVERRIDES[name]: value for name, value in constants.items()}},
        **{"X": given["indata"], "Y": given["outdata"], "lengths": given["lengths"], "loss_mask": given["loss_mask"]},
        **{name: given[name] for name in ("numchunks", "decay", "paramsp")},
        **{"probes": probe_vectors(given["paramsp"].size), "epochs": epochs, "states": []},
    }


def _records(epochs: Sequence[Mapping[str, Any]], job: Mapping[str, Any], mode: str) -> list[EpochRecord]:
    constants = job["constants"]
    limits = {"maxiters": float(constants.get("maxiters", 250)), "miniters": float(constants.get("miniters", 1))}
    return [_record(seen, limits, np.asarray(job["probes"]), mode) for seen in epochs]


def _record(seen: Mapping[str, Any], limits: Mapping[str, float], probes: Any, mode: str) -> EpochRecord:
    figures = {ours: float(seen["figures"][theirs].item()) for ours, theirs in _FIGURES.items()}
    done: dict[str, Any] = {"figures": {**figures, **limits}}
    done |= {"theta_after": seen["paramsp_after"].ravel(), "d_after": seen["ch"].ravel()}
    return EpochRecord(
        epoch=int(seen["epoch"].item()),
        theta=seen["paramsp"].ravel(),
        start=seen["start"].ravel(),
        lam=float(seen["lambda"].item()),
        kernels={
            **{name: seen[name].ravel() for name in _VECTORS if seen[name].size},
            **{name: float(seen[name].item()) for name in _NUMBERS},
            **{name: seen[name] for name in _PRODUCTS},
            **{
                "forward": list(seen["forward"]),
                "v": probes.astype(seen["grad"].dtype),
                "model": seen["model"].ravel(),
            },
        },
        steps=[int(step) for step in seen["steps"].ravel()],
        iterates=list(np.asarray(seen["iterates"]).T),
        **(done if mode != "kernels" else {}),
    )


def _place(folder: Path, file: str) -> str:
    """Return the file that computes a stage; in an edited copy of ours, the first edited line of it or of a helper."""
    for name, line in _edited(folder):
        source = (folder / FOLDER / file).read_text(encoding="utf-8", errors="replace")
        if name.endswith(f"/{file}") or re.search(rf"\b{Path(name).stem}\b", source):
            return f"{name}:{line}"
    return f"{FOLDER}/{file}"


def _edited(folder: Path) -> Iterator[tuple[str, int]]:
    """Yield the files that differ from ours, and the first line that does."""
    ours = OURS.resolve()
    for path in sorted((*(ours / FOLDER).glob("*.m"), *ours.glob("*.m"))) if ours.is_dir() else ():
        name = path.relative_to(ours).as_posix()
        if folder.resolve() == ours or not (folder / name).is_file():
            continue
        both = (each.read_text(encoding="utf-8", errors="replace").splitlines() for each in (path, folder / name))
        line = next((k for k, (a, b) in enumerate(zip_longest(*both), start=1) if a != b), 0)
        if line:
            yield name, line


def _session(reference: Reference, timeout: float, environment: Mapping[str, str] | None = None) -> OctaveSession:
    path = [SHIMS / "recurrent", reference.folder / FOLDER, reference.folder]
    given = None if environment is None else {**os.environ, **environment}
    return OctaveSession(path=path, timeout=timeout, environment=given)


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
