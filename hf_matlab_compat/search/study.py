"""search: proposes options, runs them in parallel, and keeps every trial in a file from which it goes on."""

from __future__ import annotations

import json
import math
import multiprocessing
import os
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from hf_matlab_compat.errors import OptionError, quoted
from hf_matlab_compat.observers.observer import Observer, checked_observers
from hf_matlab_compat.observers.stopping import Bar, ConsecutiveWorse, Rejected
from hf_matlab_compat.search.sampler import Proposals
from hf_matlab_compat.search.space import Choice, Dimension, Integer, Layers, Log, checked_space, dimensions
from hf_matlab_compat.search.table import Search, Trial
from hf_matlab_compat.search.trial import STUDY, Finding, Task, begin_worker, check_objective, keywords_of, run_trial

_FINDING = "finding"


def search(
    case: str | os.PathLike[str] | Mapping[str, Any],
    space: Mapping[str, Any],
    *,
    objective: Any = "error",
    kill: str | Sequence[Observer] | None = None,
    trials: int = 100,
    workers: int | Executor | None = None,
    seed: int = 0,
    repeats: int = 1,
    storage: str | os.PathLike[str] | None = None,
    **options: Any,
) -> Search:
    """Search for options of `train` by CatCMA with margin, a generation of trials at a time.

    The table of trials is a function of case, space, seed and options: it does not depend on the number of workers,
    nor on how often the search was interrupted.

    Parameters
    ----------
    case : path or mapping
        A case file (the 22 arguments of `nnet_train_2`), or keywords of `train` or `nnet_train`; with test cases.
    space : mapping
        Options, under the names of `train` or MATLAB's, to `Real`, `Log`, `Integer`, `Choice` or `Layers`.
    objective : {'error', 'log_likelihood', 'auprc', 'score'} or callable
        What is minimised: the error of the test cases after the last epoch, minus their log-likelihood, minus the area
        under their precision-recall curve, a score that weighs improvement, time and size (not repeatable, since it
        has the time in it), or a function of the `Result`.
    kill : {'mail', 'median', 'hyperband'}, sequence of Observer, or None
        Rules that end hopeless runs: 'mail' stands for `mail_rules` and `quantile_bars`. A killed run ranks behind all
        runs of full length, and behind those that were killed later. 'median' and 'hyperband' are Optuna's pruners;
        they compare with runs under way, so that with several workers the table is not repeatable.
    trials : int
        How many.
    workers : int or Executor, optional
        Processes, each with one thread, or an executor of one's own (`concurrent.futures`, mpi4py, Dask). By default
        one worker for each processor, at most a generation.
    seed : int
        Of the proposals. Every run has the seed of the case, or 0, so that options are compared and not luck.
    repeats : int
        Runs of each trial, with the seeds 0, 1, …; their median counts.
    storage : path, optional
        Journal in which all trials are kept (Optuna's format); a search with the same journal goes on. Checkpoints
        and logs of trial k are written beside it, as ``<storage>_trial<k>…``.
    **options
        Options of every run.

    Returns
    -------
    Search
        All trials, the best, the table and the picture.

    Raises
    ------
    OptionError, DataError
        Something does not fit, or the journal is of another search.
    """
    check_objective(objective)
    given = keywords_of(case)
    checked = checked_space(space)
    proposals = Proposals(dimensions(checked), seed)
    told = {"space": repr(checked), "seed": seed, "objective": str(objective), "repeats": repeats}
    study = _opened(storage, told | {"options": repr(sorted(options.items()))}, proposals)
    rules = _rules(kill, storage)
    count = _workers(workers, proposals.population)
    stem = "" if storage is None else os.fspath(Path(storage).absolute().with_suffix(""))

    def task(number: int, found: Mapping[str, Any], bars: Sequence[Observer]) -> Task:
        return Task(
            number=number,
            case=os.path.abspath(case) if isinstance(case, str | os.PathLike) else case,
            options={"seed": given.get("seed", 0), **options, **_options(checked, found, given)},
            objective=objective,
            kill=[*rules, *bars],
            run_name=f"{stem}_trial{number}" if stem else "",
            repeats=repeats,
            pruner=(str(kill), os.path.abspath(storage)) if kill in _PRUNERS and storage is not None else None,
        )

    with _pool(count, workers) as pool:
        for g in range(math.ceil(trials / proposals.population)):
            numbers = range(g * proposals.population, min((g + 1) * proposals.population, trials))
            asked = [_asked(study, number, dimensions(checked)) for number in numbers]
            before = [trial for trial in _trials(study) if trial.number < numbers.start]
            bars = quantile_bars(before) if kill == "mail" else []
            waiting = {
                pool.submit(run_trial, task(each.number, each.params, bars)): each
                for each in asked
                if _FINDING not in each.user_attrs
            }
            for done in as_completed(waiting):
                _record(study, waiting[done], done.result())
            if len(numbers) == proposals.population:
                proposals.tell(g, ranks([trial for trial in _trials(study) if trial.number in numbers]))
    return Search(_trials(study), dict(told))


