"""This package as an engine: the epochs of a case, from given states, with everything on the way written down."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hf_matlab_compat.backends.backend import Backend, get_backend
from hf_matlab_compat.errors import HessianFreeError
from hf_matlab_compat.hessian_free import HessianFree
from hf_matlab_compat.legacy.arguments import refuse_new_units, to_field_terms
from hf_matlab_compat.matlab.logs.text_log import epoch_lines
from hf_matlab_compat.method import epochs
from hf_matlab_compat.model.activations import activations
from hf_matlab_compat.model.network import build_network
from hf_matlab_compat.objective.feedforward import FeedforwardProblem, feedforward_problem
from hf_matlab_compat.options import Options
from hf_matlab_compat.parity.log_comparison import total_before
from hf_matlab_compat.parity.recording import ASKED_OF_CG, Case, EpochRecord, Recording
from hf_matlab_compat.preflight.data import check_test_data, check_training_data
from hf_matlab_compat.preflight.layout import check_layout
from hf_matlab_compat.problem import Cases, Curvature, Gradient
from hf_matlab_compat.registry import method_of
from hf_matlab_compat.solvers.conjgrad import CGStop
from hf_matlab_compat.solvers.rules import Chosen, Path, Preconditioner, Quadratic
from hf_matlab_compat.state import Report, State, hessian_free_state

_NOT_THE_CASE = ("runName", "runDesc", "resumeFile", "maxepoch", "jacket", "Win", "bin", "paramsp")
_DATA = ("inputs", "targets", "test_inputs", "test_targets", "hidden_sizes", "unit_types")
_WHOLE = ("max_cg_steps", "min_cg_steps")


@dataclass(frozen=True)
class PortCase:
    """A case, ready to be run.

    Attributes
    ----------
    problem : FeedforwardProblem
    held_out : FeedforwardProblem or None
        Evaluated only.
    options : Options
    """

    problem: FeedforwardProblem
    held_out: FeedforwardProblem | None
    options: Options

    @property
    def backend(self) -> Backend:
        """Where it runs."""
        return self.problem.backend

    @property
    def method(self) -> Any:
        """The rules that its options ask for."""
        return method_of(self.options, self.backend)

    def evaluate(self, theta: Any) -> Any:
        """Held-out score at θ, or None."""
        return None if self.held_out is None else self.held_out.score(theta, Cases())


def port_case(case: Case, precision: str, backend: str = "numpy") -> PortCase:
    """The case on a backend.

    Parameters
    ----------
    case : Case
    precision : {'single', 'double'}
    backend : {'numpy', 'numba', 'cupy'}

    Raises
    ------
    OptionError, DataError
        An argument does not fit, or there is no such backend.
    """
    given = {name: value for name, value in case.arguments.items() if name not in _NOT_THE_CASE}
    terms = {**to_field_terms({**given, **case.constants}), "precision": precision, "backend": backend}
    options = Options.from_keywords(**_options(terms))
    refuse_new_units(terms["unit_types"], options.faithful)
    hidden, units = check_layout(terms["hidden_sizes"], terms["unit_types"], options)
    data = check_training_data(terms["inputs"], terms["targets"], units[-1], options)
    held_out = check_test_data(terms.get("test_inputs"), terms.get("test_targets"), data, units[-1], options)
    sizes = [data.inputs.shape[0], *hidden, data.targets.shape[0]]
    network = build_network(sizes, units, options.loss, options.error_measure)
    device = get_backend(options.backend, options.precision, options.num_threads)
    problem, tested = (
        None if part is None else feedforward_problem(network, part, options, device, resident=not device.on_host)
        for part in (data, held_out)
    )
    assert problem is not None  # for the type checker: data is always there
    return PortCase(problem, tested, options)


def _options(terms: Mapping[str, Any]) -> dict[str, Any]:
    kept = {name: value for name, value in terms.items() if name not in _DATA}
    whole = {name: int(np.ceil(kept[name])) for name in _WHOLE if name in kept}  # as MATLAB rounds them
    return {**kept, **whole}


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


def port_epochs(case: PortCase, recording: Recording, noise: float = 0.0, seed: int = 0) -> Iterator[PortEpoch | str]:
    """This package's epochs beside the recording's; in place of one that could not be run, a sentence.

    Parameters
    ----------
    case : PortCase
        Of the recording, on any backend.
    recording : Recording
    noise, seed : float, int
        Relative noise on the parameters that a free run starts from.
    """
    if recording.mode == "free":
        yield from _free(case, recording, noise, seed)
        return
    before: EpochRecord | None = None
    for record in recording.epochs:
        yield port_epoch(case, recording, record, before)
        before = record


def port_epoch(case: PortCase, recording: Recording, record: EpochRecord, before: EpochRecord | None) -> Any:
    """One epoch from the reference's state; its kernels alone where the recording has no more."""
    try:
        started, state = starting(case, record, before)
        if recording.mode == "kernels":
            return run_kernels(started, state, _probes(record), with_cg=bool(record.steps))
        return run_epoch(started, state, _probes(record), _choice(record))
    except HessianFreeError as error:
        return f"this package stopped: {error}"


def starting(case: PortCase, record: EpochRecord, before: EpochRecord | None) -> tuple[PortCase, State]:
    """The state in which a recorded epoch began.

    After the epoch before it that is the last CG iterate, still to be decayed; without one, the recorded start of CG.
    """
    consecutive = before is not None and before.epoch + 1 == record.epoch and before.d_after is not None
    d = before.d_after if consecutive and before is not None else record.start
    undecayed = consecutive or not np.any(record.start)
    total = total_before(record.log_lines, record.figures.get("cg_steps") or 0)
    state = host_state(record.theta, np.asarray(d), record.lam, record.epoch, case)
    return (case if undecayed else from_decayed_start(case)), state.remembering(total_cg_steps=total)


def _free(case: PortCase, recording: Recording, noise: float, seed: int) -> Iterator[PortEpoch | str]:
    started, state = starting(case, recording.epochs[0], None)
    if noise:
        random = np.random.default_rng(seed).standard_normal(state.theta.shape)
        noisy = state.theta * (1 + noise * random)
        state = replace(state, theta=noisy.astype(state.theta.dtype))
    trouble = ""
    for record in recording.epochs:
        if not trouble:
            try:
                begins = record is recording.epochs[0] and bool(record.kernels)
                epoch = run_epoch(started, state, _probes(record) if begins else None, _choice(record))
                assert epoch.state is not None
                started, state = case, epoch.state
                yield epoch
                continue
            except HessianFreeError as error:
                trouble = f"this package stopped: {error}"
        yield trouble


def _probes(record: EpochRecord) -> Any:
    """Probe vectors, (P, k)."""
    v = record.kernels.get("v")
    v = np.zeros((len(record.theta), 0)) if v is None else np.asarray(v)
    return v.reshape(len(record.theta), -1)


def _choice(record: EpochRecord) -> int | None:
    choice = record.figures.get("chose_iters")
    return None if choice is None else int(choice)
