"""A trained net on sequences as a function of them, and its description in plain values for files."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from hf_matlab_compat.backends.backend import get_backend
from hf_matlab_compat.errors import DataError
from hf_matlab_compat.model.units import name_of
from hf_matlab_compat.problem import Cases
from hf_matlab_compat.rnn.given import Given, check_targets, checked_inputs, is_list, sequence_data
from hf_matlab_compat.rnn.problem import SequenceProblem
from hf_matlab_compat.rnn.sequence_model import StepNet
from hf_matlab_compat.rnn.sequences import SequenceData
from hf_matlab_compat.rnn.workspace import Workspace
from hf_matlab_compat.state import Score


@dataclass(frozen=True, kw_only=True)
class TrainedRecurrent:
    """A net and the settings of its problem; a `TrainedModel`. θ are its parameters in double precision.

    Attributes
    ----------
    net : StepNet
    loss : {'matching', 'squared'} or OwnLogLikelihood
    error_measure, per : str
    weight_decay : float
    decay_biases : bool
        As `recurrent` takes them.
    """

    net: StepNet
    loss: Any = "matching"
    error_measure: str = "squared"
    weight_decay: float = 0.0
    decay_biases: bool = True
    per: str = "step"
    error_per: ClassVar[str] = "step"
    """See `SequenceProblem`."""
    settings: ClassVar[tuple[str, ...]] = ("error_measure", "weight_decay", "decay_biases", "per")
    """Attributes of the problem that a file keeps, beside loss and net."""

    def predict(self, theta: NDArray[Any], inputs: Any, lengths: Any = None) -> Any:
        """Return the outputs of every step, (O, T, N), nan after the ends; for a list of sequences a list."""
        return self.outputs(theta, inputs, lengths)[-1]

    def outputs(self, theta: NDArray[Any], inputs: Any, lengths: Any = None) -> list[Any]:
        """Return inputs, states of every hidden layer and outputs, as `predict` returns the outputs."""
        data = self._of_inputs(inputs, lengths)
        made = [np.full((size, *data.inputs.shape[1:]), np.nan) for size in self.net.sizes]
        for at in self._passes(theta, data):
            block = at.block
            here, exists = slice(block.first, block.first + len(block)), block.exists
            found = [block.inputs, *(h.transpose(2, 0, 1) for h in at.states), at.y.reshape(-1, *at.shape)]
            for whole, part in zip(made, found, strict=True):
                whole[:, : block.num_steps, here] = part if exists is None else np.where(exists, part, np.nan)
        if is_list(inputs):
            return [[whole[:, :steps, n] for n, steps in enumerate(data.lengths)] for whole in made]
        return made

    def weights(self, theta: NDArray[Any]) -> dict[str, NDArray[Any]]:
        """Return the blocks of θ by name, as the formulas of the net have them."""
        return self.net.weights(theta)

    def score(self, theta: Any, given: Given) -> Score:
        """Return log-likelihood and error, as a run computes its test figures, in the precision of θ, with numpy."""
        return score_of(self.problem_on(given), theta)

    def problem_on(self, given: Given) -> SequenceProblem:
        """Return the problem of this net on other sequences, checked, in one chunk: a `test_problem`."""
        data = self._checked(given)
        self._check_features("inputs", len(data.inputs), self.net.sizes[0])
        return self.problem(data)

    def problem(
        self,
        data: SequenceData,
        curvature_cases: str = "target_chunk",
        resample: Callable[[int], SequenceData] | None = None,
    ) -> SequenceProblem:
        """Return the problem of this net on sequences."""
        return SequenceProblem(
            model=self.net,
            data=data,
            weight_decay=self.weight_decay,
            decay_biases=self.decay_biases,
            per=self.per,
            error_per=self.error_per,
            curvature_cases=curvature_cases,
            resample=resample,
            trained=self,
        )

    def described(self) -> dict[str, Any]:
        """Return plain values, from which `kinds.rebuilt` makes the same object; own units and losses by name."""
        net = self.net
        told: dict[str, Any] = {"kind": net.kind, "sizes": list(net.sizes), "loss": name_of(self.loss)}
        told["unit_types"] = [unit.name for unit in net.units]
        return told | {n: getattr(net, n) for n in net.settings} | {n: getattr(self, n) for n in self.settings}

    def _checked(self, given: Given) -> SequenceData:
        data = sequence_data(given, 1)
        self._check_features("targets", len(data.targets), self.net.sizes[-1])
        check_targets(data, self.net.units[-1].name, self.loss)
        return data

    def _of_inputs(self, inputs: Any, lengths: Any) -> SequenceData:
        """Return checked sequences without targets."""
        x, steps = checked_inputs(Given(inputs, None, lengths), 1)
        self._check_features("inputs", len(x), self.net.sizes[0])
        return SequenceData(x, np.zeros((1, len(steps))), steps)

    def _passes(self, theta: NDArray[Any], data: SequenceData) -> Iterator[Any]:
        """Yield the forward pass on every block, in double precision with numpy; the next one overwrites it."""
        backend = get_backend("numpy", "double")
        workspace, count = Workspace(backend), data.num_blocks(self.net.num_parameters)
        with backend.quiet():
            for chunk in data.chunks():
                for block in data.blocks(chunk, count):
                    yield self.net.at(theta, block, workspace)

    def _check_features(self, name: str, got: int, size: int) -> None:
        if got != size:
            expected = f"{size} features, as the net was trained on"
            raise DataError(name, expected=expected, got=got, advice="Arrays are features × time × sequences.")


def score_of(problem: SequenceProblem, theta: Any) -> Score:
    """Return log-likelihood and error of a problem in the precision of θ, with numpy."""
    precision = "double" if theta.dtype == np.float64 else "single"
    return problem.placed(get_backend("numpy", precision)).score(theta, Cases())
