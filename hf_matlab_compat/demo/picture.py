"""Rows of digits above each other in one PNG."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

_SIDE = 8  # pixels


def picture_impossible() -> str | None:
    """Return how to get matplotlib, or None if it is installed."""
    if find_spec("matplotlib") is None:
        return "No picture was drawn: that needs matplotlib. Get it with: pip install 'hf_matlab_compat[plot]'"
    return None


def write_picture(path: Path, rows: Mapping[str, NDArray[Any]]) -> None:
    """Draw rows of digits: heading → pictures in columns, (64, n), 0 white and 1 black."""
    from matplotlib.figure import Figure  # slow to import; needs no display

    columns = next(iter(rows.values())).shape[1]
    figure = Figure(figsize=(0.62 * columns, 0.92 * len(rows)), dpi=150, layout="constrained")
    for axes, (heading, images) in zip(figure.subplots(len(rows), 1, squeeze=False).flat, rows.items(), strict=True):
        axes.imshow(_strip(images), cmap="gray_r", vmin=0, vmax=1, interpolation="nearest")
        axes.set_title(heading, loc="left", fontsize=10)
        axes.set_axis_off()
    figure.savefig(path)


def _strip(images: NDArray[Any]) -> NDArray[Any]:
    """Return pictures side by side, with a white pixel around each."""
    framed = [np.pad(image.reshape(_SIDE, _SIDE), 1) for image in images.T]
    return np.hstack(framed)
