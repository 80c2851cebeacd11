"""Search: the same table for any number of workers and after any interruption; kill rules; refusals."""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("optuna")
pytest.importorskip("cmaes")

from hf_matlab_compat.demo.digits import shuffled_digits
from hf_matlab_compat.errors import DataError, HessianFreeError, OptionError
from hf_matlab_compat.observers.observer import Observer, Stop
from hf_matlab_compat.search import Choice, Integer, Layers, Log, Real, search
from hf_matlab_compat.search.sampler import Proposals
from hf_matlab_compat.search.space import checked_space, dimensions, read_space
from hf_matlab_compat.search.study import opened_search, quantile_bars, ranks
from hf_matlab_compat.search.table import Search, Trial
from hf_matlab_compat.search.trial import average_precision

SPACE: dict[str, Any] = {
    "initial_lam": Log(1e-2, 1e3),
    "numconn": Integer(2, 40),
    "curvature": Choice("gauss_newton", "empirical_fisher"),
    "hidden_sizes": Layers((1, 2), (5, 20), ("logistic", "tanh")),
    "rho_low": Real(0.1, 0.4),
}


def case(epochs: int = 4) -> dict[str, Any]:
    train, test = shuffled_digits(80, 60)
    data = {
        "inputs": train.images,
        "targets": train.one_hot(),
        "test_inputs": test.images,
        "test_targets": test.one_hot(),
    }
    network = {"hidden_sizes": [8], "unit_types": ["logistic", "softmax"]}
    return {**data, **network, "max_epochs": epochs, "error_measure": "misclassified"}


def trial(number: int, value: float, epochs: int = 4, killed: str = "", errors: Any = ()) -> Trial:
    return Trial(number=number, options={}, value=value, epochs=epochs, killed=killed, seconds=1.0, errors=list(errors))


@pytest.mark.slow
def test_the_table_is_that_of_the_space_and_the_seed_alone(tmp_path: Path) -> None:
    """Two spawned workers, threads, an interrupted search: one table. Another seed gives another."""
    given = {"trials": 18, "seed": 3}
    alone = search(case(), SPACE, workers=1, **given)
    assert len(alone.trials) == 18
    assert search(case(), SPACE, workers=2, **given).csv() == alone.csv()
    with ThreadPoolExecutor(3) as pool:
        search(case(), SPACE, workers=pool, storage=tmp_path / "run.journal", **{**given, "trials": 7})
        whole = search(case(), SPACE, workers=pool, storage=tmp_path / "run.journal", **given)
        other = search(case(), SPACE, workers=pool, **{**given, "seed": 4})
    assert whole.csv() == alone.csv() == opened_search(tmp_path / "run.journal").csv()
    assert other.csv() != alone.csv()
    assert min(row["value"] for row in alone.rows()) == alone.best.value
    assert all(len(list(tmp_path.glob(f"run_trial{k}_nnet_running.mat"))) == 1 for k in range(18))


_KILLED = """
import sys
from hf_matlab_compat.search import search
from tests.search.test_search import SPACE, case
if __name__ == "__main__":
    search(case(), SPACE, trials=18, seed=3, workers=2, storage=sys.argv[1])
"""


@pytest.mark.slow
def test_a_search_whose_processes_are_killed_goes_on_to_the_same_table(tmp_path: Path) -> None:
    """The whole group is killed with runs under way; then a worker of the search that goes on."""
    script, journal = tmp_path / "script.py", tmp_path / "run.journal"
    script.write_text(_KILLED)
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    process = subprocess.Popen([sys.executable, script, journal], env=environment, start_new_session=True)
    try:
        while process.poll() is None and not _finished(journal):
            time.sleep(0.01)
        time.sleep(0.05)  # until it has written
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    assert 0 < _finished(journal) < 9
    before = {each.pid for each in multiprocessing.active_children()}
    killed: list[int] = []

    def kill_a_worker(_: Search) -> None:
        new = [each for each in multiprocessing.active_children() if each.pid not in before]
        if not killed and new:
            killed.append(new[0].pid or 0)
            os.kill(killed[0], signal.SIGKILL)

    found = search(case(), SPACE, trials=18, seed=3, workers=2, storage=journal, watch=kill_a_worker)
    assert killed
    with ThreadPoolExecutor(2) as pool:
        assert found.csv() == search(case(), SPACE, trials=18, seed=3, workers=pool).csv()


def _finished(journal: Path) -> int:
    return journal.read_bytes().count(b'"finding"') if journal.exists() else 0


