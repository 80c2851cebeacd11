"""Options: what they take, what they refuse and what they say then."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hf_matlab_compat.errors import OptionError
from hf_matlab_compat.legacy.arguments import SPOKEN
from hf_matlab_compat.matlab.vocabulary import TO_MATLAB
from hf_matlab_compat.options import Options

WORDS = (
    *("precision", "backend", "loss", "error_measure", "curvature", "curvature_cases", "backtracking_cases"),
    *("perturb_form", "monitor", "reduction_ratio", "ranks"),
)
FLAGS = ("trim_cases", "faithful", "decay_biases", "clean_train")
RULES = ("method", "solver", "preconditioner", "damping", "selection", "judge", "line_search")
WHOLE = {
    **{"max_epochs": 0, "num_chunks": 1, "num_test_chunks": 1, "max_cg_steps": 1, "min_cg_steps": 0, "cg_min_gap": 1},
    **{"max_reductions": 1, "num_connections": 1, "checkpoint_period": 1, "corruption_seed": 0},
}
"""Whole numbers, and the least of each."""
REAL = {
    **{"weight_decay": (0, math.inf), "initial_lam": (0, math.inf), "init_scale": (0, math.inf)},
    **{"cg_tolerance": (0, math.inf), "cg_gap_ratio": (0, 1), "start_decay": (0, 1), "line_search_c": (0, 1)},
    **{"preconditioner_exponent": (0, 1), "line_search_factor": (0, 1), "lam_drop": (0, 1)},
    **{"lam_boost": (1, math.inf), "iterate_grid_start": (0, math.inf), "iterate_grid_base": (1, math.inf)},
    **{"input_blankout": (0, 1), "input_noise": (0, math.inf), "input_dilation": (0, math.inf)},
    **{"weight_noise": (0, math.inf), "perturbed_weights": (0, 1), "perturbation": (0, 1)},
    "structural_damping": (0, math.inf),
}
"""Real numbers, and between what they must lie."""
ANY_REAL = ("rho_low", "rho_high")
OR_NONE = ("num_threads", "momentum_period", "patience")
"""Whole numbers of at least 1, or None."""
RATES = {"learning_rate": (0, math.inf), "momentum": (0, 1), "average_decay": (0, 1)}
"""Real numbers, or None."""
NUMBERS = (*WHOLE, *REAL, *ANY_REAL)


def refused(name: str, value: Any) -> str:
    """The sentence that refuses a value."""
    with pytest.raises(OptionError) as caught:
        Options(**{name: value})
    assert caught.value.argument == name
    sentence = str(caught.value)
    assert sentence.startswith(f"{name}: expected ")
    assert repr(value) in sentence or str(value) in sentence
    return sentence


def test_the_number_of_threads_is_a_whole_number_or_left_open() -> None:
    assert Options().num_threads is None
    assert Options(num_threads=3.0).num_threads == 3
    for value in (0, -1, 1.5, True, "2"):
        assert "num_threads: expected a whole number of at least 1, or None" in refused("num_threads", value)


def test_lanes_are_a_power_of_two() -> None:
    assert Options().sum_lanes == 8
    assert Options(sum_lanes=np.int64(64)).sum_lanes == 64
    for value in (0, 1, 3, 2.5, -8, True, "8", 2**17):
        assert "a power of two from 2 to 65536" in refused("sum_lanes", value)


def test_rates_of_first_order_methods_are_numbers_or_left_to_the_method() -> None:
    assert Options().learning_rate is Options().momentum is None
    assert Options(learning_rate=np.float32(0.5)).learning_rate == 0.5
    for name, value in (("learning_rate", 0), ("learning_rate", math.inf), ("momentum", 1), ("momentum", -0.1)):
        assert "or None" in refused(name, value)


def test_the_lists_above_name_every_option_that_is_checked() -> None:
    assert {*WORDS, *FLAGS, *RULES, *NUMBERS, *OR_NONE, *RATES, "hidden_blankout", "seed", "sum_lanes"} == {
        field.name for field in dataclasses.fields(Options)
    }


@pytest.mark.parametrize("name", WORDS)
@given(value=st.one_of(st.text(max_size=12), st.integers(), st.none(), st.lists(st.integers(), max_size=2)))
def test_an_unknown_word_is_refused_with_the_words_that_are_known(name: str, value: Any) -> None:
    sentence = refused(name, value)
    assert repr(getattr(Options(), name)) in sentence


@pytest.mark.parametrize("name", FLAGS)
@given(value=st.one_of(st.integers(), st.floats(), st.text(max_size=5), st.none()))
def test_a_flag_takes_true_or_false_only(name: str, value: Any) -> None:
    assert "True or False" in refused(name, value)
    assert getattr(Options(**{name: np.True_}), name) is True


@pytest.mark.parametrize("name", RULES)
@pytest.mark.parametrize("value", [None, 0, 1.5, [], (1,), {}, np.ones(2), np.float32(1)])
def test_a_rule_is_a_name_or_an_object(name: str, value: Any) -> None:
    assert "object" in refused(name, value)
    own = object()
    assert getattr(Options(**{name: own}), name) is own


def test_damping_can_be_named_or_switched() -> None:
    assert [Options(damping=d).damping for d in (np.True_, "levenberg_marquardt", "none", False)] == [1, 1, 0, 0]


@pytest.mark.parametrize("name", WHOLE)
@given(value=st.one_of(st.floats(0.01, 0.99), st.just(math.nan), st.just(math.inf), st.text(max_size=3), st.booleans()))
def test_a_whole_number_is_nothing_else(name: str, value: Any) -> None:
    assert "whole number" in refused(name, value)


@pytest.mark.parametrize(("name", "least"), WHOLE.items())
@given(below=st.integers(1, 1000))
def test_a_whole_number_has_a_least_value(name: str, least: int, below: int) -> None:
    assert f"at least {least}" in refused(name, least - below)
    more = {"max_cg_steps": 250} if name == "min_cg_steps" else {"min_cg_steps": 0}
    assert getattr(Options(**{**more, name: least}), name) == least


@pytest.mark.parametrize(("name", "range_"), REAL.items())
@given(excess=st.floats(1e-6, 1e6))
def test_a_number_out_of_its_range_is_refused(name: str, range_: tuple[float, float], excess: float) -> None:
    low, high = range_
    refused(name, low - excess)
    if math.isfinite(high):
        refused(name, high + excess)
    else:
        refused(name, math.inf)


@pytest.mark.parametrize("name", [*REAL, *ANY_REAL])
@pytest.mark.parametrize("value", [math.nan, "0.5", True, [0.5], 1j, np.ones(2)])
def test_a_number_is_one_real_number(name: str, value: Any) -> None:
    refused(name, value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *[("line_search_factor", 0), ("line_search_factor", 1), ("lam_drop", 0), ("iterate_grid_base", 1)],
        *[("iterate_grid_start", 0), ("lam_boost", 0), ("weight_decay", -1e-300), ("initial_lam", -math.inf)],
    ],
)
def test_ends_of_an_open_range_are_refused(name: str, value: float) -> None:
    refused(name, value)


@pytest.mark.parametrize(("name", "value"), [("rho_low", -math.inf), ("rho_high", math.inf), ("start_decay", 1)])
def test_ends_of_a_closed_range_are_taken(name: str, value: float) -> None:
    assert getattr(Options(**{name: value}), name) == value


@pytest.mark.parametrize("name", NUMBERS)
def test_numbers_become_pythons_own_because_numpys_would_widen_single_precision(name: str) -> None:
    value = getattr(Options(), name) or (1 if name in (*WHOLE, "lam_boost") else 0.5)
    given_as = np.int64(value) if name in WHOLE else np.float64(value)
    kept = getattr(Options(**{name: given_as}), name)
    assert type(kept) is (int if name in WHOLE else float)
    assert kept == value


@given(most=st.integers(1, 500), more=st.integers(1, 500))
def test_least_and_most_cg_steps_must_not_cross(most: int, more: int) -> None:
    with pytest.raises(OptionError, match=rf"^min_cg_steps: expected at most max_cg_steps = {most}, got {most + more}"):
        Options(max_cg_steps=most, min_cg_steps=most + more)


@pytest.mark.parametrize(("low", "high"), [(0.8, 0.75), (0.25, 0.2), (math.inf, 1), (0.3, -math.inf)])
def test_the_thresholds_on_rho_must_not_cross(low: float, high: float) -> None:
    with pytest.raises(OptionError, match=r"^rho_low: expected at most rho_high = ") as caught:
        Options(rho_low=low, rho_high=high)
    assert f"{high:g}, got {low:g}." in str(caught.value)
    assert Options(rho_low=low, rho_high=low).rho_high == low


def test_a_damping_of_nothing_is_refused_where_it_would_be_adapted() -> None:
    for zero in (0, -0.0, np.float32(0)):
        with pytest.raises(
            OptionError, match=r"^initial_lam: expected a finite number above 0, got (0|-0).0. No factor"
        ):
            Options(initial_lam=zero)
    with pytest.raises(OptionError) as caught:
        Options(initial_lam=0)
    assert caught.value.in_words_of(SPOKEN).endswith("start with a small number, or set autodamp=0.")
    assert Options(initial_lam=0, damping=False).initial_lam == 0
    assert Options(initial_lam=1e-300).initial_lam == 1e-300


def test_drop_makes_lambda_no_larger_and_boost_no_smaller() -> None:
    assert Options(lam_drop=1).boost == 1
    for name, value in (("lam_drop", 2), ("lam_drop", 1.0000001), ("lam_boost", 0.5), ("lam_boost", 0.9999999)):
        refused(name, value)
    with pytest.raises(OptionError, match=r"^lam_drop: expected a number above 0 and at most 1, got 1.5"):
        Options(lam_drop=1.5)


def test_that_sentence_can_be_spoken_in_matlabs_words() -> None:
    with pytest.raises(OptionError) as caught:
        Options(max_cg_steps=3, min_cg_steps=4)
    assert caught.value.in_words_of(TO_MATLAB).startswith("miniters: expected at most maxiters = 3, got 4.")


def test_the_boost_is_the_inverse_of_the_drop_unless_it_is_given() -> None:
    assert Options().boost == 1 / (2 / 3)
    assert Options(lam_drop=0.5).boost == 2
    assert Options(lam_drop=0.5, lam_boost=3).boost == 3


def test_an_unknown_name_is_refused_with_the_nearest_one() -> None:
    with pytest.raises(OptionError, match=r"Did you mean weight_decay\?"):
        Options.from_keywords(wieght_decay=0.1)
    with pytest.raises(OptionError, match=r"^zzz: expected the name of an option, .* help\(Options\)"):
        Options.from_keywords(zzz=1)
    assert Options.from_keywords(weight_decay=0.1) == Options(weight_decay=0.1)


def test_defaults_are_the_constants_of_the_published_file() -> None:
    o = Options()
    assert (o.initial_lam, o.lam_drop, o.boost, o.rho_low, o.rho_high) == (45, 2 / 3, 1.5, 0.25, 0.75)
    assert (o.max_cg_steps, o.min_cg_steps, o.cg_tolerance, o.cg_gap_ratio, o.cg_min_gap) == (250, 1, 5e-4, 0.1, 10)
    assert (o.iterate_grid_start, o.iterate_grid_base, o.preconditioner_exponent) == (5, 1.3, 0.75)
    assert (o.line_search_c, o.line_search_factor, o.max_reductions) == (1e-2, 0.8, 60)
    assert (o.num_connections, o.init_scale, o.checkpoint_period) == (15, 1, 10)
    assert (o.damping, o.decay_biases, o.precision, o.faithful) == (True, True, "single", True)


def test_options_cannot_be_changed_once_checked() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        Options().num_chunks = 2  # type: ignore[misc]


@pytest.mark.parametrize("value", [100_001, 10**9, 10**30])
def test_more_connections_than_memory_holds_are_refused(value: int) -> None:
    assert refused("num_connections", value).startswith(
        "num_connections: expected a whole number of at least 1 and at most 100000, got"
    )
