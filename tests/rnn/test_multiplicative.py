"""The multiplicative net: gradient, Gauss-Newton and structural products against recorded and independent numbers."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.io import loadmat

from hf_matlab_compat import multiplicative, train
from hf_matlab_compat.backends.backend import get_backend
from hf_matlab_compat.errors import ArgumentError
from hf_matlab_compat.model.error_measures import ERROR_MEASURES
from hf_matlab_compat.model.losses import loss_for
from hf_matlab_compat.model.units import unit_of
from hf_matlab_compat.rnn.multiplicative import AtMultiplicative, MultiplicativeNetwork
from hf_matlab_compat.rnn.multiplicative_passes import Sizes
from hf_matlab_compat.rnn.sequences import SequenceBlock
from hf_matlab_compat.rnn.workspace import Workspace
from tests.backends.strict_namespace import strict_backend
from tests.rnn.nets import kernels
from tests.rnn.recorded import apart

GOLDENS = Path(__file__).resolve().parents[1] / "goldens" / "rnn"
BACKEND = get_backend("numpy", "double")


def net_of(sizes: Sizes, output: str = "softmax") -> MultiplicativeNetwork:
    units = unit_of("tanh"), unit_of(output)
    loss, measure = loss_for(units[-1], "matching"), ERROR_MEASURES["none"]
    return MultiplicativeNetwork(layout=sizes, units=units, loss=loss, error_measure=measure)


def block_of(X: Any, Y: Any, weights: Any = None, lengths: Any = None) -> SequenceBlock:
    given = np.full(X.shape[2], X.shape[1]) if lengths is None else lengths
    return SequenceBlock(X, Y, given, weights)


class At:
    """A net at one θ on one block, with its sums as new vectors."""

    def __init__(self, net: MultiplicativeNetwork, theta: Any, block: SequenceBlock) -> None:
        self.at: AtMultiplicative = net.at(theta, block, Workspace(BACKEND))
        self.P = net.num_parameters

    @property
    def gradient(self) -> Any:
        out = np.zeros(self.P)
        self.at.add_gradient(out, Workspace(BACKEND))
        return out

    @property
    def squares(self) -> Any:
        out, squares = np.zeros((2, self.P))
        self.at.add_gradient_and_squares(out, squares, Workspace(BACKEND))
        np.testing.assert_array_equal(out, self.gradient)
        return squares

    def product(self, v: Any, structural: float = 0.0) -> Any:
        out = np.zeros(self.P)
        self.at.add_product(v, out, structural, Workspace(BACKEND))
        return out


def recorded(name: str) -> dict[str, Any]:
    return loadmat(GOLDENS / f"{name}.mat", mat_dtype=True)


# --- recorded numbers


def test_loss_gradient_and_products_are_the_recorded_ones() -> None:
    numbers = recorded("own_mrnn")
    kept = np.ones(95, dtype=bool)
    kept[15:20] = False  # a block that this net does not have
    wanted = {name: numbers[name][kept, 0] for name in ("theta", "v", "grad", "Gv", "Sv")}
    found = At(net_of(Sizes(3, 5, 4, 3)), wanted["theta"], block_of(numbers["X"], numbers["Y"], numbers["loss_mask"]))
    # one of the recorded sequences has a loss behind its end, which sequences here cannot have: all are run to step 5
    found.at.__dict__["exists"] = numbers["exists_mask"][:, :, None]
    assert -found.at.log_likelihood == pytest.approx(numbers["loss"].item(), rel=5e-15)
    assert apart(-found.gradient, wanted["grad"]) < 5e-15
    assert apart(found.product(wanted["v"]), wanted["Gv"]) < 5e-15
    assert apart(found.product(wanted["v"], 0.3), wanted["Gv"] + 0.3 * wanted["Sv"]) < 5e-15
    assert apart(found.product(wanted["v"], 1e3) - found.product(wanted["v"]), 1e3 * wanted["Sv"]) < 5e-15


def test_the_blocks_are_packed_as_recorded() -> None:
    numbers = recorded("own_mrnn")
    kept = np.ones(95, dtype=bool)
    kept[15:20] = False
    W = Sizes(3, 5, 4, 3).blocks(numbers["theta"][kept, 0])
    for name in ("W_fx", "W_fh", "W_hf", "W_hx", "b_h", "W_oh", "b_o"):
        np.testing.assert_array_equal(getattr(W, name), numbers[name])
    np.testing.assert_array_equal(W.h_0, numbers["h0"])
    assert W.b_f is None


def from_release_a(packed: Any, sizes: Sizes) -> Any:
    """Reorder parameters of that program, which has no b_h and b_o and whose vectors are rows."""
    D, F, H, O, _ = sizes  # noqa: E741
    counts = {"h_0": H, "W_fh": F * H, "W_hf": H * F, "b_f": F, "W_hx": H * D, "W_fx": F * D, "W_oh": O * H}
    assert sum(counts.values()) == packed.size
    parts = dict(zip(counts, np.split(packed, np.cumsum(list(counts.values()))[:-1]), strict=True))
    parts |= {"b_h": np.zeros(H), "b_o": np.zeros(O)}
    return np.concatenate(
        [parts[name] for name in ("W_fx", "b_f", "W_fh", "W_hf", "W_hx", "b_h", "h_0", "W_oh", "b_o")]
    )


def test_with_a_tanh_gain_it_is_the_net_of_the_first_public_program() -> None:
    numbers = recorded("releaseA_mrnn")
    sizes = Sizes(*(int(numbers[name].item()) for name in "vfho"), True)
    ours = {name: from_release_a(numbers[name].ravel(), sizes) for name in ("X", "grad", "R", "GR", "GR_struct")}
    X, Y = (numbers[name].transpose(2, 0, 1) for name in "VO")
    weights = numbers["M"].reshape(-1, X.shape[2])
    found = At(net_of(sizes), ours["X"], block_of(X, Y, weights))
    there = np.ones(sizes.num_parameters, dtype=bool)
    blocks = sizes.blocks(there)
    blocks.b_h[...] = blocks.b_o[...] = False
    assert apart(found.at.x.reshape(Y.shape), numbers["OX"].transpose(2, 0, 1)) < 5e-15
    assert -found.at.log_likelihood == pytest.approx(numbers["loss"].item(), rel=5e-15)
    assert apart(abs(found.gradient[there]), abs(ours["grad"][there])) < 5e-15
    assert apart(found.product(ours["R"])[there], ours["GR"][there]) < 5e-15
    quarter = numbers["mu_lambda"].item() / 4  # that program damps with ¼(1-h²)
    assert apart(found.product(ours["R"], quarter)[there], ours["GR_struct"][there]) < 5e-15


# --- formulas


def one_hot(symbols: Any, size: int) -> Any:
    return (np.arange(size)[:, None, None] == symbols).astype(float)


def case(has_tanh_gain: bool, output: str = "softmax") -> tuple[MultiplicativeNetwork, Any, SequenceBlock]:
    random = np.random.default_rng(3)
    net = net_of(Sizes(4, 6, 5, 3, has_tanh_gain), output)
    X = one_hot(random.integers(0, 4, (7, 3)), 4)
    Y = one_hot(random.integers(0, 3, (7, 3)), 3)
    weights = random.integers(0, 2, (7, 3)) * 0.7
    return net, 0.5 * random.standard_normal(net.num_parameters), block_of(X, Y, weights)


@pytest.mark.parametrize("has_tanh_gain", [False, True])
@pytest.mark.parametrize("output", ["softmax", "linear", "logistic"])
def test_gradient_and_products_are_derivatives(has_tanh_gain: bool, output: str) -> None:
    net, theta, block = case(has_tanh_gain, output)
    v, w = np.random.default_rng(5).standard_normal((2, net.num_parameters))
    found, h = At(net, theta, block), 1e-6
    up, down = (At(net, theta + step * v, block).at for step in (h, -h))
    # v'Gv = Σ m Ro' H_L Ro, with Ro by differences
    Ro, y = (up.x - down.x) / (2 * h), found.at.y
    assert found.gradient @ v == pytest.approx((up.log_likelihood - down.log_likelihood) / (2 * h), rel=1e-7)
    through = {"linear": 2 * Ro, "logistic": y * (1 - y) * Ro, "softmax": y * Ro - y * (y * Ro).sum(axis=0)}
    assert found.product(v) @ v == pytest.approx((found.at.weights * Ro * through[output]).sum(), rel=1e-7)
    for structural in (0.0, 0.3):
        assert found.product(v, structural) @ w == pytest.approx(found.product(w, structural) @ v, rel=1e-12)
        assert found.product(v, structural) @ v > 0


@pytest.mark.parametrize("has_tanh_gain", [False, True])
def test_look_ups_of_one_hot_inputs_give_what_products_give(has_tanh_gain: bool) -> None:
    net, theta, block = case(has_tanh_gain)
    v = np.random.default_rng(6).standard_normal(net.num_parameters)
    assert block.symbols is not None
    looked_up = At(net, theta, block)
    other = block_of(block.inputs, block.targets, block.loss_weights)
    other.__dict__["symbols"] = None
    multiplied = At(net, theta, other)
    assert apart(looked_up.gradient, multiplied.gradient) < 1e-14
    assert apart(looked_up.product(v, 0.3), multiplied.product(v, 0.3)) < 1e-14
    assert apart(looked_up.squares, multiplied.squares) < 1e-14


def test_only_one_hot_inputs_are_looked_up() -> None:
    X = one_hot(np.array([[0, 1], [2, 2]]), 3)
    for other in (2 * X, X + 0.1, np.where(X, X, 0.5), X[:1], 0 * X, np.ones((1, 2, 2))):
        assert block_of(other, X).symbols is None
    np.testing.assert_array_equal(block_of(X, X).symbols, [[0, 1], [2, 2]])


@pytest.mark.parametrize("has_tanh_gain", [False, True])
def test_a_block_is_the_sum_of_its_sequences_whatever_stands_behind_their_ends(has_tanh_gain: bool) -> None:
    random = np.random.default_rng(4)
    net = net_of(Sizes(3, 4, 5, 2, has_tanh_gain))
    theta, v = 0.5 * random.standard_normal((2, net.num_parameters))
    X, Y, lengths = random.standard_normal((3, 6, 4)), one_hot(random.integers(0, 2, (6, 4)), 2), [6, 2, 5, 3]
    for n, T in enumerate(lengths):
        X[:, T:, n] = Y[:, T:, n] = 1e3
    together = At(net, theta, block_of(X, Y, lengths=np.array(lengths)))
    alone = [At(net, theta, block_of(X[:, :T, n : n + 1], Y[:, :T, n : n + 1])) for n, T in enumerate(lengths)]
    assert together.at.log_likelihood == pytest.approx(sum(each.at.log_likelihood for each in alone), rel=1e-14)
    assert apart(together.gradient, sum(each.gradient for each in alone)) < 1e-14
    assert apart(together.product(v, 0.3), sum(each.product(v, 0.3) for each in alone)) < 1e-14
    assert apart(together.squares, sum(each.gradient**2 for each in alone)) < 1e-14


@pytest.mark.parametrize("has_tanh_gain", [False, True])
def test_the_start_has_gains_near_1_and_15_connections_a_unit(has_tanh_gain: bool) -> None:
    sizes = Sizes(4, 30, 20, 5, has_tanh_gain)
    net = net_of(sizes)
    theta = net.initial_theta(0)
    W = sizes.blocks(theta)
    gain = W.W_fx if W.b_f is None else W.W_fx + W.b_f
    assert gain.mean() == pytest.approx(1, abs=0.15)
    assert gain.std() == pytest.approx(0.3, rel=0.2)
    for block in (W.W_fh, W.W_hf, W.W_oh):
        assert ((block != 0).sum(axis=1) == 15).all()
        assert block[block != 0].std() == pytest.approx(15**-0.5, rel=0.2)
    assert W.W_hx.std() == pytest.approx(0.5, rel=0.2)
    assert not any(block.any() for block in (W.b_h, W.h_0, W.b_o))
    assert not np.array_equal(theta, net.initial_theta(1))
    mask = sizes.blocks(net.decay_mask())
    assert mask.W_hx.all()
    assert not any(block.any() for block in (mask.b_h, mask.h_0, mask.b_o))


# --- the call


def characters(**changes: Any) -> Any:
    symbols = one_hot(np.random.default_rng(1).integers(0, 4, (9, 6)), 4)
    return multiplicative(**{"inputs": symbols[:, :-1], "targets": symbols[:, 1:], "hidden_size": 7, **changes})


@pytest.mark.parametrize("factor_gain", ["linear", "tanh"])
def test_the_call_makes_a_problem_that_learns_and_divides_by_the_steps_with_a_loss(factor_gain: str) -> None:
    weights = np.ones((8, 6))
    weights[:3] = 0
    p = characters(factor_gain=factor_gain, num_factors=5, loss_weights=weights)
    assert p.num_parameters == 5 * 4 + 2 * 5 * 7 + 7 * 4 + 7 + 7 + 4 * 7 + 4 + 5 * (factor_gain == "tanh")
    result = train(problem=p, seed=0, max_epochs=30, precision="double", structural_damping=0.1, preconditioner="none")
    lls = result.history["train_log_likelihood"]
    assert lls[0] > -np.log(4) * 1.5
    assert lls[-1] > -0.1
    assert result.history["train_error"][-1] < 0.1
    (block,) = p.data.blocks(0, 1)
    alone = At(p.model, result.theta, block).at
    assert lls[-1] == pytest.approx(alone.log_likelihood / 30, rel=1e-12)


def test_it_trains_with_a_preconditioner_too() -> None:
    result = train(problem=characters(num_chunks=2), seed=0, max_epochs=6)
    lls = result.history["train_log_likelihood"]
    assert lls[-1] > lls[0]


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"curvature": "hessian"}, "curvature: expected 'gauss_newton' for a multiplicative net, got 'hessian'"),
        ({"curvature": "empirical_fisher"}, "curvature: expected 'gauss_newton' for a multiplicative net, got 'empir"),
        ({"factor_gain": "relu"}, "factor_gain: expected one of 'linear', 'tanh', got 'relu'"),
        ({"curvature": np.ones(2)}, "curvature: expected 'gauss_newton' for a multiplicative net, got array"),
        ({"hidden_size": True}, "hidden_size: expected a whole number of at least 1, got True"),
        ({"hidden_size": 0}, "hidden_size: expected a whole number of at least 1, got 0"),
        ({"num_factors": 2.5}, "num_factors: expected a whole number of at least 1, got 2.5"),
        ({"num_chunks": 4}, "num_chunks: expected a divisor of the 6 sequences in inputs, got 4"),
        ({"targets": np.full((4, 8, 6), 0.5)}, "targets: expected targets of at least 0 that sum to 1 at each step"),
        ({"targets": None}, "targets: expected a value, got none"),
        ({"output_unit": "sofmax"}, "output_unit: expected"),
    ],
)
def test_what_does_not_fit_is_named(changes: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ArgumentError, match="^" + re.escape(sentence)):
        characters(**changes)


@pytest.mark.parametrize("factor_gain", ["linear", "tanh"])
@pytest.mark.parametrize("inputs", ["one-hot", "dense"])
def test_the_passes_run_on_a_device_and_in_single_precision(factor_gain: str, inputs: str) -> None:
    X = np.random.default_rng(2).standard_normal((4, 8, 6))
    problem = characters(
        factor_gain=factor_gain, **({"inputs": X, "lengths": [8, 3, 5, 8, 8, 2]} if inputs == "dense" else {})
    )
    ours = kernels(problem)
    for backend, bound in ((strict_backend("double"), 1e-13), (get_backend("numpy", "single"), 2e-5)):
        theirs = kernels(problem.placed(backend))
        assert {name: far for name in ours if (far := apart(theirs[name], ours[name])) > bound} == {}
