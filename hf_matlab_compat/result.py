"""What a training run hands back: parameters and history, the network as a function, and a file of all of it."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, fields, replace
from enum import Enum
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hf_matlab_compat.backends.backend import Backend, get_backend
from hf_matlab_compat.errors import ArgumentError, CheckpointError, DataError, OptionError
from hf_matlab_compat.hessian_free import FIGURES
from hf_matlab_compat.matlab.files.atomic_file import atomic_file
from hf_matlab_compat.matlab.files.checkpoint import read_checkpoint, read_description
from hf_matlab_compat.matlab.files.npz_file import joined_values, read_described, split_values, write_described
from hf_matlab_compat.model.activations import LayerOutputs, TrainedNetwork, place_of
from hf_matlab_compat.model.network import Network, build_network
from hf_matlab_compat.model.units import UNITS, name_of
from hf_matlab_compat.objective.feedforward import feedforward_problem
from hf_matlab_compat.options import Options
from hf_matlab_compat.preflight.data import check_training_data
from hf_matlab_compat.preflight.description import plain_settings
from hf_matlab_compat.problem import Cases
from hf_matlab_compat.state import Outcome, Records, Report, Score, State

_TEXT = "result"
_LOSSES = ("matching", "squared")


@dataclass(frozen=True, kw_only=True, repr=False)
class Result:
    """A trained network and how it got there.

    Attributes
    ----------
    theta : (P,) float64 array
        Packed parameters: column-major weights, then biases, layer by layer.
    weights : list of (s_i, s_{i-1}) arrays
        W of layers 1 … L; none for a problem that is no network of this package.
    biases : list of (s_i,) arrays
        b of layers 1 … L; likewise.
    history : dict of str to arrays
        One array for each figure of `Report` ('epoch', 'train_log_likelihood', 'rho', …), over the epochs of this
        call. Test figures are nan without test data.
    records : Records
        Log-likelihood, error, λ and seconds of all epochs, those before a resume included.
    outcome : Outcome
        Why the run ended; its value is a sentence.
    state : State
        All that a later run needs to go on from here; pass it as ``resume_from``.
    interrupted : bool
        Whether Ctrl-C was pressed during the run, be it too late to break anything off.
    reason : str
        Which observer stopped the run, and why; empty where none did.
    best : State or None
        The state that an observer last asked to keep (`observers.observer.KEEP`).
    network : Network or None
        Layout of the network, where one of this package was trained.
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
    network: Network | None = None
    options: Options = field(default_factory=Options)
    _to_host: Callable[[Any], NDArray[Any]] = field(default=np.asarray, compare=False)

    def predict(self, inputs: ArrayLike) -> NDArray[np.float64]:
        """What the network makes of cases.

        Parameters
        ----------
        inputs : (s_0, N) array_like
            A case in each column.

        Returns
        -------
        (s_L, N) array
            Outputs of the last layer, computed in double precision whatever the run's was.

        Raises
        ------
        DataError
            The inputs do not fit, or a problem without a network of this package was trained.
        """
        return self.trained_network().predict(inputs)

    def outputs(self, inputs: ArrayLike, layer: int | str | None = None) -> Any:
        """Outputs of every layer.

        Parameters
        ----------
        inputs : (s_0, N) array_like
        layer : int or {'inputs', 'code', 'output'}, optional
            One layer alone: its number, inputs 0, or its name; the code layer is the narrowest hidden one.

        Returns
        -------
        LayerOutputs or array
            A list of arrays (s_i, N), the inputs first, in double precision, which takes the names of layers as
            indices too; or the array of one layer.

        Raises
        ------
        DataError, OptionError
            As `predict`; there is no such layer.
        """
        made: LayerOutputs = self.trained_network().outputs(inputs)
        return made if layer is None else made[place_of(layer, [len(y) for y in made])]

    def score(self, inputs: ArrayLike, targets: ArrayLike) -> Score:
        """Log-likelihood and error on cases, formed as the test figures of the run are.

        Parameters
        ----------
        inputs : (s_0, N) array_like
        targets : (s_L, N) array_like

        Returns
        -------
        Score
            Means over the cases, which have no weights here, and weight decay taken off the log-likelihood; in the
            run's precision, with numpy.

        Raises
        ------
        DataError
            As `predict`; the targets do not fit.
        """
        network = self.trained_network().network
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
        """Write everything into one file, from which `load` makes the same result again, bit for bit.

        The file is a zip archive of numpy arrays and a JSON text; nothing is pickled. Units, losses and rules of your
        own are kept by their names only. What is there is replaced.

        Parameters
        ----------
        path : path-like

        Raises
        ------
        ArgumentError
            The file cannot be written.
        CheckpointError
            The method remembers what no file can keep.
        """
        text, arrays = _taken_apart(self)
        try:
            with atomic_file(path) as stream:
                write_described(stream, _TEXT, text, arrays)
        except OSError as error:
            got = f"{os.fspath(path)!r} ({error.strerror or error})"
            advice = "Make its folder first, or choose another place."
            raise ArgumentError("path", expected="a file that can be written", got=got, advice=advice) from error

    def trained_network(self) -> TrainedNetwork:
        """The network with its parameters, as a function.

        Raises
        ------
        DataError
            A problem of the caller's own was trained.
        """
        if self.network is None:
            raise DataError(
                "result",
                expected="that of a network of this package, to compute outputs with it",
                got="that of a problem of your own",
                advice="Give result.theta to your own functions.",
            )
        return TrainedNetwork(self.network, tuple(self.network.layers(self.theta)))

    def __repr__(self) -> str:
        records, network = self.records, self.network
        what = f"a problem of its own with {self.theta.size} parameters"
        fits = "loss: the problem's own"
        if network is not None:
            units = ", ".join(unit.name for unit in network.units)
            what = f"a network {'-'.join(map(str, network.sizes))} ({units}) with {self.theta.size} parameters"
            fits = f"loss: {name_of(self.options.loss)}; error measure: {name_of(self.options.error_measure)}"
        kind = "double" if self.state.theta.dtype == np.float64 else "single"
        lines = [
            f"Result of {what}",
            f"{fits}; weight decay {self.options.weight_decay:g}; {kind} precision",
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
    """The result of a run that ended in `state` after these epochs."""
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
    """One figure over the epochs; an array of objects where it is no number or text."""
    plain = [value.value if isinstance(value, Enum) else value for value in values]
    if all(np.ndim(value) == 0 for value in plain):
        return np.array(plain)
    column = np.empty(len(plain), dtype=object)
    for k, value in enumerate(plain):
        column[k] = value
    return column


def load(path: str | os.PathLike[str], *, unit_types: Sequence[Any] | None = None, loss: Any = None) -> Result:
    """The result that `Result.save` wrote; or what a checkpoint and its sidecar hold of one.

    Parameters
    ----------
    path : path-like
        The file.
    unit_types : sequence, optional
        For each hidden layer and the output the name of a unit, or an object; needed where units of your own were
        trained, of which the file has the names only.
    loss : object, optional
        Likewise.

    Returns
    -------
    Result
        Of a checkpoint the outcome is not known, and the history is that of its records.

    Raises
    ------
    CheckpointError
        There is no such file, or it is damaged or another one.
    OptionError
        The units or the loss are not those that were trained.

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
    if not is_result(path):
        return _of_checkpoint(path, unit_types, loss)
    with _whole(path):
        text, arrays = read_described(path, _TEXT)
        return _put_together(text, arrays, unit_types, loss)


def saved_state(path: str | os.PathLike[str]) -> State:
    """The state of a file that `Result.save` wrote; for that its units and loss need not be known.

    Raises
    ------
    CheckpointError
        It is damaged.
    """
    with _whole(path):
        text, arrays = read_described(path, _TEXT)
        return _state_put_together(text["states"]["state"], arrays, None)


@contextmanager
def _whole(path: str | os.PathLike[str]) -> Iterator[None]:
    try:
        yield
    except OptionError:
        raise
    except Exception as error:  # what a damaged text has in the place of mappings is whatever the damage made of it
        raise CheckpointError(
            f"{os.fspath(path)}: expected a file that Result.save wrote, got one that is damaged. Take another copy."
        ) from error


def is_result(path: str | os.PathLike[str]) -> bool:
    """Whether a file is one that `Result.save` wrote, as its first bytes and its list of members say."""
    try:
        with zipfile.ZipFile(path) as archive:
            return f"{_TEXT}.json" in archive.namelist()
    except Exception:  # whatever zipfile raises where there is no archive, or a damaged one
        return False


def _taken_apart(result: Result) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    network, options = result.network, result.options
    history = {name: c.astype(str) if c.dtype.kind == "O" else c for name, c in result.history.items()}
    columns, arrays = split_values(history, "history")
    text: dict[str, Any] = {
        "format": 1,
        "outcome": result.outcome.name,
        "interrupted": result.interrupted,
        "reason": result.reason,
        "settings": plain_settings(options),
        "history": columns,
        "network": None,
        "states": {},
    }
    if network is not None:
        units = [unit.name for unit in network.units]
        text["network"] = {"sizes": list(network.sizes), "unit_types": units}
    for name, state in (("state", result.state), ("best", result.best)):
        if state is not None:
            text["states"][name], of_state = _state_taken_apart(state.mapped(result._to_host), name)
            arrays |= of_state
    return text, arrays


def _state_taken_apart(state: State, prefix: str) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    memory, arrays = split_values(state.memory, f"{prefix}_memory")
    figures, of_records = split_values({"theta": state.theta, **vars(state.records)}, prefix)
    return {"epoch": state.epoch, "memory": memory, "figures": figures}, arrays | of_records


def _put_together(
    text: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]], unit_types: Sequence[Any] | None, loss: Any
) -> Result:
    options, network = _described_network(text["settings"], text["network"] or {}, unit_types, loss)
    states = {name: _state_put_together(told, arrays, network) for name, told in text["states"].items()}
    made = _result_of(states["state"], network, options, joined_values(text["history"], arrays))
    outcome, reason = Outcome[text["outcome"]], str(text["reason"])
    return replace(made, outcome=outcome, interrupted=bool(text["interrupted"]), reason=reason, best=states.get("best"))


def _state_put_together(told: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]], network: Network | None) -> State:
    figures = joined_values(told["figures"], arrays)
    theta = figures.pop("theta")
    if theta.ndim != 1 or theta.dtype.kind != "f" or (network and theta.size != network.num_parameters):
        raise ValueError("not the parameters of this network")
    if any(len(column) != told["epoch"] for column in figures.values()):
        raise ValueError("not the records of these epochs")
    return State(
        theta=theta, memory=joined_values(told["memory"], arrays), epoch=int(told["epoch"]), records=Records(**figures)
    )


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


def _of_checkpoint(path: str | os.PathLike[str], unit_types: Sequence[Any] | None, loss: Any) -> Result:
    state, run = read_checkpoint(path), read_description(path)
    if "settings" not in run:
        raise CheckpointError(
            f"{os.fspath(path)}: expected a file that Result.save wrote, or a checkpoint with its sidecar, which tells "
            "of the layers, got a checkpoint without. Copy the sidecar along with it."
        )
    options, network = _described_network(run["settings"], run, unit_types, loss)
    records = state.records
    history = {"epoch": np.arange(1, state.epoch + 1), "seconds": records.seconds, "lam": records.lam}
    for column, which in enumerate(("train", "test")):
        history[f"{which}_log_likelihood"] = records.log_likelihood[:, column]
        history[f"{which}_error"] = records.error[:, column]
    return _result_of(state, network, options, history)


def _described_network(
    settings: Mapping[str, Any], layers: Mapping[str, Any], unit_types: Sequence[Any] | None, loss: Any
) -> tuple[Options, Network | None]:
    """Options and network from plain values, with the caller's own objects in the places of their names."""
    known = {each.name for each in fields(Options)}
    plain = {name: value for name, value in settings.items() if name in known}
    if "sizes" not in layers:
        return Options(**plain), None
    plain["loss"] = _own("loss", plain["loss"], loss, _LOSSES)
    names = layers["unit_types"]
    if unit_types is not None and len(unit_types) != len(names):
        got = f"{len(unit_types)}"
        raise OptionError("unit_types", expected=f"{len(names)}, one for each layer above the inputs", got=got)
    given = unit_types or [None] * len(names)
    units = [_own("unit_types", name, unit, UNITS) for name, unit in zip(names, given, strict=True)]
    return Options(**plain), build_network(layers["sizes"], units, plain["loss"], plain["error_measure"])


def _own(argument: str, name: str, given: Any, built_in: Sequence[str] | Mapping[str, Any]) -> Any:
    """What was trained under this name: built in, or given again by the caller."""
    if given is None and name in built_in:
        return name
    if given is None or name_of(given) != name or (isinstance(given, str) and name not in built_in):
        got = "none" if given is None else repr(name_of(given))
        advice = f"Call load(path, {argument}=...)." if given is None else ""
        what = repr(name) if name in built_in else f"the object {name!r}, of which the file has the name only"
        raise OptionError(argument, expected=what, got=got, advice=advice)
    return given
