"""One epoch of this package from a given state, with everything on the way written down.

The rules of the method are wrapped in taps, which note what they are given and what they return: the loop that runs is
the one that users run, and nothing of it is repeated here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hf_matlab_compat.hessian_free import HessianFree
from hf_matlab_compat.matlab.logs.text_log import epoch_lines
from hf_matlab_compat.method import epochs
from hf_matlab_compat.model.activations import activations
from hf_matlab_compat.parity.port_case import PortCase
from hf_matlab_compat.parity.reference_run import ASKED_OF_CG
from hf_matlab_compat.problem import Cases, Curvature, Gradient
from hf_matlab_compat.solvers.conjgrad import CGStop
from hf_matlab_compat.solvers.rules import Chosen, Path, Preconditioner, Quadratic
from hf_matlab_compat.state import Report, State, hessian_free_state

Vector = NDArray[Any]


@dataclass
class PortEpoch:
    """What this package computed in an epoch, on the host.

    Attributes
    ----------
    kernels : dict of str to arrays or floats
        As `EpochRecord.kernels`; products have the sign of the legacy code, which maximises.
    x0 : vector or None
        Where CG started.
    steps, iterates : list of int, list of vectors
        Recorded CG iterates.
    cg_stop : CGStop or None
        Why CG stopped.
    own_choice : int
        The CG step that backtracking chose by itself, whatever the epoch went on with.
    figures : dict of str to float
        As `EpochRecord.figures`, and 'denom', 'oldll_chunk', 'll_chunk_after'.
    theta_before, theta_after, d_after : vectors or None
        Parameters in which it began; the state it left.
    log_lines : list of str
    report : Report or None
    state : State or None
        The state it left, on the backend.
    """

    kernels: dict[str, Any] = field(default_factory=dict)
    x0: Vector | None = None
    steps: list[int] = field(default_factory=list)
    iterates: list[Vector] = field(default_factory=list)
    cg_stop: CGStop | None = None
    own_choice: int = 0
    figures: dict[str, float] = field(default_factory=dict)
    theta_before: Vector | None = None
    theta_after: Vector | None = None
    d_after: Vector | None = None
    log_lines: list[str] = field(default_factory=list)
    report: Report | None = None
    state: State | None = None


def run_epoch(case: PortCase, state: State, probes: Vector | None, choice: int | None) -> PortEpoch:
    """The epoch that follows `state`.

    Parameters
    ----------
    case : PortCase
    state : State
        Vectors on the case's backend.
    probes : (P, k) array or None
        Vectors that curvature products are shown for; None shows no kernels.
    choice : int or None
        CG step whose iterate the epoch goes on with, if it is on the path; None for its own choice.
    """
    taps = _Taps(case, state, probes, choice)
    report, after = taps.run()
    seen = taps.seen
    host = case.backend.to_host
    seen.report, seen.state = report, after
    seen.figures = _figures(report) | dict(zip(ASKED_OF_CG, _allowed(case), strict=True))
    seen.theta_before, seen.theta_after, seen.d_after = (host(v) for v in (state.theta, after.theta, after.d))
    seen.log_lines = epoch_lines(report, case.options)
    return seen


def run_kernels(case: PortCase, state: State, probes: Vector, with_cg: bool) -> PortEpoch:
    """The kernels at `state`, and where asked for the CG path; the epoch ends there."""
    taps = _Taps(case, state, probes, None, stop_after="cg" if with_cg else "kernels")
    with suppress(_Enough):
        taps.run()
    return taps.seen


class _Enough(Exception):
    """What was to be seen has been seen."""


class _SeenPreconditioner:
    """A preconditioner that notes the curvature and the gradient it is made of."""

    def __init__(self, rule: Preconditioner) -> None:
        self._rule = rule
        self.curvature: Any = None
        self.gradient: Any = None

    def __call__(self, G: Curvature, gradient: Gradient, lam: float) -> Any:
        self.curvature, self.gradient = G, gradient
        return self._rule(G, gradient, lam)


class _Taps:
    """The inner solver and the choice of the iterate, wrapped; what they and the preconditioner saw is in `seen`."""

    def __init__(
        self, case: PortCase, state: State, probes: Vector | None, choice: int | None, stop_after: str = ""
    ) -> None:
        self.case, self.state, self.choice, self.stop_after = case, state, choice, stop_after
        self.probes, self.seen = probes, PortEpoch()
        self._method: HessianFree = case.method
        self._made_of = _SeenPreconditioner(self._method.preconditioner)

    def run(self) -> tuple[Report, State]:
        tapped = replace(self._method, solver=self, selection=self, preconditioner=self._made_of)
        with self.case.backend.quiet():
            return next(epochs(self.case.problem, tapped, self.state, self.state.epoch + 1, self.case.evaluate))

    def solve(self, model: Quadratic, start: Any, M: Any, watch: Any) -> Path:
        host = self.case.backend.to_host
        if self.probes is not None:
            self.seen.kernels = self._kernels(model, M, self.probes)
        self.seen.x0 = host(start).copy()
        if self.stop_after == "kernels":
            raise _Enough
        path = self._method.solver.solve(model, start, M, watch)
        self.seen.steps, self.seen.iterates = list(path.steps), [host(x) for x in path.iterates]
        self.seen.cg_stop = path.stop  # type: ignore[assignment]  # conjugate gradients are the solver of every case
        if self.stop_after == "cg":
            raise _Enough
        return path

    def choose(self, path: Path, score: Any, on: Cases, watch: Any) -> Chosen:
        own = self._method.selection.choose(path, score, on, watch)
        self.seen.own_choice = own.step
        if self.choice is None or self.choice == own.step or self.choice not in path.steps:
            return own
        p = path.iterates[path.steps.index(self.choice)]
        return Chosen(p, self.choice, score(on.all, p))

    def _kernels(self, model: Quadratic, M: Any, probes: Vector) -> dict[str, Any]:
        problem, host, g = self.case.problem, self.case.backend.to_host, self._made_of.gradient
        chunk = self.state.epoch % problem.num_chunks
        whole, part = (problem.score(self.state.theta, Cases(on)) for on in (None, chunk))
        scalars = {"ll": whole.log_likelihood, "err": whole.error, "oldll": float(g.log_likelihood)}
        vectors = {"grad": model.g, "grad2": g.full_squared, "gradchunk": g.chunk, "grad2chunk": g.chunk_squared}
        return {
            "forward": [host(y) for y in forward_values(self.case, self.state.theta, chunk)],
            **{name: host(vector) for name, vector in vectors.items()},
            **{**scalars, "ll_chunk": part.log_likelihood, "err_chunk": part.error},
            "precon": None if M is None else host(M),
            "Bv": self._products(model.B, probes),
            "Bv_undamped": self._products(self._made_of.curvature, probes),
        }

    def _products(self, A: Any, probes: Vector) -> Vector:
        """-A v for every column: the legacy code's products are those of what it maximises."""
        backend = self.case.backend
        columns = [backend.to_host(A(backend.asarray(v.copy()))) for v in probes.T]
        return -np.stack(columns, axis=1) if columns else probes


