"""The caller's sequences: arrays, lists or MATLAB cells; checked, padded where they are lists, and put in chunks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from inspect import signature
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from hf_matlab_compat.errors import DataError, OptionError, quoted, speaking
from hf_matlab_compat.options import Options
from hf_matlab_compat.preflight.arrays import numeric_array, real_array
from hf_matlab_compat.rnn.sequences import SequenceData

_AT_A_TIME = 256
"""Sequences checked at a time, so that a check of data mapped from a file needs little memory."""


class Given(NamedTuple):
    """Arguments of the caller.

    Attributes
    ----------
    inputs : (D, T, N) array, list of N (D, T_n) arrays, or cell
    targets : the same of O features; or (O, N), the target of each sequence's last step
    lengths : (N,) array or None
    loss_weights : (T, N) array, or list of N (T_n,) arrays, or None
    """

    inputs: Any
    targets: Any
    lengths: Any = None
    loss_weights: Any = None


def sequence_data(given: Given, num_chunks: int) -> SequenceData:
    """Return checked sequences; arrays that fit are not copied, so that they may be mapped from a file.

    Raises
    ------
    DataError
        The arrays do not fit each other, or hold no finite numbers.
    OptionError
        The chunks do not divide the sequences, or an argument has no meaning beside another.
    """
    inputs, lengths = checked_inputs(given, num_chunks)
    T = inputs.shape[1]
    targets, last_only = _targets(given.targets, lengths, T)
    loss_weights = _loss_weights(given.loss_weights, lengths, T, last_only)
    data = SequenceData(inputs, targets, lengths, loss_weights, num_chunks)
    for c in data.chunks() if loss_weights is not None else ():
        if not data.total_weight(c, "step"):
            raise DataError("loss_weights", expected=f"a weight above 0 in chunk {c + 1}", got="none")
    return data


def sequences_for(given: Given, options: Options, output_unit: str) -> SequenceData:
    """Return checked sequences whose targets fit the output unit; reads `num_chunks` and `loss`.

    Raises
    ------
    DataError
        See `sequence_data` and `check_targets`.
    OptionError
        See `sequence_data`.
    """
    data = sequence_data(given, options.num_chunks)
    check_targets(data, output_unit, options.loss)
    return data


def checked_inputs(given: Given, num_chunks: int) -> tuple[NDArray[Any], NDArray[np.int64]]:
    """Return checked inputs, (D, T, N), and the length of each sequence.

    Raises
    ------
    DataError
        They are no sequences of finite numbers.
    OptionError
        The chunks do not divide the sequences, or lengths are given beside a list.
    """
    inputs, lengths = _inputs(given)
    if len(lengths) % num_chunks:
        raise OptionError(
            "num_chunks",
            expected=f"a divisor of the {len(lengths)} sequences in {{inputs}}",
            got=num_chunks,
            advice="A chunk is a set of whole sequences.",
        )
    _check_finite("inputs", inputs, lengths)
    return inputs, lengths


def first_given(given: Given, resample: Callable[[int], Any] | None, name: str = "targets") -> Given:
    """Return the caller's sequences, or those of epoch 1; `name` is the caller's name for the targets.

    Raises
    ------
    OptionError
        There are none, or `resample` is no function of the epoch.
    DataError
        `resample` makes something else.
    """
    if resample is not None:
        _check_takes_epoch(resample)
    for each, value in (("inputs", given.inputs), (name, given.targets)):
        if value is None and (resample is None or given.inputs is not None):
            raise OptionError(each, expected="a value", got="none", advice="{resample} can make both.")
    return given if resample is None or given.inputs is not None else _drawn(resample, 1, name)


def resampling(
    resample: Callable[[int], Any], check: Callable[[Given], SequenceData], like: SequenceData, name: str = "targets"
) -> Callable[[int], SequenceData]:
    """Return epoch → its sequences, checked, and as many as `like` has, with as many features."""

    def of_epoch(epoch: int) -> SequenceData:
        with speaking({each: f"{each} of resample({epoch})" for each in ("inputs", name, "lengths", "loss_weights")}):
            data = check(_drawn(resample, epoch, name))
        pairs = [("inputs", data.inputs, like.inputs), (name, data.targets, like.targets)]
        for each, made, first in pairs if data.targets.ndim == 3 else pairs[:1]:
            if (len(made), len(data)) != (len(first), len(like)):
                expected = f"{each} of {len(first)} features and {len(like)} sequences for epoch {epoch}"
                raise DataError("resample", expected=expected, got=f"{len(made)} and {len(data)}")
        return data

    return of_epoch


def _check_takes_epoch(resample: Any) -> None:
    try:
        signature(resample).bind(1)
    except TypeError:
        expected = "a function of one argument, the number of the epoch"
        raise OptionError("resample", expected=expected, got=quoted(resample)) from None
    except ValueError:
        return  # a compiled function, which tells nothing of its arguments


def _drawn(resample: Callable[[int], Any], epoch: int, name: str) -> Given:
    made = resample(epoch)
    if not isinstance(made, tuple) or not 2 <= len(made) <= 4:
        expected = f"(inputs, {name}), with lengths and loss weights if there are any, for epoch {epoch}"
        raise DataError("resample", expected=expected, got=type(made).__name__)
    return Given(*made)


def checked_theta(theta: Any, num_parameters: int) -> NDArray[Any]:
    """Return the caller's parameters as a (P,) vector.

    Raises
    ------
    DataError
        They are no numbers, or another number of them.
    """
    packed = real_array("theta", theta).ravel()
    if packed.size != num_parameters:
        raise DataError("theta", expected=f"{num_parameters} numbers, as the net has parameters", got=packed.size)
    return packed


def is_list(values: Any) -> bool:
    """Return whether the sequences stand one by one in a list, or in a MATLAB cell, which is an array of objects."""
    if isinstance(values, np.ndarray) and values.dtype == object:
        return not values.size or np.ndim(values.flat[0]) > 0  # numbers as objects are no cell
    return isinstance(values, list | tuple)


def _one_by_one(name: str, values: Any) -> list[NDArray[Any]]:
    """Return the matrices of a list or a cell.

    Raises
    ------
    DataError
        One is no matrix, or has another number of features than the first.
    """
    items = list(values.ravel(order="F")) if isinstance(values, np.ndarray) else list(values)
    if not items:
        raise DataError(name, expected="at least one sequence", got="an empty list")
    found: list[NDArray[Any]] = []
    for n, item in enumerate(items):
        matrix = real_array(f"{name}[{n}]", item)
        if matrix.ndim != 2:
            got = f"an array of shape {matrix.shape} for sequence {n} (counted from 0)"
            raise DataError(name, expected="a matrix (features, time) for each sequence", got=got)
        if len(matrix) != len(items[0]):
            raise DataError(
                name,
                expected=f"{len(items[0])} features in every sequence, as in the first",
                got=f"{len(matrix)} in sequence {n} (counted from 0)",
                advice="Features are rows, steps are columns.",
            )
        found.append(matrix)
    return found


def _padded(matrices: list[NDArray[Any]], T: int) -> NDArray[Any]:
    kind = np.result_type(np.float32, *(matrix.dtype for matrix in matrices))
    out = np.zeros((len(matrices[0]), T, len(matrices)), dtype=kind)
    for n, matrix in enumerate(matrices):
        out[:, : matrix.shape[1], n] = matrix
    return out


def _inputs(given: Given) -> tuple[NDArray[Any], NDArray[np.int64]]:
    if is_list(given.inputs):
        if given.lengths is not None:
            advice = "The matrices have their lengths; leave {lengths} out."
            raise OptionError("lengths", expected="nothing beside a list of sequences", got="a value", advice=advice)
        matrices = _one_by_one("inputs", given.inputs)
        lengths = np.array([matrix.shape[1] for matrix in matrices])
        return _padded(matrices, int(lengths.max())), lengths
    array = numeric_array("inputs", given.inputs)  # NaN may stand after the end of a sequence
    if array.ndim == 2:
        array = array[:, :, None]  # one sequence; MATLAB drops the last dimension of such an array
    if array.ndim != 3:
        raise DataError(
            "inputs",
            expected="an array (features, time, sequences), or a list of matrices (features, time)",
            got=f"an array of shape {array.shape}",
        )
    return array, _lengths(given.lengths, *array.shape[1:])


def _lengths(given: Any, T: int, N: int) -> NDArray[np.int64]:
    if given is None:
        return np.full(N, T, dtype=np.int64)
    values = real_array("lengths", given).ravel()
    if len(values) != N:
        raise DataError("lengths", expected=f"{N} numbers, one for each sequence in {{inputs}}", got=len(values))
    wrong = (values != np.floor(values)) | (values < 1) | (values > T)
    if wrong.any():
        n = int(np.argmax(wrong))
        got = f"{values[n]:g} for sequence {n} (counted from 0)"
        raise DataError("lengths", expected=f"whole numbers from 1 to {T}, the steps in {{inputs}}", got=got)
    return values.astype(np.int64)


def _targets(given: Any, lengths: NDArray[np.int64], T: int) -> tuple[NDArray[Any], bool]:
    # return targets (O, T, N), and whether they stand at the last steps alone
    N = len(lengths)
    if is_list(given):
        matrices = _one_by_one("targets", given)
        steps = np.array([matrix.shape[1] for matrix in matrices])
        if len(steps) != N:
            raise DataError("targets", expected=f"{N} sequences, as in {{inputs}}", got=len(steps))
        if (steps != lengths).any():
            n = int(np.argmax(steps != lengths))
            expected = f"{lengths[n]} steps in sequence {n} (counted from 0), as in {{inputs}}"
            advice = "One target for each sequence is an array (outputs, sequences)." if (steps == 1).all() else ""
            raise DataError("targets", expected=expected, got=int(steps[n]), advice=advice)
        return _padded(matrices, T), False
    array = numeric_array("targets", given)  # NaN may stand where there is no loss
    if array.ndim == 2 and N == 1 and array.shape[1] == T:
        return array[:, :, None], False
    if array.ndim == 2 and array.shape[1] == N:
        at_end = np.zeros((len(array), T, N), dtype=np.result_type(array.dtype, np.float32))
        at_end[:, lengths - 1, np.arange(N)] = array
        return at_end, True
    if array.ndim != 3 or array.shape[1:] != (T, N):
        expected = f"shape (outputs, {T}, {N}) or (outputs, {N}), for the steps and sequences of {{inputs}}"
        advice = "The second is a target for each sequence's last step."
        raise DataError("targets", expected=expected, got=f"shape {array.shape}", advice=advice)
    return array, False


def _loss_weights(given: Any, lengths: NDArray[np.int64], T: int, last_only: bool) -> NDArray[Any] | None:
    N = len(lengths)
    if last_only:
        if given is not None:
            advice = "Those count their last step; give targets (outputs, time, sequences) for others."
            expected = "nothing beside one target for each sequence"
            raise OptionError("loss_weights", expected=expected, got="a value", advice=advice)
        weights = np.zeros((T, N))
        weights[lengths - 1, np.arange(N)] = 1
        return weights
    if given is None:
        return None
    if is_list(given):
        given = _stacked_weights(given, lengths, T)
    weights = real_array("loss_weights", given)
    if weights.size == T and N == 1:
        weights = weights.reshape(T, 1)
    if weights.shape != (T, N):
        expected = f"shape ({T}, {N}), steps and sequences of {{inputs}}"
        raise DataError("loss_weights", expected=expected, got=f"shape {weights.shape}")
    if weights.min() < 0:
        raise DataError("loss_weights", expected="numbers of at least 0", got=f"{weights.min():g}")
    behind = (weights > 0) & (np.arange(T)[:, None] >= lengths)
    if behind.any():
        t, n = (int(each) for each in np.argwhere(behind)[0])
        raise DataError(
            "loss_weights",
            expected="0 after the end of each sequence",
            got=f"{weights[t, n]:g} at step {t} of sequence {n} (counted from 0), which has {lengths[n]} steps",
            advice="Set the weights there to 0, or correct {lengths}.",
        )
    return weights


def _stacked_weights(given: Any, lengths: NDArray[np.int64], T: int) -> NDArray[Any]:
    items = list(given.ravel(order="F")) if isinstance(given, np.ndarray) else list(given)
    vectors = [real_array(f"loss_weights[{n}]", item).ravel() for n, item in enumerate(items)]
    if [len(vector) for vector in vectors] != lengths.tolist():
        got = f"{len(vectors)} of {', '.join(str(len(v)) for v in vectors[:3])}, … numbers"
        raise DataError("loss_weights", expected="a number for each step of each sequence in {inputs}", got=got)
    weights = np.zeros((T, len(lengths)))
    for n, vector in enumerate(vectors):
        weights[: len(vector), n] = vector
    return weights


def _check_finite(name: str, array: NDArray[Any], lengths: NDArray[np.int64]) -> None:
    # refuse NaN and infinity at steps that exist; anything may stand after the end of a sequence
    if array.dtype.kind != "f":
        return
    for first, part in _parts(array):
        wrong = ~np.isfinite(part) & (np.arange(part.shape[1])[:, None] < lengths[first : first + part.shape[2]])
        if wrong.any():
            i, t, n = (int(each) for each in np.argwhere(wrong)[0])
            got = f"{part[i, t, n]} in feature {i} at step {t} of sequence {first + n} (counted from 0)"
            advice = "Replace such numbers, or end the sequence before them with {lengths}."
            raise DataError(name, expected="finite numbers", got=got, advice=advice)


def check_targets(data: SequenceData, output_unit: str, loss: Any) -> None:
    """Check that the targets of steps with a loss are finite and fit the output unit.

    Raises
    ------
    DataError
        They are outside [0, 1] for the cross-entropy of logistic units, or do not sum to 1 for softmax.
    """
    for first, part in _parts(data.targets):
        here = slice(first, first + part.shape[2])
        counted = np.arange(part.shape[1])[:, None] < data.lengths[here]
        if data.loss_weights is not None:
            counted &= data.loss_weights[:, here] > 0
        found = part[:, counted]
        where = np.argwhere(counted)
        if loss == "matching" and output_unit == "logistic":
            expected, fits = "numbers from 0 to 1 for logistic outputs", ((found >= 0) & (found <= 1)).all(axis=0)
        elif loss == "matching" and output_unit == "softmax":
            expected = "targets of at least 0 that sum to 1 at each step with a loss, for softmax outputs"
            fits = (np.abs(found.sum(axis=0, dtype=np.float64) - 1) <= _SUM_TOLERANCE) & (found >= 0).all(axis=0)
        else:
            expected, fits = "finite numbers at each step with a loss", np.isfinite(found).all(axis=0)
        if not fits.all():
            wrong = int(np.argmin(fits))
            t, n = where[wrong]
            got = f"{found[:, wrong].tolist()[:5]} at step {t} of sequence {first + n} (counted from 0)"
            advice = "Where there is no target, set {loss_weights} to 0."
            if output_unit == "softmax" and len(found) == 1:
                advice = "A class is a column with a 1 in its row and 0 in the others."
            raise DataError("targets", expected=expected, got=got, advice=advice)


_SUM_TOLERANCE = 1e-3
"""Largest deviation from 1 of the sum of a step's targets; data in single or with four digits passes."""


def _parts(array: NDArray[Any]) -> Iterator[tuple[int, NDArray[Any]]]:
    for first in range(0, array.shape[2], _AT_A_TIME):
        yield first, np.asarray(array[:, :, first : first + _AT_A_TIME])
