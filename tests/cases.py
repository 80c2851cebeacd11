"""Cases to test on: the recorded ones under goldens/, and small ones made on the spot."""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.io import loadmat

from hf_matlab_compat.backends import get_backend
from hf_matlab_compat.hessian_free import HessianFree
from hf_matlab_compat.matlab.vocabulary import WORDS
from hf_matlab_compat.method import epochs
from hf_matlab_compat.model.network import build_network
from hf_matlab_compat.model.packing import weights_only_mask
from hf_matlab_compat.objective.cases import ChunkedCases
from hf_matlab_compat.objective.feedforward import FeedforwardProblem
from hf_matlab_compat.options import Options
from hf_matlab_compat.problem import Cases
from hf_matlab_compat.registry import method_of
from hf_matlab_compat.state import Report, Score, State, hessian_free_state

GOLDENS = Path(__file__).parent / "goldens"
MAIN = ("ae_logistic", "ae_hess", "ae_tanh_linear", "class_softmax")
UNITS = tuple(sorted(path.stem.removeprefix("case_") for path in (GOLDENS / "units").glob("case_*.mat")))
PRECISIONS = ("double", "single")
STATES = [(name, epoch) for name in MAIN for epoch in (1, 8)] + [(name, 1) for name in UNITS]
"""Name and epoch of every state that was recorded, in either precision."""


@dataclass(frozen=True)
class GoldenCase:
    """A recorded case, as this package sees it."""

    problem: FeedforwardProblem
    test: FeedforwardProblem
    options: Options
    start: State


@cache
def golden(name: str, precision: str, order: tuple[int, ...] | None = None) -> GoldenCase:
    """A recorded case; `order` rearranges its cases."""
    m = arguments(name)
    o = _options(m, precision)
    backend = get_backend("numpy", precision)
    sizes = [m["indata"].shape[0], *m["layersizes"].ravel().astype(int), m["outdata"].shape[0]]
    network = build_network(sizes, [str(unit[0]) for unit in m["layertypes"].ravel()], o.loss, o.error_measure)
    columns = slice(None) if order is None else list(order)
    training = [backend.asarray(m[key][:, columns], order="F") for key in ("indata", "outdata")]
    held_out = [backend.asarray(m[key], order="F") for key in ("intest", "outtest")]
    problem = FeedforwardProblem(
        network=network,
        cases=ChunkedCases(*training, o.num_chunks),
        backend=backend,
        weight_decay=o.weight_decay,
        curvature_kind=o.curvature,
        curvature_cases=o.curvature_cases,
    )
    theta = backend.asarray(m["paramsp"].ravel())
    start = hessian_free_state(theta, np.zeros_like(theta), o.initial_lam)
    return GoldenCase(problem, replace(problem, cases=ChunkedCases(*held_out, o.num_test_chunks)), o, start)


def _options(m: Mapping[str, Any], precision: str) -> Options:
    def word(option: str, key: str) -> Any:
        value = m[key].item()
        return WORDS[option][value]

    return Options(
        max_epochs=int(m["maxepoch"].item()),
        num_chunks=int(m["numchunks"].item()),
        num_test_chunks=int(m["numchunks_test"].item()),
        precision=precision,
        curvature=word("curvature", "mattype"),
        curvature_cases=word("curvature_cases", "hybridmode"),
        loss=word("loss", "rms"),
        error_measure=word("error_measure", "errtype"),
        weight_decay=m["weightcost"].item(),
        start_decay=m["decay"].item(),
        initial_lam=m["start_lambda"].item() if "start_lambda" in m else 45.0,
    )


@cache
def arguments(name: str) -> dict[str, Any]:
    """The arguments of a recorded case."""
    return loadmat(GOLDENS / (f"case_{name}.mat" if name in MAIN else f"units/case_{name}.mat"))


@cache
def probe(name: str, precision: str, epoch: int = 1) -> dict[str, NDArray[Any]]:
    """The kernels recorded inside an epoch, vectors and lists flat."""
    if name in MAIN:
        return _flat(loadmat(GOLDENS / f"probe_{name}_{precision}_epoch{epoch}.mat"))
    return _flat(loadmat(GOLDENS / f"units/rec_{name}_{precision}.mat"), "probe_")


@cache
def trace(name: str, precision: str) -> dict[str, NDArray[Any]]:
    """The figures recorded epoch by epoch; `original_stops_with` where the published program crashed."""
    if name in MAIN:
        figures = _flat(loadmat(GOLDENS / f"trace_{name}_{precision}.mat"))
        return {**figures, "test_ll": figures["llrecord"][:, 1]}
    m = loadmat(GOLDENS / f"units/rec_{name}_{precision}.mat")
    others = {key: m[key].ravel() for key in ("paramsp_final", "original_stops_with") if key in m and m[key].size}
    return {**_flat(m, "trace_"), **others}


