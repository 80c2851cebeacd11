"""Engines make recordings: a user's files run live in Octave, recorded numbers, a tape, or this package itself.

Every engine has the methods of `Engine`, so that the judge does not depend on where numbers come from::

    engine = OctaveEngine()                      # reference_matlab, or OctaveEngine(reference=DIR)
    engine = RecordedEngine()                    # recorded numbers, without Octave
    recording = engine.record(case, precision="double", mode="lockstep", epochs=8)
    recording = engine.with_envelope(recording)  # E measured, or read from the cache

Cases come from `parity.cases`: `builtin_names()`, `builtin_case(name)`, `case_from_mat(path)`. For machines without
Python: `pack(out, cases, …)` writes a folder to run there, `read_tape(out)` reads the results that it brought back.
All errors are a `ParityError` of one line.

The parts of a `Recording`, beyond its own description:

`recording.case`
    The case as it was run: data as the reference saw it (rounded to single where it rounds), `constants` with
    those of the reference's files that differ from the published ones. This package runs this case.
`kernels`
    'forward' is a list of L arrays (s_i, n), the outputs of the layers on the target chunk; 'll', 'err' are over the
    training set at the epoch's start. 'model' is one value of ½x'Ax - b'x an iterate, by the reference's own products
    in the run's precision. A kernel that this reference cannot show is missing; `provenance` has ``not shown: NAME``.
`envelope`
    Keys ``(epoch, name)`` with `name` a kernel, a figure, 'iterate <step>', 'model <step>', 'd' (last CG
    iterate), 'theta' (‖Δ‖ in units of the step). Decisions ('cg_steps', 'reductions', 'lam', 'chosen_step') have 0
    where all members agreed.
    Missing: not measured. For a tape, `OctaveEngine(out / "reference").with_envelope` measures it.
`continuity`
    Of a lockstep run of two epochs or more, live or on a tape: one call over all of them compared with resumed ones.
`provenance`
    'engine', 'reference', 'octave', 'blas', …, ``sha256 FILE``, ``constant NAME`` (as 'value (file:line)', with
    `certificate.NOT_FOUND` or `AMBIGUOUS` where it may be another).
"""

from typing import Protocol

from hf_matlab_compat.parity.engines.constants import Constant
from hf_matlab_compat.parity.engines.envelope import measure_envelope
from hf_matlab_compat.parity.engines.octave_engine import OctaveEngine
from hf_matlab_compat.parity.engines.port import PortEngine
from hf_matlab_compat.parity.engines.recorded_engine import RecordedEngine
from hf_matlab_compat.parity.engines.reference import Reference, open_reference
from hf_matlab_compat.parity.engines.tape import is_ours, pack, read_tape
from hf_matlab_compat.parity.recording import Case, Recording

__all__ = [
    "Constant",
    "Engine",
    "OctaveEngine",
    "PortEngine",
    "RecordedEngine",
    "Reference",
    "is_ours",
    "measure_envelope",
    "open_reference",
    "pack",
    "read_tape",
]


class Engine(Protocol):
    """Something that runs a reference on a case, or looks its run up."""

    @property
    def name(self) -> str:
        """'octave', 'recorded', 'tape' or 'port'."""
        ...

    def record(self, case: Case, *, precision: str, mode: str, epochs: int = 8) -> Recording:
        """Run the reference on a case, or look its run up.

        At most this number of epochs is recorded; in mode 'kernels', the beginnings of this number.

        Raises
        ------
        ParityError
            The run cannot be made; one line says why.
        """
        ...

    def with_envelope(self, recording: Recording) -> Recording:
        """Return the recording with E, measured or looked up."""
        ...
