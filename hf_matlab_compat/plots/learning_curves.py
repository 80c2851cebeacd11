"""Learning curves of several runs in one picture: likelihood, error, rho, lambda, CG steps and step norm by epoch."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hf_matlab_compat.errors import ArgumentError, CheckpointError, OptionError
from hf_matlab_compat.matlab.files.checkpoint import read_checkpoint
from hf_matlab_compat.matlab.logs.parser import LoggedRun, read_log
from hf_matlab_compat.plots.canvas import check_target, new_figure, save, tidy

_MOST_NAMED_COLOURS = 10
_LONGEST_LABEL = 40
_MOST_DECADES, _LEAST_DECADES = 3, 0.5
"""Range in decades of a logarithmic axis with plain numbers at 1, 2 and 5; below it they are evenly spaced."""
_LEGEND_LETTERS = 150


def runs_of_logs(paths: Sequence[str | os.PathLike[str]]) -> dict[str, LoggedRun]:
    """Read the runs of log files, under names for a legend: the file's, with as much of its path as makes it unique.

    Several runs in one file get numbers. Names are ``a/run`` and ``b/run`` if both would be ``run``.

    Raises
    ------
    ArgumentError
        A file cannot be read or holds no run.
    """
    named: dict[str, LoggedRun] = {}
    for path, name in zip(paths, names_of_files(paths), strict=True):
        runs = [run for run in read_log(path) if run.epochs.size]
        for number, run in enumerate(runs, start=1):
            named[name + (f" ({number})" if len(runs) > 1 else "")] = run
    return named


def names_of_files(paths: Sequence[str | os.PathLike[str]]) -> list[str]:
    """Return the shortest unique name of each file: its stem, its name, or more of its path.

    Examples
    --------
    >>> names_of_files(["old/a/run.txt", "old/b/run.txt", "old/a/test.txt"])
    ['a/run', 'b/run', 'test']
    """
    names = [""] * len(paths)
    forms = [_forms(Path(path)) for path in paths]
    for depth in range(max(map(len, forms), default=0)):
        tried = [form[min(depth, len(form) - 1)] for form in forms]
        pairs = list(zip(names, tried, strict=True))
        names = [name or (new if tried.count(new) == 1 and new not in names else "") for name, new in pairs]
    again = (f"{form[0]} [{number}]" for number, form in enumerate(forms, start=1))  # the same file twice
    return [name or numbered for name, numbered in zip(names, again, strict=True)]


def _forms(path: Path) -> list[str]:
    """Return the possible names of a file, shortest first."""
    name = path.name.removesuffix(".gz")
    folders = path.absolute().parent.parts[1:]
    stem = Path(name).stem
    longer = ["/".join((*folders[-depth:], stem)) for depth in range(1, len(folders) + 1)]
    return [stem, name, *longer, str(path.absolute())]


def seconds_of_logs(paths: Sequence[str | os.PathLike[str]]) -> dict[str, NDArray[np.float64]]:
    """Return the seconds of training at the end of each epoch, under the names of `runs_of_logs`.

    A log does not hold them; the checkpoint next to it, ``<run>_nnet_running.mat``, does.

    Raises
    ------
    ArgumentError
        There is no such checkpoint, or it is of another run.
    """
    runs = {str(path): [run for run in read_log(path) if run.epochs.size] for path in paths}
    flat = [_seconds(path, run) for path in map(str, paths) for run in runs[path]]
    return dict(zip(runs_of_logs(paths), flat, strict=True))


def _seconds(path: str, run: LoggedRun) -> NDArray[np.float64]:
    beside = Path(path).with_name(f"{Path(path).name.removesuffix('.gz').removesuffix('.txt')}_nnet_running.mat")
    advice = "Draw against epochs or CG steps."
    expected = f"{beside.name} next to the log, which has the seconds"
    try:
        records = read_checkpoint(beside, precision="single").records
    except CheckpointError as error:
        raise ArgumentError("seconds", expected=expected, got=str(error).rstrip("."), advice=advice) from error
    number, told = run.epochs["epoch"], run.epochs["log_likelihood"]
    known = number.max() <= len(records.seconds)
    if not known or not np.allclose(records.log_likelihood[number - 1, 0], told, rtol=1e-3, atol=1e-4, equal_nan=True):
        raise ArgumentError("seconds", expected=expected, got=f"a checkpoint of another run than {path}", advice=advice)
    return np.cumsum(records.seconds)[number - 1]


Panel = Callable[[Any, NDArray[Any], Any, dict[str, Any]], None]
"""(axes, places on the horizontal axis, a run, style of its line) → None: draws one figure of a run."""

AGAINST = {"epoch": "epoch", "cg-steps": "CG steps of the run", "seconds": "seconds of training"}
"""Possible horizontal axes, and their labels."""


def draw_learning_curves(
    target: str | os.PathLike[str],
    runs: Mapping[str, LoggedRun],
    *,
    against: str = "epoch",
    seconds: Mapping[str, NDArray[np.float64]] | None = None,
) -> Path:
    """Draw the curves of runs over each other.

    Training figures are solid lines, test figures dashed. Negative log-likelihoods and errors have a logarithmic scale
    if they are positive and span enough; zeros are then left out. A rho of -Inf is a triangle at the lower edge; other
    values are clipped to the range from -1 to 3.

    Parameters
    ----------
    target : path-like
        The picture, .png, .svg or .pdf.
    runs : mapping of str to LoggedRun
        Label to run; runs without an epoch are left out.
    against : {'epoch', 'cg-steps', 'seconds'}
        The horizontal axis: epochs, CG steps so far, or seconds.
    seconds : mapping of str to (k,) arrays, optional
        Label to the seconds at the end of each epoch (`seconds_of_logs`).

    Returns
    -------
    Path
        The picture.

    Raises
    ------
    ArgumentError
        There is no epoch to draw, a run lacks the figure of the horizontal axis, matplotlib is missing, or the file
        cannot be written.
    """
    path = check_target(target)
    shown = {label: run for label, run in runs.items() if run.epochs.size}
    if not shown:
        raise ArgumentError("runs", expected="at least one run with a finished epoch", got="none")
    places = {label: _places(label, run, against, seconds or {}) for label, run in shown.items()}
    draw_panels(path, shown, (places, AGAINST[against]), _PANELS)
    return path


def draw_panels(
    target: str | os.PathLike[str],
    curves: Mapping[str, Any],
    against: tuple[Mapping[str, NDArray[Any]], str],
    panels: Sequence[Panel],
    *,
    size: tuple[float, float] = (11, 9.5),
) -> None:
    """Draw panels in two columns, each with all curves, and one legend.

    Parameters
    ----------
    target : path-like
        The picture, .png, .svg or .pdf.
    curves : mapping of str to object
        Label to what the panels draw: an object with an array for each figure in `epochs`.
    against : tuple
        Label to places on the horizontal axis, and the label of that axis.
    panels : sequence of callable
        (axes, places, curves, style) → None.
    size : tuple of float
        Of the picture, in inches.

    Raises
    ------
    ArgumentError
        matplotlib is missing, or the file cannot be written.
    """
    path, figure = check_target(target), new_figure(*size)
    places, xlabel = against
    grid = figure.subplots(len(panels) // 2, 2).ravel()
    colours = _colours(len(curves))
    labels = _short(list(curves))
    for axes, panel in zip(grid, panels, strict=True):
        for run, x, label, colour in zip(curves.values(), places.values(), labels, colours, strict=True):
            marker = {"marker": "o", "markersize": 3} if len(x) == 1 else {}
            panel(axes, x, run, {"color": colour, "label": label, "linewidth": 1.4, **marker})
        axes.set_xlabel(xlabel)
        axes.xaxis.get_major_locator().set_params(integer=xlabel != AGAINST["seconds"])
        _finish(axes)
    _legend(figure, labels, colours)
    save(figure, path)


def _places(
    label: str, run: LoggedRun, against: str, seconds: Mapping[str, NDArray[np.float64]]
) -> NDArray[np.float64] | NDArray[np.int64]:
    # return the place of each epoch on the horizontal axis
    if against not in AGAINST:
        raise OptionError("against", expected=f"one of {', '.join(AGAINST)}", got=repr(against))
    if against == "seconds":
        if label not in seconds:
            raise ArgumentError(
                "seconds", expected=f"the seconds of {label}", got="none", advice="Draw against epochs."
            )
        return seconds[label]
    if against == "cg-steps" and "total_cg_steps" not in run.figures:
        got, advice = f"a log without lines of CG steps, {label}", "Draw against epochs."
        raise ArgumentError("against", expected="the total of CG steps of every epoch", got=got, advice=advice)
    return run.epochs["epoch" if against == "epoch" else "total_cg_steps"]


def _colours(count: int) -> Sequence[Any]:
    from matplotlib import colormaps

    few = colormaps["tab10"].colors  # pyright: ignore
    return few[:count] if count <= _MOST_NAMED_COLOURS else list(colormaps["viridis"](np.linspace(0, 0.9, count)))


def _short(labels: Sequence[str]) -> list[str]:
    """Return labels for the legend: long ones are cut in the middle if they stay unique."""
    plain = [label.replace("$", r"\$").lstrip("_") or "run" for label in labels]  # matplotlib hides labels with "_"
    half = _LONGEST_LABEL // 2
    cut = [label if len(label) <= _LONGEST_LABEL else f"{label[: half - 1]}…{label[-half:]}" for label in plain]
    return [short if cut.count(short) == 1 else whole for short, whole in zip(cut, plain, strict=True)]


def likelihood_panel(axes: Any, x: NDArray[Any], run: Any, style: dict[str, Any]) -> None:
    """Draw negative log-likelihoods."""
    _pair(axes, x, (-run.epochs["log_likelihood"], -run.epochs["test_log_likelihood"]), style)
    axes.set_title("negative log-likelihood", loc="left")


def _error(axes: Any, x: NDArray[Any], run: LoggedRun, style: dict[str, Any]) -> None:
    _pair(axes, x, (run.epochs["error"], run.epochs["test_error"]), style)
    axes.set_title("error", loc="left")


def _pair(axes: Any, x: NDArray[Any], values: tuple[NDArray[Any], NDArray[Any]], style: dict[str, Any]) -> None:
    for y, line in zip(values, ("-", "--"), strict=True):
        if np.isfinite(y).any():
            axes.plot(x, y, line, **{**style, "label": style["label"] if line == "-" else None})
    drawn = np.concatenate([np.asarray(line.get_ydata(), dtype=float) for line in axes.lines] or [np.ones(1)])
    above = drawn[np.isfinite(drawn) & (drawn > 0)]
    spread = above.size and not (drawn < 0).any() and above.max() > 3 * above.min()
    if spread:
        axes.set_yscale("log", nonpositive="mask")
    else:
        axes.set_yscale("linear")


def rho_panel(axes: Any, x: NDArray[Any], run: Any, style: dict[str, Any]) -> None:
    """Draw reduction ratios and the thresholds of the rule for λ."""
    rho = run.epochs["rho"]
    fine = np.isfinite(rho)
    axes.plot(x[fine], np.clip(rho[fine], -1, 3), ".", markersize=4, color=style["color"])
    worse = np.isneginf(rho)
    axes.plot(x[worse], np.full(worse.sum(), -0.1), "v", color=style["color"], markersize=5)
    if len(axes.lines) == 2:
        for threshold in (0.25, 0.75):
            axes.axhline(threshold, color="0.6", linewidth=0.8, linestyle=":")
    axes.set_title("rho (▾: -Inf; dotted: thresholds 0.25, 0.75)", loc="left")


def lambda_panel(axes: Any, x: NDArray[Any], run: Any, style: dict[str, Any]) -> None:
    """Draw λ."""
    lam = run.epochs["lam"]
    axes.plot(x, np.where(lam > 0, lam, np.nan), drawstyle="steps-mid", **style)
    axes.set_yscale("log")
    axes.set_title("lambda", loc="left")


def _cg_steps(axes: Any, x: NDArray[Any], run: LoggedRun, style: dict[str, Any]) -> None:
    steps = run.epochs["cg_steps"].astype(float)
    axes.plot(x, steps if "cg_steps" in run.figures else np.full(len(x), np.nan), **style)
    highest = max(np.nanmax(line.get_ydata(), initial=0.0) for line in axes.lines)
    axes.set_ylim(0, max(1.05 * highest, 1))
    axes.set_title("CG steps used", loc="left")


def _norm(axes: Any, x: NDArray[Any], run: LoggedRun, style: dict[str, Any]) -> None:
    norm = run.epochs["d_norm"]
    axes.plot(x, np.where(norm > 0, norm, np.nan), **style)
    axes.set_yscale("log")
    axes.set_title("ch magnitude (norm of what CG found)", loc="left")


_PANELS: tuple[Panel, ...] = (likelihood_panel, _error, rho_panel, lambda_panel, _cg_steps, _norm)


def _finish(axes: Any) -> None:
    """Draw the grid and plain numbers, or a note if no log has the figure as a finite number."""
    drawn = [np.asarray(line.get_ydata(), dtype=float) for line in axes.lines if line.get_transform() == axes.transData]
    figures = np.concatenate(drawn or [np.empty(0)])
    figures = figures[np.isfinite(figures)]
    if not figures.size:
        axes.set_yscale("linear")
        axes.set(xticks=[], yticks=[], xlabel="")
        axes.text(0.5, 0.5, "no number in the logs", transform=axes.transAxes, ha="center", va="center", color="0.5")
    elif axes.get_yscale() == "log":
        _plain_ticks(axes.yaxis, *axes.get_ylim())
    else:
        axes.ticklabel_format(axis="y", useOffset=False)
    tidy(axes)


def _plain_ticks(axis: Any, low: float, high: float) -> None:
    """Write plain numbers on a logarithmic axis of few decades: 5 and 6 instead of 5 × 10⁰ and 6 × 10⁰."""
    from matplotlib import ticker

    decades = math.log10(high / low)
    if decades > _MOST_DECADES:
        axis.set_minor_formatter(ticker.NullFormatter())
        return
    steps = (1.0, 2.0, 5.0) if decades > 1 else (1.0, 2.0, 3.0, 5.0, 7.0)
    axis.set_major_locator(ticker.LogLocator(subs=steps) if decades > _LEAST_DECADES else ticker.MaxNLocator(6))
    axis.set_major_formatter(ticker.FuncFormatter(lambda value, _: f"{value:g}"))
    axis.set_minor_locator(ticker.NullLocator())


def _legend(figure: Any, labels: Sequence[str], colours: Sequence[Any]) -> None:
    from matplotlib.lines import Line2D

    runs = [Line2D([], [], color=colour, label=label) for label, colour in zip(labels, colours, strict=True)]
    kinds = [
        Line2D([], [], color="0.3", linestyle="-", label="training"),
        Line2D([], [], color="0.3", linestyle="--", label="test"),
    ]
    entries = [*runs, *kinds]
    room = _LEGEND_LETTERS // (max(map(len, labels)) + 6)
    columns = max(1, min(len(entries), room, 6))
    figure.legend(handles=entries, loc="outside upper left", frameon=False, ncols=columns, fontsize="small")