class Dies(Executor):
    """An executor whose processes die before a number of results have come."""

    def __init__(self, after: int) -> None:
        self.left = after

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        self.left -= 1
        if self.left < 0:
            future.set_exception(BrokenProcessPool("died"))
        else:
            future.set_result(fn(*args, **kwargs))
        return future


def test_workers_that_die_are_replaced_until_they_die_without_a_result(monkeypatch: pytest.MonkeyPatch) -> None:
    made = iter([Dies(1), Dies(0), Dies(2), Dies(0), Dies(0), Dies(0)])
    monkeypatch.setattr("hf_matlab_compat.search.workers.ProcessPoolExecutor", lambda *_, **__: next(made))
    space = {"initial_lam": Log(1, 10)}
    assert len(search(case(1), space, trials=3, workers=1).trials) == 3
    with pytest.raises(HessianFreeError, match="workers: expected processes that finish their runs, got one that was"):
        search(case(1), space, trials=3, workers=1)
    with pytest.raises(HessianFreeError, match="workers: expected processes that finish"):
        search(case(1), space, trials=3, workers=Dies(1))


def test_proposals_are_a_function_of_what_was_told() -> None:
    parts = dimensions(checked_space(SPACE))
    first, second = (Proposals(parts, 3) for _ in range(2))
    for g in range(3):
        assert first.generation(g) == second.generation(g)
        for proposals in (first, second):
            proposals.tell(g, list(range(first.population)))
    for values in first.generation(3):
        assert 1e-2 <= values["initial_lam"] <= 1e3
        assert isinstance(values["num_connections"], int)
        assert 0.1 <= values["rho_low"] <= 0.4


def test_cma_es_learns_what_is_good() -> None:
    parts = dimensions(checked_space({"initial_lam": Log(1e-4, 1e4), "curvature": Choice("gauss_newton", "hessian")}))
    proposals = Proposals(parts, 0)
    for g in range(25):
        found = proposals.generation(g)
        losses = [abs(np.log10(v["initial_lam"]) - 2) + (v["curvature"] == "hessian") for v in found]
        proposals.tell(g, [float(np.sort(losses).tolist().index(loss)) for loss in losses])
    last = proposals.generation(25)
    assert np.median([v["initial_lam"] for v in last]) == pytest.approx(100, rel=0.3)
    assert np.mean([v["curvature"] == "gauss_newton" for v in last]) > 0.7


def test_killed_runs_rank_behind_full_ones_and_early_deaths_last() -> None:
    trials = [trial(0, 0.3), trial(1, 0.1, 2, "bad"), trial(2, 0.2), trial(3, 0.05, 3, "bad"), trial(4, np.nan)]
    assert ranks(trials) == [1, 4, 0, 3, 2]


def test_bars_come_from_finished_generations() -> None:
    before = [trial(k, 0.1, errors=np.linspace(1, 0.1 * k, 6)) for k in range(5)]
    (bar,) = quantile_bars(before, epochs=(5, 10))
    assert bar.bars == {5: pytest.approx(np.median([t.errors[4] for t in before]))}
    assert quantile_bars([]) == []


class AtEpoch(Observer):
    """Ends a run after its second epoch."""

    def epoch(self, report: Any, state: Any) -> Stop | None:
        return Stop("enough") if report.epoch == 2 else None


def test_a_run_that_is_killed_or_becomes_nan_is_in_the_table_with_its_reason() -> None:
    space = {"initial_lam": Log(1e-2, 1e3), "numconn": Integer(2, 40)}
    with ThreadPoolExecutor(1) as pool:
        found = search(case(), space, trials=2, workers=pool, kill=[AtEpoch()])
        assert [(t.epochs, t.killed) for t in found.trials] == [(2, "AtEpoch: enough")] * 2
        with pytest.raises(DataError, match="trials: expected a run of full length, got 2 killed ones"):
            _ = found.best
        rates = {"learning_rate": Log(1e8, 1e9)}
        exploded = search({**case(), "unit_types": ["linear", "linear"]}, rates, trials=1, workers=pool, method="gd")
        assert exploded.trials[0].killed.startswith("epoch ")


