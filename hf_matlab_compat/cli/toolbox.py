"""`hf-compat search`, `ensemble`, `compare`, `export`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any, Literal

from cyclopts import App, Parameter

from hf_matlab_compat.cli.app import INTERRUPTED, MaybeWhole, Whole, app
from hf_matlab_compat.cli.pictures import check_picture, draw
from hf_matlab_compat.errors import OptionError

search = App(name="search", help="Search for options of a case, or show a search.")
app.command(search)


@search.default
def run(
    case: Path,
    *,
    space: Path,
    trials: Whole = 100,
    objective: Literal["error", "log_likelihood", "auprc", "score"] = "error",
    kill: Literal["mail", "median", "hyperband"] | None = None,
    workers: MaybeWhole = None,
    seed: Whole = 0,
    repeats: Whole = 1,
    storage: Path | None = None,
) -> int:
    """Search for options by CMA-ES. The same journal continues a search that was interrupted.

    Parameters
    ----------
    case
        A .mat file with the arguments of nnet_train_2, test cases among them.
    space
        A TOML file, a line for each option, under the names of train or MATLAB's: weightcost = {log = [1e-7, 1e-1]},
        numconn = {integer = [2, 40]}, rho_low = {real = [0.1, 0.4]}, mattype = {choice = ["gn", "empfish"]},
        layersizes = {layers = {depth = [1, 2], width = [10, 99]}}.
    trials
        Sets of options to try.
    objective
        What is minimised on the test cases: error, minus log-likelihood, minus the area under the precision-recall
        curve, or a score that has the time in it.
    kill
        Which hopeless runs end early: 'mail' by the rules of the trainer's users, or one of Optuna's pruners.
    workers
        Processes, each with one thread; by default one for each processor.
    seed
        Seed of the proposals.
    repeats
        Runs of each set, with the seeds 0, 1, ...; their median counts.
    storage
        Journal of all trials; by default the name of the case with .journal.

    Raises
    ------
    KeyboardInterrupt
        After a line that says how to go on.
    """
    from hf_matlab_compat.search import search as start
    from hf_matlab_compat.search.space import read_space

    journal = storage or case.with_suffix(".journal")

    def told(so_far: Any) -> None:
        figures = [trial.value for trial in so_far.trials if not trial.killed]
        best = f", best {min(figures):.5g}" if figures else ""
        print(f"{len(so_far.trials)} of {trials} trials{best}", file=sys.stderr, flush=True)

    try:
        found = start(
            case,
            read_space(space),
            objective=objective,
            kill=kill,
            trials=trials,
            workers=workers,
            seed=seed,
            repeats=repeats,
            storage=journal,
            watch=told,
        )
    except KeyboardInterrupt:
        print(f"The same command goes on from {journal}.", file=sys.stderr)
        raise
    print(found.table())
    print(f"Journal: {journal}")
    return 0


@search.command
def show(journal: Path, *, csv: Path | None = None, picture: Path | None = None, trials: Whole = 10) -> int:
    """Show the trials of a search, best first.

    Parameters
    ----------
    journal
        The journal of the search.
    csv
        Write all trials there.
    picture
        Draw the best objective so far there (.png, .svg or .pdf).
    trials
        Number of trials to list.
    """
    from hf_matlab_compat.search.study import opened_search

    found = opened_search(journal)
    check_picture(picture)
    print(found.table(trials))
    if csv is not None:
        csv.write_text(found.csv(), encoding="utf-8")
        print(f"Table: {csv}")
    draw(found.plot, picture)
    return 0


@app.command
def ensemble(
    source: Path,
    *,
    case: Path,
    judge: Path | None = None,
    on: Literal["cross_entropy", "error", "squared_error"] = "cross_entropy",
    bags: Whole = 1,
    out: Path | None = None,
) -> int:
    """Select an ensemble from trained networks on test cases, and judge it on others.

    Without --judge every second test case selects and the others judge.

    Parameters
    ----------
    source
        A folder of checkpoints and saved results, or the journal of a search.
    case
        A .mat file with the arguments of nnet_train_2. Its intest and outtest select; its layers are those of
        checkpoints without a sidecar, such as MATLAB writes.
    judge
        A .mat file with intest and outtest to judge on, which no search and no early stopping has seen.
    on
        What the selection minimises.
    bags
        Number of selections from random halves of the networks that are averaged.
    out
        Write the ensemble there (.npz).
    """
    from hf_matlab_compat.ensembles.judged import judged_ensemble

    made, table = judged_ensemble(source, case, judge=judge, on=on, bags=bags)
    print(table)
    if out is not None:
        made.save(out)
        print(f"Ensemble: {out}")
    return 0


@app.command
def compare(
    case: Path,
    *,
    methods: str = "hf,nag,rprop",
    seconds: float = 60.0,
    set_: Annotated[list[str] | None, Parameter("--set", consume_multiple=True, negative=())] = None,
    picture: Path | None = None,
) -> int:
    """Train a case by several methods for the same CPU time each, and print errors at equal time and equal passes.

    Parameters
    ----------
    case
        A .mat file with the arguments of nnet_train_2, test cases among them.
    methods
        Names with commas between: hf, gd, momentum, nag, adam, rprop, ncg, lbfgs.
    seconds
        CPU seconds of each method.
    set_
        Options of single methods, as METHOD.NAME=VALUE, in train's or nnet_train's words: nag.num_chunks=15
        nag.learningrate=0.01.
    picture
        Draw the curves there (.png, .svg or .pdf).
    """
    from hf_matlab_compat.search.trial import keywords_of
    from hf_matlab_compat.studies.comparison import compare as run_all

    check_picture(picture)
    names = [name.strip() for name in methods.split(",")]
    found = run_all(keywords_of(case), names, seconds, **_of_methods(set_ or []))
    print(found.table())
    draw(found.plot, picture)
    return INTERRUPTED if found.interrupted else 0


@app.command
def export(network: Path, out: Path, *, case: Path | None = None) -> int:
    """Write a trained network in another program's format, by the ending of the name.

    Parameters
    ----------
    network
        A checkpoint with its sidecar, or a saved result.
    out
        .onnx or .safetensors.
    case
        A .mat file with the arguments of nnet_train_2, for the layers of a checkpoint without a sidecar, such as
        MATLAB writes.

    Raises
    ------
    OptionError
        The name ends otherwise.
    """
    from hf_matlab_compat.ensembles.judged import layers_of
    from hf_matlab_compat.interchange import write_onnx, write_safetensors
    from hf_matlab_compat.plots.trained_network import load_network

    writers = {".onnx": write_onnx, ".safetensors": write_safetensors}
    if out.suffix not in writers:
        raise OptionError("out", expected="a name that ends in " + " or ".join(writers), got=str(out))
    writers[out.suffix](load_network(network, **(layers_of(case) if case else {})), out)
    print(f"Network: {out}")
    return 0


def _of_methods(texts: list[str]) -> dict[str, dict[str, Any]]:
    from hf_matlab_compat.legacy.arguments import to_field_terms
    from hf_matlab_compat.legacy.case_file import value_of
    from hf_matlab_compat.matlab.vocabulary import TO_FIELD_TERMS

    found: dict[str, dict[str, Any]] = {}
    for text in texts:
        name, sign, value = text.partition("=")
        method, dot, option = name.partition(".")
        if not (sign and dot):
            raise OptionError("--set", expected="METHOD.NAME=VALUE", got=repr(text))
        given = {option: value_of(value)}
        found.setdefault(method, {}).update(to_field_terms(given) if option in TO_FIELD_TERMS else given)
    return found
