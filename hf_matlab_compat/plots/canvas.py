"""matplotlib figures without a window and without global state, saved to a file; imported when a picture is drawn."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from hf_matlab_compat.errors import ArgumentError
from hf_matlab_compat.matlab.files.atomic_file import atomic_file

Figure = Any
"""A matplotlib Figure."""

SUFFIXES = (".png", ".svg", ".pdf")
_DOTS_PER_INCH = 150


def new_figure(width: float, height: float) -> Figure:
    """Return an empty figure, with its size in inches.

    Raises
    ------
    ArgumentError
        matplotlib is not installed.
    """
    return _figure_class()(figsize=(width, height), layout="constrained")


def _figure_class() -> Any:
    try:
        from matplotlib.figure import Figure as MatplotlibFigure
    except ImportError as error:
        raise ArgumentError(
            "matplotlib",
            expected="the package, which draws pictures",
            got="no such package",
            advice="Run pip install 'hf_matlab_compat[plot]'.",
        ) from error
    return MatplotlibFigure


def check_target(path: str | os.PathLike[str]) -> Path:
    """Return the path, if its suffix is that of a picture, its folder exists and pictures can be drawn.

    Raises
    ------
    ArgumentError
        The suffix is none of `SUFFIXES`, there is no such folder, or matplotlib is not installed.
    """
    target = Path(path).expanduser()
    if target.suffix.lower() not in SUFFIXES:
        got = repr(str(target))
        raise ArgumentError("picture", expected=f"a file name that ends in {', '.join(SUFFIXES)}", got=got)
    if not target.parent.is_dir():
        got = f"{str(target)!r} (No such file or directory)"
        raise ArgumentError("picture", expected="a file that can be written", got=got)
    _figure_class()
    return target


def save(figure: Figure, path: Path) -> None:
    """Write the figure in the format of the suffix, whole or not at all; the same picture gives the same bytes.

    Raises
    ------
    ArgumentError
        The file cannot be written.
    """
    from matplotlib import rc_context

    dated = {".png": None, ".svg": "Date", ".pdf": "CreationDate"}[path.suffix.lower()]
    try:
        with rc_context({"svg.hashsalt": "hf_matlab_compat", "svg.fonttype": "path"}), atomic_file(path) as stream:
            kind = path.suffix.lower()[1:]
            figure.savefig(stream, format=kind, dpi=_DOTS_PER_INCH, metadata={dated: None} if dated else {})
    except OSError as error:
        raise ArgumentError(
            "picture", expected="a file that can be written", got=f"{str(path)!r} ({error.strerror})"
        ) from error


def tidy(axes: Any) -> None:
    """Draw a light grid and remove the upper and right border."""
    axes.grid(True, color="0.9", linewidth=0.8)
    axes.set_axisbelow(True)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
