"""Gradient, curvature products and structural damping against recorded numbers of an oracle and two programs."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from hf_matlab_compat.rnn.network import build_recurrent
from hf_matlab_compat.rnn.sequences import SequenceData
from tests.rnn.recorded import (
    DPFAU,
    ORACLES,
    RELEASE_A,
    Kernels,
    apart,
    from_dpfau,
    from_release_a,
    load,
    oracle,
)

KERNEL = 5e-15
MU = 0.3


@pytest.mark.parametrize("garbage", [0.0, 1e3, np.nan])
@pytest.mark.parametrize("name", ORACLES)
def test_every_kernel_is_that_of_the_dense_oracle_whatever_stands_in_the_padding(name: str, garbage: float) -> None:
    ours, theirs, v = oracle(name, garbage)
    assert apart(ours.loss, theirs["loss"]) <= KERNEL
    assert apart(ours.grad(), theirs["grad"]) <= KERNEL
    assert apart(ours.squares(), theirs["grad2"]) <= KERNEL
    assert apart(ours.product(v), theirs["Gv"]) <= KERNEL
    assert apart(ours.product(v, MU), theirs["Gv"] + MU * theirs["Sv"]) <= KERNEL
    exact, _, _ = oracle(name, garbage, curvature="hessian", structural_unit="squared")
    assert apart(exact.product(v), theirs["Hv"]) <= KERNEL
    assert apart(exact.product(v, MU), theirs["Hv"] + MU * theirs["Sv_squared"]) <= KERNEL


@pytest.mark.parametrize("name", ORACLES)
def test_products_of_unit_vectors_are_the_dense_matrices(name: str) -> None:
    ours, theirs, v = oracle(name)
    unit_vectors = np.eye(v.size)
    G = np.array([ours.product(e) for e in unit_vectors]).T
    both = np.array([ours.product(e, MU) for e in unit_vectors]).T
    assert apart(G, theirs["G"]) <= KERNEL
    assert apart(both, theirs["G"] + MU * theirs["S"]) <= KERNEL
    assert apart(both, both.T) <= 1e-14
    assert np.linalg.eigvalsh(both).min() >= -1e-13 * np.abs(both).max()


def test_the_empirical_fisher_is_made_of_gradients_of_whole_sequences() -> None:
    for name in ORACLES:
        ours, _, v = oracle(name, curvature="empirical_fisher")
        gradients = []
        for n in range(len(ours.data)):
            weights: Any = ours.data.loss_weights
            one = SequenceData(
                ours.data.inputs[..., [n]], ours.data.targets[..., [n]], ours.data.lengths[[n]], weights[:, [n]]
            )
            gradients.append(Kernels(ours.net, one, ours.theta).grad())
        F = sum(np.outer(g, g) for g in gradients)
        assert apart(ours.product(v), F @ v) <= KERNEL
        assert apart(ours.squares(), np.diag(F)) <= KERNEL


@pytest.mark.parametrize("name", DPFAU)
def test_products_of_dpfau_are_ours(name: str) -> None:
    m = load(name)
    sizes = (3, 5, 3)
    units = [str(m["hidden"][0]), str(m["output"][0])]
    net = build_recurrent(sizes, units, "matching", "squared")
    exact = build_recurrent(sizes, units, "matching", "squared", curvature="hessian")
    theta, v, strength = from_dpfau(m["theta"], *sizes), from_dpfau(m["vv"], *sizes), float(m["lm"].item())
    for sequence in m["seq"].ravel():
        x, y = sequence["x"], sequence["y"]
        counted = np.ones(x.shape[1])
        if units[1] == "softmax":
            counted = (y.sum(axis=0) > 0).astype(float)  # zero targets are this program's way to say: no loss here
        data = SequenceData(x[:, :, None], y[:, :, None], np.array([x.shape[1]]), counted[:, None])
        ours = Kernels(net, data, theta)
        assert apart(ours.loss, sequence["loss"]) <= KERNEL
        assert apart(ours.grad(), from_dpfau(sequence["grad"], *sizes)) <= KERNEL
        assert apart(ours.product(v), from_dpfau(sequence["Gv"], *sizes)) <= KERNEL
        assert apart(ours.product(v, strength), from_dpfau(sequence["Gv_struct"], *sizes)) <= KERNEL
        assert apart(Kernels(exact, data, theta).product(v), from_dpfau(sequence["Hv"], *sizes)) <= KERNEL


@pytest.mark.parametrize("name", RELEASE_A)
def test_products_of_release_a_are_ours(name: str) -> None:
    """Its rows are our columns; its squared error has a factor ½, its structural damping of tanh a factor ¼."""
    m = load(name)
    D, H, K = (int(m[key].item()) for key in ("v", "h", "o"))
    hidden, output = str(m["hidden"][0]), str(m["output"][0])
    net = build_recurrent([D, H, K], [hidden, output], "matching", "squared", biases=False)
    X, Y, weights = m["V"].transpose(2, 0, 1), m["O"].transpose(2, 0, 1), m["M"][:, :, 0]
    data = SequenceData(X, Y, np.full(X.shape[2], X.shape[1]), weights)
    ours = Kernels(net, data, from_release_a(m["X"], D, H, K))
    v, half = from_release_a(m["R"], D, H, K), 0.5 if output == "linear" else 1.0
    assert apart(half * ours.loss, m["loss"]) <= KERNEL
    assert apart(half * ours.grad(), from_release_a(m["grad"], D, H, K)) <= KERNEL
    assert apart(half * ours.product(v), from_release_a(m["GR"], D, H, K)) <= KERNEL
    strength = float(m["mu_lambda"].item()) * (0.25 if hidden == "tanh" else 1.0) / half
    assert apart(half * ours.product(v, strength), from_release_a(m["GR_struct"], D, H, K)) <= KERNEL


def stacked(units: list[str], **settings: Any) -> tuple[Kernels, Any]:
    random = np.random.default_rng(3)
    sizes = [2, 4, 3, 2]
    net = build_recurrent(sizes, units, settings.pop("loss", "matching"), "squared", **settings)
    lengths = np.array([5, 3, 1])
    counted = (random.random((5, 3)) + 0.1) * (np.arange(5)[:, None] < lengths)
    X, Y = random.standard_normal((2, 5, 3)), random.random((2, 5, 3))
    Y /= Y.sum(axis=0)
    theta = random.standard_normal(net.num_parameters) * 0.6
    return Kernels(net, SequenceData(X, Y, lengths, counted), theta), random


@pytest.mark.parametrize("start", ["learned", "bias", "zero"])
@pytest.mark.parametrize(
    ("units", "loss"),
    [
        (["tanh", "logistic", "linear"], "matching"),
        (["softplus", "elu", "logistic"], "matching"),
        (["gelu", "tanh", "softmax"], "matching"),
        (["linear", "gelu", "softmax"], "squared"),
        (["tanh", "tanh", "gelu"], "squared"),
    ],
)
def test_gradient_and_hessian_of_two_layers_are_finite_differences(units: list[str], loss: str, start: str) -> None:
    ours, random = stacked(units, loss=loss, initial_state=start, curvature="hessian")
    v, step = random.standard_normal(ours.theta.size), 1e-5
    ends = [Kernels(ours.net, ours.data, ours.theta + sign * step * v) for sign in (1, -1)]
    assert ours.grad() @ v == pytest.approx((ends[0].loss - ends[1].loss) / (2 * step), rel=1e-7)
    assert apart(ours.product(v), (ends[0].grad() - ends[1].grad()) / (2 * step)) <= 1e-7


@pytest.mark.parametrize("steps", [1, 2])
def test_the_hessian_of_the_shortest_sequences_is_finite_differences(steps: int) -> None:
    random = np.random.default_rng(5)
    net = build_recurrent([2, 3, 2], ["tanh", "linear"], "matching", "squared", curvature="hessian")
    data = SequenceData(random.random((2, steps, 4)), random.random((2, steps, 4)), np.full(4, steps))
    theta, v = random.standard_normal((2, net.num_parameters))
    ends = [Kernels(net, data, theta + sign * 1e-5 * v).grad() for sign in (1, -1)]
    assert apart(Kernels(net, data, theta).product(v), (ends[0] - ends[1]) / 2e-5) <= 1e-7


@pytest.mark.parametrize("distance", ["matching", "squared"])
@pytest.mark.parametrize(
    "units", [["tanh", "logistic", "linear"], ["linear", "softplus", "linear"], ["gelu", "tanh", "linear"]]
)
def test_structural_damping_of_two_layers_measures_the_change_of_their_states(units: list[str], distance: str) -> None:
    """v'Sv is the squared change of the states along v, divided by the slope for units with a distance of their own."""
    ours, random = stacked(units, structural_unit=distance)
    v, step = random.standard_normal(ours.theta.size), 1e-6
    ends = [Kernels(ours.net, ours.data, ours.theta + sign * step * v).at.layers for sign in (1, -1)]
    exists = (np.arange(5)[:, None] < ours.data.lengths)[:, :, None]
    expected = 0.0
    for unit, at, above, below in zip(units, ours.at.layers, *ends, strict=False):
        moved = exists * (above.h - below.h) / (2 * step)
        slope = {"tanh": 1 - at.h**2, "logistic": at.h * (1 - at.h)}.get(unit, 1.0)
        expected += float((moved**2 / (slope if distance == "matching" else 1.0)).sum())
    found = v @ (ours.product(v, 1.0) - ours.product(v))
    assert found == pytest.approx(expected, rel=1e-6)
