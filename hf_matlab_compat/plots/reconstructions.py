"""Reconstructions of an autoencoder: cases above, their reconstructions below."""

from __future__ import annotations

import math
import os
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hf_matlab_compat.errors import DataError, OptionError
from hf_matlab_compat.model.activations import TrainedNetwork
from hf_matlab_compat.plots.canvas import check_target, new_figure, save

_A_ROW = 10
_AT_A_TIME = 4096
"""Number of cases."""


def draw_reconstructions(
    target: str | os.PathLike[str],
    network: TrainedNetwork,
    inputs: ArrayLike,
    *,
    image_shape: tuple[int, int] | None = None,
    by_columns: bool = False,
    count: int = 20,
) -> Path:
    """Draw cases and their reconstructions.

    Parameters
    ----------
    target : path-like
        The picture, .png, .svg or .pdf.
    network : TrainedNetwork
        An autoencoder: as many outputs as inputs.
    inputs : (s_0, N) array_like
        The first `count` cases are drawn; the title shows the error of all cases and of these.
    image_shape : (height, width), optional
        By default a square; if s_0 is no square number, cases are drawn as curves.
    by_columns : bool
        The pixels of a case run down the columns of the image, as in MATLAB's reshape.
    count : int
        Number of cases to draw, at least 1.

    Returns
    -------
    Path
        The picture.

    Raises
    ------
    OptionError
        `count` or a shape does not fit.
    DataError, ArgumentError
        The network is no autoencoder, matplotlib is missing, or the file cannot be written.
    """
    path = check_target(target)
    shape = _shape(network, image_shape)
    if count < 1:
        raise OptionError("count", expected="a number of cases of at least 1", got=count)
    every = np.asarray(inputs, dtype=np.float64)
    errors = _squared_errors(network, every)
    cases = every[..., :count]
    restored = network.outputs(cases)[-1]
    columns, rows = min(_A_ROW, cases.shape[1]), math.ceil(cases.shape[1] / _A_ROW)
    figure = new_figure(max(1.0 * columns, 4.5), 2.15 * rows + 0.6)
    grid = figure.subplots(2 * rows, columns, squeeze=False)
    for axes in grid.ravel():
        axes.axis("off")
    for case in range(cases.shape[1]):
        above, column = 2 * (case // columns), case % columns
        pair = (cases[:, case], restored[:, case])
        _draw(grid[above][column], pair[0], pair, shape, by_columns)
        _draw(grid[above + 1][column], pair[1], pair, shape, by_columns)
    figure.suptitle(_title(errors, cases.shape[1]), fontsize=9)
    save(figure, path)
    return path


def _squared_errors(network: TrainedNetwork, cases: NDArray[Any]) -> NDArray[Any]:
    """Return the squared error of each case, summed over its numbers."""
    if cases.ndim != 2:
        network.outputs(cases)  # raises, since they are no matrix
    starts = range(0, max(cases.shape[1], 1), _AT_A_TIME)
    with np.errstate(over="ignore"):
        parts = (cases[:, start : start + _AT_A_TIME] for start in starts)
        return np.concatenate([np.sum((network.outputs(part)[-1] - part) ** 2, axis=0) for part in parts])


def _title(errors: NDArray[Any], drawn: int) -> str:
    heading = "cases (above) and reconstructions (below)\nmean squared error of a case "
    with np.errstate(over="ignore"):
        shown, every = float(np.mean(errors[:drawn])), float(np.mean(errors))
    if drawn == errors.size:
        return f"{heading}{every:.4g}"
    return f"{heading}{every:.4g} over all {errors.size}, {shown:.4g} over the {drawn} drawn"


def _shape(network: TrainedNetwork, image_shape: tuple[int, int] | None) -> tuple[int, int] | None:
    first, last = network.sizes[0], network.sizes[-1]
    if first != last:
        got = f"{last} outputs for {first} inputs"
        raise DataError("network", expected="an autoencoder, with as many outputs as inputs", got=got)
    side = math.isqrt(first)
    if image_shape is None:
        return (side, side) if side * side == first and side > 1 else None
    if math.prod(image_shape) != first:
        raise OptionError("image_shape", expected=f"a height and a width of {first} pixels", got=repr(image_shape))
    return image_shape


def _draw(axes: Any, case: NDArray[Any], pair: Any, shape: tuple[int, int] | None, by_columns: bool) -> None:
    """Draw one case: an image on the scale of the original, or a curve on the scale of both."""
    scale = pair[0] if shape is not None else np.concatenate(pair)
    low, high = float(scale.min()), float(scale.max())
    if shape is None:
        axes.plot(case, color="0.2", linewidth=0.8)
        margin = 0.1 * (high - low) or 1.0
        axes.set_ylim(low - margin, high + margin)
        return
    image = case.reshape(shape, order="F" if by_columns else "C")
    axes.imshow(image, cmap="gray", vmin=low, vmax=high if high > low else low + 1, interpolation="nearest")
