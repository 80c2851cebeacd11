"""Lockstep with the demo's recording: it agrees, and planted mistakes show where they are."""

from __future__ import annotations

import math
import os
from collections import defaultdict
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pytest

from hf_matlab_compat.demo.agreement import RECORDING, first_state
from hf_matlab_compat.demo.autoencoder import TEST_CASES, TRAIN_CASES, autoencoder_arguments
from hf_matlab_compat.demo.digits import shuffled_digits
from hf_matlab_compat.errors import ParityError
from hf_matlab_compat.legacy import computeLL
from hf_matlab_compat.parity import lockstep as lockstep_module
from hf_matlab_compat.parity.bounds import distance, figure_bound, tie_bound
from hf_matlab_compat.parity.ensemble import measure_spread, reordered
from hf_matlab_compat.parity.epoch import DECISIONS, FIGURES, VECTORS, Epoch
from hf_matlab_compat.parity.lockstep import Agreement, lockstep
from hf_matlab_compat.parity.port import epoch_choosing, log_likelihood_after, port_epoch, with_end_of
from hf_matlab_compat.parity.recording import Recording, read_recording, write_recording
from hf_matlab_compat.parity.reference import reference_epochs
from hf_matlab_compat.state import Outcome

COMPARED = {"chosen_step", *DECISIONS, *FIGURES, *VECTORS}


@cache
def case() -> dict[str, Any]:
    return autoencoder_arguments(*shuffled_digits(TRAIN_CASES, TEST_CASES))


@cache
def recording() -> Recording:
    return read_recording(RECORDING, case())


def compare(changed: dict[str, Any] | None = None, **options: Any) -> list[Agreement]:
    arguments = {**case(), **(changed or {})}
    return [line for lines in lockstep(arguments, recording().epochs, recording().spread, **options) for line in lines]


def differing(lines: list[Agreement]) -> dict[str, set[int]]:
    """Epochs in which a figure differs, by figure."""
    found: defaultdict[str, set[int]] = defaultdict(set)
    for line in lines:
        if not line.agrees:
            found[line.figure].add(line.epoch)
    return dict(found)


ALL = set(range(1, 9))


def test_eight_epochs_agree_with_the_reference_in_every_figure() -> None:
    lines = compare()
    assert differing(lines) == {}
    assert {(line.epoch, line.figure) for line in lines} == {(k, figure) for k in ALL for figure in COMPARED}
    assert max(line.ratio for line in lines) <= 1


def test_a_wrong_preconditioner_exponent_differs_from_the_first_cg_iterate_on() -> None:
    found = differing(compare(preconditioner_exponent=0.76))
    assert found["d"] == ALL
    assert found["step"] == ALL
    assert "gradient" not in found


def test_a_wrong_weight_cost_differs_in_every_gradient() -> None:
    assert differing(compare({"weightcost": 2.1e-5}))["gradient"] == ALL


def test_a_wrong_damping_rule_differs_in_lambda_and_nowhere_else() -> None:
    assert differing(compare(lam_drop=0.66)) == {"lam": ALL}


def test_a_wrong_start_of_cg_differs_in_all_epochs_but_the_first() -> None:
    found = differing(compare({"decay": 0.949}))
    assert found["d"] == ALL - {1}


def test_a_wrong_set_for_backtracking_differs_in_the_iterate_chosen() -> None:
    found = differing(compare(backtracking_cases="none"))
    assert found["chosen_step"]
    assert "d" not in found
    assert "gradient" not in found


def reference_choosing(step: int) -> list[Epoch]:
    """The recording's first epoch, had the reference chosen the iterate of another CG step."""
    start = recording().epochs[0].start
    return [with_end_of(epoch_choosing(case(), start, step), port_epoch(case(), start))]


def test_another_choice_differs() -> None:
    lines = next(lockstep(case(), reference_choosing(5), recording().spread))
    assert differing(lines)["chosen_step"] == {1}


def test_a_tie_is_no_difference_and_the_rest_is_compared_at_the_reference_s_choice() -> None:
    spread = {**recording().spread, "train_log_likelihood": [1.0]}  # so wide that anything is a tie
    lines = next(lockstep(case(), reference_choosing(5), spread))
    assert differing(lines) == {}
    chosen = lines[-1]
    assert (chosen.theirs, chosen.ours) == (5, recording().epochs[0].figures["chosen_step"])
    assert chosen.distance > 0


def test_a_figure_without_a_value_differs() -> None:
    first = recording().epochs[0]
    broken = replace(first, figures={**first.figures, "rho": math.nan})
    lines = next(lockstep(case(), [broken], recording().spread))
    assert differing(lines) == {"rho": {1}}


