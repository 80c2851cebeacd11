"""Which cases a comparison runs, in which mode and precision, and for how many epochs."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from hf_matlab_compat.parity.cases import MADE_CASES, builtin_names, find_cases
from hf_matlab_compat.parity.engines import Engine
from hf_matlab_compat.parity.recording import Case

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
"""Run in the modes asked for, and with them `MADE_CASES`: the chunks wrap around, and the last case rejects a step."""
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
"""Combinations of mattype, output and rms that those lack, and CG of 250 steps: seen in the kernels of one epoch."""
DEFAULT_EPOCHS = 5
"""One more than there are chunks in the default cases."""
LONGER: Mapping[str, int] = {"s_hess_negative_curvature": 7, **dict.fromkeys(MADE_CASES, 3)}
"""Epochs of cases that come later, or sooner, to what they are there for, where no number is asked for."""
QUICK_CASES = (
    "ae_logistic",
    "class_softmax",
    "k_logistic_rms1_hess_hy1_lam1",
    "k_logistic_rms0_empfish_hy1_lam1",
    "made_gn_blocks",
)
"""Of the default run against a live reference, so that it takes about a minute even where no envelope is known yet."""
QUICK_IN_BOTH = 2
"""So many of these in single precision as well, where both are asked for."""
LONG_CASES = ("ae_logistic",)
LONG_EPOCHS = 12
LONG_LAMBDAS = (1e-12, 1e12)
"""Of a long run: more epochs; and starts of lambda at which a floor or a ceiling under or over it would be reached."""
EXTENTS = ("quick", "thorough", "long")


@dataclass(frozen=True)
class Run:
    """What to ask an engine for."""

    case: Case
    mode: str
    precision: str
    epochs: int

    @property
    def name(self) -> str:
        return f"{self.case.name}, {self.precision}, {self.mode}"


def planned_runs(
    engine: Engine,
    cases: Sequence[str | os.PathLike[str] | Case] | None,
    modes: Sequence[str],
    precisions: Sequence[str],
    extent: Sequence[str],
) -> list[Run]:
    """All runs, in order."""
    if cases is not None:
        asked = _live(cases, engine)
        runs = [Run(case, mode, p, _epochs(case, mode)) for case in asked for mode in modes for p in precisions]
    else:
        asked = find_cases(LONG_CASES)
        quick = runs_live(engine) and "thorough" not in extent
        runs = _quick_runs(modes, precisions) if quick else _thorough_runs(modes, precisions, engine)
    return [*_long_runs(asked, precisions), *_others(runs, asked)] if "long" in extent else runs


def _quick_runs(modes: Sequence[str], precisions: Sequence[str]) -> list[Run]:
    """A few cases in the first precision, and fewer of them in the other."""
    counts = {p: QUICK_IN_BOTH if number else len(QUICK_CASES) for number, p in enumerate(precisions)}
    return [
        Run(case, mode, p, _epochs(case, mode))
        for number, case in enumerate(find_cases(QUICK_CASES))
        for mode in modes
        for p in precisions
        if number < counts[p]
    ]


def _thorough_runs(modes: Sequence[str], precisions: Sequence[str], engine: Engine) -> list[Run]:
    names = (*DEFAULT_CASES, *(MADE_CASES if runs_live(engine) else ()))
    asked = [(case, mode) for case in find_cases(names) for mode in modes]
    asked += [(case, "kernels") for case in find_cases(KERNEL_CASES) if {*modes} & {"lockstep", "kernels"}]
    return [Run(case, mode, p, _epochs(case, mode)) for case, mode in asked for p in precisions]


def _long_runs(asked: Sequence[Case], precisions: Sequence[str]) -> list[Run]:
    """More epochs of these cases; and of each, in the first precision, two epochs from other values of lambda."""
    longer = [Run(case, "lockstep", p, LONG_EPOCHS) for case in asked for p in precisions]
    starts = [
        replace(case, name=f"{case.name}, lambda {lam:g}", constants={**case.constants, "initlambda": lam})
        for case in asked
        for lam in LONG_LAMBDAS
    ]
    return longer + [Run(case, "lockstep", precisions[0], 2) for case in starts]


def _others(runs: Sequence[Run], long: Sequence[Case]) -> list[Run]:
    """Those that are not in the longer runs."""
    names = {case.name for case in long}
    return [run for run in runs if run.mode != "lockstep" or run.case.name not in names]


def runs_live(engine: Engine) -> bool:
    """Whether it runs a reference on any case; recorded numbers are there for some."""
    return engine.name != "recorded"


def _live(cases: Sequence[str | os.PathLike[str] | Case], engine: Engine) -> list[Case]:
    """Those asked for; 'all' of what was recorded, where nothing else can be had."""
    every = (*builtin_names(), *MADE_CASES) if runs_live(engine) else builtin_names()
    return find_cases([name for one in cases for name in (every if one == "all" else (one,))])


def _epochs(case: Case, mode: str) -> int:
    """Of a run, where no number is asked for."""
    if mode == "kernels" and case.name in KERNEL_CASES:
        return 1
    return LONGER.get(case.name, DEFAULT_EPOCHS)
