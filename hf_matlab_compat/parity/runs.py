"""The runs of a comparison: which cases, in which mode and precision, and for how many epochs."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from hf_matlab_compat.parity.cases import MADE_CASES, builtin_names, find_cases
from hf_matlab_compat.parity.engines import Engine
from hf_matlab_compat.parity.recording import Case
from hf_matlab_compat.parity.recurrent_cases import RECURRENT_CASES

DEFAULT_CASES = (
    "ae_logistic",
    "ae_tanh_linear",
    "class_softmax",
    "k_logistic_rms0_hess_hy1_lam1",
    "k_logistic_rms1_hess_hy1_lam1",
    "k_tanh_rms1_gn_hy1_lam1",
    "k_logistic_rms0_gn_hy0_lam1",
    "k_logistic_rms0_empfish_hy1_lam1",
    "s_hess_negative_curvature",
)
"""Cases of a thorough run, beside `MADE_CASES`: the chunks wrap around, and the last case rejects a step."""
KERNEL_CASES = (
    "k_linear_rms0_empfish_hy1_lam1",
    "k_linear_rms0_hess_hy1_lam1",
    "k_linear_rms1_gn_hy1_lam1",
    "k_linear_rms1_hess_hy1_lam1",
    "k_logistic_rms1_gn_hy1_lam1",
    "k_softmax_rms0_empfish_hy1_lam1",
    "k_softmax_rms0_hess_hy1_lam1",
    "k_softmax_rms1_hess_hy1_lam1",
    "s_ae_tiny_lambda",
)
"""Other combinations of mattype, output and rms, and CG of 250 steps: run for the kernels of one epoch."""
DEFAULT_EPOCHS = 5
"""One more than there are chunks in the default cases."""
LONGER: Mapping[str, int] = {"s_hess_negative_curvature": 7, **dict.fromkeys(MADE_CASES, 3)}
"""Epochs of cases that show what they are for later, or sooner, where no number is asked for."""
QUICK_CASES = (
    "ae_logistic",
    "class_softmax",
    "k_logistic_rms1_hess_hy1_lam1",
    "k_logistic_rms0_empfish_hy1_lam1",
    "made_gn_blocks",
)
"""Cases of the default run against a live reference, about a minute even where no envelope is known yet."""
QUICK_IN_BOTH = 2
"""Number of these that are run in the second precision as well."""
LONG_CASES = ("ae_logistic",)
LONG_EPOCHS = 12
LONG_LAMBDAS = (1e-12, 1e12)
"""Starts of lambda in a long run, at which a floor or a ceiling of lambda would be reached."""
EXTENTS = ("quick", "thorough", "long")


@dataclass(frozen=True)
class Run:
    """A run to ask an engine for."""

    case: Case
    mode: str
    precision: str
    epochs: int

    @property
    def name(self) -> str:
        """Case, precision and mode in words."""
        return f"{self.case.name}, {self.precision}, {self.mode}"


def planned_runs(
    engine: Engine,
    cases: Sequence[str | os.PathLike[str] | Case] | None,
    modes: Sequence[str],
    precisions: Sequence[str],
    extent: Sequence[str],
) -> list[Run]:
    """Return all runs, in order; arguments as in `run_parity`."""
    live = runs_live(engine)
    if cases is not None:
        asked = _named(cases, engine)
        runs = [_run(case, mode, p) for case in asked for mode in modes for p in precisions]
    else:
        asked = find_cases(LONG_CASES)
        quick = live and "thorough" not in extent
        made = (*MADE_CASES, *recurrent_of(engine)) if live else ()
        runs = _quick_runs(modes, precisions) if quick else _thorough_runs(modes, precisions, made)
    if "long" not in extent:
        return runs
    names = {case.name for case in asked}
    others = [run for run in runs if run.mode != "lockstep" or run.case.name not in names]
    return [*_long_runs(asked, precisions), *others]


def recurrent_of(engine: Engine) -> tuple[str, ...]:
    """Return the recurrent cases, if the engine has a reference that trains them; somebody's trainer may not."""
    return RECURRENT_CASES if getattr(engine, "trains_recurrent", False) else ()


def runs_live(engine: Engine) -> bool:
    """Return whether an engine runs a reference on any case; recorded numbers exist for some."""
    return engine.name != "recorded"


def _quick_runs(modes: Sequence[str], precisions: Sequence[str]) -> list[Run]:
    """Return a few cases in the first precision, and fewer of them in the other."""
    counts = {p: QUICK_IN_BOTH if number else len(QUICK_CASES) for number, p in enumerate(precisions)}
    cases = list(enumerate(find_cases(QUICK_CASES)))
    return [_run(case, mode, p) for n, case in cases for mode in modes for p in precisions if n < counts[p]]


def _thorough_runs(modes: Sequence[str], precisions: Sequence[str], made: Sequence[str]) -> list[Run]:
    asked = [(case, mode) for case in find_cases((*DEFAULT_CASES, *made)) for mode in modes]
    asked += [(case, "kernels") for case in find_cases(KERNEL_CASES) if {*modes} & {"lockstep", "kernels"}]
    return [_run(case, mode, p) for case, mode in asked for p in precisions]


def _long_runs(asked: Sequence[Case], precisions: Sequence[str]) -> list[Run]:
    """Return more epochs of these cases; and of each, in the first precision, two epochs from other lambdas."""
    longer = [Run(case, "lockstep", p, LONG_EPOCHS) for case in asked for p in precisions]
    starts = [
        replace(case, name=f"{case.name}, lambda {lam:g}", constants={**case.constants, "initlambda": lam})
        for case in asked
        for lam in LONG_LAMBDAS
    ]
    return longer + [Run(case, "lockstep", precisions[0], 2) for case in starts]


def _run(case: Case, mode: str, precision: str) -> Run:
    """Return a run of as many epochs as are taken where no number is asked for."""
    one = mode == "kernels" and case.name in KERNEL_CASES
    return Run(case, mode, precision, 1 if one else LONGER.get(case.name, DEFAULT_EPOCHS))


def _named(cases: Sequence[str | os.PathLike[str] | Case], engine: Engine) -> list[Case]:
    """Return the cases asked for; 'all' includes made ones where a reference can be run."""
    made = (*MADE_CASES, *recurrent_of(engine)) if runs_live(engine) else ()
    every = (*builtin_names(), *made)
    return find_cases([name for one in cases for name in (every if one == "all" else (one,))])
