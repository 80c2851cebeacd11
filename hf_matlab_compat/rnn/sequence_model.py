"""Models of sequences: their interfaces to a problem, to the result of a run and to files."""

from __future__ import annotations

from typing import Any, ClassVar, Protocol

from numpy.typing import NDArray

from hf_matlab_compat.backends.arrays import Vector
from hf_matlab_compat.model.units import Unit
from hf_matlab_compat.objective.block_model import AtBlock, BlockModel
from hf_matlab_compat.rnn.given import Given
from hf_matlab_compat.rnn.sequences import SequenceBlock
from hf_matlab_compat.rnn.workspace import Workspace
from hf_matlab_compat.state import Score


class TrainedModel(Protocol):
    """A trained model, as the result of a run uses it."""

    @property
    def net(self) -> SequenceModel:
        """The model."""
        ...

    def predict(self, theta: NDArray[Any], inputs: Any, lengths: Any = None) -> Any:
        """Return the outputs of every step for these sequences; of a controller its runs."""
        ...

    def outputs(self, theta: NDArray[Any], inputs: Any, lengths: Any = None) -> list[Any]:
        """Return inputs, hidden states and outputs for these sequences."""
        ...

    def weights(self, theta: NDArray[Any]) -> dict[str, NDArray[Any]]:
        """Return copies of the parameters by name."""
        ...

    def score(self, theta: Any, given: Given) -> Score:
        """Return log-likelihood and error on these sequences."""
        ...

    def problem_on(self, given: Given) -> Any:
        """Return the problem of the same model on other sequences."""
        ...

    def described(self) -> dict[str, Any]:
        """Return what it is, in values that JSON can hold: its 'kind', 'sizes', 'unit_types' and settings."""
        ...


class SequenceModel(BlockModel, Protocol):
    """A model of sequences without its parameters; a case is a sequence."""

    def at(self, theta: Vector, block: SequenceBlock, workspace: Workspace) -> AtBlock:
        """See `BlockModel.at`."""
        ...


class StepNet(SequenceModel, Protocol):
    """A net with an output at every step.

    Its `AtBlock` also has y, (O, T·n), and `states`, (T, n, H) of every hidden layer. Files keep the kind, sizes,
    units and settings.
    """

    kind: ClassVar[str]
    """Names it in files and in the text of a result."""
    settings: ClassVar[tuple[str, ...]]
    """Names of attributes that say what it is, beside sizes and units, in values that JSON can hold."""

    @property
    def sizes(self) -> tuple[int, ...]:
        """Inputs, hidden layers, outputs."""
        ...

    @property
    def units(self) -> tuple[Unit, ...]:
        """Of the hidden layers and of the output."""
        ...

    def weights(self, theta: NDArray[Any]) -> dict[str, NDArray[Any]]:
        """Return copies of the parameters by name."""
        ...
