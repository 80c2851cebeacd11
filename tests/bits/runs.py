"""Runs whose every bit is held: hashes of what each of them returns, logs and writes.

`python -m tests.bits.runs` prints the hashes as JSON; `--write` stores them for the arithmetic of this machine.
"""

from __future__ import annotations

import hashlib
import json
import sys
import tempfile
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.io import loadmat

HASHES = Path(__file__).with_name("hashes.json")
ONE_INSTRUCTION_SET = {
    "OPENBLAS_CORETYPE": "Haswell",
    "OPENBLAS_NUM_THREADS": "1",
    "NPY_DISABLE_CPU_FEATURES": "X86_V4 AVX512F",
}
"""Environment in which processors with and without AVX-512 compute the same bits in numpy and its BLAS."""


class Kind(NamedTuple):
    """One run: what it trains and how."""

    units: tuple[str, ...]
    curvature: str
    curvature_cases: str
    precision: str
    backend: str
    error: str = "squared"
    loss: str = "matching"
    threads: int = 1
    resumed: bool = False
    large: bool = False
    more: tuple[tuple[str, Any], ...] = ()


_UNITS = {
    "gauss_newton": (("tanh", "logistic", "logistic"), ("logistic", "linear", "softmax"), ("tanh", "linear")),
    "hessian": (("logistic", "logistic"), ("logistic", "softmax"), ("linear", "logistic", "linear")),
    "empirical_fisher": (("tanh", "logistic"), ("logistic", "tanh", "softmax"), ("logistic", "linear")),
}


def kinds() -> dict[str, Kind]:
    """All runs by name: every curvature on a chunk and on all cases, in both precisions, on both CPU backends."""
    runs: dict[str, Kind] = {}
    for backend in ("numpy", "numba"):
        for precision in ("single", "double"):
            for j, (curvature, choices) in enumerate(_UNITS.items()):
                for k, cases in enumerate(("target_chunk", "all")):
                    units = choices[(j + k + (precision == "double")) % len(choices)]
                    error = "misclassified" if units[-1] == "softmax" else ("squared", "none")[k]
                    name = f"{backend} {precision} {curvature} {cases}"
                    runs[name] = Kind(units, curvature, cases, precision, backend, error, resumed=(j + k) % 2 == 1)
            runs[f"{backend} {precision} squared loss"] = Kind(
                ("tanh", "tanh"), "gauss_newton", "target_chunk", precision, backend, loss="squared"
            )
            for threads in (1, 3):
                runs[f"{backend} {precision} large {threads} threads"] = Kind(
                    ("logistic", "linear", "logistic"),
                    "gauss_newton",
                    "target_chunk",
                    precision,
                    backend,
                    threads=threads,
                    large=True,
                )
        runs[f"{backend} options"] = Kind(
            ("logistic", "logistic"),
            "gauss_newton",
            "target_chunk",
            "single",
            backend,
            more=(("decay_biases", False), ("preconditioner_exponent", None), ("backtracking_cases", "target_chunk")),
        )
        runs[f"{backend} undamped"] = Kind(
            ("logistic", "logistic"),
            "hessian",
            "target_chunk",
            "double",
            backend,
            more=(("damping", False), ("max_cg_steps", 12), ("backtracking_cases", "none"), ("init_scale", 4.0)),
        )
        runs[f"{backend} without quirks"] = Kind(
            ("tanh", "logistic"), "empirical_fisher", "all", "single", backend, more=(("faithful", False),)
        )
    return runs


