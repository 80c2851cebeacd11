"""The multiplicative recurrent net without its parameters, and at one θ on one block of sequences.

The input of a step picks the recurrent matrix of that step: W_hf diag(W_fx x_t) W_fh. `multiplicative_passes` has the
formulas. θ = [vec W_fx; (b_f); vec W_fh; vec W_hf; vec W_hx; b_h; h_0; vec W_oh; b_o], vec by columns.
(Sutskever, Martens & Hinton 2011, "Generating text with recurrent neural networks")
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hf_matlab_compat.backends.arrays import Array, Vector
from hf_matlab_compat.errors import OptionError, quoted, speaking
from hf_matlab_compat.matlab.random.streams import stream_from_seed
from hf_matlab_compat.model.error_measures import ERROR_MEASURES
from hf_matlab_compat.model.losses import Loss, loss_for
from hf_matlab_compat.model.units import Unit, name_of, unit_of
from hf_matlab_compat.options import Options
from hf_matlab_compat.preflight.layout import check_layout
from hf_matlab_compat.rnn.calls import check_words
from hf_matlab_compat.rnn.given import Given, first_given, resampling, sequences_for
from hf_matlab_compat.rnn.initialisation import sparse_weights
from hf_matlab_compat.rnn.inputs import DenseInputs, Inputs, OneHotInputs
from hf_matlab_compat.rnn.multiplicative_passes import MultiplicativePasses, Sizes
from hf_matlab_compat.rnn.outputs import OutputColumns
from hf_matlab_compat.rnn.problem import SequenceProblem
from hf_matlab_compat.rnn.sequences import SequenceBlock, SequenceData
from hf_matlab_compat.rnn.trained import TrainedRecurrent
from hf_matlab_compat.rnn.workspace import Workspace

CONNECTIONS = 15
"""Incoming weights of a unit at the start."""
GAIN_SPREAD, INPUT_SCALE = 0.3, 0.5
"""Standard deviations of W_fx, about 1, and of W_hx, about 0, at the start."""


@dataclass(frozen=True, kw_only=True)
class MultiplicativeNetwork:
    """Layout of a multiplicative net; a `SequenceModel`.

    Attributes
    ----------
    layout : Sizes
    units : tuple of Unit
        Of the hidden layer, tanh, and of the output.
    loss : Loss
    error_measure : callable
        (xp, y, t, room) → sum over steps of the reported figure.
    """

    layout: Sizes
    units: tuple[Unit, ...]
    loss: Loss
    error_measure: Callable[..., float]
    kind: ClassVar[str] = "multiplicative"
    settings: ClassVar[tuple[str, ...]] = ("num_factors", "factor_gain")
    """See `sequence_model.StepNet`."""

    @property
    def sizes(self) -> tuple[int, ...]:
        """Inputs, hidden layer, outputs."""
        return self.layout.inputs, self.layout.hidden, self.layout.outputs

    @property
    def num_factors(self) -> int:
        """F."""
        return self.layout.factors

    @property
    def factor_gain(self) -> str:
        """'linear' or 'tanh', as `multiplicative` takes it."""
        return "tanh" if self.layout.has_tanh_gain else "linear"

    @property
    def num_parameters(self) -> int:
        """P."""
        return self.layout.num_parameters

    def initial_theta(self, seed: Any = None) -> NDArray[np.float64]:
        """Draw W_fx ~ 1 + 0.3 N(0,1), W_hx ~ N(0, 1/4), and 15 incoming weights ~ N(0, 1/15) of every other unit.

        With a tanh gain W_fx ~ N(0, 0.09) and b_f = 1, so that gains are near 1 too. The rest is 0.
        """
        stream, theta = stream_from_seed(seed), np.zeros(self.num_parameters)
        W = self.layout.blocks(theta)
        W.W_fx[...] = GAIN_SPREAD * stream.randn(*W.W_fx.shape)
        if W.b_f is None:
            W.W_fx[...] += 1
        else:
            W.b_f[...] = 1
        for block in (W.W_fh, W.W_hf, W.W_oh):
            block[...] = sparse_weights(block.shape[1], block.shape[0], CONNECTIONS, stream).T
        W.W_hx[...] = INPUT_SCALE * stream.randn(*W.W_hx.shape)
        return theta

    def decay_mask(self) -> NDArray[np.float64]:
        """See `SequenceModel.decay_mask`."""
        mask = np.zeros(self.num_parameters)
        W = self.layout.blocks(mask)
        for block in (W.W_fx, W.W_fh, W.W_hf, W.W_hx, W.W_oh):
            block[...] = 1
        return mask

    def weights(self, theta: NDArray[Any]) -> dict[str, NDArray[Any]]:
        """Return the blocks of θ by name, those of `Blocks`; b_f only with a tanh gain."""
        found = {name: block for name, block in self.layout.blocks(theta)._asdict().items() if block is not None}
        return {name: (block if name.startswith("W") else block.ravel()).copy() for name, block in found.items()}

    def at(self, theta: Vector, block: SequenceBlock, workspace: Workspace) -> AtMultiplicative:
        """See `SequenceModel.at`."""
        return AtMultiplicative(self, theta, block, workspace)


class AtMultiplicative(OutputColumns[MultiplicativeNetwork]):
    """A multiplicative net at θ on a block; an `AtBlock`.

    Parameters
    ----------
    net : MultiplicativeNetwork
    theta : (P,) vector
    block : SequenceBlock
    workspace : Workspace
        Keeps the forward pass.
    """

    def __init__(self, net: MultiplicativeNetwork, theta: Vector, block: SequenceBlock, workspace: Workspace) -> None:
        self.net, self.block, self.xp, self._workspace = net, block, workspace.xp, workspace
        self.shape = block.num_steps, len(block)
        self._passes = MultiplicativePasses(net.layout.blocks(theta), _inputs(block, workspace), workspace)
        self.x = self._passes.o
        self.y = net.units[-1].activate(self.xp, self.x, out=workspace.array("y", *self.x.shape))

    @property
    def states(self) -> list[Array]:
        """See `StepNet`."""
        return [self._passes.h]

    def add_gradient(self, out: Vector, workspace: Workspace) -> None:
        """See `AtBlock.add_gradient`."""
        self._passes.add_to(self.net.layout.blocks(out), self._passes.back(self.e, workspace))

    def add_gradient_and_squares(self, out: Vector, squares: Vector, workspace: Workspace) -> None:
        """See `AtBlock.add_gradient_and_squares`."""
        errors = self._passes.back(self.e, workspace)
        self._passes.add_to(self.net.layout.blocks(out), errors)
        self._passes.add_squares_to(self.net.layout.blocks(squares), errors)

    def add_product(self, v: Vector, out: Vector, structural: float, workspace: Workspace) -> None:
        """See `AtBlock.add_product`; structural damping takes the distance that matches tanh."""
        Rh, Ro = self._passes.tangents(self.net.layout.blocks(v), workspace)
        u, extra = self.curved(Ro), None
        if structural:
            extra = Rh  # (1 - h²) ∘ Ra
            extra *= structural
            if self.exists is not None:
                extra *= self.exists
        self._passes.add_to(self.net.layout.blocks(out), self._passes.back(u, workspace, extra))


def _inputs(block: SequenceBlock, workspace: Workspace) -> Inputs:
    if workspace.backend.on_host and block.symbols is not None:
        return OneHotInputs(block.symbols, len(block.inputs))
    return DenseInputs(workspace.xp, workspace.take(block.existing(block.inputs).transpose(1, 2, 0)))


def build_multiplicative(
    sizes: Sequence[int], unit_types: Sequence[Any], loss: Any, error_measure: str, **settings: Any
) -> MultiplicativeNetwork:
    """Return a net of these sizes (inputs, hidden, outputs), with the settings `num_factors` and `factor_gain`."""
    D, H, O = map(int, sizes)  # noqa: E741  # the letters of the formulas
    units = tuple(unit_of(choice) for choice in unit_types)
    return MultiplicativeNetwork(
        layout=Sizes(D, int(settings["num_factors"]), H, O, settings["factor_gain"] == "tanh"),
        units=units,
        loss=loss_for(units[-1], loss),
        error_measure=ERROR_MEASURES[error_measure],
    )


def multiplicative(
    inputs: Any = None,
    targets: Any = None,
    *,
    hidden_size: int,
    num_factors: int | None = None,
    factor_gain: str = "linear",
    output_unit: Any = "softmax",
    lengths: ArrayLike | None = None,
    loss_weights: Any = None,
    num_chunks: int = 1,
    resample: Callable[[int], Any] | None = None,
    curvature: str = "gauss_newton",
    curvature_cases: str = "target_chunk",
    loss: Any = "matching",
    error_measure: str = "misclassified",
    weight_decay: float = 0.0,
    decay_biases: bool = True,
    per: str = "step",
) -> SequenceProblem:
    """Make the problem of a multiplicative recurrent net on sequences, for ``train(problem=…)``.

    Each step's input picks its recurrent matrix, W_hf diag(W_fx x_t) W_fh. The hidden units are tanh, and the state
    before the first step is learned. Inputs that are one-hot at every step, such as characters, cost a look-up.

    Parameters
    ----------
    inputs : (D, T, N) array_like, list of (D, T_n) arrays, or cell
        As in `recurrent`.
    targets : (O, T, N) array_like, list or cell
        Desired outputs; (O, N) for the last step alone.
    hidden_size : int
        H.
    num_factors : int, optional
        F, by default as many as hidden units.
    factor_gain : {'linear', 'tanh'}
        The gain of the factors: W_fx x_t, or tanh(W_fx x_t) + b_f.
    output_unit : str or OwnFunction
        Units of the output.
    lengths, loss_weights, num_chunks, resample, curvature_cases, loss, error_measure, weight_decay, decay_biases, per
        As in `recurrent`.
    curvature : {'gauss_newton'}
        This net has no other curvature.

    Returns
    -------
    SequenceProblem

    Raises
    ------
    OptionError
        A setting is wrong.
    DataError
        The sequences do not fit each other or the output unit.

    Examples
    --------
    >>> import numpy as np
    >>> from hf_matlab_compat import multiplicative, train
    >>> symbols = np.eye(3)[np.random.default_rng(0).integers(0, 3, (9, 4))].transpose(2, 0, 1)
    >>> p = multiplicative(symbols[:, :-1], symbols[:, 1:], hidden_size=5)
    >>> train(problem=p, seed=0, max_epochs=2).outcome.value
    'all epochs were run'
    """
    check_words({"per": per, "factor_gain": factor_gain})
    if not isinstance(curvature, str) or curvature != "gauss_newton":
        raise OptionError("curvature", expected="'gauss_newton' for a multiplicative net", got=quoted(curvature))
    factors = hidden_size if num_factors is None else num_factors
    for name, value in (("hidden_size", hidden_size), ("num_factors", factors)):
        if not isinstance(value, int | np.integer) or isinstance(value, bool) or value < 1:
            raise OptionError(name, expected="a whole number of at least 1", got=quoted(value))
    settings = Options(
        num_chunks=num_chunks,
        curvature_cases=curvature_cases,
        loss=loss,
        error_measure=error_measure,
        weight_decay=weight_decay,
        decay_biases=decay_biases,
        faithful=False,
    )
    with speaking({"unit_types": "output_unit"}):
        _, units = check_layout([hidden_size], ["tanh", output_unit], settings)

    def check(given: Given) -> SequenceData:
        return sequences_for(given, settings, name_of(units[-1]))

    data = check(first_given(Given(inputs, targets, lengths, loss_weights), resample))
    net = build_multiplicative(
        [len(data.inputs), hidden_size, len(data.targets)],
        units,
        settings.loss,
        settings.error_measure,
        num_factors=factors,
        factor_gain=factor_gain,
    )
    trained = TrainedRecurrent(
        net=net,
        loss=settings.loss,
        error_measure=settings.error_measure,
        weight_decay=settings.weight_decay,
        decay_biases=settings.decay_biases,
        per=per,
    )
    again = None if resample is None else resampling(resample, check, data)
    return trained.problem(data, settings.curvature_cases, again)
