"""Where a run starts."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from hf_matlab_compat import train
from hf_matlab_compat.errors import DataError, OptionError
from hf_matlab_compat.legacy import unpack
from tests.cases import PRECISIONS
from tests.small_run import PSIZE, SIZES, THETA, field_arguments

W, B = unpack(THETA, SIZES)


def start(**given: Any) -> NDArray[np.float64]:
    """The parameters before the first epoch."""
    return train(**field_arguments(**{"initial_theta": None, "max_epochs": 0, "precision": "double", **given})).theta


@pytest.mark.parametrize("theta", [THETA, THETA.ravel(), THETA.T, THETA.tolist()], ids=["P1", "P", "1P", "list"])
def test_a_run_starts_from_packed_parameters_of_any_orientation(theta: Any) -> None:
    np.testing.assert_array_equal(start(initial_theta=theta), THETA.ravel())


def test_a_run_starts_from_weights_and_biases() -> None:
    for biases in (B, [b.ravel() for b in B], [b.T for b in B]):
        np.testing.assert_array_equal(start(initial_weights=W, initial_biases=biases), THETA.ravel())


def test_packed_parameters_win_over_weights() -> None:
    zeros = [0 * w for w in W]
    np.testing.assert_array_equal(start(initial_theta=THETA, initial_weights=zeros, initial_biases=B), THETA.ravel())


def test_a_run_starts_from_a_draw_otherwise() -> None:
    seeds = (1, np.random.default_rng(1), 2, ("octave", 1), ("matlab", 1, 1))
    first, generated, other, octave, matlab = (start(seed=seed) for seed in seeds)
    np.testing.assert_array_equal(first, generated)
    for draw in (other, octave, matlab, start(), start()):
        assert draw.shape == (PSIZE,)
        assert not np.array_equal(draw, first)


def test_a_seed_that_is_none_is_refused() -> None:
    with pytest.raises(OptionError, match=r"^seed: expected None, an integer"):
        start(seed="octave")


@pytest.mark.parametrize("precision", PRECISIONS)
def test_the_first_epoch_starts_with_the_initial_damping_and_without_a_direction(precision: str) -> None:
    state = train(**field_arguments(max_epochs=0, initial_lam=7, precision=precision)).state
    assert (state.lam, state.epoch, state.total_cg_steps) == (7, 0, 0)
    assert not state.d.any()
    assert state.theta.dtype == state.d.dtype == np.dtype(precision.replace("single", "f4").replace("double", "f8"))
    assert state.records.lam.shape == (0,)


@pytest.mark.parametrize("precision", PRECISIONS)
def test_the_state_shares_no_memory_with_what_was_given(precision: str) -> None:
    given = THETA.ravel().astype("f4" if precision == "single" else "f8")
    result = train(**field_arguments(initial_theta=given, max_epochs=0, precision=precision))
    assert not np.shares_memory(result.state.theta, given)
    on = train(**field_arguments(resume_from=result.state, max_epochs=1, precision=precision))
    np.testing.assert_array_equal(result.state.theta, given)
    assert on.state.epoch == 1


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"initial_theta": THETA[:-1].reshape(6, 7)}, "initial_theta: expected 43 numbers in one column, as the lay"),
        ({"initial_theta": np.resize(THETA, (43, 2))}, "initial_theta: expected 43 numbers in one column"),
        ({"initial_weights": W}, "initial_biases: expected both initial_weights and initial_biases, or neither, got n"),
        ({"initial_biases": B}, "initial_weights: expected both initial_weights and initial_biases, or neither, got"),
        ({"initial_weights": W[0], "initial_biases": B}, "initial_weights: expected a list with one array for each la"),
        ({"initial_weights": W, "initial_biases": "ab"}, "initial_biases: expected a list with one array for each la"),
        ({"initial_weights": [W[0], "a"], "initial_biases": B}, "initial_weights: expected an array of real numbers f"),
        ({"initial_weights": W[::-1], "initial_biases": B}, "initial_weights: expected shape (4, 6) in layer 1, got "),
        ({"initial_weights": W, "initial_biases": B[::-1]}, "initial_biases: expected 4 numbers in layer 1, got 3."),
        (
            {"initial_weights": [*W, W[0]], "initial_biases": B},
            "initial_weights: expected 2 arrays, one for each layer",
        ),
    ],
)
def test_parameters_that_do_not_fit_are_refused(given: dict[str, Any], sentence: str) -> None:
    with pytest.raises(DataError) as caught:
        start(**given)
    assert str(caught.value).startswith(sentence)


def test_a_source_that_is_no_checkpoint_is_refused() -> None:
    with pytest.raises(OptionError, match=r"^resume_from: expected the path of a checkpoint, got 3\.$"):
        start(resume_from=3)
