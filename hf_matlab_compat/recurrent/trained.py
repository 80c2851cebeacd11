"""A trained recurrent net as a function of sequences, and its description in plain values for files."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hf_matlab_compat.backends.backend import get_backend
from hf_matlab_compat.errors import DataError
from hf_matlab_compat.model.units import name_of
from hf_matlab_compat.problem import Cases
from hf_matlab_compat.recurrent.given import Given, check_targets, checked_inputs, is_list, sequence_data
from hf_matlab_compat.recurrent.network import RecurrentNetwork, build_recurrent
from hf_matlab_compat.recurrent.problem import SequenceProblem
from hf_matlab_compat.recurrent.sequences import SequenceData
from hf_matlab_compat.recurrent.workspace import Workspace
from hf_matlab_compat.state import Score

_OF_NET = ("initial_state", "biases", "curvature", "structural_unit")
_OF_PROBLEM = ("error_measure", "weight_decay", "decay_biases", "per")


@dataclass(frozen=True, kw_only=True)
class TrainedRecurrent:
    """A recurrent net and the settings of its problem; a `TrainedModel`. θ are its parameters in double precision.

    Attributes
    ----------
    net : RecurrentNetwork
    loss : {'matching', 'squared'} or OwnLogLikelihood
    error_measure, per : str
    weight_decay : float
    decay_biases : bool
        As `recurrent` takes them.
    """

    net: RecurrentNetwork
    loss: Any = "matching"
    error_measure: str = "squared"
    weight_decay: float = 0.0
    decay_biases: bool = True
    per: str = "step"

    def predict(self, theta: NDArray[Any], inputs: Any, lengths: Any = None) -> Any:
        """Return the outputs of every step, (O, T, N), nan after the ends; for a list of sequences a list."""
        return self.outputs(theta, inputs, lengths)[-1]

    def outputs(self, theta: NDArray[Any], inputs: Any, lengths: Any = None) -> list[Any]:
        """Return inputs, states of every hidden layer and outputs, as `predict` returns the outputs."""
        x, steps = checked_inputs(Given(inputs, None, lengths), 1)
        self._check_features("inputs", len(x), self.net.sizes[0])
        made = [np.full((size, *x.shape[1:]), np.nan) for size in self.net.sizes]
        # the targets are not looked at
        data = SequenceData(x, np.zeros((1, len(steps))), steps)
        backend = get_backend("numpy", "double")
        workspace = Workspace(backend)
        with backend.quiet():
            for block in data.blocks(0, data.num_blocks(self.net.num_parameters)):
                at = self.net.at(theta, block, workspace)
                here, exists = slice(block.first, block.first + len(block)), block.exists
                found = [block.inputs, *(layer.h.transpose(2, 0, 1) for layer in at.layers)]
                found.append(at.y.reshape(-1, *at.shape))
                for whole, part in zip(made, found, strict=True):
                    whole[:, : block.num_steps, here] = part if exists is None else np.where(exists, part, np.nan)
        if is_list(inputs):
            return [[whole[:, : steps[n], n] for n in range(len(steps))] for whole in made]
        return made

    def weights(self, theta: NDArray[Any]) -> dict[str, NDArray[Any]]:
        """Return the blocks of θ by name: W_hx (H, D), W_hh, b_h, h_0 or b_init, W_oh, b_o.

        Those of the second hidden layer and up have its number, as in 'W_hh_2'.
        """
        found: dict[str, NDArray[Any]] = {}
        for i, (below, here) in enumerate(pairwise(self.net.sizes[:-1])):
            W, init = self.net.layer(theta, i)
            parts = {"W_hx": W[:below].T, "W_hh": W[below : below + here].T, "b_h": W[below + here :].ravel()}
            if init is not None:
                parts["h_0" if self.net.initial_state == "learned" else "b_init"] = init.ravel()
            found |= {name + (f"_{i + 1}" if i else ""): part for name, part in parts.items() if part.size}
        W, H = self.net.output_layer(theta), self.net.sizes[-2]
        found |= {"W_oh": W[:H].T, "b_o": W[H:].ravel()}
        return {name: part.copy() for name, part in found.items() if part.size}

    def score(self, theta: Any, given: Given) -> Score:
        """Return log-likelihood and error, as a run computes its test figures, in the precision of θ, with numpy."""
        precision = "double" if theta.dtype == np.float64 else "single"
        return self.problem_on(given).placed(get_backend("numpy", precision)).score(theta, Cases())

    def problem_on(self, given: Given) -> SequenceProblem:
        """Return the problem of this net on other sequences, checked, in one chunk: a `test_problem`."""
        data = sequence_data(given, 1)
        pairs = (("inputs", data.inputs, self.net.sizes[0]), ("targets", data.targets, self.net.sizes[-1]))
        for name, array, size in pairs:
            self._check_features(name, len(array), size)
        check_targets(data, self.net.units[-1].name, self.loss)
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
            curvature_cases=curvature_cases,
            resample=resample,
            trained=self,
        )

    def described(self) -> dict[str, Any]:
        """Return plain values, from which `rebuilt` makes the same object; own units and losses by name."""
        told: dict[str, Any] = {"kind": "recurrent", "sizes": list(self.net.sizes), "loss": name_of(self.loss)}
        told["unit_types"] = [unit.name for unit in self.net.units]
        return told | {n: getattr(self.net, n) for n in _OF_NET} | {n: getattr(self, n) for n in _OF_PROBLEM}

    def _check_features(self, name: str, got: int, size: int) -> None:
        if got != size:
            expected = f"{size} features, as the net was trained on"
            raise DataError(name, expected=expected, got=got, advice="Arrays are features × time × sequences.")


def rebuilt(told: Mapping[str, Any], units: Sequence[Any], loss: Any) -> TrainedRecurrent:
    """Return what `described` told of, with these units and this loss."""
    settings = {name: told[name] for name in _OF_NET}
    net = build_recurrent(told["sizes"], units, loss, told["error_measure"], **settings)
    return TrainedRecurrent(net=net, loss=loss, **{name: told[name] for name in _OF_PROBLEM})
