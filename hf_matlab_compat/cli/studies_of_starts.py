"""`hf-compat study momentum` and `hf-compat study pretraining`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter

from hf_matlab_compat.cli.app import Whole
from hf_matlab_compat.cli.parity import require_targets
from hf_matlab_compat.cli.pictures import check_picture, draw
from hf_matlab_compat.cli.studies import Line, study

if TYPE_CHECKING:
    from hf_matlab_compat.studies.momentum import MomentumStudy
    from hf_matlab_compat.studies.pretraining import PretrainingStudy


def _check(json: Path | None, picture: Path | None, journal: Path | None) -> None:

    check_picture(picture)
    require_targets(json=json, picture=picture, journal=journal)


def _shown(found: MomentumStudy | PretrainingStudy, json: Path | None, picture: Path | None) -> int:
    """Print a study and write its files; return the exit code."""
    from json import dumps

    print(found.table())
    print(found.verdict())
    if json is not None:
        json.write_text(dumps(found.figures(), indent=2) + "\n", encoding="utf-8")
        print(f"Figures: {json}")
    draw(found.plot, picture)
    return 0 if found.is_met else 1


@study.command
def momentum(
    *,
    seed: Whole = 0,
    seeds: Whole = 1,
    rates: Annotated[list[float] | None, Parameter(consume_multiple=True, negative=())] = None,
    updates: Whole = 5000,
    json: Path | None = None,
    picture: Path | None = None,
    journal: Path | None = None,
) -> int:
    """Compare Nesterov's and classical momentum on strokes like CURVES, after Sutskever et al. 2013.

    The exit code is 0 if all criteria hold, which are printed, and 1 if not.

    Parameters
    ----------
    seed
        The first seed of the initial weights.
    seeds
        Number of seeds.
    rates
        Learning rates, of which the best is shown; by default 0.05 0.02 0.005.
    updates
        Updates of every run, a multiple of 200; the schedule of the momentum scales with them.
    json
        Write all figures there.
    picture
        Draw the errors of the first seed over updates there (.png, .svg or .pdf).
    journal
        A file that keeps finished runs; the same command goes on from there.
    """
    from hf_matlab_compat.studies.momentum import Setting
    from hf_matlab_compat.studies.momentum import study as run_all

    _check(json, picture, journal)
    setting = Setting(updates) if rates is None else Setting(updates, tuple(rates))
    line = Line(sys.stderr)
    found = run_all(setting, range(seed, seed + seeds), journal, (line.keep, line.show))
    return _shown(found, json, picture)


@study.command
def pretraining(
    *,
    data: Literal["digits", "mnist5k", "curves"] = "digits",
    seed: Whole = 0,
    seeds: Whole = 1,
    method: str = "hf",
    epochs: Whole = 30,
    initial_lam: float | None = None,
    rule: Literal["contrastive", "persistent"] = "contrastive",
    machine_epochs: Whole = 50,
    json: Path | None = None,
    picture: Path | None = None,
    journal: Path | None = None,
) -> int:
    """Train an autoencoder from a sparse start, and from a stack of Boltzmann machines.

    The exit code is 0 if the pre-trained network is ahead after ten epochs for every seed, and 1 if not.

    Parameters
    ----------
    data
        Digits of 8×8 pixels, 2,000 pictures of MNIST (the extra data), or strokes like CURVES.
    seed
        The first seed: of weights, of the machines, and of the cases that are drawn.
    seeds
        Number of seeds.
    method
        The outer method that fine-tunes.
    epochs
        Epochs of fine-tuning, at least 10.
    initial_lam
        The first lambda of Hessian-free.
    rule
        How the machines learn: contrastive divergence, or scikit-learn's persistent one (the extra sklearn).
    machine_epochs
        Epochs of each machine.
    json
        Write all figures there.
    picture
        Draw the errors over epochs there (.png, .svg or .pdf).
    journal
        A file that keeps finished runs; the same command goes on from there.
    """
    from hf_matlab_compat.studies.pretraining import Setting
    from hf_matlab_compat.studies.pretraining import study as run_all

    _check(json, picture, journal)
    setting = Setting(data, method, epochs, initial_lam, rule, machine_epochs)
    line = Line(sys.stderr)
    found = run_all(setting, range(seed, seed + seeds), journal, (line.keep, line.show))
    return _shown(found, json, picture)
