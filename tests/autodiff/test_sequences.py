"""Every figure and product of models of sequences against automatic differentiation of their definitions."""

from __future__ import annotations

from typing import Any

import autograd.numpy as anp
import numpy as np
import pytest

from hf_matlab_compat import controller, ctc, multiplicative, recurrent
from hf_matlab_compat.backends import get_backend
from hf_matlab_compat.problem import Cases
from hf_matlab_compat.rnn.plants import PointMass, TwoLinkArm
from tests.autodiff.definitions import OUTPUTS, Objective, agree, given
from tests.autodiff.pairs import Setting, all_settings, each, pairwise
from tests.autodiff.sequence_models import Multiplicative, Recurrent, Steered, label_loss
from tests.autodiff.test_feedforward import CURVATURES, HAS_NUMBA
from tests.autodiff.test_units_and_losses import arm_step, mass_step

D, T, N, O, STRUCTURAL = 2, 4, 4, 3, 0.7  # noqa: E741  # the letters of the formulas
SHARED: dict[str, list[Any]] = {
    "lengths": ["equal", "unequal"],
    "weights": ["none", "steps"],
    "per": ["step", "sequence"],
    "chunks": [(1, "target_chunk"), (2, "target_chunk"), (2, "all")],
    "decay": ["none", "all", "weights"],
}
BACKENDS = ["numpy", *(["numba"] if HAS_NUMBA else [])]
SOME_OUTPUTS = [(u, loss) for u, loss in OUTPUTS if loss != "squared" or u in ("softmax", "gelu", "bent")]
FACTORS: dict[str, list[Any]] = {
    "output": SOME_OUTPUTS,
    "hidden": [("tanh",), ("logistic", "gelu"), ("relu", "elu"), ("softplus", "linear"), ("bent", "tanh"), ("gelu",)],
    "products": [(curvature, backend) for curvature in CURVATURES for backend in BACKENDS],
    "initial_state": ["learned", "bias", "zero"],
    "biases": [True, False],
    "structural_unit": ["matching", "squared"],
    **SHARED,
}
MULTIPLICATIVE: dict[str, list[Any]] = {
    "output": [("softmax", "matching"), ("linear", "matching"), ("bent", "squared"), ("tanh", "quartic")],
    "factor_gain": ["linear", "tanh"],
    "one_hot": [False, True],
    "products": [("gauss_newton", backend) for backend in BACKENDS],
    **SHARED,
}


class Sequences:
    """Inputs, targets, loss weights and lengths of a setting, and what the model's callers take of them."""

    def __init__(self, setting: Setting) -> None:
        self.setting, random = setting, np.random.default_rng(4)
        self.num_chunks, self.curvature_cases = setting["chunks"]
        self.lengths = np.array([4, 2, 3, 4]) if setting["lengths"] == "unequal" else np.full(N, T)
        self.exists = (np.arange(T)[:, None] < self.lengths).astype(float)
        self.X = random.standard_normal((D, T, N))
        if setting.get("one_hot"):
            self.X = np.eye(D)[random.integers(0, D, (T, N))].transpose(2, 0, 1)
        self.Y = random.random((O, T, N))
        if setting["output"][0] == "softmax":
            self.Y = np.eye(O)[random.integers(0, O, (T, N))].transpose(2, 0, 1)
        self.m = self.exists.copy()
        if setting["weights"] == "steps":
            self.m *= random.random((T, N)) + 0.2
            self.m[0, 0] = 0
        self.decay = 0.0 if setting["decay"] == "none" else 0.01

    def arguments(self) -> dict[str, Any]:
        garbage = np.where(self.exists > 0, 0.0, 3.7)  # behind the ends, where nothing must see it
        return {
            "inputs": self.X + garbage * (not self.setting.get("one_hot")),
            "targets": np.where(self.exists > 0, self.Y, 9.9),
            "lengths": self.lengths,
            "loss_weights": None if self.setting["weights"] == "none" else self.m,
            "num_chunks": self.num_chunks,
            "curvature_cases": self.curvature_cases,
            "loss": given(self.setting["output"][1]),
            "error_measure": "squared",
            "weight_decay": self.decay,
            "decay_biases": self.setting["decay"] != "weights",
            "per": self.setting["per"],
        }

    def some(self, only: int | None) -> slice:
        n = N // self.num_chunks
        return slice(None) if only is None else slice(only * n, (only + 1) * n)

    def objective(self, model: Any, only: int | None = None) -> Objective:
        here = self.some(only)
        X, Y, m = self.X[:, :, here], self.Y[:, :, here], self.m[:, here]
        return Objective(
            lambda theta: model.output(theta, X),
            lambda outputs: model.losses(outputs, Y, m),
            np.ones(m.shape[1]),
            m.sum() if self.setting["per"] == "step" else m.shape[1],
            self.decay * model.mask(self.setting["decay"] == "all"),
        )

    def error(self, predicted: Any) -> float:
        """Of steps with a loss, each counted once."""
        return float((((predicted - self.Y) ** 2).sum(axis=0) * (self.m > 0)).sum() / (self.m > 0).sum())


