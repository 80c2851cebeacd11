"""search: proposes options, runs them in parallel, and keeps every trial in a file from which it goes on."""

from __future__ import annotations

import hashlib
import json
import math
import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from hf_matlab_compat.errors import HessianFreeError, OptionError, quoted
from hf_matlab_compat.model.units import name_of
from hf_matlab_compat.observers.observer import Observer, checked_observers
from hf_matlab_compat.observers.stopping import Bar, ConsecutiveWorse, Rejected
from hf_matlab_compat.options import Options
from hf_matlab_compat.search.sampler import Proposals
from hf_matlab_compat.search.space import (
    Choice,
    Dimension,
    Integer,
    Layers,
    Log,
    checked_space,
    dimensions,
    names_in,
)
from hf_matlab_compat.search.table import Search, Trial
from hf_matlab_compat.search.trial import (
    OF_TRAIN,
    REFUSED,
    STUDY,
    Finding,
    Task,
    check_objective,
    journal_storage,
    keywords_of,
)
from hf_matlab_compat.search.workers import Workers

_FINDING, _OPTIONS = "finding", "options"


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
    watch: Callable[[Search], object] | None = None,
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
    watch : callable, optional
        Called with the search so far after every generation.
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
    HessianFreeError
        No run of the first generation could begin, or workers died again and again.
    """
    check_objective(objective)
    _check_counts(trials=trials, repeats=repeats, seed=seed)
    given = keywords_of(case)
    Options.from_keywords(**{name: value for name, value in options.items() if name not in OF_TRAIN})
    _refuse_ranks({**given, **options}.get("ranks", "none"))
    checked = checked_space(space)
    parts = dimensions(checked)
    proposals = Proposals(parts, seed)
    rules = _rules(kill, storage)
    with Workers(workers, proposals.population) as pool:
        told = {
            "case": _digest(given),
            "space": repr(checked),
            "seed": seed,
            "objective": _named(objective),
            "kill": kill if isinstance(kill, str) else ", ".join(map(_named, rules)) or "none",
            "repeats": repeats,
            "options": ", ".join(f"{name}={_named(value)}" for name, value in sorted(options.items())),
        }
        study = _opened(storage, told, names_in(space), proposals)
        stem = "" if storage is None else os.fspath(Path(storage).absolute().with_suffix(""))

        def task(each: Any, bars: Sequence[Observer]) -> Task:
            return Task(
                number=each.number,
                case=os.path.abspath(case) if isinstance(case, str | os.PathLike) else case,
                options={"seed": given.get("seed", 0), **options, **_options(checked, each.params, given)},
                objective=objective,
                kill=[*rules, *bars],
                run_name=f"{stem}_trial{each.number}" if stem else "",
                repeats=repeats,
                pruner=(str(kill), os.path.abspath(storage)) if kill in _PRUNERS and storage is not None else None,
            )

        for g in range(math.ceil(trials / proposals.population)):
            numbers = range(g * proposals.population, min((g + 1) * proposals.population, trials))
            asked = {number: _asked(study, number, parts) for number in numbers}
            before = [trial for trial in _trials(study) if trial.number < numbers.start]
            bars = quantile_bars(before) if kill == "mail" else []
            waiting = {n: task(each, bars) for n, each in asked.items() if _FINDING not in each.user_attrs}
            for number, finding in pool.findings(waiting):
                _record(study, asked[number], _plain(_options(checked, asked[number].params, given)), finding)
            if g == 0:
                _refuse_if_none_began(_trials(study))
            if len(numbers) == proposals.population:
                proposals.tell(g, ranks([trial for trial in _trials(study) if trial.number in numbers]))
            if watch is not None:
                watch(_found(study))
    return _found(study)


def opened_search(storage: str | os.PathLike[str]) -> Search:
    """Return the search of a journal.

    Raises
    ------
    OptionError
        There is no such journal, or it is of another program.
    """
    if not os.path.isfile(storage):
        raise OptionError("journal", expected="the journal of a search", got=f"{os.fspath(storage)!r}, no such file")
    with open(storage, "rb") as stream:
        head = stream.readline(_LONGEST_LINE)
    study = _study(storage, None) if head.startswith(b"{") and b"op_code" in head else None
    if study is None or "told" not in study.user_attrs:
        raise OptionError("journal", expected="the journal of a search", got=f"{os.fspath(storage)!r}, another file")
    return _found(study)


_LONGEST_LINE = 1 << 12


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


def _refuse_if_none_began(trials: Sequence[Trial]) -> None:
    if all(trial.killed.startswith(REFUSED) for trial in trials):
        reason = trials[0].killed.removeprefix(REFUSED)
        raise HessianFreeError(f"None of the first {len(trials)} runs could begin: {reason}")


def _check_counts(seed: int, **counts: int) -> None:
    for name, value in counts.items():
        if value < 1:
            raise OptionError(name, expected="a whole number of at least 1", got=value)
    if not 0 <= seed < 2**32:
        raise OptionError("seed", expected="a whole number of at least 0 and below 2^32", got=seed)


_PRUNERS = ("median", "hyperband")


def _rules(kill: Any, storage: Any) -> list[Observer]:
    if not isinstance(kill, str):
        return checked_observers(kill)
    if kill in _PRUNERS and storage is None:
        raise OptionError("storage", expected=f"a journal with kill={kill!r}, which compares its trials", got="none")
    if kill not in ("mail", *_PRUNERS):
        raise OptionError("kill", expected="'mail', 'median', 'hyperband' or a list of observers", got=quoted(kill))
    return mail_rules() if kill == "mail" else []


def _opened(storage: Any, told: Mapping[str, Any], names: Mapping[str, str], proposals: Proposals) -> Any:
    study = _study(storage, proposals)
    before = study.user_attrs.get("told")
    plain = json.loads(json.dumps(dict(told)))
    if before is None:
        study.set_user_attr("names", dict(names))
        study.set_user_attr("told", plain)
    for name, value in plain.items():
        if before is not None and before.get(name) != value:
            advice = "Name another storage for another search."
            expected = f"the journal of this search, with {name} {value}"
            raise OptionError("storage", expected=expected, got=f"{before.get(name)}", advice=advice)
    return study


def _study(storage: Any, proposals: Proposals | None) -> Any:
    """Return Optuna's study, whose sampler gives what `proposals` asks for; without them, one that exists, or None."""
    optuna = _optuna()

    class Sampler(optuna.samplers.BaseSampler):
        def infer_relative_search_space(self, study: Any, trial: Any) -> dict[str, Any]:
            return {}

        def sample_relative(self, study: Any, trial: Any, search_space: Any) -> dict[str, Any]:
            return {}

        def sample_independent(self, study: Any, trial: Any, param_name: str, param_distribution: Any) -> Any:
            assert proposals is not None
            g, k = divmod(trial.number, proposals.population)
            return proposals.generation(g)[k][param_name]

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    kept = None if storage is None else journal_storage(storage)
    if proposals is None:
        names = optuna.get_all_study_names(kept)
        return optuna.load_study(storage=kept, study_name=STUDY) if STUDY in names else None
    return optuna.create_study(storage=kept, study_name=STUDY, sampler=Sampler(), load_if_exists=True)


