"""The recording of the reference's first epochs, with its envelope, for machines without Octave."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from hf_matlab_compat.errors import ParityError
from hf_matlab_compat.parity.cases import require_same
from hf_matlab_compat.parity.recording import Case, EpochRecord, Recording, read_recording_file, write_recording_file

PATH = Path(__file__).parent / "recording.npz"

LEFT_OUT = "left out of the recording, to keep it small"
_KEPT = ("grad", "ll", "err", "oldll", "ll_chunk", "err_chunk")
"""Kernels that are kept."""
_TOLD = ("engine", "octave", "reference", "precision route", "data", "sha256 ", "constant ", "not shown: ")
"""Facts about the recording that do not depend on the machine."""


def read_shipped(case: Case, path: Path = PATH) -> Recording:
    """Return the recording of this case.

    Raises
    ------
    ParityError
        There is no such file, or it was recorded of another case.
    """
    if not path.exists():
        raise ParityError(f"recording: expected {path}, got no such file. Install the package again.")
    recording, _ = read_recording_file(path)
    require_same(case, recording.case)
    return recording


def write_shipped(recording: Recording, path: Path = PATH) -> None:
    """Write a recording with its envelope, without its large parts."""
    write_recording_file(path, without_large_parts(recording), {})


def without_large_parts(recording: Recording) -> Recording:
    """Return the states, gradients, figures and log lines; the provenance lists what was left out."""
    told = {name: value for name, value in recording.provenance.items() if name.startswith(_TOLD)}
    kernels = (name for record in recording.epochs for name in record.kernels if name not in _KEPT)
    left_out = {f"not shown: {name}": LEFT_OUT for name in (*kernels, "iterates", "checkpoint")}
    return replace(recording, epochs=[_small(record) for record in recording.epochs], provenance={**left_out, **told})


def _small(record: EpochRecord) -> EpochRecord:
    kernels = {name: value if name in _KEPT else None for name, value in record.kernels.items()}
    return replace(record, kernels=kernels, steps=[], iterates=[])
