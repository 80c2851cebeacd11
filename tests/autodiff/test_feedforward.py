"""Every figure and product of a feed-forward network against automatic differentiation of its definition."""

from __future__ import annotations

import importlib.util
from typing import Any

import numpy as np
import pytest

from hf_matlab_compat.backends import get_backend
from hf_matlab_compat.model import compiled_passes
from hf_matlab_compat.model.corruption import Corruption
from hf_matlab_compat.model.network import build_network
from hf_matlab_compat.model.packing import weights_only_mask
from hf_matlab_compat.objective.cases import ChunkedCases
from hf_matlab_compat.objective.corrupted import CorruptedProblem
from hf_matlab_compat.objective.feedforward import FeedforwardProblem
from hf_matlab_compat.problem import Cases
from tests.autodiff.definitions import OUTPUTS, Objective, agree, given
from tests.autodiff.models import Feedforward
from tests.autodiff.pairs import Setting, all_settings, each, pairwise

HAS_NUMBA = importlib.util.find_spec("numba") is not None
HIDDEN = [
    *(("logistic", "gelu"), ("softplus", "tanh"), ("relu", "elu"), ("bent", "linear")),
    *(("gelu", "logistic"), ("tanh", "softplus"), ("elu", "relu"), ("linear", "bent"), ()),
]
N, INPUTS, WIDTH, OUT, DRAW, SHARES = 6, 3, 4, 3, 3, (0.4, 0.2)
CORRUPTIONS: dict[str, dict[str, Any]] = {
    "clean": {},
    "inputs": {"input_blankout": 0.3, "input_noise": 0.2, "input_dilation": 0.3},
    "noise": {"weight_noise": 0.3},
}
CURVATURES = ("gauss_newton", "hessian", "empirical_fisher")
PASSES = ["numpy", "numpy with masks", *(["numba", "numba of large blocks"] if HAS_NUMBA else [])]
FACTORS: dict[str, list[Any]] = {
    "output": OUTPUTS,
    "hidden": HIDDEN,
    "products": [(curvature, passes) for curvature in CURVATURES for passes in PASSES],
    "corruption": list(CORRUPTIONS),
    "chunks": [(1, "target_chunk"), (3, "target_chunk"), (3, "all")],
    "decay": ["none", "all", "weights"],
    "weighted": [False, True],
}


class Pair:
    """The package's problem of a setting and its definition, on the same cases, and θ and v."""

    def __init__(self, setting: Setting, sizes: tuple[int, ...] | None = None) -> None:
        self.setting = setting
        (self.output, self.loss), hidden = setting["output"], setting["hidden"]
        self.num_chunks, self.curvature_cases = setting["chunks"]
        self.curvature, self.passes = setting["products"]
        self.masked = "masks" in self.passes
        self.sizes = sizes or (INPUTS, *(WIDTH + i for i in range(len(hidden))), OUT)
        random = np.random.default_rng(len(hidden))
        self.X = random.standard_normal((INPUTS, N))
        self.T = random.random((OUT, N))
        if self.output == "softmax":
            self.T = np.eye(OUT)[random.integers(0, OUT, N)].T
        self.weights = random.random(N) + 0.5 if setting["weighted"] else None
        self.units = (*hidden, self.output)
        definition = Feedforward(self.sizes, self.units, self.loss)
        P = sum(rows * columns for rows, columns in definition.shapes())
        self.theta, self.v = 0.7 * random.standard_normal((2, P))
        self.mask = definition.mask(setting["decay"] == "all")
        self.decay = 0.0 if setting["decay"] == "none" else 0.01
        shares = SHARES[: len(hidden)] if self.masked else ()
        self.corruption = Corruption(seed=5, hidden_blankout=shares, **CORRUPTIONS[setting["corruption"]])
        self.clean = not self.corruption.is_on

    def problem(self, **changes: Any) -> Any:
        backend = get_backend(self.passes.split()[0], "double")
        units = [given(unit) for unit in self.units]
        fields: dict[str, Any] = {
            "network": build_network(self.sizes, units, given(self.loss), "squared"),
            "cases": ChunkedCases(
                self.X, self.T, self.num_chunks, None if self.weights is None else self.weights.reshape(1, -1)
            ),
            "backend": backend,
            "weight_decay": self.decay,
            "mask": weights_only_mask(np, self.sizes, np.float64) if self.setting["decay"] == "weights" else None,
            "curvature_kind": self.curvature,
            "curvature_cases": self.curvature_cases,
            "faithful": False,
        }
        made = FeedforwardProblem(**{**fields, **changes})
        return made if self.clean else CorruptedProblem(made, self.corruption)

    @property
    def on(self) -> Cases:
        return Cases(self.num_chunks - 1, 0 if self.clean else DRAW)

    def seen(self) -> Any:
        """θ as all figures see it."""
        if self.setting["corruption"] != "noise":
            return self.theta
        return self.theta + self.corruption.noise_of_weights(self.theta.size, DRAW - 1)

    def definition(self) -> tuple[Feedforward, Any]:
        """The network with its masks, and its inputs, of all cases."""
        factors, X = {}, self.X
        if self.setting["corruption"] == "inputs":
            X = self.corruption.inputs(X, 0, DRAW - 1)
        if self.masked:
            factors = {
                i: self.corruption.factors(i, self.sizes[i], 0, N, DRAW - 1).astype(float)
                for i in range(1, len(self.sizes) - 1)
            }
        return Feedforward(self.sizes, self.units, self.loss, factors), X

    def objective(self, only: int | None = None) -> Objective:
        """Of all cases, or of one chunk."""
        network, X = self.definition()
        n = N // self.num_chunks
        some = slice(None) if only is None else slice(only * n, (only + 1) * n)
        network = Feedforward(
            self.sizes, self.units, self.loss, {i: factor[:, some] for i, factor in network.factors.items()}
        )
        weights = (np.ones(N) if self.weights is None else self.weights)[some]
        return network.objective(X[:, some], self.T[:, some], weights, self.decay * self.mask)

    def curved(self) -> Objective:
        """Of the cases that curvature products see."""
        return self.objective(self.num_chunks - 1 if self.curvature_cases == "target_chunk" else None)

    def taken_off(self) -> Any:
        """The mean that the empirical Fisher subtracts: the chunk's mean gradient, decay included."""
        mean = self.objective(self.num_chunks - 1).gradient(self.seen())
        return mean * (mean @ self.v) * (self.curvature == "empirical_fisher")

    def product(self) -> Any:
        """B v by definition; of the empirical Fisher before the mean is taken off, which would magnify rounding."""
        of, at = self.curved(), self.seen()
        if self.curvature == "gauss_newton":
            return of.gauss_newton_product(at, self.v)
        if self.curvature == "hessian":
            return of.hessian_product(at, self.v)
        return of.fisher_product(at, self.v) + of.decay * self.v


