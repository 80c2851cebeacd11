"""`hf-compat study hypergradients`, `inverse_products`, `variational` and `learned_damping`."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from hf_matlab_compat.cli.app import Seed, Whole
from hf_matlab_compat.cli.pictures import check_picture, draw
from hf_matlab_compat.cli.studies import study, tell
from hf_matlab_compat.kinds import check, whole


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
    from hf_matlab_compat.studies.inverse_products import study as run

    check_picture(picture)
    found = run(seeds, chains, seed, tell)
    print(found.text())
    draw(found.plot, picture)
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
    from hf_matlab_compat.studies.learned_damping import study as run

    check_picture(picture)
    found = run(meta_steps, seeds, test_tasks, tell)
    print(found.text())
    draw(found.plot, picture)
    return 0 if found.reaches_its_marks() else 1


@study.command
def hypergradients(
    *,
    steps: Whole = 1000,
    starts: Whole = 4,
    derivatives: Literal["hand", "autograd"] = "hand",
    tuning: bool = False,
    schedule: bool = False,
    picture: Path | None = None,
) -> int:
    """Compute hypergradients of a small classifier by stored steps, checkpoints, reversible learning and a short cut.

    The first table: kB kept between the runs forward and back, and kB alive at the most, each with the ratio of stored
    steps to it; CPU seconds; errors of the derivatives by weight decay, and by learning rates and momenta. The second:
    the error of the start when training is undone in floating point. The third: the short cut beside the exact
    derivatives by two logarithms of weight decay. The exit code is 0 if reversible learning keeps at least 100 times
    less than stored steps, and the short cut runs back at least 8 times faster, with right signs after 200 steps; it
    is 1 if not.

    Parameters
    ----------
    steps
        Steps of training in the first table and in tuning.
    starts
        Number of starts in the third table and in tuning.
    derivatives
        Those of the first table: by hand, or by autograd (the extra autodiff).
    tuning
        Tune weight decay by 25 signs of hypergradients from each start; some 40 seconds.
    schedule
        Find a learning rate for every step and layer.
    picture
        Draw the learning rates found, and the tuning if it is asked for, there (.png, .svg or .pdf).
    """
    from hf_matlab_compat.studies.hypergradient_tuning import also
    from hf_matlab_compat.studies.hypergradients import study as run

    check_picture(picture)
    found = run(steps, starts, derivatives, tell)
    print(found.text())
    if tuning or schedule or picture is not None:
        more = also(steps, range(starts if tuning else 0), schedule or picture is not None, tell)
        print("\n" + more.text())
        draw(more.plot, picture)
    return 0 if found.reaches_its_marks() else 1


@study.command
def variational(*, repeats: Whole = 20, seeds: Whole = 5, passes: Whole = 100_000, picture: Path | None = None) -> int:
    """Approximate a posterior that is known, and that of a small network, by first and by second order.

    The exit code is 0 if, on 1,000 fixed draws, the mean is exact and the median ELBO within 0.01 of the best, and 1 if
    not. The columns of the first table: gap to the best ELBO, median and range over seeds; how many are below 0.01;
    largest error of the mean; epochs of Hessian-free to within 1e-6 of its last ELBO, or updates of Adam; CPU seconds.

    Parameters
    ----------
    repeats
        Number of seeds of the draws on the posterior that is known.
    seeds
        Number of seeds on the network: of its start and of the draws.
    passes
        Work of each run on the network, in passes through it; at least 200.
    picture
        Draw ELBO over work, and predictions with their spread, there (.png, .svg or .pdf).
    """
    from hf_matlab_compat.studies.variational import Regression, fits, is_met, table
    from hf_matlab_compat.studies.variational_net import study as run

    check(whole(1), repeats=repeats, seeds=seeds)
    check(whole(200), passes=passes)  # Monte Carlo keeps a few draws then
    check_picture(picture)

    regression = Regression.drawn()
    found = fits(regression, range(repeats), tell)
    print(table(regression, found))
    of_net = run(range(seeds), passes, tell)
    print(f"\n{of_net.table()}")
    draw(of_net.plot, picture)
    return 0 if is_met(found) else 1