def hashes_of(kind: Kind) -> dict[str, str]:
    """SHA-256, shortened, of θ, d, the reports, the log and the checkpoints of a run."""
    from hf_matlab_compat import train

    with tempfile.TemporaryDirectory() as folder:
        name = Path(folder, "run")
        keywords = _arguments(kind)
        if kind.resumed:
            train(**{**keywords, "max_epochs": 2}, run_name=name)
            result = train(**keywords, run_name=name, resume_from=f"{name}_nnet_running.mat")
        else:
            result = train(**keywords, run_name=name)
        figures = {k: v for k, v in sorted(result.history.items()) if k != "seconds"}
        log = _undated(Path(f"{name}.txt").read_bytes(), folder)
        saved = loadmat(f"{name}_nnet_running.mat")
        state = result.state
    return {
        "theta": _hash(np.asarray(state.theta)),
        "d": _hash(np.asarray(state.d)),
        "figures": _hash(*(np.asarray(v) for v in figures.values())),
        "log": hashlib.sha256(log).hexdigest()[:16],
        "checkpoint": _hash(*(v for k, v in sorted(saved.items()) if not k.startswith("__") and k != "times")),
    }


def arithmetic() -> str:
    """A hash of what numpy, its BLAS and Numba make of fixed numbers: equal where the runs' bits can be compared."""
    from hf_matlab_compat.backends import numba_backend

    found: list[NDArray[Any]] = []
    for dtype in (np.float32, np.float64):
        loops = numba_backend.load(np.dtype(dtype))
        for rows, columns in ((3, 7), (31, 17), (64, 200), (130, 700)):
            a = np.sin(np.arange(rows * columns, dtype=np.float64)).reshape(rows, columns).astype(dtype)
            found += [a @ a.T, a.T @ a, np.exp(a), np.tanh(3 * a), np.log(a * a + 1), abs(a) ** dtype(0.75)]
            found += [a.sum(axis=0), np.array([a.ravel() @ a.ravel(), a.sum()])]
            for kind in sorted(set(loops.KINDS.values()) & {loops.KINDS["logistic"], loops.KINDS["tanh"]}):
                x = (3 * a).ravel()
                loops.activate(kind, x)
                found.append(x)
    return _hash(*found)


def _arguments(kind: Kind) -> dict[str, Any]:
    random = np.random.default_rng(11)
    size, hidden, n = (40, 60, 2 * 8192) if kind.large else (6, 5, 2 * 30)
    hidden_sizes = [hidden + i for i in range(len(kind.units) - 1)]
    inputs = random.random((size, n))
    targets = np.eye(3)[random.integers(0, 3, n)].T if kind.units[-1] == "softmax" else random.random((4, n))
    return {
        "inputs": inputs,
        "targets": targets,
        "test_inputs": inputs[:, : n // 2] * 0.9,
        "test_targets": targets[:, : n // 2],
        "hidden_sizes": hidden_sizes,
        "unit_types": list(kind.units),
        "num_chunks": 2,
        "max_epochs": 3 if kind.large else 4,
        "max_cg_steps": 8 if kind.large else 60,
        "curvature": kind.curvature,
        "curvature_cases": kind.curvature_cases,
        "precision": kind.precision,
        "backend": kind.backend,
        "num_threads": kind.threads,
        "error_measure": kind.error,
        "loss": kind.loss,
        "seed": 3,
        "faithful": kind.curvature != "hessian" or "tanh" not in kind.units,
        **dict(kind.more),
    }


def _undated(log: bytes, folder: str) -> bytes:
    dated = (b"Start time: ", b"Total time: ")
    kept = [line for line in log.split(b"\r\n") if not line.startswith(dated)]
    return b"\r\n".join(kept).replace(folder.encode(), b"FOLDER")


def _hash(*arrays: NDArray[Any]) -> str:
    digest = hashlib.sha256()
    for array in arrays:
        digest.update(f"{array.dtype} {array.shape};".encode())
        digest.update("|".join(map(str, array.ravel())).encode() if array.dtype.kind in "UO" else array.tobytes())
    return digest.hexdigest()[:16]


def main() -> None:
    """Print the hashes, or store them."""
    found = {"arithmetic": arithmetic(), "runs": {name: hashes_of(kind) for name, kind in kinds().items()}}
    if "--write" in sys.argv:
        known = json.loads(HASHES.read_text()) if HASHES.exists() else {}
        known[str(found["arithmetic"])] = found["runs"]
        HASHES.write_text(json.dumps(known, indent=0, sort_keys=True) + "\n")
    else:
        json.dump(found, sys.stdout)


if __name__ == "__main__":
    main()
