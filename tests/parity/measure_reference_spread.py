"""Measure how far rounding alone moves the reference, and write it to reference_spread.json.

    python -m tests.parity.measure_reference_spread [--openblas FOLDER]

Twelve runs with the cases of every chunk permuted; four free runs with noise of 2e-16 on the initial parameters as
well; one run with another `exp` and `tanh` (glibc's without FMA); with ``--openblas``, a folder with an OpenBLAS
``libblas.so.3`` that Octave can load, four runs for each of five kinds of its kernels, three of them with the cases
permuted: OpenBLAS rounds a case by where it stands. E is the largest distance of any of them to the plain run. CG
iterates and figures are compared where both runs have them; a lockstep run that chose another iterate (a tie) does
not count for its figures.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from tests.parity.reference_runs import (
    HERE,
    Job,
    all_jobs,
    free_jobs,
    lockstep_distances,
    probe_distances,
    recorded_probe,
    run,
    trace_distances,
)

TARGET = HERE.parent / "goldens" / "reference_spread.json"
CORES = ("Prescott", "Nehalem", "Sandybridge", "Haswell", "SkylakeX")
OTHER_LIBM = {"GLIBC_TUNABLES": "glibc.cpu.hwcaps=-AVX2,-FMA,-FMA4"}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--openblas", type=Path)
    openblas = parser.parse_args().openblas
    plain = _run(all_jobs())
    spread: dict[str, Any] = {}
    for member in _members(openblas):
        for job, result in member.items():
            base = Job(job.kind, job.name, job.precision, job.epoch)
            _widen(spread.setdefault(key(base), {}), _distances(base, result, plain[base]))
        print(".", end="", file=sys.stderr, flush=True)
    TARGET.write_text(json.dumps(_rounded(spread), indent=0, sort_keys=True) + "\n")


def key(job: Job) -> str:
    """The name of a job's entry in the file."""
    return f"{job.kind}/{job.name}/{job.precision}/{job.epoch}"


def _members(openblas: Path | None) -> Iterator[dict[Job, dict[str, Any]]]:
    for seed in range(1, 13):
        yield _run(all_jobs(seed))
    for seed in range(13, 17):
        yield _run(free_jobs(seed, noise=2e-16))
    environments = [(OTHER_LIBM, 0)]
    if openblas is not None:
        environments += [
            ({"LD_LIBRARY_PATH": str(openblas), "OPENBLAS_CORETYPE": core}, seed) for core in CORES for seed in range(4)
        ]
    for environment, seed in environments:
        with _environment(environment):
            yield _run(all_jobs(seed) if seed else all_jobs())


def _run(jobs: list[Job]) -> dict[Job, dict[str, Any]]:
    with TemporaryDirectory() as folder:
        return run(jobs, Path(folder))


@contextmanager
def _environment(variables: Mapping[str, str]) -> Iterator[None]:
    before = dict(os.environ)
    os.environ.update(variables)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def _distances(job: Job, result: Mapping[str, Any], plain: Mapping[str, Any]) -> dict[str, Any]:
    if job.kind == "free":
        return trace_distances(result, plain)
    if job.kind == "probe":
        distances = probe_distances(result, plain)
        return {"iterates": distances["iterates"], "model": distances["model"]}
    seen = {"cg_steps_seen": [int(result["cg_steps"].item()), int(plain["cg_steps"].item())]}
    if result["chose_iters"] != plain["chose_iters"]:
        return seen
    start = recorded_probe(job)["paramsp"]
    return {**lockstep_distances(result, {**plain, "start": start}), **seen}


def _widen(spread: dict[str, Any], distances: Mapping[str, Any]) -> None:
    for name, value in distances.items():
        if name == "cg_steps_seen":
            spread[name] = sorted({*spread.get(name, []), *value})
        elif isinstance(value, Mapping):
            _widen(spread.setdefault(name, {}), value)
        elif isinstance(value, list):
            spread[name] = [max(pair) for pair in zip(value, spread.get(name, value), strict=True)]
        else:
            spread[name] = max(value, spread.get(name, 0.0))


def _rounded(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _rounded(entry) for name, entry in value.items()}
    if isinstance(value, list):
        return [_rounded(entry) for entry in value]
    return float(f"{value:.2e}") if isinstance(value, float) else value


if __name__ == "__main__":
    main()
