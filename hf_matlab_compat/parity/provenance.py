"""Where and with what this package ran: for the certificate."""

from __future__ import annotations

import os
import platform
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import numpy as np


def our_provenance(backend: str) -> dict[str, str]:
    """Versions, BLAS, processor and threads of this side."""
    blas: dict[str, Any] = np.show_config(mode="dicts").get("Build Dependencies", {}).get("blas", {})  # type: ignore[union-attr]
    said = {
        "hf_matlab_compat": _version("hf_matlab_compat"),
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


def _processor() -> str:
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as lines:
            return next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or "unknown"
