"""Stack Boltzmann machines to a deep belief net, and unroll it to the weights and biases of a network."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hf_matlab_compat.errors import DataError, OptionError, quoted
from hf_matlab_compat.preflight.arrays import real_matrix
from hf_matlab_compat.pretraining.machine import BoltzmannMachine
from hf_matlab_compat.pretraining.rules import ContrastiveDivergence, Rule

Array = NDArray[Any]
_UNITS = ("logistic", "linear")
AS_PUBLISHED = ContrastiveDivergence()
_SCALE = 0.1
"""Standard deviation of the first weights."""


class Pretrained(NamedTuple):
    """Weights and biases of all layers: `initial_weights` and `initial_biases` of `train`, Win and bin of MATLAB.

    Attributes
    ----------
    weights : list of (outputs, inputs) array
    biases : list of (outputs, 1) array
    """

    weights: list[Array]
    biases: list[Array]


def pretrain(
    inputs: ArrayLike,
    hidden_sizes: Sequence[int],
    unit_types: Sequence[str],
    num_outputs: int | None = None,
    *,
    seed: int = 0,
    rule: Rule = AS_PUBLISHED,
    watch: Callable[[str], None] = lambda line: None,
) -> Pretrained:
    """Pre-train a network layer by layer, without targets (Hinton and Salakhutdinov 2006).

    Parameters
    ----------
    inputs : (features, N) array
        Training cases. For logistic visible units from 0 to 1; for linear ones with standard deviations of about 1.
    hidden_sizes : sequence of int
        Units of each hidden layer, as for `train`.
    unit_types : sequence of {'logistic', 'linear'}
        Units of the hidden layers and of the output layer, as for `train`; the output units of a classifier are free.
    num_outputs : int, optional
        None for an autoencoder, whose layers are symmetric: the second half begins with the transposed weights of the
        first. A number for another network: every hidden layer is pre-trained, and the weights of the output layer are
        normal with standard deviation 0.1; the visible units are logistic if all inputs are from 0 to 1, else linear.
    seed : int
        Of all draws; equal calls return equal bits.
    rule : ContrastiveDivergence, PersistentDivergence or callable
        How each machine learns.
    watch : callable
        Called with a line after every epoch.

    Returns
    -------
    Pretrained
        In single precision if the inputs are, else in double.

    Raises
    ------
    OptionError
        The layers are not those of such a network, or a learning rate is too large.
    DataError
        The inputs are no finite matrix, or not from 0 to 1 in front of logistic units.
    """
    v = real_matrix("inputs", inputs)
    v = np.asarray(v, v.dtype if v.dtype in (np.float32, np.float64) else np.float64)
    units = _checked(hidden_sizes, unit_types, num_outputs)
    bounded = bool(v.min() >= 0 and v.max() <= 1)
    visible = units[-1] if num_outputs is None else "logistic" if bounded else "linear"
    if visible == "logistic" and not bounded:
        got = f"numbers from {v.min():g} to {v.max():g}"
        raise DataError("inputs", expected="numbers from 0 to 1 for logistic units", got=got)
    count = len(units) // 2 if num_outputs is None else len(hidden_sizes)
    random = np.random.default_rng(seed)
    layers = list(zip(hidden_sizes[:count], units[:count], strict=True))
    machines = _stacked(v, visible, layers, rule, random, watch)
    weights, biases = [each.W for each in machines], [each.hidden_bias for each in machines]
    if num_outputs is None:
        weights += [each.W.T for each in reversed(machines)]
        biases += [each.visible_bias for each in reversed(machines)]
    else:
        weights.append(_first_weights((num_outputs, hidden_sizes[-1]), v.dtype, random))
        biases.append(np.zeros((num_outputs, 1), v.dtype))
    return Pretrained(weights, biases)


def _checked(hidden_sizes: Sequence[int], unit_types: Sequence[str], num_outputs: int | None) -> list[str]:
    """Return the units of the layers, all of which can be pre-trained but the output units of a classifier.

    Raises
    ------
    OptionError
        They cannot.
    """
    units, count = list(unit_types), len(hidden_sizes)
    if not count or any(size < 1 for size in hidden_sizes):
        raise OptionError("hidden_sizes", expected="at least one layer, of at least one unit", got=quoted(hidden_sizes))
    if len(units) != count + 1:
        expected = f"{count + 1} names, one for each hidden layer and the output layer"
        raise OptionError("unit_types", expected=expected, got=len(units))
    wrong = [unit for unit in units[: count + (num_outputs is None)] if unit not in _UNITS]
    if wrong:
        expected = "'logistic' or 'linear' in every layer that is pre-trained"
        raise OptionError("unit_types", expected=expected, got=quoted(wrong[0]))
    if num_outputs is not None and num_outputs < 1:
        raise OptionError("num_outputs", expected="a whole number of at least 1", got=num_outputs)
    if num_outputs is None:
        _check_symmetry(list(hidden_sizes), units)
    return units


def _check_symmetry(sizes: list[int], units: list[str]) -> None:
    advice = "A network that is no autoencoder needs {num_outputs}."
    if sizes != sizes[::-1] or len(sizes) % 2 == 0:
        expected = "the layers of an autoencoder, the same in both directions around the code layer"
        raise OptionError("hidden_sizes", expected=expected, got=quoted(sizes), advice=advice)
    code = len(sizes) // 2
    if units[:code] != units[code + 1 : -1][::-1]:
        expected = "the same units in both directions around the code layer"
        raise OptionError("unit_types", expected=expected, got=quoted(units), advice=advice)


def _stacked(
    v: Array,
    visible: str,
    layers: Sequence[tuple[int, str]],
    rule: Rule,
    random: np.random.Generator,
    watch: Callable[[str], None],
) -> list[BoltzmannMachine]:
    """Return a machine for each layer; its cases are the means of the hidden units of the machine below."""
    machines: list[BoltzmannMachine] = []
    for number, (size, hidden) in enumerate(layers, start=1):
        machine = BoltzmannMachine(
            W=_first_weights((size, len(v)), v.dtype, random),
            visible_bias=np.zeros((len(v), 1), v.dtype),
            hidden_bias=np.zeros((size, 1), v.dtype),
            visible_unit=visible,
            hidden_unit=hidden,
        )
        name = f"layer {number} of {len(layers)}, {len(v)}-{size}"

        def tell(epoch: int, error: float, name: str = name) -> None:
            watch(f"{name}: epoch {epoch}, squared error {error:.4g}")

        machines.append(rule(machine, v, random, tell))
        v, visible = machines[-1].hidden(v), hidden
    return machines


def _first_weights(shape: tuple[int, int], kind: Any, random: np.random.Generator) -> Array:
    return (_SCALE * random.standard_normal(shape)).astype(kind)
