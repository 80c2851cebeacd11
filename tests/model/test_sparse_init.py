"""Sparse initialisation: the recorded draws of the demo, and each rule by itself."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.io import loadmat

from hf_matlab_compat import train
from hf_matlab_compat.matlab.random.streams import OctaveStream, stream_from_seed
from hf_matlab_compat.model.packing import Layer, unpack
from hf_matlab_compat.model.sparse_init import sparse_init
from hf_matlab_compat.options import Options
from tests.cases import GOLDENS
from tests.small_run import SIZES, field_arguments

DEMO = loadmat(GOLDENS / "octave_streams.mat")
DEMO_SIZES = [64, 30, 10]
WIDE = [400, 50, 300, 20]


def drawn(sizes: list[int], units: list[str], **options: Any) -> list[Layer]:
    settings = Options(**{"seed": 11, **options})
    return unpack(sparse_init(sizes, units, stream_from_seed(settings.seed), settings), sizes)


def test_the_weights_of_the_demo_come_out_as_recorded() -> None:
    stream = OctaveStream(1235, 1234)
    stream.randperm(100)  # as the demo does, before the trainer draws
    layers = drawn(DEMO_SIZES, ["logistic", "logistic"], seed=stream)
    np.testing.assert_array_equal(layers[0].W, DEMO["demo_W1"])
    np.testing.assert_array_equal(layers[1].W, DEMO["demo_W2"])


def test_a_run_without_parameters_starts_from_the_draw_of_its_seed() -> None:
    seed = ("octave", 1235, 1234)
    start = train(**field_arguments(initial_theta=None, max_epochs=0, seed=seed, precision="double")).theta
    layers = drawn(SIZES, ["logistic", "logistic"], seed=seed)
    np.testing.assert_array_equal(start, np.concatenate([np.r_[p.W.ravel("F"), p.b.ravel()] for p in layers]))


def test_faithful_draws_repeat_connections() -> None:
    counts = [(layer.W != 0).sum(axis=1) for layer in drawn([20, 100, 100], ["logistic"] * 2)]
    assert max(part.max() for part in counts) <= 15
    assert min(part.min() for part in counts) < 13


@pytest.mark.parametrize("num_connections", [1, 7, 15])
def test_mended_draws_give_each_unit_all_its_connections(num_connections: int) -> None:
    layers = drawn([20, 100, 100], ["logistic"] * 2, faithful=False, num_connections=num_connections)
    for layer in layers:
        np.testing.assert_array_equal((layer.W != 0).sum(axis=1), num_connections)


def test_a_layer_with_fewer_units_than_connections_is_full_when_mended() -> None:
    assert all(np.all(layer.W != 0) for layer in drawn([6, 4, 3], ["logistic"] * 2, faithful=False))


def test_mended_connections_are_drawn_evenly() -> None:
    heard = (drawn([20, 3000], ["logistic"], faithful=False, num_connections=5)[0].W != 0).sum(axis=0)
    assert np.all(np.abs(heard - 750) < 5 * np.sqrt(750))


@pytest.mark.parametrize(
    ("units", "scales"),
    [
        (["logistic", "logistic", "linear"], [1, 1, 1]),
        (["tanh", "logistic", "linear"], [0.5, 0.5, 1]),
        (["logistic", "tanh", "linear"], [1, 0.5, 0.5]),
        (["tanh", "tanh", "tanh"], [0.5, 0.25, 0.25]),
    ],
)
def test_weights_are_halved_around_tanh_layers(units: list[str], scales: list[float]) -> None:
    plain, halved = drawn(WIDE, ["logistic"] * 3), drawn(WIDE, units)
    for layer, reference, scale in zip(halved, plain, scales, strict=True):
        np.testing.assert_array_equal(layer.W, scale * reference.W)


def test_biases_are_one_half_in_tanh_layers_and_zero_elsewhere() -> None:
    biases = [layer.b for layer in drawn(WIDE, ["tanh", "logistic", "tanh"])]
    for b, value in zip(biases, (0.5, 0, 0.5), strict=True):
        np.testing.assert_array_equal(b, np.full_like(b, value))


def test_weights_are_standard_normal_times_the_scale() -> None:
    plain, scaled = (drawn(WIDE, ["logistic"] * 3, init_scale=scale)[0].W for scale in (1.0, 3.0))
    np.testing.assert_array_equal(scaled, 3 * plain)
    assert abs(plain[plain != 0].std() - 1) < 0.1


def test_on_a_repeated_connection_the_last_draw_wins() -> None:
    class Repeating:
        def rand(self, *shape: int) -> Any:
            return np.full(shape, 0.5)

        def randn(self, *shape: int) -> Any:
            return np.arange(1.0, 1 + np.prod(shape)).reshape(shape)

    W = drawn([4, 2], ["linear"], seed=Repeating())[0].W
    np.testing.assert_array_equal(W, [[0, 15, 0, 0]] * 2)
