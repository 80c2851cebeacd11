"""The machine and the date of a table."""

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


def is_busy(seconds: float = 0.5) -> bool:
    """True if other processes use half a processor, or a tenth of all. Measured: the load average falls too slowly."""
    before, began = _busy_seconds(), time.monotonic()
    if before is None:
        return hasattr(os, "getloadavg") and os.getloadavg()[0] > max(0.5, 0.1 * default_threads())
    time.sleep(seconds)
    used = (_busy_seconds() or 0.0) - before
    return used > max(0.5, 0.1 * default_threads()) * (time.monotonic() - began)


def _busy_seconds() -> float | None:
    """Seconds that all processors together have worked since they started; None where the system does not say."""
    try:
        name, *ticks = Path("/proc/stat").read_text(encoding="ascii").splitlines()[0].split()
    except (OSError, IndexError):
        return None
    idle = sum(map(int, ticks[3:5]))  # and waiting for disks
    return (sum(map(int, ticks[:8])) - idle) / os.sysconf("SC_CLK_TCK") if name == "cpu" else None


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