def _flat(m: Mapping[str, Any], prefix: str = "") -> dict[str, NDArray[Any]]:
    return {
        key.removeprefix(prefix): value.ravel() if 1 in value.shape else value
        for key, value in m.items()
        if key.startswith(prefix) and not key.startswith("__")
    }


def recorded_iterates(recorded: Mapping[str, NDArray[Any]]) -> list[NDArray[Any]]:
    """The recorded CG iterates of a probe, in order."""
    return list(recorded["chs"].reshape(recorded["grad"].size, -1).T)


def state_at(case: GoldenCase, recorded: Mapping[str, NDArray[Any]], epoch: int) -> tuple[State, Options]:
    """The state in which a recorded epoch began, and options under which it starts CG where that did."""
    as_array = case.problem.backend.asarray
    state = hessian_free_state(
        theta=as_array(recorded["paramsp"]),
        d=as_array(recorded["ch0"]),
        lam=recorded["lambda"].item(),
        epoch=epoch - 1,
    )
    return state, replace(case.options, start_decay=1.0, max_epochs=epoch)  # ch0 was recorded after its decay


LOG_LINES = {
    "cg_steps": r"CG steps used: (\S+),",
    "cg_total": r"total is: (\S+)",
    "chose_iters": r"Chose iters : (\S+)",
    "rho": r"rho = (\S+)",
    "reductions": r"Number of reductions : (\S+),",
    "rate": r"chosen rate: (\S+)",
    "new_lambda": r"New lambda: (\S+)",
    "error": r"epoch: .* error rate: (\S+)",
    "test_error": r"TEST .* error rate: (\S+)",
    "difference": r"Error rate difference \(test - train\): (\S+)",
}


def log_figures(name: str) -> dict[str, NDArray[np.float64]]:
    """The figures that a recorded text log prints, by epoch."""
    text = (GOLDENS / f"log_{name}.txt").read_text(encoding="ascii")
    return {key: np.array(re.findall(line, text), float) for key, line in LOG_LINES.items()}


def curves_figures() -> dict[str, NDArray[np.float64]]:
    """The figures of the published log of CURVES, by epoch."""
    with (GOLDENS / "curves2011_log_figures.csv").open(encoding="ascii", newline="") as lines:
        rows = list(csv.DictReader(lines))
    return {key: np.array([row[key] for row in rows], float) for key in rows[0]}


# --- small cases


def small_problem(
    unit_types: Sequence[str] = ("tanh", "logistic"), options: Options | None = None, **changes: Any
) -> FeedforwardProblem:
    """A network of 3 inputs, hidden layers of 4 units and 3 outputs on 12 cases; `changes` replace its fields."""
    o = options or Options(precision="double", num_chunks=3, weight_decay=0.01)
    backend = changes.pop("backend", get_backend("numpy", o.precision))
    random = np.random.default_rng(5)
    inputs, targets = random.standard_normal((3, 12)), random.random((3, 12))
    if unit_types[-1] == "softmax":
        targets = np.eye(3)[random.integers(0, 3, 12)].T
    sizes = [3, *(4 for _ in unit_types[1:]), 3]
    fields = {
        "network": build_network(sizes, unit_types, o.loss, o.error_measure),
        "cases": ChunkedCases(backend.asarray(inputs, order="F"), backend.asarray(targets, order="F"), o.num_chunks),
        "backend": backend,
        "weight_decay": o.weight_decay,
        "mask": None if o.decay_biases else weights_only_mask(backend.xp, sizes, backend.dtype),
        "curvature_kind": o.curvature,
        "curvature_cases": o.curvature_cases,
        "faithful": o.faithful,
    }
    return FeedforwardProblem(**{**fields, **changes})


def small_theta(problem: FeedforwardProblem, seed: int = 0, scale: float = 0.7) -> Any:
    """Parameters, or a direction, for a problem."""
    values = scale * np.random.default_rng(seed).standard_normal(problem.network.num_parameters)
    return problem.backend.asarray(values)


def small_state(problem: FeedforwardProblem, options: Options, seed: int = 0) -> State:
    """The state in which a run on a small problem begins."""
    theta = small_theta(problem, seed)
    return hessian_free_state(theta, 0 * theta, options.initial_lam)


def hessian_free(options: Options, **rules: Any) -> HessianFree:
    """The method that the options ask for, on the CPU; `rules` replace some of its own."""
    return replace(method_of(options, get_backend(options.backend, options.precision)), **rules)


def run_epochs(
    problem: Any,
    options: Options,
    state: State,
    test: FeedforwardProblem | None = None,
    method: HessianFree | None = None,
) -> tuple[list[Report], State]:
    """All epochs of a run: their reports and the last state."""

    def evaluate(theta: Any) -> Score | None:
        return None if test is None else test.score(theta, Cases())

    pairs = list(epochs(problem, method or hessian_free(options), state, options.max_epochs, evaluate))
    return [report for report, _ in pairs], pairs[-1][1] if pairs else state
