"""Where recordings come from: Octave running somebody's files, recorded numbers, a tape from another machine.

Every engine answers the same question, and the judge need not know which it has asked::

    engine = OctaveEngine()                      # reference_matlab, or OctaveEngine(reference=DIR)
    engine = RecordedEngine()                    # recorded numbers, without Octave
    recording = engine.record(case, precision="double", mode="lockstep", epochs=8)
    recording = engine.with_envelope(recording)  # E measured, or read from the cache

Cases come from `parity.cases`: `builtin_names()`, `builtin_case(name)`, `case_from_mat(path)`. For machines without
Python: `pack(out, cases, …)` writes a folder to run there, `read_tape(out)` reads what it brought back.
Whatever goes wrong is a `ParityError` of one line.

What a `Recording` holds, beyond its own description:

`recording.case`
    The case as it was run: data as the reference saw it (rounded to single where it rounds), `constants` with
    those of the reference's files that differ from the published ones. Run the port on this one.
`kernels`
    'forward' is a list of L arrays (s_i, n), the outputs of the layers on the target chunk; 'll', 'err' are over the
    training set at the epoch's start. 'model' is one value of ½x'Ax - b'x an iterate, by the reference's own products
    in the run's precision. What this reference cannot show is missing, and named in `provenance` as ``not shown: X``.
`envelope`
    Keys ``(epoch, name)`` with `name` a kernel, a figure, 'iterate <step>', 'model <step>', 'd' (last CG
    iterate), 'theta' (‖Δ‖ in units of the step). 'll' and 'err' are kernels and figures: E is the larger one.
    Decisions ('cg_steps', 'reductions', 'lambda', 'chose_iters') are there as well: 0 where all members agreed.
    Missing: not measured. For a tape, `OctaveEngine(out / "reference").with_envelope` measures it.
`continuity`
    Of a lockstep run of two epochs or more that was run live or on a tape: one call over all of them, beside the
    resumed ones. None: not run.
`provenance`
    'engine', 'reference', 'octave', 'blas', …, ``sha256 FILE``, ``constant NAME`` (as 'value (file:line)', with a word
    of `constant_marks` where it may be another).
"""

from collections.abc import Mapping
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
