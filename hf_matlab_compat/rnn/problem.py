"""A model on sequences, as a problem."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, ClassVar

from hf_matlab_compat.backends.backend import Backend
from hf_matlab_compat.errors import OptionError
from hf_matlab_compat.objective.block_problem import BlockProblem
from hf_matlab_compat.rnn.given import Given
from hf_matlab_compat.rnn.sequence_model import SequenceModel, TrainedModel
from hf_matlab_compat.rnn.sequences import SequenceData
from hf_matlab_compat.rnn.workspace import Workspace


@dataclass(frozen=True, kw_only=True)
class SequenceProblem(BlockProblem):
    """A model on sequences; a case is a sequence.

    Attributes
    ----------
    model : SequenceModel
    data : SequenceData
    per : {'step', 'sequence'}
        Divide sums by the sum of the loss weights, or by the number of sequences.
    error_per : {'step', 'sequence'}
        Divide the error by the number of steps with a loss, or by the number of sequences.
    trained : TrainedModel or None
        The model as a function of sequences, for the result of a run.
    """

    model: SequenceModel
    data: SequenceData
    per: str = "step"
    error_per: str = "step"
    trained: TrainedModel | None = field(default=None, repr=False)
    new_workspace: ClassVar[Callable[[Backend], Workspace]] = Workspace
    option_defaults: ClassVar[Mapping[str, Any]] = MappingProxyType(
        {"initial_lam": 0.1, "preconditioner_exponent": None}
    )
    """Options of `train` that have another default for this problem."""
    damps_structurally: ClassVar[bool] = True
    """Its curvature has a matrix of structural damping."""

    def on(self, inputs: Any, targets: Any, lengths: Any = None, loss_weights: Any = None) -> SequenceProblem:
        """Return the problem of the same model on other sequences, for ``train(test_problem=…)``.

        The arguments are those of the call that made it; for `ctc` the targets are the labels.

        Raises
        ------
        OptionError
            The model is not one that this package makes of sequences.
        """
        if self.trained is None:
            expected = "one that a call of this package made of sequences"
            raise OptionError("problem", expected=expected, got=type(self.model).__name__)
        return self.trained.problem_on(Given(inputs, targets, lengths, loss_weights))