@pytest.mark.parametrize("pruner", ["median", "hyperband"])
def test_optunas_pruners_compare_with_earlier_trials(pruner: str, tmp_path: Path) -> None:
    with ThreadPoolExecutor(1) as pool:
        given = {"trials": 16, "workers": pool, "storage": tmp_path / "run.journal"}
        found = search(case(8), {"initial_lam": Log(1e-3, 1e2)}, kill=pruner, **given)
    killed = [t for t in found.trials if t.killed]
    assert killed
    assert {t.killed for t in killed} == {f"Pruned: by Optuna's rule '{pruner}'"}
    assert all(t.epochs < 8 for t in killed)
    with pytest.raises(OptionError, match=f"storage: expected a journal with kill='{pruner}'"):
        search(case(), {"initial_lam": Log(1, 10)}, kill=pruner)


def test_the_area_under_the_precision_recall_curve_is_scikit_learns() -> None:
    metrics = pytest.importorskip("sklearn.metrics")
    random = np.random.default_rng(0)
    for ties in (False, True):
        scores, positive = random.random(50), random.random(50) < 0.3
        scores = scores.round(1) if ties else scores
        expected = metrics.average_precision_score(positive, scores)
        assert average_precision(scores, positive) == pytest.approx(expected, rel=1e-13)
    with ThreadPoolExecutor(1) as pool:
        found = search(case(), {"initial_lam": Log(0.1, 1)}, objective="auprc", trials=1, workers=pool)
    assert -1 < found.trials[0].value < -0.1


@pytest.mark.parametrize(("seconds", "divisor"), [(10.0, 5.0), (np.exp(6.5), 6.5)])
def test_the_score_weighs_the_last_figure_its_improvement_time_and_size(seconds: float, divisor: float) -> None:
    from hf_matlab_compat.search.trial import OBJECTIVES
    from hf_matlab_compat.training import train

    result = train(**case(4), seed=0)
    figures = result.records.log_likelihood[:, 1]
    expected = -1000 * (figures[-1] + 4 * np.median(figures[1:] - figures[:-1])) / divisor / 7.0  # ln(64 + 8 + 10) < 7
    assert OBJECTIVES["score"](result, case(4), seconds) == pytest.approx(expected)


def test_repeats_take_the_median_over_seeds() -> None:
    with ThreadPoolExecutor(1) as pool:
        found = search(case(), {"initial_lam": Log(1, 10)}, trials=1, workers=pool, repeats=3)
        each = [
            search({**case(), "seed": k}, {"initial_lam": Log(1, 10)}, trials=1, workers=pool).trials[0].value
            for k in range(3)
        ]
    assert found.trials[0].value == np.median(each)
    assert found.trials[0].epochs == 12


def test_a_space_is_read_from_toml(tmp_path: Path) -> None:
    path = tmp_path / "space.toml"
    path.write_text(
        "initlambda = {log = [1e-2, 1e3]}\nnumconn = {integer = [2, 40]}\nrho_low = {real = [0.1, 0.4]}\n"
        'curvature = {choice = ["gauss_newton", "empirical_fisher"]}\n'
        'layersizes = {layers = {depth = [1, 2], width = [5, 20], units = ["logistic", "tanh"]}}\n'
    )
    found = checked_space(read_space(path))
    assert found == {**checked_space(SPACE), "hidden_sizes": Layers((1, 2), (5, 20), ("logistic", "tanh"))}
    for text in (
        "initlambda = 3",
        "initlambda = {log = [1]}",
        "initlambda = {cube = [1, 2]}",
        "x",
        "lambada = {log=[1,2]}",
    ):
        path.write_text(text)
        with pytest.raises(OptionError, match="space"):
            read_space(path)


def test_under_matlabs_names_values_are_matlabs_words_in_spaces_and_tables(tmp_path: Path) -> None:
    own = {"mattype": Choice("gn", "empfish"), "hybridmode": Choice(0, 1), "layersizes": Layers((1, 1), (5, 9))}
    assert checked_space(own)["curvature"] == Choice("gauss_newton", "empirical_fisher")
    assert checked_space(own)["curvature_cases"] == Choice("all", "target_chunk")
    with ThreadPoolExecutor(1) as pool:
        found = search(case(1), own, trials=3, workers=pool, storage=tmp_path / "a.journal")
    for each in (found, opened_search(tmp_path / "a.journal")):
        for row, trial in zip(each.rows(), each.trials, strict=True):
            assert row["mattype"] == {"gauss_newton": "gn", "empirical_fisher": "empfish"}[trial.options["curvature"]]
            assert row["hybridmode"] == {"all": 0, "target_chunk": 1}[trial.options["curvature_cases"]]
            assert row["layersizes"] == str(trial.options["hidden_sizes"][0])
            assert row["layertypes"] == "logistic softmax"
        assert "mattype=" in each.table()
        assert max(map(len, each.table().splitlines())) <= 80
    with pytest.raises(OptionError, match="mattype: expected one of 'gn', 'hess', 'empfish', got 'gauss_newton'"):
        checked_space({"mattype": Choice("gn", "gauss_newton")})


