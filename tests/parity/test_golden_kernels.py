"""Same parameters, λ, chunk and direction: every kernel against what the published program computed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import numpy as np
import pytest

from hf_matlab_compat.problem import Cases
from hf_matlab_compat.solvers.conjgrad import conjgrad
from hf_matlab_compat.solvers.damping import damp
from hf_matlab_compat.solvers.rules import Path
from tests.cases import MAIN, PRECISIONS, STATES, GoldenCase, golden, hessian_free, probe, recorded_iterates, state_at
from tests.parity.golden_bounds import (
    ENSEMBLE,
    UNIT_ROUNDOFF,
    distance,
    ensemble_bound,
    iterate_bound,
    kernel_bound,
    model_bound,
    spread,
)

QUANTITIES = (
    *("grad", "grad2", "gradchunk", "grad2chunk", "precon", "Bv", "Bv_undamped"),
    *("oldll", "ll", "err", "ll_chunk", "err_chunk"),
)
RECORDED = [(name, epoch, precision) for name, epoch in STATES for precision in PRECISIONS]
EXPONENT = 0.75
CG_STEP_MAY_DIFFER = [("k_softmax_rms0_gn_hy1_lamtiny", 1, "single")]
STATE_NAMES = pytest.mark.parametrize(
    ("name", "epoch", "precision"), RECORDED, ids=[f"{n}-{e}-{p}" for n, e, p in RECORDED]
)


def kernels(case: GoldenCase, name: str, precision: str, epoch: int) -> dict[str, Any]:
    """Every kernel at a recorded state, under the names of the recording and with its signs."""
    recorded = probe(name, precision, epoch)
    problem, (state, _) = case.problem, state_at(case, recorded, epoch)
    chunk = int(recorded["targetchunk"].item()) - 1
    g = problem.gradient(state.theta, Cases(chunk))
    B = problem.curvature(state.theta, Cases(chunk), g)
    v = problem.backend.asarray(recorded["v"])
    whole, part = problem.score(state.theta, Cases()), problem.score(state.theta, Cases(chunk))
    return {
        **{"grad": g.full, "grad2": g.full_squared, "gradchunk": g.chunk, "grad2chunk": g.chunk_squared},
        **{"precon": B.diagonal(state.lam) ** EXPONENT},
        **{"Bv": -damp(B, state.lam)(v), "Bv_undamped": -B(v), "oldll": g.log_likelihood},
        **{"ll": whole.log_likelihood, "err": whole.error},
        **{"ll_chunk": part.log_likelihood, "err_chunk": part.error},
    }


@cache
def our_kernels(name: str, precision: str, epoch: int) -> dict[str, Any]:
    return kernels(golden(name, precision), name, precision, epoch)


@pytest.mark.parametrize("quantity", QUANTITIES)
@STATE_NAMES
def test_kernel_equals_the_recorded_one_within_rounding(name: str, epoch: int, precision: str, quantity: str) -> None:
    ours = our_kernels(name, precision, epoch)[quantity]
    assert distance(ours, probe(name, precision, epoch)[quantity]) <= bound_at(name, precision, epoch, quantity)


def bound_at(name: str, precision: str, epoch: int, quantity: str) -> float:
    """Of a kernel at a recorded state: the fixed one, or that of its own spread where it is listed and wider."""
    bound = kernel_bound(quantity, precision)
    if (name, precision, quantity) not in ENSEMBLE:
        return bound
    return max(bound, ensemble_bound(own_spread(name, precision, epoch)[quantity], precision))


@cache
def own_spread(name: str, precision: str, epoch: int) -> dict[str, float]:
    """The port's own E: 16 permutations inside chunks, each with activations that are a last bit off."""
    plain = our_kernels(name, precision, epoch)
    runs = [kernels(case, name, precision, epoch) for case in perturbed(name, precision)]
    return {quantity: max(distance(run[quantity], plain[quantity]) for run in runs) for quantity in QUANTITIES}


def perturbed(name: str, precision: str) -> Iterator[GoldenCase]:
    cases = golden(name, precision).problem.cases
    for seed in range(16):
        random = np.random.default_rng(seed)
        chunks = np.arange(len(cases)).reshape(cases.num_chunks, -1)
        order = tuple(int(column) for column in random.permuted(chunks, axis=1).ravel())
        case = golden(name, precision, order)
        units = tuple(LastBitOff(unit, seed) for unit in case.problem.network.units)
        yield replace(case, problem=replace(case.problem, network=replace(case.problem.network, units=units)))


