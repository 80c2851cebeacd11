"""One run of a search, in a process of its own: options in, plain figures out."""

from __future__ import annotations

import inspect
import math
import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from hf_matlab_compat.errors import DataError, NonFiniteError, OptionError, quoted
from hf_matlab_compat.legacy.arguments import to_field_terms
from hf_matlab_compat.legacy.case_file import read_case
from hf_matlab_compat.observers.observer import Observer, Stop
from hf_matlab_compat.options import Options
from hf_matlab_compat.result import Result
from hf_matlab_compat.state import Outcome, Report, State
from hf_matlab_compat.training import train

STUDY = "hf_matlab_compat"
"""Name of the study in every journal."""

REFUSED = "refused: "
"""Start of the reason of a run that never began."""


@dataclass(frozen=True, kw_only=True)
class Task:
    """The input of a worker.

    Attributes
    ----------
    number : int
        Of the trial, counted from 0.
    case : path or mapping
        A case file, or keywords of `train`.
    options : mapping
        Keywords of `train` that replace those of the case.
    objective : str or callable
        As in `search`.
    kill : sequence of Observer
        Rules that may end the run.
    run_name : str
        Stem of the files; empty writes none.
    repeats : int
        Runs with the seeds 0, 1, …; their median counts.
    pruner : (str, str) or None
        One of Optuna's pruners, 'median' or 'hyperband', and the journal that it reads.
    """

    number: int
    case: str | Mapping[str, Any]
    options: Mapping[str, Any]
    objective: Any
    kill: Sequence[Observer]
    run_name: str = ""
    repeats: int = 1
    pruner: tuple[str, str] | None = None


@dataclass(frozen=True, kw_only=True)
class Finding:
    """The output of a worker.

    Attributes
    ----------
    value : float
        The objective, least is best; that of the last epoch for a run that was killed, nan where it has none.
    epochs : int
        Finished epochs of all its runs.
    killed : str
        Why the run was ended early; empty for a run of full length.
    seconds : float
        Wall clock.
    errors, log_likelihoods : list of float
        Of the held-out cases, after every epoch of the first run.
    """

    value: float
    epochs: int
    killed: str
    seconds: float
    errors: list[float] = field(default_factory=list)
    log_likelihoods: list[float] = field(default_factory=list)


def run_trial(task: Task) -> Finding:
    """Train as the task says, once or several times."""
    started = time.perf_counter()
    given = dict(keywords_of(task.case)) | dict(task.options)
    found: list[tuple[float, Result | None, str]] = []
    kill = [*task.kill, *([Pruned(*task.pruner, task.number)] if task.pruner else ())]
    for repeat in range(task.repeats):
        seed = {"seed": repeat} if task.repeats > 1 else {}
        name = task.run_name if task.repeats == 1 or not task.run_name else f"{task.run_name}_{repeat}"
        result, killed = _run(given | seed, kill, name)
        value = math.nan if result is None else _value(task.objective, result, given, time.perf_counter() - started)
        found.append((value, result, killed))
        if killed:
            break
    value, _, killed = found[-1]
    first = next((result.records for _, result, _ in found if result is not None), None)
    return Finding(
        value=value if killed else float(np.median([each for each, *_ in found])),
        epochs=sum(result.state.epoch for _, result, _ in found if result is not None),
        killed=killed,
        seconds=time.perf_counter() - started,
        errors=[] if first is None else first.error[:, 1].tolist(),
        log_likelihoods=[] if first is None else first.log_likelihood[:, 1].tolist(),
    )


def keywords_of(case: str | os.PathLike[str] | Mapping[str, Any]) -> Mapping[str, Any]:
    """Return keywords of `train` from a case file or from keywords, which may have MATLAB's names.

    Raises
    ------
    DataError
        The file cannot be read, or the case has no test data to judge by.
    OptionError
        It has an option that there is not, or with a wrong value.
    """
    given = _of_file(os.path.abspath(case)) if isinstance(case, str | os.PathLike) else _of_mapping(case)
    Options.from_keywords(**{name: value for name, value in given.items() if name not in OF_TRAIN})
    if given.get("test_inputs") is None:
        raise DataError("test_inputs", expected="held-out cases, by which a search judges", got="none")
    return given


OF_TRAIN = tuple(inspect.signature(train).parameters)
"""Arguments of `train` besides `Options`."""


@lru_cache(maxsize=1)
def _of_file(path: str) -> Mapping[str, Any]:
    return {name: v for name, v in to_field_terms(read_case(Path(path)).arguments).items() if name != "run_name"}


def _of_mapping(case: Mapping[str, Any]) -> Mapping[str, Any]:
    return to_field_terms(case) if "indata" in case else case


def _run(given: Mapping[str, Any], kill: Sequence[Observer], name: str) -> tuple[Result | None, str]:
    # train once; return the result and why it was killed. A run that becomes NaN is a killed run
    try:
        result = train(**{"num_threads": 1, **given, "run_name": name}, observers=[*kill, _Asked()])
    except OptionError as error:  # options that do not go together, though each is a good one
        return None, f"{REFUSED}{error}"
    except NonFiniteError as error:
        return error.result if isinstance(error.result, Result) and error.result.state.epoch else None, str(error)
    if result.interrupted or _asked_to_stop():
        raise KeyboardInterrupt
    return result, result.reason if result.outcome is Outcome.STOPPED else ""


