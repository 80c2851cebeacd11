"""The result of a training run: parameters, history, and the network as a function."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hf_matlab_compat.backends.backend import Backend, get_backend
from hf_matlab_compat.errors import ArgumentError, DataError
from hf_matlab_compat.hessian_free import FIGURES
from hf_matlab_compat.model.activations import LayerOutputs, TrainedNetwork, place_of
from hf_matlab_compat.model.network import Network
from hf_matlab_compat.model.units import name_of
from hf_matlab_compat.objective.feedforward import feedforward_problem
from hf_matlab_compat.options import Options
from hf_matlab_compat.preflight.data import check_training_data
from hf_matlab_compat.problem import Cases
from hf_matlab_compat.result_file import Own, Saved, read_result, write_result
from hf_matlab_compat.rnn.given import Given
from hf_matlab_compat.rnn.sequence_model import TrainedModel
from hf_matlab_compat.state import Outcome, Records, Report, Score, State


@dataclass(frozen=True, kw_only=True, repr=False)
class Result:
    """A trained network and its history.

    Attributes
    ----------
    theta : (P,) float64 array
        Packed parameters: column-major weights, then biases, layer by layer.
    weights : list of (s_i, s_{i-1}) arrays
        W of layers 1 … L; empty for a user's problem.
    biases : list of (s_i,) arrays
        b of layers 1 … L; empty for a user's problem.
    history : dict of str to arrays
        One array for each figure of `Report` ('epoch', 'train_log_likelihood', 'rho', …), over the epochs of this
        call. Test figures are nan without test data. The option `clean_train` adds 'clean_train_error', the error of
        the training cases without corruption.
    records : Records
        Log-likelihood, error, λ and seconds of all epochs, also of those before a resume.
    outcome : Outcome
        Why the run ended; its value is a sentence.
    state : State
        All that a later run needs to continue from here; pass it as ``resume_from``.
    interrupted : bool
        True if Ctrl-C was pressed during the run, even too late to stop anything.
    reason : str
        Which observer stopped the run, and why; empty if none did.
    best : State or None
        The state that an observer last asked to keep (`observers.observer.KEEP`); with the option `patience` that of
        the best epoch.
    average : State or None
        The running average of the parameters, with the option `average_decay`.
    network : Network or None
        Layout of the network; None for a user's problem.
    sequences : TrainedModel or None
        The model of sequences that was trained: a recurrent, multiplicative or labelling net, or a controller.
        ``sequences.weights(theta)`` has the parameters by name.
    options : Options
        Settings of the run.

    Examples
    --------
    >>> from hf_matlab_compat import train
    >>> X = np.random.default_rng(0).random((8, 60))
    >>> r = train(inputs=X, targets=X, hidden_sizes=[3], unit_types=["logistic", "logistic"], max_epochs=2, seed=0)
    >>> r.predict(X[:, :5]).shape, r.outputs(X)["code"].shape
    ((8, 5), (3, 60))
    """

    theta: NDArray[np.float64]
    weights: list[NDArray[np.float64]]
    biases: list[NDArray[np.float64]]
    history: dict[str, NDArray[Any]]
    records: Records
    outcome: Outcome
    state: State
    interrupted: bool = False
    reason: str = ""
    best: State | None = None
    average: State | None = None
    network: Network | None = None
    sequences: TrainedModel | None = None
    options: Options = field(default_factory=Options)
    _to_host: Callable[[Any], NDArray[Any]] = field(default=np.asarray, compare=False)

    def predict(self, inputs: Any, lengths: ArrayLike | None = None) -> Any:
        """Compute the outputs of the network.

        Parameters
        ----------
        inputs : (s_0, N) array_like
            A case in each column; for a recurrent net sequences, as `recurrent` takes them; for a controller a pair
            (starts, goals).
        lengths : (N,) array_like, optional
            Steps of each sequence.

        Returns
        -------
        (s_L, N) array
            Outputs of the last layer, computed in double precision whatever the precision of the run. Of sequences
            those of every step, (s_L, T, N), nan after the ends; a list for a list. Of a controller the states,
            (n_s, T+1, N), and controls, (n_u, T, N), of its runs.

        Raises
        ------
        DataError
            The inputs do not fit, or a user's problem was trained.
        """
        if self.sequences is not None:
            return self.sequences.predict(self.theta, inputs, lengths)
        return self.trained_network(lengths).predict(inputs)

    def outputs(self, inputs: Any, layer: int | str | None = None, lengths: ArrayLike | None = None) -> Any:
        """Compute the outputs of every layer, or of one.

        Parameters
        ----------
        inputs : (s_0, N) array_like
            As in `predict`.
        layer : int or {'inputs', 'code', 'output'}, optional
            One layer alone: its number, 0 for the inputs, or its name; the code layer is the narrowest hidden one.
        lengths : (N,) array_like, optional
            Steps of each sequence.

        Returns
        -------
        LayerOutputs or array
            A list of arrays (s_i, N), the inputs first, in double precision, which takes the names of layers as
            indices too; or the array of one layer.

        Raises
        ------
        DataError, OptionError
            As `predict`; or there is no such layer.
        """
        if self.sequences is None:
            made = self.trained_network(lengths).outputs(inputs)
        else:
            made = LayerOutputs(self.sequences.outputs(self.theta, inputs, lengths))
        return made if layer is None else made[place_of(layer, made.sizes)]

    def score(self, inputs: Any, targets: Any, lengths: ArrayLike | None = None, loss_weights: Any = None) -> Score:
        """Compute log-likelihood and error on cases, as the run computes its test figures.

        Parameters
        ----------
        inputs : (s_0, N) array_like
            A case in each column; for a recurrent net sequences, and all arguments as its call takes them; for a
            controller starts.
        targets : (s_L, N) array_like
            Their desired outputs; label strings for a labelling net, goals for a controller.
        lengths : (N,) array_like, optional
            Steps of each sequence.
        loss_weights : (T, N) array_like, optional
            Weight of each step.

        Returns
        -------
        Score
            Unweighted means over the cases, weight decay subtracted from the log-likelihood; in the run's precision,
            with numpy.

        Raises
        ------
        DataError
            As `predict`; or the targets do not fit.
        """
        if self.sequences is not None:
            given = Given(inputs, targets, lengths, loss_weights)
            return self.sequences.score(self._to_host(self.state.theta), given)
        network = self.trained_network(lengths, loss_weights).network
        for name, given, size in (("inputs", inputs, network.sizes[0]), ("targets", targets, network.sizes[-1])):
            shape = np.shape(given)
            if len(shape) != 2 or shape[0] != size:
                expected = f"{size} rows, a case in each column"
                raise DataError(name, expected=expected, got=f"shape {shape}", advice="Cases go in columns.")
        precision = "double" if self.state.theta.dtype == np.float64 else "single"
        chunks = self.options.num_test_chunks
        chunks = chunks if np.shape(inputs)[1] % chunks == 0 else 1
        options = replace(self.options, backend="numpy", precision=precision, num_chunks=chunks)
        data = check_training_data(inputs, targets, network.units[-1].name, options)
        problem = feedforward_problem(network, data, options, get_backend("numpy", precision, options.num_threads))
        return problem.score(self._to_host(self.state.theta), Cases())

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write everything into one file, from which `load` makes the same result, bit for bit.

        The file is a zip archive of numpy arrays and a JSON text; nothing is pickled. It keeps the names of your own
        units, losses and rules, not the objects. An existing file is replaced.

        Parameters
        ----------
        path : path-like
            The file.

        Raises
        ------
        ArgumentError
            The file cannot be written.
        CheckpointError
            The memory of the method holds a value that no file can keep.
        """
        others = {"outcome": self.outcome, "interrupted": self.interrupted, "reason": self.reason}
        for name, kept in (("best", self.best), ("average", self.average)):
            others[name] = None if kept is None else kept.mapped(self._to_host)
        state = self.state.mapped(self._to_host)
        try:
            write_result(path, Saved(state, self.network, self.options, self.history, others, self.sequences))
        except OSError as error:
            got = f"{os.fspath(path)!r} ({error.strerror or error})"
            advice = "Make its folder first, or choose another place."
            raise ArgumentError("path", expected="a file that can be written", got=got, advice=advice) from error

    def at(self, name: str) -> Result:
        """Return this result with the parameters of the best epoch, or with their running average.

        Parameters
        ----------
        name : {'best', 'average'}
            Which.

        Raises
        ------
        DataError
            No such parameters were kept.
        """
        kept = {"best": self.best, "average": self.average}.get(name)
        if kept is None:
            got = "none" if name in ("best", "average") else repr(name)
            advice = "Train with {patience} or {average_decay}."
            raise DataError("name", expected="'best' or 'average', which the run kept", got=got, advice=advice)
        made = make_result(self.network, (self.options, get_backend("numpy")), kept, [], self.outcome)
        return replace(self, theta=made.theta, weights=made.weights, biases=made.biases, state=kept)

    def trained_network(self, *of_sequences: Any) -> TrainedNetwork:
        """Return the network with its parameters, as a function.

        Raises
        ------
        DataError
            A user's problem or a recurrent net was trained, or there is an argument that only sequences have.
        """
        if self.network is not None and any(each is not None for each in of_sequences):
            expected = "none for a feed-forward network, whose cases have no steps"
            raise DataError("lengths", expected=expected, got="lengths or loss weights")
        if self.network is None:
            raise DataError(
                "result",
                expected="the result of a network of this package, which can compute outputs",
                got="the result of your own problem",
                advice="Give result.theta to your own functions.",
            )
        return TrainedNetwork(self.network, tuple(self.network.layers(self.theta)))

    def _what(self) -> tuple[str, str]:
        """Return what was trained, and what it was fitted by."""
        count, options = f"with {self.theta.size} parameters", self.options
        if self.network is not None:
            net, sizes, units = "network", self.network.sizes, [unit.name for unit in self.network.units]
            told = {name: getattr(options, name) for name in ("loss", "error_measure", "weight_decay")}
        elif self.sequences is not None:
            told = self.sequences.described()
            net, sizes, units = f"{told['kind']} net", told["sizes"], told["unit_types"]
        else:
            return f"a problem of its own {count}", "loss: the problem's own"
        fits = f"loss: {name_of(told['loss'])}; error measure: {name_of(told['error_measure'])}"
        layers = f"{'-'.join(map(str, sizes))} ({', '.join(units)})"
        return f"a {net} {layers} {count}", f"{fits}; weight decay {told['weight_decay']:g}"

    def __repr__(self) -> str:
        records, (what, fits) = self.records, self._what()
        kind = "double" if self.state.theta.dtype == np.float64 else "single"
        lines = [
            f"Result of {what}",
            f"{fits}; {kind} precision",
            f"epochs: {self.state.epoch}, {len(self.history['epoch'])} of them in this call, "
            f"{float(np.sum(records.seconds)):.4g} s in all",
        ]
        for column, name in enumerate(("training", "test")):
            last = [
                figures[-1, column] if len(figures) else np.nan for figures in (records.log_likelihood, records.error)
            ]
            told = f"log-likelihood {last[0]:.6g}, error {last[1]:.6g}" if not np.isnan(last).all() else "not evaluated"
            lines.append(f"{name} cases: {told}")
        reason = f" ({self.reason})" if self.reason else ""
        return "\n".join([*lines, f"outcome: {self.outcome.value}{reason}"])