def opened_search(storage: str | os.PathLike[str]) -> Search:
    """Return the search of a journal.

    Raises
    ------
    OptionError
        There is no such journal, or it is of another program.
    """
    if not os.path.isfile(storage):
        raise OptionError("journal", expected="the journal of a search", got=f"{os.fspath(storage)!r}, no such file")
    study = _study(storage, None)
    told = study.user_attrs.get("told")
    if told is None:
        raise OptionError("journal", expected="the journal of a search", got=f"{os.fspath(storage)!r}, another file")
    return Search(_trials(study), told)


def mail_rules() -> list[Observer]:
    """Return the rules that look at a run alone: rho = -inf three times in a row early on, or five rejected steps."""
    return [ConsecutiveWorse(3, within=5), Rejected(5)]


def quantile_bars(before: Sequence[Trial], epochs: Sequence[int] = (5, 10, 20, 40), share: float = 0.5) -> list[Bar]:
    """Return bars that rise with the epoch, made from the runs of finished generations.

    Parameters
    ----------
    before : sequence of Trial
        Trials of finished generations.
    epochs : sequence of int
        When a run is compared.
    share : float
        The bar of an epoch is the error that this share of the earlier runs undercut there.
    """
    at = {epoch: [trial.errors[epoch - 1] for trial in before if len(trial.errors) >= epoch] for epoch in epochs}
    bars = {epoch: float(np.quantile(errors, share)) for epoch, errors in at.items() if errors}
    return [Bar(bars)] if bars else []


def ranks(trials: Sequence[Trial]) -> list[float]:
    """Return the rank of each trial, 0 for the best: full runs by value, then killed ones, the latest death first."""
    keys = [
        (bool(t.killed), -t.epochs if t.killed else 0, math.inf if math.isnan(t.value) else t.value) for t in trials
    ]
    order = sorted(range(len(trials)), key=lambda k: keys[k])
    return [float(order.index(k)) for k in range(len(trials))]


_PRUNERS = ("median", "hyperband")


def _rules(kill: Any, storage: Any) -> list[Observer]:
    if not isinstance(kill, str):
        return checked_observers(kill)
    if kill in _PRUNERS and storage is None:
        raise OptionError("storage", expected=f"a journal with kill={kill!r}, which compares its trials", got="none")
    if kill not in ("mail", *_PRUNERS):
        raise OptionError("kill", expected="'mail', 'median', 'hyperband' or a list of observers", got=quoted(kill))
    return mail_rules() if kill == "mail" else []


def _workers(workers: Any, population: int) -> int:
    if isinstance(workers, Executor):
        return 0
    if workers is None:
        return min(os.cpu_count() or 1, population)
    if isinstance(workers, bool) or not isinstance(workers, int) or workers < 1:
        raise OptionError("workers", expected="a whole number of at least 1, or an executor", got=quoted(workers))
    if workers > population:
        advice = f"More than {population} would wait for the generation to end."
        raise OptionError(
            "workers", expected=f"at most {population}, the trials of a generation", got=workers, advice=advice
        )
    return workers


