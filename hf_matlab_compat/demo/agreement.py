"""The demo's comparison with the MATLAB reference: a live run if Octave is installed, otherwise a recording."""

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
"""Largest time of a live run, in seconds."""


@dataclass(frozen=True)
class Comparison:
    """The result of the comparison.

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
        """True if everything that was compared agrees, and something was compared."""
        return self.certificate.verdict is Verdict.AGREES


def compare_with_matlab(arguments: Mapping[str, Any], recorded: bool = False) -> Comparison:
    """Compare the first epochs, in double precision, each from the state in which the reference started it.

    `arguments` are the 22 of `nnet_train_2`; `recorded` uses the recording even if the reference can be run.

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
    """Run the reference, measure with `members` runs how much rounding changes it, and write both; takes minutes.

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
    """Return a live run of the reference with the recorded envelope; or the recording, and why."""
    reason = octave_available()
    if not reason:
        try:
            live = OctaveEngine(timeout=TIMEOUT).record(case, precision="double", mode="lockstep", epochs=EPOCHS)
            return replace(live, envelope=shipped.envelope), "reference_matlab, run in Octave just now"
        except ParityError as error:
            reason = str(error)
    reason = reason.partition(". ")[0].rstrip(".")
    return shipped, f"a recording of reference_matlab in Octave; it was not run here ({reason})"
