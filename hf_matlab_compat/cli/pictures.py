"""Pictures that commands draw if they are asked to: refused before the work, drawn after it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path


def check_picture(picture: Path | None) -> None:
    """Refuse a picture that could not be drawn, before the study runs."""
    from hf_matlab_compat.plots.canvas import check_target

    if picture is not None:
        check_target(picture)


def draw(plot: Callable[[Path], None], picture: Path | None) -> None:
    """Draw the picture, if one was asked for, and say where it is."""
    if picture is not None:
        plot(picture)
        print(f"Picture: {picture}")
