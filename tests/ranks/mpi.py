"""Start programs on several ranks, and compare what runs wrote."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hf_matlab_compat.matlab.files.mat_formats import load_mat

BIN = Path(sys.executable).parent
MPIEXEC = shutil.which("mpiexec", path=str(BIN)) or shutil.which("mpiexec")
NEEDS_MPI = pytest.mark.skipif(
    MPIEXEC is None or importlib.util.find_spec("mpi4py") is None, reason="mpi4py or mpiexec is not installed"
)
PROGRAM = str(Path(__file__).parent / "many_runs.py")


def command(
    ranks: int, *words: str, runner: tuple[str, ...] = ("-m", "mpi4py"), kinds: Sequence[Sequence[str]] = ()
) -> list[str]:
    """A command line that starts Python on this many ranks, or once with each of the arguments in `kinds`."""
    assert MPIEXEC is not None
    program = [sys.executable, *runner, *words]
    first, *others = kinds or [["-n", str(ranks)]]
    return [MPIEXEC, *first, *program, *(word for kind in others for word in (":", *kind, *program))]


def environment(**more: str) -> dict[str, str]:
    """Plain variables, so that a scheduler's do not reach the tests."""
    return {**os.environ, "OPENBLAS_NUM_THREADS": "1", **more}


def start(ranks: int, *words: str, timeout: float = 100, **more: Any) -> subprocess.CompletedProcess[str]:
    """Run to the end; the time limit only catches ranks that wait for ever."""
    env = environment(**more.pop("env", {}))
    return subprocess.run(
        command(ranks, *words, **more), capture_output=True, text=True, timeout=timeout, env=env, check=False
    )


def written(folder: Path) -> dict[str, Any]:
    """What the files of a folder hold, apart from times."""
    return {str(path.relative_to(folder)): _content(path) for path in sorted(folder.rglob("*")) if path.is_file()}


def _content(path: Path) -> Any:
    if path.suffix == ".mat":
        return {name: np.asarray(value).tobytes() for name, value in load_mat(path).items() if "time" not in name}
    if path.suffix == ".npz":
        with np.load(path) as file:
            return {n: file[n].tobytes() for n in file.files if isinstance(file[n], np.ndarray)}
    return re.sub(r"(?m)^.*([Tt]ime|seconds).*$", "", path.read_text())