def figures(problem: Any, theta: Any, v: Any, on: Cases) -> dict[str, Any]:
    """What the package says."""
    g, alone = problem.gradient(theta, on), problem.chunk_gradient(theta, on)
    curvature = problem.curvature(theta, on, g)
    return {
        "log-likelihood": problem.score(theta, on.all).log_likelihood,
        "of the chunk": problem.score(theta, on).log_likelihood,
        "with the gradient": g.log_likelihood,
        "with the chunk's gradient": alone.log_likelihood,
        "gradient": g.full,
        "chunk's gradient": g.chunk,
        "the same alone": alone.full,
        "diagonal": curvature.diagonal(0.3),
        "product": curvature(v),
        "structurally damped": curvature.structurally_damped(v, STRUCTURAL),
    }


def definitions(whole: Objective, chunk: Objective, theta: Any, product: Any, structural: Any) -> dict[str, Any]:
    """What the definition says; `structural` is S v, divided."""
    value, gradient = -whole.value(theta), -whole.gradient(theta)
    chunk_value, chunk_gradient = -chunk.value(theta), -chunk.gradient(theta)
    return {
        "log-likelihood": value,
        "of the chunk": chunk_value,
        "with the gradient": value,
        "with the chunk's gradient": chunk_value,
        "gradient": gradient,
        "chunk's gradient": chunk_gradient,
        "the same alone": chunk_gradient,
        "diagonal": whole.squares(theta) + 0.3 + whole.decay,
        "product": product,
        "structurally damped": product + STRUCTURAL * structural,
    }


def product_of(of: Objective, curvature: str, theta: Any, v: Any) -> Any:
    if curvature == "gauss_newton":
        return of.gauss_newton_product(theta, v)
    if curvature == "hessian":
        return of.hessian_product(theta, v)
    return of.fisher_product(theta, v) + of.decay * v  # of whole sequences, and not centred


def compare(data: Sequences, model: Any, problem: Any, structural: Any) -> None:
    curvature, backend = data.setting["products"]
    theta, v = 0.7 * np.random.default_rng(1).standard_normal((2, problem.num_parameters))
    target = data.num_chunks - 1
    only = target if data.curvature_cases == "target_chunk" else None
    problem = problem.placed(get_backend(backend, "double"))
    here, of = data.some(only), data.objective(model, only)
    S = structural(theta, v, data.X[:, :, here], data.exists[:, here]) / of.Z
    ours = figures(problem, theta, v, Cases(target))
    ours["error"] = problem.score(theta, Cases()).error
    theirs = definitions(
        data.objective(model), data.objective(model, target), theta, product_of(of, curvature, theta, v), S
    )
    theirs["error"] = data.error(model.predicted(theta, data.X))
    agree(ours, theirs)


def compare_recurrent(setting: Setting) -> None:
    data = Sequences(setting)
    hidden, (output, loss) = setting["hidden"], setting["output"]
    widths = [3 + i for i in range(len(hidden))]
    settings = {name: setting[name] for name in ("initial_state", "biases")}
    model = Recurrent((D, *widths, O), (*hidden, output), loss, **settings)
    problem = recurrent(
        **data.arguments(),
        **settings,
        hidden_sizes=widths,
        unit_types=[given(unit) for unit in model.units],
        curvature=setting["products"][0],
        structural_unit=setting["structural_unit"],
    )

    def structural(theta: Any, v: Any, X: Any, exists: Any) -> Any:
        return model.structural_product(theta, v, X, exists, setting["structural_unit"])

    compare(data, model, problem, structural)


@each(pairwise(FACTORS))
def test_recurrent_nets_have_the_derivatives_of_their_definition(setting: Setting) -> None:
    compare_recurrent(setting)


@pytest.mark.torture
@each(all_settings({"output": OUTPUTS, "hidden": FACTORS["hidden"]}))
def test_so_have_they_in_every_pair_of_settings_of_every_unit_and_loss(setting: Setting) -> None:
    others = {name: values for name, values in FACTORS.items() if name not in setting}
    for more in pairwise({**others, "again": range(5)}):
        compare_recurrent({**setting, **more})


@each(pairwise(MULTIPLICATIVE))
def test_multiplicative_nets_have_the_derivatives_of_their_definition(setting: Setting) -> None:
    data, (output, loss) = Sequences(setting), setting["output"]
    model = Multiplicative(D, 4, 3, O, output, loss, setting["factor_gain"] == "tanh")
    problem = multiplicative(
        **data.arguments(), hidden_size=3, num_factors=4, factor_gain=setting["factor_gain"], output_unit=given(output)
    )
    compare(data, model, problem, model.structural_product)


# --- label strings


class Labelling(Recurrent):
    """A recurrent net with softmax outputs whose loss is that of label strings."""

    def losses(self, outputs: Any, Y: Any, m: Any) -> Any:
        """-log p(labels) of every sequence; Y is a list of labels, m of lengths."""
        return anp.array([label_loss(outputs[:L, :, n], Y[n], 1) for n, L in enumerate(m)])


