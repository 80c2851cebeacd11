"""The engine that runs this package: its epochs of a case, recorded as those of a reference are.

The rules of the method are wrapped in taps, which record what they are given and what they return. The loop that runs
is the one that users run; nothing of it is repeated here.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from typing import Any

import numpy as np

from hf_matlab_compat.errors import HessianFreeError, ParityError
from hf_matlab_compat.hessian_free import HessianFree
from hf_matlab_compat.matlab.logs.text_log import epoch_lines, scores_by_name
from hf_matlab_compat.method import epochs
from hf_matlab_compat.parity.engines.port_case import PortCase, feedforward_case
from hf_matlab_compat.parity.engines.recurrent_port import recurrent_port_case
from hf_matlab_compat.parity.log_comparison import total_before
from hf_matlab_compat.parity.recording import ASKED_OF_CG, Case, EpochRecord, Recording, Vector
from hf_matlab_compat.parity.recurrent_cases import is_recurrent
from hf_matlab_compat.problem import Cases, Curvature, Gradient
from hf_matlab_compat.solvers.rules import Chosen, Path, Preconditioner, Quadratic
from hf_matlab_compat.state import Report, State

_FIGURES = (
    *("cg_steps", "chosen_step", "d_norm", "rho", "reductions", "rate", "lam"),
    *("predicted_change", "old_log_likelihood_chunk", "log_likelihood_chunk"),
)
"""Figures of a report that are compared, beside its scores."""


def port_case(case: Case, precision: str, backend: str = "numpy") -> PortCase:
    """Prepare a case to be run on a backend, with the checks of a user's call.

    Raises
    ------
    OptionError
        An option does not fit, or there is no such backend.
    DataError
        The data do not fit.
    """
    make = recurrent_port_case if is_recurrent(case) else feedforward_case
    return make(case, precision, backend)


class PortEngine:
    """Records this package's own run of a case, from its start; see `Engine`.

    Parameters
    ----------
    backend : {'numpy', 'numba', 'cupy'}
    """

    name = "port"

    def __init__(self, backend: str = "numpy") -> None:
        self.backend = backend

    def record(self, case: Case, *, precision: str, mode: str, epochs: int = 8) -> Recording:
        """Run the case in lockstep: each epoch from copies of the numbers that the one before left; see `Engine`.

        Raises
        ------
        ParityError
            Another mode is asked for.
        """
        if mode != "lockstep":
            raise ParityError(f"mode: expected 'lockstep' of this package's own run, got {mode!r}.")
        theta = np.asarray(case.arguments["paramsp"]).ravel()
        probes = np.random.default_rng(0).standard_normal((theta.size, 2)).astype(np.float32)
        return Recording(
            case=case,
            precision=precision,
            mode=mode,
            epochs=single_epochs(port_case(case, precision, self.backend), theta, epochs, probes),
            provenance={"engine": self.name, "not shown: checkpoint": "see the stage 'entry'"},
        )

    def with_envelope(self, recording: Recording) -> Recording:
        """Return the recording as it is: E of this package's runs is measured where a line needs it."""
        return recording


def single_epochs(case: PortCase, theta: Vector, count: int, probes: Vector | None = None) -> list[EpochRecord]:
    """Run epochs from the start, each from nothing but copies of the numbers that the last one left.

    Raises
    ------
    HessianFreeError
        An epoch stopped.
    """
    theta = np.asarray(theta).ravel()
    d, lam, total = np.zeros_like(theta), case.options.initial_lam, 0
    done: list[EpochRecord] = []
    for k in range(count):
        epoch = run_epoch(case, case.state(theta, d, lam, k, total), probes, None)
        assert epoch.report is not None  # for the type checker: a whole epoch was run
        theta, d = (np.asarray(vector) for vector in (epoch.theta_after, epoch.d_after))
        lam, total = epoch.report.lam, epoch.report.total_cg_steps
        done.append(epoch)
    return done