def test_the_options_of_the_best_trial_are_keywords_of_train() -> None:
    from hf_matlab_compat.training import train

    with ThreadPoolExecutor(1) as pool:
        found = search(case(2), SPACE, trials=4, workers=pool)
    again = train(**{**case(2), "seed": 0, "num_threads": 1, **found.best.options})
    assert again.records.error[-1, 1] == found.best.value


@pytest.mark.parametrize(
    ("space", "sentence"),
    [
        ({"maxiters": Integer(-5, 9)}, "space, maxiters: expected a whole number of at least 1, got -5"),
        ({"maxiters": Log(5, 9)}, r"space, maxiters: expected a whole number .*\. Use Integer"),
        ({"curvature": Choice("gn", "hess")}, "space, curvature: expected one of 'gauss_newton', 'hessian'"),
        ({"initlambda": Log(1, 9), "initial_lam": Log(1, 9)}, "space: expected initial_lam once, got it under MATLAB"),
        ({"seed": Integer(0, 9)}, "space: expected names of options, got 'seed'"),
    ],
)
def test_values_that_an_option_does_not_take_are_refused_before_a_journal_is_made(
    space: Any, sentence: str, tmp_path: Path
) -> None:
    with pytest.raises(OptionError, match=sentence):
        search(case(), space, storage=tmp_path / "a.journal")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("kind", [Real, Log, Integer])
@pytest.mark.parametrize("wrong", ["x", None, [3], float("nan"), True])
def test_bounds_that_are_no_numbers_are_refused(kind: Any, wrong: Any) -> None:
    for bounds in ((wrong, 9), (1, wrong)):
        with pytest.raises(OptionError, match=f"space: expected two finite bounds.*, in {kind.__name__}, got "):
            kind(*bounds)


def test_runs_that_ranks_share_are_refused() -> None:
    for given, options in ((case(), {"ranks": "mpi"}), ({**case(), "ranks": "mpi"}, {})):
        with pytest.raises(OptionError, match="ranks: expected 'none' in a search, which starts a process for each"):
            search(given, SPACE, trials=1, **options)


def test_layers_are_checked_and_may_have_one_width() -> None:
    for wrong in (((2, 1), (5, 9)), ((-1, 1), (5, 9)), ((1, 2), (0, 9)), ((1, 2.5), (5, 9)), (3, (5, 9))):
        with pytest.raises(OptionError, match="space: expected two whole numbers of at least"):
            Layers(*wrong)  # type: ignore[arg-type]
    for units in ("tanh", ["tan"], []):
        with pytest.raises(OptionError, match=r"space: expected a list of 'logistic', .* as the units of Layers"):
            Layers((1, 2), (5, 9), units)
    same = Layers((0, 2), (5, 5))
    assert list(same.parts()) == ["depth"]
    assert same.options({"depth": 2}, ["tanh", "softmax"])["hidden_sizes"] == [5, 5]
    assert same.options({"depth": 0}, ["tanh", "softmax"]) == {"hidden_sizes": [], "unit_types": ["softmax"]}


def test_options_that_do_not_go_together_make_a_killed_run() -> None:
    space = {"curvature": Choice("gauss_newton", "empirical_fisher"), "loss": Choice("matching", "squared")}
    with ThreadPoolExecutor(1) as pool:
        found = search(case(1), space, trials=6, workers=pool)
        refused = [trial for trial in found.trials if trial.killed.startswith("refused: ")]
        assert refused
        assert all(trial.options["loss"] == "squared" for trial in refused)
        assert found.best.options["loss"] == "matching"
        with pytest.raises(HessianFreeError, match="None of the first 2 runs could begin: curvature: expected"):
            search(
                case(1),
                {"curvature": Choice("gauss_newton", "empirical_fisher")},
                trials=2,
                workers=pool,
                loss="squared",
            )
        with pytest.raises(OptionError, match="max_epoch: expected the name of an option"):
            search(case(1), space, workers=pool, max_epoch=3)


def small_error(result: Any) -> float:
    return float(result.records.error[-1, 1])


