"""The Octave that benchmarks are measured in: one session with the reference's files on its path."""

from __future__ import annotations

import os
from pathlib import Path

from benchmarks.workloads import Workload
from hf_matlab_compat.matlab.octave.process import octave_available
from hf_matlab_compat.matlab.octave.session import OctaveSession

OWN_FILES = Path(__file__).parent / "matlab"
REFERENCE = Path(__file__).parent.parent / "reference_matlab"
SLOW_BLAS = (
    "Octave computes with the reference BLAS, tens of times slower than with OpenBLAS, and would make any ratio look "
    "good. On Debian and Ubuntu: apt-get install libopenblas0"
)
_LONGEST = 3600.0  # seconds that one timing may take


def why_no_octave() -> str | None:
    """Return why Octave cannot be used, or None if it can."""
    missing = octave_available()
    return missing and f"{missing}: not installed"


class OctaveProcess(OctaveSession):
    """One Octave with its own number of BLAS threads.

    Parameters
    ----------
    folder : Path
        Its working folder.
    """

    def __init__(self, folder: Path) -> None:
        environment = {name: value for name, value in os.environ.items() if name != "OPENBLAS_NUM_THREADS"}
        super().__init__(path=[OWN_FILES, REFERENCE], workdir=folder, timeout=_LONGEST, environment=environment)
        self.run("warning('off', 'all');")

    def number(self, name: str) -> float:
        """Return the number in a variable of the base workspace."""
        return self.call("evalin", "base", name).item()

    def version(self) -> str:
        """Return its version as '8.4.0 with a tuned BLAS'."""
        return f"{self.call('version')} with {'the reference BLAS' if self._has_slow_blas() else 'a tuned BLAS'}"

    def is_up_to(self, workload: Workload) -> bool:
        """Return whether a comparison on this workload is fair: it is small, or Octave has a tuned BLAS."""
        return workload.is_small or not self._has_slow_blas()

    def _has_slow_blas(self) -> bool:
        return "reference" in self.call("version", "-blas")