def forward_values(case: PortCase, theta: Any, chunk: int) -> list[Any]:
    """Outputs of layers 1 … L on a chunk, (s_i, n) each."""
    problem = case.problem
    layers, xp = problem.network.layers(theta), case.backend.xp
    blocks = [activations(problem.network, layers, block.inputs, xp).y[1:] for block in problem.cases.chunk(chunk)]
    return [xp.concatenate(parts, axis=1) for parts in zip(*blocks, strict=True)]


def host_state(record_theta: Vector, d: Vector, lam: float, epoch: int, case: PortCase) -> State:
    """The state before `epoch`, on the case's backend; a copy of both vectors."""
    theta, start = (case.backend.xp.array(case.backend.asarray(vector)) for vector in (record_theta, d))
    return hessian_free_state(theta, start, lam, epoch - 1)


def from_decayed_start(case: PortCase) -> PortCase:
    """The case for a state whose d has been decayed already."""
    return replace(case, options=replace(case.options, start_decay=1.0))


_FIGURES: Mapping[str, Callable[[Report], float | None]] = {
    "cg_steps": lambda r: r.cg_steps,
    "chose_iters": lambda r: r.chosen_step,
    "ch_norm": lambda r: r.d_norm,
    "rho": lambda r: r.rho,
    "reductions": lambda r: r.reductions,
    "rate": lambda r: r.rate,
    "lambda": lambda r: r.lam,
    "ll": lambda r: r.train.log_likelihood,
    "err": lambda r: r.train.error,
    "test_ll": lambda r: r.test.log_likelihood if r.test else None,
    "test_err": lambda r: r.test.error if r.test else None,
    "denom": lambda r: r.predicted_change,
    "oldll_chunk": lambda r: r.old_log_likelihood_chunk,
    "ll_chunk_after": lambda r: r.log_likelihood_chunk,
}


def _allowed(case: PortCase) -> tuple[float, float]:
    """Steps of CG, at most and at least."""
    return float(case.options.max_cg_steps), float(case.options.min_cg_steps)


def _figures(report: Report) -> dict[str, float]:
    values = {name: read(report) for name, read in _FIGURES.items()}
    return {name: float(value) for name, value in values.items() if value is not None}
