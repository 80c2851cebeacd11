"""A recurrent net that labels whole sequences: the loss is that of connectionist temporal classification.

The outputs are a softmax over K classes, one of them the blank, at every step. Only the loss, the error and the errors
at the output differ from a recurrent net with softmax outputs: its posteriors γ take the place of the targets. The
Gauss-Newton matrix holds γ fixed, which leaves out a negative part of the exact Hessian and makes it positive
semidefinite (after Cho, Dhir & Lee 2015, "Hessian-free optimization for learning deep multidimensional recurrent
neural networks"). `alignments` has the formulas.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hf_matlab_compat.backends.arrays import Array, Vector
from hf_matlab_compat.errors import DataError, OptionError, quoted
from hf_matlab_compat.model.error_measures import none
from hf_matlab_compat.model.losses import SoftmaxCrossEntropy
from hf_matlab_compat.model.units import unit_of
from hf_matlab_compat.options import Options
from hf_matlab_compat.preflight.layout import check_layout
from hf_matlab_compat.rnn.alignments import Alignments, LabelStrings, align, best_path, edit_distances
from hf_matlab_compat.rnn.calls import check_depth, check_scales, check_words
from hf_matlab_compat.rnn.given import Given, checked_inputs, checked_theta, first_given, resampling
from hf_matlab_compat.rnn.initialisation import Initialisation
from hf_matlab_compat.rnn.network import RecurrentNetwork
from hf_matlab_compat.rnn.passes import AtSequences
from hf_matlab_compat.rnn.problem import SequenceProblem
from hf_matlab_compat.rnn.sequences import SequenceBlock, SequenceData
from hf_matlab_compat.rnn.trained import TrainedRecurrent
from hf_matlab_compat.rnn.workspace import Workspace


@dataclass(frozen=True, eq=False)
class LabelledSequences(SequenceData):
    """Sequences whose targets are label strings, (U, N), -1 after the end of each."""

    def total_count(self, only: int | None, per: str) -> int:
        """See `SequenceData.total_count`; ``per='label'`` counts labels, by which edit distances are divided."""
        if per != "label":
            return super().total_count(only, per)
        n = self.sequences_per_chunk
        here = slice(None) if only is None else slice(only * n, (only + 1) * n)
        return max(1, int((self.targets[:, here] >= 0).sum()))

    def arrays(self) -> dict[str, NDArray[Any]]:
        """See `SequenceData.arrays`."""
        return {"inputs": self.inputs, "labels": self.targets, "lengths": self.lengths}


@dataclass(frozen=True, kw_only=True)
class LabellingNetwork(RecurrentNetwork):
    """Layout of a recurrent net that labels sequences; a `SequenceModel`.

    Attributes
    ----------
    blank : int
        The class that stands for no label.
    """

    blank: int
    kind: ClassVar[str] = "labelling"
    settings: ClassVar[tuple[str, ...]] = (*RecurrentNetwork.settings, "blank")
    """See `sequence_model.StepNet`."""

    def at(self, theta: Vector, block: SequenceBlock, workspace: Workspace) -> AtLabelled:
        """See `SequenceModel.at`."""
        return AtLabelled(self, theta, block, workspace)


class AtLabelled(AtSequences):
    """A labelling net at one θ on one block; an `AtBlock`. The error is the sum of edit distances.

    Parameters
    ----------
    net : LabellingNetwork
    theta : (P,) vector
    block : SequenceBlock
        Its targets are label strings.
    workspace : Workspace
        Keeps the forward pass.
    """

    def __init__(self, net: LabellingNetwork, theta: Vector, block: SequenceBlock, workspace: Workspace) -> None:
        super().__init__(net, theta, block, workspace)
        self._labels = LabelStrings(block.targets, net.blank)

    @cached_property
    def aligned(self) -> Alignments:
        """Log-probabilities of the label strings, and γ; on the host."""
        log_y = self._scores() - self._scores().max(axis=0)
        log_y -= np.log(np.exp(log_y).sum(axis=0))
        return align(log_y, self.block.lengths, self._labels)

    def _scores(self) -> NDArray[np.float64]:
        """Return the input of the output layer, (K, T, n), in double."""
        return np.asarray(self._workspace.backend.to_host(self.x), dtype=float).reshape(-1, *self.shape)

    @cached_property
    def targets(self) -> Array:
        """γ, (K, T·n)."""
        return self._workspace.take(self.aligned.posteriors).reshape(self.x.shape)

    @property
    def log_likelihood(self) -> float:
        """See `AtBlock`: Σ log p(labels)."""
        return float(self.aligned.log_p.sum())

    @property
    def error(self) -> float:
        """See `AtBlock`: the edits that turn the labels of the best paths into the true ones."""
        return float(edit_distances(self.read(), self._labels).sum())

    def read(self) -> LabelStrings:
        """Return the labels of the best paths."""
        return best_path(self._scores(), self.block.lengths, self._labels.blank)


@dataclass(frozen=True, kw_only=True)
class TrainedLabeller(TrainedRecurrent):
    """A labelling net and the settings of its problem; its outputs are probabilities of the classes."""

    net: LabellingNetwork
    loss: Any = "ctc"
    error_measure: str = "label error"
    per: str = "sequence"
    error_per: ClassVar[str] = "label"

    def read_labels(self, theta: NDArray[Any], inputs: Any, lengths: Any = None) -> list[list[int]]:
        """Return the labels of the best path of every sequence."""
        return self.read(theta, self._of_inputs(inputs, lengths))

    def read(self, theta: NDArray[Any], data: SequenceData) -> list[list[int]]:
        """Return the labels of the best path of every sequence; the labels in `data` do not matter."""
        read = (at.read().labels.T for at in self._passes(theta, data))
        return [[int(k) for k in string if k >= 0] for strings in read for string in strings]

    def _checked(self, given: Given) -> LabelledSequences:
        if given.loss_weights is not None:
            expected = "none for a labelling net, whose loss is that of whole sequences"
            raise OptionError("loss_weights", expected=expected, got="a value")
        return labelled_sequences(given, 1, Classes(self.net.sizes[-1], self.net.blank))


def read_labels(problem: SequenceProblem, theta: ArrayLike) -> list[list[int]]:
    """Return what a trained net reads: the labels of the best path of every sequence.

    ``result.sequences.read_labels(result.theta, inputs)`` does the same with sequences that have no labels.

    Parameters
    ----------
    problem : SequenceProblem
        Made by `ctc`; the labels that were given with its sequences do not matter.
    theta : (P,) array_like
        Trained parameters.

    Returns
    -------
    list of N lists of int

    Raises
    ------
    OptionError
        The problem is another one.
    DataError
        θ does not fit.
    """
    if not isinstance(problem.trained, TrainedLabeller):
        raise OptionError("problem", expected="one that ctc() made", got=type(problem.model).__name__)
    packed = checked_theta(theta, problem.num_parameters)
    return problem.trained.read(packed.astype(np.float64), problem.data)


class Classes(NamedTuple):
    """K, the number of classes, and the class that is the blank."""

    total: int
    blank: int

    @classmethod
    def of(cls, strings: Sequence[NDArray[np.int64]], count: int | None, blank: int | None) -> Classes:
        """Return the classes that were asked for, or else those of these strings and a blank after the last.

        Raises
        ------
        OptionError
            There are no two classes, or the blank is none of them.
        """
        largest = max((int(labels.max()) for labels in strings if labels.size), default=-1)
        if count is None:
            count = max(largest + 2, 2) if blank is None else max(largest, blank) + 1
        if not (isinstance(count, int | np.integer) and count >= 2):
            raise OptionError("num_classes", expected="a whole number of at least 2, the blank among them", got=count)
        found = count - 1 if blank is None else blank
        if not (isinstance(found, int | np.integer) and 0 <= found < count):
            raise OptionError("blank", expected=f"a class, from 0 to {count - 1}", got=found)
        return cls(int(count), int(found))


def ctc(
    inputs: Any = None,
    labels: Any = None,
    *,
    hidden_sizes: Sequence[int],
    unit_types: Sequence[Any] | None = None,
    num_classes: int | None = None,
    blank: int | None = None,
    lengths: ArrayLike | None = None,
    num_chunks: int = 1,
    resample: Callable[[int], Any] | None = None,
    curvature_cases: str = "target_chunk",
    weight_decay: float = 0.0,
    decay_biases: bool = True,
    initial_state: str = "learned",
    structural_unit: str = "matching",
    num_connections: int = 15,
    input_scale: float = 1.0,
    recurrent_scale: float = 1.0,
    spectral_radius: float | None = None,
) -> SequenceProblem:
    """Make the problem of a recurrent net that labels sequences, for ``train(problem=…)``.

    The outputs are probabilities of K classes at every step, one of them the blank. The log-likelihood of a sequence is
    log p(labels), the sum over all paths that give its labels after repeats are collapsed and blanks dropped; the total
    is divided by the number of sequences. The error is the label error: edit distances between the labels of the best
    paths and the true ones, divided by the number of true labels.

    Parameters
    ----------
    inputs : (D, T, N) array_like, list of (D, T_n) arrays, or cell
        As in `recurrent`.
    labels : list of N sequences of int, or (U, N) array_like
        The label string of each sequence, classes without the blank; it may be empty. As an array, strings are columns
        with -1 after the end of each.
    hidden_sizes : sequence of int
        Units of the hidden layers.
    unit_types : sequence of str or OwnFunction, optional
        Units of the hidden layers, by default tanh; the output is a softmax.
    num_classes : int, optional
        K, the blank included; by default the largest label decides.
    blank : int, optional
        The class that is the blank, by default the last.
    lengths, num_chunks, curvature_cases, weight_decay, decay_biases, initial_state, structural_unit
        As in `recurrent`.
    resample : callable, optional
        ``resample(epoch)`` → (inputs, labels) or (inputs, labels, lengths) of the sequences of this epoch, as in
        `recurrent`.
    num_connections, input_scale, recurrent_scale, spectral_radius
        Initial parameters; see `initialisation.Initialisation`.

    Returns
    -------
    SequenceProblem

    Raises
    ------
    OptionError, DataError
        Something does not fit; a string that no path of its sequence gives is named.

    Examples
    --------
    >>> import numpy as np
    >>> from hf_matlab_compat import ctc, train
    >>> frames = np.random.default_rng(0).standard_normal((3, 8, 2))
    >>> train(problem=ctc(frames, [[0, 1], []], hidden_sizes=[5]), seed=0, max_epochs=2).outcome.value
    'all epochs were run'
    """
    check_words({"initial_state": initial_state, "structural_unit": structural_unit})
    check_scales(input_scale, recurrent_scale, spectral_radius)
    settings = Options(
        num_chunks=num_chunks,
        curvature_cases=curvature_cases,
        weight_decay=weight_decay,
        decay_biases=decay_biases,
        num_connections=num_connections,
        faithful=False,
    )
    hidden: Any = ["tanh"] * np.size(hidden_sizes) if unit_types is None else unit_types
    listed = isinstance(hidden, list | tuple)
    sizes, units = check_layout(hidden_sizes, [*hidden, "softmax"] if listed else hidden, settings)
    check_depth(sizes)
    given = first_given(Given(inputs, labels, lengths), resample, "labels")
    classes = Classes.of(label_strings(given.targets), num_classes, blank)

    def check(given: Given) -> LabelledSequences:
        return labelled_sequences(given, settings.num_chunks, classes)

    data = check(given)
    net = build_labelling(
        [len(data.inputs), *sizes, classes.total],
        units,
        initial_state=initial_state,
        structural_unit=structural_unit,
        draws=Initialisation(
            num_connections=settings.num_connections,
            input_scale=input_scale,
            recurrent_scale=recurrent_scale,
            spectral_radius=spectral_radius,
        ),
        blank=classes.blank,
    )
    trained = TrainedLabeller(net=net, weight_decay=settings.weight_decay, decay_biases=settings.decay_biases)
    again = None if resample is None else resampling(resample, check, data, "labels")
    return trained.problem(data, settings.curvature_cases, again)


def build_labelling(sizes: Sequence[int], unit_types: Sequence[Any], **settings: Any) -> LabellingNetwork:
    """Return a labelling net of these sizes and units; `settings` are further attributes of it."""
    return LabellingNetwork(
        sizes=tuple(map(int, sizes)),
        units=tuple(unit_of(unit) for unit in unit_types),
        loss=SoftmaxCrossEntropy(),
        error_measure=none,
        **settings,
    )


def labelled_sequences(given: Given, num_chunks: int, classes: Classes) -> LabelledSequences:
    """Return checked sequences with label strings.

    Raises
    ------
    DataError
        A label is not a class or is the blank, or no path of a sequence gives its string.
    OptionError
        Chunks do not divide the sequences.
    """
    inputs, lengths = checked_inputs(given, num_chunks)
    found = label_strings(given.targets)
    if len(found) != len(lengths):
        raise DataError(
            "labels", expected=f"{len(lengths)} strings, one for each sequence in {{inputs}}", got=len(found)
        )
    for n, string in enumerate(found):
        wrong = string[(string < 0) | (string >= classes.total) | (string == classes.blank)]
        if wrong.size:
            raise DataError(
                "labels",
                expected=f"classes from 0 to {classes.total - 1} without {classes.blank}, the blank",
                got=f"{wrong[0]} in the string of sequence {n} (counted from 0)",
            )
    strings = LabelStrings.of(found, classes.blank)
    short = lengths < strings.frames_needed
    if short.any():
        n = int(np.argmax(short))
        raise DataError(
            "labels",
            expected=f"strings that fit their sequences; that of sequence {n} (counted from 0) needs "
            f"{strings.frames_needed[n]} steps, one for each label and one between equal labels",
            got=f"a sequence of {lengths[n]} steps",
            advice="Leave it out, or give more steps to a label.",
        )
    return LabelledSequences(inputs, strings.labels, lengths, None, num_chunks)


def label_strings(given: Any) -> list[NDArray[np.int64]]:
    """Return the label strings of a list of strings, or of an array with -1 after the end of each column.

    Raises
    ------
    DataError
        They are no whole numbers, or no strings.
    """
    if isinstance(given, np.ndarray) and given.dtype != object and given.ndim == 2:
        return [_whole(column[column != -1], n) for n, column in enumerate(given.T)]
    if isinstance(given, np.ndarray):
        given = given.ravel(order="F").tolist() if given.dtype == object else given.tolist()
    if not isinstance(given, Sequence) or isinstance(given, str):
        raise DataError("labels", expected="a list with the labels of each sequence", got=type(given).__name__)
    return [_whole(string, n) for n, string in enumerate(given)]


def _whole(string: Any, n: int) -> NDArray[np.int64]:
    values = np.asarray(string).ravel()
    if values.size and (values.dtype.kind not in "iuf" or (values != np.floor(values)).any()):
        got = f"{quoted(string)} for sequence {n} (counted from 0)"
        raise DataError("labels", expected="whole numbers, the labels of each sequence in order", got=got)
    return values.astype(np.int64)