@dataclass(frozen=True)
class LastBitOff:
    """A unit with another program's `exp` or `tanh`: outputs are off by at most one unit of the last place."""

    unit: Any
    seed: int

    def activate(self, xp: Any, x: Any, out: Any = None) -> Any:
        y = self.unit.activate(xp, x, out)
        if self.unit.name == "linear":
            return y
        towards = np.random.default_rng(self.seed).choice(np.array([-np.inf, np.inf]), y.shape).astype(y.dtype)
        return np.nextafter(y, towards, out=y)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.unit, name)


def test_the_listed_exceptions_are_of_the_size_of_rounding() -> None:
    for name, precision, quantity in ENSEMBLE:
        E = max(own_spread(name, precision, epoch)[quantity] for epoch in ((1, 8) if name in MAIN else (1,)))
        assert 16 * UNIT_ROUNDOFF[precision] < E < 200 * UNIT_ROUNDOFF[precision]


def run_cg(case: GoldenCase, name: str, precision: str, epoch: int) -> Path:
    recorded = probe(name, precision, epoch)
    state, options = state_at(case, recorded, epoch)
    chunk = int(recorded["targetchunk"].item()) - 1
    g = case.problem.gradient(state.theta, Cases(chunk))
    G = case.problem.curvature(state.theta, Cases(chunk), g)
    M, settings = G.diagonal(state.lam) ** EXPONENT, hessian_free(options).solver
    return conjgrad(damp(G, state.lam), g.full, state.d, M, settings)


@cache
def our_path(name: str, precision: str, epoch: int) -> Path:
    return run_cg(golden(name, precision), name, precision, epoch)


@STATE_NAMES
def test_conjgrad_records_the_steps_that_were_recorded(name: str, epoch: int, precision: str) -> None:
    ours, recorded = our_path(name, precision, epoch).steps, list(probe(name, precision, epoch)["iterses"])
    if (name, epoch, precision) in CG_STEP_MAY_DIFFER:
        ours, recorded = ours[:-1], recorded[:-1]
    assert ours == recorded


@STATE_NAMES
def test_cg_iterates_equal_the_recorded_ones_within_their_spread(name: str, epoch: int, precision: str) -> None:
    ours = distances_to_recorded(name, precision, epoch, distance)
    E = spread()[f"probe/{name}/{precision}/{epoch}"]["iterates"]
    assert excess(ours, E, precision, iterate_bound) == {}


@STATE_NAMES
def test_cg_iterates_are_worth_to_the_quadratic_model_what_the_recorded_ones_are(
    name: str, epoch: int, precision: str
) -> None:
    def model_distance(a: Any, b: Any) -> float:
        return distance(phi(a), phi(b))

    phi = quadratic_model(name, precision, epoch)
    ours = distances_to_recorded(name, precision, epoch, model_distance)
    E = spread()[f"probe/{name}/{precision}/{epoch}"]["model"]
    assert excess(ours, E, precision, model_bound) == {}


def excess(far: dict[str, float], E: dict[str, float], precision: str, bound: Any) -> dict[str, tuple[float, float]]:
    """Distance and bound of the steps that are too far; a step at which no member of E stopped takes the widest."""
    bounds = {step: bound(E.get(step, max(E.values())), int(step), precision) for step in far}
    return {step: (far[step], bounds[step]) for step in far if far[step] > bounds[step]}


def distances_to_recorded(name: str, precision: str, epoch: int, measure: Any) -> dict[str, float]:
    """By step; all recorded steps, but for the last where it may differ."""
    recorded = probe(name, precision, epoch)
    theirs = dict(zip(recorded["iterses"].astype(int), recorded_iterates(recorded), strict=True))
    far = by_step(our_path(name, precision, epoch), theirs, measure)
    assert len(far) >= len(theirs) - ((name, epoch, precision) in CG_STEP_MAY_DIFFER)
    return far


def by_step(path: Path, others: dict[int, Any], measure: Any) -> dict[str, float]:
    """Distances of the iterates that both have."""
    pairs = zip(path.steps, path.iterates, strict=True)
    return {str(step): measure(x, others[step]) for step, x in pairs if step in others}


def quadratic_model(name: str, precision: str, epoch: int) -> Any:
    """φ(x) = ½ xᵀB x - gᵀx in double precision, with the recorded gradient."""
    problem, recorded = golden(name, "double").problem, probe(name, precision, epoch)
    theta, chunk = recorded["paramsp"].astype(float), int(recorded["targetchunk"].item()) - 1
    G = problem.curvature(theta, Cases(chunk), problem.gradient(theta, Cases(chunk)))
    B, b = damp(G, recorded["lambda"].item()), recorded["grad"].astype(float)
    return lambda x: 0.5 * x.astype(float) @ B(x.astype(float)) - b @ x.astype(float)