def port_epochs(case: PortCase, recording: Recording, noise: float = 0.0, seed: int = 0) -> Iterator[EpochRecord | str]:
    """Run this package's epochs beside a recording's, begun and guided as its mode says.

    In place of an epoch that could not be run, it yields a sentence. `noise` is relative, on the parameters that a
    free run starts from.
    """
    if recording.mode == "free":
        yield from _free(case, recording, noise, seed)
        return
    before: EpochRecord | None = None
    for record in recording.epochs:
        yield port_epoch(case, recording, record, before)
        before = record


def port_epoch(
    case: PortCase, recording: Recording, record: EpochRecord, before: EpochRecord | None
) -> EpochRecord | str:
    """Run one epoch from the reference's state; only its kernels where the recording has no more."""
    try:
        started, state = starting(case, record, before)
        if recording.mode == "kernels":
            return run_kernels(started, state, _probes(record), with_cg=bool(record.steps))
        return run_epoch(started, state, _probes(record), _choice(record))
    except HessianFreeError as error:
        return f"this package stopped: {error}"


def starting(case: PortCase, record: EpochRecord, before: EpochRecord | None) -> tuple[PortCase, State]:
    """Return the state in which a recorded epoch began, and the case to run from it.

    After the epoch before it, d is the last CG iterate, still to be decayed. Without that epoch, d is the recorded
    start of CG, which is decayed already, so that the case is given a decay of 1.
    """
    consecutive = before is not None and before.epoch + 1 == record.epoch and before.d_after is not None
    d = before.d_after if consecutive and before is not None else record.start
    undecayed = consecutive or not np.any(record.start)
    total = total_before(record.log_lines, record.figures.get("cg_steps") or 0)
    state = case.state(record.theta, np.asarray(d), record.lam, record.epoch - 1).remembering(total_cg_steps=total)
    return case if undecayed else replace(case, options=replace(case.options, start_decay=1.0)), state


def run_epoch(case: PortCase, state: State, probes: Vector | None, choice: int | None) -> EpochRecord:
    """Run the epoch that follows `state`.

    Parameters
    ----------
    case : PortCase
        The case, with its options.
    state : State
        Vectors on the case's backend.
    probes : (P, k) array or None
        Vectors that curvature products are shown for; None shows no kernels.
    choice : int or None
        CG step whose iterate the epoch goes on with, if it is on the path; None for this package's own choice.
    """
    taps = _Taps(case, state, probes, choice)
    report, after = taps.run()
    host, limits = case.backend.to_host, (case.options.max_cg_steps, case.options.min_cg_steps)
    figures = {name: float(report.figures[name]) for name in _FIGURES} | scores_by_name(report)
    return replace(
        taps.record(),
        figures=figures | dict(zip(ASKED_OF_CG, map(float, limits), strict=True)),
        theta_after=host(after.theta).copy(),
        d_after=host(after.d).copy(),
        log_lines=epoch_lines(report, case.options),
        report=report,
        state=after,
    )


def run_kernels(case: PortCase, state: State, probes: Vector, with_cg: bool) -> EpochRecord:
    """Run the epoch that follows `state` up to the end of CG, or only its kernels; arguments as in `run_epoch`."""
    taps = _Taps(case, state, probes, None, stop_after="cg" if with_cg else "kernels")
    with suppress(_Enough):
        taps.run()
    return taps.record()


class _Enough(Exception):
    """All that was asked for has been recorded."""


class _SeenPreconditioner:
    """A preconditioner that keeps the curvature and the gradient it is made of."""

    def __init__(self, rule: Preconditioner) -> None:
        self._rule = rule
        self.curvature: Any = None
        self.gradient: Any = None

    def __call__(self, G: Curvature, gradient: Gradient, lam: float) -> Any:
        self.curvature, self.gradient = G, gradient
        return self._rule(G, gradient, lam)