def make_result(
    network: Network | None, run: tuple[Options, Backend], state: State, reports: Sequence[Report], outcome: Outcome
) -> Result:
    """Return the result of a run that ended in `state` after these epochs."""
    options, backend = run
    made = _result_of(state, network, options, _columns(reports), backend.to_host)
    return replace(made, outcome=outcome)


def _columns(reports: Sequence[Report]) -> dict[str, NDArray[Any]]:
    names = dict.fromkeys(name for report in reports for name in report.figures) if reports else FIGURES
    columns = {name: _column([report.figures.get(name, np.nan) for report in reports]) for name in names}
    columns |= {name: np.array([getattr(report, name) for report in reports]) for name in ("epoch", "seconds")}
    for which in ("train", "test"):
        scores = [getattr(report, which) for report in reports]
        for figure in ("log_likelihood", "error"):
            columns[f"{which}_{figure}"] = np.array([getattr(s, figure) if s else np.nan for s in scores])
    return columns


def _column(values: Sequence[Any]) -> NDArray[Any]:
    """Return one figure over the epochs; an array of objects if it is no number or text."""
    plain = [value.value if isinstance(value, Enum) else value for value in values]
    if all(np.ndim(value) == 0 for value in plain):
        return np.array(plain)
    column = np.empty(len(plain), dtype=object)
    for k, value in enumerate(plain):
        column[k] = value
    return column