def _optuna() -> Any:
    try:
        import optuna
    except ImportError as error:
        advice = "Run pip install 'hf_matlab_compat[search]'."
        raise OptionError("search", expected="the package optuna", got="no such package", advice=advice) from error
    return optuna


def _asked(study: Any, number: int, parts: Mapping[str, Dimension]) -> Any:
    # return the trial of this number, made now or in an earlier call that may have been killed while it was made
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


def _refuse_ranks(asked: Any) -> None:
    if asked != "none":
        expected = "'none' in a search, which starts a process for each run"
        raise OptionError("ranks", expected=expected, got=repr(asked))


def _record(study: Any, trial: Any, options: Mapping[str, Any], finding: Finding) -> None:
    """Keep what a run found and its options, and end its trial."""
    optuna = _optuna()
    optuna.trial.Trial(study, trial._trial_id).set_user_attr(_OPTIONS, dict(options))
    optuna.trial.Trial(study, trial._trial_id).set_user_attr(_FINDING, asdict(finding))
    if finding.killed or not math.isfinite(finding.value):
        study.tell(trial.number, state=optuna.trial.TrialState.PRUNED)
    else:
        study.tell(trial.number, finding.value)


def _found(study: Any) -> Search:
    return Search(_trials(study), study.user_attrs["told"], study.user_attrs["names"])


def _trials(study: Any) -> list[Trial]:
    return [
        Trial(number=each.number, options=each.user_attrs[_OPTIONS], **each.user_attrs[_FINDING])
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


def _plain(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return options with units of the caller's own by name, for the journal's JSON."""
    units = {"unit_types": [name_of(each) for each in options["unit_types"]]} if "unit_types" in options else {}
    return {**options, **units}


def _digest(given: Mapping[str, Any]) -> str:
    """Return a hash of a case: its options and, of each array, the shape and the first and last cases."""
    found = hashlib.sha256()
    for name, value in sorted(given.items()):
        if isinstance(value, np.ndarray):
            ends = value[..., :_DIGESTED], value[..., -_DIGESTED:]
            found.update(repr((name, value.shape)).encode() + b"".join(np.asarray(end).tobytes() for end in ends))
        else:
            found.update(f"{name}={_named(value)}".encode())
    return found.hexdigest()[:16]


_DIGESTED = 1000


def _named(value: Any) -> str:
    """Return a text that is the same in every process; an object of the caller's own goes by its name."""
    if isinstance(value, str | int | float | bool | np.generic | None):
        return str(value)
    if isinstance(value, list | tuple):
        return ", ".join(map(_named, value))
    if isinstance(value, np.ndarray):
        return f"{value.shape} {hashlib.sha256(np.ascontiguousarray(value).tobytes()).hexdigest()[:16]}"
    kind = value if callable(value) and hasattr(value, "__qualname__") else type(value)
    held = {name: each for name, each in getattr(value, "__dict__", {}).items() if isinstance(each, str | int | float)}
    return f"{kind.__qualname__}{held or ''}"
