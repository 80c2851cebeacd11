"""Where and when a table was measured."""

from __future__ import annotations

import os
import platform
import time
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from threadpoolctl import threadpool_info

from hf_matlab_compat.backends.workers import default_threads


def machine() -> dict[str, str]:
    """Date, processor, threads, load and versions, as texts by name."""
    return {
        "date": time.strftime("%Y-%m-%d"),
        "CPU": _processor(),
        "threads": str(default_threads()),
        "load before": _load(),
        "Python": platform.python_version(),
        "numpy": np.__version__,
        **({"scipy": version("scipy"), "numba": version("numba")} if find_spec("numba") else {}),
        "BLAS": ", ".join(_blas()) or "unknown",
    }


def is_busy() -> bool:
    """Whether others use a tenth of the processors or more."""
    return hasattr(os, "getloadavg") and os.getloadavg()[0] > 0.1 * default_threads()


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return models[0] if models else platform.machine()


def _load() -> str:
    return f"{os.getloadavg()[0]:.2f}" if hasattr(os, "getloadavg") else "unknown"


def _blas() -> list[str]:
    """Every BLAS of this process, with the kernels that it picked."""
    found = [pool for pool in threadpool_info() if pool["user_api"] == "blas"]
    return sorted({f"{p['internal_api']} {p['version']} ({p.get('architecture', 'unknown')} kernels)" for p in found})
