"""Which program computed on what: the facts that a figure can depend on."""

from __future__ import annotations

import hashlib
import json
import os
import platform
import re
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import Distribution, PackageNotFoundError, distribution, version
from pathlib import Path
from typing import Any

import numpy as np

from hf_matlab_compat.matlab.octave import process
from hf_matlab_compat.matlab.octave.process import one_line
from hf_matlab_compat.parity.engines.constants import in_words
from hf_matlab_compat.parity.engines.job import Job
from hf_matlab_compat.parity.engines.places import stage_places
from hf_matlab_compat.parity.engines.reference import Reference
from hf_matlab_compat.parity.recording import PLACE, Case, EpochRecord, Recording

_FACTS = "ones(2)*ones(2); printf('%s\\n', version()); try, printf('%s', fileread('/proc/self/maps')); end"
_NOT_SEEN = "cannot be reached from outside this reference"
_WORDS_OF_VERSION = 80
_BLAS = re.compile(r"\S*(?:openblas|libblas|libmkl|libblis|libatlas)\S*")


_facts: dict[str, Mapping[str, str]] = {}
"""By the path of the program: it is asked once."""


def octave_facts(timeout: float = 60.0) -> Mapping[str, str]:
    """Return the version of the Octave on the path, and the file of its BLAS where the system tells.

    Parameters
    ----------
    timeout : float
        Seconds that the answer may take.

    Raises
    ------
    ParityError
        It does not start, or does not answer.
    """
    place = shutil.which(process.EXECUTABLE) or process.EXECUTABLE
    if place not in _facts:
        said = process.run_code(_FACTS, os.curdir, timeout=timeout).checked()
        version, _, maps = said.partition("\n")
        blas = _BLAS.search(maps)
        _facts[place] = {"octave": one_line(version)[:_WORDS_OF_VERSION], "blas": blas[0] if blas else "unknown"}
    return _facts[place]


def provenance(reference: Reference, job: Job, timeout: float) -> dict[str, str]:
    """Of a run in the Octave on the path, which is asked for its version in so many seconds."""
    facts = octave_facts(timeout)
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


DATA_HASH = "data of "
"""Before the name of a case: SHA-256 of what it was run on."""
_HASHED = ("indata", "outdata", "intest", "outtest", "paramsp")
_PACKAGE = "hf_matlab_compat"


def data_provenance(recordings: Sequence[Recording]) -> dict[str, str]:
    """The hash of every case's data."""
    return {f"{DATA_HASH}{recording.case.name}": data_hash(recording.case) for recording in recordings}


def data_hash(case: Case) -> str:
    """SHA-256 of a case's data and initial parameters, as the reference saw them.

    Of indata, outdata, intest, outtest and paramsp, in this order: the shape as text, and the numbers as little-endian
    doubles, column by column.
    """
    digest = hashlib.sha256()
    for name in _HASHED:
        array = np.asarray(case.arguments[name], "<f8")
        digest.update(f"{array.shape}".encode() + array.tobytes(order="F"))
    return digest.hexdigest()


def our_provenance(backend: str) -> dict[str, str]:
    """Date, versions, BLAS, processor and threads of this side."""
    blas: dict[str, Any] = np.show_config(mode="dicts").get("Build Dependencies", {}).get("blas", {})  # type: ignore[union-attr]
    said = {
        "date": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "hf_matlab_compat": f"{_version(_PACKAGE)}{_build()}",
        "python": platform.python_version(),
        "numpy": np.__version__,
        "numpy's BLAS": f"{blas.get('name', 'unknown')} {blas.get('version', '')}".strip(),
        "processor": _processor(),
        "system": f"{platform.system()} {platform.machine()}",
        "BLAS threads": os.environ.get("OPENBLAS_NUM_THREADS", "not set"),
        "backend": backend,
    }
    more = {"cupy": {"TF32": "off"}, "numba": {"numba": _version("numba"), "scipy": _version("scipy")}}
    return {**said, **more.get(backend, {})}


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"


def _build() -> str:
    """Which build: the commit of a clone, or the hash of the wheel, or of the list of what was installed from it."""
    clone = Path(__file__).resolve().parents[3]
    if (clone / ".git").exists() and (commit := _git(clone, "rev-parse", "HEAD")):
        changed = " with changes" if _git(clone, "status", "--porcelain", "--untracked-files=no") else ""
        return f", commit {commit[:12]}{changed}"
    try:
        installed = distribution(_PACKAGE)
    except PackageNotFoundError:
        return ""
    return _wheel(installed)


def _wheel(installed: Distribution) -> str:
    try:
        origin = json.loads(installed.read_text("direct_url.json") or "{}")
        hashes = origin.get("archive_info", {}).get("hashes", {})
    except (ValueError, AttributeError):
        hashes = {}
    if "sha256" in hashes:
        return f", wheel sha256 {hashes['sha256']}"
    # what installers add beside the wheel's own files has no hash there, or is not the package
    files = [line for line in (installed.read_text("RECORD") or "").splitlines() if line.startswith(f"{_PACKAGE}/")]
    files = sorted(line for line in files if ",sha256=" in line)
    return f", installed files sha256 {hashlib.sha256(chr(10).join(files).encode()).hexdigest()}" if files else ""


def _git(clone: Path, *command: str) -> str:
    try:
        done = subprocess.run(["git", "-C", str(clone), *command], capture_output=True, text=True, timeout=10)
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def _processor() -> str:
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as lines:
            return next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or "unknown"
