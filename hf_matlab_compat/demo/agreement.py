"""The demo's comparison with the MATLAB reference: live where it can be run, otherwise with a recording."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from hf_matlab_compat.demo.shipped_recording import PATH, read_shipped, write_shipped
from hf_matlab_compat.errors import ParityError
from hf_matlab_compat.matlab.octave.session import octave_available
from hf_matlab_compat.parity.cases import case_from_arguments
from hf_matlab_compat.parity.certificate import Certificate, Verdict
from hf_matlab_compat.parity.engines import OctaveEngine
from hf_matlab_compat.parity.engines.envelope import MEMBERS
from hf_matlab_compat.parity.judge import judge
from hf_matlab_compat.parity.recording import Case, Recording

NAME = "autoencoder"
EPOCHS = 8
TIMEOUT = 120.0
"""Seconds that a live run may take."""


@dataclass(frozen=True)
class Comparison:
    """What was compared with what.

    Attributes
    ----------
    source : str
        Where the reference's figures come from.
    certificate : Certificate
    """

    source: str
    certificate: Certificate

    @property
    def agrees(self) -> bool:
        """Whether all that was compared agrees, and something was."""
        return self.certificate.verdict is Verdict.AGREES


def compare_with_matlab(arguments: Mapping[str, Any], recorded: bool = False) -> Comparison:
    """Compare the first epochs, in double precision, each from the state in which the reference began it.

    Parameters
    ----------
    arguments : mapping
        The 22 arguments under MATLAB's names.
    recorded : bool
        Take the recording even where the reference can be run.

    Raises
    ------
    ParityError
        The recording is missing, or of other arguments.
    """
    case = case_from_arguments(NAME, arguments)
    recording, source = read_shipped(case), "a recording of reference_matlab in Octave, as asked for"
    if not recorded:
        recording, source = _live_or(recording, case)
    return Comparison(source, judge([recording]))


def record(arguments: Mapping[str, Any], members: int = MEMBERS, path: Path = PATH) -> Path:
    """Run the reference, measure how far rounding moves it, and keep both; takes minutes.

    Parameters
    ----------
    arguments : mapping
    members : int
        Runs to measure with.
    path : Path

    Returns
    -------
    Path
        Where they are kept.

    Raises
    ------
    ParityError
        The reference cannot be run.
    """
    engine = OctaveEngine(members=members)
    recording = engine.record(case_from_arguments(NAME, arguments), precision="double", mode="lockstep", epochs=EPOCHS)
    write_shipped(engine.with_envelope(recording), path)
    return path


def _live_or(shipped: Recording, case: Case) -> tuple[Recording, str]:
    """The reference as it runs here, bounded by the E that was recorded; or the recording, and why."""
    try:
        if reason := octave_available():
            raise ParityError(reason)
        live = OctaveEngine(timeout=TIMEOUT).record(case, precision="double", mode="lockstep", epochs=EPOCHS)
    except ParityError as error:
        reason = str(error).partition(". ")[0].rstrip(".")
        return shipped, f"a recording of reference_matlab in Octave; it was not run here ({reason})"
    return replace(live, envelope=shipped.envelope), "reference_matlab, run in Octave just now"
