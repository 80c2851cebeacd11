"""`hf-compat study spectrum`, `compare`, `slides` and `preconditioners`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from hf_matlab_compat.cli.app import Seed, Whole
from hf_matlab_compat.cli.pictures import check_picture, draw
from hf_matlab_compat.cli.studies import study, tell


@study.command
def spectrum(*, epochs: Whole = 60, seed: Seed = 0, picture: Path | None = None) -> int:
    """Compute the eigenvalues of a small classifier's Hessian before and after training.

    The columns: f; least and largest eigenvalue; negative ones; those above a tenth of the largest; the share within a
    hundredth of the largest from 0; the largest gap between estimated and exact distribution.

    Parameters
    ----------
    epochs
        Of training.
    seed
        Of cases and weights.
    picture
        Draw both spectra there (.png, .svg or .pdf).
    """
    from hf_matlab_compat.studies.spectrum import HEAD, plot
    from hf_matlab_compat.studies.spectrum import study as run

    check_picture(picture)
    spectra = run(epochs, seed, tell)
    print("\n".join([HEAD, *(each.row() for each in spectra)]))
    draw(lambda path: plot(spectra, path), picture)
    return 0


@study.command
def compare(
    *,
    data: str = "digits",
    methods: Annotated[list[str] | None, Parameter(consume_multiple=True, negative=())] = None,
    seeds: Whole = 5,
    passes: float = 500,
    picture: Path | None = None,
    journal: Path | None = None,
) -> int:
    """Train the same nets by all methods of the family, each for the same work, and print what they reach.

    A pass is a gradient or a curvature product on all training cases, or four likelihoods. The columns: f of the
    training cases and the error of the test cases, median and range over the seeds; CPU seconds; and the passes to
    what the published method reaches in the end, as a share of its passes.

    Parameters
    ----------
    data
        digits, curves or faces (autoencoders), or mnist5k (a classifier); faces and mnist5k need the extra data.
    methods
        Some of the contenders; by default all. The published method always runs.
    seeds
        Number of seeds, each with its own cases and weights.
    passes
        Work of each run.
    picture
        Draw f over passes, seconds and epochs there (.png, .svg or .pdf).
    journal
        A file that keeps finished runs; the same command goes on from there.
    """
    from hf_matlab_compat.studies.family import METHODS
    from hf_matlab_compat.studies.family import study as run

    check_picture(picture)
    found = run(
        data,
        methods or list(METHODS),
        range(seeds),
        passes,
        journal,
        tell,
    )
    print(found.table())
    draw(found.plot, picture)
    return 0


@study.command
def slides(*, seed: Whole = 0, picture: Path | None = None) -> int:
    """Compute small problems that show what curvature does: Rosenbrock's function, a valley, two nearly equal units.

    Parameters
    ----------
    seed
        Of the cases and weights of the net with two nearly equal units.
    picture
        Draw them there (.png, .svg or .pdf).
    """
    from hf_matlab_compat.studies.slides import study as run

    check_picture(picture)
    found = run(seed)
    print(found.text())
    draw(found.plot, picture)
    return 0


@study.command
def preconditioners(*, seeds: Whole = 4) -> int:
    """Compute condition numbers and CG steps of small trained nets under each diagonal preconditioner.

    The exit code is 0 if, on inputs of unequal scales, Martens' preconditioner lowers the condition number to an eighth
    and the steps by a quarter for every seed, and 1 if not.

    Parameters
    ----------
    seeds
        Number of seeds.
    """
    from hf_matlab_compat.studies.conditioning import study as run
    from hf_matlab_compat.studies.conditioning import table, unscaled_pays

    found = run(seeds, tell)
    print(table(found))
    return 0 if unscaled_pays(found) else 1
