"""When, where, with what and on what this package ran: for the certificate."""

from __future__ import annotations

import hashlib
import json
import os
import platform
import subprocess
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import Distribution, PackageNotFoundError, distribution, version
from pathlib import Path
from typing import Any

import numpy as np

from hf_matlab_compat.parity.reference_run import Case, Recording

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
    clone = Path(__file__).resolve().parents[2]
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
