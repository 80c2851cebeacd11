"""The demo's comparison with the MATLAB reference: live where it can be run, otherwise with a recording."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from hf_matlab_compat.errors import ParityError
from hf_matlab_compat.options import Options
from hf_matlab_compat.parity.ensemble import measure_spread
from hf_matlab_compat.parity.epoch import Epoch
from hf_matlab_compat.parity.lockstep import Agreement, lockstep
from hf_matlab_compat.parity.recording import read_recording, write_recording
from hf_matlab_compat.parity.reference import reference_available, reference_epochs
from hf_matlab_compat.state import State

RECORDING = Path(__file__).parent / "recording.mat"
EPOCHS = 8


@dataclass(frozen=True)
class Comparison:
    """What was compared with what.

    Attributes
    ----------
    source : str
        A sentence: where the reference's figures come from.
    lines : list of Agreement
    """

    source: str
    lines: list[Agreement]

    @property
    def agrees(self) -> bool:
        """Whether every figure is within its bound."""
        return bool(self.lines) and all(line.agrees for line in self.lines)


def compare_with_matlab(arguments: Mapping[str, Any], recorded: bool = False, **options: Any) -> Comparison:
    """Compare the first epochs.

    Parameters
    ----------
    arguments : mapping
        The 22 arguments under MATLAB's names.
    recorded : bool
        Take the recording even where the reference can be run.
    **options
        Fields of `Options` for this package's side.
    """
    recording = read_recording(RECORDING, arguments)
    epochs, source = recording.epochs, "a recording of reference_matlab in Octave, as asked for"
    if not recorded:
        epochs, source = _live_or(recording.epochs, arguments)
    lines = [line for group in lockstep(arguments, epochs, recording.spread, **options) for line in group]
    return Comparison(source, lines)


def record(arguments: Mapping[str, Any], members: int = 16, path: Path = RECORDING) -> Iterator[int]:
    """Run the reference, measure its spread and keep both; yields the members done."""
    epochs = reference_epochs(arguments, first_state(arguments), EPOCHS)
    for done, spread in enumerate(measure_spread(arguments, epochs, members), 1):
        yield done
        if done == members:
            write_recording(path, arguments, epochs, spread)


def first_state(arguments: Mapping[str, Any]) -> State:
    """Where the first epoch starts."""
    theta = np.asarray(arguments["paramsp"], np.float64).ravel()
    return State(theta=theta, d=np.zeros_like(theta), lam=Options().initial_lam)


def _live_or(recorded: list[Epoch], arguments: Mapping[str, Any]) -> tuple[list[Epoch], str]:
    reason = reference_available()
    if reason is None:
        try:
            epochs = reference_epochs(arguments, first_state(arguments), len(recorded))
            return epochs, "reference_matlab, run in Octave just now"
        except ParityError as error:
            reason = str(error).rstrip(".")
    return recorded, f"a recording of reference_matlab in Octave; it was not run here ({reason})"
