"""Trajectories of steered plants: a point mass over time, and a two-link arm with its joint curves."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hf_matlab_compat.plots.canvas import check_target, new_figure, save, tidy
from hf_matlab_compat.rnn.plants import TwoLinkArm

_POSES = 7
_GOAL = {"marker": "x", "markersize": 9, "markeredgewidth": 2.5, "clip_on": False}


def draw_point(
    target: str | os.PathLike[str], states: NDArray[Any], goals: NDArray[Any], time_step: float, cases: int = 6
) -> Path:
    """Draw position and speed of a point mass over time, a colour for each case.

    Parameters
    ----------
    target : path-like
        The picture, .png, .svg or .pdf.
    states : (2, T+1, N) array
        Position and speed.
    goals : (2, N) array
        Desired last states, drawn as crosses.
    time_step : float
        Seconds of a step.
    cases : int
        The first cases are drawn, this many.

    Returns
    -------
    Path
        The picture.

    Raises
    ------
    ArgumentError
        matplotlib is missing, or the file cannot be written.
    """
    path, figure = check_target(target), new_figure(5, 5.6)
    time = time_step * np.arange(states.shape[1])
    axes = figure.subplots(2, 1, sharex=True)
    for row, (name, each) in enumerate(zip(("position", "speed"), axes, strict=True)):
        for k in range(min(cases, states.shape[2])):
            each.plot(time, states[row, :, k], color=f"C{k}", linewidth=2)
            each.plot(time[-1], goals[row, k], color=f"C{k}", **_GOAL)
        each.set_ylabel(name)
        tidy(each)
    axes[0].set_title("point mass: a colour for each case, × its goal", loc="left")
    axes[1].set_xlabel("seconds")
    save(figure, path)
    return path


def draw_arm(
    target: str | os.PathLike[str], states: NDArray[Any], goals: NDArray[Any], arm: TwoLinkArm, cases: int = 4
) -> Path:
    """Draw the four joint curves of an arm over time, and the arm of the first cases in the plane.

    Parameters
    ----------
    target : path-like
        The picture, .png, .svg or .pdf.
    states : (4, T+1, N) array
        Two angles and two angular velocities.
    goals : (4, N) array
        Desired last states.
    arm : TwoLinkArm
        The arm that moved.
    cases : int
        The first cases are drawn, at most this many.

    Returns
    -------
    Path
        The picture.

    Raises
    ------
    ArgumentError
        matplotlib is missing, or the file cannot be written.
    """
    path, figure = check_target(target), new_figure(5.2, 7.8)
    time = arm.time_step * np.arange(states.shape[1])
    count = min(cases, states.shape[2])
    curves, poses = figure.subfigures(2, 1, height_ratios=(1.25, 1))
    curves.suptitle("two-link arm: a colour for each case, × its goal", x=0.02, ha="left")
    names = ("angle 1", "angle 2", "velocity 1", "velocity 2")
    grid = curves.subplots(2, 2, sharex=True)
    for row, (name, axes) in enumerate(zip(names, grid.flat, strict=True)):
        for k in range(count):
            axes.plot(time, states[row, :, k], color=f"C{k}", linewidth=2)
            axes.plot(time[-1], goals[row, k], color=f"C{k}", **_GOAL)
        axes.set_title(name + (", rad" if row < 2 else ", rad/s"), loc="left")
        tidy(axes)
    for axes in grid[1]:
        axes.set_xlabel("seconds")
    for k, axes in enumerate(np.atleast_1d(poses.subplots(1, min(2, count), sharex=True, sharey=True))):
        _draw_poses(axes, arm, states[:, :, k], goals[:, k], f"C{k}")
        axes.set_title(f"case {k + 1}, dashed: goal", loc="left")
    save(figure, path)
    return path


def _draw_poses(axes: Any, arm: TwoLinkArm, states: NDArray[Any], goal: NDArray[Any], color: str) -> None:
    chosen = np.linspace(0, states.shape[1] - 1, _POSES).round().astype(int)
    for place, s in enumerate(states[:, chosen].T):
        axes.plot(*_limbs(arm, s), color=color, alpha=0.2 + 0.7 * place / (_POSES - 1), linewidth=3)
    axes.plot(*_limbs(arm, goal), color="black", linewidth=1.5, linestyle="--")
    hand = arm.joints(states)[1]
    axes.plot(*hand, color=color, linewidth=1)
    axes.set_aspect("equal")
    tidy(axes)


def _limbs(arm: TwoLinkArm, s: NDArray[Any]) -> NDArray[Any]:
    """Return x and y of shoulder, elbow and hand, (2, 3)."""
    return np.vstack([np.zeros((1, 2)), arm.joints(s)]).T
