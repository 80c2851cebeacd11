"""The caller's way to the problem of a controller, and its checks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hf_matlab_compat.answers import is_number, shown
from hf_matlab_compat.errors import OptionError
from hf_matlab_compat.preflight.arrays import real_array
from hf_matlab_compat.rnn.closed_loop import Controller
from hf_matlab_compat.rnn.control_problem import ControlProblem, TrainedController, checked_cases
from hf_matlab_compat.rnn.plants import Plant, check_parts, check_plant

_CHECKED_CASES = 4
"""Cases from whose starts a plant is run with random controls, to check it where it gets to."""
_FAR = 1e3
"""A plant is checked as long as its states stay below this multiple of the largest start; finite differences of large
numbers are inaccurate."""


def controller(
    plant: Plant,
    starts: ArrayLike,
    goals: ArrayLike,
    *,
    steps: int,
    hidden_size: int = 32,
    end_weights: ArrayLike | None = None,
    effort: float = 1e-3,
    shown_goal: Sequence[int] | None = None,
    shown_state: Sequence[int] | None = None,
    num_chunks: int = 1,
    weight_decay: float = 0.0,
) -> ControlProblem:
    """Return the problem of a recurrent network that steers a plant from starts to goals, for ``train(problem=…)``.

    In each step the network sees the goal and the state, and its outputs are the controls. Derivatives run through
    network and plant. All figures are means over cases, a case being one start with its goal.

    Parameters
    ----------
    plant : Plant
        `PointMass`, `TwoLinkArm`, or an object of yours with ``state_size``, ``control_size`` and ``step(s, u)``.
    starts, goals : (n_s, N) array_like
        First states and desired last states, a case in each column.
    steps : int
        T, at least 1.
    hidden_size : int
        H tanh units, each connected with all.
    end_weights : (n_s,) array_like, optional
        w, weights of the components of the last state; by default 1.
    effort : float
        α, the cost of controls.
    shown_goal, shown_state : sequence of int, optional
        Components of goal and state that the network sees, counted from 0; by default all. The reported error is the
        distance of the last state from the shown part of the goal.
    num_chunks : int
        Minibatches, as in `Options`; must divide N.
    weight_decay : float
        As in `Options`; biases decay too.

    Returns
    -------
    ControlProblem
        For `train`; its ``on(starts, goals)`` is a ``test_problem``, its ``run(theta)`` gives trajectories.

    Raises
    ------
    OptionError
        A setting does not fit, or the plant or its derivatives are wrong.
    DataError
        Starts or goals do not fit the plant.

    Examples
    --------
    >>> import numpy as np
    >>> from hf_matlab_compat.rnn.plants import PointMass
    >>> random = np.random.default_rng(0)
    >>> goals = np.vstack([random.uniform(-1, 1, 20), np.zeros(20)])
    >>> problem = controller(PointMass(), random.uniform(-1, 1, (2, 20)), goals, steps=15, hidden_size=8)
    >>> problem.run(problem.initial_theta(0)).states.shape
    (2, 16, 20)
    """
    for name, value in (("steps", steps), ("hidden_size", hidden_size), ("num_chunks", num_chunks)):
        if not isinstance(value, int | np.integer) or isinstance(value, bool) or value < 1:
            raise OptionError(name, expected="a whole number of at least 1", got=shown(value))
    for name, value in (("effort", effort), ("weight_decay", weight_decay)):
        if not is_number(value) or not 0 <= value < np.inf:
            raise OptionError(name, expected="a finite number of at least 0", got=shown(value))
    check_parts(plant)
    net = Controller(
        plant=plant,
        hidden_size=int(hidden_size),
        steps=int(steps),
        shown_goal=_components("shown_goal", shown_goal, plant.state_size),
        shown_state=_components("shown_state", shown_state, plant.state_size),
        end_weights=_weights(end_weights, plant.state_size),
        effort=float(effort),
    )
    data = checked_cases(net, starts, goals, num_chunks)
    _check_where_it_gets_to(plant, data.inputs[:, 0, :_CHECKED_CASES], steps)
    return TrainedController(net=net, weight_decay=float(weight_decay)).problem(data)


def _check_where_it_gets_to(plant: Plant, starts: NDArray[Any], steps: int) -> None:
    """Check the plant at the starts, and in states that random controls lead to."""
    random, far = np.random.default_rng(0), _FAR * (1 + np.abs(starts).max())
    s = np.repeat(starts, 2, axis=1)
    u = random.standard_normal((plant.control_size, s.shape[1]))
    check_plant(plant, s, u)
    states, controls = [], []
    with np.errstate(all="ignore"):
        for _ in range(steps - 1):
            s = plant.step(s, u)
            if not (np.abs(s) < far).all():  # NaN too
                break
            u = random.standard_normal(u.shape)
            states.append(s)
            controls.append(u)
    if states:
        check_plant(plant, np.hstack(states), np.hstack(controls))


def _components(name: str, given: Sequence[int] | None, size: int) -> NDArray[np.intp]:
    if given is None:
        return np.arange(size)
    chosen = list(given) if isinstance(given, Sequence | np.ndarray) and not isinstance(given, str) else [given]
    whole = all(
        isinstance(each, int | np.integer) and not isinstance(each, bool) and 0 <= each < size for each in chosen
    )
    if not chosen or not whole or len(set(chosen)) < len(chosen):
        expected = f"different components of the state, counted from 0 to {size - 1}"
        raise OptionError(name, expected=expected, got=repr(given))
    return np.array(chosen, dtype=np.intp)


def _weights(given: ArrayLike | None, size: int) -> NDArray[np.float64]:
    if given is None:
        return np.ones(size)
    weights = np.asarray(real_array("end_weights", given), dtype=np.float64)
    if weights.shape != (size,) or (weights < 0).any() or not weights.any():
        expected = f"{size} numbers of at least 0, one for each component of the state, and one above 0"
        raise OptionError("end_weights", expected=expected, got=repr(given))
    return weights
