"""vec, pack, unpack, unpackPARAMS and calcActivations: tiny values by hand, and the recorded networks."""

from __future__ import annotations

import numpy as np
import pytest

from hf_matlab_compat.errors import ArgumentError, DataError
from hf_matlab_compat.legacy import calcActivations, computePred, pack, unpack, unpackPARAMS, vec
from tests.cases import arguments, golden

W = [np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]), np.array([[7.0, 8.0, 9.0]])]
B = [np.array([[0.1], [0.2], [0.3]]), np.array([[0.4]])]
PACKED = [1, 3, 5, 2, 4, 6, 0.1, 0.2, 0.3, 7, 8, 9, 0.4]


def test_vec_goes_down_the_columns() -> None:
    np.testing.assert_array_equal(vec(W[0]), np.array([[1, 3, 5, 2, 4, 6]]).T)
    assert vec([[1, 2]]).shape == (2, 1)


def test_pack_puts_weights_before_biases_layer_by_layer() -> None:
    np.testing.assert_array_equal(pack(W, B), np.array([PACKED]).T)
    np.testing.assert_array_equal(pack(W, [b.ravel() for b in B]), np.array([PACKED]).T)


@pytest.mark.parametrize("function", [unpack, unpackPARAMS])
def test_unpack_undoes_pack_for_columns_and_rows(function) -> None:
    for M in (np.array([PACKED]).T, np.array([PACKED]), PACKED):
        weights, biases = function(M, np.array([[2, 3, 1]]))
        for part, expected in zip((*weights, *biases), (*W, *B), strict=True):
            np.testing.assert_array_equal(part, expected, strict=True)


def test_what_unpack_returns_is_the_callers_own() -> None:
    M = np.array([PACKED]).T
    unpack(M, [2, 3, 1])[0][0][:] = 0
    assert M[0, 0] == 1


def test_activations_of_a_tiny_network_are_those_by_hand() -> None:
    act, stored = calcActivations([[1.0, 0.0], [0.0, 1.0]], W, B, ["linear", "logistic"])
    code = np.array([[1.1, 2.1], [3.2, 4.2], [5.3, 6.3]])
    np.testing.assert_allclose(act, 1 / (1 + np.exp(-(W[1] @ code + 0.4))), rtol=1e-15)
    assert stored is None


def test_linear_store_hands_the_code_layer_back() -> None:
    act, stored = calcActivations(np.eye(2), W, B, ["linearSTORE", "linear"])
    np.testing.assert_allclose(stored, [[1.1, 2.1], [3.2, 4.2], [5.3, 6.3]], rtol=1e-15)
    np.testing.assert_allclose(act, calcActivations(np.eye(2), W, B, ["linear", "linear"])[0], rtol=0)


def test_codes_may_enter_at_a_later_layer() -> None:
    whole, code = calcActivations(np.eye(2), W, B, ["linearSTORE", "tanh"])
    assert code is not None
    decoded, stored = calcActivations(code, W, B, ["linearSTORE", "tanh"], startLayer=2)
    np.testing.assert_array_equal(decoded, whole)
    assert stored is None


@pytest.mark.parametrize("name", ["ae_logistic", "ae_tanh_linear", "class_softmax"])
def test_activations_of_a_recorded_network_are_its_predictions(name: str) -> None:
    m, network = arguments(name), golden(name, "double").problem.network
    weights, biases = unpackPARAMS(m["paramsp"].astype(float), network.sizes)
    act, _ = calcActivations(m["indata"], weights, biases, m["layertypes"])
    setting = {"layersizes": m["layersizes"], "layertypes": m["layertypes"], "precision": "double"}
    np.testing.assert_allclose(act, computePred(m["paramsp"], m["indata"], **setting), rtol=1e-13)


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: pack(W, B[:1]), "b: expected 2 arrays, as many as W, got 1."),
        (lambda: unpack(PACKED, [3, 1]), "M: expected 4 numbers for the layers 3 1, got 13. Here layersizes are"),
        (lambda: unpack(PACKED, [13]), "layersizes: expected the sizes of all layers, input and output included, got"),
        (lambda: calcActivations(np.eye(2), W, B, ["linear"]), "layertypes: expected 2 names"),
        (lambda: calcActivations(np.eye(2), W, B[:1], ["linear"] * 2), "b: expected 2 arrays, as many as W, got 1."),
        (lambda: calcActivations(np.eye(3), W, B, ["linear"] * 2), "in_: expected 2 rows at the input of layer 1, got"),
        (lambda: calcActivations(np.eye(2)[0], W, B, ["linear"] * 2), "in_: expected 2 rows at the input of layer 1"),
        (lambda: calcActivations(np.eye(2), W, B, ["linear", "lin"]), "layertypes: expected names from 'logistic', "),
        (lambda: calcActivations(np.eye(2), W, B, ["tanhSTORE"] * 2), "layertypes: expected names from"),
        (lambda: calcActivations(np.eye(2), W, B, ["linear"] * 2, 3), "startLayer: expected a layer from 1 to 2, got"),
    ],
)
def test_what_does_not_fit_is_said(call, sentence: str) -> None:
    with pytest.raises(ArgumentError) as caught:
        call()
    assert str(caught.value).startswith(sentence)


def test_what_is_packed_wrongly_is_a_data_error() -> None:
    with pytest.raises(DataError):
        unpack(PACKED, [2, 3, 2])
