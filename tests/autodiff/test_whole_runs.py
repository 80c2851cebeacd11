"""Models of the package and the same models as functions: their figures, and whole runs of training."""

from __future__ import annotations

import importlib.util
from itertools import pairwise
from typing import Any

import autograd.numpy as anp
import numpy as np
import pytest

from hf_matlab_compat import autodiff_problem, check_derivatives, controller, recurrent, train
from hf_matlab_compat.problem import Cases
from hf_matlab_compat.registry import METHODS
from hf_matlab_compat.rnn.plants import PointMass
from tests.autodiff.definitions import EXACT, apart, loss_of, softmax
from tests.autodiff.sequence_models import Recurrent, Steered
from tests.autodiff.test_feedforward import Pair
from tests.autodiff.test_feedforward_forms import PLAIN
from tests.autodiff.test_sequences import FACTORS, Sequences
from tests.autodiff.test_units_and_losses import mass_step

CURVATURES = pytest.mark.parametrize("curvature", ["gauss_newton", "hessian"])
HAS_JAX = importlib.util.find_spec("jax") is not None
RUN: dict[str, Any] = {"precision": "double", "initial_lam": 1.0, "max_epochs": 4}
OTHER_METHODS = [name for name in METHODS if name not in ("hessian_free", "hf", "growing_hf", "lissa")]
SAME_RUN = 1e-9
"""Largest relative distance between θ of two runs: rounding that some forty CG steps have carried on."""


def feedforward(curvature: str) -> tuple[Pair, Any]:
    """A network of the package, and its definition as a problem."""
    setting = {
        **PLAIN,
        "products": (curvature, "numpy"),
        "weighted": False,
        "decay": "all",
        "chunks": (3, "target_chunk"),
    }
    pair = Pair(setting)
    network, of_case = pair.definition()[0], loss_of(*setting["output"])
    written = autodiff_problem(
        network.output,
        lambda x, t: anp.sum(of_case(x, t)),
        pair.X,
        pair.T,
        initial=pair.theta,
        error=lambda x, t: anp.sum((softmax(x) - t) ** 2),
        curvature=curvature,
        weight_decay=pair.decay,
        num_chunks=3,
    )
    return pair, written


def sequences(curvature: str) -> tuple[Any, Any]:
    """A recurrent net of two layers on sequences of unequal length, and its definition as a problem."""
    more = {"lengths": "unequal", "weights": "steps", "per": "sequence", "decay": "all", "chunks": (2, "all")}
    data = Sequences({**{name: values[0] for name, values in FACTORS.items()}, **more})
    model = Recurrent((2, 3, 4, 3), ("tanh", "gelu", "logistic"), "matching")
    own = recurrent(**data.arguments(), hidden_sizes=[3, 4], unit_types=list(model.units), curvature=curvature)
    written = autodiff_problem(
        lambda theta, given: model.output(theta, given["x"]),
        lambda outputs, wanted: anp.sum(model.losses(outputs, wanted["y"], wanted["m"])),
        {"x": data.X},
        {"y": data.Y, "m": data.m},
        initial=own.initial_theta(0),
        curvature=curvature,
        weight_decay=data.decay,
        num_chunks=2,
        curvature_cases="all",
    )
    return own, written


def steered() -> tuple[Any, Any]:
    """A controller of a point mass, and its definition as a problem."""
    random = np.random.default_rng(2)
    starts, goals = random.standard_normal((2, 2, 6))
    own = controller(PointMass(), starts, goals, steps=4, hidden_size=3, effort=0.1)
    model = Steered(mass_step, 2, 1, 3, 4, [0, 1], [0, 1], np.ones(2), 0.1)
    written = autodiff_problem(
        lambda theta, given: model.output(theta, *given),
        lambda r: anp.sum(r**2) / 2,
        (starts, goals),
        initial=own.initial_theta(0),
    )
    return own, written


@CURVATURES
@pytest.mark.parametrize("preconditioner", ["none", "equilibration"])
def test_a_run_of_a_network_is_that_of_its_definition(curvature: str, preconditioner: str) -> None:
    pair, written = feedforward(curvature)
    run = {**RUN, "initial_theta": pair.theta, "preconditioner": preconditioner}
    ours, theirs = (train(problem=p, **run) for p in (pair.problem(), written))
    assert apart(ours.theta, theirs.theta) <= SAME_RUN
    assert apart(ours.theta, pair.theta) > 0.1
    for figure in ("train_log_likelihood", "train_error"):
        assert apart(ours.history[figure], theirs.history[figure]) <= SAME_RUN