@each(pairwise(FACTORS))
def test_every_figure_is_that_of_the_definition(setting: Setting, monkeypatch: pytest.MonkeyPatch) -> None:
    compare(setting, monkeypatch)


@pytest.mark.torture
@each(all_settings({"output": OUTPUTS, "hidden": HIDDEN}))
def test_so_it_is_in_every_pair_of_settings_of_every_unit_and_loss(
    setting: Setting, monkeypatch: pytest.MonkeyPatch
) -> None:
    others = {name: values for name, values in FACTORS.items() if name not in setting}
    for more in pairwise({**others, "again": range(5)}):
        compare({**setting, **more}, monkeypatch)


def compare(setting: Setting, monkeypatch: pytest.MonkeyPatch) -> None:
    # compiled passes take small blocks as large ones where that is asked for
    monkeypatch.setattr(compiled_passes, "SMALL", 0 if "large" in setting["products"][1] else 1 << 18)
    pair = Pair(setting)
    problem, on, whole, chunk = pair.problem(), pair.on, pair.objective(), pair.objective(pair.num_chunks - 1)
    g, alone, at = problem.gradient(pair.theta, on), problem.chunk_gradient(pair.theta, on), pair.seen()
    curvature = problem.curvature(pair.theta, on, g)
    network, X = pair.definition()
    ours = {
        "log-likelihood": problem.score(pair.theta, on.all).log_likelihood,
        "of the chunk": problem.score(pair.theta, on).log_likelihood,
        "with the gradient": g.log_likelihood,
        "with the chunk's gradient": alone.log_likelihood,
        "error": problem.score(pair.theta, on.all).error,
        "gradient": g.full,
        "chunk's gradient": g.chunk,
        "the same alone": alone.full,
        "squares": g.full_squared,
        "chunk's squares": g.chunk_squared,
        "product": curvature(pair.v) + pair.taken_off(),
        "diagonal": curvature.diagonal(0.3),
    }
    value, chunk_value = -whole.value(at), -chunk.value(at)
    gradient, chunk_gradient, squares = -whole.gradient(at), -chunk.gradient(at), whole.squares(at)
    agree(
        ours,
        {
            "log-likelihood": value,
            "of the chunk": chunk_value,
            "with the gradient": value,
            "with the chunk's gradient": chunk_value,
            "error": ((network.predicted(at, X) - pair.T) ** 2).sum() / N,
            "gradient": gradient,
            "chunk's gradient": chunk_gradient,
            "the same alone": chunk_gradient,
            "squares": squares,
            "chunk's squares": chunk.squares(at),
            "product": pair.product(),
            "diagonal": squares + 0.3 + whole.decay,
        },
    )