def load(
    path: str | os.PathLike[str], *, unit_types: Sequence[Any] | None = None, loss: Any = None, plant: Any = None
) -> Result:
    """Read the result that `Result.save` wrote, or as much of one as a checkpoint and its sidecar hold.

    Parameters
    ----------
    path : path-like
        The file.
    unit_types : sequence, optional
        A name or an object for each hidden layer and the output. Needed for your own units, of which the file has
        only the names.
    loss : object, optional
        The loss. Needed for your own loss, for the same reason.
    plant : object, optional
        The plant of a controller. Needed for your own plant, for the same reason.

    Returns
    -------
    Result
        For a checkpoint the outcome is not known, and the history is that of its records.

    Raises
    ------
    CheckpointError
        There is no such file, or it is damaged or another one.
    OptionError
        The units, the loss or the plant are not those that were trained.

    Examples
    --------
    >>> import tempfile
    >>> from hf_matlab_compat import load, train
    >>> X = np.random.default_rng(0).random((8, 60))
    >>> r = train(inputs=X, targets=X, hidden_sizes=[3], unit_types=["logistic", "logistic"], max_epochs=2, seed=0)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     r.save(f"{folder}/net.npz")
    ...     again = load(f"{folder}/net.npz")
    >>> bool((again.predict(X) == r.predict(X)).all())
    True
    """
    saved = read_result(path, Own(unit_types, loss, plant))
    made = _result_of(saved.state, saved.network, saved.options, saved.history)
    return replace(made, sequences=saved.sequences, **saved.others)


def _result_of(
    state: State,
    network: Network | None,
    options: Options,
    history: dict[str, NDArray[Any]],
    to_host: Callable[[Any], NDArray[Any]] = np.asarray,
) -> Result:
    theta = np.array(to_host(state.theta), dtype=np.float64)
    layers = network.layers(theta) if network else []
    return Result(
        theta=theta,
        weights=[layer.W.copy() for layer in layers],
        biases=[layer.b.ravel().copy() for layer in layers],
        history=history,
        records=state.records,
        outcome=Outcome.UNKNOWN,
        state=state,
        network=network,
        options=options,
        _to_host=to_host,
    )
