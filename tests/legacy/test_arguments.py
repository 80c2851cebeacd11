"""What MATLAB's arguments look like when they come from files and from Python: empties, 1×1 arrays, rows, cells."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from hf_matlab_compat import nnet_train, nnet_train_2
from hf_matlab_compat.legacy import pack, unpack
from hf_matlab_compat.model.packing import weights_only_mask
from tests.small_run import PSIZE, SIZES, THETA, legacy_arguments

EMPTIES = [None, [], (), np.empty((0, 0)), np.empty((1, 0)), np.array([], object)]
EMPTY_NAMES = ["None", "list", "tuple", "0x0", "1x0", "cell"]
W, B = unpack(THETA, SIZES)


def result(**changes: Any) -> NDArray[np.float64]:
    return nnet_train(**legacy_arguments(**{"display": "none", "seed": 3, **changes}))


def cell(*parts: Any, shape: tuple[int, ...] = (1, -1)) -> NDArray[np.object_]:
    """A cell array as scipy loads it."""
    array = np.empty(len(parts), object)
    array[:] = parts
    return array.reshape(shape)


@pytest.mark.parametrize("empty", EMPTIES, ids=EMPTY_NAMES)
def test_every_empty_means_matlabs_empty(empty: Any) -> None:
    absent = dict.fromkeys(("paramsp", "Win", "bin", "resumeFile", "runName", "runDesc"), empty)
    drawn = result(**absent)
    np.testing.assert_array_equal(drawn, result(paramsp=None, runDesc=""))
    assert drawn.shape == (PSIZE, 1)
    assert not np.array_equal(drawn, result())


@pytest.mark.parametrize("empty", EMPTIES, ids=EMPTY_NAMES)
def test_no_test_data_may_be_any_empty(empty: Any, capsys: pytest.CaptureFixture[str]) -> None:
    without = nnet_train_2(**legacy_arguments(intest=empty, outtest=empty, numchunks_test=empty))
    assert "TEST" not in capsys.readouterr().out
    np.testing.assert_array_equal(without, nnet_train_2(**legacy_arguments()))
    assert "TEST" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("Win", "bin_"),
    [
        (W, B),
        (tuple(W), [b.ravel() for b in B]),
        (cell(*W), cell(*B)),
        (cell(*W, shape=(-1, 1)), cell(*(b.T for b in B))),
        ([w.tolist() for w in W], [b.tolist() for b in B]),
    ],
    ids=["lists", "tuple, flat", "cells in a row", "cells in a column", "nested lists"],
)
def test_weights_and_biases_come_as_lists_or_cells(Win: Any, bin_: Any) -> None:
    np.testing.assert_array_equal(result(paramsp=[], Win=Win, bin=bin_), result(paramsp=pack(W, B)))


def test_packed_parameters_win_over_weights_and_biases() -> None:
    others = [0 * w for w in W]
    np.testing.assert_array_equal(result(Win=others, bin=B), result())


def test_packed_parameters_may_come_as_a_column_a_row_or_a_list() -> None:
    for shape in ((PSIZE, 1), (1, PSIZE), (PSIZE,)):
        np.testing.assert_array_equal(result(paramsp=THETA.reshape(shape)), result())
    np.testing.assert_array_equal(result(paramsp=THETA.ravel().tolist()), result())


SCALARS = {
    **{"maxepoch": 2, "numchunks": 2, "numchunks_test": 1, "rms": 0, "hybridmode": 1, "jacket": 0},
    **{"weightcost": 2e-5, "decay": 0.95, "mattype": "gn", "errtype": "L2"},
}


@pytest.mark.parametrize("kind", [np.float64, np.float32, np.uint8, np.int64])
def test_scalars_may_be_1x1_arrays_or_scalars_of_numpy(kind: type) -> None:
    whole = {name: value for name, value in SCALARS.items() if isinstance(value, int)}
    np.testing.assert_array_equal(result(**{k: np.array([[v]], kind) for k, v in whole.items()}), result())
    np.testing.assert_array_equal(result(**{k: kind(v) for k, v in whole.items()}), result())


def test_words_and_fractions_may_be_1x1_arrays() -> None:
    wrapped = {name: np.array([value]) for name, value in SCALARS.items() if not isinstance(value, int)}
    np.testing.assert_array_equal(result(**wrapped), result())


@pytest.mark.parametrize(
    "layersizes", [4, [4], (4.0,), np.array([[4]]), np.array([4], np.uint8)], ids=["4", "list", "tuple", "1x1", "uint8"]
)
def test_layersizes_may_be_a_number_a_list_or_a_row(layersizes: Any) -> None:
    np.testing.assert_array_equal(result(layersizes=layersizes), result())


@pytest.mark.parametrize("empty", [[], None, np.zeros((1, 0))], ids=["list", "None", "1x0"])
def test_no_hidden_layer_is_a_network_too(empty: Any) -> None:
    final = result(layersizes=empty, layertypes=["logistic"], paramsp=np.zeros((21, 1)))
    assert final.shape == (21, 1)
    assert np.abs(final).max() > 0


@pytest.mark.parametrize(
    "layertypes",
    [
        ("logistic", "logistic"),
        np.array(["logistic", "logistic"]),
        cell("logistic", "logistic"),
        cell(np.array(["logistic"]), np.array(["logistic"])),
        [np.str_("logistic"), np.array(["logistic"])],
    ],
    ids=["tuple", "array of text", "cell", "cell of 1x1", "mixed"],
)
def test_layertypes_may_be_lists_or_cells(layertypes: Any) -> None:
    np.testing.assert_array_equal(result(layertypes=layertypes), result())


def test_a_seed_of_octave_starts_where_octave_does() -> None:
    first, again, other = (result(paramsp=[], seed=("octave", s)) for s in (5, 5, 6))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


def test_the_bias_mask_is_decay_biases() -> None:
    biases = weights_only_mask(np, SIZES, float) == 0
    heavy = {"weightcost": 1e3, "maxepoch": 8, "initlambda": 1.0}
    assert np.abs(result(**heavy)[biases]).max() < 0.01
    assert np.abs(result(**heavy, decay_biases=False)[biases]).max() > 0.1
