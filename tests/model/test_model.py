"""Packing, units, losses and error measures, each by itself."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hf_matlab_compat.model.activations import activations
from hf_matlab_compat.model.error_measures import ERROR_MEASURES
from hf_matlab_compat.model.losses import CrossEntropy, SoftmaxCrossEntropy, SquaredError, loss_for
from hf_matlab_compat.model.network import build_network
from hf_matlab_compat.model.packing import num_parameters, pack, unpack, weights_only_mask
from hf_matlab_compat.model.units import UNITS, Unit
from tests.oracles.dense import DenseNetwork, jacobian

SIZES = st.lists(st.integers(1, 6), min_size=2, max_size=5)


@given(SIZES)
def test_packing_what_was_unpacked_gives_the_same_vector(sizes: list[int]) -> None:
    theta = np.random.default_rng(len(sizes)).standard_normal(num_parameters(sizes))
    np.testing.assert_array_equal(pack(np, unpack(theta, sizes)), theta)


@given(SIZES)
def test_unpacking_gives_views_of_the_right_shapes(sizes: list[int]) -> None:
    theta = np.zeros(num_parameters(sizes))
    layers = unpack(theta, sizes)
    assert [layer.W.shape for layer in layers] == list(zip(sizes[1:], sizes[:-1], strict=True))
    assert [layer.b.shape for layer in layers] == [(size, 1) for size in sizes[1:]]
    for layer in layers:
        layer.W[...] += 1
        layer.b[...] += 1
    np.testing.assert_array_equal(theta, 1)


def test_weights_are_packed_column_by_column_and_then_biases() -> None:
    first, second = unpack(np.arange(1.0, 14.0), [2, 3, 1])
    np.testing.assert_array_equal(first.W, [[1, 4], [2, 5], [3, 6]])
    np.testing.assert_array_equal(first.b, [[7], [8], [9]])
    np.testing.assert_array_equal(second.W, [[10, 11, 12]])
    np.testing.assert_array_equal(second.b, [[13]])


@given(SIZES)
def test_the_weight_mask_is_zero_at_biases_only(sizes: list[int]) -> None:
    mask = weights_only_mask(np, sizes, np.float32)
    assert mask.dtype == np.float32
    for layer in unpack(mask, sizes):
        assert (layer.W == 1).all()
        assert (layer.b == 0).all()


def through(unit: Unit, x: Any, y: Any, r: Any) -> Any:
    return unit.jacobian_product(np, unit.slope(np, x, y), r)


@pytest.mark.parametrize("name", UNITS)
def test_what_takes_out_writes_there_and_says_the_same(name: str) -> None:
    x, r = np.random.default_rng(3).standard_normal((2, 4, 3))
    unit, out = UNITS[name], np.empty((4, 3))
    y = unit.activate(np, x)
    assert unit.activate(np, x, out=out) is out
    assert (out == y).all()
    slope = unit.slope(np, x, y)
    product = unit.jacobian_product(np, slope, r)
    assert unit.jacobian_product(np, slope, r, out=out) is out
    assert (out == product).all()
    assert (unit.activate(np, x, out=x) == y).all()
    assert (unit.jacobian_product(np, slope, r, out=r) == product).all()


@pytest.mark.parametrize("name", UNITS)
def test_a_unit_computes_its_function_and_its_jacobian(name: str) -> None:
    x, r = np.random.default_rng(1).standard_normal((2, 4, 3))
    y = UNITS[name].activate(np, x)
    ours = through(UNITS[name], x, y, r)
    for case in range(3):
        np.testing.assert_allclose(y[:, case], DenseNetwork.activation(name, x[:, case]), rtol=1e-14)
        J = jacobian(lambda a: DenseNetwork.activation(name, a), x[:, case])
        np.testing.assert_allclose(ours[:, case], J @ r[:, case], atol=1e-14)
        np.testing.assert_allclose(J, J.T, atol=1e-15)


@pytest.mark.parametrize("name", UNITS)
def test_a_units_curvature_product_is_the_derivative_of_its_jacobian_product(name: str) -> None:
    x, Rx, d = np.random.default_rng(2).standard_normal((3, 4, 3))
    unit, step = UNITS[name], 1e-5
    ends = [through(unit, moved, unit.activate(np, moved), d) for moved in (x + step * Rx, x - step * Rx)]
    y = unit.activate(np, x)
    ours = unit.curvature_product(np, x, y, d, through(unit, x, y, Rx), Rx)
    np.testing.assert_allclose(ours, (ends[0] - ends[1]) / (2 * step), atol=1e-9)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_softmax_and_its_loss_survive_inputs_that_overflow(dtype: type) -> None:
    x = np.array([[1000.0, -1000.0], [999.0, 0.0]], dtype)
    y, t = UNITS["softmax"].activate(np, x), np.array([[1, 1], [0, 0]], dtype)
    np.testing.assert_allclose(y[:, 0], [1 / (1 + np.exp(-1)), 1 / (1 + np.exp(1))], rtol=1e-6)
    ll = SoftmaxCrossEntropy().log_likelihood(np, x, y, t)
    assert ll == pytest.approx(-np.log1p(np.exp(-1)) - 1000, rel=1e-6)
    assert ll.dtype == dtype


def test_cross_entropy_survives_inputs_that_overflow() -> None:
    x, t = np.array([[800.0, -800.0]]), np.array([[0.0, 1.0]])
    assert CrossEntropy().log_likelihood(np, x, np.array([[1.0, 0.0]]), t) == -1600


@pytest.mark.parametrize(
    ("unit", "loss", "expected"),
    [
        *[("logistic", "matching", CrossEntropy), ("softmax", "matching", SoftmaxCrossEntropy)],
        *[("linear", "matching", SquaredError), ("logistic", "squared", SquaredError)],
        *[("softmax", "squared", SquaredError), ("tanh", "squared", SquaredError), ("linear", "squared", SquaredError)],
    ],
)
def test_the_loss_is_the_one_that_fits_the_unit_unless_squared_is_asked_for(
    unit: str, loss: str, expected: type
) -> None:
    assert isinstance(loss_for(UNITS[unit], loss), expected)


def test_error_measures_count_what_they_name() -> None:
    y = np.array([[0.2, 0.5, 0.9], [0.8, 0.5, 0.1]])
    t = np.array([[1.0, 1.0, 1.0], [0.0, 0.0, 0.0]])
    assert ERROR_MEASURES["misclassified"](np, y, t) == 1  # the tie in the second case counts as right
    assert ERROR_MEASURES["squared"](np, y, t) == pytest.approx(2 * (0.8**2 + 0.5**2 + 0.1**2))
    assert ERROR_MEASURES["none"](np, y, t) == 0
    assert all(type(measure(np, y, t)) is float for measure in ERROR_MEASURES.values())


def test_a_network_knows_its_size_and_keeps_the_working_precision() -> None:
    network = build_network([3, 4, 2], ["tanh", "softmax"], "matching", "none")
    assert network.num_parameters == 4 * 4 + 2 * 5
    theta = np.ones(network.num_parameters, np.float32)
    out = activations(network, network.layers(theta), np.ones((3, 5), np.float32), np)
    assert [y.shape for y in out.y] == [(3, 5), (4, 5), (2, 5)]
    assert {y.dtype for y in (*out.y, out.x)} == {np.dtype(np.float32)}