@contextmanager
def _pool(count: int, given: Any) -> Iterator[Executor]:
    """Yield the caller's executor, or a pool of spawned processes that stop after their epoch when told to."""
    if isinstance(given, Executor):
        yield given
        return
    context = multiprocessing.get_context("spawn")  # a fork after BLAS has threads can hang
    stop = context.Event()
    pool = ProcessPoolExecutor(count, mp_context=context, initializer=begin_worker, initargs=(stop, os.getpid()))
    try:
        yield pool
    except BaseException:
        stop.set()
        raise
    finally:
        pool.shutdown(cancel_futures=True)


def _opened(storage: Any, told: Mapping[str, Any], proposals: Proposals) -> Any:
    """Open or make Optuna's study; refuse one of another search."""
    study = _study(storage, proposals)
    before = study.user_attrs.get("told")
    plain = json.loads(json.dumps(dict(told)))
    if before is None:
        study.set_user_attr("told", plain)
    for name, value in plain.items():
        if before is not None and before.get(name) != value:
            advice = "Name another storage for another search."
            expected = f"the journal of this search, with {name} {value}"
            raise OptionError("storage", expected=expected, got=f"{before.get(name)}", advice=advice)
    return study


def _study(storage: Any, proposals: Proposals | None) -> Any:
    """Return Optuna's study, whose sampler gives what `proposals` asks for."""
    optuna = _optuna()
    from optuna.storages.journal import JournalFileBackend

    class Sampler(optuna.samplers.BaseSampler):
        def infer_relative_search_space(self, study: Any, trial: Any) -> dict[str, Any]:
            return {}

        def sample_relative(self, study: Any, trial: Any, search_space: Any) -> dict[str, Any]:
            return {}

        def sample_independent(self, study: Any, trial: Any, param_name: str, param_distribution: Any) -> Any:
            assert proposals is not None  # a study that is only looked at asks for nothing
            g, k = divmod(trial.number, proposals.population)
            return proposals.generation(g)[k][param_name]

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    kept = None if storage is None else optuna.storages.JournalStorage(JournalFileBackend(os.fspath(storage)))
    return optuna.create_study(storage=kept, study_name=STUDY, sampler=Sampler(), load_if_exists=True)


def _optuna() -> Any:
    try:
        import optuna
    except ImportError as error:
        advice = "Run pip install 'hf_matlab_compat[search]'."
        raise OptionError("search", expected="the package optuna", got="no such package", advice=advice) from error
    return optuna


def _asked(study: Any, number: int, parts: Mapping[str, Dimension]) -> Any:
    """Return the trial of this number, made now or in an earlier call that may have been killed while it was made."""
    optuna = _optuna()
    known = study.get_trials(deepcopy=False)
    trial = optuna.trial.Trial(study, known[number]._trial_id) if number < len(known) else study.ask()
    if trial.number != number:
        raise OptionError("storage", expected=f"trial {number} next", got=f"trial {trial.number}")
    for name, dimension in parts.items():
        _suggest(trial, name, dimension)
    return study.get_trials(deepcopy=False)[number]


def _suggest(trial: Any, name: str, dimension: Dimension) -> None:
    if isinstance(dimension, Choice):
        trial.suggest_categorical(name, dimension.values)
    elif isinstance(dimension, Integer):
        trial.suggest_int(name, int(dimension.low), int(dimension.high))
    else:
        trial.suggest_float(name, dimension.low, dimension.high, log=isinstance(dimension, Log))


def _record(study: Any, trial: Any, finding: Finding) -> None:
    """Keep what a run found, and end its trial."""
    optuna = _optuna()
    optuna.trial.Trial(study, trial._trial_id).set_user_attr(_FINDING, asdict(finding))
    if finding.killed or not math.isfinite(finding.value):
        study.tell(trial.number, state=optuna.trial.TrialState.PRUNED)
    else:
        study.tell(trial.number, finding.value)


def _trials(study: Any) -> list[Trial]:
    return [
        Trial(number=each.number, options=dict(each.params), **each.user_attrs[_FINDING])
        for each in study.get_trials(deepcopy=False)
        if _FINDING in each.user_attrs
    ]


def _options(space: Mapping[str, Any], found: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """Return keywords of `train` from the values of the dimensions."""
    options = {name: found[name] for name, dimension in space.items() if not isinstance(dimension, Layers)}
    for dimension in space.values():
        if isinstance(dimension, Layers):
            options |= dimension.options(found, given["unit_types"])
    return options
