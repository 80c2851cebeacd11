"""Learning curves of several runs over each other: likelihood, error, rho, lambda and CG steps by epoch."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hf_matlab_compat.errors import ArgumentError
from hf_matlab_compat.matlab.log_parser import LoggedRun, read_log
from hf_matlab_compat.plots.canvas import check_target, new_figure, save, tidy

_MOST_NAMED_COLOURS = 10
_LONGEST_LABEL = 40


def runs_of_logs(paths: Sequence[str | os.PathLike[str]]) -> dict[str, LoggedRun]:
    """The runs of log files under names to show: the file's, numbered where it has several runs.

    Raises
    ------
    ArgumentError
        A file cannot be read or holds no run.
    """
    named: dict[str, LoggedRun] = {}
    for path in paths:
        runs = [run for run in read_log(path) if run.epochs.size]
        for number, run in enumerate(runs, start=1):
            label = Path(path).stem + (f" ({number})" if len(runs) > 1 else "")
            while label in named:
                label += "'"
            named[label] = run
    return named


def draw_learning_curves(target: str | os.PathLike[str], runs: Mapping[str, LoggedRun]) -> Path:
    """Draw runs over each other.

    Training figures are full lines, test figures dashed. Log-likelihoods below zero and errors are drawn on a
    logarithmic scale where they span one, without those that are 0. A rho of -Inf is a triangle at the lower edge;
    other ones are drawn between -1 and 3.

    Parameters
    ----------
    target : path-like
        The picture, .png, .svg or .pdf.
    runs : mapping of str to LoggedRun
        Label to run; runs without an epoch are left out.

    Returns
    -------
    Path
        The picture.

    Raises
    ------
    ArgumentError
        There is no epoch to draw, matplotlib is missing, or the file cannot be written.
    """
    path = check_target(target)
    shown = {label: run for label, run in runs.items() if run.epochs.size}
    if not shown:
        raise ArgumentError("runs", expected="at least one run with a finished epoch", got="none")
    figure = new_figure(11, 9.5)
    grid = figure.subplots(3, 2).ravel()
    colours = _colours(len(shown))
    for axes, panel in zip(grid[:5], _PANELS, strict=True):
        for (label, run), colour in zip(shown.items(), colours, strict=True):
            panel(axes, run.epochs, {"color": colour, "label": _short(label), "linewidth": 1.4})
        axes.set_xlabel("epoch")
        axes.xaxis.get_major_locator().set_params(integer=True)
        tidy(axes)
    _legend(grid[5], grid[0])
    save(figure, path)
    return path


def _colours(count: int) -> Sequence[Any]:
    from matplotlib import colormaps

    few = colormaps["tab10"].colors  # pyright: ignore
    return few[:count] if count <= _MOST_NAMED_COLOURS else list(colormaps["viridis"](np.linspace(0, 0.9, count)))


def _short(label: str) -> str:
    plain = label.replace("$", r"\$").lstrip("_") or "run"  # matplotlib hides labels that begin with _
    return plain if len(plain) <= _LONGEST_LABEL else plain[: _LONGEST_LABEL - 1] + "…"


def _likelihood(axes: Any, epochs: NDArray[np.void], style: dict[str, Any]) -> None:
    train, test = epochs["log_likelihood"], epochs["test_log_likelihood"]
    _pair(axes, epochs["epoch"], (-train, -test), style)
    axes.set_title("negative log-likelihood", loc="left")


def _error(axes: Any, epochs: NDArray[np.void], style: dict[str, Any]) -> None:
    _pair(axes, epochs["epoch"], (epochs["error"], epochs["test_error"]), style)
    axes.set_title("error", loc="left")


def _pair(axes: Any, x: NDArray[Any], values: tuple[NDArray[Any], NDArray[Any]], style: dict[str, Any]) -> None:
    marker = {"marker": "o", "markersize": 3} if len(x) == 1 else {}
    for y, line in zip(values, ("-", "--"), strict=True):
        if np.isfinite(y).any():
            axes.plot(x, y, line, **{**style, **marker, "label": style["label"] if line == "-" else None})
    drawn = np.concatenate([np.asarray(line.get_ydata(), dtype=float) for line in axes.lines] or [np.ones(1)])
    above = drawn[np.isfinite(drawn) & (drawn > 0)]
    spread = above.size and not (drawn < 0).any() and above.max() > 3 * above.min()
    if spread:
        axes.set_yscale("log", nonpositive="mask")
    else:
        axes.set_yscale("linear")


def _rho(axes: Any, epochs: NDArray[np.void], style: dict[str, Any]) -> None:
    rho, x = epochs["rho"], epochs["epoch"]
    fine = np.isfinite(rho)
    axes.plot(x[fine], np.clip(rho[fine], -1, 3), ".", markersize=4, color=style["color"])
    worse = np.isneginf(rho)
    axes.plot(x[worse], np.full(worse.sum(), -0.1), "v", color=style["color"], markersize=5)
    if len(axes.lines) == 2:
        for threshold in (0.25, 0.75):
            axes.axhline(threshold, color="0.6", linewidth=0.8, linestyle=":")
    axes.set_title("rho (▾: -Inf; dotted: thresholds 0.25, 0.75)", loc="left")


def _lambda(axes: Any, epochs: NDArray[np.void], style: dict[str, Any]) -> None:
    lam = epochs["lam"]
    axes.plot(epochs["epoch"], np.where(lam > 0, lam, np.nan), drawstyle="steps-mid", **style)
    axes.set_yscale("log")
    axes.set_title("lambda", loc="left")


def _cg_steps(axes: Any, epochs: NDArray[np.void], style: dict[str, Any]) -> None:
    axes.plot(epochs["epoch"], epochs["cg_steps"], **style)
    axes.set_ylim(0, max(1.05 * max(np.max(line.get_ydata()) for line in axes.lines), 1))
    axes.set_title("CG steps used", loc="left")


_PANELS: tuple[Callable[[Any, NDArray[np.void], dict[str, Any]], None], ...] = (
    _likelihood,
    _error,
    _rho,
    _lambda,
    _cg_steps,
)


def _legend(axes: Any, first: Any) -> None:
    from matplotlib.lines import Line2D

    axes.axis("off")
    lines, labels = first.get_legend_handles_labels()
    kinds = [
        Line2D([], [], color="0.3", linestyle="-", label="training"),
        Line2D([], [], color="0.3", linestyle="--", label="test"),
    ]
    entries = [*lines, *kinds]
    columns = 1 if len(entries) <= 14 else 2
    names = [*labels, "training", "test"]
    legend = axes.legend(entries, names, loc="upper left", frameon=False, ncols=columns, fontsize="small")
    legend.set_in_layout(False)  # it would take its height from the curves
