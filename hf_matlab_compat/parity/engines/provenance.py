"""Provenance: the programs, files, data and machine on either side that a figure may depend on."""

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

DATA_HASH = "data of "
"""Prefix of a case's name: SHA-256 of its data."""
_HASHED = ("indata", "outdata", "intest", "outtest", "paramsp")
_PACKAGE = "hf_matlab_compat"
_FACTS = "ones(2)*ones(2); printf('%s\\n', version()); try, printf('%s', fileread('/proc/self/maps')); end"
_BLAS = re.compile(r"\S*(?:openblas|libblas|libmkl|libblis|libatlas)\S*")
_WORDS_OF_VERSION = 80
_PERHAPS_NOT_SHOWN = ("forward", "ll", "err", "grad2", "gradchunk", "oldll", "Bv_undamped")

_facts: dict[str, Mapping[str, str]] = {}
"""Answers of Octave by the path of the program, which is asked once."""


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
        said, _, maps = process.run_code(_FACTS, os.curdir, timeout=timeout).checked().partition("\n")
        blas = _BLAS.search(maps)
        _facts[place] = {"octave": one_line(said)[:_WORDS_OF_VERSION], "blas": blas[0] if blas else "unknown"}
    return _facts[place]


def octave_provenance(reference: Reference, timeout: float) -> dict[str, str]:
    """Return the provenance of a run in the Octave on the path; its version is asked for within `timeout` seconds."""
    return {
        "engine": "octave",
        **octave_facts(timeout),
        "processor": processor(),
        "system": platform.platform(),
        "reference": reference.name,
        "data": "as given" if reference.takes_overrides else "rounded to single, as the reference does",
        "probe vectors": "numpy default_rng(0), standard normal, rounded to single",
    }


def reference_provenance(reference: Reference, job: Job, records: Sequence[EpochRecord]) -> dict[str, str]:
    """Return what is known of a reference wherever it ran.

    Its files' SHA-256, its constants, the line that computes each stage, the way to its precision, and the parts that
    it cannot show in every epoch.
    """
    arguments = job.case.arguments
    units = tuple(arguments["layertypes"])[::-1]
    places = stage_places(reference.sources, reference.original, arguments["mattype"], units)
    missing = [name for name in _PERHAPS_NOT_SHOWN if any(name not in record.kernels for record in records)]
    no_tests = {"log": "without its TEST lines: there is no test set, and they say NaN"}
    return {
        "precision route": _route_in_words(job),
        **{f"sha256 {name}": value for name, value in reference.hashes.items()},
        **{f"constant {name}": said for name, said in in_words(reference.constants).items()},
        **{f"{PLACE}{stage}": place for stage, place in places.items()},
        **({} if job.has_test_set else no_tests),
        **{f"not shown: {name}": "cannot be reached from outside this reference" for name in missing},
    }


def _route_in_words(job: Job) -> str:
    if job.overrides is not None:
        return f"precision = '{job.precision}' in its 23rd argument"
    if job.precision == "single":
        return "jacket = 0, as it is"
    doubles = "jacket = 1, with gsingle, gones, gzeros and grandn that give doubles"
    return doubles + ("; single(...) gives doubles as well" if "shadow" in job.route else "")


def data_provenance(recordings: Sequence[Recording]) -> dict[str, str]:
    """Return the hash of every case's data."""
    return {f"{DATA_HASH}{recording.case.name}": data_hash(recording.case) for recording in recordings}


def data_hash(case: Case) -> str:
    """Return the SHA-256 of a case's data and initial parameters, as the reference saw them.

    It is of indata, outdata, intest, outtest and paramsp, in this order: of each the shape as text, then the numbers
    as little-endian doubles, column by column.
    """
    digest = hashlib.sha256()
    for name in _HASHED:
        array = np.asarray(case.arguments[name], "<f8")
        digest.update(f"{array.shape}".encode() + array.tobytes(order="F"))
    return digest.hexdigest()


def our_provenance(backend: str) -> dict[str, str]:
    """Return date, versions, BLAS, processor and threads of this side."""
    blas: dict[str, Any] = np.show_config(mode="dicts").get("Build Dependencies", {}).get("blas", {})  # type: ignore[union-attr]
    more = {"cupy": {"TF32": "off"}, "numba": {"numba": _version("numba"), "scipy": _version("scipy")}}
    return {
        "date": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "hf_matlab_compat": f"{_version(_PACKAGE)}{_build()}",
        "python": platform.python_version(),
        "numpy": np.__version__,
        "numpy's BLAS": f"{blas.get('name', 'unknown')} {blas.get('version', '')}".strip(),
        "processor": processor(),
        "system": f"{platform.system()} {platform.machine()}",
        "BLAS threads": os.environ.get("OPENBLAS_NUM_THREADS", "not set"),
        "backend": backend,
        **more.get(backend, {}),
    }


def processor() -> str:
    """Return the name of the processor."""
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        text = ""
    match = re.search(r"^model name\s*:\s*(.+)$", text, re.MULTILINE)
    return match[1] if match else platform.processor() or platform.machine()


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"


def _build() -> str:
    """Return the commit of a clone, or the hash of the wheel or of the list of files that were installed from it."""
    clone = Path(__file__).resolve().parents[3]
    if (clone / ".git").exists() and (commit := _git(clone, "rev-parse", "HEAD")):
        changed = " with changes" if _git(clone, "status", "--porcelain", "--untracked-files=no") else ""
        return f", commit {commit[:12]}{changed}"
    try:
        return _wheel(distribution(_PACKAGE))
    except PackageNotFoundError:
        return ""


def _wheel(installed: Distribution) -> str:
    try:
        origin = json.loads(installed.read_text("direct_url.json") or "{}")
        return f", wheel sha256 {origin['archive_info']['hashes']['sha256']}"
    except (ValueError, KeyError, TypeError):
        # files that installers add have no hash in the list, or are not of the package
        files = [line for line in (installed.read_text("RECORD") or "").splitlines() if line.startswith(f"{_PACKAGE}/")]
        listed = "\n".join(sorted(line for line in files if ",sha256=" in line))
        return f", installed files sha256 {hashlib.sha256(listed.encode()).hexdigest()}" if listed else ""


def _git(clone: Path, *command: str) -> str:
    try:
        done = subprocess.run(["git", "-C", str(clone), *command], capture_output=True, text=True, timeout=10)
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
