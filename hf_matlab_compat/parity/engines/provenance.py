"""Which program computed on what: the facts that a figure can depend on."""

from __future__ import annotations

import platform
import re
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

from hf_matlab_compat.matlab.octave import session
from hf_matlab_compat.parity.engines.constants import in_words
from hf_matlab_compat.parity.engines.job import Job
from hf_matlab_compat.parity.engines.octave_process import one_line, output_of
from hf_matlab_compat.parity.engines.places import stage_places
from hf_matlab_compat.parity.engines.reference import Reference
from hf_matlab_compat.parity.reference_run import PLACE, EpochRecord

_FACTS = "ones(2)*ones(2); printf('%s\\n', version()); try, printf('%s', fileread('/proc/self/maps')); end"
_NOT_SEEN = "cannot be reached from outside this reference"
_WORDS_OF_VERSION = 80
_BLAS = re.compile(r"\S*(?:openblas|libblas|libmkl|libblis|libatlas)\S*")


_facts: dict[str, Mapping[str, str]] = {}
"""By the path of the program: it is asked once."""


def octave_facts(executable: str, timeout: float = 60.0) -> Mapping[str, str]:
    """Version of the Octave on the path, and the file of its BLAS where the system tells.

    Parameters
    ----------
    executable : str
    timeout : float
        Seconds that the answer may take.

    Raises
    ------
    ParityError
        It does not start, or does not answer.
    """
    place = shutil.which(executable) or executable
    if place not in _facts:
        said = output_of([executable, "--quiet", "--norc", "--no-history", "--eval", _FACTS], timeout)
        version, _, maps = said.partition("\n")
        blas = _BLAS.search(maps)
        _facts[place] = {"octave": one_line(version)[:_WORDS_OF_VERSION], "blas": blas[0] if blas else "unknown"}
    return _facts[place]


def provenance(reference: Reference, job: Job, timeout: float) -> dict[str, str]:
    """Of a run in the Octave on the path, which is asked for its version in so many seconds."""
    facts = octave_facts(session.EXECUTABLE, timeout)
    return {
        "engine": "octave",
        "octave": facts["octave"],
        "blas": facts["blas"],
        "processor": processor(),
        "system": platform.platform(),
        "reference": reference.name,
        "precision route": route_in_words(job),
        "data": "as given" if reference.takes_overrides else "rounded to single, as the reference does",
        "probe vectors": "numpy default_rng(0), standard normal, rounded to single",
        **reference_facts(reference),
        **places(reference, job),
        **log_facts(job),
    }


def places(reference: Reference, job: Job) -> dict[str, str]:
    """The lines of its files in which the stages are computed, on this case."""
    arguments = job.case.arguments
    found = stage_places(
        reference.sources, reference.original, arguments["mattype"], tuple(arguments["layertypes"])[::-1]
    )
    return {f"{PLACE}{stage}": place for stage, place in found.items()}


def log_facts(job: Job) -> dict[str, str]:
    """What of the reference's log is not compared."""
    return {} if job.has_test_set else {"log": "without its TEST lines: there is no test set, and they say NaN"}


def reference_facts(reference: Reference) -> dict[str, str]:
    """Its files' SHA-256 and its constants."""
    hashes = {f"sha256 {name}": value for name, value in reference.hashes.items()}
    return hashes | {f"constant {name}": said for name, said in in_words(reference.constants).items()}


def not_shown(epochs: Sequence[EpochRecord]) -> dict[str, str]:
    """A line for each kernel that the reference could not show in every epoch. What it prints, it has to print."""
    kernels = ("forward", "ll", "err", "grad2", "gradchunk", "oldll", "Bv_undamped")
    missing = [name for name in kernels if any(name not in record.kernels for record in epochs)]
    return {f"not shown: {name}": _NOT_SEEN for name in missing}


def route_in_words(job: Job) -> str:
    """How the reference is made to compute in the precision asked for."""
    if job.overrides is not None:
        return f"precision = '{job.precision}' in its 23rd argument"
    if job.precision == "single":
        return "jacket = 0, as it is"
    doubles = "jacket = 1, with gsingle, gones, gzeros and grandn that give doubles"
    return doubles + ("; single(...) gives doubles as well" if "shadow" in job.route else "")


def processor() -> str:
    """Its name."""
    try:
        text = Path("/proc/cpuinfo").read_text()
    except OSError:
        return platform.processor() or platform.machine()
    match = re.search(r"^model name\s*:\s*(.+)$", text, re.MULTILINE)
    return match[1] if match else platform.machine()