@pytest.mark.parametrize("method", OTHER_METHODS)
def test_every_other_method_takes_the_same_steps_on_both(method: str) -> None:
    pair, written = feedforward("gauss_newton")
    run = {"precision": "double", "max_epochs": 2, "initial_theta": pair.theta, "method": method}
    if method in ("stochastic_hf", "averaged_hf", "krylov_subspace"):
        run["preconditioner"] = "none"
    if method in ("stochastic_hf", "averaged_hf", "saddle_free"):
        run["initial_lam"] = 1.0  # it has another default for each
    ours, theirs = (train(problem=p, **run) for p in (pair.problem(), written))
    assert apart(ours.theta, theirs.theta) <= SAME_RUN
    assert apart(ours.theta, pair.theta) > 1e-3


@pytest.mark.skipif(not HAS_JAX, reason="JAX is not installed")
def test_a_run_preconditioned_by_squares_is_that_of_a_definition_in_jax() -> None:
    import jax

    jnp, (pair, _) = jax.numpy, feedforward("gauss_newton")
    shapes = [(below + 1, above) for below, above in pairwise(pair.sizes)]

    def output(p: Any, x: Any) -> Any:  # [W_i b_i]ᵀ row by row is vec W_i, then b_i
        one, two, three = (lambda y, W=W: W[:-1].T @ y + W[-1:].T for W in p)
        return three(jax.nn.sigmoid(two(jax.nn.gelu(one(x), approximate=False))))

    def loss(x: Any, t: Any) -> Any:
        return -(t * jax.nn.log_softmax(x, axis=0)).sum()

    parts = np.split(pair.theta, np.cumsum([rows * columns for rows, columns in shapes])[:-1])
    initial = [part.reshape(shape) for part, shape in zip(parts, shapes, strict=True)]
    written = autodiff_problem(
        output,
        loss,
        pair.X,
        pair.T,
        initial=initial,
        error=lambda x, t: jnp.sum((jax.nn.softmax(x, axis=0) - t) ** 2),
        engine="jax",
        weight_decay=pair.decay,
        num_chunks=3,
    )
    run = {**RUN, "initial_theta": pair.theta}
    ours, theirs = (train(problem=p, **run) for p in (pair.problem(), written))
    assert apart(ours.theta, theirs.theta) <= SAME_RUN
    assert apart(ours.theta, pair.theta) > 0.1


MADE = {"gauss_newton": lambda: sequences("gauss_newton"), "hessian": lambda: sequences("hessian"), "steered": steered}
SEQUENCES = pytest.mark.parametrize(("kind", "hessian"), [(kind, kind == "hessian") for kind in MADE])


@SEQUENCES
def test_a_run_of_a_model_of_sequences_is_that_of_its_definition(kind: str, hessian: bool) -> None:
    own, written = MADE[kind]()
    theta = own.initial_theta(0)
    run = {**RUN, "preconditioner": "none", "initial_theta": theta}
    ours, theirs = (train(problem=p, **run).theta for p in (own, written))
    assert apart(ours, theirs) <= SAME_RUN
    assert apart(ours, theta) > 0.1


@CURVATURES
def test_checks_agree_for_a_network_and_its_definition(curvature: str) -> None:
    pair, written = feedforward(curvature)
    check = check_derivatives(pair.problem(), pair.theta, against=written, hessian=curvature == "hessian")
    assert check.agree, str(check)


@SEQUENCES
def test_they_agree_for_models_of_sequences(kind: str, hessian: bool) -> None:
    own, written = MADE[kind]()
    check = check_derivatives(own, own.initial_theta(0), against=written, hessian=hessian)
    # the definitions report the loss as the error
    assert [c.name for c in check.checks if not c.agrees] == ["error of both"], str(check)


@pytest.mark.parametrize("cases", ["target_chunk", "all"])
def test_the_curvature_of_all_chunks_at_once_is_that_of_all_cases(cases: str) -> None:
    pair = Pair({**PLAIN, "chunks": (3, cases), "weighted": False})
    problem, of = pair.problem(), pair.objective()
    B = problem.curvature(pair.theta, Cases(), problem.gradient(pair.theta, Cases()))
    assert apart(B(pair.v), of.gauss_newton_product(pair.theta, pair.v)) <= EXACT
    fisher = pair.problem(curvature_kind="empirical_fisher")
    F, mean = fisher.curvature(pair.theta, Cases(), fisher.gradient(pair.theta, Cases())), of.gradient(pair.theta)
    assert apart(F(pair.v) + mean * (mean @ pair.v), of.fisher_product(pair.theta, pair.v)) <= EXACT
