"""The recorded runs, the reference's runs of the same cases, and the distance between two such runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from scipy.io import loadmat

from hf_matlab_compat.matlab.octave.session import run_octave

HERE = Path(__file__).parent
GOLDENS = HERE.parent / "goldens"
REFERENCE = HERE.parent.parent / "reference_matlab"
DRIVERS = HERE / "octave"

MAIN = ("ae_logistic", "ae_tanh_linear", "ae_hess", "class_softmax")
UNITS = tuple(sorted(path.stem.removeprefix("case_") for path in (GOLDENS / "units").glob("case_*.mat")))
PRECISIONS = ("double", "single")

KERNELS = ("grad", "grad2", "gradchunk", "grad2chunk", "precon", "oldll", "ll", "ll_chunk", "err", "err_chunk")
PRODUCTS = ("Bv", "Bv_undamped")
FIGURES = ("rho", "denom", "ll_after", "err_after", "ll_chunk", "oldll_chunk", "test_ll")
DECISIONS = ("cg_steps", "reductions", "lambda_after")


@dataclass(frozen=True)
class Job:
    """One thing to compute: 'probe' (the kernels at a recorded state), 'lockstep' (the epoch from it) or 'free'."""

    kind: str
    name: str
    precision: str
    epoch: int = 0
    seed: int = 0
    noise: float = 0.0


def recorded_states() -> list[tuple[str, str, int]]:
    """Name, precision and epoch of every recorded state."""
    main = [(name, precision, epoch) for name in MAIN for precision in PRECISIONS for epoch in (1, 8)]
    return main + [(name, precision, 1) for name in UNITS for precision in PRECISIONS]


def all_jobs(seed: int = 0, noise: float = 0.0) -> list[Job]:
    """Every comparison that the recorded numbers allow."""
    states = recorded_states()
    probes = [Job("probe", *state, seed) for state in states]
    locksteps = [Job("lockstep", *state, seed) for state in states if state[0] in MAIN]
    return probes + locksteps + free_jobs(seed, noise)


def free_jobs(seed: int = 0, noise: float = 0.0) -> list[Job]:
    """The free runs; in single precision they prove nothing but that the decisions can be made."""
    return [Job("free", name, "double", 0, seed, noise) for name in (*MAIN, *UNITS)]


def run(jobs: Sequence[Job], workdir: Path) -> dict[Job, dict[str, Any]]:
    """Compute all jobs with the reference, in one Octave."""
    path = [REFERENCE, DRIVERS]
    arguments = [str(GOLDENS), [asdict(job) for job in jobs]]
    results = run_octave("reference_batch", arguments, path=path, workdir=workdir)[0]
    return dict(zip(jobs, results, strict=True))


def recorded(job: Job) -> dict[str, Any]:
    """What was recorded for a job, under the names that `run` uses."""
    if job.kind == "probe":
        return recorded_probe(job)
    trace = recorded_trace(job)
    if job.kind == "free":
        return trace
    at_epoch = {name: np.atleast_2d(trace[name])[:, job.epoch - 1 : job.epoch] for name in trace if name in PER_EPOCH}
    probe = recorded_probe(job)
    chosen = first_position(probe["iterses"], at_epoch["chose_iters"])
    at_epoch["ch"] = probe["chs"][:, -1:]
    at_epoch["start"] = probe["paramsp"]
    # In epoch 1 the parameters after the step were not recorded, but the step was.
    after = probe["paramsp"] + at_epoch["rate"] * probe["chs"][:, [chosen]]
    at_epoch["paramsp"] = trace["paramsp_final"] if job.epoch == trace["rho"].size else after
    return at_epoch


PER_EPOCH = (*FIGURES, *DECISIONS, "rate", "chose_iters")


def recorded_probe(job: Job) -> dict[str, Any]:
    """A recorded state and the kernels at it."""
    if job.name in MAIN:
        return _mat(f"probe_{job.name}_{job.precision}_epoch{job.epoch}.mat")
    content = _mat(f"units/rec_{job.name}_{job.precision}.mat")
    return {name.removeprefix("probe_"): value for name, value in content.items() if name.startswith("probe_")}


def recorded_trace(job: Job) -> dict[str, Any]:
    """The recorded figures, each a row with a column for an epoch, and the last parameters."""
    if job.name in MAIN:
        trace = _mat(f"trace_{job.name}_{job.precision}.mat")
        trace["test_ll"] = trace["llrecord"][:, 1]
    else:
        content = _mat(f"units/rec_{job.name}_{job.precision}.mat")
        trace = {name.removeprefix("trace_"): value for name, value in content.items()}
    trace["reductions"] = trace.pop("nred")
    trace["ll_chunk"] = trace.pop("ll_chunk_after")
    return {
        name: np.reshape(value, (1, -1)) if name in PER_EPOCH and value.size else value for name, value in trace.items()
    }


def recorded_case(name: str) -> dict[str, Any]:
    """The arguments of a case."""
    return _mat(f"case_{name}.mat" if name in MAIN else f"units/case_{name}.mat")


def first_position(iterses: np.ndarray, step: np.ndarray | float) -> int:
    """Index of the recorded iterate with this step number (the last one may stand there twice)."""
    return int(np.flatnonzero(iterses.ravel() == np.asarray(step).item())[0])


def distance(a: Any, b: Any) -> float:
    """Norm of the difference over the norm of `b`; equal values (NaN and infinities too) are at distance 0."""
    a, b = np.ravel(np.asarray(a, np.float64)), np.ravel(np.asarray(b, np.float64))
    if np.array_equal(a, b, equal_nan=True):
        return 0.0
    with np.errstate(all="ignore"):
        ratio = float(np.linalg.norm(a - b) / np.linalg.norm(b))
    return ratio if np.isfinite(ratio) else np.inf


def probe_distances(a: Mapping[str, Any], b: Mapping[str, Any]) -> dict[str, Any]:
    """Distance of every kernel, and of the CG iterates that both recorded (by their step number)."""
    kernels = {name: distance(a[name], b[name]) for name in (*KERNELS, *PRODUCTS)}
    steps = [int(step) for step in np.unique(a["iterses"]) if step in b["iterses"]]
    at_a = [first_position(a["iterses"], step) for step in steps]
    at_b = [first_position(b["iterses"], step) for step in steps]
    model_b = b.get("model")
    model_b = a["model_recorded"] if model_b is None else model_b
    pairs = list(zip(steps, at_a, at_b, strict=True))
    iterates = {str(step): distance(a["chs"][:, i], b["chs"][:, j]) for step, i, j in pairs}
    model = {str(step): distance(a["model"].flat[i], model_b.flat[j]) for step, i, j in pairs}
    return {**kernels, "iterates": iterates, "model": model}


def trace_distances(a: Mapping[str, Any], b: Mapping[str, Any]) -> dict[str, list[float]]:
    """Distance of every figure in every epoch that `b` has."""
    names = [name for name in FIGURES if name in b]
    epochs = range(b["rho"].size)
    return {name: [distance(a[name].flat[k], b[name].flat[k]) for k in epochs] for name in names}


def lockstep_distances(a: Mapping[str, Any], b: Mapping[str, Any]) -> dict[str, float]:
    """Distance of every figure of one epoch; that of the parameters is in units of the step."""
    figures = {name: values[0] for name, values in trace_distances(a, b).items()}
    step = np.linalg.norm(b["paramsp"] - b["start"])
    moved = float(np.linalg.norm(a["paramsp"] - b["paramsp"]) / step) if step else distance(a["paramsp"], b["paramsp"])
    return {**figures, "ch": distance(a["ch"], b["ch"]), "paramsp": moved}


def mat(path: Path) -> dict[str, Any]:
    """The variables of a .mat file."""
    content = loadmat(path, mat_dtype=True)
    return {name: value for name, value in content.items() if not name.startswith("__")}


def _mat(name: str) -> dict[str, Any]:
    return mat(GOLDENS / name)
