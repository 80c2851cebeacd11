"""Controllers of a plant as problems: the user's call, its checks, and runs of a trained controller."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any, ClassVar, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hf_matlab_compat.answers import is_number, shown
from hf_matlab_compat.backends.backend import Backend
from hf_matlab_compat.errors import DataError, OptionError
from hf_matlab_compat.objective.ordered_sum import OrderedSum
from hf_matlab_compat.preflight.arrays import real_array, real_matrix
from hf_matlab_compat.recurrent.closed_loop import Controller
from hf_matlab_compat.recurrent.plants import Plant, check_parts, check_plant
from hf_matlab_compat.recurrent.problem import SequenceProblem
from hf_matlab_compat.recurrent.sequences import SequenceData

_CHECKED_CASES = 4
"""Cases from whose starts a plant is run with random controls, to check it where it gets to."""
_FAR = 1e3
"""A plant is checked as long as its states stay below this multiple of the largest start; finite differences of large
numbers are inaccurate."""


class Run(NamedTuple):
    """A run of the closed loop.

    Attributes
    ----------
    states : (n_s, T+1, N) array
    controls : (n_u, T, N) array
    """

    states: NDArray[Any]
    controls: NDArray[Any]


@dataclass(frozen=True, kw_only=True)
class ControlProblem(SequenceProblem):
    """A controller and the cases that it is trained on; `controller` makes one.

    The log-likelihood is the mean over cases of ``-½ α Σ_t |u_t|² - ½ |w∘(s_T - s*)|²``, minus the weight decay;
    the error is the mean distance of the last state from the part of the goal that the network sees.
    """

    model: Controller
    option_defaults: ClassVar[Mapping[str, Any]] = MappingProxyType(
        {"initial_lam": 1.0, "preconditioner_exponent": None}
    )
    """See `SequenceProblem.option_defaults`."""

    def placed(self, backend: Backend, make_sum: Callable[..., OrderedSum] = OrderedSum) -> ControlProblem:
        """See `SequenceProblem.placed`.

        Raises
        ------
        OptionError
            The backend is a GPU's.
        """
        if not backend.on_host:
            expected = "'numpy' or 'numba' with a controller, whose plant computes with numpy"
            raise OptionError("backend", expected=expected, got=repr(backend.name))
        return replace(self, backend=backend, make_sum=make_sum)

    def on(  # pyright: ignore[reportIncompatibleMethodOverride]  # a case is a start and a goal
        self, starts: ArrayLike, goals: ArrayLike
    ) -> ControlProblem:
        """Return the same controller on other cases, in one chunk, for ``train(test_problem=…)``.

        Raises
        ------
        DataError
            The cases do not fit the plant.
        """
        return replace(self, data=_checked_cases(self.model.plant, starts, goals, self.model.steps, 1))

    def run(self, theta: ArrayLike, starts: ArrayLike | None = None, goals: ArrayLike | None = None) -> Run:
        """Return states and controls at θ, from the problem's own starts to its goals or from others.

        Raises
        ------
        DataError
            θ or the cases do not fit.
        """
        of = self if starts is None or goals is None else self.on(starts, goals)
        packed = real_array("theta", theta).ravel()
        if packed.size != self.num_parameters:
            raise DataError("theta", expected=f"{self.num_parameters} numbers, as the controller has", got=packed.size)
        with self.backend.quiet():
            at = self.model.loop(packed, of.data.inputs[:, 0].astype(packed.dtype), of.data.targets)
        return Run(at.states, at.controls)


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
    >>> from hf_matlab_compat.recurrent.plants import PointMass
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
    data = _checked_cases(plant, starts, goals, steps, num_chunks)
    _check_where_it_gets_to(plant, data.inputs[:, 0, :_CHECKED_CASES], steps)
    model = Controller(
        plant=plant,
        hidden_size=int(hidden_size),
        steps=int(steps),
        shown_goal=_components("shown_goal", shown_goal, plant.state_size),
        shown_state=_components("shown_state", shown_state, plant.state_size),
        end_weights=_weights(end_weights, plant.state_size),
        effort=float(effort),
    )
    return ControlProblem(
        model=model, data=data, weight_decay=float(weight_decay), per="sequence", error_per="sequence"
    )


def _checked_cases(plant: Plant, starts: Any, goals: Any, steps: int, num_chunks: int) -> SequenceData:
    rows = plant.state_size
    found = {name: real_matrix(name, values) for name, values in (("starts", starts), ("goals", goals))}
    for name, values in found.items():
        if len(values) != rows:
            expected = f"{rows} rows, one for each component of the plant's state"
            raise DataError(name, expected=expected, got=f"shape {values.shape}", advice="A case is a column.")
    N = found["starts"].shape[1]
    if found["goals"].shape[1] != N:
        raise DataError("goals", expected=f"{N} columns, one for each start", got=f"shape {found['goals'].shape}")
    if N % num_chunks:
        raise OptionError("num_chunks", expected=f"a divisor of the number of cases, {N}", got=num_chunks)
    first, goal = (np.array(values, dtype=np.float64) for values in found.values())
    # a sequence of T steps; the starts stand at each of them, in the memory of one
    return SequenceData(np.broadcast_to(first[:, None], (rows, steps, N)), goal, np.full(N, steps), None, num_chunks)


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