def test_a_journal_goes_on_with_the_same_case_rules_and_function_only(tmp_path: Path) -> None:
    given: dict[str, Any] = {"trials": 1, "storage": tmp_path / "a.journal"}
    space = {"initial_lam": Log(1, 10)}
    with ThreadPoolExecutor(1) as pool:
        search(case(1), space, objective=small_error, kill=[AtEpoch()], workers=pool, **given)
        first = search(case(1), space, objective=small_error, kill=[AtEpoch()], workers=pool, **given)
        assert len(first.trials) == 1
        other = {**case(1), "inputs": case(1)["inputs"] * 2}
        for changed, what in (({}, "case"), ({"kill": "mail"}, "kill"), ({"objective": "error"}, "objective")):
            asked = {"objective": small_error, "kill": [AtEpoch()], "workers": pool, **given, **changed}
            with pytest.raises(OptionError, match=f"storage: expected the journal of this search, with {what} "):
                search(other if what == "case" else case(1), space, **asked)


def test_files_that_are_no_journals_are_refused_and_left_as_they_are(tmp_path: Path) -> None:
    import optuna
    from optuna.storages.journal import JournalFileBackend

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    foreign = optuna.storages.JournalStorage(JournalFileBackend(str(tmp_path / "foreign")))
    optuna.create_study(storage=foreign, study_name="another")
    (tmp_path / "text").write_text("a line\n")
    (tmp_path / "bytes").write_bytes(bytes(range(256)))
    for name in ("foreign", "text", "bytes"):
        before = (tmp_path / name).read_bytes()
        with pytest.raises(OptionError, match=r"journal: expected the journal of a search, got .*, another file"):
            opened_search(tmp_path / name)
        assert (tmp_path / name).read_bytes() == before


def test_what_cannot_be_searched_is_refused(tmp_path: Path) -> None:
    for wrong in ({}, {"nonsense": Log(1, 2)}, {"initial_lam": 3}, {"initial_lam": Layers((1, 2), (3, 4))}):
        with pytest.raises(OptionError, match="space: expected"):
            search(case(), wrong)
    for bounds in ((2, 1), (0, 1), (1, np.inf), (-1, 1)):
        with pytest.raises(OptionError, match="two finite bounds above 0"):
            Log(*bounds)
    with pytest.raises(OptionError, match="at least two different values"):
        Choice("gn", "gn")
    with pytest.raises(OptionError, match=r"workers: expected at most \d+, the trials of a generation, got 100"):
        search(case(), SPACE, workers=100)
    for given, sentence in (
        ({"trials": 0}, "trials: expected a whole number of at least 1, got 0"),
        ({"repeats": 0}, "repeats: expected a whole number of at least 1, got 0"),
        ({"seed": -1}, r"seed: expected a whole number of at least 0 and below 2\^32, got -1"),
    ):
        with pytest.raises(OptionError, match=sentence):
            search(case(), SPACE, **given)
    with pytest.raises(OptionError, match="kill: expected 'mail', 'median', 'hyperband' or a list"):
        search(case(), SPACE, kill="male")
    with pytest.raises(OptionError, match="objective: expected one of 'error'"):
        search(case(), SPACE, objective="loss")
    with pytest.raises(DataError, match="test_inputs: expected held-out cases"):
        search({**case(), "test_inputs": None, "test_targets": None}, SPACE)
    with ThreadPoolExecutor(1) as pool:
        search(case(1), {"initial_lam": Log(1, 10)}, trials=1, workers=pool, storage=tmp_path / "a.journal")
        with pytest.raises(OptionError, match="storage: expected the journal of this search, with seed 5"):
            search(case(1), {"initial_lam": Log(1, 10)}, trials=1, seed=5, workers=pool, storage=tmp_path / "a.journal")
    with pytest.raises(OptionError, match="journal: expected the journal of a search"):
        opened_search(tmp_path / "none")
    assert not (tmp_path / "none").exists()


def test_the_picture_and_the_table_show_full_and_killed_runs(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    found = Search([trial(0, 0.3), trial(1, 0.9, 2, "bad"), trial(2, 0.2)], {"objective": "error"})
    found.plot(tmp_path / "search.svg")
    text = (tmp_path / "search.svg").read_text()
    assert text.count("<use") > 3
    assert [line.rstrip() for line in found.table(1).splitlines()] == [
        "3 trials, 1 of them killed, 10 epochs; error:",
        "  trial 2    0.2",
        "  and 1 more",
        "  killed 1: bad",
    ]
    assert found.csv().splitlines()[2] == "1,0.9,2,bad"