Judge = Callable[[Result, Mapping[str, Any], float], float]
"""(result, keywords of `train`, seconds) → what is minimised."""


def _error(result: Result, given: Mapping[str, Any], seconds: float) -> float:
    return float(result.records.error[-1, 1])


def _log_likelihood(result: Result, given: Mapping[str, Any], seconds: float) -> float:
    return -float(result.records.log_likelihood[-1, 1])


def _score(result: Result, given: Mapping[str, Any], seconds: float) -> float:
    """Return the score that the figure's improvement, the time and the size of the network make up."""
    assert result.network is not None  # a search trains networks
    figures = result.records.log_likelihood[:, 1]
    improvement = float(np.median(np.diff(figures))) if len(figures) > 1 else 0.0
    gain = 1000 * (float(figures[-1]) + 4 * improvement)
    return -gain / max(5.0, math.log(seconds)) / max(7.0, math.log(sum(result.network.sizes)))


def _auprc(result: Result, given: Mapping[str, Any], seconds: float) -> float:
    """Return minus the area under the precision-recall curve of the test cases, mean over outputs with both classes."""
    made, positive = result.predict(given["test_inputs"]), np.asarray(given["test_targets"]) > 0.5
    both = positive.any(axis=1) & ~positive.all(axis=1)
    return -float(np.mean([average_precision(y, t) for y, t in zip(made[both], positive[both], strict=True)]))


def average_precision(scores: Any, positive: Any) -> float:
    """Return Σ (Rₖ - Rₖ₋₁) Pₖ over the distinct scores, highest first: recall and precision of all at least as high.

    Parameters
    ----------
    scores : (N,) array
        Larger for cases that are more probably positive.
    positive : (N,) array of bool
        Whether they are; at least one is.
    """
    order = np.argsort(-scores, kind="stable")
    hits, last = np.cumsum(positive[order]), np.append(np.diff(scores[order]) != 0, True)
    hits, ranks = hits[last], np.flatnonzero(last) + 1
    return float((np.diff(hits, prepend=0) / hits[-1] * hits / ranks).sum())


OBJECTIVES: Mapping[str, Judge] = {
    "error": _error,
    "log_likelihood": _log_likelihood,
    "score": _score,
    "auprc": _auprc,
}
"""The objectives of a search, by name; the least is best."""


def _value(objective: Any, result: Result, given: Mapping[str, Any], seconds: float) -> float:
    if isinstance(objective, str):
        return OBJECTIVES[objective](result, given, seconds)
    return float(objective(result))


def check_objective(objective: Any) -> None:
    """Refuse an objective that is neither a name nor a function.

    Raises
    ------
    OptionError
        It is neither.
    """
    if not callable(objective) and objective not in OBJECTIVES:
        names = ", ".join(map(repr, OBJECTIVES))
        raise OptionError("objective", expected=f"one of {names}, or a function of a Result", got=quoted(objective))


_stop: Any = None  # the event of the workers' own pool


def stop_on(event: Any) -> None:
    """Let runs of this process end after their epoch once `event` is set."""
    global _stop
    _stop = event


def _asked_to_stop() -> bool:
    return _stop is not None and _stop.is_set()


def journal_storage(path: str | os.PathLike[str]) -> Any:
    """Return Optuna's storage in a journal; after a kill during a write it waits for the lock for 5 seconds, not 30."""
    import optuna
    from optuna.storages.journal import JournalFileBackend, JournalFileSymlinkLock

    lock = JournalFileSymlinkLock(os.fspath(path), grace_period=5)
    return optuna.storages.JournalStorage(JournalFileBackend(os.fspath(path), lock_obj=lock))


class Pruned(Observer):
    """Ends a run that Optuna's pruner gives up, by comparison with runs that may be under way at the same time.

    Parameters
    ----------
    kind : {'median', 'hyperband'}
        The pruner.
    storage : str
        The journal.
    number : int
        Of the trial.
    """

    def __init__(self, kind: str, storage: str, number: int) -> None:
        import optuna

        optuna.logging.set_verbosity(optuna.logging.ERROR)
        pruners: Mapping[str, Any] = {
            "median": optuna.pruners.MedianPruner,
            "hyperband": optuna.pruners.HyperbandPruner,
        }
        study = optuna.load_study(study_name=STUDY, storage=journal_storage(storage), pruner=pruners[kind]())
        self._trial = optuna.trial.Trial(study, study.get_trials(deepcopy=False)[number]._trial_id)
        self._kind = kind

    def epoch(self, report: Report, state: State) -> Stop | None:
        """Report the error of the test cases, and ask."""
        self._trial.report(float(state.records.error[-1, 1]), report.epoch)
        return Stop(f"by Optuna's rule {self._kind!r}") if self._trial.should_prune() else None


class _Asked(Observer):
    """Ends the run after its epoch when the search is being stopped."""

    def epoch(self, report: Report, state: State) -> Stop | None:
        return Stop("the search was stopped") if _asked_to_stop() else None
