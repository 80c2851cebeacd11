"""What a problem asks of a model of sequences: the interface between sums over sequences and one block of them."""

from __future__ import annotations

from typing import Any, ClassVar, Protocol

from numpy.typing import NDArray

from hf_matlab_compat.backends.arrays import Vector
from hf_matlab_compat.model.units import Unit
from hf_matlab_compat.rnn.given import Given
from hf_matlab_compat.rnn.sequences import SequenceBlock
from hf_matlab_compat.rnn.workspace import Workspace
from hf_matlab_compat.state import Score


class AtBlock(Protocol):
    """A model at one θ on one block, after its forward pass; all figures are sums over the block, not divided.

    ll is the log-likelihood, the negative loss. `workspace` is scratch memory; another one than that of the forward
    pass, whose content must outlive it, except where one pass follows at once on the other.
    """

    @property
    def log_likelihood(self) -> float:
        """Σ m ll."""
        ...

    @property
    def error(self) -> float:
        """The reported figure, summed over the steps with a loss, or over the sequences."""
        ...

    def add_gradient(self, out: Vector, workspace: Workspace) -> None:
        """Add ∇ll to `out`."""
        ...

    def add_gradient_and_squares(self, out: Vector, squares: Vector, workspace: Workspace) -> None:
        """Add ∇ll to `out`, and the squares of each sequence's own gradient to `squares`."""
        ...

    def add_product(self, v: Vector, out: Vector, structural: float, workspace: Workspace) -> None:
        """Add (G + structural · S) v to `out`: G the curvature of -ll, S the matrix of structural damping."""
        ...


class TrainedModel(Protocol):
    """What the result of a run can do with its parameters."""

    @property
    def net(self) -> SequenceModel:
        """What was trained."""
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


class SequenceModel(Protocol):
    """A model of sequences without its parameters."""

    @property
    def num_parameters(self) -> int:
        """P."""
        ...

    def initial_theta(self, seed: Any) -> NDArray[Any]:
        """Return random initial parameters, (P,), on the host; `seed` as the option of that name."""
        ...

    def decay_mask(self) -> NDArray[Any]:
        """Return 1 at weights and 0 at biases and initial states, (P,), on the host."""
        ...

    def at(self, theta: Vector, block: SequenceBlock, workspace: Workspace) -> AtBlock:
        """Run the forward pass at θ, in `workspace`, which the caller leaves alone as long as the result is used."""
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
