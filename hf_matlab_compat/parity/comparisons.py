"""The quantities of an epoch on two sides, stage by stage, each with its distance."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from hf_matlab_compat.parity.recording import ASKED_OF_CG, EpochRecord, distance

KERNEL_STAGES: Mapping[str, tuple[str, str]] = {
    "forward": ("forward", ""),
    "ll": ("ll", "training cases"),
    "oldll": ("ll", "in the gradient pass"),
    "ll_chunk": ("ll", "target chunk"),
    "err": ("err", "training cases"),
    "err_chunk": ("err", "target chunk"),
    "grad": ("grad", "training cases"),
    "gradchunk": ("grad", "target chunk"),
    "grad2": ("grad2", "training cases"),
    "grad2chunk": ("grad2", "target chunk"),
    "Bv": ("Bv", ""),
    "Bv_undamped": ("Bv_undamped", ""),
    "precon": ("precon", ""),
}
"""Stage and detail of every kernel by name."""

REQUIRED_KERNELS = ("forward", "ll", "err", "grad", "grad2", "gradchunk", "oldll", "precon", "Bv", "Bv_undamped")

FIGURE_STAGES: Mapping[str, tuple[str, str]] = {
    "cg_steps": ("cg_steps", ""),
    "maxiters": ("cg_steps", "maxiters that CG is given"),
    "miniters": ("cg_steps", "miniters that CG is given"),
    "predicted_change": ("rho", "predicted change"),
    "old_log_likelihood_chunk": ("rho", "ll of the chunk before"),
    "log_likelihood_chunk": ("rho", "ll of the chunk after"),
    "rho": ("rho", ""),
    "reductions": ("reductions", ""),
    "rate": ("rate", ""),
    "lam": ("lambda", ""),
    "d_norm": ("params", "norm of d"),
    "log_likelihood": ("params", "ll after the step"),
    "error": ("params", "err after the step"),
    "test_log_likelihood": ("params", "test ll"),
    "test_error": ("params", "test err"),
}
"""Stage and detail of every figure by name, except for the chosen iterate."""

REQUIRED_FIGURES = ("cg_steps", "d_norm", "rho", "reductions", "rate", "lam", "log_likelihood", "error")
_ALWAYS_MORE = ("v", "model")
"""Entries of a recording's kernels that are not compared."""


class Absent:
    """A missing value; `declared` says why a reference cannot have one."""

    def __init__(self, declared: str = "") -> None:
        self.declared = declared


ABSENT = Absent()


@dataclass(frozen=True)
class Comparison:
    """One quantity on both sides.

    Attributes
    ----------
    stage, detail : str
        As in `Line`.
    quantity : str
        As in a recording's envelope: a kernel, a figure, 'iterate <step>', 'model <step>',
        'd', 'theta', 'start'.
    kind : {'kernel', 'iterate', 'model', 'decision', 'choice', 'figure'}
        Which rule bounds it.
    ours, theirs : values, or `Absent`
    distance : float or None
        None where one is absent.
    """

    stage: str
    detail: str
    quantity: str
    kind: str
    ours: Any
    theirs: Any
    distance: float | None


Declared = Callable[[str], str]
"""Quantity → why this reference cannot show it; empty if it did not say so beforehand."""

Model = Callable[[EpochRecord, int], float]
"""Epoch and position of an iterate on its path → value of the quadratic model there."""


def undeclared(quantity: str) -> str:
    """Return '': nothing was said beforehand."""
    del quantity
    return ""


def kernel_comparisons(record: EpochRecord, ours: EpochRecord, declared: Declared = undeclared) -> Iterator[Comparison]:
    """Compare the kernels at the state in which the epoch began."""
    more = [name for name in record.kernels if name not in (*REQUIRED_KERNELS, *_ALWAYS_MORE)]
    for name in (*REQUIRED_KERNELS, *more):
        stage, detail = KERNEL_STAGES.get(name, ("forward", f"{name} (unknown to this package)"))
        theirs = _value(record.kernels, name, declared)
        if name == "forward" and not isinstance(theirs, Absent):
            yield from _layers_forward(theirs, ours.kernels.get("forward", []))
        else:
            yield _pair(stage, detail, name, "kernel", _value(ours.kernels, name), theirs)


def path_comparisons(
    record: EpochRecord, ours: EpochRecord, model: Model, declared: Declared = undeclared
) -> Iterator[Comparison]:
    """Compare the start of CG, the recorded iterates, and the values of the quadratic model at them."""
    yield _pair("cg_iterates", "start", "start", "kernel", ours.start if ours.start.size else ABSENT, record.start)
    if not record.steps:
        yield Comparison("cg_iterates", "", "iterates", "iterate", ABSENT, Absent(declared("iterates")), None)
        return
    a, b = (" ".join(str(int(step)) for step in side.steps) for side in (ours, record))
    yield Comparison("cg_iterates", "recorded steps", "steps", "decision", a, b, 0.0 if a == b else np.inf)
    # by step: a last iterate that is recorded twice is compared once
    own, theirs = ({int(step): at for at, step in enumerate(side.steps)} for side in (ours, record))
    for step in sorted({*own, *theirs}):
        a, b = (side.iterates[at[step]] if step in at else ABSENT for side, at in ((ours, own), (record, theirs)))
        yield _pair("cg_iterates", f"step {step}", f"iterate {step}", "iterate", a, b)
        if step in own and step in theirs:
            values = model(ours, own[step]), model(record, theirs[step])
            yield _pair("cg_iterates", f"step {step}, model", f"model {step}", "model", *values)


