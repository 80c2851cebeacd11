"""`reference_matlab/rnn` against recorded numbers: a dense oracle of the products, and epochs of the loop."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.io

from hf_matlab_compat.matlab.octave.session import OctaveSession
from hf_matlab_compat.parity.engines.reference import OURS
from tests.octave import live

pytestmark = live

GOLDENS = Path(__file__).parents[1] / "goldens" / "rnn"
STARTS = {"h0": "learned", "bias": "bias", "zero": "zero"}
KERNEL = 5e-15
MU = 0.3
ORACLES = tuple(sorted(path.stem for path in GOLDENS.glob("own_rnn_*.mat")))
SPREAD = {
    "own_loop_add": (2e-14, 6e-8, 6e-5),
    "own_loop_mem": (6e-14, 2e-7, 3e-11),
    "own_loop_add_precond": (1e-14, 5e-8, 8e-6),
}
"""How far rounding moves θ in units of the step, in epochs 1, 2 to 7, and 8 from the recorded states."""


@pytest.fixture(scope="module")
def octave():
    with OctaveSession(path=[OURS, OURS / "rnn"], timeout=120) as session:
        yield session


def golden(name: str) -> dict[str, Any]:
    return scipy.io.loadmat(GOLDENS / f"{name}.mat", mat_dtype=True)


def text(value: Any) -> str:
    return str(np.ravel(value)[0])


def apart(ours: Any, theirs: Any) -> float:
    ours, theirs = np.ravel(ours), np.ravel(theirs)
    return float(np.linalg.norm(ours - theirs) / np.linalg.norm(theirs))


def net_of(octave: OctaveSession, recorded: Mapping[str, Any], hidden: int, **options: float) -> Any:
    sizes = np.array([[recorded["X"].shape[0], hidden, recorded["Y"].shape[0]]], float)
    start = STARTS[text(recorded["initial_state"])]
    return octave.call("rnn_net", sizes, text(recorded["hidden"]), text(recorded["output"]), start, options)


def data_of(octave: OctaveSession, recorded: Mapping[str, Any], beyond: float = 0.0) -> Any:
    """Return the sequences, with `beyond` in the inputs beyond their ends."""
    X = np.where(recorded["exists_mask"][None] > 0, recorded["X"], beyond)
    return octave.call("rnn_data", X, recorded["Y"], recorded["lengths"], recorded["loss_mask"], "double")


@pytest.mark.parametrize("name", ORACLES)
def test_gradient_and_products_are_those_of_the_dense_oracle(octave, name):
    recorded = golden(name)
    active = recorded["active"].ravel() > 0
    theta, v, grad, grad2, Gv, Sv = (recorded[k].ravel()[active] for k in ("theta", "v", "grad", "grad2", "Gv", "Sv"))
    net, data, Z = net_of(octave, recorded, 5), data_of(octave, recorded, beyond=3.7), recorded["loss_mask"].sum()
    ll, _ = octave.call("rnn_LL", theta, data, 1, net, nout=2)
    g, _, oldll = octave.call("rnn_gradient", theta, data, 1, net, 1, nout=3)
    squares = octave.call("rnn_squares", theta, data, 1, net)
    G, GS = (octave.call("rnn_GV", v, theta, data, 1, net, None, 0, mu) for mu in (0, MU))
    pairs = {
        "ll": (ll, -recorded["loss"] / Z),
        "oldll": (oldll, -recorded["loss"] / Z),
        "grad": (g, -grad / Z),
        "grad2": (squares, grad2 / Z),
        "Gv": (G, -Gv / Z),
        "Gv and Sv": (GS, -(Gv + MU * Sv) / Z),
    }
    assert {what: far for what, pair in pairs.items() if not (far := apart(*pair)) <= KERNEL} == {}


@pytest.mark.parametrize("name", SPREAD)
def test_epochs_from_recorded_states_make_the_recorded_decisions(octave, name):
    recorded = golden(name)
    number = {key: float(recorded[key].item()) for key in ("mu", "weight_decay", "initial_lam", "max_cg_steps")}
    net = net_of(octave, recorded, 8, mu=number["mu"], weightcost=number["weight_decay"])
    exponent = float(recorded["preconditioner_exponent"].item())
    constants = octave.call(
        "default_constants",
        {
            "precision": "double",
            "maxiters": number["max_cg_steps"],
            "preconditioner_exponent": None if np.isnan(exponent) else exponent,
        },
    )
    data, chunks = data_of(octave, recorded), recorded["num_chunks"].item()
    theta, d = _without_start(recorded, net, "theta"), _without_start(recorded, net, "d")
    for k in range(8):
        lam = recorded["lam_used"][k].item()
        after, _, lam, figures, iterates, _ = octave.call(
            "rnn_epoch", theta[:, k], 0.95 * d[:, k], lam, k + 1, data, chunks, net, constants, nout=6
        )
        spread = 10 * SPREAD[name][0 if k == 0 else 2 if k == 7 else 1]
        ours = [figures[one].item() for one in ("cg_steps", "chose_iters", "reductions", "rate")] + [lam.item()]
        theirs = [recorded[one][k].item() for one in ("cg_steps", "chosen_step", "reductions", "rate", "lam_after")]
        assert ours == pytest.approx(theirs, rel=1e-15), k + 1
        step = np.linalg.norm(theta[:, k + 1] - theta[:, k])
        assert np.linalg.norm(after.ravel() - theta[:, k + 1]) / step <= spread, k + 1
        assert apart(figures["rho"], recorded["rho"][k]) <= 10 * spread, k + 1
        if k == 0:
            early = iterates[0], _without_start(recorded, net, "cg_iterates_1")[:, 0]
            assert apart(*early) <= 1e-13


def _without_start(recorded: Mapping[str, Any], net: Mapping[str, Any], name: str) -> Any:
    """Return the columns of a recording, which has all blocks, without those of a start that is no parameter."""
    columns = recorded[name]
    if net["initial_state"] != "zero":
        return columns
    D, H, _ = (int(size) for size in net["sizes"].ravel())
    first = H * D + H * H + H
    return np.delete(columns, slice(first, first + H), axis=0)


def test_rnn_train_goes_through_the_epochs(octave):
    recorded = golden("own_loop_mem")
    net = net_of(octave, recorded, 8, mu=3.0)
    overrides = {"precision": "double", "maxiters": 9, "initlambda": 0.1}
    given = (recorded["X"], recorded["Y"], recorded["lengths"], recorded["loss_mask"])
    theta, trace = octave.call("rnn_train", recorded["theta"][:, 0], *given, 1, net, 3, 0.95, overrides, nout=2)
    assert trace["cg_steps"].ravel().tolist() == recorded["cg_steps"][:3, 0].tolist()
    assert apart(trace["ll_after"], recorded["ll_after"][:3]) < 1e-7
    assert apart(theta, trace["paramsp"][:, -1]) == 0


def test_bad_sequences_are_refused_in_one_sentence(octave):
    X, Y = np.ones((2, 4, 3)), np.ones((1, 4, 3))
    with pytest.raises(Exception, match=r"lengths: expected 1 \.\.\. 4, and no loss beyond the end"):
        octave.call("rnn_data", X, Y, np.array([4.0, 5, 1]), None, "double")
    with pytest.raises(Exception, match="hidden: expected 'tanh'"):
        octave.call("rnn_net", np.array([[2.0, 3, 1]]), "softmax", "linear", "zero")