LABELS = [[0, 2], [], [2, 2], [2]]
"""A repeat among them, and an empty string; the blank is class 1."""


@pytest.mark.parametrize("initial_state", ["learned", "bias", "zero"])
@pytest.mark.parametrize(("hidden", "structural_unit"), [(("tanh",), "matching"), (("gelu", "logistic"), "squared")])
@pytest.mark.parametrize("chunks", [(1, "target_chunk"), (2, "target_chunk"), (2, "all")], ids=str)
def test_label_strings_have_the_derivatives_of_a_sum_over_alignments(
    initial_state: str, hidden: tuple[str, ...], structural_unit: str, chunks: tuple[int, str]
) -> None:
    widths, decay, (num_chunks, curvature_cases) = [3 + i for i in range(len(hidden))], 0.01, chunks
    X, lengths = np.random.default_rng(6).standard_normal((D, T, N)), np.array([4, 2, 3, 4])
    exists = (np.arange(T)[:, None] < lengths).astype(float)
    model = Labelling((D, *widths, O), (*hidden, "softmax"), "matching", initial_state)
    problem = ctc(
        X + np.where(exists > 0, 0.0, 3.7),
        LABELS,
        hidden_sizes=widths,
        unit_types=list(hidden),
        num_classes=O,
        blank=1,
        lengths=lengths,
        num_chunks=num_chunks,
        curvature_cases=curvature_cases,
        weight_decay=decay,
        initial_state=initial_state,
        structural_unit=structural_unit,
    )
    theta, v = 0.7 * np.random.default_rng(1).standard_normal((2, problem.num_parameters))
    n = N // num_chunks

    def objective(only: int | None) -> Objective:
        here = slice(None) if only is None else slice(only * n, (only + 1) * n)
        e = exists[:, here]
        return Objective(
            lambda at: model.output(at, X[:, :, here]),
            lambda outputs: model.losses(outputs, LABELS[here], lengths[here]),
            np.ones(e.shape[1]),
            e.shape[1],
            np.full(theta.size, decay),
            # posteriors held fixed: what is left of the curvature is that of the softmax's normaliser
            lambda outputs: anp.sum(e * anp.log(anp.sum(anp.exp(outputs), axis=1))),
        )

    only = num_chunks - 1 if curvature_cases == "target_chunk" else None
    here = slice(None) if only is None else slice(only * n, (only + 1) * n)
    of = objective(only)
    S = model.structural_product(theta, v, X[:, :, here], exists[:, here], structural_unit) / of.Z
    theirs = definitions(objective(None), objective(num_chunks - 1), theta, of.gauss_newton_product(theta, v), S)
    agree(figures(problem, theta, v, Cases(num_chunks - 1)), theirs)


# --- closed loops


@pytest.mark.parametrize("chunks", [1, 2])
@pytest.mark.parametrize(
    ("plant", "step", "shown", "seen"),
    [
        (PointMass(), mass_step, [0], [0, 1]),
        (PointMass(), mass_step, [1, 0], [1]),
        (TwoLinkArm(), arm_step, [0, 1], [0, 1, 2, 3]),
    ],
    ids=["mass", "mass seen in part", "arm"],
)
def test_controllers_have_the_derivatives_of_net_and_plant(
    plant: Any, step: Any, shown: list[int], seen: list[int], chunks: int
) -> None:
    n_s, n_u, decay = plant.state_size, plant.control_size, 0.01
    random = np.random.default_rng(2)
    starts, goals = random.standard_normal((2, n_s, N))
    w, effort = random.random(n_s) + 0.5, 0.3
    model = Steered(step, n_s, n_u, 3, 3, shown, seen, w, effort)
    problem = controller(
        plant,
        starts,
        goals,
        steps=3,
        hidden_size=3,
        end_weights=w,
        effort=effort,
        shown_goal=shown,
        shown_state=seen,
        num_chunks=chunks,
        weight_decay=decay,
    )
    theta, v = 0.7 * random.standard_normal((2, problem.num_parameters))
    n = N // chunks

    def objective(only: int | None) -> tuple[Objective, Any, Any]:
        here = slice(None) if only is None else slice(only * n, (only + 1) * n)
        s, goal = starts[:, here], goals[:, here]
        found = Objective(
            lambda at: model.output(at, s, goal),
            lambda r: anp.sum(r**2, axis=0) / 2,
            np.ones(goal.shape[1]),
            goal.shape[1],
            np.full(theta.size, decay),
        )
        return found, s, goal

    whole, (of, s, goal) = objective(None)[0], objective(chunks - 1)
    S = model.structural_product(theta, v, s, goal) / of.Z
    ours = figures(problem, theta, v, Cases(chunks - 1))
    ours["error"] = problem.score(theta, Cases()).error
    theirs = definitions(whole, of, theta, of.gauss_newton_product(theta, v), S)
    last = model.run(theta, starts, goals)[2]
    theirs["error"] = np.sqrt(((last - goals)[shown] ** 2).sum(axis=0)).mean()
    agree(ours, theirs)
