"""One epoch from every recorded state: the decisions, the figures and the state it leaves."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pytest

from hf_matlab_compat.state import Report, State
from tests.cases import MAIN, PRECISIONS, STATES, golden, probe, recorded_iterates, state_at, trace
from tests.parity.golden_bounds import distance, figure_bound, iterate_bound, spread, tie_bound
from tests.parity.refereed_epoch import FIGURES, Referee, refereed_epoch

RECORDED = [(name, epoch, precision) for name, epoch in STATES for precision in PRECISIONS]
EVERY_STATE = pytest.mark.parametrize(
    ("name", "epoch", "precision"), RECORDED, ids=[f"{n}-{e}-{p}" for n, e, p in RECORDED]
)
IN_DOUBLE = pytest.mark.parametrize(("name", "epoch"), STATES, ids=[f"{n}-{e}" for n, e in STATES])
RECORDED_FIGURES = [(n, e, figure) for n, e in STATES for figure in FIGURES if figure in trace(n, "double")]
LONG_CG = {("k_softmax_rms0_gn_hy1_lamtiny", "single"): [35, 36]}
"""CG steps of cases without an ensemble in this precision, where they may differ."""


@cache
def one_epoch(name: str, epoch: int, precision: str) -> tuple[Report, State, Referee]:
    case = golden(name, precision)
    state, options = state_at(case, probe(name, precision, epoch), epoch)
    chosen = int(trace(name, precision)["chose_iters"][epoch - 1])
    return refereed_epoch(case, golden(name, "double"), state, options, chosen)


def rounding(name: str, epoch: int, precision: str) -> dict[str, Any]:
    """E of an epoch's figures; where no lockstep ensemble was run, of the first epoch of a free run."""
    if name in MAIN:
        return {**spread()[f"lockstep/{name}/{precision}/{epoch}"]}
    return {key: values[0] for key, values in spread()[f"free/{name}/double/0"].items()}


@EVERY_STATE
def test_cg_steps_reductions_and_lambda_are_the_recorded_ones(name: str, epoch: int, precision: str) -> None:
    report, _, _ = one_epoch(name, epoch, precision)
    recorded = {key: trace(name, precision)[key][epoch - 1] for key in ("cg_steps", "nred", "lambda_after")}
    seen = spread().get(f"lockstep/{name}/{precision}/{epoch}", {}).get("cg_steps_seen")
    steps = seen or LONG_CG.get((name, precision), [recorded["cg_steps"]])
    assert report.cg_steps in steps
    assert report.reductions == recorded["nred"]
    assert report.lam == recorded["lambda_after"]


@EVERY_STATE
def test_the_chosen_iterate_differs_from_the_recorded_one_only_in_a_tie(name: str, epoch: int, precision: str) -> None:
    _, _, referee = one_epoch(name, epoch, precision)
    E = rounding(name, epoch, precision)["ll_after"] if (name in MAIN or precision == "double") else 0.0
    assert referee.apart() <= tie_bound(E, precision)


@pytest.mark.parametrize(("name", "epoch", "figure"), RECORDED_FIGURES)
def test_figures_of_the_epoch_equal_the_recorded_ones_within_their_spread(name: str, epoch: int, figure: str) -> None:
    report, _, _ = one_epoch(name, epoch, "double")
    E = rounding(name, epoch, "double")[figure.replace("ll_chunk_after", "ll_chunk")]
    recorded = trace(name, "double")[figure][epoch - 1]
    assert distance(FIGURES[figure](report), recorded) <= figure_bound(figure, E, "double")


@IN_DOUBLE
def test_the_last_cg_iterate_is_kept_for_the_next_epoch(name: str, epoch: int) -> None:
    _, state, _ = one_epoch(name, epoch, "double")
    recorded = probe(name, "double", epoch)
    step = int(recorded["iterses"][-1])
    E = spread()[f"probe/{name}/double/{epoch}"]["iterates"][str(step)]
    assert distance(state.d, recorded_iterates(recorded)[-1]) <= iterate_bound(E, step, "double")


@IN_DOUBLE
def test_the_parameters_move_along_the_recorded_step(name: str, epoch: int) -> None:
    _, state, _ = one_epoch(name, epoch, "double")
    recorded, figures = probe(name, "double", epoch), trace(name, "double")
    chosen = figures["chose_iters"][epoch - 1]
    position = int(np.flatnonzero(recorded["iterses"] == chosen)[0])
    step = figures["rate"][epoch - 1] * recorded_iterates(recorded)[position]
    E = spread()[f"probe/{name}/double/{epoch}"]["iterates"][str(int(chosen))]
    lost = np.finfo(float).eps * np.linalg.norm(recorded["paramsp"])  # of the step, when it was added to θ
    moved = state.theta - recorded["paramsp"]
    assert np.linalg.norm(moved - step) <= iterate_bound(E, int(chosen), "double") * np.linalg.norm(step) + lost


@pytest.mark.parametrize("name", MAIN)
def test_the_eighth_epoch_ends_at_the_recorded_parameters(name: str) -> None:
    _, state, _ = one_epoch(name, 8, "double")
    start, recorded = probe(name, "double", 8)["paramsp"], trace(name, "double")["paramsp_final"]
    E = rounding(name, 8, "double")["paramsp"]
    far = np.linalg.norm(state.theta - recorded) / np.linalg.norm(recorded - start)
    assert far <= figure_bound("paramsp", E, "double")


def test_every_recorded_state_is_compared_in_both_precisions() -> None:
    assert len(RECORDED) == 2 * (4 * 2 + 19)
