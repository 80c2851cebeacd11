"""A controller on starts and goals as a problem, and a trained one as a function of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from types import MappingProxyType
from typing import Any, ClassVar, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hf_matlab_compat.backends.arrays import Array
from hf_matlab_compat.errors import DataError, OptionError
from hf_matlab_compat.model.units import name_of
from hf_matlab_compat.preflight.arrays import real_matrix
from hf_matlab_compat.rnn.closed_loop import Controller, LoopAtTheta
from hf_matlab_compat.rnn.given import Given, checked_theta
from hf_matlab_compat.rnn.plants import PLANTS, Plant
from hf_matlab_compat.rnn.problem import SequenceProblem
from hf_matlab_compat.rnn.sequences import SequenceData
from hf_matlab_compat.rnn.trained import score_of
from hf_matlab_compat.state import Score


class Run(NamedTuple):
    """A run of the closed loop.

    Attributes
    ----------
    states : (n_s, T+1, N) array
    controls : (n_u, T, N) array
    """

    states: NDArray[Any]
    controls: NDArray[Any]


@dataclass(frozen=True, eq=False)
class SteeredCases(SequenceData):
    """Cases as sequences: the inputs are the starts, the same at each step, the targets the goals, (n_s, N)."""

    def arrays(self) -> dict[str, NDArray[Any]]:
        """See `SequenceData.arrays`."""
        return {"starts": self.inputs[:, 0], "goals": self.targets}


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
    on_host_since: ClassVar[str] = "a controller, whose plant computes with numpy"

    def on(  # pyright: ignore[reportIncompatibleMethodOverride]  # a case is a start and a goal
        self, starts: ArrayLike, goals: ArrayLike
    ) -> ControlProblem:
        """Return the same controller on other cases, in one chunk, for ``train(test_problem=…)``.

        Raises
        ------
        DataError
            The cases do not fit the plant.
        """
        return replace(self, data=checked_cases(self.model, starts, goals))

    def run(self, theta: ArrayLike, starts: ArrayLike | None = None, goals: ArrayLike | None = None) -> Run:
        """Return states and controls at θ, from the problem's own starts to its goals or from others.

        Raises
        ------
        DataError
            θ or the cases do not fit.
        OptionError
            One of starts and goals is given without the other.
        """
        if (starts is None) != (goals is None):
            name = "goals" if goals is None else "starts"
            raise OptionError(name, expected="a value, as starts and goals belong together", got="none")
        of = self if starts is None or goals is None else self.on(starts, goals)
        with self.backend.quiet():
            at = loop_on(self.model, theta, of.data)
        return Run(at.states, at.controls)


@dataclass(frozen=True, kw_only=True)
class TrainedController:
    """A controller and the settings of its problem; a `TrainedModel`, whose inputs are pairs (starts, goals).

    Attributes
    ----------
    net : Controller
    weight_decay : float
    """

    net: Controller
    weight_decay: float = 0.0

    def predict(self, theta: NDArray[Any], inputs: Any, lengths: Any = None) -> Run:
        """Return states and controls of runs from `starts` towards `goals`, ``inputs = (starts, goals)``."""
        at = self._loop(theta, inputs, lengths)
        return Run(at.states, at.controls)

    def outputs(self, theta: NDArray[Any], inputs: Any, lengths: Any = None) -> list[Array]:
        """Return what the network sees, (D, T, N), its hidden states, (H, T, N), and the controls, (n_u, T, N)."""
        at = self._loop(theta, inputs, lengths)
        return [at.seen, at.hidden, at.controls]

    def weights(self, theta: NDArray[Any]) -> dict[str, NDArray[Any]]:
        """Return copies of W_hx (H, D), goal before state, W_hh, b_h, h_0, W_oh and b_o by name."""
        of_input, b_h, h_0, W_oh, b_o = self.net.unpacked(theta)
        W_hx, W_hh = np.split(of_input, [self.net.input_size], axis=1)
        vectors = {"b_h": b_h, "h_0": h_0, "b_o": b_o}
        found = {"W_hx": W_hx, "W_hh": W_hh, "W_oh": W_oh, **{name: v.ravel() for name, v in vectors.items()}}
        return {name: part.copy() for name, part in found.items()}

    def score(self, theta: Any, given: Given) -> Score:
        """Return log-likelihood and error on cases, in the precision of θ."""
        return score_of(self.problem_on(given), theta)

    def problem_on(self, given: Given) -> ControlProblem:
        """Return the problem of this controller on cases, in one chunk; the targets are the goals.

        Raises
        ------
        OptionError
            There are lengths or loss weights.
        """
        for name in ("lengths", "loss_weights"):
            if getattr(given, name) is not None:
                raise OptionError(name, expected="none for a controller, whose runs are equally long", got="a value")
        return self.problem(checked_cases(self.net, given.inputs, given.targets))

    def problem(self, data: SteeredCases) -> ControlProblem:
        """Return the problem of this controller on checked cases."""
        of = {"per": "sequence", "error_per": "sequence", "trained": self}
        return ControlProblem(model=self.net, data=data, weight_decay=self.weight_decay, **of)

    def described(self) -> dict[str, Any]:
        """Return plain values; a plant of this package with its settings, another one by name."""
        net, plant = self.net, self.net.plant
        name = name_of(plant)
        own = type(plant) is not PLANTS.get(name)
        return {
            "kind": "control",
            "sizes": [net.input_size, net.hidden_size, plant.control_size],
            "unit_types": ["tanh", "linear"],
            "loss": "control cost",
            "error_measure": "distance from the goal",
            "weight_decay": self.weight_decay,
            "plant": name,
            "plant_settings": None if own else asdict(plant),  # pyright: ignore[reportArgumentType]  # dataclasses
            "steps": net.steps,
            "shown_goal": net.shown_goal.tolist(),
            "shown_state": net.shown_state.tolist(),
            "end_weights": net.end_weights.tolist(),
            "effort": net.effort,
        }

    def _loop(self, theta: NDArray[Any], inputs: Any, lengths: Any) -> LoopAtTheta:
        if not isinstance(inputs, tuple | list) or len(inputs) != 2:
            raise DataError("inputs", expected="a pair (starts, goals) for a controller", got=type(inputs).__name__)
        starts, goals = inputs
        problem = self.problem_on(Given(starts, goals, lengths))
        with problem.backend.quiet():
            return loop_on(self.net, theta, problem.data)


def rebuilt_controller(told: Mapping[str, Any], plant: Plant) -> TrainedController:
    """Return what `TrainedController.described` told of, with this plant.

    Raises
    ------
    OptionError
        The plant has other sizes.
    """
    sizes, wanted = (plant.state_size, plant.control_size), (len(told["end_weights"]), told["sizes"][-1])
    if sizes != wanted:
        expected = f"the plant that was trained on, with state_size {wanted[0]} and control_size {wanted[1]}"
        raise OptionError("plant", expected=expected, got=f"one with {sizes[0]} and {sizes[1]}")
    net = Controller(
        plant=plant,
        hidden_size=told["sizes"][1],
        steps=told["steps"],
        shown_goal=np.array(told["shown_goal"], dtype=np.intp),
        shown_state=np.array(told["shown_state"], dtype=np.intp),
        end_weights=np.array(told["end_weights"], dtype=np.float64),
        effort=told["effort"],
    )
    return TrainedController(net=net, weight_decay=told["weight_decay"])


def loop_on(net: Controller, theta: ArrayLike, data: SequenceData) -> LoopAtTheta:
    """Return the closed loop at θ on these cases.

    Raises
    ------
    DataError
        θ does not fit.
    """
    packed = checked_theta(theta, net.num_parameters)
    return net.loop(packed, data.inputs[:, 0].astype(packed.dtype), data.targets)


def checked_cases(net: Controller, starts: Any, goals: Any, num_chunks: int = 1) -> SteeredCases:
    """Return checked starts and goals, (n_s, N), a case in each column.

    Raises
    ------
    DataError
        They do not fit the plant or each other.
    OptionError
        The chunks do not divide the cases.
    """
    rows, steps = net.plant.state_size, net.steps
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
    return SteeredCases(np.broadcast_to(first[:, None], (rows, steps, N)), goal, np.full(N, steps), None, num_chunks)
