"""`hf-compat study hypergradients`, `inverse_products`, `variational` and `learned_damping`."""

from __future__ import annotations

import sys
from pathlib import Path

from hf_matlab_compat.cli.app import Seed, Whole
from hf_matlab_compat.cli.studies import study


@study.command(name="inverse_products")
def inverse_products(*, seeds: Whole = 20, chains: Whole = 10_000, seed: Seed = 0, picture: Path | None = None) -> int:
    """Compute products with an inverse curvature by series and sampling, on logistic regression.

    Three tables: the gap to the least f after steps of Newton's method, LiSSA and gradient descent; the error of one
    step of LiSSA over its number of chains; the error of series of random length.

    Parameters
    ----------
    seeds
        Number of seeds of LiSSA's cases and of the lengths.
    chains
        Number of chains from which the errors of one step are computed.
    seed
        Of the cases and the start.
    picture
        Draw the three there (.png, .svg or .pdf).
    """
    from hf_matlab_compat.plots.canvas import check_target
    from hf_matlab_compat.studies.inverse_products import study as run

    if picture is not None:
        check_target(picture)
    found = run(seeds, chains, seed, lambda text: print(text, file=sys.stderr, flush=True))
    print(found.text())
    if picture is not None:
        found.plot(picture)
        print(f"Picture: {picture}")
    return 0


@study.command(name="learned_damping")
def learned_damping(
    *, meta_steps: Whole = 600, seeds: Whole = 5, test_tasks: Whole = 200, picture: Path | None = None
) -> int:
    """Learn a rule for λ and the preconditioner on small classifiers, and compare it with fixed ones: a toy.

    The exit code is 0 if the median seed's mean gap to the minimum after 8 steps is at most a thousandth of its
    untrained gap and at most twice that of Martens' preconditioner with the best λ, and 1 if not.

    Parameters
    ----------
    meta_steps
        Updates of the rule, by Adam; each differentiates 8 steps of 16 fresh tasks.
    seeds
        Number of rules, each from its own start with its own tasks.
    test_tasks
        Number of tasks of each kind on which the rules are compared.
    picture
        Draw the gaps and the learned preconditioner there (.png, .svg or .pdf).
    """
    from hf_matlab_compat.plots.canvas import check_target
    from hf_matlab_compat.studies.learned_damping import study as run

    if picture is not None:
        check_target(picture)
    found = run(meta_steps, seeds, test_tasks, lambda text: print(text, file=sys.stderr, flush=True))
    print(found.text())
    if picture is not None:
        found.plot(picture)
        print(f"Picture: {picture}")
    return 0 if found.reaches_its_marks() else 1
