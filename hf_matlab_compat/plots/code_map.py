"""The codes of an autoencoder as a map: each case is a point, coloured by its label."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hf_matlab_compat.errors import DataError, OptionError
from hf_matlab_compat.model.activations import TrainedNetwork
from hf_matlab_compat.plots.canvas import check_target, new_figure, save, tidy

_MOST_CLASSES = 20


def draw_codes(
    target: str | os.PathLike[str],
    network: TrainedNetwork,
    inputs: ArrayLike,
    *,
    labels: ArrayLike | None = None,
    layer: int | None = None,
) -> Path:
    """Draw the codes of cases in the plane.

    Parameters
    ----------
    target : path-like
        The picture, .png, .svg or .pdf.
    network : TrainedNetwork
        The trained network.
    inputs : (s_0, N) array_like
        A case in each column.
    labels : N numbers or words, optional
        Up to 20 different labels get a colour each; more are numbers on a scale.
    layer : int, optional
        The code layer, counted from 1; by default the narrowest hidden one. If it has more than two units, its first
        two principal components are drawn, and the axes show their share of the variance.

    Returns
    -------
    Path
        The picture.

    Raises
    ------
    DataError
        Labels do not fit, or the layer has only one unit.
    OptionError, ArgumentError
        There is no such layer, matplotlib is missing, or the file cannot be written.
    """
    path = check_target(target)
    place = _code_layer(network, layer)
    codes = network.outputs(inputs)[place]
    points, names = _in_the_plane(codes)
    known = None if labels is None else np.asarray(labels).ravel()
    if known is not None and known.size != points.shape[1]:
        raise DataError("labels", expected=f"{points.shape[1]}, one for each case", got=known.size)
    figure = new_figure(7.5, 6)
    axes = figure.subplots()
    _scatter(figure, axes, points, known)
    axes.set_xlabel(names[0])
    axes.set_ylabel(names[1])
    axes.set_title(f"codes of {points.shape[1]} cases in layer {place} ({network.unit_types[place - 1]})", loc="left")
    tidy(axes)
    save(figure, path)
    return path


def _code_layer(network: TrainedNetwork, layer: int | None) -> int:
    hidden = range(1, len(network.sizes) - 1)
    if layer is None and hidden:
        return min(hidden, key=lambda i: network.sizes[i])
    if layer is None or not 1 <= layer < len(network.sizes):
        raise OptionError("layer", expected=f"a layer from 1 to {len(network.sizes) - 1}", got=layer)
    return layer


def _in_the_plane(codes: NDArray[Any]) -> tuple[NDArray[Any], tuple[str, str]]:
    units = codes.shape[0]
    if units == 2:
        return codes, ("unit 1", "unit 2")
    if units < 2:
        raise DataError("layer", expected="a code layer of two units or more", got=f"{units} unit")
    centred = codes - codes.mean(axis=1, keepdims=True)
    directions, lengths, _ = np.linalg.svd(centred, full_matrices=False)
    share = 100 * lengths**2 / max(float(np.sum(lengths**2)), np.finfo(float).tiny)
    shares = [*share, 0.0, 0.0]
    first, second = (f"principal component {i + 1} of {units} units ({shares[i]:.0f} % of variance)" for i in range(2))
    points = directions[:, :2].T @ centred
    return (points if len(points) == 2 else np.vstack([points, 0 * points])), (first, second)


def _scatter(figure: Any, axes: Any, points: NDArray[Any], labels: NDArray[Any] | None) -> None:
    style = {"s": 9, "linewidths": 0, "alpha": 0.8}
    if labels is None:
        axes.scatter(*points, color="#1f77b4", **style)
        return
    classes = np.unique(labels)
    if len(classes) > _MOST_CLASSES and labels.dtype.kind in "fiu":
        figure.colorbar(axes.scatter(*points, c=labels, cmap="viridis", **style), ax=axes)
        return
    from matplotlib import colormaps

    colours = colormaps["tab10" if len(classes) <= 10 else "tab20"]
    for number, name in enumerate(classes):
        of_class = points[:, labels == name]
        axes.scatter(*of_class, color=colours(number % colours.N), label=_plain(name), **style)
    figure.legend(loc="outside right upper", frameon=False, fontsize="small", markerscale=2)


def _plain(name: Any) -> str:
    return f"{name:g}" if isinstance(name, float | int | np.number) else str(name)[:30].replace("$", r"\$")
