"""Reconstructions and codes: what is drawn is what the network computes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hf_matlab_compat.errors import CheckpointError, DataError, HessianFreeError, OptionError
from hf_matlab_compat.legacy import calcActivations, unpack
from hf_matlab_compat.matlab.files.checkpoint import write_checkpoint
from hf_matlab_compat.model.packing import num_parameters
from hf_matlab_compat.plots import (
    TrainedNetwork,
    code_map,
    draw_codes,
    draw_reconstructions,
    load_network,
    reconstructions,
)
from tests.matlab.files.checkpoint_files import make_state, save_mat

pytest.importorskip("matplotlib")
SIZES, TYPES = (9, 6, 2, 6, 9), ("logistic", "linear", "tanh", "logistic")
CASES = np.random.default_rng(0).random((9, 25))


def saved(folder: Path, sizes: tuple[int, ...] = SIZES) -> Path:
    write_checkpoint(folder / "run.mat", make_state(size=num_parameters(sizes)))
    return folder / "run.mat"


@pytest.fixture
def network(tmp_path: Path) -> TrainedNetwork:
    return load_network(saved(tmp_path), SIZES[1:-1], TYPES, 9)


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    figures: list[Any] = []
    for module in (code_map, reconstructions):
        monkeypatch.setattr(module, "save", lambda figure, path: figures.append(figure))
    return figures


def test_a_checkpoint_s_network_computes_what_matlab_s_helper_does(network: TrainedNetwork) -> None:
    theta = make_state(size=num_parameters(SIZES)).theta
    W, b = unpack(theta, SIZES)
    expected, _ = calcActivations(CASES, W, b, TYPES)
    assert network.sizes == SIZES
    np.testing.assert_allclose(network.outputs(CASES)[-1], expected, rtol=1e-6)


@pytest.mark.parametrize("sizes", [(9, 4), (9, 5, 3)])
def test_outputs_follow_from_the_number_of_parameters(tmp_path: Path, sizes: tuple[int, ...]) -> None:
    assert load_network(saved(tmp_path, sizes), sizes[1:-1], TYPES[: len(sizes) - 1], 9).sizes == sizes


def test_layers_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="unit_types: expected 4 of 'logistic'"):
        load_network(saved(tmp_path), SIZES[1:-1], TYPES[1:], 9)
    with pytest.raises(OptionError, match=r"'sigmoid'\]\. Did you mean 'logistic'\?"):
        load_network(saved(tmp_path), SIZES[1:-1], (*TYPES[1:], "sigmoid"), 9)
    with pytest.raises(OptionError, match="selu"):
        load_network(saved(tmp_path), SIZES[1:-1], (*TYPES[1:], "selu"), 9)
    with pytest.raises(CheckpointError, match="layersizes: expected those of 155 parameters"):
        load_network(saved(tmp_path), (6, 2, 8), TYPES, 9)


def test_cases_stand_above_their_reconstructions(network: TrainedNetwork, drawn: list[Any]) -> None:
    draw_reconstructions("x.png", network, CASES, count=12)
    images = [axes.images[0].get_array() for axes in drawn[0].axes if axes.images]
    restored = network.outputs(CASES)[-1]
    assert len(images) == 24
    order = {str(np.asarray(image).ravel().round(6).tolist()) for image in images}
    expected = np.hstack([CASES[:, :12], restored[:, :12]]).T.round(6)
    assert order == {str(row.tolist()) for row in expected}


@pytest.mark.parametrize(("count", "cases"), [(3, 12), (12, 12), (20, 7)])
def test_the_title_tells_the_error_of_all_cases_and_of_those_drawn(
    network: TrainedNetwork, drawn: list[Any], count: int, cases: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reconstructions, "_AT_A_TIME", 5)
    draw_reconstructions("x.png", network, CASES[:, :cases], count=count)
    errors = ((network.outputs(CASES[:, :cases])[-1] - CASES[:, :cases]) ** 2).sum(axis=0)
    said = f"mean squared error of a case {errors.mean():.4g}"
    if count < cases:
        said += f" over all {cases}, {errors[:count].mean():.4g} over the {count} drawn"
    assert drawn[0].get_suptitle().split("\n")[1] == said


def test_pixels_run_down_the_columns_on_request(network: TrainedNetwork, drawn: list[Any]) -> None:
    draw_reconstructions("x.png", network, CASES, count=1, by_columns=True)
    np.testing.assert_array_equal(drawn[0].axes[0].images[0].get_array(), CASES[:, 0].reshape(3, 3, order="F"))


def test_cases_that_are_no_squares_are_curves_or_have_a_shape(tmp_path: Path, drawn: list[Any]) -> None:
    net = load_network(saved(tmp_path, (6, 3, 6)), (3,), TYPES[:2], 6)
    draw_reconstructions("x.png", net, CASES[:6], count=2)
    assert [len(axes.lines) for axes in drawn[0].axes] == [1, 1, 1, 1]
    draw_reconstructions("x.png", net, 0.01 * CASES[:6], count=2)
    for axes in drawn.pop().axes:
        low, high = axes.get_ylim()
        assert low < np.min(axes.lines[0].get_ydata()) <= np.max(axes.lines[0].get_ydata()) < high
    draw_reconstructions("x.png", net, CASES[:6], count=2, image_shape=(2, 3))
    assert drawn[1].axes[0].images[0].get_array().shape == (2, 3)
    with pytest.raises(OptionError, match="image_shape: expected a height and a width of 6 pixels"):
        draw_reconstructions("x.png", net, CASES[:6], image_shape=(2, 2))


def test_a_network_that_is_no_autoencoder_is_refused(tmp_path: Path) -> None:
    net = load_network(saved(tmp_path, (9, 3, 4)), (3,), TYPES[:2], 9)
    with pytest.raises(DataError, match=r"network: expected an autoencoder.*4 outputs for 9 inputs"):
        draw_reconstructions("x.png", net, CASES)


@pytest.mark.parametrize("inputs", [CASES.T, CASES[0], CASES[:, :0]])
def test_data_that_do_not_fit_are_refused(network: TrainedNetwork, inputs: Any) -> None:
    for draw in (draw_reconstructions, draw_codes):
        with pytest.raises(DataError, match="inputs: expected 9 rows, a case in each column"):
            draw("x.png", network, inputs)


def test_codes_of_two_units_are_drawn_as_they_are(network: TrainedNetwork, drawn: list[Any]) -> None:
    draw_codes("x.png", network, CASES)
    (axes,) = drawn[0].axes
    np.testing.assert_allclose(axes.collections[0].get_offsets(), network.outputs(CASES)[2].T)
    assert (axes.get_xlabel(), axes.get_title(loc="left")) == ("unit 1", "codes of 25 cases in layer 2 (linear)")


def test_of_more_units_the_principal_components_are_drawn_and_said(network: TrainedNetwork, drawn: list[Any]) -> None:
    draw_codes("x.png", network, CASES, layer=1)
    (axes,) = drawn[0].axes
    points = np.asarray(axes.collections[0].get_offsets())
    spread = np.linalg.eigvalsh(np.cov(network.outputs(CASES)[1]))[::-1]
    np.testing.assert_allclose(np.var(points, axis=0, ddof=1), spread[:2], rtol=1e-9)
    share = 100 * spread[0] / spread.sum()
    assert axes.get_xlabel() == f"principal component 1 of 6 units ({share:.0f} % of variance)"


@pytest.mark.parametrize("labels", [[f"class {i % 3}" for i in range(25)], [i % 3 for i in range(25)]])
def test_each_class_has_its_points(network: TrainedNetwork, drawn: list[Any], labels: list[Any]) -> None:
    draw_codes("x.png", network, CASES, labels=labels)
    assert [len(group.get_offsets()) for group in drawn[0].axes[0].collections] == [9, 8, 8]
    assert len(drawn[0].legends[0].get_texts()) == 3


def test_many_numbers_are_a_scale(network: TrainedNetwork, drawn: list[Any]) -> None:
    draw_codes("x.png", network, CASES, labels=np.linspace(0, 1, 25))
    assert len(drawn[0].axes) == 2


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"labels": [1, 2]}, "labels: expected 25, one for each case, got 2"),
        ({"layer": 0}, "layer: expected a layer from 1 to 4, got 0"),
        ({"layer": 5}, "layer: expected a layer from 1 to 4, got 5"),
    ],
)
def test_what_does_not_fit_a_map_is_refused(network: TrainedNetwork, changes: dict[str, Any], sentence: str) -> None:
    with pytest.raises(HessianFreeError, match=sentence):
        draw_codes("x.png", network, CASES, **changes)


@pytest.mark.parametrize("cases", [1, 2])
def test_one_case_is_enough_for_a_picture(network: TrainedNetwork, tmp_path: Path, cases: int) -> None:
    assert draw_codes(tmp_path / "c.png", network, CASES[:, :cases], layer=1).exists()
    assert draw_reconstructions(tmp_path / "r.svg", network, CASES[:, :cases]).exists()


def test_cases_too_large_to_square_are_drawn(network: TrainedNetwork, drawn: list[Any]) -> None:
    draw_reconstructions("x.png", network, CASES * 1e300, count=2)
    assert len(drawn) == 1


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_cases_that_are_not_finite_are_refused(network: TrainedNetwork, value: float) -> None:
    cases = CASES.copy()
    cases[2, 3] = value
    with pytest.raises(DataError, match="expected finite numbers, got NaN or Inf in 1 of 225"):
        network.outputs(cases)


def test_parameters_that_are_not_finite_are_refused(tmp_path: Path) -> None:
    state = make_state(size=num_parameters(SIZES))
    spoilt = state.theta.copy()[:, None]
    spoilt[4] = np.nan
    save_mat(tmp_path / "run.mat", state, paramsp=spoilt)
    with pytest.raises(CheckpointError, match="expected finite numbers in paramsp, got NaN or Inf in 1 of them"):
        load_network(tmp_path / "run.mat", SIZES[1:-1], TYPES, 9)