def steps_comparison(record: EpochRecord, ours: EpochRecord) -> Comparison:
    """Compare the last recorded steps, where nothing else tells how many were done."""
    a, b = (side.steps[-1] if side.steps else ABSENT for side in (ours, record))
    return _pair("cg_steps", "", "cg_steps", "decision", a, b)


def figure_comparisons(
    record: EpochRecord, ours: EpochRecord, tested: bool, declared: Declared = undeclared
) -> Iterator[Comparison]:
    """Compare decisions and figures, except for the chosen iterate."""
    tests = ("test_log_likelihood", "test_error")
    required = (*REQUIRED_FIGURES, *(tests if tested else ()))
    more = [name for name in record.figures if name not in (*required, *tests, "chosen_step")]
    for name in (*required, *more):
        stage, detail = FIGURE_STAGES.get(name, ("params", f"{name} (unknown to this package)"))
        kind = "decision" if name in ("cg_steps", "reductions", "rate", "lam", *ASKED_OF_CG) else "figure"
        yield _pair(stage, detail, name, kind, _value(ours.figures, name), _value(record.figures, name, declared))


def end_comparisons(
    record: EpochRecord, ours: EpochRecord, names: Sequence[str], declared: Declared
) -> Iterator[Comparison]:
    """Compare some figures, and the parameters where ours has them: all that a call leaves of an epoch."""
    if ours.theta_after is not None or not ours.figures:
        yield next(state_comparisons(record, ours, declared))
    for name in names:
        stage, detail = FIGURE_STAGES[name]
        kind = "decision" if name == "lam" else "figure"
        yield _pair(stage, detail, name, kind, _value(ours.figures, name), _value(record.figures, name, declared))


def choice_comparison(record: EpochRecord, ours: EpochRecord, declared: Declared) -> Comparison:
    """Compare the iterate that backtracking chose by itself with the reference's."""
    theirs = _value(record.figures, "chosen_step", declared)
    return _pair("chose_iters", "", "chosen_step", "choice", ours.own_choice or ABSENT, theirs)


def state_comparisons(record: EpochRecord, ours: EpochRecord, declared: Declared = undeclared) -> Iterator[Comparison]:
    """Compare the parameters after the epoch, in units of the step, and d, from which the next CG run starts."""
    theirs = Absent(declared("theta")) if record.theta_after is None else record.theta_after
    pair = _pair("params", "theta", "theta", "figure", _or_absent(ours.theta_after), theirs)
    if pair.distance:
        before, after, own = (np.asarray(v, float) for v in (record.theta, theirs, ours.theta_after))
        step = float(np.linalg.norm(after - before)) if before.size else 0.0
        pair = replace(pair, distance=float(np.linalg.norm(own - after)) / step if step else pair.distance)
    yield pair
    d = Absent(declared("d")) if record.d_after is None else record.d_after
    yield _pair("params", "d, where the next CG run starts", "d", "figure", _or_absent(ours.d_after), d)


def distances(member: EpochRecord, plain: EpochRecord, model: Model) -> dict[str, float]:
    """Return by quantity how far two runs of one side are apart, in all that both have.

    Parameters
    ----------
    member, plain : EpochRecord
        The same epoch of both runs; distances are relative to `plain`.
    model : callable
        As in `path_comparisons`.
    """
    pairs = [*kernel_comparisons(plain, member), *path_comparisons(plain, member, model)]
    if plain.figures:
        pairs += [
            *figure_comparisons(plain, member, "test_log_likelihood" in plain.figures),
            *state_comparisons(plain, member),
        ]
    elif plain.steps:
        pairs.append(steps_comparison(plain, member))
    apart: dict[str, float] = {}
    for pair in pairs:
        if pair.distance is not None:
            apart[pair.quantity] = max(pair.distance, apart.get(pair.quantity, 0.0))
    return apart


def _pair(stage: str, detail: str, quantity: str, kind: str, ours: Any, theirs: Any) -> Comparison:
    absent = isinstance(ours, Absent) or isinstance(theirs, Absent)
    return Comparison(stage, detail, quantity, kind, ours, theirs, None if absent else distance(ours, theirs))


def _layers_forward(theirs: Any, ours: Sequence[Any]) -> Iterator[Comparison]:
    layers = [theirs] if isinstance(theirs, np.ndarray) and theirs.dtype != object else list(theirs)
    for i in range(max(len(layers), len(ours))):
        a, b = (side[i] if i < len(side) else ABSENT for side in (ours, layers))
        yield _pair("forward", f"layer {i + 1}{_other_number_of_cases(a, b)}", "forward", "kernel", a, b)


def _other_number_of_cases(ours: Any, theirs: Any) -> str:
    a, b = ((*np.shape(side), 1)[1] if np.ndim(side) else 0 for side in (ours, theirs))
    return f": {a} cases, the reference has {b}" if a and b and a != b else ""


def _value(values: Mapping[str, Any], name: str, declared: Declared = undeclared) -> Any:
    if name in values and values[name] is None:
        return Absent(declared(name) or "this reference does not show it")
    return values[name] if name in values else Absent(declared(name))


def _or_absent(value: Any) -> Any:
    return ABSENT if value is None else value