class _Taps:
    """The inner solver and the choice of the iterate, wrapped; `record` gives what they and the preconditioner saw."""

    def __init__(
        self, case: PortCase, state: State, probes: Vector | None, choice: int | None, stop_after: str = ""
    ) -> None:
        self.case, self.state, self.choice, self.stop_after = case, state, choice, stop_after
        self.probes = probes
        self._seen: dict[str, Any] = {}
        self._method: HessianFree = case.method
        self._made_of = _SeenPreconditioner(self._method.preconditioner)

    def run(self) -> tuple[Report, State]:
        tapped = replace(self._method, solver=self, selection=self, preconditioner=self._made_of)
        with self.case.backend.quiet():
            return next(epochs(self.case.problem, tapped, self.state, self.state.epoch + 1, self.case.evaluate))

    def record(self) -> EpochRecord:
        theta = self.case.backend.to_host(self.state.theta)
        return EpochRecord(epoch=self.state.epoch + 1, theta=theta, lam=float(self.state.lam), **self._seen)

    def solve(self, model: Quadratic, start: Any, M: Any, watch: Any) -> Path:
        host = self.case.backend.to_host
        if self.probes is not None:
            self._seen["kernels"] = self._kernels(model, M, self.probes)
        self._seen["start"] = host(start).copy()
        if self.stop_after == "kernels":
            raise _Enough
        path = self._method.solver.solve(model, start, M, watch)
        self._seen |= {"steps": list(path.steps), "iterates": [host(x) for x in path.iterates], "cg_stop": path.stop}
        if self.stop_after == "cg":
            raise _Enough
        return path

    def choose(self, path: Path, score: Any, on: Cases, watch: Any) -> Chosen:
        own = self._method.selection.choose(path, score, on, watch)
        self._seen["own_choice"] = own.step
        if self.choice is None or self.choice == own.step or self.choice not in path.steps:
            return own
        p = path.iterates[path.steps.index(self.choice)]
        return Chosen(p, self.choice, score(on.all, p))

    def _kernels(self, model: Quadratic, M: Any, probes: Vector) -> dict[str, Any]:
        problem, host, g = self.case.problem, self.case.backend.to_host, self._made_of.gradient
        chunk = self.state.epoch % problem.num_chunks
        whole, part = (problem.score(self.state.theta, Cases(on)) for on in (None, chunk))
        scalars = {"ll": whole.log_likelihood, "err": whole.error, "oldll": float(g.log_likelihood)}
        vectors = {
            "grad": model.g,
            "grad2": self.case.squares(g, self._made_of.curvature),
            "gradchunk": g.chunk,
            "grad2chunk": g.chunk_squared,
        }
        return {
            "forward": [host(y) for y in self.case.forward(self.state.theta, chunk)],
            **{name: host(vector) for name, vector in vectors.items()},
            **{**scalars, "ll_chunk": part.log_likelihood, "err_chunk": part.error},
            "precon": None if M is None else host(M),
            "v": probes,
            "Bv": self._products(model.B, probes),
            "Bv_undamped": self._products(self._made_of.curvature, probes),
        }

    def _products(self, A: Any, probes: Vector) -> Vector:
        """Return -A v for every column: the legacy code's products are those of the objective that it maximises."""
        backend = self.case.backend
        columns = [backend.to_host(A(backend.asarray(v.copy()))) for v in probes.T]
        return -np.stack(columns, axis=1) if columns else probes


def _free(case: PortCase, recording: Recording, noise: float, seed: int) -> Iterator[EpochRecord | str]:
    started, state = starting(case, recording.epochs[0], None)
    if noise:
        random = np.random.default_rng(seed).standard_normal(state.theta.shape)
        state = replace(state, theta=(state.theta * (1 + noise * random)).astype(state.theta.dtype))
    trouble = ""
    for record in recording.epochs:
        if not trouble:
            try:
                begins = record is recording.epochs[0] and bool(record.kernels)
                epoch = run_epoch(started, state, _probes(record) if begins else None, _choice(record))
                assert epoch.state is not None  # for the type checker: a whole epoch was run
                started, state = case, epoch.state
                yield epoch
                continue
            except HessianFreeError as error:
                trouble = f"this package stopped: {error}"
        yield trouble


def _probes(record: EpochRecord) -> Vector:
    """Return the probe vectors of a recording, (P, k)."""
    v = record.kernels.get("v")
    v = np.zeros((len(record.theta), 0)) if v is None else np.asarray(v)
    return v.reshape(len(record.theta), -1)


def _choice(record: EpochRecord) -> int | None:
    choice = record.figures.get("chosen_step")
    return None if choice is None else int(choice)
