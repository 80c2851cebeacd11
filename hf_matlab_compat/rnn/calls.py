"""The caller's way to a problem: a recurrent net on sequences."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, cast

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hf_matlab_compat.answers import is_number
from hf_matlab_compat.errors import OptionError, quoted
from hf_matlab_compat.model.units import name_of
from hf_matlab_compat.options import Options
from hf_matlab_compat.preflight.layout import check_layout
from hf_matlab_compat.preflight.own_parts import check_own_parts
from hf_matlab_compat.rnn.given import Given, first_given, resampling, sequences_for
from hf_matlab_compat.rnn.initialisation import Initialisation
from hf_matlab_compat.rnn.network import build_recurrent
from hf_matlab_compat.rnn.problem import SequenceProblem
from hf_matlab_compat.rnn.sequences import SequenceData
from hf_matlab_compat.rnn.trained import TrainedRecurrent

WORDS = {
    "initial_state": ("learned", "bias", "zero"),
    "structural_unit": ("matching", "squared"),
    "per": ("step", "sequence"),
    "factor_gain": ("linear", "tanh"),
}
"""Values of the settings that only recurrent nets have."""


def recurrent(
    inputs: Any = None,
    targets: Any = None,
    *,
    hidden_sizes: Sequence[int],
    unit_types: Sequence[Any],
    lengths: ArrayLike | None = None,
    loss_weights: Any = None,
    num_chunks: int = 1,
    resample: Callable[[int], Any] | None = None,
    curvature: str = "gauss_newton",
    curvature_cases: str = "target_chunk",
    loss: Any = "matching",
    error_measure: str = "squared",
    weight_decay: float = 0.0,
    decay_biases: bool = True,
    per: str = "step",
    initial_state: str = "learned",
    biases: bool = True,
    structural_unit: str = "matching",
    num_connections: int = 15,
    input_scale: float = 1.0,
    recurrent_scale: float = 1.0,
    spectral_radius: float | None = None,
) -> SequenceProblem:
    """Make the problem of a recurrent net on sequences, for ``train(problem=…)``.

    a_t = W_hx x_t + W_hh h_{t-1} + b_h, h_t = f(a_t), y_t = g(W_oh h_t + b_o); of several hidden layers each is
    recurrent. The log-likelihood of a step is that of a feed-forward output layer; the total is divided by Σ of the
    loss weights. Gradients run through all steps of a sequence.

    Parameters
    ----------
    inputs : (D, T, N) array_like, list of (D, T_n) arrays, or cell
        N sequences: features × time × sequences, padded on the right; or one matrix for each sequence.
    targets : (O, T, N) array_like, list or cell
        Desired outputs. An array (O, N) gives the target of each sequence's last step alone.
    hidden_sizes : sequence of int
        Units of the hidden layers.
    unit_types : sequence of str or OwnFunction
        Units of each hidden layer and of the output; softmax at the output only.
    lengths : (N,) array_like, optional
        Steps of each sequence; by default T. What stands after the end of a sequence never matters.
    loss_weights : (T, N) array_like or list, optional
        m ≥ 0, the weight of each step in loss, gradient and curvature; 0 for no loss. By default 1.
    num_chunks : int
        Minibatches of whole sequences; must divide N.
    resample : callable, optional
        ``resample(epoch)`` → (inputs, targets), (inputs, targets, lengths) or (inputs, targets, lengths,
        loss_weights) of the sequences of this epoch, from 1: as many as before, and the same for the same epoch.
        Without `inputs` and `targets`, those of epoch 1 take their place.
    curvature : {'gauss_newton', 'hessian', 'empirical_fisher'}
        The curvature matrix. The empirical Fisher sums the squares of whole sequences' gradients.
    curvature_cases : {'target_chunk', 'all'}
        Sequences of curvature products.
    loss, error_measure, weight_decay, decay_biases
        As the options of these names; the error counts each step with a loss once. 'decay_biases' includes initial
        states.
    per : {'step', 'sequence'}
        Divide sums by Σ m or by the number of sequences.
    initial_state : {'learned', 'bias', 'zero'}
        h_0 is a parameter, the same for all sequences; or a bias takes the place of W_hh h_0; or h_0 = 0.
    biases : bool
        Whether there are b_h and b_o.
    structural_unit : {'matching', 'squared'}
        Distance of hidden states in structural damping (`structural_damping` of `train`): the one that matches the
        unit, or the squared one.
    num_connections, input_scale, recurrent_scale, spectral_radius
        Initial parameters; see `initialisation.Initialisation`. The option `seed` of `train` seeds them.

    Returns
    -------
    SequenceProblem

    Raises
    ------
    OptionError
        A setting is wrong, or settings contradict each other.
    DataError
        The sequences do not fit each other or the output unit.

    Examples
    --------
    >>> import numpy as np
    >>> from hf_matlab_compat import recurrent, train
    >>> bits = np.random.default_rng(0).integers(0, 2, (1, 8, 20))
    >>> parity = bits.sum(axis=1) % 2
    >>> p = recurrent(bits, parity, hidden_sizes=[5], unit_types=["tanh", "logistic"])
    >>> train(problem=p, seed=0, max_epochs=2).outcome.value
    'all epochs were run'
    """
    words = {"initial_state": initial_state, "structural_unit": structural_unit, "per": per}
    check_words(words)
    check_scales(input_scale, recurrent_scale, spectral_radius)
    if not isinstance(biases, bool | np.bool_):
        raise OptionError("biases", expected="True or False", got=quoted(biases))
    settings = Options(
        num_chunks=num_chunks,
        curvature=curvature,
        curvature_cases=curvature_cases,
        loss=loss,
        error_measure=error_measure,
        weight_decay=weight_decay,
        decay_biases=decay_biases,
        num_connections=num_connections,
        faithful=False,
    )
    sizes, units = check_layout(hidden_sizes, unit_types, settings)
    check_depth(sizes)
    output = name_of(units[-1])
    given = Given(inputs, targets, lengths, loss_weights)

    def check(given: Given) -> SequenceData:
        return sequences_for(given, settings, output)

    data = check(first_given(given, resample))
    draws = Initialisation(
        num_connections=settings.num_connections,
        input_scale=input_scale,
        recurrent_scale=recurrent_scale,
        spectral_radius=spectral_radius,
    )
    net = build_recurrent(
        [data.inputs.shape[0], *sizes, data.targets.shape[0]],
        units,
        settings.loss,
        settings.error_measure,
        initial_state=initial_state,
        biases=bool(biases),
        curvature=settings.curvature,
        structural_unit=structural_unit,
        draws=draws,
    )
    check_own_parts(cast(Any, net), _first_targets(data), of_hessian=settings.curvature == "hessian")
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


def _first_targets(data: SequenceData) -> NDArray[Any]:
    """Return the targets of the steps of the first sequence that have a loss, (O, n)."""
    steps = int(data.lengths[0])
    counted = np.ones(steps) if data.loss_weights is None else data.loss_weights[:steps, 0]
    return data.targets[:, :steps, 0][:, counted > 0]


def check_words(given: dict[str, Any]) -> None:
    """Refuse another word than those of `WORDS`.

    Raises
    ------
    OptionError
        One is not among them.
    """
    for name, value in given.items():
        if not isinstance(value, str) or value not in WORDS[name]:
            raise OptionError(name, expected="one of " + ", ".join(map(repr, WORDS[name])), got=quoted(value))


def check_depth(sizes: Sequence[int]) -> None:
    """Refuse a net without a hidden layer.

    Raises
    ------
    OptionError
        There is none.
    """
    if not sizes:
        raise OptionError("hidden_sizes", expected="at least one hidden layer", got="none")


def check_scales(input_scale: Any, recurrent_scale: Any, spectral_radius: Any) -> None:
    """Refuse scales of initial parameters that are no numbers.

    Raises
    ------
    OptionError
        One is none, or is negative.
    """
    scales = {"input_scale": input_scale, "recurrent_scale": recurrent_scale}
    for name, value in scales.items():
        if not (is_number(value) and 0 <= value < np.inf):
            raise OptionError(name, expected="a finite number of at least 0", got=quoted(value))
    if spectral_radius is not None and not (is_number(spectral_radius) and 0 < spectral_radius < np.inf):
        expected = "a finite number above 0, or None"
        raise OptionError("spectral_radius", expected=expected, got=quoted(spectral_radius))