def test_the_log_likelihood_after_a_step_is_that_of_the_epoch_that_takes_it() -> None:
    first = recording().epochs[0]
    step = int(first.figures["chosen_step"])
    after = log_likelihood_after(case(), first.start, step)
    assert after == pytest.approx(first.figures["train_log_likelihood"], rel=1e-14)


def test_the_distance_is_relative_and_unequal_shapes_are_infinitely_apart() -> None:
    assert distance([3.0, 4.0], [3.0, 5.0]) == pytest.approx(1 / math.sqrt(34))
    assert distance(-math.inf, -math.inf) == 0
    assert distance([1.0], [1.0, 2.0]) == math.inf
    assert distance(1.0, 0.0) == math.inf


def test_bounds_follow_the_spread_above_their_floors() -> None:
    u = 2.0**-53
    assert figure_bound("lam", 1.0) == 0
    assert (figure_bound("d", 0), figure_bound("d", 1e-9)) == (4 * u, 1e-8)
    assert (figure_bound("rho", 0), figure_bound("gradient", 0)) == (1e3 * u, 5e-15)
    assert (tie_bound(0), tie_bound(1e-9)) == (8 * u, 4e-9)


def test_a_decision_that_differs_is_infinitely_beyond_its_bound() -> None:
    assert Agreement(1, "cg_steps", 11, 12, 1 / 11, 0.0).ratio == math.inf
    assert Agreement(1, "cg_steps", 11, 11, 0.0, 0.0).ratio == 0


def test_reordering_changes_nothing_but_the_order_of_adding() -> None:
    problem, order = reordered(case(), 3)
    theta = recording().epochs[7].theta
    setting = {name: case()[name] for name in ("layersizes", "layertypes")}
    plain = computeLL(theta, case()["indata"], case()["outdata"], 4, 2, precision="double", **setting)
    other = computeLL(theta[order], problem["indata"], problem["outdata"], 4, 2, precision="double", **setting)
    assert other == pytest.approx(plain, rel=1e-14)
    assert not np.array_equal(order, np.arange(order.size))
    assert not np.array_equal(problem["intest"], case()["intest"])


def test_a_recording_comes_back_bit_for_bit(tmp_path) -> None:
    path = tmp_path / "again.mat"
    write_recording(path, case(), recording().epochs[:1], {"rho": [1e-14]})
    again = read_recording(path, case())
    first = recording().epochs[0]
    assert again.spread == {"rho": [1e-14]}
    assert again.epochs[0].figures == first.figures
    for name in ("gradient", "theta", "d"):
        np.testing.assert_array_equal(getattr(again.epochs[0], name), getattr(first, name))


def test_a_recording_of_another_case_is_refused() -> None:
    with pytest.raises(ParityError, match="of another"):
        read_recording(RECORDING, {**case(), "decay": 0.9})


def test_a_missing_recording_is_refused(tmp_path) -> None:
    with pytest.raises(ParityError, match="no such file"):
        read_recording(tmp_path / "none.mat", case())


def test_ctrl_c_in_a_compared_epoch_is_not_swallowed(monkeypatch) -> None:
    def interrupted(**keywords: Any) -> Any:
        return type("Result", (), {"outcome": Outcome.INTERRUPTED})

    monkeypatch.setattr("hf_matlab_compat.parity.port.train", interrupted)
    with pytest.raises(KeyboardInterrupt):
        next(lockstep_module.lockstep(case(), recording().epochs, recording().spread))


@pytest.mark.octave
def test_the_reference_run_now_agrees_with_its_recording() -> None:
    for live, recorded, k in zip(
        reference_epochs(case(), first_state(case()), 3), recording().epochs, range(3), strict=False
    ):
        for figure in (*FIGURES, *DECISIONS):
            E = recording().spread[figure][k]
            assert distance(live.figures[figure], recorded.figures[figure]) <= figure_bound(figure, E)
        assert distance(live.gradient, recorded.gradient) <= figure_bound("gradient", 0)
        assert distance(live.step, recorded.step) <= figure_bound("step", recording().spread["step"][k])


@pytest.mark.octave
def test_the_reference_goes_on_from_a_later_state_as_it_did_there() -> None:
    recorded = recording().epochs[7]
    live = reference_epochs(case(), recorded.start, 1)[0]
    assert live.number == 8
    assert distance(live.d, recorded.d) <= figure_bound("d", recording().spread["d"][7])


@pytest.mark.octave
def test_a_reordered_run_of_the_reference_differs_by_rounding_and_by_no_more() -> None:
    before = dict(os.environ)
    spread = list(measure_spread(case(), recording().epochs[:1], members=1, with_other_exp=1))[-1]
    assert dict(os.environ) == before
    assert {figure for figure, E in spread.items() if E[0] == 0} <= {*DECISIONS, "train_error", "train_log_likelihood"}
    assert max(E[0] for E in spread.values()) < 1e-12
