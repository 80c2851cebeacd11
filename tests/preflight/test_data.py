"""Data that is taken as it is, converted or trimmed, and how far it is looked at."""

from __future__ import annotations

import numpy as np
import pytest

from hf_matlab_compat import nnet_train, nnet_train_2, train
from hf_matlab_compat.errors import DataError, OptionError
from hf_matlab_compat.options import Options
from hf_matlab_compat.preflight.data import check_training_data
from tests.small_run import INPUTS, TARGETS, field_arguments, legacy_arguments

X, T = INPUTS, TARGETS


@pytest.mark.parametrize("rms", [0, 1])
def test_targets_may_be_anything_where_the_loss_is_the_squared_error(rms: int) -> None:
    units = ["logistic", "logistic" if rms else "linear"]
    final = nnet_train_2(**legacy_arguments(layertypes=units, rms=rms, outdata=5 * T, outtest=-T[:, :4]))
    assert np.isfinite(final).all()


@pytest.mark.parametrize("kind", [np.uint8, np.int64, bool, np.float16])
def test_integers_and_other_floats_train_as_the_doubles_they_equal(kind: type) -> None:
    x, t = np.round(3 * X), np.round(T)
    if kind is bool:
        x = np.round(X)
    converted = {"indata": x.astype(kind), "outdata": t.astype(kind), "intest": x.astype(kind), "outtest": t}
    plain = {"indata": x, "outdata": t, "intest": x, "outtest": t}
    for precision in ("single", "double"):
        both = [nnet_train(**legacy_arguments(**part), precision=precision) for part in (converted, plain)]
        np.testing.assert_array_equal(*both)


def test_trimming_trains_on_the_cases_that_are_left() -> None:
    trimmed = nnet_train(**legacy_arguments(numchunks=5, numchunks_test=3), trim_cases=True)
    cut = {"indata": X[:, :10], "outdata": T[:, :10], "intest": X[:, :3], "outtest": T[:, :3]}
    np.testing.assert_array_equal(trimmed, nnet_train(**legacy_arguments(numchunks=5, numchunks_test=3, **cut)))
    with pytest.raises(OptionError, match=r"got 50\. The nearest is 12\."):
        nnet_train(**legacy_arguments(numchunks=50), trim_cases=True)


def test_trimmed_cases_are_gone_from_inputs_and_targets() -> None:
    data = check_training_data(X, T, "logistic", Options(num_chunks=5, trim_cases=True))
    assert (data.inputs.shape, data.targets.shape, data.num_chunks) == ((6, 10), (3, 10), 5)


def test_bad_numbers_are_found_beyond_the_first_part_that_is_looked_at() -> None:
    many = np.zeros((1, 70000), np.float32)
    many[0, 69999] = np.nan
    arguments = {"hidden_sizes": [1], "unit_types": ["linear", "linear"]}
    with pytest.raises(DataError, match=r"inputs: expected finite numbers, got nan at \(0, 69999\)"):
        train(inputs=many, targets=many, **arguments)
    ones = 1 + np.nan_to_num(many, nan=1)
    with pytest.raises(DataError, match="a sum of 2 and a smallest value of 2 in case 69999"):
        train(inputs=ones, targets=ones, hidden_sizes=[1], unit_types=["linear", "softmax"])


def test_what_single_precision_does_not_hold_trains_in_double() -> None:
    huge = {"inputs": X * 1e39, "unit_types": ["logistic", "linear"]}
    assert np.isfinite(train(**field_arguments(**huge, precision="double", max_epochs=1)).theta).all()
    with pytest.raises(DataError, match=r"^inputs: expected numbers that single precision holds"):
        train(**field_arguments(**huge))


def test_a_masked_array_without_a_masked_number_is_an_array() -> None:
    masked = train(**field_arguments(inputs=np.ma.array(X), targets=np.ma.masked_greater(T, 2)))
    np.testing.assert_array_equal(masked.theta, train(**field_arguments()).theta)


@pytest.mark.parametrize("sizes", [4, None, "4", [[4]]])
def test_hidden_sizes_that_are_no_list_of_numbers_are_refused(sizes: object) -> None:
    with pytest.raises(OptionError, match=r"^hidden_sizes: expected whole numbers of at least 1, one for each hidden"):
        train(**field_arguments(hidden_sizes=sizes))


@pytest.mark.parametrize("kind", [None, object])
def test_unit_types_may_come_as_an_array(kind: type | None) -> None:
    units = np.array(["logistic", "logistic"], kind)
    np.testing.assert_array_equal(train(**field_arguments(unit_types=units)).theta, train(**field_arguments()).theta)


def test_sizes_as_text_are_shown_as_they_came() -> None:
    with pytest.raises(OptionError, match=r"^layersizes: .*, got '8 3 8'\."):
        nnet_train_2(**legacy_arguments(layersizes="8 3 8"))
