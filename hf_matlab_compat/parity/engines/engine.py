"""What every engine can do."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from hf_matlab_compat.parity.engines.constants import Constant
from hf_matlab_compat.parity.reference_run import Case, Recording


class Engine(Protocol):
    """Something that knows, or can find out, what a reference computes on a case.

    Octave and the recorded numbers are such; MATLAB, where it can be started, will be one more.
    """

    @property
    def name(self) -> str:
        """'octave', 'recorded', 'tape', …"""
        ...

    @property
    def constants(self) -> Mapping[str, Constant]:
        """Constants of the reference, by `nnet_train`'s keywords."""
        ...

    def record(self, case: Case, *, precision: str, mode: str, epochs: int = 8) -> Recording:
        """Run the reference on a case, or look its run up.

        Parameters
        ----------
        case : Case
        precision : {'single', 'double'}
        mode : {'kernels', 'lockstep', 'free'}
        epochs : int
            At most so many; in mode 'kernels', the states at the beginning of so many.

        Raises
        ------
        ParityError
            It can't be done; one line says why.
        """
        ...

    def with_envelope(self, recording: Recording) -> Recording:
        """The same recording with E filled in, measured or looked up."""
        ...
